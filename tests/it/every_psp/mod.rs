//! Every PSP account, every fault of its mock, in both directions, through the whole service: lanes,
//! flows, workers and webhooks over a real PostgreSQL, mocks over HTTP.
//!
//! Whatever was done to a payment, in bounded time it is final or waits for people; what the mocks say
//! moved is what the ledger says; no payout moved twice, and no attempt made two movements.
//!
//! Reading order: [`accounts`] (whose payments), [`stage`] (one payment and its payer), [`faults`]
//! (what is done to them), [`settling`] (time passes), [`truth`] (what must then hold), [`failover`],
//! [`control`] (that the check can fail).

mod accounts;
mod control;
mod failover;
mod faults;
mod settling;
mod stage;
mod truth;
