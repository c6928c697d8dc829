pub mod clock;
pub mod domain;
pub mod outbox;
pub mod store;
pub mod webhooks;
pub mod workers;
