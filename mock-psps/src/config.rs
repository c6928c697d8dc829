//! The configuration of the mocks, as code or as a JSON file.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

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
}

fn default_control_addr() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

/// One PSP account on a loopback port of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MockAccount {
    /// The account's id, as in `trustly-de`.
    pub id: String,
    /// 0 takes any free port.
    #[serde(default)]
    pub port: u16,
    pub kind: MockKind,
}

/// Which PSP an account is with, and the secrets of both sides.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum MockKind {
    Trustly {
        username: String,
        password: String,
        /// Verifies the merchant's requests and notification replies.
        merchant_public_key_pem: String,
        /// Signs answers and notifications.
        trustly_private_key_pem: String,
        currency: String,
    },
    TrueLayer {
        client_id: String,
        client_secret: String,
        merchant_account_id: String,
        signing_kid: String,
        /// Verifies `Tl-Signature` of requests.
        signing_public_key_pem: String,
        webhook_kid: String,
        /// Signs webhooks.
        webhook_private_key_pem: String,
        /// Where webhooks go.
        webhook_url: String,
        currency: String,
    },
}

impl fmt::Debug for MockKind {
    /// Names the PSP only: everything else is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Trustly { .. } => "Trustly",
            Self::TrueLayer { .. } => "TrueLayer",
        };
        f.debug_struct(name).finish_non_exhaustive()
    }
}
