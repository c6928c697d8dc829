//! Nuvei's payment page, where a payer gives the card, so that none comes near us.
//!
//! Opening it is no call: it is an address with the order in its query, under a SHA-256 over the secret
//! and all values in their order. They are hashed as plain text, before they are encoded, as Nuvei's own
//! plugins do; the example of its documentation hashes one value as it is encoded, and is reproduced
//! below. Our reference goes with it twice: as `merchant_unique_id`, by which the payment is asked about,
//! and as the name of the only item, which notifications repeat under their checksum.

use super::Nuvei;
use crate::prelude::*;
use time::macros::format_description;
use url::form_urlencoded;

/// The page's version that this query is of.
const VERSION: &str = "4.0.0";

/// The address of one order's page. None for a card that is stored already, whose owner would be asked for
/// it again.
pub(super) fn address(nuvei: &Nuvei, deposit: &DepositRequest, now: Timestamp) -> Option<String> {
    if deposit.instrument.is_some() {
        return None;
    }
    let stamp = format_description!("[year]-[month]-[day].[hour]:[minute]:[second]");
    let made_at = made_at(deposit.attempt).unwrap_or(now).format(stamp).ok()?;
    let (reference, amount) = (deposit.attempt.lower(), deposit.money.major());
    let (first, last) = two_names(&deposit.payer);
    let email = deposit.payer.email.as_deref().unwrap_or_default();
    let all = [
        ("merchant_id", nuvei.merchant_id.as_str()),
        ("merchant_site_id", &nuvei.merchant_site_id),
        ("total_amount", &amount),
        ("currency", deposit.money.currency.code()),
        ("user_token_id", &deposit.payer.player_reference),
        ("merchant_unique_id", &reference),
        ("item_name_1", &reference),
        ("item_amount_1", &amount),
        ("item_quantity_1", "1"),
        ("time_stamp", &made_at),
        ("version", VERSION),
        ("notify_url", &nuvei.notify_url),
        ("success_url", &deposit.return_url),
        ("error_url", &deposit.return_url),
        ("pending_url", &deposit.return_url),
        ("back_url", &deposit.return_url),
        // Nothing else is offered there.
        ("payment_method", &nuvei.payment_method),
        ("payment_method_mode", "filter"),
        ("first_name", first),
        ("last_name", last),
        ("email", email),
        ("country", &deposit.country),
    ];
    let given: Vec<(&str, &str)> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let values: Vec<&str> = given.iter().map(|(_, value)| *value).collect();
    let secret = nuvei.secrets.first().map_or("", |secret| secret.expose_secret());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(given)
        .append_pair("checksum", &checksum(secret, &values))
        .finish();
    Some(format!("{}?{query}", nuvei.page_url))
}

fn checksum(secret: &str, values: &[&str]) -> String {
    hex::encode(sha256([secret, &values.concat()].concat().as_bytes()))
}

/// The payer is sent to the page; there is no transaction before they have been there.
pub(super) fn shown(url: String) -> Report {
    Report::new(None, Status::next(NextAction::Redirect { url }, None))
}

#[cfg(test)]
mod tests {
    use super::checksum;

    /// docs.safecharge.com, "Quick Start" of the checkout page: its values as they stand there, of which
    /// the last one is encoded.
    #[test]
    fn the_published_example_comes_out() {
        let values = [
            "283475",
            "89123755",
            "15",
            "USD",
            "test@test.com",
            "item1",
            "15",
            "1",
            "2011-01-056:04:26",
            "4.0.0",
            "https%3A%2F%2Fnotify.merchant.com",
        ];
        let published = "fedf7e2f70006c83fa740bfa121cdcac0932a672fc7e12a55621153cb52cddf9";
        assert_eq!(checksum("Secret123", &values), published);
        assert_ne!(checksum("Secret124", &values), published);
    }
}
