//! A disk that is full: a small tmpfs that only the server sees.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    ledger::{Answer, Load, Sent, Uploading, rows, verify},
    stand::{Stand, images},
    support::client::Client,
};

/// Of the whole disk, in MiB.
const DISK: u64 = 32;
/// What is taken from it at first and given back later, in bytes.
const ROOM: usize = 16 << 20;

/// Whether this machine lets a process have a tmpfs of its own.
pub fn can_mount() -> bool {
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The same program with the same arguments, with a tmpfs at this folder.
fn on_tmpfs(program: &Command, folder: &Path) -> Command {
    let mut wrapped = Command::new("unshare");
    let script = format!(r#"mount -t tmpfs -o size={DISK}m,mode=700 tmpfs "$0" && exec "$@""#);
    wrapped.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).arg(folder);
    wrapped.arg(program.get_program()).args(program.get_args()).env_clear();
    wrapped.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    wrapped
}

/// Uploads into a full disk are refused with a code; nothing that was acknowledged suffers, and with room all goes on.
pub async fn fill_the_disk(stand: &mut Stand) {
    let folder = stand.home.dir.path().join("data");
    fs::create_dir_all(&folder).unwrap();
    let server = stand.serve_as(&[], |program| on_tmpfs(program, &folder)).await;
    // As the server sees it.
    let disk = PathBuf::from(format!("/proc/{}/root{}", server.pid(), folder.display()));
    let client = Client::new(&server.url).register("ada@example.org").await;
    let into = client.folder("chaos", None).await;
    fs::write(disk.join("filler"), vec![1; ROOM]).unwrap();

    let load = Load { connections: 4, files: 1000, images: 4, pace: Duration::ZERO };
    let sent = Uploading::start(&client, &into, &mut stand.source, load).all().await;
    let refused = |sent: &Sent| match &sent.answer {
        Answer::Acknowledged(_) => false,
        Answer::Refused(answer) if answer.contains("STORAGE_FULL") => true,
        other => panic!("{}: {other:?}", sent.name),
    };
    let full = sent.iter().filter(|sent| refused(sent)).count();
    assert_eq!(full, load.connections, "each connection stops at its first refusal");
    // What is there can be read, and what came in part is not there.
    let stored = rows(&client, &into).await;
    for sent in &sent {
        assert_eq!(stored.contains_key(&sent.name), sent.id().is_some(), "{}: {:?}", sent.name, sent.answer);
        if let Some(row) = stored.get(&sent.name) {
            assert_eq!(client.get(row["url"].as_str().unwrap()).await.status(), 200);
        }
    }

    fs::remove_file(disk.join("filler")).unwrap();
    let room = Instant::now();
    stand.counts.kills += 1;
    let mut folders = vec![(into, sent)];
    stand.uploads_again(&client, &mut folders, room).await;
    for (folder, sent) in &folders {
        for id in images(sent) {
            client.settled(&id).await;
        }
        stand.counts.settled = stand.counts.settled.max(room.elapsed());
        verify(&client, folder, sent, &mut stand.counts, &mut stand.owned).await;
    }
    only_what_is_owned(&disk.join("blobs"), stand.owned.blobs).await;
}

/// Until it is certain that no write that was given up on is still under way, and then asked whether it has happened.
const DECIDED: Duration = Duration::from_secs(150);

/// Waits until no more than these are left.
async fn only_what_is_owned(blobs: &Path, owned: u64) {
    let deadline = Instant::now() + DECIDED;
    loop {
        let folders = fs::read_dir(blobs).unwrap().map(|folder| folder.unwrap().path());
        let names: Vec<_> =
            folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|it| it.unwrap().path()).collect();
        if names.len() as u64 == owned && names.iter().all(|path| !path.display().to_string().contains('#')) {
            return;
        }
        assert!(Instant::now() < deadline, "{} files, where {owned} are owned", names.len());
        sleep(Duration::from_millis(100)).await;
    }
}
