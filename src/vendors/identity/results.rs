//! What a vendor of identity said, as the one shape of all vendors' answers, and back.

use super::wire::Told;
use crate::domain::Timestamp;
use crate::screening::hooks::{KycAnswer, KycStanding};
use crate::screening::signals::{Hook, Risk, Signal, VendorResult, VendorState};
use crate::store::player_results::News;

const IDENTITY: &str = "identity";
const LABEL: &str = "reject_label";

/// The answer, with what its level is worth here. Its labels stand in the kept result, and in no decision.
pub fn of_told(
    vendor: &str,
    told: &Told,
    level: Option<i16>,
    (raw_sha256, now): ([u8; 32], Timestamp),
) -> VendorResult {
    let signal = |code: &str, category: &str, rule_ref: Option<String>| Signal {
        code: code.to_owned(),
        category: category.to_owned(),
        direct: None,
        amount: None,
        rule_ref,
    };
    let standing = signal(told.standing.as_str(), IDENTITY, level.map(|level| level.to_string()));
    let labels = told.labels.iter().map(|label| signal(label, LABEL, None));
    let is_open = told.standing == KycStanding::Pending;
    VendorResult {
        vendor: vendor.to_owned(),
        hook: Hook::Kyc,
        place: None,
        request_id: told.reference.clone(),
        state: if is_open { VendorState::Pending } else { VendorState::Final },
        risk: match told.standing {
            KycStanding::Verified => Some(Risk::None),
            KycStanding::Rejected => Some(Risk::Severe),
            // Neither a good nor a bad word.
            KycStanding::Pending | KycStanding::Retry | KycStanding::Abandoned => None,
        },
        score: None,
        signals: std::iter::once(standing).chain(labels).collect(),
        raw_sha256,
        version: told.level_name.clone(),
        received_at: now,
    }
}

/// Standing and level of a kept result. None: it is no result of a vendor of identity.
pub fn standing_of(result: &VendorResult) -> Option<(KycStanding, Option<i16>)> {
    let signal = result.signals.iter().find(|signal| signal.category == IDENTITY)?;
    let level = signal.rule_ref.as_ref().map(|level| level.parse().ok());
    match level {
        Some(None) => None,
        level => Some((KycStanding::parse(&signal.code)?, level.flatten())),
    }
}

/// As a fact of a decision. A level that nobody has said the worth of is worth nothing.
pub fn to_answer(news: &News) -> Option<KycAnswer> {
    let (standing, level) = standing_of(&news.result)?;
    Some(KycAnswer {
        standing,
        level: level.unwrap_or(0),
        reference: news.result.request_id.clone(),
        version: news.result.version.clone(),
        told_at: news.told_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_result_comes_back_and_an_answer_has_no_labels() {
        let at = datetime!(2026-11-21 8:00 UTC);
        for standing in KycStanding::ALL {
            for level in [None, Some(2)] {
                let told = Told {
                    reference: "a-1".to_owned(),
                    player: None,
                    standing,
                    level_name: "basic".to_owned(),
                    begun_at: None,
                    decided_at: None,
                    is_sandbox: false,
                    labels: vec!["FORGERY".to_owned()],
                };
                let result = of_told("sumsub", &told, level, ([1; 32], at));
                assert_eq!(standing_of(&result), Some((standing, level)));
                let is_approved = result.risk == Some(Risk::None);
                assert_eq!(is_approved, standing == KycStanding::Verified);
                assert_eq!(result.signals[1].code, "FORGERY", "compliance can read it");
                let news = News { id: uuid::Uuid::nil(), result, told_at: at };
                let answer = to_answer(&news).unwrap();
                assert_eq!((answer.standing, answer.level), (standing, level.unwrap_or(0)));
                assert!(!format!("{answer:?}").contains("FORGERY"));
            }
        }
    }
}
