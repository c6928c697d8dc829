//! Interlock: payments orchestration for online casinos.
//!
//! Railway signalling calls an *interlock* what makes conflicting movements impossible: no signal
//! clears until the whole route is proven safe. Here **money moves only along a route that is proven
//! safe, and everything can be shown afterwards.**
//!
//! # Bird's-eye view
//!
//! A casino's backend asks for a deposit or a withdrawal over HTTP ([`api`]). A flow ([`payments`])
//! gathers facts, screens the player, plans a route over the payment service providers (PSPs) of the
//! country, and submits a command to the player's **lane** ([`lane`]). The lane locks the player,
//! lets pure functions decide ([`decide`] on a [`book`]), and commits key, payment, decision, limit,
//! ledger, attempt and event in *one* transaction. Only then is a PSP called, with nothing open; what
//! it answers is news, and goes through the same lane. Webhooks ([`webhooks`]), inquiries and people
//! enter by the same door. The outbox ([`outbox`]) tells the casino what happened.
//!
//! Where is it decided what a timeout of a payout means? [`payments::failover::verdict`] says what it
//! means for the attempt (unknown: nobody else is asked, ever); [`decide::payout`] moves attempt,
//! part and payment; [`payments::resolution`] says how and when the PSP is asked about it again.
//!
//! # Layers: arrows only point down (`tests/tidy` holds the table)
//!
//! | L | Rooms | May not |
//! |---|---|---|
//! | 5 wiring | [`app`], [`cli`], [`config`], [`telemetry`], [`sandbox`], [`demo`] | hold a business `if` |
//! | 4 edges | [`api`], [`console`], [`workers`] | speak SQL, know another edge |
//! | 3 flows (verbs) | [`payments`], [`webhooks`], [`players`], [`access`], [`outbox`], [`routing`], [`reviews`], [`notify`], [`vendors`], [`evidence`], [`unreadable`], [`flows`] | speak HTTP types or SQL |
//! | 2 durability | [`lane`], [`store`] | speak HTTP, hold a rule of its own |
//! | 1 decisions (nouns) | [`decide`], [`book`], [`ledger`], [`screening`], machines and failover in [`payments`], plan and health in [`routing`] | be async, read a clock, roll dice, log, do I/O |
//! | 0 words | [`domain`], `psp-contract` | compute what people could disagree about |
//!
//! Beside the stack: `psp-adapters` knows only its contract; `mock-psps` knows neither.
//!
//! # Invariants
//!
//! 1. No PSP call, mail or HTTP happens while a transaction is open; nothing is sent whose intent is
//!    not committed.
//! 2. Money moves only through [`ledger::templates`]; entries are inserted, never changed (the
//!    application's database role has no right to); legs balance per currency, checked here and in SQL.
//! 3. States change only through their machine, inside a lane, under the player's lock, with a history
//!    row and an event.
//! 4. A deposit, and each part of a withdrawal, has at most one live attempt (a partial unique index).
//!    `abandoned` is not live, and its late success is still adopted.
//! 5. The reference that a PSP sees is the attempt's id; it is the idempotency key too, and the same
//!    for every resend. A money request is resent by [`payments::resolve_unknown`] alone.
//! 6. All news about money goes through [`decide::news`]; the same news twice changes nothing; news of
//!    an old attempt is applied to that attempt.
//! 7. A webhook is answered only after its verified bytes are stored. A path that skips verification
//!    does not compile.
//! 8. No decision without a durable record; no PSP call before its decision's.
//! 9. `available ≥ 0` and `held ≥ 0` always, by constraint; a hold is captured or released exactly
//!    once. What a wallet cannot cover is owed, never below zero and never an error.
//! 10. Types of layers 0 and 1 are not `Serialize`: shapes of JSON belong to the edge that speaks it.
//! 11. Personal data and secrets never reach logs, metrics, events or error texts.
//! 12. Every row that is not final has a due time; none lies past it without a worker or a person.
//!
//! `interlock prove` re-checks those that the database can show.
//!
//! # Reading order
//!
//! [`domain`], [`ledger`], [`book`], [`decide`], [`lane`], [`store`], [`flows`], [`payments`],
//! [`webhooks`], [`reviews`], [`api`], [`workers`], [`app`].

/// A payment is some thousand small pieces of memory, taken on one thread and given back on another:
/// under load the system's allocator took a third of the service's own time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod access;
pub mod api;
pub mod app;
pub mod book;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod decide;
pub mod demo;
pub mod domain;
pub mod evidence;
pub mod flows;
pub mod lane;
pub mod ledger;
pub mod notify;
pub mod outbox;
pub mod payments;
pub mod players;
pub mod reviews;
pub mod routing;
pub mod sandbox;
pub mod screening;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod unreadable;
pub mod vendors;
pub mod webhooks;
pub mod workers;
