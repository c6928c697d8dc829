//! From a command's result to an exit code and one message.

use crate::config::ConfigFault;
use std::future::Future;
use std::process::ExitCode;

/// Runs a command on the asynchronous runtime.
pub fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("starting the runtime")),
    };
    match runtime.block_on(command) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

/// One message with its causes, on standard error.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("interlock: {error:#}");
    ExitCode::from(2)
}

/// Every fault of a configuration, a line each.
pub fn faults(faults: &[ConfigFault]) -> ExitCode {
    eprintln!("interlock: the configuration has {} fault(s):", faults.len());
    for fault in faults {
        eprintln!("  {}: {} {}", fault.source, fault.key, fault.message);
    }
    ExitCode::from(2)
}
