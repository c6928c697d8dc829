//! The page on which a person plays the payer's wallet: `/send` lists the addresses that were given,
//! `/send/{address}` shows one and sends any amount to it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{ADDRESSES, Chain, Coin, send_by_hand};
use crate::pages;
use crate::psp::Psp;
use crate::scenario::Outcome;

/// How many addresses the list shows.
const LISTED_MAX: usize = 200;

pub(super) fn routes(psp: Arc<Psp>) -> Router {
    Router::new()
        .route("/send", get(list))
        .route("/send/{address}", get(show).post(send))
        .with_state(psp)
        .merge(pages::assets())
}

fn coin<'a>(chain: &'a dyn Chain, record: &Value) -> Option<&'a Coin> {
    chain.coins().iter().find(|coin| record["coin"] == coin.id)
}

async fn list(State(psp): State<Arc<Psp>>) -> Response {
    let Some(chain) = psp.dialect.chain() else { return pages::missing() };
    let (brand, class) = chain.brand();
    let records = psp.book.facts(ADDRESSES);
    let rows: String = records
        .iter()
        .take(LISTED_MAX)
        .filter_map(|(address, record)| {
            let coin = coin(chain, record)?;
            let (address, owner) = (pages::escape(address), record["owner"].as_str()?);
            Some(format!(
                r#"<dt>{} on {}</dt><dd><a class="mono" href="/send/{address}">{address}</a> <small>{}</small></dd>"#,
                coin.asset,
                coin.network,
                pages::escape(owner)
            ))
        })
        .collect();
    let text = if rows.is_empty() {
        "No address was given yet. Make a deposit first.".to_owned()
    } else {
        format!("Addresses that were given to players:</p><dl>{rows}</dl><p>")
    };
    let body = format!(r#"<p class="lead">{text}</p>"#);
    pages::document(StatusCode::OK, class, brand, &body, &[])
}

async fn show(State(psp): State<Arc<Psp>>, Path(address): Path<String>) -> Response {
    let Some(chain) = psp.dialect.chain() else { return pages::missing() };
    let Some(record) = super::find(&psp.book, &address) else { return pages::missing() };
    let Some(coin) = coin(chain, &record) else { return pages::missing() };
    let (brand, class) = chain.brand();
    let converted = record["convert_to"].as_str().map_or_else(String::new, |fiat| {
        format!("<dt>Credited in</dt><dd>{}</dd>", pages::escape(fiat))
    });
    let button = |id: &str, label: &str| {
        format!(r#"<button id="{id}" name="then" value="{id}">{label}</button>"#)
    };
    let body = format!(
        r#"<p class="lead">Send {asset} on {network}</p>
<dl><dt>Address</dt><dd class="mono" id="address">{address}</dd>
<dt>QR text</dt><dd class="mono" id="qr">{scheme}:{address}</dd>
<dt>Confirmations</dt><dd>{needed}</dd>{converted}</dl>
<form method="post" action="/send/{address}">
<label for="amount">Amount in {asset}</label>
<input id="amount" name="amount" inputmode="decimal" required pattern="[0-9]+([.][0-9]+)?" value="25">
<div class="main">{approve}{decline}</div><div class="aside">{expire}{close}</div></form>"#,
        asset = coin.asset,
        network = coin.network,
        address = pages::escape(&address),
        scheme = coin.scheme,
        needed = coin.confirmations,
        approve = button("approve", "Send"),
        decline = button("decline", "Send, then double-spend"),
        expire = button("expire", "Send, never confirmed"),
        close = button("close", "Close without sending"),
    );
    pages::document(StatusCode::OK, class, brand, &body, &[])
}

#[derive(Debug, Deserialize)]
struct Sent {
    #[serde(default)]
    amount: String,
    #[serde(default)]
    then: String,
}

async fn send(
    State(psp): State<Arc<Psp>>,
    Path(address): Path<String>,
    Form(sent): Form<Sent>,
) -> Response {
    let Some(chain) = psp.dialect.chain() else { return pages::missing() };
    let (brand, class) = chain.brand();
    let then = match sent.then.as_str() {
        "close" => {
            let text = "Nothing was sent. The address stays yours.";
            return pages::message(StatusCode::OK, class, brand, text);
        }
        "decline" => Some(Outcome::Declined),
        "expire" => None,
        _ => Some(Outcome::Succeeded),
    };
    let (status, text) = match send_by_hand(&psp, chain, &address, sent.amount.trim(), then) {
        Ok(movement) => {
            let after = match then {
                Some(Outcome::Declined) => "It will be spent twice before a block has it.",
                Some(_) => "Blocks confirm it in a moment.",
                None => "No block will ever confirm it.",
            };
            (StatusCode::OK, format!("Sent as {}. {after}", movement.reference))
        }
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
    };
    pages::message(status, class, brand, &text)
}
