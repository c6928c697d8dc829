//! Looks several times a second whether a PSP has gone silent, and asks those that fail whether they are
//! well again.
//!
//! A PSP that fails is asked about an attempt that it has had: that moves no money and keeps no payer
//! waiting. Money that leaves trusts it again after enough such answers. A deposit can go elsewhere, and an
//! inquiry may be answered where deposits still fail: so for deposits an answer only opens the way for one
//! payment at a time, and a refusal saves that payment the wait.

use super::driver::{Report, Worker};
use super::running::Running;
use crate::domain::{Direction, Timestamp};
use crate::flows::Flows;
use crate::routing::ask_psp::ask_psp;
use std::time::Duration;

/// A stall is noticed so much later at most.
const PERIOD: Duration = Duration::from_millis(200);
/// PSPs that are asked at once.
const AT_ONCE: usize = 32;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct HealthWorker {
    flows: Flows,
    running: Running,
}

impl HealthWorker {
    pub fn new(flows: Flows) -> Self {
        // Nobody waits for room: there are fewer PSPs than that.
        let running = Running::new(flows.tasks.clone(), AT_ONCE, std::sync::Arc::default());
        Self { flows, running }
    }
}

impl Worker for HealthWorker {
    fn name(&self) -> &'static str {
        "psp_health"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        self.flows.health.look(now);
        // Said by whoever never waits for the database.
        let age = self.flows.switches.age().as_secs_f64();
        metrics::gauge!("routing_switches_age_seconds").set(age);
        let psps: Vec<String> = self.flows.psps.ids().map(str::to_owned).collect();
        for psp in psps {
            for direction in [Direction::Deposit, Direction::Withdrawal] {
                if !self.flows.health.is_to_be_asked(&psp, direction, now) {
                    continue;
                }
                let (flows, psp) = (self.flows.clone(), psp.clone());
                let row = flows.ids.next();
                self.running.start(row, async move {
                    ask_psp(&flows, &psp, direction).await;
                    true
                });
            }
        }
        Ok(Report::default())
    }
}
