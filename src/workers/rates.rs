//! Watches the age of the exchange rates: people bring new ones before amounts go to people for want of them.

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::screening::FxTable;
use crate::store::incidents::{self, ServiceIncident};
use anyhow::Context;
use std::time::Duration;

const PERIOD: Duration = Duration::from_secs(10 * 60);

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct RateWorker {
    flows: Flows,
}

impl RateWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows }
    }
}

impl Worker for RateWorker {
    fn name(&self) -> &'static str {
        "rates"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let flows = &self.flows;
        let Some(left) = days_left(&flows.fx, now) else { return Ok(Report::default()) };
        metrics::gauge!("fx_rates_days_left").set(f64::from(left));
        let Some((kind, detail)) = concern(&flows.fx, now) else { return Ok(Report::default()) };
        let incident = ServiceIncident { kind, detail: &detail, psp: None };
        let (pool, id) = (flows.db.pool(), flows.ids.next());
        let raised = incidents::raise_unless_open(pool, id, &incident, now).await;
        if raised.context("raising an incident about exchange rates")? {
            tracing::error!(kind, detail, "an incident needs a person");
            metrics::counter!("incidents_total", "kind" => kind).increment(1);
        }
        Ok(Report::default())
    }
}

/// How many days the rates may be used after this one. None: nobody watches their age.
fn days_left(fx: &FxTable, now: Timestamp) -> Option<i32> {
    let left = (fx.last_day()? - now.date()).whole_days();
    Some(i32::try_from(left).unwrap_or(i32::MAX))
}

/// What people are to be told of the rates: two days before they are over, or where that is much of their time, on
/// the last; of those that may be used for long, a quarter of their time before.
fn concern(fx: &FxTable, now: Timestamp) -> Option<(&'static str, String)> {
    let (left, most) = (days_left(fx, now)?, i32::from(fx.age_max_days?));
    let (date, last) = (fx.date, fx.last_day()?);
    if fx.is_too_old(now) {
        let detail = format!(
            "the exchange rates of {date} were to be used until {last}: what is compared by them goes to people"
        );
        return Some(("rates.too_old", detail));
    }
    let early = (most / 4).max(2).min(most - 1);
    let detail = format!("the exchange rates of {date} are used until {last}: bring new ones");
    (left <= early).then_some(("rates.ageing", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use time::macros::{date, datetime};

    #[track_caller]
    fn check(age_max_days: Option<u16>, now: Timestamp, expected: Option<&str>) {
        let (source, date) = ("test".to_owned(), date!(2026 - 03 - 02));
        let fx = FxTable { source, date, eur_per_unit: BTreeMap::new(), age_max_days };
        let told = concern(&fx, now);
        assert_eq!(told.map(|(kind, _)| kind), expected, "{age_max_days:?} at {now}");
    }

    #[test]
    fn people_are_told_before_rates_are_over_and_when_they_are() {
        check(Some(7), datetime!(2026-03-06 23:59:59 UTC), None);
        check(Some(7), datetime!(2026-03-07 0:00 UTC), Some("rates.ageing"));
        check(Some(7), datetime!(2026-03-09 23:59:59 UTC), Some("rates.ageing"));
        check(Some(7), datetime!(2026-03-10 0:00 UTC), Some("rates.too_old"));
        // New ones every day: the first day is not the last.
        check(Some(1), datetime!(2026-03-02 12:00 UTC), None);
        check(Some(1), datetime!(2026-03-03 12:00 UTC), Some("rates.ageing"));
        check(Some(60), datetime!(2026-04-16 12:00 UTC), Some("rates.ageing"));
        check(Some(60), datetime!(2026-04-15 12:00 UTC), None);
        // Their day is to come.
        check(Some(7), datetime!(2026-02-28 12:00 UTC), Some("rates.too_old"));
        check(None, datetime!(2036-03-10 0:00 UTC), None);
    }
}
