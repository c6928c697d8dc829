//! Fireblocks' requests, each with a token over its own path and bytes.

use super::Inner;
use crate::coins::Coin;
use crate::json::Json;
use crate::signature::{derived_uuid, sha256};
use psp_contract::{AttemptRef, HttpRequest, Method, Payer, PayoutRequest, Timestamp};
use url::Url;
use url::form_urlencoded::byte_serialize;

/// How long a token lives. Fireblocks refuses more than 55 seconds.
const TOKEN_LIFE_SECS: i64 = 55;
/// The largest page of vault accounts.
const PAGE_MAX: usize = 500;

/// A request's place in an exchange: it makes the nonce.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub attempt: AttemptRef,
    pub step: &'static str,
    pub now: Timestamp,
}

/// An id as part of a path: what is not plainly one could name another resource.
pub(super) fn path_id(id: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

/// A body that is sent under an idempotency key.
struct Post<'a> {
    body: &'a Json,
    key: String,
    moves_money: bool,
}

/// The claims are about the very bytes that are sent: path with its query as the URL library writes it,
/// and the hash of the body. None when it cannot be signed.
fn request(
    inner: &Inner,
    path: &str,
    post: Option<Post<'_>>,
    moment: Moment,
) -> Option<HttpRequest> {
    let url = Url::parse(&format!("{}/v1{path}", inner.base_url)).ok()?;
    let uri = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let (body, key, moves_money) = match post {
        Some(post) => (post.body.to_bytes(), Some(post.key), post.moves_money),
        None => (Vec::new(), None, false),
    };
    let method = if key.is_some() { Method::Post } else { Method::Get };
    let issued = moment.now.unix_timestamp();
    let nonce = derived_uuid(&[
        "nonce",
        &moment.attempt.lower(),
        moment.step,
        &moment.now.unix_timestamp_nanos().to_string(),
    ]);
    let claims = Json::object([
        ("uri", Json::Text(uri)),
        ("nonce", Json::Text(nonce.to_string())),
        ("iat", Json::Integer(issued.into())),
        ("exp", Json::Integer((issued + TOKEN_LIFE_SECS).into())),
        ("sub", Json::text(&inner.api_key)),
        ("bodyHash", Json::Text(hex::encode(sha256(&body)))),
    ]);
    let mut headers = vec![
        ("authorization", format!("Bearer {}", inner.signer.jwt(&claims)?)),
        ("x-api-key", inner.api_key.clone()),
        ("accept", "application/json".to_owned()),
    ];
    if let Some(key) = key {
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("idempotency-key", key));
    }
    Some(HttpRequest { method, url: url.into(), headers, body, moves_money })
}

/// The vault accounts whose names begin with the player's reference.
pub(super) fn find_vault(inner: &Inner, payer: &Payer, moment: Moment) -> Option<HttpRequest> {
    let name: String = byte_serialize(payer.player_reference.as_bytes()).collect();
    let path = format!("/vault/accounts_paged?namePrefix={name}&limit={PAGE_MAX}");
    request(inner, &path, None, moment)
}

/// A vault account for the player. Two that are made at once bear the same name, and that is what says
/// whose money arrives; so the key is the attempt's, and an error under it burns no other attempt's.
pub(super) fn create_vault(inner: &Inner, payer: &Payer, moment: Moment) -> Option<HttpRequest> {
    let reference = &payer.player_reference;
    let body = Json::object([
        ("name", Json::text(reference)),
        ("customerRefId", Json::text(reference)),
        ("hiddenOnUI", Json::Bool(true)),
    ]);
    let key = derived_uuid(&["vault", &moment.attempt.lower()]).to_string();
    let post = Post { body: &body, key, moves_money: false };
    request(inner, "/vault/accounts", Some(post), moment)
}

/// The address that an asset of a vault account has.
pub(super) fn addresses(
    inner: &Inner,
    vault: &str,
    coin: &Coin,
    moment: Moment,
) -> Option<HttpRequest> {
    let path = format!("/vault/accounts/{}/{}/addresses_paginated", path_id(vault)?, coin.id);
    request(inner, &path, None, moment)
}

/// The asset in a vault account, whose answer is its first address.
pub(super) fn add_asset(
    inner: &Inner,
    vault: &str,
    coin: &Coin,
    moment: Moment,
) -> Option<HttpRequest> {
    let path = format!("/vault/accounts/{}/{}", path_id(vault)?, coin.id);
    let key = derived_uuid(&["asset", coin.id, &moment.attempt.lower()]).to_string();
    let post = Post { body: &Json::object([]), key, moves_money: false };
    request(inner, &path, Some(post), moment)
}

pub(super) fn create_transaction(
    inner: &Inner,
    payout: &PayoutRequest,
    coin: &Coin,
    address: &str,
    moment: Moment,
) -> Option<HttpRequest> {
    let reference = payout.attempt.lower();
    let source = Json::object([
        ("type", "VAULT_ACCOUNT".into()),
        ("id", Json::text(&inner.source_vault_id)),
    ]);
    let destination = Json::object([
        ("type", "ONE_TIME_ADDRESS".into()),
        ("oneTimeAddress", Json::object([("address", address.into())])),
    ]);
    let body = Json::object([
        ("operation", "TRANSFER".into()),
        ("externalTxId", Json::text(&reference)),
        ("assetId", coin.id.into()),
        ("source", source),
        ("destination", destination),
        ("amount", Json::Text(payout.money.major())),
        ("customerRefId", Json::text(&payout.payer.player_reference)),
    ]);
    let post = Post { body: &body, key: reference, moves_money: true };
    request(inner, "/transactions", Some(post), moment)
}

pub(super) fn by_external_id(
    inner: &Inner,
    attempt: AttemptRef,
    now: Timestamp,
) -> Option<HttpRequest> {
    let path = format!("/transactions/external_tx_id/{}", attempt.lower());
    request(inner, &path, None, Moment { attempt, step: "query", now })
}

pub(super) fn by_id(
    inner: &Inner,
    attempt: AttemptRef,
    id: &str,
    now: Timestamp,
) -> Option<HttpRequest> {
    let path = format!("/transactions/{}", path_id(id)?);
    request(inner, &path, None, Moment { attempt, step: "query", now })
}
