//! The payment page: an order is booked when its payer opens the address that the merchant has made, with
//! the order in its query under a SHA-256 over the secret and all values as they stand there.
//!
//! The page is the payer's, so the faults of calls do not meet it; those of `create_deposit` meet the
//! session that a merchant asks for before.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use openssl::sha::sha256;
use serde_json::json;
use time::PrimitiveDateTime;
use time::macros::format_description;
use url::form_urlencoded;

use super::api::Both;
use super::{Nuvei, hosted};
use crate::book::{Kind, Movement, Payer, Status};
use crate::pages;
use crate::{clock, ids, money};

/// How long an address may be opened.
const LIFE: time::Duration = time::Duration::hours(24);

pub(super) async fn open(State((psp, nuvei)): State<Both>, RawQuery(query): RawQuery) -> Response {
    let order = match Order::read(&nuvei, &query.unwrap_or_default()) {
        Ok(order) => order,
        Err(why) => return pages::message(StatusCode::BAD_REQUEST, "nuvei", "Nuvei", why),
    };
    // Who opens the address again sees the same order.
    let reference = ids::derived_digits(&["order", &order.checksum], 19);
    psp.book.enter(|entry| {
        if entry.movement(&reference).is_none() {
            entry.put(order.movement(&nuvei, reference.clone()));
        }
    });
    hosted::shown(&psp, &reference)
}

/// The fields of a query whose checksum is right.
struct Order {
    pairs: Vec<(String, String)>,
    amount_minor: i64,
    checksum: String,
}

impl Order {
    fn read(nuvei: &Nuvei, query: &str) -> Result<Self, &'static str> {
        if !nuvei.takes_cards() {
            return Err("This site has no payment page.");
        }
        let mut pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let place = pairs.iter().position(|(name, _)| name == "checksum");
        let (_, checksum) = pairs.remove(place.ok_or("The checksum is missing.")?);
        let values: String = pairs.iter().map(|(_, value)| value.as_str()).collect();
        let signed = format!("{}{values}", nuvei.secret);
        if checksum != hex::encode(sha256(signed.as_bytes())) {
            return Err("The checksum is wrong.");
        }
        let mut order = Self { pairs, amount_minor: 0, checksum };
        let ours = order.text("merchant_id") == nuvei.merchant_id
            && order.text("merchant_site_id") == nuvei.merchant_site_id;
        let format = format_description!("[year]-[month]-[day].[hour]:[minute]:[second]");
        let made_at = PrimitiveDateTime::parse(order.text("time_stamp"), format);
        let fresh = |at: PrimitiveDateTime| (clock::now() - at.assume_utc()).abs() <= LIFE;
        let needed = ["user_token_id", "item_name_1", "item_quantity_1", "version", "notify_url"];
        match () {
            () if !ours => return Err("This merchant is not known."),
            () if !made_at.is_ok_and(fresh) => return Err("The time stamp is wrong or old."),
            () if order.text("currency") != nuvei.currency => return Err("The currency is wrong."),
            () if needed.iter().any(|name| order.text(name).is_empty()) => {
                return Err("A required field is missing.");
            }
            () if order.text("item_amount_1") != order.text("total_amount") => {
                return Err("The items are not the total.");
            }
            () => {}
        }
        let decimals = money::decimals(&nuvei.currency);
        let amount = money::parse(order.text("total_amount"), decimals).filter(|minor| *minor > 0);
        order.amount_minor = amount.ok_or("The amount is wrong.")?;
        Ok(order)
    }

    fn text(&self, name: &str) -> &str {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn movement(&self, nuvei: &Nuvei, reference: String) -> Movement {
        let unique_id = self.text("merchant_unique_id");
        let user = self.text("user_token_id");
        let name = format!("{} {}", self.text("first_name"), self.text("last_name"));
        let now = clock::now();
        Movement {
            reference,
            client_reference: ids::client_reference(unique_id),
            kind: Kind::Deposit,
            amount_minor: self.amount_minor,
            currency: nuvei.currency.clone(),
            status: Status::Pending,
            created_at: now,
            changed_at: now,
            settled_at: None,
            code: None,
            payer: Some(Payer { name: name.trim().to_owned(), ..Payer::default() }),
            wire: json!({
                "user": user, "email": self.text("email"), "unique_id": unique_id,
                "order": ids::derived_digits(&[&self.checksum, "order"], 10),
                "product": self.text("item_name_1"),
                // A player has one card here.
                "card": ids::derived_digits(&["card", user], 4),
                "success": self.text("success_url"), "failure": self.text("error_url"),
                "notify": self.text("notify_url"),
            }),
        }
    }
}
