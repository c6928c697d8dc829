//! What a register or a matcher said, as the one shape of all vendors' answers, and back: an answer
//! that is fresh enough need not be asked for again.

use crate::domain::Timestamp;
use crate::screening::hooks::{NameAnswer, NameHit, RegisterAnswer, Standing, Topic};
use crate::screening::signals::{Hook, Risk, Signal, VendorResult, VendorState};
use rust_decimal::Decimal;

const EXCLUSION: &str = "exclusion";

fn signal(code: String, category: &str, rule_ref: Option<String>) -> Signal {
    Signal { code, category: category.to_owned(), direct: None, amount: None, rule_ref }
}

/// A register's answer. It says yes or no, or that it cannot tell; it gives no score.
pub fn of_register(vendor: &str, answer: &RegisterAnswer, raw_sha256: [u8; 32]) -> VendorResult {
    VendorResult {
        vendor: vendor.to_owned(),
        hook: Hook::Register,
        place: None,
        request_id: answer.reference.clone(),
        state: VendorState::Final,
        risk: match answer.standing {
            Standing::Excluded => Some(Risk::Severe),
            Standing::NotExcluded => Some(Risk::None),
            Standing::UnknownPerson => None,
        },
        score: None,
        signals: vec![signal(answer.standing.as_str().to_owned(), EXCLUSION, None)],
        raw_sha256,
        version: "register-1".to_owned(),
        received_at: answer.answered_at,
    }
}

/// None: it is no answer of a register.
pub fn to_register(result: &VendorResult) -> Option<RegisterAnswer> {
    let standing = Standing::parse(&result.signals.first()?.code)?;
    let reference = result.request_id.clone();
    Some(RegisterAnswer { standing, reference, answered_at: result.received_at })
}

/// A matcher's answer. Its scores are of entries, and say nothing of a risk before a policy's
/// thresholds do.
pub fn of_names(
    vendor: &str,
    answer: &NameAnswer,
    request_id: &str,
    raw_sha256: [u8; 32],
) -> VendorResult {
    let of_hit = |hit: &NameHit| {
        let code = format!("{}/{}", hit.list, hit.entity);
        signal(code, hit.topic.as_str(), Some(hit.score.to_string()))
    };
    VendorResult {
        vendor: vendor.to_owned(),
        hook: Hook::Names,
        place: None,
        request_id: request_id.to_owned(),
        state: VendorState::Final,
        risk: None,
        score: answer.hits.iter().map(|hit| hit.score).max().map(|score| score.to_string()),
        signals: answer.hits.iter().map(of_hit).collect(),
        raw_sha256,
        version: answer.version.clone(),
        received_at: answer.asked_at,
    }
}

/// None: it is no answer of a matcher.
pub fn to_names(result: &VendorResult) -> Option<NameAnswer> {
    let to_hit = |signal: &Signal| {
        let (list, entity) = signal.code.split_once('/')?;
        let score: Decimal = signal.rule_ref.as_ref()?.parse().ok()?;
        Some(NameHit {
            list: list.to_owned(),
            entity: entity.to_owned(),
            topic: Topic::parse(&signal.category)?,
            score,
            excepted: false,
        })
    };
    let hits = result.signals.iter().map(to_hit).collect::<Option<Vec<_>>>()?;
    Some(NameAnswer { hits, version: result.version.clone(), asked_at: result.received_at })
}

/// A vendor that could not be asked, or said what cannot be used.
pub fn of_failure(
    vendor: &str,
    hook: Hook,
    request_id: &str,
    (failure, now): (crate::screening::hooks::HookFailure, Timestamp),
) -> VendorResult {
    VendorResult {
        vendor: vendor.to_owned(),
        hook,
        place: None,
        request_id: request_id.to_owned(),
        state: VendorState::Error,
        risk: None,
        score: None,
        signals: vec![signal(failure.as_str().to_owned(), "failure", None)],
        raw_sha256: [0; 32],
        version: String::new(),
        received_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;
    use time::macros::datetime;

    const AT: Timestamp = datetime!(2026-11-21 8:00 UTC);

    #[test]
    fn answers_come_back_from_the_one_shape() {
        for standing in Standing::ALL {
            let answer = RegisterAnswer { standing, reference: "r".to_owned(), answered_at: AT };
            assert_eq!(to_register(&of_register("v", &answer, [1; 32])).unwrap(), answer);
        }
        let hit = NameHit {
            list: "us_ofac".to_owned(),
            entity: "a/b".to_owned(),
            topic: Topic::Pep,
            score: dec!(0.8421),
            excepted: false,
        };
        let answer = NameAnswer { hits: vec![hit], version: "v;h".to_owned(), asked_at: AT };
        assert_eq!(to_names(&of_names("v", &answer, "q", [1; 32])).unwrap(), answer);
    }
}
