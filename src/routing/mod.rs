//! Routing: which PSP is asked first, which next, and why not the others.
//!
//! Hard filters come before any rank: the operator's own accounts, country, currency, method,
//! amount, and whether the PSP can pay this very instrument. What remains is tried in the order of
//! the configured route. A breaker never excludes: a PSP whose breaker is open goes to the end, so
//! that when all are ill the best of them is still tried.
//!
//! [`health`] is what is to take the breaker's place: it is measured by the simulator in
//! `benches/routing`, and **the service does not route by it yet**.
//!
//! Reading order: [`rules`], [`plan`](mod@plan), [`breaker`], [`health`].

pub mod breaker;
pub mod health;
pub mod observe;
pub mod plan;
pub mod registry;
pub mod rules;

pub use breaker::{Breaker, BreakerConfig, Breakers, Permit};
pub use plan::{Candidate, Request, Route, plan};
pub use rules::{PspAccount, RouteRule, RoutingRules};
