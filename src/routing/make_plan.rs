//! A plan is made from what this instance knows at this moment; nothing is read from anywhere.

use super::health::Bucket;
use super::plan::{Habits, Known, Request, Room, Route, Today, plan, room};
use super::switches::Use;
use crate::domain::Currency;
use crate::flows::Flows;
use std::time::Instant;

/// The plan of a payment. `obstacle` says why an account cannot carry this very one, where it cannot.
pub fn make_plan(
    flows: &Flows,
    request: &Request,
    habits: &Habits,
    obstacle: impl Fn(&str) -> Option<String>,
) -> Route {
    let (began_at, now) = (Instant::now(), flows.clock.now());
    let bucket = Bucket {
        direction: request.direction,
        country: request.country.clone(),
        method: request.method,
        currency: request.money.currency,
    };
    let (switches, volumes) = (flows.switches.all(), flows.volumes.today(now));
    let known = Known {
        rules: &flows.routing,
        accounts: &flows.accounts,
        switches: &switches,
        volumes: &volumes,
        habits,
        now,
    };
    let route = plan(request, &known, |psps| flows.health.rank(&bucket, psps, now), obstacle);
    metrics::histogram!("routing_plan_seconds").record(began_at.elapsed());
    route
}

/// What people and agreements leave of an account at this moment.
pub fn room_of(flows: &Flows, asked: &Use<'_>, currency: Currency) -> Room {
    let now = flows.clock.now();
    let (switches, volumes) = (flows.switches.all(), flows.volumes.today(now));
    let today = Today { rules: &flows.routing, switches: &switches, volumes: &volumes, now };
    room(asked, currency, &today)
}
