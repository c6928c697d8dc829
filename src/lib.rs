pub mod access;
pub mod api;
pub mod clock;
pub mod domain;
pub mod shutdown;
pub mod store;
