//! Transactions as GET and webhooks show them.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Fireblocks;
use crate::book::{Kind, Movement, Status};
use crate::money;

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

/// Primary status and substatus.
fn states(m: &Movement) -> (&'static str, String) {
    let code = m.code.as_deref().unwrap_or_default().to_ascii_uppercase();
    let given = |default: &str| if code.is_empty() { default.to_owned() } else { code.clone() };
    match (m.kind, m.status) {
        (Kind::Deposit, Status::Pending) => {
            ("CONFIRMING", "PENDING_BLOCKCHAIN_CONFIRMATIONS".to_owned())
        }
        // Compliance stops what has arrived: the coins lie in the vault account.
        (Kind::Deposit, Status::Declined)
            if matches!(&*code, "AUTO_FREEZE" | "FROZEN_MANUALLY" | "REJECTED_AML_SCREENING") =>
        {
            ("REJECTED", code)
        }
        (Kind::Deposit, Status::Declined) => ("FAILED", given("DOUBLE_SPENDING")),
        (_, Status::Pending) => ("PENDING_SIGNATURE", String::new()),
        (_, Status::Succeeded) => ("COMPLETED", "CONFIRMED".to_owned()),
        (_, Status::Returned | Status::ChargedBack) => {
            ("COMPLETED", "COMPLETED_BUT_3RD_PARTY_FAILED".to_owned())
        }
        (_, Status::Cancelled) => ("CANCELLED", given("CANCELLED_BY_USER")),
        (_, Status::Expired) => ("FAILED", given("TIMEOUT")),
        (_, Status::Declined) => match code.as_str() {
            "BLOCKED_BY_POLICY" => ("BLOCKED", code),
            "REJECTED_BY_USER" | "REJECTED_AML_SCREENING" => ("REJECTED", code),
            "CANCELLED_BY_USER" => ("CANCELLED", code),
            _ => ("FAILED", given("INSUFFICIENT_FUNDS")),
        },
    }
}

/// The chain's amount without the zeros that our books write.
fn amount(m: &Movement) -> String {
    let text = m.text("exact");
    if !text.is_empty() {
        return text.to_owned();
    }
    money::format(m.amount_minor, money::decimals(&m.currency))
}

pub(super) fn transaction(mock: &Fireblocks, m: &Movement) -> Value {
    let (status, sub_status) = states(m);
    let exact = amount(m);
    let is_deposit = m.kind == Kind::Deposit;
    let on_chain = is_deposit || matches!(m.status, Status::Succeeded | Status::Returned);
    let record = &m.wire["address"];
    let vault = |id: &Value, name: &Value| json!({ "type": "VAULT_ACCOUNT", "id": id, "name": name, "subType": "" });
    let outside =
        |kind: &str| json!({ "type": kind, "id": null, "name": "External", "subType": "" });
    let (source, destination, from, to) = if is_deposit {
        (
            outside("UNKNOWN"),
            vault(&record["more"]["vault"], &record["owner"]),
            m.text("from"),
            record["address"].clone(),
        )
    } else {
        let own = mock.source_vault_id.as_str().into();
        (vault(&own, &"Payouts".into()), outside("ONE_TIME_ADDRESS"), "", m.text("to").into())
    };
    let mut view = json!({
        "id": m.reference,
        "status": status,
        "subStatus": sub_status,
        "txHash": if on_chain { m.text("txid") } else { "" },
        "operation": "TRANSFER",
        "assetId": m.text("coin"),
        "source": source,
        "sourceAddress": from,
        "destination": destination,
        "destinationAddress": to,
        "destinationAddressDescription": "",
        "destinationTag": m.text("tag"),
        "amountInfo": { "amount": exact, "requestedAmount": exact, "netAmount": exact },
        "feeInfo": { "networkFee": "0.00021" },
        "feeCurrency": "ETH",
        "createdAt": millis(m.created_at),
        "lastUpdated": millis(m.changed_at),
        "createdBy": "",
        "signedBy": [],
        "rejectedBy": "",
        "numOfConfirmations": m.wire["confirmations"].as_u64().unwrap_or(0),
        "addressType": if is_deposit { "" } else { "ONE_TIME" },
    });
    let external = m.text("externalTxId");
    if !external.is_empty() {
        view["externalTxId"] = external.into();
    }
    if is_deposit {
        view["customerRefId"] = record["owner"].clone();
    }
    if !m.text("note").is_empty() {
        view["note"] = m.text("note").into();
    }
    view
}
