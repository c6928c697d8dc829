//! CoinsPaid (CryptoProcessing) API v2: permanent deposit addresses, withdrawals, signed callbacks.
//!
//! Everything is signed with HMAC-SHA512 over the very bytes of the body, both ways; a callback carries
//! no time and some of its amounts are JSON numbers. Reading order: `api` (who may call), `methods`
//! (what is booked), `callbacks` (what the merchant hears).

mod api;
mod callbacks;
mod methods;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use time::OffsetDateTime;

use crate::book::{Entry, Kind, Movement, Status};
use crate::chain::{self, Chain, Coin, Style};
use crate::config::MockAccount;
use crate::faults::{Call, Fault};
use crate::ids;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};

/// Foreign ids of withdrawals that were used.
const FOREIGN_IDS: &str = "foreign_id";

/// Codes from CryptoProcessing's page "API currency codes" and, for USDT, from its earlier page
/// "Confirmations and limits", which also gives the confirmations.
const COINS: &[Coin] = &[
    coin("BTC", "BTC", "bitcoin", 8, 1, Style::Bitcoin),
    coin("ETH", "ETH", "ethereum", 18, 10, Style::Evm),
    coin("USDTE", "USDT", "ethereum", 6, 10, Style::Evm),
    coin("USDTT", "USDT", "tron", 6, 19, Style::Tron),
    coin("USDCE", "USDC", "ethereum", 6, 10, Style::Evm),
];

const fn coin(
    id: &'static str,
    asset: &'static str,
    network: &'static str,
    decimals: u32,
    confirmations: u32,
    style: Style,
) -> Coin {
    Coin { id, asset, network, decimals, confirmations, style, scheme: network }
}

pub(crate) struct CoinsPaid {
    api_key: String,
    secret: String,
    callback_url: String,
}

/// Settings: `api_key` (public), `api_secret` (signs requests and callbacks).
pub(crate) fn open(account: &MockAccount, _: String) -> anyhow::Result<Arc<dyn Dialect>> {
    Ok(Arc::new(CoinsPaid {
        api_key: account.setting("api_key")?,
        secret: account.setting("api_secret")?,
        callback_url: account.webhook_url.clone(),
    }))
}

impl CoinsPaid {
    /// Lower-case hex of HMAC-SHA512 over the bytes.
    fn sign_bytes(&self, bytes: &[u8]) -> String {
        sign_with(&self.secret, bytes).map(hex::encode).unwrap_or_default()
    }
}

fn sign_with(secret: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let key: PKey<Private> = PKey::hmac(secret.as_bytes()).ok()?;
    Signer::new(MessageDigest::sha512(), &key).ok()?.sign_oneshot_to_vec(bytes).ok()
}

impl Chain for CoinsPaid {
    fn coins(&self) -> &'static [Coin] {
        COINS
    }

    fn new_reference(&self) -> String {
        ids::ten_digits()
    }

    fn brand(&self) -> (&'static str, &'static str) {
        ("CoinsPaid", "coinspaid")
    }

    /// A fixed rate, so that what arrives can be foretold.
    fn price(&self, asset: &str, fiat: &str) -> Option<u128> {
        let cents = match (asset, fiat) {
            ("BTC", "EUR") => 6_000_000,
            ("ETH", "EUR") => 250_000,
            ("USDT" | "USDC", "EUR") => 92,
            _ => return None,
        };
        Some(cents * 1_000_000)
    }
}

impl Dialect for CoinsPaid {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        Router::new()
            .route("/api/v2/ping", get(|| async { "OK" }))
            .route("/api/v2/currencies/list", post(methods::currencies))
            .route("/api/v2/addresses/take", post(methods::take_address))
            .route("/api/v2/withdrawal/crypto", post(methods::withdraw))
            .route("/api/v2/transactions/info", get(methods::info))
            .route("/api/v2/exchange/calculate", post(methods::calculate))
            .with_state((psp.clone(), self))
            .merge(chain::routes(psp))
    }

    fn paid(&self, _: &mut Entry<'_>, movement: &mut Movement) {
        chain::paid(movement);
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        callbacks::notices(self, movement, step)
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        let step = Step { from: Status::Pending, to: movement.status };
        callbacks::notices(self, movement, step).pop()
    }

    fn sign(&self, notice: &Notice, twist: &Twist, _: OffsetDateTime) -> Outgoing {
        callbacks::sign(self, notice, twist)
    }

    fn acknowledged(&self, _: &Outgoing, status: u16, _: &[u8]) -> bool {
        status == 200
    }

    /// Nothing is charged back, and no withdrawal comes back by itself.
    fn knows(&self, kind: Kind, to: Status) -> bool {
        match to {
            Status::Returned | Status::ChargedBack => false,
            Status::Expired => kind == Kind::Deposit,
            _ => true,
        }
    }

    /// A deposit is an address, until somebody sends something there.
    fn can_go_wrong(&self, call: Call, fault: Fault) -> bool {
        call != Call::CreateDeposit || !fault.needs_a_movement()
    }

    fn chain(&self) -> Option<&dyn Chain> {
        Some(self)
    }

    fn unsolicited(&self, _: &Payin) -> Option<Movement> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::sign_with;

    #[test]
    fn the_documented_signature_comes_out() {
        // From CryptoProcessing's page "Authentication".
        let body = br#"{"currency":"BTC","foreign_id":"123456"}"#;
        let expected = "03c25fcf7cd35e7d995e402cd5d51edd72d48e1471e865907967809a0c189ba55b90815f20e2bb10f82c7a9e9d865546fda58989c2ae9e8e2ff7bc29195fa1ec";
        assert_eq!(sign_with("AbCdEfG123456", body).map(hex::encode).as_deref(), Some(expected));
    }
}
