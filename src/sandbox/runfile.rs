//! `run.json`: where the running sandbox is, for commands that are started beside it; and the lock that
//! says whether one runs at all.
//!
//! The lock ends with the process that holds it, however that ended. A process's number says nothing: in a
//! container the next process has the same.

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// The right to run in a folder: of one process, for as long as it lives.
#[derive(Debug)]
pub struct Claim {
    _lock: Flock<File>,
}

/// Whoever looks whether a sandbox runs has the lock for a moment, too.
const TRIES: u32 = 10;
const BREATH: Duration = Duration::from_millis(20);

impl Claim {
    /// None: another process runs here.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn take(home: &Path) -> io::Result<Option<Self>> {
        for _ in 0..TRIES {
            let file = options().open(lock_path(home))?;
            if let Some(lock) = locked(file, FlockArg::LockExclusiveNonblock)? {
                return Ok(Some(Self { _lock: lock }));
            }
            std::thread::sleep(BREATH);
        }
        Ok(None)
    }
}

/// The file while the sandbox runs; dropping it removes it.
#[derive(Debug)]
pub struct RunFile(PathBuf);

impl RunFile {
    /// Writes `run.json` into the folder of whoever may run there.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(home: &Path, _claim: &Claim, running: &Running) -> io::Result<Self> {
        let path = home.join("run.json");
        let unfinished = home.join("run.json.unfinished");
        let mut file = options().truncate(true).open(&unfinished)?;
        file.write_all(&serde_json::to_vec_pretty(running)?)?;
        // Renamed when it is on the disk, so that nobody ever reads half of it.
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        Ok(Self(path))
    }
}

impl Drop for RunFile {
    fn drop(&mut self) {
        // Should it stay, nobody has the lock, which tells that it is stale.
        let _ = fs::remove_file(&self.0);
    }
}

/// The sandbox that runs in this folder, or none. A file whose process is gone counts as none, and one that
/// nobody can make sense of, too.
///
/// # Errors
/// A file that is there and cannot be opened.
pub fn find(home: &Path) -> io::Result<Option<Running>> {
    let Some(lock) = there(File::open(lock_path(home)))? else {
        return Ok(None);
    };
    if locked(lock, FlockArg::LockSharedNonblock)?.is_some() {
        return Ok(None);
    }
    let bytes = there(fs::read(home.join("run.json")))?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn lock_path(home: &Path) -> PathBuf {
    home.join("run.lock")
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// None: another process has it.
fn locked(file: File, how: FlockArg) -> io::Result<Option<Flock<File>>> {
    match Flock::lock(file, how) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}

fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Running {
        Running {
            pid: std::process::id(),
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

        let claim = Claim::take(&home).unwrap().unwrap();
        assert_eq!(find(&home).unwrap(), None, "it has not said yet where it is");
        let file = RunFile::write(&home, &claim, &running()).unwrap();
        assert_eq!(find(&home).unwrap(), Some(running()));
        assert!(Claim::take(&home).unwrap().is_none(), "one at a time");
        let text = fs::read(home.join("run.json")).unwrap();
        drop(file);
        assert_eq!(find(&home).unwrap(), None);

        // What a killed sandbox leaves behind, although a process of its number lives: this one.
        drop(claim);
        fs::write(home.join("run.json"), &text).unwrap();
        assert_eq!(find(&home).unwrap(), None);
        let claim = Claim::take(&home).unwrap().unwrap();
        fs::write(home.join("run.json"), b"{\"pid\":").unwrap();
        assert_eq!(find(&home).unwrap(), None, "half of it is none of it");
        drop(claim);
        fs::remove_dir_all(&home).unwrap();
    }
}
