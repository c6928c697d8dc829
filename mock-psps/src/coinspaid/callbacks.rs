//! Callbacks, and transactions as `transactions/info` shows them: the same object.

use serde_json::{Map, Value, json};

use super::CoinsPaid;
use crate::book::{Kind, Movement, Status};
use crate::psp::{Notice, Outgoing, Step, Twist};
use crate::{clock, ids, money};

/// Marks a text that goes over the wire as a JSON number with all its digits, `0.10882300`, which no
/// JSON library would write by itself.
const NUMBER_MARK: char = '\u{e000}';

/// A reference as the number that CoinsPaid's ids are.
pub(super) fn number(reference: &str) -> Value {
    reference.parse::<i64>().map_or(Value::Null, Value::from)
}

/// Pads to eight decimals.
pub(super) fn eight(amount: &str) -> String {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let fraction: String = fraction.chars().take(8).collect();
    format!("{whole}.{fraction:0<8}")
}

pub(super) fn kind(m: &Movement) -> &'static str {
    match (m.kind, converted(m)) {
        (Kind::Deposit, false) => "deposit",
        (Kind::Deposit, true) => "deposit_exchange",
        (_, false) => "withdrawal",
        (_, true) => "withdrawal_exchange",
    }
}

fn converted(m: &Movement) -> bool {
    m.wire["address"]["convert_to"].is_string() || m.wire["converted"] == true
}

fn status(m: &Movement, to: Status) -> &'static str {
    match (m.kind, to) {
        (_, Status::Succeeded) => "confirmed",
        (Kind::Deposit, Status::Pending) => "not_confirmed",
        (_, Status::Pending) => "processing",
        // A team member declines what waits for one, a balance fails, the rest is cancelled.
        (Kind::Payout, _) => match m.code.as_deref() {
            Some("declined") => "declined",
            Some("insufficient_funds" | "failed") => "failed",
            Some("rejected") => "rejected",
            _ => "cancelled",
        },
        _ => "cancelled",
    }
}

pub(super) fn notices(mock: &CoinsPaid, m: &Movement, step: Step) -> Vec<Notice> {
    let status = status(m, step.to);
    if status == "processing" {
        return Vec::new();
    }
    let event = match (m.kind, status) {
        (Kind::Deposit, "confirmed") => "deposit.confirmed",
        (Kind::Deposit, "not_confirmed") => "deposit.not_confirmed",
        (Kind::Deposit, _) => "deposit.cancelled",
        (_, "confirmed") => "withdrawal.confirmed",
        _ => "withdrawal.failed",
    };
    let at = clock::trustly(m.changed_at);
    vec![Notice {
        reference: m.reference.clone(),
        event: event.into(),
        id: ids::derived_uuid(&["callback", &m.reference, event, &at]),
        url: mock.callback_url.clone(),
        data: transaction(&Movement { status: step.to, ..m.clone() }),
    }]
}

/// The whole transaction.
pub(super) fn transaction(m: &Movement) -> Value {
    let mut data = Map::new();
    data.insert("id".to_owned(), number(&m.reference));
    data.insert("type".to_owned(), kind(m).into());
    let is_deposit = m.kind == Kind::Deposit;
    let (sent, received, address) = if is_deposit { deposit_sides(m) } else { payout_sides(m) };
    if !is_deposit {
        data.insert("foreign_id".to_owned(), m.text("foreign_id").into());
    }
    data.insert("crypto_address".to_owned(), address);
    data.insert("transactions".to_owned(), transactions(m, &sent, &received));
    data.insert("fees".to_owned(), fees(m, &sent, &received));
    data.insert("currency_sent".to_owned(), sent);
    data.insert("currency_received".to_owned(), received);
    let error = if m.status == Status::Declined { m.code.as_deref().unwrap_or("") } else { "" };
    data.insert("error".to_owned(), error.into());
    data.insert("status".to_owned(), status(m, m.status).into());
    Value::Object(data)
}

fn deposit_sides(m: &Movement) -> (Value, Value, Value) {
    let record = &m.wire["address"];
    let coin = m.text("coin");
    let decimals = money::decimals(&m.currency);
    let credited = if converted(m) {
        eight(&money::format(m.amount_minor, decimals))
    } else {
        // CoinsPaid hands up what the chain says, also below eight decimals.
        exact(m.text("exact"))
    };
    let fee = m.amount_minor / 100;
    let net = eight(&money::format(m.amount_minor - fee, decimals));
    let currency = if converted(m) { m.currency.as_str() } else { coin };
    let mut address = json!({
        "id": record["id"], "currency": coin, "address": record["address"], "tag": null,
        "foreign_id": record["owner"],
    });
    if let Some(fiat) = record["convert_to"].as_str() {
        address["convert_to"] = fiat.into();
    }
    let sent = json!({ "currency": coin, "amount": exact(m.text("exact")) });
    let received = json!({ "currency": currency, "amount": credited, "amount_minus_fee": net });
    (sent, received, address)
}

fn exact(amount: &str) -> String {
    let digits = amount.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if digits > 8 { amount.to_owned() } else { eight(amount) }
}

fn payout_sides(m: &Movement) -> (Value, Value, Value) {
    let amount = money::format(m.amount_minor, money::decimals(&m.currency));
    let sent = json!({ "currency": m.text("currency"), "amount": eight(&amount) });
    let received = json!({ "currency": m.text("coin"), "amount": m.text("received") });
    let mut address = json!({
        "id": 1, "currency": m.text("currency"), "address": m.text("to"), "tag": null,
    });
    if converted(m) {
        address["convert_to"] = m.text("coin").into();
    }
    (sent, received, address)
}

/// The chain's transaction, and the exchange beside it, whose amounts come as numbers.
fn transactions(m: &Movement, sent: &Value, received: &Value) -> Value {
    let is_deposit = m.kind == Kind::Deposit;
    let (side, address) = if is_deposit {
        (sent, m.wire["address"]["address"].clone())
    } else {
        (received, m.text("to").into())
    };
    let marked = |amount: &Value| format!("{NUMBER_MARK}{}", amount.as_str().unwrap_or("0"));
    let on_chain = is_deposit || m.status == Status::Succeeded;
    let amount = if converted(m) { marked(&side["amount"]).into() } else { side["amount"].clone() };
    let blockchain = json!({
        "id": number(&ids::derived_digits(&["transaction", &m.reference], 9)),
        "currency": side["currency"],
        "transaction_type": "blockchain",
        "type": if is_deposit { "deposit" } else { "withdrawal" },
        "address": address,
        "tag": null,
        "amount": amount,
        "txid": if on_chain { Value::from(m.text("txid")) } else { Value::Null },
        "confirmations": m.wire["confirmations"].as_u64().unwrap_or(0).to_string(),
    });
    if !converted(m) {
        return json!([blockchain]);
    }
    let exchange = json!({
        "id": number(&ids::derived_digits(&["exchange", &m.reference], 9)),
        "currency": sent["currency"],
        "currency_to": received["currency"],
        "transaction_type": "exchange",
        "type": "exchange",
        "amount": marked(&sent["amount"]),
        "amount_to": marked(&received["amount"]),
    });
    json!([exchange, blockchain])
}

fn fees(m: &Movement, sent: &Value, received: &Value) -> Value {
    let minor = if m.kind == Kind::Deposit { m.amount_minor / 100 } else { 25 };
    let fee = eight(&money::format(minor, money::decimals(&m.currency)));
    if m.kind == Kind::Deposit {
        return json!([{ "type": "deposit", "currency": received["currency"], "amount": fee }]);
    }
    json!([
        { "type": "mining", "currency": sent["currency"], "amount": "0.00007402" },
        { "type": "withdrawal", "currency": sent["currency"], "amount": fee },
    ])
}

pub(super) fn sign(mock: &CoinsPaid, notice: &Notice, twist: &Twist) -> Outgoing {
    let mut data = notice.data.clone();
    for side in ["currency_sent", "currency_received"] {
        if twist.wrong_amount {
            let amount = data[side]["amount"].as_str().unwrap_or("0").to_owned();
            let (whole, fraction) = amount.split_once('.').unwrap_or((&amount, "0"));
            let more = whole.parse::<u64>().unwrap_or(0).saturating_add(100);
            data[side]["amount"] = format!("{more}.{fraction}").into();
        }
        if twist.wrong_currency {
            let other = if data[side]["currency"] == "USDCE" { "BTC" } else { "USDCE" };
            data[side]["currency"] = other.into();
        }
    }
    let body = with_numbers(&data.to_string());
    // A bad signature is a real one, over another body.
    let covered = if twist.bad_signature { format!("{body} ") } else { body.clone() };
    Outgoing {
        url: notice.url.clone(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("x-processing-key", mock.api_key.clone()),
            ("x-processing-signature", mock.sign_bytes(covered.as_bytes())),
        ],
        body,
    }
}

/// Takes the quotes off the texts that are marked.
pub(super) fn with_numbers(json: &str) -> String {
    let mark = format!("\"{NUMBER_MARK}");
    let mut parts = json.split(mark.as_str());
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('"') {
            Some((number, rest)) => {
                text.push_str(number);
                text.push_str(rest);
            }
            None => text.push_str(part),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{eight, with_numbers};

    #[test]
    fn marked_texts_become_numbers_with_all_their_digits() {
        let json = "{\"a\":\"\u{e000}0.10882300\",\"b\":\"1\"}";
        assert_eq!(with_numbers(json), r#"{"a":0.10882300,"b":"1"}"#);
    }

    #[test]
    fn amounts_have_eight_decimals() {
        assert_eq!(eight("381"), "381.00000000");
        assert_eq!(eight("0.5"), "0.50000000");
        assert_eq!(eight("0.123456789"), "0.12345678");
    }
}
