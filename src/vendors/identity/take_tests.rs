use super::*;
use crate::domain::Timestamp;
use crate::screening::signals::{Hook, Signal, VendorResult};
use time::macros::datetime;
use uuid::Uuid;

const AT: Timestamp = datetime!(2026-11-21 8:00 UTC);

fn at(seconds: i64) -> Timestamp {
    AT + time::Duration::seconds(seconds)
}

#[test]
fn only_newer_news_is_taken_and_the_same_news_is_taken_once() {
    let news = |seconds, is_final, said: &str| KycTaken {
        told_at: at(seconds),
        is_final,
        said: said.to_owned(),
    };
    let taken = |taken, at| {
        let vendor = "sumsub".to_owned();
        let last = NewKycTaken { result: Uuid::nil(), vendor, taken, rejection: None };
        TakenBefore { last, at }
    };
    let before = taken(news(0, true, "approved"), at(2));
    assert!(is_newer(&before.last.taken, None));
    for (other, expected) in [
        (news(1, true, "approved"), false),
        (news(3, true, "approved"), true),
        (news(1, false, "pending"), true),
        (news(0, true, "approved"), false),
        (news(0, true, "rejected"), true),
        (news(0, false, "pending"), false),
        (news(-1, true, "rejected"), false),
    ] {
        assert_eq!(is_newer(&other, Some(&before)), expected, "{other:?}");
    }
    let pending = taken(news(0, false, "pending"), AT);
    assert!(is_newer(&before.last.taken, Some(&pending)));
}

/// Verification `reference`, whose vendor said this of it at that second.
fn said(reference: u128, standing: KycStanding, seconds: i64) -> News {
    let is_open = standing == KycStanding::Pending;
    let result = VendorResult {
        vendor: "sumsub".to_owned(),
        hook: Hook::Kyc,
        place: None,
        request_id: reference.to_string(),
        state: if is_open { VendorState::Pending } else { VendorState::Final },
        risk: None,
        score: None,
        signals: vec![Signal {
            code: standing.as_str().to_owned(),
            category: "identity".to_owned(),
            direct: None,
            amount: None,
            rule_ref: Some("2".to_owned()),
        }],
        raw_sha256: [0; 32],
        version: String::new(),
        received_at: at(seconds),
    };
    let id = Uuid::from_u128(reference * 1_000 + u128::from(seconds.unsigned_abs()));
    News { id, result, told_at: at(seconds) }
}

/// Has a record take all that there is to take, and tells what it took, by second.
fn takes(told: &[News], before: &mut Option<TakenBefore>) -> Vec<i64> {
    let mut seconds = Vec::new();
    while let Some((news, last)) = next(told, before.as_ref()) {
        seconds.push((news.told_at - AT).whole_seconds());
        // As the statement does that keeps it.
        let heard = before.as_ref().and_then(|before| before.last.rejection);
        let rejection = last.rejection.or(heard);
        *before = Some(TakenBefore { last: NewKycTaken { rejection, ..last }, at: at(100) });
        assert!(seconds.len() < 10, "it ends: {seconds:?}");
    }
    seconds
}

#[test]
fn a_rejection_is_heard_once_whenever_it_comes_unless_a_verification_answers_for_it() {
    use KycStanding::{Abandoned, Pending, Rejected, Verified};
    let (verified, rejected) = (said(1, Verified, 0), said(1, Rejected, 10));
    for other in [Pending, Abandoned] {
        let other = said(2, other, 20);
        // In the order in which it was said, at once, and after what was said later.
        let mut before = None;
        assert_eq!(takes(std::slice::from_ref(&verified), &mut before), [0]);
        let late = before.clone();
        let told = [other.clone(), rejected.clone(), verified.clone()];
        assert_eq!(takes(&told, &mut before), [10, 20]);
        let mut before = late;
        assert_eq!(takes(&[other.clone(), verified.clone()], &mut before), [20]);
        assert_eq!(takes(&told, &mut before), [10], "after newer news");
        let last = before.as_ref().map(|before| before.last.taken.told_at);
        assert_eq!(last, Some(other.told_at), "the newest that was taken stays the newest");
        // The same, told once more, and what follows it.
        let again = said(1, Rejected, 11);
        let told = [other.clone(), again, rejected.clone(), verified.clone()];
        assert_eq!(takes(&told, &mut before), Vec::<i64>::new());
        let newer = said(3, Pending, 30);
        let told = [newer, other, rejected.clone(), verified.clone()];
        assert_eq!(takes(&told, &mut before), [30]);
    }
    let mut before = None;
    let approved = said(2, Verified, 20);
    assert_eq!(takes(&[approved.clone(), verified.clone()], &mut before), [20]);
    let pending = said(3, Pending, 30);
    assert_eq!(takes(&[pending, approved, rejected, verified], &mut before), [30]);
}

/// One verification that a vendor keeps for ever, and a higher one of another that began since.
#[test]
fn a_new_rejection_is_heard_though_an_older_one_of_its_verification_was_before_an_approval() {
    use KycStanding::{Pending, Rejected, Verified};
    let (first, approved) = (said(1, Rejected, 10), said(1, Verified, 20));
    let (second, other) = (said(1, Rejected, 30), said(2, Pending, 40));
    let mut before = None;
    assert_eq!(takes(std::slice::from_ref(&first), &mut before), [10]);
    assert_eq!(takes(&[approved.clone(), first.clone()], &mut before), [20]);
    assert_eq!(takes(&[other.clone(), approved.clone(), first.clone()], &mut before), [40]);
    let told = [other.clone(), second.clone(), approved.clone(), first.clone()];
    assert_eq!(takes(&told, &mut before), [30], "it came late, and it is another decision");
    assert_eq!(takes(&told, &mut before), Vec::<i64>::new(), "once");
    let again = said(1, Rejected, 31);
    let told = [other, again, second, approved, first];
    assert_eq!(takes(&told, &mut before), Vec::<i64>::new(), "the same, told once more");
}
