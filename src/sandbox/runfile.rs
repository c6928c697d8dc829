//! `run.json`: where the running sandbox is, for commands that are started beside it.

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a command needs to know of a running sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub api_url: String,
    /// The mocks' control.
    pub control_url: String,
    pub app_url: String,
    pub owner_url: String,
}

/// The file while the sandbox runs; dropping it removes it.
#[derive(Debug)]
pub struct RunFile(PathBuf);

impl RunFile {
    /// Writes `run.json` into the sandbox's folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(home: &Path, running: &Running) -> io::Result<Self> {
        let path = home.join("run.json");
        let unfinished = home.join("run.json.unfinished");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(&serde_json::to_vec_pretty(running)?)?;
        // Renamed, so that nobody ever reads half of it.
        fs::rename(&unfinished, &path)?;
        Ok(Self(path))
    }
}

impl Drop for RunFile {
    fn drop(&mut self) {
        // Should it stay, its pid tells that it is stale.
        let _ = fs::remove_file(&self.0);
    }
}

/// The sandbox that runs in this folder, or none. A file whose process is gone counts as none.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn find(home: &Path) -> io::Result<Option<Running>> {
    let bytes = match fs::read(home.join("run.json")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let running: Running = serde_json::from_slice(&bytes)?;
    Ok(is_alive(running.pid).then_some(running))
}

fn is_alive(pid: u32) -> bool {
    let Ok(pid) = i32::try_from(pid) else {
        return false;
    };
    kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(pid: u32) -> Running {
        Running {
            pid,
            api_url: "http://127.0.0.1:8080".to_owned(),
            control_url: "http://127.0.0.1:8090".to_owned(),
            app_url: "postgres:///interlock?host=/x&user=interlock_app".to_owned(),
            owner_url: "postgres:///interlock?host=/x&user=interlock_owner".to_owned(),
        }
    }

    #[test]
    fn a_sandbox_is_found_while_it_runs_only() {
        let template = std::env::temp_dir().join("interlock-run-XXXXXX");
        let home = nix::unistd::mkdtemp(&template).unwrap();
        assert_eq!(find(&home).unwrap(), None);

        let ours = running(std::process::id());
        let file = RunFile::write(&home, &ours).unwrap();
        assert_eq!(find(&home).unwrap(), Some(ours));
        drop(file);
        assert_eq!(find(&home).unwrap(), None);

        // No process has the highest pid that there could be.
        let stale = RunFile::write(&home, &running(i32::MAX.unsigned_abs())).unwrap();
        assert_eq!(find(&home).unwrap(), None);
        drop(stale);
        fs::remove_dir_all(&home).unwrap();
    }
}
