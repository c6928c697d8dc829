//! Every route and who may use it, in one table.
//!
//! The gate asks this table and lets nobody through on a route that is not in it; a test holds
//! table, router and OpenAPI document to be the same list.

use super::keys::Scope;
use axum::http::Method;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; the webhook of a PSP or a vendor proves itself by its own signature.
    Open,
    /// A key with this scope.
    Key(Scope),
    /// A key with this scope, or a player about themselves.
    KeyOrPlayer(Scope),
    /// A person's key with either of these scopes.
    Person(Scope, Scope),
}

/// One route.
#[derive(Debug, Clone)]
pub struct Rule {
    pub method: Method,
    /// As the router spells it.
    pub path: &'static str,
    pub access: Access,
}

const fn rule(method: Method, path: &'static str, access: Access) -> Rule {
    Rule { method, path, access }
}

use Access::{Key, KeyOrPlayer, Open, Person};
use Scope::{Compliance, Decisions, Operate, Payments, Players, Wallet, Webhooks};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// The table, in the order of the contract.
pub const RULES: &[Rule] = &[
    rule(GET, "/livez", Open),
    rule(GET, "/readyz", Open),
    rule(GET, "/metrics", Open),
    rule(GET, "/openapi.json", Open),
    rule(GET, "/docs", Open),
    rule(POST, "/v1/player-sessions", Key(Players)),
    rule(DELETE, "/v1/player-sessions/{jti}", Key(Players)),
    rule(PUT, "/v1/players/{player_id}", Key(Players)),
    rule(GET, "/v1/players/{player_id}", Key(Players)),
    rule(GET, "/v1/players/{player_id}/wallet", KeyOrPlayer(Players)),
    rule(GET, "/v1/players/{player_id}/entries", Key(Players)),
    rule(POST, "/v1/players/{player_id}/wallet-entries", Key(Wallet)),
    rule(GET, "/v1/players/{player_id}/limits", KeyOrPlayer(Players)),
    rule(PUT, "/v1/players/{player_id}/limits", KeyOrPlayer(Players)),
    rule(POST, "/v1/players/{player_id}/limits/confirm", KeyOrPlayer(Players)),
    rule(GET, "/v1/payment-methods", KeyOrPlayer(Payments)),
    rule(POST, "/v1/deposits", KeyOrPlayer(Payments)),
    rule(GET, "/v1/deposits", KeyOrPlayer(Payments)),
    rule(GET, "/v1/deposits/{id}", KeyOrPlayer(Payments)),
    rule(POST, "/v1/deposits/{id}/continue", KeyOrPlayer(Payments)),
    rule(POST, "/v1/deposits/{id}/cancel", KeyOrPlayer(Payments)),
    rule(POST, "/v1/deposits/{id}/return", Person(Payments, Compliance)),
    rule(POST, "/v1/withdrawals", KeyOrPlayer(Payments)),
    rule(GET, "/v1/withdrawals", KeyOrPlayer(Payments)),
    rule(GET, "/v1/withdrawals/{id}", KeyOrPlayer(Payments)),
    rule(POST, "/v1/withdrawals/{id}/cancel", KeyOrPlayer(Payments)),
    rule(GET, "/v1/payments/{id}/events", KeyOrPlayer(Payments)),
    rule(POST, "/v1/webhook-endpoints", Key(Webhooks)),
    rule(GET, "/v1/webhook-endpoints", Key(Webhooks)),
    rule(GET, "/v1/webhook-endpoints/{id}", Key(Webhooks)),
    rule(DELETE, "/v1/webhook-endpoints/{id}", Key(Webhooks)),
    rule(POST, "/v1/webhook-endpoints/{id}/enable", Key(Webhooks)),
    rule(POST, "/v1/webhook-endpoints/{id}/redeliver", Key(Webhooks)),
    rule(POST, "/v1/webhook-endpoints/{id}/rotate-secret", Key(Webhooks)),
    rule(GET, "/v1/webhook-endpoints/{id}/deliveries", Key(Webhooks)),
    rule(POST, "/v1/events/{id}/redeliver", Key(Webhooks)),
    rule(GET, "/v1/decisions", Key(Decisions)),
    rule(GET, "/v1/decisions/{id}", Key(Decisions)),
    rule(POST, "/v1/reviews", Key(Compliance)),
    rule(POST, "/v1/decisions/{id}/replay", Key(Compliance)),
    rule(GET, "/v1/reviews", Key(Compliance)),
    rule(GET, "/v1/reviews/{id}", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/propose", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/approve", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/refuse", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/lock", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/unlock", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/assign", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/notes", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/request-info", Key(Compliance)),
    rule(POST, "/v1/reviews/{id}/info", Key(Compliance)),
    rule(POST, "/v1/policies", Key(Compliance)),
    rule(GET, "/v1/policies", Key(Compliance)),
    rule(GET, "/v1/policies/{version}", Key(Compliance)),
    rule(POST, "/v1/policies/{version}/approve", Key(Compliance)),
    rule(POST, "/v1/policies/{version}/refuse", Key(Compliance)),
    rule(GET, "/v1/incidents", Key(Operate)),
    rule(POST, "/v1/incidents/{id}/close", Key(Operate)),
    rule(POST, "/v1/routing/switches", Key(Operate)),
    rule(GET, "/v1/routing/switches", Key(Operate)),
    rule(POST, "/v1/routing/switches/{id}/lift", Key(Operate)),
    rule(GET, "/v1/routing/health", Key(Operate)),
    rule(POST, "/webhooks/vendors/{vendor_id}", Open),
    rule(POST, "/webhooks/{psp_account_id}", Open),
    rule(GET, "/webhooks/{psp_account_id}", Open),
    rule(POST, "/webhooks/{psp_account_id}/{rest}", Open),
    rule(GET, "/webhooks/{psp_account_id}/{rest}", Open),
];

/// The rule of a route; HEAD is a GET whose body nobody wants.
pub fn find(method: &Method, path: &str) -> Option<&'static Rule> {
    let method = if method == Method::HEAD { &GET } else { method };
    RULES.iter().find(|rule| rule.method == *method && rule.path == path)
}
