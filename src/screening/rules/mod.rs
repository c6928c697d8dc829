//! The kinds of rules, one small file each: its parameters, what it finds, and its words.
//!
//! A rule that is not hit is recorded too: a near miss explains as much as a hit. Texts are plain and
//! stable, since a decision that is replayed must come out with the same ones.
//!
//! Built in are the rules that hold everywhere, licence or not; all others a policy names.

mod affordability;
mod age_min;
mod amount;
mod cdd_threshold;
mod closed_loop;
mod counting;
pub(super) mod cross_operator;
mod currency_allowed;
mod dual_approval;
mod excluded_register;
mod fx_age;
mod instrument_shared;
mod kyc_level;
mod kyc_vendor;
mod kyt;
mod licence;
mod lifting;
mod limit_contact;
mod limit_player;
mod limit_required;
mod method_allowed;
mod minimal_play;
mod owed;
mod payer;
mod player;
mod sanctions_pep;
mod structuring;
mod travel_rule;
mod velocity;
mod withdrawal_sla;

pub use limit_player::LimitPlayer;

use super::file::Table;
use super::rule::{Check, Rule};
use super::signals::Hook;
use super::{Checkpoint, Outcome};
use crate::domain::{Currency, Timestamp};
use std::sync::{Arc, LazyLock};
use time::format_description::well_known::Rfc3339;

/// The numbers of the built-in rules. They stand in decisions, and never change.
pub const PLAYER_KNOWN: u16 = 1;
const EXCLUDED_REGISTER: u16 = 2;
pub const PLAYER_STATUS: u16 = 3;
const LICENCE_MARKET: u16 = 4;
const LIMIT_PLAYER: u16 = 5;
const WALLET_OWED: u16 = 6;
const CLOSED_LOOP: u16 = 11;
const FX_AGE: u16 = 12;

const EVERYWHERE: &[Checkpoint] = &[
    Checkpoint::DepositPre,
    Checkpoint::DepositPost,
    Checkpoint::WithdrawalRequest,
    Checkpoint::WithdrawalPrePayout,
];
const DEPOSITS: &[Checkpoint] = &[Checkpoint::DepositPre, Checkpoint::DepositPost];
const WITHDRAWALS: &[Checkpoint] =
    &[Checkpoint::WithdrawalRequest, Checkpoint::WithdrawalPrePayout];
/// When a payment begins: later the player cannot change any more what is asked there.
const BEGINNINGS: &[Checkpoint] = &[Checkpoint::DepositPre, Checkpoint::WithdrawalRequest];
/// Where a method is looked at, and what paid by it.
const METHODS_AND_CARDS: &[Checkpoint] =
    &[Checkpoint::DepositPre, Checkpoint::DepositPost, Checkpoint::WithdrawalRequest];
/// Where a licence, and the currencies it allows, matter. Before a payout two people, or the
/// request's own screening, have let it through.
const BEFORE_PAYOUT: &[Checkpoint] =
    &[Checkpoint::DepositPre, Checkpoint::DepositPost, Checkpoint::WithdrawalRequest];
/// Exclusion and limits stop deposits before money moves, and never anything else.
const DEPOSIT_PRE: &[Checkpoint] = &[Checkpoint::DepositPre];
/// Where who the player is may be looked at besides: where what was decided before may be old, or nothing was.
const WHO_IT_IS: &[Checkpoint] = &[Checkpoint::DepositPost, Checkpoint::WithdrawalPrePayout];
const NAMES: &[Checkpoint] =
    &[Checkpoint::AccountEvent, Checkpoint::DepositPre, Checkpoint::WithdrawalRequest];
const DEPOSIT_PAID: &[Checkpoint] = &[Checkpoint::DepositPost];
const REQUEST: &[Checkpoint] = &[Checkpoint::WithdrawalRequest];
/// Where the other end of a transfer is known.
const MONEY_AND_REQUEST: &[Checkpoint] = &[Checkpoint::DepositPost, Checkpoint::WithdrawalRequest];

/// A kind that a policy names, with its parameters, and the checkpoints where it can run. None:
/// there is no such kind.
pub fn read(
    kind: &str,
    table: &Table<'_>,
    currencies: &[Currency],
) -> Option<(Arc<dyn Check>, &'static [Checkpoint])> {
    Some(match kind {
        "currency.allowed" => {
            (Arc::new(currency_allowed::CurrencyAllowed::new(currencies)), BEFORE_PAYOUT)
        }
        "method.allowed" => {
            let check = method_allowed::MethodAllowed::read(table);
            let at = if check.asks_of_card() { METHODS_AND_CARDS } else { BEGINNINGS };
            (Arc::new(check), at)
        }
        "amount.min" => (Arc::new(amount::AmountMin::read(table)), BEGINNINGS),
        "amount.max" => (Arc::new(amount::AmountMax::read(table)), BEGINNINGS),
        "kyc.level" => (Arc::new(kyc_level::KycLevel::read(table)), BEGINNINGS),
        "kyc.vendor" => (Arc::new(kyc_vendor::VendorSays::read(table)), BEGINNINGS),
        "age.min" => (Arc::new(age_min::AgeMin::read(table)), BEFORE_PAYOUT),
        "dual_approval" => (Arc::new(dual_approval::DualApproval::read(table)), REQUEST),
        "closed_loop.named" => (Arc::new(closed_loop::NamedDestination), REQUEST),
        "kyt.deposit" => (Arc::new(kyt::Kyt::read(Hook::KytDeposit, table)), DEPOSIT_PAID),
        "kyt.withdrawal" => {
            let check = kyt::Kyt::read(Hook::KytWithdrawal, table);
            let at = if check.looks_again() { WITHDRAWALS } else { REQUEST };
            (Arc::new(check), at)
        }
        "travel_rule" => (Arc::new(travel_rule::TravelRule::read(table)), MONEY_AND_REQUEST),
        "payer.name" => (Arc::new(payer::PayerName), DEPOSIT_PAID),
        "payee.name" => (Arc::new(payer::PayeeName), REQUEST),
        "payer.tax_id" => (Arc::new(payer::PayerTaxId), DEPOSIT_PAID),
        "payer.account" => (Arc::new(payer::PayerAccount), DEPOSIT_PAID),
        "excluded.register_answer" => {
            (Arc::new(excluded_register::RegisterSays::read(table)), DEPOSIT_PRE)
        }
        "limit.cross_operator" => {
            (Arc::new(cross_operator::CrossOperator::read(table)), DEPOSIT_PRE)
        }
        "sanctions_pep" => (Arc::new(sanctions_pep::SanctionsPep::read(table)), NAMES),
        "velocity.count" => (Arc::new(velocity::Velocity::count(table)), BEGINNINGS),
        "velocity.sum" => (Arc::new(velocity::Velocity::sum(table)), BEGINNINGS),
        "velocity.instruments" => (Arc::new(velocity::Velocity::instruments(table)), DEPOSIT_PAID),
        "structuring" => (Arc::new(structuring::Structuring::read(table)), BEGINNINGS),
        "affordability" => (Arc::new(affordability::Affordability::read(table)), DEPOSIT_PRE),
        "cdd.threshold" => (Arc::new(cdd_threshold::CddThreshold::read(table)), BEGINNINGS),
        "limit.contact" => (Arc::new(limit_contact::LimitContact::read(table)), DEPOSIT_PRE),
        "minimal_play" => (Arc::new(minimal_play::MinimalPlay::read(table)), REQUEST),
        "instrument.shared" => {
            (Arc::new(instrument_shared::InstrumentShared::read(table)), MONEY_AND_REQUEST)
        }
        "limit.required" => (Arc::new(limit_required::LimitRequired::read(table)), DEPOSIT_PRE),
        "withdrawal.sla" => (Arc::new(withdrawal_sla::WithdrawalSla::read(table)), WITHDRAWALS),
        _ => return None,
    })
}

/// Where a kind can run besides, when a policy says so with `at`: what it looks at is known there too.
pub fn besides(kind: &str) -> &'static [Checkpoint] {
    match kind {
        "kyc.level" | "kyc.vendor" | "sanctions_pep" => WHO_IT_IS,
        "excluded.register_answer" | "limit.cross_operator" | "affordability" => DEPOSIT_PAID,
        "age.min" | "limit.required" | "limit.contact" => &[Checkpoint::AccountEvent],
        _ => &[],
    }
}

/// Whether a kind looks once more before the payout at who the player is: what it finds then is for people and
/// no refusal, and what they were shown and let go is no finding.
pub fn looks_again(kind: &str) -> bool {
    besides(kind).contains(&Checkpoint::WithdrawalPrePayout)
}

/// Whether a kind looks, when money is in, at nothing but what came unasked: see [`super::Facts::unasked`].
pub fn looks_at_unasked(kind: &str) -> bool {
    besides(kind).contains(&Checkpoint::DepositPost)
}

/// The rules that hold without a policy too.
pub fn built_in(licensed: bool) -> &'static [Rule] {
    static LICENSED: LazyLock<Vec<Rule>> = LazyLock::new(|| make(true));
    static UNLICENSED: LazyLock<Vec<Rule>> = LazyLock::new(|| make(false));
    if licensed { &LICENSED } else { &UNLICENSED }
}

fn make(licensed: bool) -> Vec<Rule> {
    let rule = |number, id: &str, check: Arc<dyn Check>, at: &[Checkpoint]| Rule {
        number,
        id: id.into(),
        check,
        at: at.to_vec(),
        effect: Outcome::Deny,
        only_records: false,
        source: "built in".to_owned(),
        source_date: None,
    };
    let closed_loop: Arc<dyn Check> = Arc::new(closed_loop::ClosedLoop);
    vec![
        rule(PLAYER_KNOWN, "player.known", Arc::new(player::PlayerKnown), EVERYWHERE),
        rule(EXCLUDED_REGISTER, "excluded.register", Arc::new(player::Excluded), DEPOSITS),
        rule(PLAYER_STATUS, "player.status", Arc::new(player::Status), EVERYWHERE),
        rule(
            LICENCE_MARKET,
            "licence.market",
            Arc::new(licence::Licence { licensed }),
            BEFORE_PAYOUT,
        ),
        rule(LIMIT_PLAYER, "limit.player", Arc::new(limit_player::LimitPlayer), DEPOSITS),
        rule(WALLET_OWED, "wallet.owed", Arc::new(owed::Owed), WITHDRAWALS),
        Rule { effect: Outcome::Review, ..rule(CLOSED_LOOP, "closed_loop", closed_loop, REQUEST) },
        Rule {
            effect: Outcome::Review,
            ..rule(FX_AGE, "fx.age", Arc::new(fx_age::FxAge), BEFORE_PAYOUT)
        },
    ]
}

#[cfg(test)]
mod counting_tests;

#[cfg(test)]
mod rule_tests;

#[cfg(test)]
mod wall_tests;

/// A time as texts of rules tell it.
fn rfc3339(at: Timestamp) -> String {
    // Years outside 0–9999 have no such text, and no clock shows them.
    at.format(&Rfc3339).unwrap_or_default()
}

/// `a, b, c`, or `none`.
fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// What a hook that gives no answer leads to: `deny` unless the policy says otherwise, and never an
/// approval.
fn fail_outcome(table: &Table<'_>, key: &str) -> Outcome {
    let parse = |text: &str| Outcome::parse(text).filter(|outcome| *outcome != Outcome::Approve);
    table.opt_word(key, parse, "review, hold or deny").unwrap_or(Outcome::Deny)
}
