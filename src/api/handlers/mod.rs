//! The routes. Each handler reads like a table of contents: parse, call one flow, render a view.
//!
//! Handlers that write run through [`super::detach::Detach`], so that a client that leaves cannot
//! drop them half way.

mod decisions;
mod deposits;
mod endpoints;
mod incidents;
mod limits;
mod methods;
mod payment_events;
mod players;
mod policies;
mod psp_webhooks;
mod review_desk;
mod reviews;
mod routing;
mod sessions;
mod shared;
mod vendor_webhooks;
mod wallet;
mod withdrawals;

use super::Edge;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Everything behind the gate.
pub fn v1() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(sessions::open))
        .routes(routes!(sessions::end))
        .routes(routes!(players::put, players::get))
        .routes(routes!(wallet::get))
        .routes(routes!(wallet::entries))
        .routes(routes!(wallet::enter))
        .routes(routes!(limits::get, limits::put))
        .routes(routes!(limits::confirm))
        .routes(routes!(methods::list))
        .routes(routes!(deposits::create, deposits::list))
        .routes(routes!(deposits::get))
        .routes(routes!(deposits::go_on))
        .routes(routes!(deposits::cancel))
        .routes(routes!(deposits::give_back))
        .routes(routes!(withdrawals::create, withdrawals::list))
        .routes(routes!(withdrawals::get))
        .routes(routes!(withdrawals::cancel))
        .routes(routes!(payment_events::stream))
        .routes(routes!(endpoints::create, endpoints::list))
        .routes(routes!(endpoints::get, endpoints::delete))
        .routes(routes!(endpoints::enable))
        .routes(routes!(endpoints::redeliver_missed))
        .routes(routes!(endpoints::rotate))
        .routes(routes!(endpoints::deliveries))
        .routes(routes!(endpoints::redeliver))
        .routes(routes!(decisions::list))
        .routes(routes!(decisions::get))
        .routes(routes!(decisions::replay))
        .routes(routes!(reviews::create, reviews::list))
        .routes(routes!(reviews::get))
        .routes(routes!(reviews::propose))
        .routes(routes!(reviews::approve))
        .routes(routes!(reviews::refuse))
        .routes(routes!(review_desk::lock))
        .routes(routes!(review_desk::unlock))
        .routes(routes!(review_desk::assign))
        .routes(routes!(review_desk::note))
        .routes(routes!(review_desk::request_info))
        .routes(routes!(review_desk::info))
        .routes(routes!(policies::propose, policies::list))
        .routes(routes!(policies::get))
        .routes(routes!(policies::approve))
        .routes(routes!(policies::refuse))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::close))
        .routes(routes!(routing::create, routing::list))
        .routes(routes!(routing::lift))
        .routes(routes!(routing::health))
}

/// What proves itself: webhooks of PSPs and of vendors.
pub fn open() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(vendor_webhooks::post))
        .routes(routes!(psp_webhooks::post, psp_webhooks::get))
        .routes(routes!(psp_webhooks::post_rest, psp_webhooks::get_rest))
}
