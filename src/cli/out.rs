//! What commands print: as the standard macros of these names do, but a reader who has gone
//! (`interlock prove | head -1`, a terminal that was closed) ends nothing. The command does its work to
//! the end, and its exit code says what came of it; where what it printed is lost otherwise (a full
//! disk), that is an error too.

use nix::errno::Errno;
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

static LOST: AtomicBool = AtomicBool::new(false);

pub fn put(words: Arguments<'_>) {
    let mut out = io::stdout().lock();
    let done = out.write_fmt(words).and_then(|()| out.flush());
    if let Err(error) = done
        && !has_no_reader(&error)
    {
        LOST.store(true, Ordering::Relaxed);
    }
}

fn has_no_reader(error: &io::Error) -> bool {
    let is_closed_terminal = error.raw_os_error() == Some(Errno::EIO as i32);
    error.kind() == ErrorKind::BrokenPipe || is_closed_terminal
}

/// The exit code, unless something that was printed is lost.
pub fn or_lost(code: ExitCode) -> ExitCode {
    if !LOST.load(Ordering::Relaxed) {
        return code;
    }
    let told = "what this command printed could not be written in full: is the disk full?";
    let _ = writeln!(io::stderr().lock(), "interlock: {told}");
    ExitCode::from(2)
}

macro_rules! print {
    ($($words:tt)*) => { $crate::cli::out::put(format_args!($($words)*)) };
}

macro_rules! println {
    () => { print!("\n") };
    ($($words:tt)*) => { $crate::cli::out::put(format_args!("{}\n", format_args!($($words)*))) };
}

macro_rules! eprintln {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), $($words)*);
    }};
}
