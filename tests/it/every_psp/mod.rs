//! Every PSP account, through the whole service: lanes, flows, workers and webhooks over a real
//! PostgreSQL, mocks over HTTP. What the mocks say moved is what the ledger says.
//!
//! Reading order: [`accounts`] (whose payments), [`stage`] (one payment and its payer), [`plain`], [`returns`],
//! [`failover`], [`truth`] (what must hold of mocks and ledger), [`control`] (that the check can fail).

mod accounts;
mod control;
mod failover;
mod faults;
mod plain;
mod returns;
mod settling;
mod stage;
pub(crate) mod truth;
