//! From the records to the facts of one screening.

use super::background::{Background, End, ends};
use super::facts::{Facts, LoopFacts, PaymentFacts, PlayerFacts};
use super::hooks::CheckFacts;
use super::limits::{self, Limit};
use super::movement::{Movement, UseState};
use super::{Checkpoint, FxTable, MarketPolicy, Policies, counters, engine, payer};
use crate::domain::{Currency, Instrument, Method, Money, Origin, Player, Timestamp};
use psp_contract::Portable;
use std::collections::BTreeSet;
use time::Date;
use uuid::Uuid;

/// What the records hold of a deposit that is to be screened.
#[derive(Debug, Clone, Copy)]
pub struct Deposit<'a> {
    /// [`Checkpoint::DepositPost`] when the money is in, else [`Checkpoint::DepositPre`].
    pub checkpoint: Checkpoint,
    /// None: the operator never told us of this player.
    pub player: Option<&'a Player>,
    /// The deposit itself, once it has an id: its own reservation is no use beside it.
    pub payment: Option<Uuid>,
    pub origin: Origin,
    pub money: Money,
    pub method: Method,
    pub limits: &'a [Limit],
    pub movements: &'a [Movement],
    pub background: &'a Background,
    /// Who paid, where the PSP has told.
    pub source: Option<&'a Instrument>,
}

/// What the records hold of a withdrawal that is to be screened.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawal<'a> {
    /// [`Checkpoint::WithdrawalPrePayout`] when it is about to be sent, else
    /// [`Checkpoint::WithdrawalRequest`].
    pub checkpoint: Checkpoint,
    pub origin: Origin,
    pub player: Option<&'a Player>,
    pub money: Money,
    /// As [`method_of`] says.
    pub method: Method,
    /// What the player owes, in any currency.
    pub owed: &'a [Money],
    /// None before the payout: it was shared out when it was asked for.
    pub closed_loop: Option<&'a LoopFacts>,
    /// The withdrawal itself, once it has an id.
    pub payment: Option<Uuid>,
    /// When it was asked for, where that is over.
    pub asked_at: Option<Timestamp>,
    pub movements: &'a [Movement],
    pub background: &'a Background,
    /// Where it goes, as far as that is known.
    pub ends: &'a [End],
}

/// What is read anew under the player's lock.
#[derive(Debug, Clone, Copy)]
pub struct Locked<'a> {
    pub limits: &'a [Limit],
    /// What the player owes, in any currency.
    pub owed: &'a [Money],
    pub movements: &'a [Movement],
    pub background: &'a Background,
    /// Where the payment comes from or goes to.
    pub ends: &'a [End],
}

impl Locked<'static> {
    /// Nothing is known, or nobody asks.
    pub const NOTHING: Self =
        Self { limits: &[], owed: &[], movements: &[], background: Background::NOTHING, ends: &[] };
}

/// What every screening is made with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    pub policies: &'a Policies,
    pub fx: &'a FxTable,
    pub now: Timestamp,
    /// The version that wants things counted; none: the one in force.
    pub version: Option<&'a MarketPolicy>,
}

impl<'a> Setting<'a> {
    pub fn new(policies: &'a Policies, fx: &'a FxTable, now: Timestamp) -> Self {
        Self { policies, fx, now, version: None }
    }

    fn policy(&self, facts: &Facts) -> Option<&'a MarketPolicy> {
        self.version.or_else(|| engine::policy_for(self.policies, facts))
    }

    /// The day that it is where the player's market is: who is of age is so by that one. Of a country
    /// without a policy it is not known.
    fn today(&self, player: &Player) -> Date {
        let policy = self.version.or_else(|| self.policies.in_force(&player.country, self.now));
        policy.map_or_else(|| self.now.date(), |policy| policy.calendar.day(self.now))
    }
}

/// The facts of a deposit.
pub fn deposit(known: &Deposit<'_>, setting: &Setting<'_>) -> Facts {
    let mut facts = base(known.checkpoint, known.player, setting);
    let Deposit { origin, money, method, .. } = *known;
    facts.payment = Some(PaymentFacts { origin, money, method });
    facts.payer =
        known.player.zip(known.source).map(|(player, source)| payer::compare(source, player));
    let operator = known.player.map(|player| &player.key.operator);
    let ends = operator.map(|operator| ends(operator, known.source)).unwrap_or_default();
    let Deposit { limits, movements, background, .. } = *known;
    let mut own = movements.iter().filter(|found| Some(found.payment) == known.payment);
    let was_let_in = own.any(|own| own.state == UseState::Reserved);
    facts.unasked = known.checkpoint == Checkpoint::DepositPost
        && (origin == Origin::Unsolicited || !was_let_in);
    let locked = Locked { limits, owed: &[], movements, background, ends: &ends };
    count_deposit(&mut facts, known.payment, &locked, setting);
    facts
}

/// Reads the counters of a deposit anew: under the player's lock.
///
/// A deposit whose room was reserved when it began needs none afterwards: a limit that was lowered
/// since is for later ones. What came beyond that room, and what came when it had been given up, is
/// measured like a new deposit.
pub fn count_deposit(
    facts: &mut Facts,
    payment: Option<Uuid>,
    locked: &Locked<'_>,
    setting: &Setting<'_>,
) {
    let Locked { limits, movements, .. } = *locked;
    let own = movements.iter().find(|found| Some(found.payment) == payment);
    let reserved = own.zip(facts.money()).is_some_and(|(own, money)| has_reserved(own, money));
    facts.counted_at = setting.now;
    let policy = setting.policy(facts);
    facts.limits = match facts.checkpoint {
        Checkpoint::DepositPost if reserved => Vec::new(),
        _ => {
            let terms = setting.policies.limit_terms(policy);
            limits::measure(limits, (movements, payment), terms, setting.now, setting.fx)
        }
    };
    facts.counted = counters::count(policy, facts, (locked, payment), setting);
    locked.background.gather(facts, policy, payment, locked.ends);
    narrow(facts, locked, (policy, setting.fx));
}

/// Whether a deposit still holds room within its player's limits for all of this money.
pub fn has_reserved(own: &Movement, money: Money) -> bool {
    let fits = money.currency == own.money.currency && money.minor <= own.money.minor;
    own.state == UseState::Reserved && fits
}

/// The facts of an event of the account: no money is meant to move.
pub fn account(player: &Player, locked: &Locked<'_>, setting: &Setting<'_>) -> Facts {
    let mut facts = base(Checkpoint::AccountEvent, Some(player), setting);
    let policy = setting.policy(&facts);
    let Locked { limits, movements, .. } = *locked;
    let terms = setting.policies.limit_terms(policy);
    facts.limits = limits::measure(limits, (movements, None), terms, setting.now, setting.fx);
    facts.counted = counters::count(policy, &facts, (locked, None), setting);
    locked.background.gather(&mut facts, policy, None, &[]);
    narrow(&mut facts, locked, (policy, setting.fx));
    facts
}

/// The method that a withdrawal is screened by: what goes over a chain is screened as crypto, whatever method
/// was asked for. The closed loop pays each part by the method of its source.
pub fn method_of<'a>(
    asked: Method,
    parts: impl IntoIterator<Item = (Method, &'a Instrument)>,
) -> Method {
    let goes_over_a_chain = |(method, to): (Method, &Instrument)| {
        method == Method::Crypto || matches!(to.portable, Some(Portable::CryptoAddress { .. }))
    };
    if parts.into_iter().any(goes_over_a_chain) { Method::Crypto } else { asked }
}

/// The facts of a withdrawal.
pub fn withdrawal(known: &Withdrawal<'_>, setting: &Setting<'_>) -> Facts {
    let mut facts = base(known.checkpoint, known.player, setting);
    let Withdrawal { origin, money, method, .. } = *known;
    facts.payment = Some(PaymentFacts { origin, money, method });
    facts.closed_loop = known.closed_loop.cloned();
    let Withdrawal { owed, movements, background, ends, .. } = *known;
    // A fact only where a rule counts from it: what was decided before there was such a rule had none.
    let rules = setting.policy(&facts).into_iter().flat_map(|policy| &policy.rules);
    let mut here = rules.filter(|rule| rule.at.contains(&facts.checkpoint));
    let counts = here.any(|rule| rule.check.pay_by(&facts).is_some());
    let owes = owed.iter().any(|debt| 0 < debt.minor);
    facts.asked_at = known.asked_at.filter(|_| counts || owes);
    let locked = Locked { limits: &[], owed, movements, background, ends };
    count_withdrawal(&mut facts, known.payment, &locked, setting);
    facts
}

/// Reads the counters of a withdrawal anew: under the player's lock.
pub fn count_withdrawal(
    facts: &mut Facts,
    payment: Option<Uuid>,
    locked: &Locked<'_>,
    setting: &Setting<'_>,
) {
    facts.counted_at = setting.now;
    facts.owed = locked.owed.to_vec();
    let policy = setting.policy(facts);
    facts.counted = counters::count(policy, facts, (locked, payment), setting);
    locked.background.gather(facts, policy, payment, locked.ends);
    narrow(facts, locked, (policy, setting.fx));
}

fn base(checkpoint: Checkpoint, player: Option<&Player>, setting: &Setting<'_>) -> Facts {
    Facts {
        checkpoint,
        screened_at: setting.now,
        counted_at: setting.now,
        player: player.map(|player| PlayerFacts::of(player, setting.today(player))),
        payment: None,
        asked_at: None,
        let_go_at: None,
        let_go: Vec::new(),
        payer: None,
        owed: Vec::new(),
        limits: Vec::new(),
        closed_loop: None,
        checks: CheckFacts::default(),
        recorded_only: setting.policies.recorded_only().to_vec(),
        counted: Vec::new(),
        attestations: Vec::new(),
        shared: None,
        unasked: false,
        asked: false,
        ends: Vec::new(),
        vendors: Vec::new(),
        fx: setting.fx.narrowed([]),
    }
}

/// Keeps the rates that these facts can ask for: what is compared is worth something in euro, and in
/// the currencies of the player's limits and of what was counted. What was counted over is in the
/// currencies of the player's movements and stakes: who counts again needs their rates, too.
///
/// How old they may be is kept where a rule compares by them.
fn narrow(facts: &mut Facts, locked: &Locked<'_>, (policy, fx): (Option<&MarketPolicy>, &FxTable)) {
    let payment = facts.payment.iter().map(|payment| payment.money.currency);
    let moved = locked.movements.iter().map(|movement| movement.money.currency);
    let staked = locked.background.turnover.iter().flat_map(|turnover| turnover.sums.keys());
    let moved: BTreeSet<Currency> = payment.chain(moved).chain(staked.copied()).collect();
    let limits = facts.limits.iter().map(|limit| limit.most.currency);
    let counted = facts.counted.iter().map(|counted| counted.query.currency);
    let vouched = facts.attestations.iter().filter_map(|one| one.amount);
    let vouched = vouched.map(|amount| amount.currency);
    let of_facts = limits.chain(counted).chain(vouched);
    let currencies: BTreeSet<Currency> = of_facts.chain(moved.iter().copied()).collect();
    let is_compared = fx.age_max_days.is_some() && engine::converts(policy, facts, &moved);
    facts.fx = fx.narrowed(currencies);
    facts.fx.age_max_days = fx.age_max_days.filter(|_| is_compared);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::limits::Period;
    use crate::screening::test_data::{NOW, deposited, fx, limit, player, policies};

    /// A decision is made again with the rates that it kept, and with what was known of the movements.
    #[test]
    fn the_rates_that_are_kept_are_enough_to_count_the_same_movements_again() {
        let (player, policies, all) = (player(), policies(), fx());
        let coins = Movement {
            money: Money::new(1_000, Currency::BTC),
            ..deposited(1, 1, NOW - time::Duration::HOUR, UseState::Counted)
        };
        let records = Deposit {
            checkpoint: Checkpoint::DepositPre,
            player: Some(&player),
            payment: None,
            origin: Origin::Request,
            money: Money::new(10_000, Currency::SEK),
            method: Method::BankTransfer,
            limits: &[limit(Period::Day, 100_000, Currency::SEK)],
            movements: &[coins],
            background: Background::NOTHING,
            source: None,
        };
        let first = deposit(&records, &Setting::new(&policies, &all, NOW));
        assert!(first.limits.iter().all(|limit| limit.used.is_ok()), "{:?}", first.limits);
        let again = deposit(&records, &Setting::new(&policies, &first.fx, NOW));
        assert_eq!(first, again);
    }
}
