//! Clients that go on through everything: each request is repeated with its idempotency key until
//! it has an answer.

use super::api::{Api, Told, fresh};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a client was told for good.
#[derive(Debug)]
pub struct Acknowledged {
    pub path: &'static str,
    pub key: String,
    pub body: Value,
    pub told: Told,
}

/// One player's client.
pub struct Client {
    pub api: Api,
    pub player: String,
    pub currency: &'static str,
    /// Where the player's money came from first.
    pub source: String,
    pub stop: Arc<AtomicBool>,
}

impl Client {
    /// Deposits, stakes and withdraws in turn until it is told to stop.
    pub async fn run(self) -> Vec<Acknowledged> {
        let mut all = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let (path, body) = self.request(all.len());
            let key = fresh();
            let told = self.api.insist(&path.replace("{player}", &self.player), &key, &body).await;
            all.push(Acknowledged { path, key, body, told });
        }
        all
    }

    fn request(&self, turn: usize) -> (&'static str, Value) {
        let (player, currency) = (&self.player, self.currency);
        match turn % 3 {
            0 => ("/v1/deposits", self.api.deposit_body_in(player, "10.00", currency)),
            1 => (
                "/v1/players/{player}/wallet-entries",
                json!({ "kind": "stake", "amount": "1.00", "currency": currency, "reference": fresh() }),
            ),
            _ => (
                "/v1/withdrawals",
                json!({
                    "player_id": player, "amount": "6.00", "currency": currency,
                    "method": "bank_transfer",
                    "destination": { "type": "source", "deposit_id": self.source },
                }),
            ),
        }
    }
}
