//! The configuration of the mocks, as code or as a JSON file.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;

/// All mock PSP accounts of one process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MockConfig {
    /// Where the control API listens. Port 0 takes any free one.
    #[serde(default = "default_control_addr")]
    pub control_addr: SocketAddr,
    /// Seed of all chance.
    #[serde(default)]
    pub seed: u64,
    /// Folder of the books, which then survive a restart; without it they live in memory.
    #[serde(default)]
    pub books_dir: Option<PathBuf>,
    pub accounts: Vec<MockAccount>,
    /// Screening vendors.
    #[serde(default)]
    pub vendors: Vec<MockVendor>,
}

fn default_control_addr() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

/// One PSP account on a loopback port of its own.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MockAccount {
    /// The account's id, as in `trustly-de`.
    pub id: String,
    /// 0 takes any free port.
    #[serde(default)]
    pub port: u16,
    /// Which PSP's wire format it speaks, one of [`crate::mocks`].
    pub psp: String,
    /// The currency of its books.
    pub currency: String,
    /// Where its notifications go, for PSPs that are told so once and not with every request.
    #[serde(default)]
    pub webhook_url: String,
    /// Whatever the PSP and its merchant have agreed on: names, shared secrets, keys in PEM.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

impl fmt::Debug for MockAccount {
    /// Without the settings: they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockAccount")
            .field("id", &self.id)
            .field("port", &self.port)
            .field("psp", &self.psp)
            .finish_non_exhaustive()
    }
}

impl MockAccount {
    /// A setting that must be there.
    pub(crate) fn setting(&self, key: &str) -> anyhow::Result<String> {
        let value = self.settings.get(key).filter(|value| !value.is_empty());
        value.cloned().with_context(|| format!("the setting {key} is missing"))
    }
}

/// One screening vendor on a loopback port of its own.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MockVendor {
    /// As in `/vendors/{id}`.
    pub id: String,
    /// 0 takes any free port.
    #[serde(default)]
    pub port: u16,
    /// Whose wire format it speaks, one of [`crate::mock_vendors`].
    pub vendor: String,
    /// Shared secrets.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

impl fmt::Debug for MockVendor {
    /// Without the settings: they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockVendor")
            .field("id", &self.id)
            .field("port", &self.port)
            .field("vendor", &self.vendor)
            .finish_non_exhaustive()
    }
}
