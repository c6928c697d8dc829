//! The only room with SQL: one file an aggregate.

pub mod player_session;
pub mod request_nonce;

pub use sqlx::Error as StoreError;
pub use sqlx::PgPool as Pool;
