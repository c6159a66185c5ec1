//! The built program, driven from outside as a person or an orchestrator would.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
};

use super::{
    app::{Home, PROGRAM, variables},
    client::Client,
    servers,
};

/// A running `strongroom`. Dropped, it is killed.
pub struct Program {
    /// Its folder lives as long as it does.
    _home: Home,
    pub child: Child,
    pub url: String,
    /// What it has printed to standard output so far.
    pub printed: Arc<Mutex<String>>,
    errors: Arc<Mutex<String>>,
}

/// A process that is killed when this is dropped, also by a test that fails.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program with these arguments on this home, not started yet. Nothing of the test's own environment leaks in.
pub fn command(home: &Home, port: u16, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().envs(variables(home, port, settings)).current_dir(home.dir.path());
    command
}

/// Runs the program to its end, with this on standard input.
pub fn run(home: &Home, arguments: &[&str], settings: &[(&str, &str)], input: &str) -> Output {
    use std::io::Write as _;
    let mut command = command(home, servers::free_port(), arguments, settings);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

impl Program {
    /// Starts it and waits until it says that it is ready (`serve`) or works the queue (`worker`).
    pub fn start(home: &Home, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let program = Self::spawn(home, arguments, settings);
        super::until("the program is ready", || {
            let ready = program.printed.lock().unwrap().contains("is ready");
            ready || program.errors.lock().unwrap().contains("working the queue")
        });
        program
    }

    /// Starts it and waits for nothing.
    pub fn spawn(home: &Home, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let port = servers::free_port();
        let mut command = command(home, port, arguments, settings);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let printed = collect(child.stdout.take().unwrap());
        let errors = collect(child.stderr.take().unwrap());
        Self { _home: home.clone(), child, url: format!("http://127.0.0.1:{port}"), printed, errors }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// What it has written to standard error so far.
    pub fn errors(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = std::time::Instant::now() + super::app::PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(std::time::Instant::now() < deadline, "the program does not end; it wrote:\n{}", self.errors());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl std::io::Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&text);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            shared.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
        let _ = reader.read_to_end(&mut line);
    });
    text
}
