//! L2: the only room that speaks SQL. One file an aggregate.
//!
//! Outbound: [`webhook_endpoints`], [`webhook_secrets`], [`outbox_reads`], [`deliveries`],
//! [`redeliveries`], [`heartbeats`]. The API's own: [`request_nonce`], [`player_session`].

pub mod deliveries;
pub mod heartbeats;
pub mod outbox_reads;
pub mod player_session;
pub mod redeliveries;
pub mod request_nonce;
pub mod webhook_endpoints;
pub mod webhook_secrets;

/// Connections to the database.
pub type Pool = sqlx::PgPool;

/// The database refused or was not there.
#[derive(Debug, thiserror::Error)]
#[error("the database did not do it")]
pub struct StoreError(#[from] sqlx::Error);
