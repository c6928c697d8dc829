//! Mock PSPs that speak the real wire formats, each PSP account on its own loopback port, with
//! books of their own and every bad thing a PSP does.
//!
//! Nothing here is shared with the adapters: each format is written again from the PSP's own
//! documentation, so that one misreading cannot cancel itself out.
//!
//! Modules in reading order: `config` (what runs), `server` (ports that can go down and reset
//! connections), `tls` (ports that want client certificates), `local` (who is served at all), `tokens`
//! (what clients are let in by), `book` (what really moved), `faults` (what goes wrong), `psp` (one
//! account and the dialect it speaks), `registry` (which dialects there are), `scenario` (what payers and
//! banks do), `chain` (coins and who sends them), `webhooks` (how it is told), `statement` (settlement
//! files), `pages` (hosted pages), `vendors` (who screens), `control` (the API of tests and the demo), and
//! the PSPs, one folder each.

mod adyen;
mod book;
mod chain;
mod clock;
mod coinspaid;
mod config;
mod control;
mod faults;
mod fireblocks;
mod ids;
mod local;
mod mercadopago;
mod money;
mod nuvei;
mod pages;
mod paysafe;
mod pix_efi;
mod pix_keys;
mod psp;
mod registry;
mod scenario;
mod server;
mod statement;
mod swish;
mod tls;
mod tokens;
mod truelayer;
mod trustly;
mod vendors;
mod webhooks;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::book::{Book, Kind, Status};
use crate::clock::Offset;
use crate::faults::Faults;
use crate::psp::Psp;
use crate::server::Gate;
use crate::tls::Tls;
use crate::vendors::Vendor;

pub use crate::config::{MockAccount, MockConfig, MockVendor};
pub use crate::registry::mocks;
pub use crate::vendors::mock_vendors;

/// The mocks at work. Dropping it leaves them running; `stop` ends them.
pub struct Running {
    /// Base address of the control API.
    pub control_url: String,
    pub psps: Vec<RunningPsp>,
    pub vendors: Vec<RunningPsp>,
    accounts: control::Psps,
    screening: control::Vendors,
    control: Gate,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("control_url", &self.control_url)
            .field("psps", &self.psps)
            .field("vendors", &self.vendors)
            .finish_non_exhaustive()
    }
}

/// One mock PSP account, or mock vendor, at work.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunningPsp {
    pub id: String,
    pub base_url: String,
    /// Where its pages for people are, when a browser could not open them at `base_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages_url: Option<String>,
}

impl Running {
    /// Closes all ports and ends all background work; the books are on disk already.
    pub async fn stop(self) {
        self.control.down().await;
        for psp in self.accounts.iter() {
            psp.down().await;
            psp.quiet();
        }
        for vendor in self.screening.iter() {
            // Closing a port cannot fail.
            let _ = vendor.switch(false).await;
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
    let clock = Offset::default();
    let mut accounts: Vec<Arc<Psp>> = Vec::new();
    for account in &config.accounts {
        anyhow::ensure!(
            accounts.iter().all(|psp| psp.id != account.id),
            "two accounts are called {}",
            account.id
        );
        let psp = open(&config, account, &clock).await;
        accounts.push(psp.with_context(|| format!("starting the PSP account {}", account.id))?);
    }
    let accounts = Arc::new(accounts);
    let screening = Arc::new(open_vendors(&config, &clock).await?);
    let control = Gate::bind(config.control_addr).await.context("binding the control API")?;
    control.open(control::routes(accounts.clone(), screening.clone(), &clock)).await?;
    let vendors = screening
        .iter()
        .map(|vendor| RunningPsp {
            id: vendor.id.clone(),
            base_url: vendor.base_url(),
            pages_url: None,
        })
        .collect();
    let psps = accounts
        .iter()
        .map(|psp| RunningPsp {
            id: psp.id.clone(),
            base_url: psp.base_url(),
            pages_url: psp.pages_url(),
        })
        .collect();
    Ok(Running { control_url: control.base_url(), psps, vendors, accounts, screening, control })
}

async fn open_vendors(config: &MockConfig, clock: &Offset) -> anyhow::Result<Vec<Arc<Vendor>>> {
    let mut vendors: Vec<Arc<Vendor>> = Vec::new();
    for account in &config.vendors {
        let is_new = vendors.iter().all(|vendor| vendor.id != account.id);
        anyhow::ensure!(is_new, "two vendors are called {}", account.id);
        let vendor = Vendor::open(account, config.seed, clock).await;
        vendors.push(vendor.with_context(|| format!("starting the vendor {}", account.id))?);
    }
    Ok(vendors)
}

async fn open(
    config: &MockConfig,
    account: &MockAccount,
    clock: &Offset,
) -> anyhow::Result<Arc<Psp>> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    anyhow::ensure!(
        !account.id.is_empty() && account.id.bytes().all(plain),
        "an id is made of letters, digits, - and _"
    );
    let gate = loopback(account.port).await?.secured(Tls::of(account)?);
    let mut account = account.clone();
    let pages = match account.settings.get("pages_port") {
        Some(port) => Some(loopback(port.parse().context("reading pages_port")?).await?),
        None => None,
    };
    if let Some(pages) = &pages {
        account.settings.insert("pages_url".to_owned(), pages.base_url());
    }
    let file = config.books_dir.as_deref().map(|dir| books_file(dir, &account.id));
    let book = Book::open(file.as_deref())?;
    let dialect = registry::open(&account, gate.base_url())?;
    let faults = Faults::new(config.seed, &account.id);
    let psp = Arc::new(Psp::new(&account, dialect, book, faults, clock.clone(), (gate, pages))?);
    psp.open().await?;
    webhooks::resume(&psp);
    // A bank does not forget a payout because the PSP was restarted.
    let movements = psp.book.movements();
    let waiting = |m: &&book::Movement| m.status == Status::Pending && m.kind != Kind::Deposit;
    movements.iter().filter(waiting).for_each(|movement| scenario::by_itself(&psp, movement));
    Ok(psp)
}

async fn loopback(port: u16) -> anyhow::Result<Gate> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Gate::bind(address).await.with_context(|| format!("binding the port {port}"))
}

fn books_file(folder: &Path, id: &str) -> std::path::PathBuf {
    folder.join(format!("{id}.jsonl"))
}
