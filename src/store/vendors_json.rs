//! What vendors said, as canonical JSON: in the facts of a decision, and in the rows of answers.

use super::StoreError;
use super::facts_json::Node;
use super::facts_text::{money_json, time};
use crate::screening::signals::{Hook, Risk, Signal, VendorResult, VendorState};
use serde_json::{Value, json};

/// The canonical form of one answer.
pub fn value(result: &VendorResult) -> Value {
    let mut value = json!({
        "vendor": result.vendor,
        "hook": result.hook.as_str(),
        "request_id": result.request_id,
        "state": result.state.as_str(),
        "risk": result.risk.map(Risk::as_str),
        "score": result.score,
        "signals": signals(&result.signals),
        "raw_sha256": hex::encode(result.raw_sha256),
        "version": result.version,
        "received_at": time(result.received_at),
    });
    if let Some(place) = result.place {
        value["place"] = place.into();
    }
    value
}

/// The signals alone.
pub fn signals(signals: &[Signal]) -> Value {
    let one = |signal: &Signal| {
        json!({
            "code": signal.code,
            "category": signal.category,
            "direct": signal.direct,
            "amount": signal.amount.map(money_json),
            "rule_ref": signal.rule_ref,
        })
    };
    signals.iter().map(one).collect()
}

/// Reads the signals of a row back.
///
/// # Errors
/// The text is not what [`signals`] writes.
pub fn read_signals(text: &str) -> Result<Vec<Signal>, StoreError> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt(format!("signals of a vendor: {error}")))?;
    let all = json!({ "signals": value });
    Node::root(&all, "vendor").each("signals", signal)
}

pub(super) fn read(found: &Node<'_>) -> Result<VendorResult, StoreError> {
    let mut raw_sha256 = [0_u8; 32];
    hex::decode_to_slice(found.text("raw_sha256")?, &mut raw_sha256).map_err(|_| found.wrong())?;
    Ok(VendorResult {
        vendor: found.text("vendor")?,
        hook: found.word("hook", Hook::parse)?,
        place: found
            .maybe("place", |_| i16::try_from(found.number("place")?).map_err(|_| found.wrong()))?,
        request_id: found.text("request_id")?,
        state: found.word("state", VendorState::parse)?,
        risk: found
            .maybe("risk", |risk| Risk::parse(&risk.own_text()?).ok_or_else(|| risk.wrong()))?,
        score: found.maybe("score", Node::own_text)?,
        signals: found.each("signals", signal)?,
        raw_sha256,
        version: found.text("version")?,
        received_at: found.time("received_at")?,
    })
}

fn signal(found: &Node<'_>) -> Result<Signal, StoreError> {
    Ok(Signal {
        code: found.text("code")?,
        category: found.text("category")?,
        direct: found.maybe("direct", Node::own_flag)?,
        amount: found.maybe("amount", Node::money)?,
        rule_ref: found.maybe("rule_ref", Node::own_text)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money};
    use time::macros::datetime;

    #[test]
    fn what_a_vendor_said_survives_the_json_and_no_score_stays_none() {
        let signal = Signal {
            code: "16".to_owned(),
            category: "gambling".to_owned(),
            direct: Some(true),
            amount: Some(Money::new(12_025, Currency::USD)),
            rule_ref: None,
        };
        let severe = (Some(Risk::Severe), Some("10".to_owned()), Some(1));
        for (risk, score, place) in [(None, None, None), severe] {
            let result = VendorResult {
                vendor: "elliptic".to_owned(),
                hook: Hook::KytDeposit,
                place,
                request_id: "r-1".to_owned(),
                state: VendorState::Final,
                risk,
                score,
                signals: vec![
                    signal.clone(),
                    Signal { direct: None, amount: None, ..signal.clone() },
                ],
                raw_sha256: [7; 32],
                version: "v2".to_owned(),
                received_at: datetime!(2026-11-21 07:00 UTC),
            };
            let json = value(&result);
            assert_eq!(read(&Node::root(&json, "vendor")).expect("sound"), result);
            assert_eq!(json.get("place").is_some(), place.is_some(), "as it was written before");
            let text = signals(&result.signals).to_string();
            assert_eq!(read_signals(&text).expect("sound"), result.signals);
        }
    }
}
