//! The service against a real PostgreSQL and real mock PSPs over HTTP.
//!
//! One private cluster a run, one database a test, mocks and webhooks on free ports. Every test ends
//! with [`harness::World::close`], which closes the books: whatever the test was about, no money was
//! made or lost.
//!
//! Reading order: [`harness`], then one module an area.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; clippy spares test functions only, not their helpers"
)]

mod harness;

mod account_events;
mod after_the_end;
mod all_ill;
mod asked_anew;
mod asked_together;
mod at_once;
mod bounced_payouts;
mod bounced_returns;
mod cancel_safety;
mod caps;
mod cases;
mod closed_loop;
mod completions;
mod console;
mod crash;
mod crowded_lanes;
mod deadlines;
mod debts_by_people;
mod deposits;
mod desks;
mod ended_switches;
mod every_psp;
mod evidence;
mod exceptions;
mod exclusions;
mod gone_accounts;
mod guards;
mod idempotency;
mod inbox;
mod issuers;
mod kill_switches;
mod kyc;
mod kyt;
mod kyt_again;
mod kyt_debts;
mod kyt_unread;
mod lanes;
mod late_news;
mod late_payouts;
mod later_rounds;
mod let_go;
mod letters;
mod limits;
mod looks;
mod lookups;
mod markets;
mod matched;
mod may_be_paid;
mod named_sources;
mod names;
mod narrowed;
mod nights;
mod open_incidents;
mod other_money;
mod outcomes;
mod overtaken_calls;
mod overtaken_payouts;
mod overtaken_reversals;
mod owed;
mod packs;
mod paid_twice;
mod paused;
mod payees;
mod payer_returns;
mod payins;
mod payouts_again;
mod plans;
mod proof;
mod proof_moved;
mod read_as_one;
mod readiness;
mod refused_returns;
mod registers;
mod replays;
mod returns_in_parts;
mod returns_may_be_paid;
mod reviews;
mod rotation;
mod routing;
mod rules;
mod second_success;
mod sessions;
mod setbacks;
mod slots;
mod stands_still;
mod stops;
mod suspense;
mod taken_as_shipped;
mod taken_back;
mod taken_beyond;
mod told_again;
mod told_health;
mod told_once;
mod two_payments;
mod unasked;
mod undecided;
mod unknown_payouts;
mod wallet_history;
mod wallet_pages;
mod withdrawals;
