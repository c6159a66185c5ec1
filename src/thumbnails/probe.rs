//! Tries what a process that renders must not be able to do, for the tests: `strongroom render MEMORY --probe LAYERS`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::{env, process, thread};

use clap::ValueEnum;
use rustix::process::{getppid, test_kill_process};

use super::sandbox;

/// What confines the process that tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Confined {
    /// Nothing: everything works, or the other results would mean nothing.
    Nothing,
    /// Resource limits alone.
    Limits,
    /// Landlock alone.
    Landlock,
    /// seccomp alone.
    Seccomp,
    /// All that confines a process that renders.
    Everything,
}

/// Confines itself and prints what came of each attempt, as JSON: `null`, or how it was refused.
pub fn run(memory: u64, confined: Confined) -> io::Result<()> {
    // Everything that the attempts need, as long as it can be had.
    let program = env::current_exe()?;
    let folder = env::temp_dir();
    let (made, found) = (folder.join(format!("strongroom-probe-{}", process::id())), folder);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let parent = getppid().ok_or(io::ErrorKind::NotFound)?;

    let by = |layer| confined == layer || confined == Confined::Everything;
    let address_space = sandbox::address_space();
    if by(Confined::Landlock) {
        sandbox::landlock().map_err(io::Error::other)?;
    }
    if by(Confined::Limits) {
        sandbox::limit_resources(address_space.saturating_add(memory))?;
    }
    if by(Confined::Seccomp) {
        sandbox::seccomp().map_err(io::Error::other)?;
    }

    let mut outcomes = BTreeMap::new();
    let mut attempt = |what: &'static str, outcome: io::Result<()>| {
        outcomes.insert(what, outcome.err().map(|error| error.to_string()));
    };
    attempt("read a file", File::open(&program).map(drop));
    attempt("list a folder", fs::read_dir(found).map(drop));
    attempt("make a file", File::create(&made).and_then(|mut file| file.write_all(b"x")));
    attempt("connect", TcpStream::connect(address).map(drop));
    attempt("listen", TcpListener::bind("127.0.0.1:0").map(drop));
    attempt("open a datagram socket", UdpSocket::bind("127.0.0.1:0").map(drop));
    attempt(
        "start a process",
        Command::new(&program).arg("--version").stdout(process::Stdio::null()).status().map(drop),
    );
    attempt("start a thread", thread::Builder::new().spawn(|| ()).map(drop));
    attempt("signal the parent", test_kill_process(parent).map_err(io::Error::from));
    let large = usize::try_from(memory).unwrap_or(usize::MAX);
    attempt("take more memory", Vec::<u8>::new().try_reserve_exact(large).map_err(io::Error::other));
    fs::remove_file(made).ok();

    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &outcomes)?;
    output.flush()
}
