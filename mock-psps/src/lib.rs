//! Mock PSPs that speak the real wire formats, each PSP account on its own loopback port, with
//! books of their own and every bad thing a PSP does.
//!
//! Nothing here is shared with the adapters: each format is written again from the PSP's own
//! documentation, so that one misreading cannot cancel itself out.
//!
//! Modules in reading order: `config` (what runs), `server` (ports that can go down and reset
//! connections), `book` (what really moved), `faults` (what goes wrong), `psp` (one account and
//! the dialect it speaks), `registry` (which dialects there are), `scenario` (what payers and banks do), `webhooks` (how it is told),
//! `statement` (settlement files), `pages` (hosted pages), `control` (the API of tests and the
//! demo), and the PSPs: `trustly`, `truelayer`.

mod adyen;
mod book;
mod clock;
mod config;
mod control;
mod faults;
mod ids;
mod mercadopago;
mod money;
mod pages;
mod psp;
mod registry;
mod scenario;
mod server;
mod statement;
mod truelayer;
mod trustly;
mod webhooks;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::book::{Book, Kind, Status};
use crate::faults::Faults;
use crate::psp::Psp;
use crate::server::Gate;

pub use crate::config::{MockAccount, MockConfig};
pub use crate::registry::mocks;

/// The mocks at work. Dropping it leaves them running; `stop` ends them.
pub struct Running {
    /// Base address of the control API.
    pub control_url: String,
    pub psps: Vec<RunningPsp>,
    accounts: control::Psps,
    control: Gate,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("control_url", &self.control_url)
            .field("psps", &self.psps)
            .finish_non_exhaustive()
    }
}

/// One mock PSP account at work.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunningPsp {
    pub id: String,
    pub base_url: String,
}

impl Running {
    /// Closes all ports and ends all background work; the books are on disk already.
    pub async fn stop(self) {
        self.control.down().await;
        for psp in self.accounts.iter() {
            psp.gate.down().await;
            psp.quiet();
        }
    }
}

/// Starts the mocks; when this returns, all ports are open.
///
/// # Errors
/// A port that is taken, a key that cannot be read, or books that cannot be opened.
pub async fn start(config: MockConfig) -> anyhow::Result<Running> {
    anyhow::ensure!(config.control_addr.ip().is_loopback(), "the control API is loopback only");
    if let Some(folder) = &config.books_dir {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {folder:?}"))?;
    }
    let mut accounts: Vec<Arc<Psp>> = Vec::new();
    for account in &config.accounts {
        anyhow::ensure!(
            accounts.iter().all(|psp| psp.id != account.id),
            "two accounts are called {}",
            account.id
        );
        let psp = open(&config, account).await;
        accounts.push(psp.with_context(|| format!("starting the PSP account {}", account.id))?);
    }
    let accounts = Arc::new(accounts);
    let control = Gate::bind(config.control_addr).await.context("binding the control API")?;
    control.open(control::routes(accounts.clone())).await?;
    let psps = accounts
        .iter()
        .map(|psp| RunningPsp { id: psp.id.clone(), base_url: psp.gate.base_url() })
        .collect();
    Ok(Running { control_url: control.base_url(), psps, accounts, control })
}

async fn open(config: &MockConfig, account: &MockAccount) -> anyhow::Result<Arc<Psp>> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    anyhow::ensure!(
        !account.id.is_empty() && account.id.bytes().all(plain),
        "an id is made of letters, digits, - and _"
    );
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, account.port));
    let gate = Arc::new(Gate::bind(address).await.context("binding its port")?);
    let file = config.books_dir.as_deref().map(|dir| books_file(dir, &account.id));
    let book = Book::open(file.as_deref())?;
    let dialect = registry::open(account, gate.base_url())?;
    let faults = Faults::new(config.seed, &account.id);
    let psp = Psp::new(
        account.id.clone(),
        account.currency.clone(),
        dialect.clone(),
        book,
        faults,
        gate,
    )?;
    let psp = Arc::new(psp);
    psp.gate.open(dialect.routes(psp.clone())).await?;
    webhooks::resume(&psp);
    // A bank does not forget a payout because the PSP was restarted.
    let movements = psp.book.movements();
    let waiting = |m: &&book::Movement| m.status == Status::Pending && m.kind != Kind::Deposit;
    movements.iter().filter(waiting).for_each(|movement| scenario::by_itself(&psp, movement));
    Ok(psp)
}

fn books_file(folder: &Path, id: &str) -> std::path::PathBuf {
    folder.join(format!("{id}.jsonl"))
}
