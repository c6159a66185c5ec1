//! The processes that render, with the real binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use futures_util::{FutureExt, StreamExt};
use image::{ImageFormat, RgbImage};
use strongroom::error::{Error, Result};
use strongroom::thumbnails::pool::{Outcome, RenderOptions, Renderers};
use strongroom_render::{RenderLimits, render};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::samples::{bare_bitmap, encode, photograph, png, quadrants, zlib};

/// A pool whose processes can be told from those of others in this program by the memory they are allowed.
struct Pool {
    renderers: Renderers,
    memory: u64,
}

impl Pool {
    fn with(slots: usize, options: RenderOptions) -> Self {
        static DISTINCT: AtomicU64 = AtomicU64::new(0);
        let memory = options.memory + DISTINCT.fetch_add(1, Ordering::Relaxed);
        let program = PathBuf::from(env!("CARGO_BIN_EXE_strongroom"));
        Self { renderers: Renderers::new(program, slots, RenderOptions { memory, ..options }), memory }
    }

    fn new(slots: usize) -> Self {
        // Generous: the machine that runs the tests is busy.
        Self::with(slots, RenderOptions { deadline: Duration::from_secs(60), ..RenderOptions::default() })
    }

    async fn render(&self, bytes: &[u8]) -> Result<Outcome> {
        self.renderers.render(pieces(bytes), bytes.len() as u64).await
    }

    async fn assert_works(&self) {
        let outcome = self.render(&small()).await.unwrap();
        assert!(matches!(outcome, Outcome::Rendered(_)), "{outcome:?}");
    }

    /// The processes of this pool that live.
    fn processes(&self) -> BTreeSet<u32> {
        let command_line = format!("\0render\0{}\0", self.memory);
        let ours = format!("PPid:\t{}\n", std::process::id());
        let contains = |file: String, text: &str| fs::read_to_string(file).is_ok_and(|read| read.contains(text));
        let processes =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        processes
            .filter(|id: &u32| {
                contains(format!("/proc/{id}/cmdline"), &command_line) && contains(format!("/proc/{id}/status"), &ours)
            })
            .collect()
    }

    /// The one process of this pool. A process that has just been started has no command line yet.
    async fn process(&self) -> u32 {
        let seen = async {
            loop {
                if let Some(process) = self.processes().pop_first() {
                    break process;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(10), seen).await.expect("there is no process")
    }

    async fn until_no_process_lives(&self) {
        let gone = async {
            while !self.processes().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(10), gone).await.expect("a process lives on");
    }
}

fn small() -> Vec<u8> {
    encode(quadrants(300, 200), ImageFormat::Jpeg)
}

/// Takes 180 MB and a while to render.
fn slow() -> Vec<u8> {
    encode(RgbImage::new(8_000, 7_500), ImageFormat::Png)
}

/// Zeros, as zlib packs them: a hundredth of a percent of the 120 MB that they unfold to.
fn unfolding() -> Vec<u8> {
    let png = encode(image::GrayImage::new(12_000, 10_000), ImageFormat::Png);
    let mut stream = Vec::new();
    let mut rest = &png[8..];
    while let [a, b, c, d, name @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        if name.starts_with(b"IDAT") {
            stream.extend_from_slice(&name[4..4 + length]);
        }
        rest = &name[length + 8..];
    }
    stream
}

fn pieces(bytes: &[u8]) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let pieces: Vec<_> = bytes.chunks(50_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

/// The bytes, and a signal once they have all been taken.
fn announced(bytes: &[u8]) -> (impl Stream<Item = Result<Bytes>> + Send + 'static, oneshot::Receiver<()>) {
    let (taken, signal) = oneshot::channel();
    let end = async move {
        taken.send(()).ok();
        Ok(Bytes::new())
    };
    (pieces(bytes).chain(end.into_stream()), signal)
}

/// A header of the protocol, as it goes through a pipe.
fn prefixed(header: &str) -> Vec<u8> {
    [&u32::try_from(header.len()).unwrap().to_le_bytes(), header.as_bytes()].concat()
}

/// A figure of a process from `/proc/ID/status`, in bytes.
fn figure(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim_end_matches("kB").trim().parse::<u64>().unwrap() << 10
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn a_process_renders_what_the_function_renders() {
    let pool = Pool::new(1);
    for bytes in [
        small(),
        encode(photograph(1_000, 700), ImageFormat::Png),
        encode(image::RgbaImage::new(600, 9), ImageFormat::Png),
    ] {
        let expected = render(&bytes, &RenderLimits::default(), &[100, 250, 500]).unwrap();
        assert_eq!(pool.render(&bytes).await.unwrap(), Outcome::Rendered(expected));
    }
}

#[tokio::test]
async fn damage_is_told_and_costs_no_process() {
    let pool = Pool::new(1);
    pool.assert_works().await;
    let before = pool.processes();
    let png = encode(photograph(400, 300), ImageFormat::Png);
    let outcome = pool.render(&png[..30]).await.unwrap();
    assert_eq!(outcome, Outcome::Damaged("The image is damaged: its data ends too early.".to_owned()));
    assert!(matches!(pool.render(b"").await.unwrap(), Outcome::Damaged(_)));
    pool.assert_works().await;
    assert_eq!((pool.processes(), before.len()), (before, 1));
}

#[tokio::test]
async fn ten_at_once_share_two_processes() {
    let pool = Pool::new(2);
    let bytes = small();
    let outcomes = futures_util::future::join_all((0..10).map(|_| pool.render(&bytes))).await;
    assert!(outcomes.into_iter().all(|outcome| matches!(outcome, Ok(Outcome::Rendered(_)))));
    assert_eq!(pool.processes().len(), 2);
}

#[tokio::test]
async fn a_process_is_replaced_now_and_then() {
    let pool = Pool::new(1);
    let bytes = encode(quadrants(1, 1), ImageFormat::Png);
    pool.assert_works().await;
    let first = pool.process().await;
    for _ in 0..500 {
        assert!(matches!(pool.render(&bytes).await.unwrap(), Outcome::Rendered(_)));
    }
    assert!(!pool.processes().contains(&first));
    pool.assert_works().await;
}

#[tokio::test]
async fn a_source_that_fails_is_not_the_fault_of_the_image() {
    let pool = Pool::new(1);
    let bytes = small();
    let broken = pieces(&bytes[..1_000]).chain(stream::iter([Err(Error::unavailable("the blob store", "gone"))]));
    let outcome = pool.renderers.render(broken, bytes.len() as u64).await;
    assert!(matches!(outcome, Err(Error::Unavailable { what: "the blob store", .. })), "{outcome:?}");
    pool.assert_works().await;
}

#[tokio::test]
async fn a_source_of_another_length_is_refused() {
    let pool = Pool::new(1);
    let bytes = small();
    for length in [bytes.len() - 1, bytes.len() + 1] {
        let outcome = pool.renderers.render(pieces(&bytes), length as u64).await;
        assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
        pool.assert_works().await;
    }
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_renders_is_replaced() {
    let pool = Pool::new(1);
    let bytes = slow();
    let (source, sent) = announced(&bytes);
    let killing = async {
        sent.await.unwrap();
        kill(pool.process().await);
    };
    let (outcome, ()) = tokio::join!(pool.renderers.render(source, bytes.len() as u64), killing);
    assert_eq!(outcome.unwrap(), Outcome::Crashed("the renderer died (signal: 9 (SIGKILL))".to_owned()));
    pool.assert_works().await;
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_is_fed_is_replaced() {
    let pool = Pool::new(1);
    let bytes = encode(photograph(800, 600), ImageFormat::Bmp);
    let source = pieces(&bytes[..60_000]).chain(
        async {
            kill(pool.process().await);
            Ok(Bytes::new())
        }
        .into_stream(),
    );
    let source = source.chain(pieces(&bytes[60_000..]));
    let outcome = pool.renderers.render(source, bytes.len() as u64).await.unwrap();
    assert_eq!(outcome, Outcome::Crashed("the renderer died (signal: 9 (SIGKILL))".to_owned()));
    pool.assert_works().await;
}

#[tokio::test]
async fn a_process_that_died_in_its_sleep_is_not_used() {
    let pool = Pool::new(1);
    pool.assert_works().await;
    let process = pool.process().await;
    kill(process);
    // Only then can it be told that it died.
    while !fs::read_to_string(format!("/proc/{process}/status")).is_ok_and(|status| status.contains("State:\tZ")) {
        tokio::task::yield_now().await;
    }
    pool.assert_works().await;
}

#[tokio::test]
async fn the_deadline_ends_what_takes_too_long() {
    let pool = Pool::with(1, RenderOptions { deadline: Duration::from_millis(1), ..RenderOptions::default() });
    pool.renderers.start_one().await;
    let before = pool.process().await;
    let outcome = pool.render(&slow()).await.unwrap();
    assert_eq!(outcome, Outcome::Crashed("rendering took longer than 1ms".to_owned()));
    pool.until_no_process_lives().await;
    assert!(!PathBuf::from(format!("/proc/{before}")).exists());
}

#[tokio::test]
async fn a_slow_source_does_not_use_up_the_deadline() {
    let deadline = Duration::from_secs(3);
    let pool = Pool::with(1, RenderOptions { deadline, ..RenderOptions::default() });
    let bytes = small();
    let pause = async {
        // Time that passes is what this is about.
        tokio::time::sleep(deadline + Duration::from_millis(200)).await;
        Ok(Bytes::new())
    };
    let source = pieces(&bytes[..500]).chain(pause.into_stream()).chain(pieces(&bytes[500..]));
    let outcome = pool.renderers.render(source, bytes.len() as u64).await.unwrap();
    assert!(matches!(outcome, Outcome::Rendered(_)), "{outcome:?}");
}

#[tokio::test]
async fn an_image_that_needs_more_memory_than_a_process_may_take_is_refused_before_it_is_tried() {
    let options = RenderOptions { memory: 64 << 20, deadline: Duration::from_secs(60), ..RenderOptions::default() };
    let pool = Pool::with(1, options);
    pool.assert_works().await;
    let before = pool.process().await;
    let refused = Outcome::Damaged("The image needs more memory to scale than this server allows.".to_owned());
    assert_eq!(pool.render(&bare_bitmap(8_000, 7_500)).await.unwrap(), refused);
    // A source that is too large by itself is not even sent.
    let nothing = stream::iter([Err(Error::unavailable("the blob store", "nobody may ask it"))]);
    assert_eq!(pool.renderers.render(nothing, 80 << 20).await.unwrap(), refused);
    pool.assert_works().await;
    assert_eq!(pool.process().await, before);
    assert!(figure(before, "VmHWM") < 64 << 20);
}

#[tokio::test]
async fn a_bomb_is_refused_within_two_seconds_and_64_mebibytes() {
    let many_pixels = "The image has 4.3 gigapixels; at most 64 megapixels can be scaled.";
    let bombs = [
        (png(65_000, 65_000, [16, 6], &[(b"IDAT", zlib(&vec![0; 60_000]))]), many_pixels),
        (png(65_000, 65_000, [1, 0], &[(b"IDAT", zlib(&vec![0; 60_000]))]), many_pixels),
        // A colour profile.
        (
            png(8, 8, [8, 2], &[(b"iCCP", [b"p\0\0".as_slice(), &unfolding()].concat())]),
            "The image is damaged: its data ends too early.",
        ),
    ];
    for (bomb, reason) in bombs {
        let pool = Pool::new(1);
        pool.assert_works().await;
        let begun = Instant::now();
        assert_eq!(pool.render(&bomb).await.unwrap(), Outcome::Damaged(reason.to_owned()));
        assert!(begun.elapsed() < Duration::from_secs(2));
        let taken = figure(pool.process().await, "VmHWM");
        assert!(taken < 64 << 20, "{taken} bytes");
    }
}

#[tokio::test]
async fn after_200_hostile_files_a_process_has_as_much_memory_as_before() {
    let pool = Pool::new(1);
    let [photo, transparent] = [
        encode(photograph(1_500, 1_000), ImageFormat::Jpeg),
        encode(image::RgbaImage::new(1_500, 1_000), ImageFormat::Png),
    ];
    let png = encode(photograph(700, 500), ImageFormat::Png);
    let bmp = encode(photograph(300, 200), ImageFormat::Bmp);
    for bytes in [&photo, &transparent] {
        assert!(matches!(pool.render(bytes).await.unwrap(), Outcome::Rendered(_)));
    }
    let process = pool.process().await;
    let before = figure(process, "VmRSS");
    for round in 0..50 {
        let cut = |bytes: &[u8]| bytes[..bytes.len() * (round + 1) / 52].to_vec();
        let mut flipped = png.clone();
        flipped[40 + round * 97] ^= 0x55;
        let mut lying = bmp.clone();
        lying[18..22].copy_from_slice(&(16_000_u32 + round as u32).to_le_bytes());
        for hostile in [cut(&photo), flipped, lying, [b"GIF89a".as_slice(), &cut(&photo)].concat()] {
            // Some of it can be shown; none of it costs the process.
            assert!(!matches!(pool.render(&hostile).await.unwrap(), Outcome::Crashed(_)));
        }
    }
    assert_eq!(pool.process().await, process);
    let after = figure(process, "VmRSS");
    assert!(after < before + (4 << 20), "{before} bytes before, {after} after");
}

#[tokio::test]
async fn dropping_a_render_ends_its_process() {
    let pool = Pool::new(1);
    let bytes = small();
    let (started, running) = oneshot::channel();
    let started = async {
        started.send(()).ok();
        Ok(Bytes::new())
    };
    let endless = pieces(&bytes[..500]).chain(started.into_stream()).chain(stream::pending());
    let mut render = Box::pin(pool.renderers.render(endless, bytes.len() as u64));
    tokio::select! {
        outcome = &mut render => panic!("{outcome:?}"),
        _ = running => assert!(pool.process().await > 0),
    }
    drop(render);
    pool.until_no_process_lives().await;
    pool.assert_works().await;
}

#[tokio::test]
async fn a_process_ends_with_its_input_even_while_it_renders() {
    use std::io::Write;
    use std::process::Stdio;

    let bytes = slow();
    let header =
        format!(r#"{{"order":"render","limits":{{"max_pixels":64000000,"max_side":16384}},"length":{}}}"#, bytes.len());
    let go = r#"{"order":"go"}"#;
    let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["render", "1073741824"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for message in [&prefixed(&header), &bytes, &prefixed(go)] {
        input.write_all(message).unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("confined_by") && !said.contains("rendered"), "{output:?}");
}

#[tokio::test]
async fn after_a_shutdown_no_process_is_left_and_none_is_started() {
    let pool = Pool::new(2);
    let bytes = small();
    let (one, other) = tokio::join!(pool.render(&bytes), pool.render(&bytes));
    assert!(one.is_ok() && other.is_ok());
    pool.renderers.shutdown().await;
    assert!(pool.processes().is_empty());
    assert!(matches!(pool.render(&bytes).await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_the_fault_of_the_image() {
    let renderers = Renderers::new(PathBuf::from("/nowhere/strongroom"), 1, RenderOptions::default());
    let bytes = small();
    assert!(matches!(renderers.render(pieces(&bytes), bytes.len() as u64).await, Err(Error::Internal(_))));
}

/// What came of each attempt to do what a process that renders must not: `None` when nothing was in the way.
fn probe(confined: &str) -> BTreeMap<String, Option<String>> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_strongroom")).args(["render", "1073741824", "--probe", confined]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What was refused.
fn refused(confined: &str) -> Vec<String> {
    probe(confined).into_iter().filter_map(|(what, refusal)| refusal.map(|_| what)).collect()
}

const ATTEMPTS: [&str; 10] = [
    "connect",
    "list a folder",
    "listen",
    "make a file",
    "open a datagram socket",
    "read a file",
    "signal the parent",
    "start a process",
    "start a thread",
    "take more memory",
];

#[test]
fn a_process_that_renders_can_reach_nothing() {
    assert_eq!(refused("everything"), ATTEMPTS);
    // Without anything in the way all of it works, or the above would mean nothing.
    assert_eq!((refused("nothing"), probe("nothing").len()), (Vec::new(), ATTEMPTS.len()));
}

#[test]
fn each_layer_that_shuts_a_process_in_holds_by_itself() {
    assert_eq!(refused("seccomp"), ATTEMPTS[..9]);
    let limits = refused("limits");
    for what in ["take more memory", "read a file", "list a folder", "make a file", "connect", "start a process"] {
        assert!(limits.iter().any(|refused| refused == what), "{what} in {limits:?}");
    }
    // As far as the kernel goes: TCP from Linux 6.7 on, signals from 6.12 on.
    let landlock = refused("landlock");
    for what in ["read a file", "list a folder", "make a file", "start a process"] {
        assert!(landlock.iter().any(|refused| refused == what), "{what} in {landlock:?}");
    }
}

/// A program that speaks the protocol and renders nothing: it says what it needs, and notes in a log when it has said so,
/// when it may go on, and when it is done.
struct Actor {
    program: PathBuf,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Actor {
    /// `needs`: in bytes. `act`: what it does once it may go on, as a shell would. `$log` is the log of all its processes.
    fn new(needs: u64, act: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (program, log) = (folder.path().join("actor"), folder.path().join("log"));
        let length = Self::SOURCE.len();
        let order =
            format!(r#"{{"order":"render","limits":{{"max_pixels":64000000,"max_side":16384}},"length":{length}}}"#);
        let (job, go) = (prefixed(&order).len() + length, prefixed(r#"{"order":"go"}"#).len());
        let text = format!(
            r#"#!/bin/sh
PATH=/usr/bin:/bin
log={log}
say() {{ printf "\\$(printf %03o ${{#1}})\\000\\000\\000%s" "$1"; }}
hear() {{ [ "$(head -c $1 | wc -c)" = $1 ] || exit 1; }}
say '{{"confined_by":[],"missing":[]}}'
while true; do
    hear {job}
    echo needs >>$log
    say '{{"answer":"needs","bytes":{needs}}}'
    hear {go}
    echo go >>$log
    {act}
    echo done >>$log
    say '{{"answer":"damaged","reason":"It was only a rehearsal."}}'
done
"#,
            log = log.display(),
        );
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { program, log, _folder: folder }
    }

    const SOURCE: &'static [u8] = &[7; 1000];

    /// How so many jobs at once end that have this much memory for all of them, and what was noted.
    async fn perform(&self, jobs: usize, options: RenderOptions) -> (Vec<Outcome>, Vec<String>) {
        let renderers = Renderers::new(self.program.clone(), jobs, options);
        let job = || renderers.render(pieces(Self::SOURCE), Self::SOURCE.len() as u64);
        let outcomes = futures_util::future::join_all((0..jobs).map(|_| job())).await;
        let log = fs::read_to_string(&self.log).unwrap();
        let log = log.lines().filter(|line| *line != "needs").map(str::to_owned).collect();
        (outcomes.into_iter().map(Result::unwrap).collect(), log)
    }
}

fn rehearsed() -> Outcome {
    Outcome::Damaged("It was only a rehearsal.".to_owned())
}

#[tokio::test]
async fn images_wait_for_memory_and_take_it_one_after_the_other() {
    let patient = RenderOptions { deadline: Duration::from_secs(60), ..RenderOptions::default() };
    // Whoever may go on waits until all of them want to.
    let together = "until [ $(grep -c needs $log) = 4 ]; do :; done";
    for (needs, budget) in [(50 << 20, 100 << 20), (1 << 40, 100 << 20)] {
        let actor = Actor::new(needs, together);
        let (outcomes, log) = actor.perform(4, RenderOptions { memory_budget: budget, ..patient }).await;
        assert_eq!(outcomes, vec![rehearsed(); 4]);
        assert_eq!(log, ["go", "done"].repeat(4));
    }
    // With memory for all of them they are at it at the same time.
    let actor = Actor::new(50 << 20, "until [ $(grep -c go $log) = 4 ]; do :; done");
    let (outcomes, log) = actor.perform(4, patient).await;
    assert_eq!(outcomes, vec![rehearsed(); 4]);
    assert_eq!(log[..4], ["go"; 4]);
}

#[tokio::test]
async fn waiting_for_memory_does_not_use_up_the_deadline() {
    // Time that passes is what this is about: the third waits for as long as the first two take.
    let actor = Actor::new(1 << 30, "sleep 1.2");
    let options = RenderOptions { deadline: Duration::from_secs(2), ..RenderOptions::default() };
    let (outcomes, log) = actor.perform(3, options).await;
    assert_eq!((outcomes, log.len()), (vec![rehearsed(); 3], 6));
}

#[tokio::test]
async fn a_process_that_dies_gives_its_memory_back() {
    let actor = Actor::new(1 << 30, "[ $(grep -c go $log) != 1 ] || kill -9 $$");
    let options = RenderOptions { deadline: Duration::from_secs(60), ..RenderOptions::default() };
    let (outcomes, log) = actor.perform(3, options).await;
    let died = Outcome::Crashed("the renderer died (signal: 9 (SIGKILL))".to_owned());
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == died).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == rehearsed()).count(), 2, "{outcomes:?}");
    assert_eq!(log, ["go", "go", "done", "go", "done"]);
}

#[tokio::test]
async fn a_panic_fails_one_image_and_replaces_its_process() {
    let actor = Actor::new(1, r#"[ $(grep -c go $log) != 1 ] || say '{"answer":"failed","what":"panicked: 7"}'"#);
    let renderers = Renderers::new(actor.program.clone(), 1, RenderOptions::default());
    let job = || renderers.render(pieces(Actor::SOURCE), Actor::SOURCE.len() as u64);
    assert_eq!(job().await.unwrap(), Outcome::Crashed("panicked: 7".to_owned()));
    assert_eq!(job().await.unwrap(), rehearsed());
}

#[tokio::test]
async fn a_program_that_never_says_it_is_ready_is_given_up_on() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("silent");
    fs::write(&program, "#!/bin/sh\nexec /bin/sleep 60\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let options = RenderOptions { deadline: Duration::from_millis(1), ..RenderOptions::default() };
    let renderers = Renderers::new(program, 1, options);
    let outcome = renderers.render(pieces(b"x"), 1).await.unwrap();
    assert_eq!(outcome, Outcome::Crashed("the renderer did not start within 2s".to_owned()));
}

#[tokio::test]
async fn large_images_with_little_memory_for_all_of_them_are_all_rendered() {
    let options =
        RenderOptions { memory_budget: 32 << 20, deadline: Duration::from_secs(60), ..RenderOptions::default() };
    let pool = Pool::with(4, options);
    let [png, jpeg] = [ImageFormat::Png, ImageFormat::Jpeg].map(|format| encode(photograph(3_000, 2_000), format));
    let outcomes = futures_util::future::join_all((0..6).map(|at| pool.render([&png, &jpeg][at % 2]))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(Outcome::Rendered(_)))), "{outcomes:?}");
}

#[tokio::test]
async fn a_process_is_started_ahead_and_used() {
    let pool = Pool::new(1);
    pool.renderers.start_one().await;
    let ahead = pool.process().await;
    pool.assert_works().await;
    assert_eq!(pool.processes(), BTreeSet::from([ahead]));
}
