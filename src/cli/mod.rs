//! L5, the command line: one binary, `interlock`.
//!
//! Exit codes: 0 done; 1 the thing that was asked about is not as it should be (a proof that
//! fails, a demo step that came out otherwise, a request that was refused); 2 the command could not
//! do its work, and the message says what to do about it.

#[macro_use]
mod out;

mod ask;
mod audit;
mod console;
mod database;
mod decisions;
mod demo;
mod erase;
mod mocks;
mod noted;
mod policy;
mod routing;
mod routing_text;
mod runtime;
mod sandbox;
mod serve;
mod webhooks;

use crate::app::service::Role;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Payments orchestration for online casinos.
#[derive(Debug, Parser)]
#[command(name = "interlock", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service on DATABASE_URL (the application's role).
    Serve {
        /// The configuration file.
        #[arg(long)]
        config: Option<PathBuf>,
        /// What this instance does; all of it unless said.
        #[arg(long, value_delimiter = ',')]
        role: Vec<Role>,
    },
    /// Run the service with a private PostgreSQL, mock PSPs, and keys that everybody knows.
    Sandbox {
        /// A file that changes single settings.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Who runs the mock PSPs: `own` starts them here, `external` means that they run elsewhere,
        /// at the addresses of the accounts.
        #[arg(long, value_enum, default_value = "own")]
        mocks: sandbox::Mocks,
    },
    /// Run the mock PSPs alone: the sandbox's accounts, or those of a configuration.
    Mocks {
        /// A file that changes single settings, or names other accounts.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Play the story of the sandbox against the one that runs, and check every step.
    Demo,
    /// Bring the database of DATABASE_OWNER_URL up to this program's schema.
    Migrate {
        /// A configuration file: where it has faults they are told, and nothing is migrated.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Read a production configuration and tell everything that is wrong with it.
    CheckConfig {
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Re-check every ledger invariant over the whole database.
    Prove,
    /// Verify the log that proves what was decided and booked, copy it, and hand out evidence.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Make recorded decisions again.
    #[command(subcommand)]
    Decisions(decisions::Decisions),
    /// Check policy files, compare them, and try one on what is on record.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Switch PSPs, markets, directions or methods off and on again, and see how the PSPs do.
    #[command(subcommand)]
    Routing(routing::Routing),
    /// Propose that a player's personal data be erased, or approve it as another person.
    Erase(erase::Erase),
    /// Add, reset and disable the accounts of people who sign in to the console.
    #[command(subcommand)]
    Console(console::Console),
    /// Have messages of PSPs that were put aside applied again.
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// Print the signed headers of an API request.
    Sign(ask::Request),
    /// Sign an API request and send it.
    Call(ask::Request),
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    out::or_lost(command(Cli::parse().command))
}

fn command(command: Command) -> ExitCode {
    match command {
        Command::Serve { config, role } => runtime::block_on(serve::serve(config, role)),
        Command::Sandbox { config, mocks } => runtime::block_on(sandbox::sandbox(config, mocks)),
        Command::Mocks { config } => runtime::block_on(mocks::mocks(config)),
        Command::Demo => runtime::block_on(demo::demo()),
        Command::Migrate { config } => runtime::block_on(database::migrate(config)),
        Command::CheckConfig { config } => serve::check_config(config),
        Command::Prove => runtime::block_on(database::prove()),
        Command::Audit(command) => runtime::block_on(audit::audit(command)),
        Command::Decisions(command) => runtime::block_on(decisions::decisions(command)),
        Command::Policy(command) => runtime::block_on(policy::policy(command)),
        Command::Routing(command) => runtime::block_on(routing::routing(command)),
        Command::Erase(command) => runtime::block_on(erase::erase(command)),
        Command::Console(command) => runtime::block_on(console::console(command)),
        Command::Webhooks(command) => runtime::block_on(webhooks::webhooks(command)),
        Command::Sign(request) => ask::sign(&request),
        Command::Call(request) => runtime::block_on(ask::call(request)),
    }
}
