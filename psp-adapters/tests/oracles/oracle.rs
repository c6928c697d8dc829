//! One program around one library: started by a test, asked line by line, ended with the test.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Some libraries take seconds to load on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles")
}

/// Whether the installed lists are those of this checkout.
fn is_current(installed: &Path) -> bool {
    let same = |name: &str| {
        let read = |folder: PathBuf| std::fs::read(folder.join(name)).ok();
        let ours = read(here().join("packages"));
        ours.is_some() && ours == read(installed.join("lists"))
    };
    installed.join("complete").exists()
        && ["requirements.txt", "package.json", "package-lock.json"].iter().all(|name| same(name))
}

/// Where the oracles are. None, and a word about it, when they are not there; a failure where
/// `INTERLOCK_ORACLES=required` says that they must be, as `make test` does.
pub fn installed() -> Option<PathBuf> {
    let wish = std::env::var("INTERLOCK_ORACLES").unwrap_or_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracles");
    if wish != "skip" && is_current(&folder) {
        return Some(folder);
    }
    assert!(wish != "required", "the oracles are not installed: run scripts/oracles.sh");
    eprintln!("skipped: the oracles are not installed (scripts/oracles.sh installs them)");
    None
}

/// A command without the proxies of this machine's environment: all talk stays on loopback.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.env("NO_PROXY", "*").kill_on_drop(true);
    command
}

/// A command that runs one of Node's programs, with the installed packages in reach.
pub fn node(installed: &Path) -> Command {
    let mut command = command("node");
    command.env("NODE_PATH", installed.join("node/node_modules"));
    command
}

/// What an oracle said: its answer, or its refusal as `CLASS: message`.
pub type Said = Result<Value, String>;

pub struct Oracle {
    name: &'static str,
    // Killed when the test drops it.
    _process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Oracle {
    /// Starts `programs/{name}`, in the language that its ending names.
    pub fn start(name: &'static str) -> Option<Self> {
        let installed = installed()?;
        let program = here().join("programs").join(name);
        let mut command = if name.ends_with(".py") {
            command(installed.join("python/bin/python"))
        } else {
            node(&installed)
        };
        // Python would leave compiled files beside its programs.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(program).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        Some(Self { name, _process: process, questions, answers })
    }

    pub async fn ask(&mut self, ask: &str, mut question: Value) -> Said {
        question["ask"] = ask.into();
        self.questions.write_all(format!("{question}\n").as_bytes()).await.unwrap();
        let line = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{} does not answer {ask}", self.name));
        let line = line.unwrap().unwrap_or_else(|| panic!("{} ended at {ask}", self.name));
        let answer: Value = serde_json::from_str(&line).unwrap();
        match answer["error"].as_str() {
            None => Ok(answer["ok"].clone()),
            Some(class) => Err(format!("{class}: {}", answer["message"].as_str().unwrap())),
        }
    }
}
