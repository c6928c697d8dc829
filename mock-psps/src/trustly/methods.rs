//! What each Trustly method books and answers.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::api::{Refusal, claim_message};
use super::{ACCOUNT_ID_LEN, ACCOUNTS, Trustly, is_outgoing, last_four, notify};
use crate::book::{Entry, Kind, Movement, Payer, Status};
use crate::clock;
use crate::faults::Plan;
use crate::ids;
use crate::money;
use crate::psp::Psp;
use crate::scenario;

pub(super) async fn perform(
    psp: &Arc<Psp>,
    trustly: &Trustly,
    method: &str,
    data: &Value,
    plan: &Plan,
) -> Result<Value, Refusal> {
    match method {
        "Deposit" => deposit(psp, trustly, data, plan).await,
        "AccountPayout" => account_payout(psp, trustly, data, plan).await,
        "Refund" => refund(psp, trustly, data, plan).await,
        "RegisterAccount" => register_account(psp, data),
        "GetWithdrawals" => get_withdrawals(psp, data),
        "AccountLedger" => account_ledger(psp, data),
        _ => Err(Refusal::FunctionAccessDenied),
    }
}

/// A text that must be there.
fn text<'a>(data: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    data[name].as_str().filter(|text| !text.is_empty()).ok_or(Refusal::InvalidParameters)
}

/// Amounts are strings with exactly two decimals.
fn amount(data: &Value, currency: &str) -> Result<i64, Refusal> {
    let text = data["Amount"].as_str().ok_or(Refusal::InvalidAmount)?;
    let two = text.split_once('.').is_some_and(|(_, fraction)| fraction.len() == 2);
    let minor = money::parse(text, 2).filter(|minor| two && *minor > 0);
    if data["Currency"] != currency {
        return Err(Refusal::InvalidCurrency);
    }
    minor.ok_or(Refusal::InvalidAmount)
}

/// Trustly refuses a query in the notification address.
fn notification_url(data: &Value) -> Result<&str, Refusal> {
    let url = text(data, "NotificationURL")?;
    let fine = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if fine && !url.contains('?') { Ok(url) } else { Err(Refusal::InvalidParameters) }
}

fn fresh_order_id(entry: &Entry<'_>) -> String {
    loop {
        let id = ids::ten_digits();
        if entry.movement(&id).is_none() {
            return id;
        }
    }
}

struct Draft<'a> {
    kind: Kind,
    reference: String,
    client_reference: &'a str,
    amount_minor: i64,
    payer: Option<Payer>,
    wire: Value,
}

fn movement(trustly: &Trustly, draft: Draft<'_>) -> Movement {
    let now = clock::now();
    Movement {
        reference: draft.reference,
        client_reference: ids::client_reference(draft.client_reference),
        kind: draft.kind,
        amount_minor: draft.amount_minor,
        currency: trustly.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: draft.payer,
        wire: draft.wire,
    }
}

async fn deposit(
    psp: &Arc<Psp>,
    trustly: &Trustly,
    data: &Value,
    plan: &Plan,
) -> Result<Value, Refusal> {
    let attributes = &data["Attributes"];
    let amount_minor = amount(attributes, &trustly.currency)?;
    let (user, message_id) = (text(data, "EndUserID")?, text(data, "MessageID")?);
    let url = notification_url(data)?;
    let page = |name: &str| attributes[name].as_str().unwrap_or_default().to_owned();
    for name in ["SuccessURL", "FailURL", "Country", "Locale"] {
        text(attributes, name)?;
    }
    let name = format!("{} {}", page("Firstname"), page("Lastname")).trim().to_owned();
    let payer = (!name.is_empty()).then(|| Payer { name, ..Payer::default() });
    let wire = json!({
        "messageid": message_id, "enduserid": user, "url": url, "success": page("SuccessURL"),
        "fail": page("FailURL"), "personid": page("NationalIdentificationNumber"),
    });
    let booked = psp.book.enter(|entry| {
        claim_message(entry, message_id)?;
        let draft = Draft {
            kind: Kind::Deposit,
            reference: fresh_order_id(entry),
            client_reference: message_id,
            amount_minor,
            payer,
            wire,
        };
        let movement = movement(trustly, draft);
        entry.put(movement.clone());
        Ok(movement)
    })?;
    scenario::booked(psp, &booked, plan).await;
    let order_id = &booked.reference;
    Ok(json!({ "orderid": order_id, "url": format!("{}/checkout/{order_id}", trustly.base_url) }))
}

async fn account_payout(
    psp: &Arc<Psp>,
    trustly: &Trustly,
    data: &Value,
    plan: &Plan,
) -> Result<Value, Refusal> {
    let amount_minor = amount(data, &trustly.currency)?;
    let (user, message_id) = (text(data, "EndUserID")?, text(data, "MessageID")?);
    let (account_id, url) = (text(data, "AccountID")?, notification_url(data)?);
    let booked = psp.book.enter(|entry| {
        let account = entry.fact(ACCOUNTS, account_id).cloned();
        // Closed loop: an account belongs to the end user that it was registered for.
        let account = account.filter(|a| a["user"] == user).ok_or(Refusal::InvalidParameters)?;
        claim_message(entry, message_id)?;
        let name = account["name"].as_str().unwrap_or_default().to_owned();
        let wire = json!({
            "messageid": message_id, "enduserid": user, "url": url, "accountid": account_id,
            "account": account,
        });
        let draft = Draft {
            kind: Kind::Payout,
            reference: fresh_order_id(entry),
            client_reference: message_id,
            amount_minor,
            payer: Some(Payer { name, ..Payer::default() }),
            wire,
        };
        let movement = movement(trustly, draft);
        entry.put(movement.clone());
        Ok(movement)
    })?;
    scenario::booked(psp, &booked, plan).await;
    Ok(json!({ "orderid": booked.reference, "result": "1" }))
}

/// Pays a deposit back. The order stays the deposit's; nothing here is idempotent, as in
/// reality: what protects is the sum, which cannot exceed the deposit.
async fn refund(
    psp: &Arc<Psp>,
    trustly: &Trustly,
    data: &Value,
    plan: &Plan,
) -> Result<Value, Refusal> {
    let amount_minor = amount(data, &trustly.currency)?;
    let order_id = text(data, "OrderID")?;
    let booked = psp.book.enter(|entry| {
        let deposit = entry.movement(order_id).cloned().ok_or(Refusal::InvalidParameters)?;
        if deposit.kind != Kind::Deposit || deposit.status != Status::Succeeded {
            return Err(Refusal::InvalidParameters);
        }
        let sent: Vec<&Movement> =
            entry.movements().iter().filter(|m| m.text("deposit") == order_id).collect();
        let gone = |m: &&&Movement| matches!(m.status, Status::Pending | Status::Succeeded);
        let refunded: i64 = sent.iter().filter(gone).map(|m| m.amount_minor).sum();
        if amount_minor > deposit.amount_minor - refunded {
            return Err(Refusal::InvalidAmount);
        }
        let reference = format!("{order_id}-r{}", sent.len() + 1);
        let external = &data["Attributes"]["ExternalReference"];
        let client_reference = external.as_str().unwrap_or(&deposit.client_reference);
        let mut wire = deposit.wire.clone();
        if let Value::Object(wire) = &mut wire {
            wire.insert("deposit".to_owned(), order_id.into());
        }
        let draft = Draft {
            kind: Kind::Refund,
            reference,
            client_reference,
            amount_minor,
            payer: deposit.payer,
            wire,
        };
        let movement = movement(trustly, draft);
        entry.put(movement.clone());
        Ok(movement)
    })?;
    scenario::booked(psp, &booked, plan).await;
    Ok(json!({ "orderid": order_id, "result": "1" }))
}

fn register_account(psp: &Psp, data: &Value) -> Result<Value, Refusal> {
    let user = text(data, "EndUserID")?;
    let (house, number) = (text(data, "ClearingHouse")?, text(data, "AccountNumber")?);
    let bank_number = data["BankNumber"].as_str().ok_or(Refusal::InvalidParameters)?;
    let name = format!("{} {}", text(data, "Firstname")?, text(data, "Lastname")?);
    let iban = number.starts_with(|c: char| c.is_ascii_alphabetic());
    let digits = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let fine = match house {
        "UNITED_KINGDOM" if !iban => digits(bank_number, 6, 6) && digits(number, 8, 8),
        "SWEDEN" if !iban => digits(bank_number, 4, 5) && digits(number, 6, 12),
        _ => ids::iban_is_valid(number),
    };
    if !fine {
        return Err(Refusal::InvalidParameters);
    }
    let words = [user, bank_number, number];
    let words = if bank_number.is_empty() { vec![user, number] } else { words.to_vec() };
    // The same account of the same user always has the same id.
    let account_id = ids::derived_digits(&words, ACCOUNT_ID_LEN);
    let last = last_four(number);
    let bank = notify::bank_in(house);
    psp.book.enter(|entry| {
        let account = json!({
            "user": user, "name": name, "bank": bank, "clearinghouse": house, "last": last,
        });
        entry.put_fact(ACCOUNTS, &account_id, account);
    });
    Ok(json!({
        "accountid": account_id, "clearinghouse": house, "bank": bank,
        "descriptor": format!("**** *{last}"),
    }))
}

fn get_withdrawals(psp: &Psp, data: &Value) -> Result<Value, Refusal> {
    let order_id = text(data, "OrderID")?;
    let movements = psp.book.movements();
    let of_order = |m: &&Movement| {
        is_outgoing(m.kind) && (m.reference == order_id || m.text("deposit") == order_id)
    };
    let rows = movements.iter().filter(of_order).map(|m| {
        let state = match m.status {
            Status::Pending => "EXECUTING",
            Status::Succeeded => "CONFIRMED",
            Status::Declined | Status::Expired | Status::Cancelled => "FAILED",
            Status::Returned | Status::ChargedBack => "RETURNED",
        };
        json!({
            "reference": ids::derived_digits(&["withdrawal", &m.reference], 10),
            "modificationdate": clock::trustly(m.changed_at),
            "orderid": order_id,
            "datestamp": clock::trustly(m.created_at),
            "transferstate": state,
            "amount": money::format(m.amount_minor, 2),
            "accountid": m.text("accountid"),
            "currency": m.currency,
            "eta": clock::trustly(m.created_at),
        })
    });
    Ok(rows.collect())
}

/// What Trustly takes for each order.
const FEE_MINOR: i64 = 100;

/// The account's ledger: a payout leaves the balance when it is accepted and comes back by a row
/// of its own when it fails. Trustly's fee stands in a row beside the money, under the same message id.
fn account_ledger(psp: &Psp, data: &Value) -> Result<Value, Refusal> {
    let (from, to) = (text(data, "FromDate")?, text(data, "ToDate")?);
    let currency = data["Currency"].as_str().unwrap_or(&psp.currency);
    let mut rows = Vec::new();
    for movement in psp.book.movements().iter().filter(|m| m.currency == currency) {
        let mut row = |at, minor: i64, kind: &str, part: &str| {
            if (from..=to).contains(&clock::day(at).as_str()) {
                rows.push(ledger_row(movement, clock::trustly(at), minor, kind, part));
            }
        };
        let minor = movement.amount_minor;
        if is_outgoing(movement.kind) {
            row(movement.created_at, -minor, "User withdrawal of client funds", "out");
            row(movement.created_at, -FEE_MINOR, "User withdrawal of client funds", "out fee");
            let kept = matches!(movement.status, Status::Pending | Status::Succeeded);
            if !kept {
                row(movement.changed_at, minor, "User deposit of client funds", "back");
            }
        } else if let Some(settled_at) = movement.settled_at {
            row(settled_at, minor, "User deposit of client funds", "in");
            row(settled_at, -FEE_MINOR, "User deposit of client funds", "in fee");
            if movement.status != Status::Succeeded {
                row(movement.changed_at, -minor, "User withdrawal of client funds", "back");
            }
        }
    }
    Ok(Value::Array(rows))
}

fn ledger_row(m: &Movement, at: String, minor: i64, kind: &str, part: &str) -> Value {
    let order = match m.text("deposit") {
        "" => m.reference.as_str(),
        deposit => deposit,
    };
    let account = match (is_outgoing(m.kind), part.ends_with("fee")) {
        (true, false) => "BANK_WITHDRAWAL_QUEUED",
        (true, true) => "TRANSACTION_FEE_BANK_WITHDRAWAL",
        (false, false) => "SUSPENSE_ACCOUNT_CLIENT_FUNDS_GERMANY_MOCK",
        (false, true) => "TRANSACTION_FEE_BANK_DEPOSIT",
    };
    let mut row = Map::new();
    for (name, value) in [
        ("userid", m.text("enduserid")),
        ("datestamp", &at),
        ("orderid", order),
        ("accountname", account),
        ("messageid", m.text("messageid")),
        ("transactiontype", kind),
        ("currency", &m.currency),
        ("amount", &money::format(minor, 2)),
        ("gluepayid", &ids::derived_digits(&["ledger", &m.reference, part], 10)),
    ] {
        row.insert(name.to_owned(), value.into());
    }
    Value::Object(row)
}
