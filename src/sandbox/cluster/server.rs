//! The server process: started, awaited, stopped and reaped.

use super::ClusterError;
use super::folders::Folders;
use super::leftovers;
use super::programs::Programs;
use super::user::ServerUser;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);
/// Recovery after a crash replays the log of up to `max_wal_size`.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// A fast shutdown writes a checkpoint; on a slow disk that takes its time.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// After `kill -9` of a postmaster a busy backend lives a few seconds more and keeps the shared
/// memory, which blocks the start.
const START_TRIES: u32 = 5;
const LOG_TAIL_LINES: usize = 12;

#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    ended: bool,
}

enum Start {
    Ready,
    Ended,
    TooSlow,
}

impl Server {
    /// Starts the server and waits until it takes connections.
    pub fn launch(
        programs: &Programs,
        user: &ServerUser,
        folders: &Folders,
        temporary: bool,
    ) -> Result<Self, ClusterError> {
        for attempt in 1.. {
            let mut server = Self::spawn(programs, user, folders, temporary)?;
            match server.await_ready(&folders.data) {
                Start::Ready => return Ok(server),
                Start::Ended if attempt < START_TRIES && blocked_by_old_memory(&folders.log) => {
                    leftovers::end(&folders.data)?;
                    sleep(Duration::from_secs(1));
                }
                Start::Ended | Start::TooSlow => break,
            }
        }
        Err(ClusterError::NotReady { tail: tail(&folders.log), log: folders.log.clone() })
    }

    fn spawn(
        programs: &Programs,
        user: &ServerUser,
        folders: &Folders,
        temporary: bool,
    ) -> Result<Self, ClusterError> {
        let log = open_log(&folders.log)?;
        let log_too = log.try_clone().map_err(ClusterError::folder("opening", &folders.log))?;
        let socket = folders.socket.display();
        let mut settings = vec![
            // A unix socket only: nothing of the sandbox's database is on any network.
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={socket}"),
            "unix_socket_permissions=0700".to_owned(),
            "port=5432".to_owned(),
            "max_connections=200".to_owned(),
            "fsync=on".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "logging_collector=off".to_owned(),
            "log_checkpoints=off".to_owned(),
        ];
        // Several test binaries may run at once; what they hold is small, and may be in memory.
        let (buffers, log_max) = if temporary { ("64MB", "512MB") } else { ("256MB", "4GB") };
        settings.push(format!("shared_buffers={buffers}"));
        settings.push(format!("max_wal_size={log_max}"));
        let mut command = user.command(&programs.postgres);
        command.arg("-D").arg(&folders.data);
        for setting in &settings {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::from(log)).stderr(Stdio::from(log_too));
        let child = command
            .spawn()
            .map_err(|source| ClusterError::Run { program: programs.postgres.clone(), source })?;
        Ok(Self { child, ended: false })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        // Asking also reaps it: a zombie would read as a live server in its lock file.
        if !self.ended && !matches!(self.child.try_wait(), Ok(None)) {
            // Its number may be another process's by now.
            self.ended = true;
        }
        !self.ended
    }

    /// Fast shutdown; after its time the process is killed.
    pub fn stop(&mut self) -> Result<(), ClusterError> {
        if self.ended {
            return Ok(());
        }
        self.signal(Signal::SIGINT);
        if self.await_end(STOP_WITHIN) {
            return Ok(());
        }
        self.signal(Signal::SIGQUIT);
        if !self.await_end(Duration::from_secs(5)) {
            // Gone or not ours any more: both mean that there is nothing to wait for.
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.ended = true;
        }
        Err(ClusterError::Killed)
    }

    fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.pid()) {
            // It may have ended meanwhile; the wait that follows finds out.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    fn await_end(&mut self, within: Duration) -> bool {
        let started = Instant::now();
        while self.is_running() {
            if started.elapsed() > within {
                return false;
            }
            sleep(POLL);
        }
        self.ended = true;
        true
    }

    fn await_ready(&mut self, data: &Path) -> Start {
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if !self.is_running() {
                self.ended = true;
                return Start::Ended;
            }
            if is_ready(data, self.pid()) {
                return Start::Ready;
            }
            sleep(POLL);
        }
        Start::TooSlow
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only where starting failed half-way: else the cluster has stopped it before.
        let _ = self.stop();
    }
}

/// The server writes its state into `postmaster.pid`: line 1 its pid, line 8 `ready`. The pid tells
/// whether the file is of this start.
fn is_ready(data: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return false;
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first() == Some(&pid.to_string().as_str()) && lines.get(7) == Some(&"ready")
}

/// A fresh log each time: what it says is about this start.
fn open_log(path: &Path) -> Result<File, ClusterError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(ClusterError::folder("opening", path))
}

fn blocked_by_old_memory(log: &Path) -> bool {
    let text = tail(log);
    text.contains("pre-existing shared memory block") || text.contains("lock file")
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LOG_TAIL_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}
