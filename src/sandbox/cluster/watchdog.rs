//! Ends the server when we are gone without having stopped it.
//!
//! A shell that waits for the end of its standard input, a pipe that only this process holds. The
//! kernel closes it when we end, by SIGKILL too, and then the shell stops the server. (The usual
//! means, PR_SET_PDEATHSIG, needs unsafe code and exists on Linux only.)

use super::ClusterError;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// `$1` is the server's pid, `$2` a folder to remove afterwards or empty. SIGINT is PostgreSQL's
/// fast shutdown; after ten seconds it is told to stop at once.
const SCRIPT: &str = r#"
while read -r line; do :; done
kill -INT "$1" 2>/dev/null
n=0
while kill -0 "$1" 2>/dev/null && [ "$n" -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
kill -QUIT "$1" 2>/dev/null && sleep 1
[ -z "$2" ] || rm -rf -- "$2"
"#;

#[derive(Debug)]
pub(super) struct Watchdog(Child);

impl Watchdog {
    /// Watches over the server; `remove` names a folder that shall go with it.
    pub fn over(server_pid: u32, remove: Option<&Path>) -> Result<Self, ClusterError> {
        // Not as the server's user: removing the folder takes our rights.
        let child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "interlock-watchdog"])
            .arg(server_pid.to_string())
            .arg(remove.unwrap_or(Path::new("")))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/")
            // Ctrl-C in the terminal must not end it before us.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        child
            .map(Self)
            .map_err(|source| ClusterError::Run { program: PathBuf::from("/bin/sh"), source })
    }

    /// Ends the watch; the server must have ended before, or it would lose its guard.
    pub fn dismiss(&mut self) {
        // It may have ended by itself; there is nothing left to do then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.dismiss();
    }
}
