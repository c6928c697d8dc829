//! Fireblocks' requests, each with a token over its own path and bytes.

use super::Fireblocks;
use crate::coins::Coin;
use crate::prelude::*;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// How long a token lives. Fireblocks refuses more than 55 seconds.
const TOKEN_LIFE_SECS: i64 = 55;
/// The largest page of vault accounts.
const PAGE_MAX: usize = 500;

/// A request's place in an exchange: it makes the nonce.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub attempt: AttemptRef,
    pub step: &'static str,
    pub now: Timestamp,
}

impl Fireblocks {
    /// A token about the very bytes that are sent: path with its query as the URL library writes it, and
    /// the hash of the body. None when it cannot be signed.
    fn authorised(&self, request: HttpRequest, moment: Moment) -> Option<HttpRequest> {
        let url = Url::parse(&request.url).ok()?;
        let uri = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let (issued, nanos) = (moment.now.unix_timestamp(), moment.now.unix_timestamp_nanos());
        let words = ["nonce", &moment.attempt.lower(), moment.step, &nanos.to_string()];
        let claims = object! {
            "uri": uri,
            "nonce": derived_uuid(&words).to_string(),
            "iat": issued,
            "exp": issued + TOKEN_LIFE_SECS,
            "sub": &self.api_key,
            "bodyHash": hex::encode(sha256(&request.body)),
        };
        let bearer = format!("Bearer {}", self.signer.jwt(&claims)?);
        let request = HttpRequest { url: url.into(), ..request };
        Some(request.header("authorization", bearer).header("x-api-key", &self.api_key))
    }

    fn get(&self, path: &str, moment: Moment) -> Option<HttpRequest> {
        self.authorised(HttpRequest::get(format!("{}/v1{path}", self.base_url)), moment)
    }

    fn post(&self, path: &str, key: String, body: &Json, moment: Moment) -> Option<HttpRequest> {
        let url = format!("{}/v1{path}", self.base_url);
        let request = HttpRequest::json(Method::Post, url, body.to_bytes());
        self.authorised(request.header("idempotency-key", key), moment)
    }

    /// The vault accounts whose names begin with the player's reference.
    pub fn find_vault(&self, player_reference: &str, moment: Moment) -> Option<HttpRequest> {
        let name: String = byte_serialize(player_reference.as_bytes()).collect();
        let path = format!("/vault/accounts_paged?namePrefix={name}&limit={PAGE_MAX}");
        self.get(&path, moment)
    }

    /// A vault account for the player. Two that are made at once bear the same name, and that is what
    /// says whose money arrives; so the key is the attempt's, and an error under it burns no other
    /// attempt's.
    pub fn create_vault(&self, player_reference: &str, moment: Moment) -> Option<HttpRequest> {
        let body = object! {
            "name": player_reference,
            "customerRefId": player_reference,
            "hiddenOnUI": true,
        };
        let key = derived_uuid(&["vault", &moment.attempt.lower()]).to_string();
        self.post("/vault/accounts", key, &body, moment)
    }

    /// The address that an asset of a vault account has.
    pub fn addresses(&self, vault: &str, coin: &Coin, moment: Moment) -> Option<HttpRequest> {
        let vault = path_word(vault)?;
        self.get(&format!("/vault/accounts/{vault}/{}/addresses_paginated", coin.id), moment)
    }

    /// The asset in a vault account, whose answer is its first address.
    pub fn add_asset(&self, vault: &str, coin: &Coin, moment: Moment) -> Option<HttpRequest> {
        let path = format!("/vault/accounts/{}/{}", path_word(vault)?, coin.id);
        let key = derived_uuid(&["asset", coin.id, &moment.attempt.lower()]).to_string();
        self.post(&path, key, &object! {}, moment)
    }

    pub fn create_transaction(
        &self,
        payout: &PayoutRequest,
        coin: &Coin,
        address: &str,
        moment: Moment,
    ) -> Option<HttpRequest> {
        let body = object! {
            "operation": "TRANSFER",
            "externalTxId": payout.attempt,
            "assetId": coin.id,
            "source": object! { "type": "VAULT_ACCOUNT", "id": &self.source_vault_id },
            "destination": object! {
                "type": "ONE_TIME_ADDRESS",
                "oneTimeAddress": object! { "address": address },
            },
            "amount": payout.money.major(),
            "customerRefId": &payout.payer.player_reference,
        };
        let request = self.post("/transactions", payout.attempt.lower(), &body, moment)?;
        Some(request.for_money())
    }

    pub fn by_external_id(&self, attempt: AttemptRef, now: Timestamp) -> Option<HttpRequest> {
        let path = format!("/transactions/external_tx_id/{}", attempt.lower());
        self.get(&path, Moment { attempt, step: "query", now })
    }

    pub fn by_id(&self, attempt: AttemptRef, id: &str, now: Timestamp) -> Option<HttpRequest> {
        let path = format!("/transactions/{}", path_word(id)?);
        self.get(&path, Moment { attempt, step: "query", now })
    }
}
