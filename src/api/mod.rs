//! L4, the HTTP edge: what casinos' backends, players' browsers and PSPs' webhooks reach.
//!
//! A request passes, from the outside in: [`door::finish`] (id, timing, problems, panics), CORS,
//! [`door::admit`] (address budget, patience), [`gate::pass`] (credentials, key budget, scope), an
//! extractor that reads the body strictly, and a handler that reads like a table of contents: it
//! parses, calls one flow, and renders a view. No handler knows SQL, a PSP or a rule of policy.

pub mod address;
pub mod caller;
pub mod detach;
pub mod door;
pub mod extract;
pub mod fields;
pub mod gate;
pub mod json;
pub mod keys;
pub mod problem;
pub mod rate;
pub mod routes;
pub mod sign;
