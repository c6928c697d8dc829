//! Processes that an earlier run left behind, and how they are ended.
//!
//! Called only while we hold the folder's lock, so that whatever still works in it belongs to nobody.

use super::ClusterError;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(20);

/// Whose a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Foreign,
    /// A PostgreSQL of which this system does not tell where it works.
    Unclear,
}

/// Ends what still works in the data folder, and removes the lock file of a server that is gone: its
/// pid may belong to another process by now, and PostgreSQL would refuse to start.
pub(super) fn end(data: &Path) -> Result<(), ClusterError> {
    let lock_file = data.join("postmaster.pid");
    // Looked for first: once their postmaster is gone, a container may not tell any more whose they are.
    let mut backends = in_folder(data);
    if !lock_file.exists() && backends.is_empty() {
        return Ok(());
    }
    match noted(data) {
        Some((postmaster, Whose::Ours)) => {
            tracing::warn!(
                pid = postmaster.as_raw(),
                "ending the PostgreSQL server that an earlier run left behind"
            );
            let patience = [(Signal::SIGINT, 15), (Signal::SIGQUIT, 5), (Signal::SIGKILL, 5)];
            insist(&[postmaster], &patience);
        }
        // Its lock file is all that keeps a second server from the data.
        Some((pid, Whose::Unclear)) if is_alive(pid) => {
            return Err(ClusterError::Unclear { pid: pid.as_raw(), lock_file });
        }
        Some((_, Whose::Unclear | Whose::Foreign)) | None => {}
    }
    // Backends that outlived a killed postmaster keep its shared memory.
    backends.retain(|pid| is_postgres(*pid));
    backends.extend(in_folder(data));
    insist(&backends, &[(Signal::SIGQUIT, 5), (Signal::SIGKILL, 5)]);
    if let Some(alive) = in_folder(data).first() {
        return Err(ClusterError::Leftover { pid: alive.as_raw(), data: data.to_owned() });
    }
    match fs::remove_file(&lock_file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ClusterError::folder("removing", &lock_file)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The pid in the lock file, and whose it is by now.
fn noted(data: &Path) -> Option<(Pid, Whose)> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?);
    let whose = if Path::new("/proc/self").exists() {
        whose(pid, data)
    } else if command_line_names(pid, data) {
        Whose::Ours
    } else {
        Whose::Foreign
    };
    Some((pid, whose))
}

/// All PostgreSQL processes that are known to work in this folder. Empty where there is no /proc.
fn in_folder(data: &Path) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(|pid| whose(*pid, data) == Whose::Ours && is_alive(*pid))
        .collect()
}

/// By program and working folder: somebody's shell may stand in the folder as well. Root of a container without
/// CAP_SYS_PTRACE may not see where another user's process works; then by its command line.
fn whose(pid: Pid, data: &Path) -> Whose {
    if !is_postgres(pid) {
        return Whose::Foreign;
    }
    match fs::read_link(process(pid).join("cwd")) {
        Ok(folder) if folder == data => Whose::Ours,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let line = fs::read(process(pid).join("cmdline")).unwrap_or_default();
            let parent = || parent(pid).filter(|it| is_postgres(*it)).map(|it| whose(it, data));
            by_command_line(&line, data, parent)
        }
        // It has ended, or works elsewhere.
        Ok(_) | Err(_) => Whose::Foreign,
    }
}

/// A server tells its folder after `-D`. What it starts tells a title instead, and belongs to whoever the server
/// does, `parent`, while that lives.
fn by_command_line(line: &[u8], data: &Path, parent: impl FnOnce() -> Option<Whose>) -> Whose {
    if line.starts_with(b"postgres: ") {
        return parent().unwrap_or(Whose::Unclear);
    }
    let mut words = line.split(|byte| *byte == 0);
    let told = words.find_map(|word| word.strip_prefix(b"-D"));
    let folder = told.and_then(|told| if told.is_empty() { words.next() } else { Some(told) });
    let folder = folder.map(|folder| Path::new(OsStr::from_bytes(folder)));
    // By another name it may be ours all the same, and one that is not to be found here says nothing.
    match folder.filter(|it| it.is_absolute()).and_then(|it| it.canonicalize().ok()) {
        Some(folder) if folder == data => Whose::Ours,
        Some(_) => Whose::Foreign,
        None => Whose::Unclear,
    }
}

fn process(pid: Pid) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

fn is_postgres(pid: Pid) -> bool {
    let program = fs::read_to_string(process(pid).join("comm")).unwrap_or_default();
    matches!(program.trim(), "postgres" | "postmaster")
}

/// What follows the name in `/proc/PID/stat`, which is `pid (name) state parent …`. The name may contain anything.
fn stat(pid: Pid) -> String {
    let stat = fs::read_to_string(process(pid).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().unwrap_or_default().trim_start().to_owned()
}

fn parent(pid: Pid) -> Option<Pid> {
    stat(pid).split(' ').nth(1)?.parse().ok().map(Pid::from_raw)
}

/// For systems without /proc.
fn command_line_names(pid: Pid, data: &Path) -> bool {
    let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| {
        let line = String::from_utf8_lossy(&output.stdout);
        line.contains("postgres") && line.contains(&*data.to_string_lossy())
    })
}

/// Sends the signals one after the other, each with so many seconds to take effect.
fn insist(pids: &[Pid], patience: &[(Signal, u64)]) {
    for (signal, secs) in patience {
        let alive: Vec<Pid> = pids.iter().copied().filter(|pid| is_alive(*pid)).collect();
        if alive.is_empty() {
            return;
        }
        for pid in &alive {
            // It may end between the two calls.
            let _ = kill(*pid, *signal);
        }
        let started = Instant::now();
        while alive.iter().any(|pid| is_alive(*pid)) {
            if started.elapsed() > Duration::from_secs(*secs) {
                break;
            }
            sleep(POLL);
        }
    }
}

/// A zombie counts as gone: it holds nothing, and only its parent can reap it.
fn is_alive(pid: Pid) -> bool {
    if kill(pid, None) == Err(Errno::ESRCH) {
        return false;
    }
    !stat(pid).starts_with('Z')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_server_is_that_hides_its_folder() {
        let data = super::super::folders::temporary().unwrap();
        let data = data.canonicalize().unwrap();
        let judged = |words: &[&str], parent: Option<Whose>| {
            let line: Vec<u8> =
                words.iter().flat_map(|it| [it.as_bytes(), b"\0"].concat()).collect();
            by_command_line(&line, &data, || parent)
        };
        let (postgres, here) = ("/usr/lib/postgresql/15/bin/postgres", data.to_str().unwrap());
        assert_eq!(judged(&[postgres, "-D", here, "-c", "port=5432"], None), Whose::Ours);
        assert_eq!(judged(&[postgres, &format!("-D{here}/../{}", name(&data))], None), Whose::Ours);
        assert_eq!(judged(&[postgres, "-D", "/tmp"], None), Whose::Foreign);
        // What says nothing for sure is nobody's leave to take its lock file away.
        for words in [&[postgres] as &[&str], &[postgres, "-D"], &[postgres, "-D", "data"], &[]] {
            assert_eq!(judged(words, None), Whose::Unclear, "{words:?}");
        }
        assert_eq!(judged(&[postgres, "-D", &format!("{here}/none")], None), Whose::Unclear);
        // What a server starts is whose the server is.
        for whose in [Whose::Ours, Whose::Foreign, Whose::Unclear] {
            assert_eq!(judged(&["postgres: checkpointer "], Some(whose)), whose);
        }
        assert_eq!(judged(&["postgres: checkpointer "], None), Whose::Unclear);
        fs::remove_dir(&data).unwrap();
    }

    fn name(folder: &Path) -> &str {
        folder.file_name().unwrap().to_str().unwrap()
    }
}
