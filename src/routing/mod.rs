//! Routing: which PSP is asked first, which next, and why not the others.
//!
//! Hard filters come before any rank: the operator's own accounts, country, currency, method,
//! amount, and whether the PSP can pay this very instrument. What remains is tried in the order of
//! the configured route. A breaker never excludes: a PSP whose breaker is open goes to the end, so
//! that when all are ill the best of them is still tried.
//!
//! Reading order: [`rules`], [`plan`](mod@plan), [`breaker`].

pub mod breaker;
pub mod health;
pub mod observe;
pub mod plan;
pub mod registry;
pub mod rules;

pub use breaker::{Breaker, BreakerConfig, Breakers, Permit};
pub use plan::{Candidate, Request, Route, plan};
pub use rules::{PspAccount, RouteRule, RoutingRules};
