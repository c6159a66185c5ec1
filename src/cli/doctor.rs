//! `strongroom doctor`.

use std::{
    fmt::Write as _,
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    app::{Instance, Role, StartError},
    config::Config,
    service::{Extent, Finding, Outcome, Pace, Problem, Report},
};

/// Look for lost and left-over data, and mend it
///
/// Compares every stored byte's place with the database, on the store that the configuration names, also while servers run
/// on it. It reports files whose bytes are gone, thumbnails that are gone, rows that cannot be read, bytes that belong to no
/// file and are older than an hour (the setting `blobs.orphan_grace`), uploads that nobody finishes, images that wait too long for their thumbnails,
/// and thumbnail jobs that were given up on. With `--contents` it also reads every file and compares it with its checksum.
///
/// A damaged SQLite database is reported, and nothing is compared with it.
///
/// The exit status is 0 when nothing is wrong or everything is mended, and 1 otherwise.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  strongroom doctor
  strongroom doctor --repair
  strongroom doctor --contents
  strongroom doctor --json | jq '.findings[] | select(.problem == \"missing_original\")'

After the database was restored from a backup, files that were uploaded since are \"orphaned_blob\": look before you --repair.")]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of the command line")]
pub struct Doctor {
    /// Mend what can be mended: remove what belongs to no file, have thumbnails made again, queue images again
    #[arg(long)]
    repair: bool,
    /// With --repair: remove bytes of no file even where they are more than those of files, as with a wrong database
    #[arg(long, requires = "repair")]
    force: bool,
    /// Read every file, and compare it with the SHA-256 of what was uploaded
    #[arg(long)]
    contents: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode, StartError> {
        let instance = Instance::open(config, Role::Inspect, super::environment(Duration::ZERO)?).await?;
        let progress = Progress::new();
        let checkup = &instance.app.services.checkup;
        let extent = Extent { repair: self.repair, force: self.force, contents: self.contents };
        let report = checkup.run(extent, Pace::Full, |part| progress.show(part)).await;
        progress.clear();
        instance.close().await;
        let report = report.map_err(|error| StartError(error.to_string()))?;
        let text = if self.json { format!("{:#}\n", as_json(&report)) } else { as_table(&report) };
        super::print(&text);
        Ok(if report.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Says on a terminal how far it is, in per cent.
struct Progress {
    shown: Option<AtomicU8>,
}

impl Progress {
    fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal().then(|| AtomicU8::new(u8::MAX)) }
    }

    fn show(&self, part: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1")]
        let percent = (part * 100.0) as u8;
        if let Some(shown) = &self.shown
            && shown.swap(percent, Ordering::Relaxed) != percent
        {
            let _ = write!(std::io::stderr(), "\r{percent} %");
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r     \r");
        }
    }
}

fn as_json(report: &Report) -> Value {
    let tallies = Problem::ALL.into_iter().map(|problem| {
        let tally = report.tallies.get(&problem).copied().unwrap_or_default();
        (problem.as_str().to_owned(), json!({ "found": tally.found, "mended": tally.mended }))
    });
    let findings = report.findings.iter().map(|finding| {
        let (is_mended, outcome) = outcome(finding);
        json!({
            "problem": finding.problem.as_str(),
            "file": finding.file.map(|it| it.to_string()),
            "blob": finding.blob.map(|it| it.to_string()),
            "detail": finding.detail,
            "mended": is_mended,
            "outcome": outcome,
        })
    });
    json!({
        "healthy": report.is_healthy(),
        "rows": report.rows,
        "blobs": report.blobs,
        "bytes": report.bytes,
        "verified": report.verified,
        "tooYoung": report.young,
        "foreignFiles": report.foreign,
        "foreignNames": report.foreign_names,
        "seconds": report.took.as_secs_f64(),
        "problems": tallies.collect::<serde_json::Map<_, _>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn outcome(finding: &Finding) -> (bool, String) {
    match &finding.outcome {
        Outcome::Left(what) => (false, (*what).to_owned()),
        Outcome::Mended(how) => (true, (*how).to_owned()),
        Outcome::Failed(why) => (false, format!("not mended: {why}")),
    }
}

fn as_table(report: &Report) -> String {
    let mut text = String::new();
    let heading = ["PROBLEM", "FILE OR BLOB", "WHAT IS WRONG", "WHAT WAS DONE, OR HELPS"].map(str::to_owned);
    let rows = report.findings.iter().map(|finding| {
        let file = finding.file.map(|it| it.to_string());
        let about = file.or_else(|| finding.blob.map(|it| it.to_string())).unwrap_or_default();
        [finding.problem.as_str().replace('_', " "), about, finding.detail.clone(), outcome(finding).1]
    });
    let lines: Vec<_> = std::iter::once(heading).chain(rows).collect();
    if lines.len() > 1 {
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2)];
        for [problem, about, detail, outcome] in &lines {
            let [first, second, third] = widths;
            let _ = writeln!(text, "{problem:first$}  {about:second$}  {detail:third$}  {outcome}");
        }
        text.push('\n');
    }
    let total: u64 = report.tallies.values().map(|tally| tally.found).sum();
    if total > report.findings.len() as u64 {
        let _ = writeln!(text, "Shown are {} of {total}.", report.findings.len());
    }
    for (problem, tally) in &report.tallies {
        let mended = if tally.mended > 0 { format!(", {} mended", tally.mended) } else { String::new() };
        let _ = writeln!(text, "{}: {}{mended}", problem.as_str().replace('_', " "), tally.found);
    }
    if report.young > 0 {
        let (are, when) =
            if report.young == 1 { ("blob of no file is", "it is") } else { ("blobs of no file are", "they are") };
        let _ = writeln!(text, "{} {are} younger than blobs.orphan_grace: look again when {when} not.", report.young);
    }
    if report.foreign > 0 {
        let (are, names) = (if report.foreign == 1 { "file is" } else { "files are" }, report.foreign_names.join(", "));
        let more = if report.foreign > report.foreign_names.len() as u64 { ", ..." } else { "" };
        let _ = writeln!(
            text,
            "{} {are} among the blobs and not Strongroom's, and left alone: {names}{more}",
            report.foreign
        );
    }
    let verdict = match (report.is_healthy(), report.tallies.values().any(|tally| tally.mended > 0)) {
        (true, false) => "Nothing is wrong.",
        (true, true) => "Everything that was wrong is mended.",
        (false, _) => "Something is wrong.",
    };
    let verified = match report.verified {
        0 => String::new(),
        1 => ", compared 1 file with its checksum".to_owned(),
        files => format!(", compared {files} files with their checksums"),
    };
    let (rows, blobs, bytes) =
        (counted(report.rows, "row"), counted(report.blobs, "blob"), counted(report.bytes, "byte"));
    let seconds = report.took.as_secs_f64();
    let _ = writeln!(text, "{verdict} Looked at {rows} and {blobs} of {bytes}{verified} in {seconds:.1} s.");
    text
}

/// `1 row`, `2 rows`.
fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
