//! Whom the server runs as.

use super::ClusterError;
use nix::unistd::{Gid, Uid, User};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The system account of the server: ourselves, or when we are root somebody without rights.
#[derive(Debug, Clone)]
pub(super) struct ServerUser {
    pub name: String,
    pub uid: Uid,
    pub gid: Gid,
    /// We are root and run the server as this user.
    pub lowered: bool,
}

impl ServerUser {
    pub fn choose() -> Result<Self, ClusterError> {
        let me = Uid::effective();
        if !me.is_root() {
            let name = User::from_uid(me).ok().flatten().map(|user| user.name);
            return Ok(Self {
                name: name.unwrap_or_else(|| me.to_string()),
                uid: me,
                gid: Gid::effective(),
                lowered: false,
            });
        }
        let found = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root())
            .ok_or(ClusterError::NoUser)?;
        Ok(Self { name: found.name, uid: found.uid, gid: found.gid, lowered: true })
    }

    /// A command that runs as this user, in a process group of its own (Ctrl-C in the terminal is
    /// ours to handle, in order) and with nothing of our environment: PGDATA, PGPORT, LANG and the
    /// like would change what PostgreSQL does.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/")
            .process_group(0)
            .stdin(std::process::Stdio::null());
        if self.lowered {
            // Setting the uid as root drops root's supplementary groups too.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }
}
