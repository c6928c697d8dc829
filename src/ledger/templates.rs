//! One function per business fact. Money moves in no other way.

use super::{Account, Leg, Posting};
use crate::domain::{Currency, Money};

fn leg(account: Account, amount: i64) -> Leg {
    Leg { account, amount }
}

fn clearing(psp: &str, amount: i64) -> Leg {
    leg(Account::PspClearing(psp.to_owned()), amount)
}

/// How a debit is split between the cash that is there and the debt that remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debit {
    pub from_cash: i64,
    pub owed: i64,
}

impl Debit {
    /// Cash first, the rest becomes debt.
    pub fn of(amount: i64, cash: i64) -> Self {
        let from_cash = amount.min(cash.max(0));
        Self { from_cash, owed: amount - from_cash }
    }

    const fn total(self) -> i64 {
        self.from_cash + self.owed
    }
}

/// What comes back to a player who had been debited of it: the debt that this left first, and the rest is cash. What of
/// that debt is not owed any more was forgiven, and goes back to where it was forgiven from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    pub to_debt: i64,
    pub forgiven: i64,
    pub to_cash: i64,
}

impl Shares {
    /// Of `minor`, where `own` was left as a debt and `owed` is what the player owes by now.
    pub fn of(minor: i64, own: i64, owed: i64) -> Self {
        let own = own.clamp(0, minor);
        let to_debt = own.min(owed.max(0));
        Self { to_debt, forgiven: own - to_debt, to_cash: minor - own }
    }

    pub const fn total(self) -> i64 {
        self.to_debt + self.forgiven + self.to_cash
    }
}

/// A deposit arrived at the PSP: the player's cash grows by `money`, the fee is paid on top.
pub fn deposit_captured(psp: &str, money: Money, fee_minor: i64) -> Posting {
    Posting::balanced(
        "deposit_captured",
        money.currency,
        vec![
            clearing(psp, -(money.minor + fee_minor)),
            leg(Account::PlayerCash, money.minor),
            leg(Account::PlayerFees, fee_minor),
        ],
    )
}

/// Money arrived that must not reach the wallet yet: a second success, another amount, an excluded
/// player, nobody's.
pub fn deposit_suspended(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "deposit_suspended",
        money.currency,
        vec![clearing(psp, -money.minor), leg(Account::Suspense, money.minor)],
    )
}

/// A bank or scheme took suspended money back.
pub fn suspense_taken_back(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "suspense_taken_back",
        money.currency,
        vec![leg(Account::Suspense, -money.minor), clearing(psp, money.minor)],
    )
}

/// Somebody sent suspended money back on the PSP's own pages, and two people say so.
pub fn suspense_sent_by_hand(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "suspense_sent_by_hand",
        money.currency,
        vec![leg(Account::Suspense, -money.minor), clearing(psp, money.minor)],
    )
}

/// What suspense is short of is borne by the house, by two people's word; negative, what of that came in after all.
pub fn suspense_written_off(money: Money) -> Posting {
    Posting::balanced(
        "suspense_written_off",
        money.currency,
        vec![leg(Account::Suspense, money.minor), leg(Account::Adjustments, -money.minor)],
    )
}

/// As [`suspense_written_off`], of a payout that was paid twice: no deposit shows it.
pub fn payout_written_off(money: Money) -> Posting {
    Posting::balanced(
        "payout_written_off",
        money.currency,
        vec![leg(Account::Suspense, money.minor), leg(Account::Adjustments, -money.minor)],
    )
}

/// Suspended money was judged to be the player's; a fee that was paid on top waited with it.
pub fn suspense_credited(money: Money, fee_minor: i64) -> Posting {
    Posting::balanced(
        "suspense_credited",
        money.currency,
        vec![
            leg(Account::Suspense, -(money.minor + fee_minor)),
            leg(Account::PlayerCash, money.minor),
            leg(Account::PlayerFees, fee_minor),
        ],
    )
}

/// What arrived below the smallest unit has come to whole units, which are nobody's.
pub fn rounding_kept(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "rounding_kept",
        money.currency,
        vec![clearing(psp, -money.minor), leg(Account::Rounding, money.minor)],
    )
}

/// A bank or scheme took a deposit back. It cannot be refused: what cash does not cover is owed.
pub fn deposit_reversed(psp: &str, currency: Currency, debit: Debit) -> Posting {
    Posting::balanced(
        "deposit_reversed",
        currency,
        vec![
            leg(Account::PlayerCash, -debit.from_cash),
            leg(Account::PlayerReceivable, -debit.owed),
            clearing(psp, debit.total()),
        ],
    )
}

/// A dispute was won: the reversed money is the player's again, debts first.
pub fn reversal_won(psp: &str, currency: Currency, shares: Shares) -> Posting {
    Posting::balanced(
        "reversal_won",
        currency,
        vec![
            clearing(psp, -shares.total()),
            leg(Account::Adjustments, shares.forgiven),
            leg(Account::PlayerReceivable, shares.to_debt),
            leg(Account::PlayerCash, shares.to_cash),
        ],
    )
}

/// A bank or scheme took more than had arrived, at an issuer's rate or with a fee of its own: what is beyond it
/// is a charge of the PSP's, until two people say otherwise.
pub fn taken_beyond(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "taken_beyond",
        money.currency,
        vec![leg(Account::PspFees, -money.minor), clearing(psp, money.minor)],
    )
}

/// A dispute that was won brings more than it took of the player: what was taken beyond what had arrived, or what the
/// PSP has not explained yet.
pub fn beyond_won(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "beyond_won",
        money.currency,
        vec![clearing(psp, -money.minor), leg(Account::PspFees, money.minor)],
    )
}

/// Cash is reserved for a withdrawal.
pub fn withdrawal_held(money: Money) -> Posting {
    Posting::balanced(
        "withdrawal_held",
        money.currency,
        vec![leg(Account::PlayerCash, -money.minor), leg(Account::PlayerHeld, money.minor)],
    )
}

/// A reservation is given back.
pub fn hold_released(money: Money) -> Posting {
    Posting::balanced(
        "hold_released",
        money.currency,
        vec![leg(Account::PlayerHeld, -money.minor), leg(Account::PlayerCash, money.minor)],
    )
}

/// A payout was paid: the reservation is used up. The fee was kept from what was sent.
pub fn payout_captured(psp: &str, money: Money, fee_minor: i64) -> Posting {
    Posting::balanced(
        "payout_captured",
        money.currency,
        vec![
            leg(Account::PlayerHeld, -money.minor),
            clearing(psp, money.minor - fee_minor),
            leg(Account::PlayerFees, fee_minor),
        ],
    )
}

/// A payout turned out to have been paid after its reservation was given back.
pub fn payout_paid_late(psp: &str, currency: Currency, debit: Debit) -> Posting {
    Posting::balanced(
        "payout_paid_late",
        currency,
        vec![
            leg(Account::PlayerCash, -debit.from_cash),
            leg(Account::PlayerReceivable, -debit.owed),
            clearing(psp, debit.total()),
        ],
    )
}

/// Two PSPs paid the same part. The second payment is nobody's: it is recovered or written off by
/// people, never taken from the player silently.
pub fn payout_paid_twice(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "payout_paid_twice",
        money.currency,
        vec![clearing(psp, money.minor), leg(Account::Suspense, -money.minor)],
    )
}

/// One of two payments of the same part came back, or was recovered: the other one stands.
pub fn payout_recovered(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "payout_recovered",
        money.currency,
        vec![clearing(psp, -money.minor), leg(Account::Suspense, money.minor)],
    )
}

/// A paid payout bounced: the money is back at the PSP and is the player's, once: the debt that the payout itself
/// left first, then cash.
pub fn payout_returned(psp: &str, currency: Currency, shares: Shares) -> Posting {
    Posting::balanced(
        "payout_returned",
        currency,
        vec![
            clearing(psp, -shares.total()),
            leg(Account::Adjustments, shares.forgiven),
            leg(Account::PlayerReceivable, shares.to_debt),
            leg(Account::PlayerCash, shares.to_cash),
        ],
    )
}

/// What came back of a payout waited in suspense until it was known that no other payment of it stands: it is
/// the player's, debts that the payout left first.
pub fn payout_back_credited(currency: Currency, shares: Shares) -> Posting {
    Posting::balanced(
        "payout_back_credited",
        currency,
        vec![
            leg(Account::Suspense, -shares.total()),
            leg(Account::Adjustments, shares.forgiven),
            leg(Account::PlayerReceivable, shares.to_debt),
            leg(Account::PlayerCash, shares.to_cash),
        ],
    )
}

/// Suspended money starts its way back to its source.
pub fn return_started(money: Money) -> Posting {
    Posting::balanced(
        "return_started",
        money.currency,
        vec![leg(Account::Suspense, -money.minor), leg(Account::PayoutsInTransit, money.minor)],
    )
}

/// Suspended money reached its source.
pub fn return_paid(psp: &str, money: Money) -> Posting {
    Posting::balanced(
        "return_paid",
        money.currency,
        vec![leg(Account::PayoutsInTransit, -money.minor), clearing(psp, money.minor)],
    )
}

/// A return failed or bounced: the money is in suspense again.
pub fn return_failed(money: Money) -> Posting {
    Posting::balanced(
        "return_failed",
        money.currency,
        vec![leg(Account::PayoutsInTransit, -money.minor), leg(Account::Suspense, money.minor)],
    )
}

/// A stake: cash first, then bonus.
pub fn stake_placed(currency: Currency, from_cash: i64, from_bonus: i64) -> Posting {
    Posting::balanced(
        "stake_placed",
        currency,
        vec![
            leg(Account::PlayerCash, -from_cash),
            leg(Account::PlayerBonus, -from_bonus),
            leg(Account::GamingRevenue, from_cash + from_bonus),
        ],
    )
}

/// A stake is undone, to the purses it came from.
pub fn stake_voided(currency: Currency, to_cash: i64, to_bonus: i64) -> Posting {
    Posting::balanced(
        "stake_voided",
        currency,
        vec![
            leg(Account::GamingRevenue, -(to_cash + to_bonus)),
            leg(Account::PlayerCash, to_cash),
            leg(Account::PlayerBonus, to_bonus),
        ],
    )
}

/// A win is paid in cash.
pub fn win_paid(money: Money) -> Posting {
    Posting::balanced(
        "win_paid",
        money.currency,
        vec![leg(Account::GamingRevenue, -money.minor), leg(Account::PlayerCash, money.minor)],
    )
}

pub fn bonus_granted(money: Money) -> Posting {
    Posting::balanced(
        "bonus_granted",
        money.currency,
        vec![leg(Account::BonusCost, -money.minor), leg(Account::PlayerBonus, money.minor)],
    )
}

pub fn bonus_converted(money: Money) -> Posting {
    Posting::balanced(
        "bonus_converted",
        money.currency,
        vec![leg(Account::PlayerBonus, -money.minor), leg(Account::PlayerCash, money.minor)],
    )
}

pub fn bonus_forfeited(money: Money) -> Posting {
    Posting::balanced(
        "bonus_forfeited",
        money.currency,
        vec![leg(Account::PlayerBonus, -money.minor), leg(Account::BonusCost, money.minor)],
    )
}

/// Two people give a player cash.
pub fn adjustment_credited(money: Money) -> Posting {
    Posting::balanced(
        "adjustment_credited",
        money.currency,
        vec![leg(Account::Adjustments, -money.minor), leg(Account::PlayerCash, money.minor)],
    )
}

/// Two people take cash from a player, never more than there is.
pub fn adjustment_debited(money: Money) -> Posting {
    Posting::balanced(
        "adjustment_debited",
        money.currency,
        vec![leg(Account::PlayerCash, -money.minor), leg(Account::Adjustments, money.minor)],
    )
}

/// A bank took a deposit's money back and no PSP's word could book it: two people do. Cash first, the rest is owed.
pub fn adjustment_taken_back(currency: Currency, debit: Debit) -> Posting {
    Posting::balanced(
        "adjustment_taken_back",
        currency,
        vec![
            leg(Account::PlayerCash, -debit.from_cash),
            leg(Account::PlayerReceivable, -debit.owed),
            leg(Account::Adjustments, debit.total()),
        ],
    )
}

/// Two people forgive what a player owes, never more than that.
pub fn debt_written_off(money: Money) -> Posting {
    Posting::balanced(
        "debt_written_off",
        money.currency,
        vec![leg(Account::Adjustments, -money.minor), leg(Account::PlayerReceivable, money.minor)],
    )
}
