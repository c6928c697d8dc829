//! Trustly's notifications: which follow from a change, how they are signed, and what answer
//! counts. A merchant must answer with a signed `status: OK` for the same uuid.

use openssl::pkey::{PKey, Private, Public};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{is_outgoing, wire};
use crate::book::{Kind, Movement, Status};
use crate::clock;
use crate::ids;
use crate::money;
use crate::psp::{Notice, Outgoing, Step, Twist};

/// `(bank, clearinghouse)` of the bank that a payer of this currency uses.
pub(super) fn bank_of(currency: &str) -> (&'static str, &'static str) {
    let house = match currency {
        "SEK" => "SWEDEN",
        "GBP" => "UNITED_KINGDOM",
        "DKK" => "DENMARK",
        "NOK" => "NORWAY",
        "PLN" => "POLAND",
        _ => "GERMANY",
    };
    (bank_in(house), house)
}

pub(super) fn bank_in(house: &str) -> &'static str {
    match house {
        "SWEDEN" => "SEB",
        "UNITED_KINGDOM" => "Barclays",
        "DENMARK" => "Danske Bank",
        "NORWAY" => "DNB",
        "POLAND" => "PKO BP",
        "GERMANY" => "Deutsche Bank",
        _ => "Mock Bank",
    }
}

pub(super) fn country_of(currency: &str) -> &'static str {
    match currency {
        "SEK" => "SE",
        "GBP" => "GB",
        "DKK" => "DK",
        "NOK" => "NO",
        "PLN" => "PL",
        _ => "DE",
    }
}

pub(super) fn notices(movement: &Movement, step: Step) -> Vec<Notice> {
    let events: &[&'static str] = match (movement.kind, step.to) {
        (Kind::Deposit, Status::Succeeded) if step.from == Status::Pending => {
            &["account", "pending", "credit"]
        }
        (Kind::Deposit, Status::Succeeded) => &["account", "credit"],
        (Kind::Deposit, Status::Declined | Status::Expired | Status::Cancelled) => &["cancel"],
        // After its credit a deposit that turns out bad is taken back by a debit.
        (Kind::Deposit, Status::Returned | Status::ChargedBack) => &["debit"],
        (Kind::Payout | Kind::Refund, Status::Succeeded) => &["payoutconfirmation"],
        (Kind::Payout | Kind::Refund, Status::Returned) => &["credit"],
        (Kind::Payout | Kind::Refund, _) if movement.code.as_deref() == Some("credit") => {
            &["credit"]
        }
        (Kind::Payout | Kind::Refund, _) => &["payoutfailed"],
        (Kind::Deposit, Status::Pending) => &["pending"],
    };
    events.iter().map(|event| notice(movement, event)).collect()
}

pub(super) fn present(movement: &Movement) -> Option<Notice> {
    let from = match movement.status {
        Status::Returned | Status::ChargedBack => Status::Succeeded,
        _ => Status::Pending,
    };
    if movement.status == Status::Pending && is_outgoing(movement.kind) {
        return None;
    }
    notices(movement, Step { from, to: movement.status }).pop()
}

fn notice(m: &Movement, event: &'static str) -> Notice {
    // Derived, so that it is the same after a restart; long, because it must never collide.
    let at = clock::trustly(m.changed_at);
    let id = ids::derived_digits(&["notification", &m.reference, event, &at], 18);
    let order_id = match m.text("deposit") {
        "" => m.reference.as_str(),
        deposit => deposit,
    };
    let mut data = Map::new();
    for (name, value) in [
        ("orderid", order_id),
        ("messageid", m.text("messageid")),
        ("enduserid", m.text("enduserid")),
        ("notificationid", &id),
    ] {
        data.insert(name.to_owned(), value.into());
    }
    if event == "account" {
        describe_account(m, &mut data);
    } else {
        data.insert("timestamp".to_owned(), clock::trustly(m.changed_at).into());
        if event != "cancel" {
            data.insert("amount".to_owned(), money::format(m.amount_minor, 2).into());
            data.insert("currency".to_owned(), m.currency.clone().into());
        }
    }
    if event == "payoutfailed" {
        let code = m.code.as_deref().unwrap_or("incorrect_account_number");
        data.insert("errorcode".to_owned(), code.into());
        data.insert("errormessage".to_owned(), "The payout could not be sent".into());
    }
    Notice {
        reference: m.reference.clone(),
        event: event.into(),
        id,
        url: m.text("url").to_owned(),
        data: Value::Object(data),
    }
}

fn describe_account(m: &Movement, data: &mut Map<String, Value>) {
    let account = m.wire.get("account").unwrap_or(&Value::Null);
    let text = |name: &str| account[name].as_str().unwrap_or_default().to_owned();
    data.insert("accountid".to_owned(), m.text("accountid").into());
    data.insert("verified".to_owned(), "1".into());
    let attributes = json!({
        "clearinghouse": text("clearinghouse"),
        "bank": text("bank"),
        "descriptor": format!("**** *{}", text("last")),
        "lastdigits": text("last"),
        "name": text("name"),
        "personid": m.text("personid"),
        "address": "Examplestreet 1", "zipcode": "12345", "city": "Exampletown",
    });
    data.insert("attributes".to_owned(), attributes);
}

pub(super) fn sign(
    key: &PKey<Private>,
    notice: &Notice,
    twist: &Twist,
    now: OffsetDateTime,
) -> Outgoing {
    let mut data = notice.data.clone();
    if let Value::Object(fields) = &mut data {
        // The only sign of age that Trustly sends is inside the signed data.
        if twist.age_s > 0 && fields.contains_key("timestamp") {
            fields.insert("timestamp".to_owned(), clock::trustly(now).into());
        }
        if twist.wrong_amount && fields.contains_key("amount") {
            let amount = fields["amount"].as_str().and_then(|text| money::parse(text, 2));
            let wrong = amount.unwrap_or(0).saturating_add(10_000);
            fields.insert("amount".to_owned(), money::format(wrong, 2).into());
        }
        if twist.wrong_currency && fields.contains_key("currency") {
            let wrong = if fields["currency"] == "NOK" { "SEK" } else { "NOK" };
            fields.insert("currency".to_owned(), wrong.into());
        }
    }
    let uuid = ids::uuid();
    // A bad signature is a real one, over another uuid.
    let signed = if twist.bad_signature { ids::uuid() } else { uuid.clone() };
    let signature = wire::sign(key, &notice.event, &signed, &data);
    let body = json!({
        "method": notice.event,
        "params": { "signature": signature, "uuid": uuid, "data": data },
        "version": "1.1",
    });
    Outgoing {
        url: notice.url.clone(),
        headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
        body: body.to_string(),
    }
}

pub(super) fn acknowledged(key: &PKey<Public>, sent: &str, answer: &[u8]) -> bool {
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or(Value::Null);
    let (sent, answer) = (parse(sent.as_bytes()), parse(answer));
    let result = &answer["result"];
    let text = |name: &str| result[name].as_str().unwrap_or_default();
    let same = result["uuid"] == sent["params"]["uuid"] && result["method"] == sent["method"];
    let (method, uuid, signature) = (text("method"), text("uuid"), text("signature"));
    same && result["data"]["status"] == "OK"
        && wire::verify(key, method, uuid, &result["data"], signature)
}
