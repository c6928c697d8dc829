//! Payments: deposits and withdrawals as state machines, and what news does to them.
//!
//! **Nouns decide, verbs do.** The files named after nouns are pure: the machines say which
//! change of state exists, [`failover`] says what an outcome means for an attempt, and
//! [`resolution`] says how an attempt of unknown outcome is asked about. The files named after
//! verbs gather facts, call PSPs with nothing open, and bring what they learnt to the commit lane.
//!
//! **Four machines.** A *deposit* is processed until its payer has paid, failed or left. A
//! *withdrawal* holds the player's cash first, is screened and reviewed, and pays it out in one or
//! more *parts*, each with a hold of its own. An *attempt* is one try of a deposit or of a part at
//! one PSP; its id is the reference that the PSP sees.
//!
//! **What always holds.**
//! - A status changes only through its machine. What a machine refuses is kept as news and changes
//!   nothing, so the same news twice, or old news after new, does no harm.
//! - A deposit, and each part, has at most one live attempt (prepared, in flight, unknown,
//!   accepted). Another PSP is asked only after the attempt before it provably moved nothing.
//! - *Unknown* is a state of its own. No timer ends it: only an answer, proven absence or two
//!   people do.
//! - `failed`, `expired`, `cancelled` and `abandoned` are soft ends: a late success that is proven
//!   is adopted, never dropped.
//! - Money that has arrived is never forgotten: a deposit under review with its money already in
//!   ends as `succeeded` or `returned`, and as nothing else.
//!
//! Reading order: [`attempt_machine`], [`deposit_machine`], [`withdrawal_machine`],
//! [`part_machine`], [`failover`], [`resolution`] (nouns: pure), then the verbs: [`start_deposit`],
//! [`request_withdrawal`], [`plan_parts`], [`name_destination`], [`send_payout`], [`run_attempts`], [`tell_unreachable`], [`resolve_unknown`], [`tell_news`],
//! [`continue_deposit`], [`cancel_payment`], [`return_deposit`], [`review_payment`], [`run_first_round`], [`watch_deadlines`],
//! [`receive_payin`], [`find_card`], [`know_before_taking`], [`name_obstacle`], [`offer_methods`].

pub mod attempt_machine;
pub mod cancel_payment;
pub mod continue_deposit;
pub mod deposit_machine;
pub mod facts;
pub mod failover;
pub mod find_card;
pub mod know_before_taking;
pub mod name_destination;
pub mod name_obstacle;
pub mod offer_methods;
pub mod part_machine;
pub mod plan_parts;
pub mod receive_payin;
pub mod request_withdrawal;
pub mod resolution;
pub mod resolve_unknown;
pub mod return_deposit;
pub mod review_payment;
pub mod run_attempts;
pub mod run_first_round;
pub mod send_payout;
pub mod start_deposit;
pub mod tell_news;
pub mod tell_unreachable;
pub mod transition;
pub mod watch_deadlines;
pub mod withdrawal_machine;

#[cfg(test)]
mod test_data;

pub use transition::IllegalTransition;
