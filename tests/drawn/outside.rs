//! What vendors, registers and lists outside the house said, drawn from a few numbers.

use interlock::domain::{Direction, Money};
use interlock::screening::closed_loop::Obstacle;
use interlock::screening::facts::{LoopFacts, LoopSource};
use interlock::screening::hooks::{
    CheckFacts, FileAnswer, FileFacts, HookFailure, NameAnswer, NameFacts, NameHit, RegisterAnswer,
    RegisterFacts, Standing, Topic,
};
use interlock::screening::signals::{Hook, Risk, Signal, VendorResult, VendorState};
use interlock::screening::{Checkpoint, Facts};
use rust_decimal::Decimal;

/// Fills in all that somebody outside may have said at this checkpoint.
pub fn answered(facts: &mut Facts, (minor, method, kind): (i64, usize, u8)) {
    let chance = usize::try_from(minor).unwrap_or_default() + method;
    facts.checks = checks(facts, (minor, chance, kind));
    facts.vendors = vec![vendor(facts, chance)];
    if facts.checkpoint == Checkpoint::WithdrawalRequest {
        facts.closed_loop = Some(shared_out(minor, chance));
    }
}

fn pick<T: Copy>(all: &[T], chance: usize) -> T {
    all[chance % all.len()]
}

fn checks(facts: &Facts, (minor, chance, kind): (i64, usize, u8)) -> CheckFacts {
    let failure = pick(&HookFailure::ALL, chance);
    let answers = kind != 0;
    let register = RegisterAnswer {
        standing: pick(&Standing::ALL, chance),
        reference: format!("ref-{chance}"),
        answered_at: facts.screened_at,
    };
    let remaining = facts.money().map(|money| Money::new(minor / 2, money.currency));
    let file = FileAnswer { granted: chance % 3 != 0, reference: "lugas-1".to_owned(), remaining };
    let hit = NameHit {
        list: "eu".to_owned(),
        entity: format!("entity-{chance}"),
        topic: pick(&Topic::ALL, chance),
        score: Decimal::new(i64::from(kind) * 25 + minor % 25, 2),
        excepted: chance % 5 == 0,
    };
    let names = NameAnswer {
        hits: vec![hit; chance % 3],
        version: "logic-v1; eu 0123456789abcdef".to_owned(),
        asked_at: facts.screened_at,
    };
    CheckFacts {
        register: Some(RegisterFacts {
            register: "spelpaus".to_owned(),
            found: if answers { Ok(register) } else { Err(failure) },
        }),
        file: Some(FileFacts {
            file: "lugas".to_owned(),
            found: if answers { Ok(file) } else { Err(failure) },
        }),
        names: vec![NameFacts {
            matcher: "yente".to_owned(),
            found: if answers { Ok(names) } else { Err(failure) },
        }],
    }
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
        is_excepted: chance % 7 == 0,
    };
    let obstacle = (chance % 2 == 0).then(|| pick(&Obstacle::ALL, chance));
    LoopFacts {
        sources: vec![
            source("iban", minor, minor / 2, None),
            source("card", minor / 3, 0, obstacle),
        ],
        elsewhere: (chance % 3 == 0).then(|| ("iban".to_owned(), minor / 2)),
        is_named: chance % 4 == 0,
        is_outside: chance % 6 == 0,
    }
}
