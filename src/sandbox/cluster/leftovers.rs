//! Processes that an earlier run left behind, and how they are ended.
//!
//! Called only while we hold the folder's lock, so that whatever still works in it belongs to nobody.

use super::ClusterError;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(20);

/// Ends what still works in the data folder, and removes the lock file of a server that is gone: its
/// pid may belong to another process by now, and PostgreSQL would refuse to start.
pub(super) fn end(data: &Path) -> Result<(), ClusterError> {
    let lock_file = data.join("postmaster.pid");
    if !lock_file.exists() && in_folder(data).is_empty() {
        return Ok(());
    }
    if let Some(postmaster) = noted_postmaster(data) {
        tracing::warn!(
            pid = postmaster.as_raw(),
            "ending the PostgreSQL server that an earlier run left behind"
        );
        let patience = [(Signal::SIGINT, 15), (Signal::SIGQUIT, 5), (Signal::SIGKILL, 5)];
        insist(&[postmaster], &patience);
    }
    // Backends that outlived a killed postmaster keep its shared memory.
    let backends = in_folder(data);
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

/// The pid in the lock file, when it really is a server of this folder.
fn noted_postmaster(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?);
    let ours = if Path::new("/proc/self").exists() {
        works_in(pid, data)
    } else {
        command_line_names(pid, data)
    };
    ours.then_some(pid)
}

/// All PostgreSQL processes whose working folder this is. Empty where there is no /proc.
fn in_folder(data: &Path) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(|pid| works_in(*pid, data))
        .collect()
}

/// By working folder and program: somebody's shell may stand in the folder as well.
fn works_in(pid: Pid, data: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    let program = fs::read_to_string(process.join("comm")).unwrap_or_default();
    matches!(program.trim(), "postgres" | "postmaster")
        && fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == data)
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
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // `pid (name) state …`, and the name may contain anything.
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.starts_with('Z')
}
