//! Routing: which PSP is asked first, which next, and why not the others.
//!
//! Hard filters come before any rank: the operator's own accounts, country, currency, method, amount,
//! whether the PSP can take or pay this very instrument, what people switched off, the day's cap. What
//! remains is put in order by the route's strategy and by the health of each PSP. Health never excludes: a
//! PSP that fails goes to the end, so that when all are ill the best of them is still tried.
//!
//! [`health`] is pure and is measured by the simulator in `benches/routing`; [`observe`] is where the
//! service tells it of every call and of every payment's end, and asks it for an order.
//!
//! Reading order: [`rules`], [`rules_text`], [`switches`], [`plan`](mod@plan), [`score`], [`health`], [`faults`],
//! [`questions`], [`observe`], [`board`], [`mod@make_plan`], [`mod@learn`], [`mod@ask_psp`], [`mod@share_health`],
//! [`mod@load_switches`], [`mod@set_switch`], [`mod@lift_switch`], [`mod@begin_routing`], [`mod@describe_health`],
//! [`mod@ask_habits`], [`registry`].

pub mod ask_habits;
pub mod ask_psp;
pub mod begin_routing;
pub mod board;
pub mod describe_health;
pub mod faults;
pub mod health;
pub mod learn;
pub mod lift_switch;
pub mod load_switches;
pub mod make_plan;
pub mod observe;
pub mod plan;
pub mod questions;
pub mod registry;
pub mod rules;
pub mod rules_text;
pub mod score;
pub mod set_switch;
pub mod share_health;
pub mod switches;

pub use health::Permit;
pub use plan::{Candidate, Request, Route, plan};
pub use rules::{PspAccount, RouteRule, RoutingRules};
