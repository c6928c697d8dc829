//! The binary. Everything it can do is in [`interlock::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    interlock::cli::run()
}
