//! The program under test as a process: started, watched, told to stop, killed.

use super::place::Variables;
use super::wait::{PATIENCE, try_until, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// A command of the program. It sees nothing of our own settings and databases.
pub fn interlock(folder: &Path, variables: &Variables, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interlock"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(variables)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What a command that ended by itself said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The one clear message: exit code 2, one line that has all of these words, no panic.
    #[track_caller]
    pub fn refused_with(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:?}");
        let told: Vec<&str> =
            self.err.lines().filter(|line| line.starts_with("interlock: ")).collect();
        assert_eq!(told.len(), 1, "one message: {self:?}");
        for word in words {
            assert!(self.err.contains(word), "`{word}` is not told: {self:?}");
        }
        assert!(!self.err.contains("panicked"), "{self:?}");
    }
}

/// Runs a command to its end.
pub async fn run(folder: &Path, variables: &Variables, arguments: &[&str]) -> Said {
    let running = interlock(folder, variables, arguments).output();
    let output = tokio::time::timeout(PATIENCE, running).await.expect("it ends").unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A running process. Dropping it kills it.
pub struct Program {
    child: Child,
    pid: Pid,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Program {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = Arc::default();
        collect(child.stdout.take().unwrap(), &lines);
        collect(child.stderr.take().unwrap(), &lines);
        let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap());
        Self { child, pid, lines }
    }

    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Everything that it has printed.
    pub fn said(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Waits for a line that contains the text.
    pub async fn says(&mut self, text: &str) {
        let found = try_until(PATIENCE, || async { self.said().contains(text).then_some(()) });
        if found.await.is_none() {
            panic!("it never said `{text}`, but:\n{}", self.said());
        }
    }

    /// Waits until the API answers.
    pub async fn serves(&mut self, api: u16) {
        let ready = try_until(PATIENCE, || async {
            let answer = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = answer.get(format!("http://127.0.0.1:{api}/readyz")).send().await;
            answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
        });
        if ready.await.is_none() {
            panic!("it is not ready:\n{}", self.said());
        }
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("it does not end:\n{}", self.said()),
        }
    }

    /// Tells it to stop and waits until it has.
    pub async fn stop(&mut self, signal: Signal) -> ExitStatus {
        kill(self.pid, signal).unwrap();
        self.ended().await
    }

    /// As when the power goes.
    pub async fn kill(&mut self) {
        self.stop(Signal::SIGKILL).await;
    }
}

fn collect(stream: impl AsyncRead + Unpin + Send + 'static, into: &Arc<Mutex<Vec<String>>>) {
    let into = into.clone();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            into.lock().unwrap().push(line);
        }
    });
}

/// Waits until no such process is left.
pub async fn gone(pid: Pid) {
    until("a process to be gone", || async { kill(pid, None).is_err().then_some(()) }).await;
}
