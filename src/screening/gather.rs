//! From the records to the facts of one screening.

use super::facts::{Facts, LoopFacts, PaymentFacts, PlayerFacts};
use super::limits::{self, Limit, LimitUse};
use super::{Checkpoint, FxTable, Policies, payer};
use crate::domain::{Currency, Instrument, Method, Money, Origin, Player, Timestamp};
use std::collections::BTreeSet;
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
    pub uses: &'a [LimitUse],
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
    pub method: Method,
    /// What the player owes, in any currency.
    pub owed: &'a [Money],
    /// None before the payout: it was shared out when it was asked for.
    pub closed_loop: Option<&'a LoopFacts>,
}

/// What every screening is made with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    pub fx: &'a FxTable,
    /// Rules that are recorded without effect.
    pub recorded_only: &'a [String],
    pub now: Timestamp,
}

impl<'a> Setting<'a> {
    pub fn new(policies: &'a Policies, fx: &'a FxTable, now: Timestamp) -> Self {
        Self { fx, recorded_only: policies.recorded_only(), now }
    }
}

/// The facts of a deposit.
pub fn deposit(known: &Deposit<'_>, setting: &Setting<'_>) -> Facts {
    let now = setting.now;
    let mut facts = base(known.checkpoint, known.player, setting);
    let Deposit { origin, money, method, .. } = *known;
    facts.payment = Some(PaymentFacts { origin, money, method });
    facts.payer =
        known.player.zip(known.source).map(|(player, source)| payer::compare(source, player));
    count_deposit(&mut facts, known.payment, (known.limits, known.uses), now, setting.fx);
    facts
}

/// Reads the counters of a deposit anew: under the player's lock.
///
/// A deposit whose room was reserved when it began needs none afterwards: a limit that was lowered
/// since is for later ones.
pub fn count_deposit(
    facts: &mut Facts,
    payment: Option<Uuid>,
    (limits, uses): (&[Limit], &[LimitUse]),
    now: Timestamp,
    fx: &FxTable,
) {
    let (own, others): (Vec<LimitUse>, Vec<LimitUse>) =
        uses.iter().partition(|found| Some(found.payment) == payment);
    let reserved = own.iter().any(|found| found.state.counts());
    facts.counted_at = now;
    facts.limits = match facts.checkpoint {
        Checkpoint::DepositPost if reserved => Vec::new(),
        _ => limits::measure(limits, &others, now, fx),
    };
    narrow(facts, fx);
}

/// The facts of a withdrawal.
pub fn withdrawal(known: &Withdrawal<'_>, setting: &Setting<'_>) -> Facts {
    let mut facts = base(known.checkpoint, known.player, setting);
    let Withdrawal { origin, money, method, .. } = *known;
    facts.payment = Some(PaymentFacts { origin, money, method });
    facts.owed = known.owed.to_vec();
    facts.closed_loop = known.closed_loop.cloned();
    narrow(&mut facts, setting.fx);
    facts
}

/// Reads the counters of a withdrawal anew: under the player's lock.
pub fn count_withdrawal(facts: &mut Facts, owed: &[Money], closed_loop: LoopFacts, now: Timestamp) {
    facts.counted_at = now;
    facts.owed = owed.to_vec();
    facts.closed_loop = Some(closed_loop);
}

fn base(checkpoint: Checkpoint, player: Option<&Player>, setting: &Setting<'_>) -> Facts {
    Facts {
        checkpoint,
        screened_at: setting.now,
        counted_at: setting.now,
        player: player.map(|player| PlayerFacts::of(player, setting.now)),
        payment: None,
        payer: None,
        owed: Vec::new(),
        limits: Vec::new(),
        closed_loop: None,
        recorded_only: setting.recorded_only.to_vec(),
        fx: setting.fx.narrowed([]),
    }
}

/// Keeps the rates that these facts can ask for: what is compared is worth something in euro, and in
/// the currencies of the player's limits.
fn narrow(facts: &mut Facts, fx: &FxTable) {
    let limits = facts.limits.iter().map(|limit| limit.most.currency);
    let payment = facts.payment.iter().map(|payment| payment.money.currency);
    let currencies: BTreeSet<Currency> = payment.chain(limits).collect();
    facts.fx = fx.narrowed(currencies);
}
