//! Who paid, what people vouch for, who controls an address, and who else used an instrument, in the facts of a
//! decision.

use super::StoreError;
use super::facts_json::Node;
use super::facts_text::{money_json, time};
use crate::screening::attestation::AttestationKind;
use crate::screening::facts::{EndFacts, Match, PayerFacts, Shared, Vouched};
use psp_contract::CardFunding;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Its members stand in the order of their names, which is the order of the bytes.
#[derive(Serialize)]
pub(super) struct PayerText<'a> {
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    funding: Option<&'static str>,
    name: &'static str,
    tax_id: &'static str,
}

pub(super) fn payer(payer: &PayerFacts) -> PayerText<'_> {
    let PayerFacts { name, tax_id, account, funding } = payer;
    PayerText {
        account,
        funding: funding.map(CardFunding::as_str),
        name: name.as_str(),
        tax_id: tax_id.as_str(),
    }
}

pub(super) fn read_payer(found: &Node<'_>) -> Result<PayerFacts, StoreError> {
    Ok(PayerFacts {
        name: found.word("name", Match::parse)?,
        tax_id: found.word("tax_id", Match::parse)?,
        account: found.text("account")?,
        funding: found.maybe("funding", |word| word.own_word(CardFunding::parse))?,
    })
}

pub(super) fn vouched(one: &Vouched) -> Value {
    let mut object = Map::new();
    object.insert("kind".to_owned(), one.kind.as_str().into());
    object.insert("id".to_owned(), one.id.to_string().into());
    if let Some(amount) = one.amount {
        object.insert("amount".to_owned(), money_json(amount));
    }
    if let Some(until) = one.until {
        object.insert("until".to_owned(), time(until));
    }
    Value::Object(object)
}

pub(super) fn read_vouched(found: &Node<'_>) -> Result<Vouched, StoreError> {
    Ok(Vouched {
        kind: found.word("kind", AttestationKind::parse)?,
        id: found.word("id", |text| Uuid::try_parse(text).ok())?,
        amount: found.maybe("amount", |amount| amount.money())?,
        until: found.maybe("until", Node::own_time)?,
    })
}

pub(super) fn end(end: &EndFacts) -> Value {
    let mut object = Map::new();
    if let Some(place) = end.place {
        object.insert("place".to_owned(), place.into());
    }
    if let Some(control) = &end.control {
        object.insert("control".to_owned(), vouched(control));
    }
    Value::Object(object)
}

pub(super) fn read_end(found: &Node<'_>) -> Result<EndFacts, StoreError> {
    Ok(EndFacts {
        place: found
            .maybe("place", |_| i16::try_from(found.number("place")?).map_err(|_| found.wrong()))?,
        control: found.maybe("control", read_vouched)?,
    })
}

/// Without a number nothing tells the instrument from another.
pub(super) fn shared(shared: Shared) -> Value {
    let mut object = Map::new();
    if let Shared::Others(others) = shared {
        object.insert("others".to_owned(), others.into());
    }
    Value::Object(object)
}

pub(super) fn read_shared(found: &Node<'_>) -> Result<Shared, StoreError> {
    let others = found
        .maybe("others", |_| u32::try_from(found.number("others")?).map_err(|_| found.wrong()))?;
    Ok(others.map_or(Shared::NotTold, Shared::Others))
}

#[cfg(test)]
mod tests {
    use super::super::facts_text::in_order;
    use super::*;
    use crate::domain::{Currency, Money, Timestamp};
    use serde_json::json;

    #[test]
    fn what_people_vouch_for_reads_back_with_and_without_its_bounds() {
        let bounded = Vouched {
            kind: AttestationKind::SourceOfFunds,
            id: Uuid::from_u128(7),
            amount: Some(Money::new(5, Currency::EUR)),
            until: Some(Timestamp::UNIX_EPOCH),
        };
        for one in [bounded, Vouched { amount: None, until: None, ..bounded }] {
            let value = vouched(&one);
            assert_eq!(read_vouched(&Node::root(&value, "test")).expect("it reads back"), one);
        }
        let wrong = json!({"kind": "source_of_funds", "id": "7"});
        assert!(read_vouched(&Node::root(&wrong, "test")).is_err());
    }

    #[test]
    fn an_end_reads_back_with_and_without_its_place_and_its_proof() {
        let proof = Vouched {
            kind: AttestationKind::ProofOfControl,
            id: Uuid::from_u128(7),
            amount: None,
            until: None,
        };
        for place in [None, Some(0), Some(3)] {
            for control in [None, Some(proof)] {
                let one = EndFacts { place, control };
                let value = end(&one);
                assert_eq!(read_end(&Node::root(&value, "test")).expect("it reads back"), one);
            }
        }
        assert!(read_end(&Node::root(&json!({"place": 70_000}), "test")).is_err());
    }

    #[test]
    fn a_payer_of_whose_card_nothing_is_told_is_written_as_ever() {
        let untold = PayerFacts {
            name: Match::Same,
            tax_id: Match::Unknown,
            account: "known to the PSP".to_owned(),
            funding: None,
        };
        assert!(!serde_json::to_string(&payer(&untold)).unwrap().contains("funding"));
        for funding in [None, Some(CardFunding::Credit), Some(CardFunding::Prepaid)] {
            let one = PayerFacts { funding, ..untold.clone() };
            let text = serde_json::to_string(&payer(&one)).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(in_order(&value), text);
            assert_eq!(read_payer(&Node::root(&value, "test")).expect("it reads back"), one);
        }
    }

    #[test]
    fn nobody_else_is_not_the_same_as_not_told() {
        for one in [Shared::NotTold, Shared::Others(0), Shared::Others(3)] {
            let value = shared(one);
            assert_eq!(read_shared(&Node::root(&value, "test")).expect("it reads back"), one);
        }
        assert_ne!(shared(Shared::NotTold), shared(Shared::Others(0)));
        assert!(read_shared(&Node::root(&json!({"others": -1}), "test")).is_err());
    }
}
