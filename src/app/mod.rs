//! L5, wiring: from a checked configuration to a running service.
//!
//! Reading order: [`words`] (configuration becomes the words of the rooms below), [`psps`] (accounts
//! become clients), [`secrets`] (which change while it runs), [`parts`] (lanes and flows),
//! [`workers`], [`readiness`], [`edge`], [`connections`], [`heads`], [`webhooks_tls`], [`service`].

mod checks;
mod connections;
pub mod edge;
mod heads;
pub mod parts;
pub mod psps;
pub mod readiness;
pub mod secrets;
pub mod service;
mod vendors;
pub mod webhooks_tls;
pub mod words;
pub mod workers;
