//! What vendors, registers and lists outside the house said, drawn from a few numbers.

use super::NOW;
use interlock::domain::Direction;
use interlock::screening::closed_loop::Obstacle;
use interlock::screening::facts::{LoopFacts, LoopSource, Match};
use interlock::screening::hooks::{
    CheckFacts, FileAnswer, FileFacts, HookFailure, KycAnswer, KycFacts, KycStanding, NameAnswer,
    NameFacts, NameHit, RegisterAnswer, RegisterFacts, Standing, Topic,
};
use interlock::screening::signals::{Hook, Risk, Signal, VendorResult, VendorState};
use interlock::screening::{Checkpoint, Facts};
use rust_decimal::Decimal;
use time::Duration;
use uuid::Uuid;

/// What everybody who is asked has said: mostly that nothing is known.
pub fn checks(drawn: i64) -> CheckFacts {
    let (reference, asked_at) = ("r-1".to_owned(), NOW - Duration::seconds(drawn % 90));
    let standing = if drawn % 8 == 1 { Standing::Excluded } else { Standing::NotExcluded };
    let answer = RegisterAnswer { standing, reference: reference.clone(), answered_at: asked_at };
    let room = FileAnswer { granted: drawn % 8 != 2, reference, remaining: None };
    let hit = NameHit {
        list: "us_ofac".to_owned(),
        entity: drawn.to_string(),
        topic: Topic::ALL[usize::from(drawn % 3 == 0)],
        score: Decimal::new(drawn % 1_000, 3),
        excepted: drawn % 16 == 3,
    };
    let names = NameAnswer { hits: vec![hit], version: "lists-1".to_owned(), asked_at };
    let or_late = |late: bool| if late { Some(HookFailure::Late) } else { None };
    let identity = KycAnswer {
        standing: if drawn % 8 == 3 { KycStanding::Retry } else { KycStanding::Verified },
        level: if drawn % 4 == 0 { 1 } else { 3 },
        reference: "v-1".to_owned(),
        version: "level-1".to_owned(),
        told_at: asked_at,
    };
    CheckFacts {
        kyc: (drawn % 8 != 0).then(|| KycFacts {
            vendor: "vendor".to_owned(),
            found: or_late(drawn % 8 == 7).map_or(Ok(identity), Err),
        }),
        register: (drawn % 8 != 0).then(|| RegisterFacts {
            register: "register".to_owned(),
            found: or_late(drawn % 8 == 4).map_or(Ok(answer), Err),
        }),
        file: (drawn % 8 != 0).then(|| FileFacts {
            file: "file".to_owned(),
            found: or_late(drawn % 8 == 5).map_or(Ok(room), Err),
        }),
        names: vec![NameFacts {
            matcher: "matcher".to_owned(),
            found: or_late(drawn % 8 == 6).map_or(Ok(names), Err),
        }],
    }
}

/// Fills in what vendors of analytics said, and how a withdrawal is shared out.
pub fn answered(facts: &mut Facts, (minor, method): (i64, usize)) {
    let chance = usize::try_from(minor).unwrap_or_default() + method;
    facts.vendors = vec![vendor(facts, chance)];
    if facts.checkpoint == Checkpoint::WithdrawalRequest {
        facts.closed_loop = Some(shared_out(minor, chance));
    }
}

fn pick<T: Copy>(all: &[T], chance: usize) -> T {
    all[chance % all.len()]
}

fn vendor(facts: &Facts, chance: usize) -> VendorResult {
    let deposits = facts.checkpoint.direction() == Some(Direction::Deposit);
    let signal = Signal {
        code: "16".to_owned(),
        category: pick(&["gambling", "mixer", "sanctions", "theft"], chance).to_owned(),
        direct: pick(&[Some(true), Some(false), None], chance),
        amount: facts.money(),
        rule_ref: None,
    };
    VendorResult {
        vendor: "chainalysis".to_owned(),
        hook: if deposits { Hook::KytDeposit } else { Hook::KytWithdrawal },
        place: pick(&[None, Some(0), Some(1)], chance),
        request_id: format!("q-{chance}"),
        state: pick(&VendorState::ALL, chance),
        risk: pick(&[Some(Risk::Low), Some(Risk::Severe), None, Some(Risk::High)], chance),
        score: None,
        signals: vec![signal; chance % 4],
        raw_sha256: [7; 32],
        version: "kyt-2".to_owned(),
        received_at: facts.screened_at,
    }
}

fn shared_out(minor: i64, chance: usize) -> LoopFacts {
    let source = |kind: &str, deposited_minor, share_minor, obstacle| LoopSource {
        kind: kind.to_owned(),
        deposited_minor,
        paid_out_minor: minor / 4,
        share_minor,
        obstacle,
        is_excepted: chance.is_multiple_of(7),
        exception: chance.is_multiple_of(5).then(|| Uuid::from_u128(chance as u128)),
    };
    let obstacle = chance.is_multiple_of(2).then(|| pick(&Obstacle::ALL, chance));
    LoopFacts {
        sources: vec![
            source("iban", minor, minor / 2, None),
            source("card", minor / 3, 0, obstacle),
        ],
        elsewhere: chance.is_multiple_of(3).then(|| ("iban".to_owned(), minor / 2)),
        is_named: chance.is_multiple_of(4),
        is_outside: chance.is_multiple_of(6),
        holder: chance.is_multiple_of(8).then(|| pick(&Match::ALL, chance / 8)),
    }
}
