//! L2, the only place that speaks SQL. One file an aggregate; no rule of its own: what is written
//! here was decided in [`crate::decide`].
//!
//! Money state is written by lanes alone, through [`write_payments`], [`write_records`] and
//! [`write_player`], on the lane's own connection. Everything else reads, or keeps what is no
//! money state (the inbox, nonces, endpoints).
//!
//! Reading order: [`db`], [`slots`], [`load`], [`load_holdings`], [`write_records`], [`write_told`],
//! [`write_trail`], [`write_payments`], [`write_steps`], [`write_attempts`], [`write_player`],
//! [`write_holdings`], [`write_entries`],
//! [`read_models`], [`wallet_entries`], [`payment_past`], [`read_reviews`], [`due`], [`inbox`], [`prove`], [`migrate`]. Outbound:
//! [`outbox_reads`], [`webhook_endpoints`], [`webhook_secrets`], [`deliveries`], [`redeliveries`];
//! workers: [`heartbeats`], [`claimed`]. Routing: [`switches`], [`shared_health`], [`health_events`],
//! [`player_habits`]. People: [`reviews`] (with [`case_json`]), [`cases`], [`attestations`],
//! [`mail_outbox`]. Screening: [`policy_versions`]. Evidence: [`read_lines`], [`checkpoints`], [`witness`],
//! [`decision_reads`], [`proofs`]; erasure: [`erasures`], [`erase`]. The console's people: [`console_accounts`], [`read_accounts`],
//! [`disable_accounts`], [`console_sessions`]. Vendors: [`vendor_checks`], [`vendors_json`], [`player_results`],
//! [`identity_events`]. What is to be paid in time: [`deadlines`].

pub mod attestations;
mod background_json;
pub mod backgrounds;
pub mod case_json;
pub mod cases;
pub mod checkpoints;
mod checks_json;
pub mod claimed;
pub mod console_accounts;
pub mod console_sessions;
pub mod db;
pub mod deadlines;
pub mod decision_reads;
pub mod deliveries;
pub mod disable_accounts;
pub mod due;
pub mod erase;
pub mod erasures;
pub mod facts_json;
pub mod facts_text;
pub mod health_events;
pub mod heartbeats;
pub mod identity_events;
pub mod inbox;
pub mod incidents;
pub mod instrument_json;
pub mod json;
pub mod limit_reservations;
pub mod load;
pub mod load_holdings;
pub mod load_payments;
pub mod loop_history;
mod loop_json;
pub mod mail_outbox;
pub mod migrate;
pub mod movements;
pub mod name_screenings;
pub mod old_keys;
pub mod once_keys;
pub mod outbox_reads;
pub mod payins;
pub mod payment_past;
pub mod people;
pub mod places;
pub mod player_habits;
pub mod player_results;
pub mod player_session;
pub mod policy_versions;
pub mod proofs;
pub mod proposal_keys;
pub mod prove;
mod prove_money;
mod prove_moved;
pub mod read_accounts;
pub mod read_decisions;
pub mod read_facts;
pub mod read_history;
pub mod read_keys;
pub mod read_lines;
pub mod read_models;
pub mod read_payee;
pub mod read_reviews;
pub mod redeliveries;
pub mod request_nonce;
pub mod reviews;
pub mod routing_versions;
pub mod rows;
pub mod shared_health;
pub mod slots;
pub mod switches;
pub mod vendor_checks;
pub mod vendors_json;
pub mod wallet_entries;
pub mod wallet_history;
pub mod webhook_endpoints;
pub mod webhook_secrets;
pub mod witness;
pub mod write_attempts;
pub mod write_entries;
pub mod write_holdings;
pub mod write_payments;
pub mod write_player;
pub mod write_records;
pub mod write_steps;
pub mod write_told;
pub mod write_trail;
mod written;

pub use db::{Db, StoreError};

/// Connections for reading, and for writing what is no money state.
pub type Pool = sqlx::PgPool;
