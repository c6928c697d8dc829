//! Whether this instance should be sent requests.

use super::workers::Driven;
use crate::api::gate::Boxed;
use crate::api::health::{Check, Readiness};
use crate::clock::Drift;
use crate::flows::Flows;
use crate::store::{heartbeats, migrate};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Whoever asks, asks again soon and must not be kept waiting: a database that is frozen answers
/// nothing, which is an answer.
const PATIENCE: Duration = Duration::from_millis(700);
/// Whoever has not heard of policies for so long might miss one that comes into force.
const POLICIES_KNOWN: Duration = Duration::from_secs(45);
/// What was found counts for so long for everybody who asks.
const FRESH: Duration = Duration::from_millis(300);

/// One look at a time, whose answer everybody gets who asks meanwhile: anybody may ask, as often as they like, and
/// each look takes a connection of the database that payments need.
#[derive(Debug)]
pub struct SharedReadiness<R> {
    looks: R,
    found: Mutex<Option<(Instant, Vec<Check>)>>,
}

impl<R> SharedReadiness<R> {
    pub fn new(looks: R) -> Self {
        Self { looks, found: Mutex::new(None) }
    }
}

impl<R: Readiness> Readiness for SharedReadiness<R> {
    fn check(&self) -> Boxed<'_, Vec<Check>> {
        Box::pin(async move {
            let mut found = self.found.lock().await;
            if let Some((at, checks)) = &*found
                && at.elapsed() < FRESH
            {
                return checks.clone();
            }
            let checks = self.looks.check().await;
            *found = Some((Instant::now(), checks.clone()));
            checks
        })
    }
}

/// Looks at the database, its migrations, the lanes and the workers' heartbeats.
#[allow(missing_debug_implementations, reason = "a bundle of shared services")]
pub struct InstanceReadiness {
    pub flows: Flows,
    pub instance: String,
    /// Others of the instance's name may have beaten once: an earlier start drove more, or other ones.
    pub driven: Driven,
}

impl Readiness for InstanceReadiness {
    fn check(&self) -> Boxed<'_, Vec<Check>> {
        Box::pin(async move {
            let pool = self.flows.db.pool();
            let now = self.flows.clock.now();
            let asking = async {
                let current = migrate::is_current(pool).await;
                let mut overdue = heartbeats::overdue(pool, &self.instance, now).await;
                if let Ok(overdue) = &mut overdue {
                    overdue.retain(|worker| self.driven.has(worker));
                }
                (current, overdue)
            };
            let asked = tokio::time::timeout(PATIENCE, asking).await;
            let (current, overdue) = match asked {
                Ok((current, overdue)) => (current, overdue.ok()),
                Err(_) => (false, None),
            };
            let heard = now - self.flows.policies.read_at() <= POLICIES_KNOWN;
            let lanes = self.flows.lanes.are_running();
            vec![
                check("database", overdue.is_some(), "reachable", "does not answer in time"),
                check(
                    "migrations",
                    current,
                    "current",
                    "not all of this program's are known to be applied",
                ),
                check(
                    "policies",
                    heard,
                    "known",
                    "not heard of for too long: is the database well?",
                ),
                clock(&self.flows.drift),
                check("lanes", lanes, "running", "a lane has ended: restart this instance"),
                workers(overdue),
            ]
        })
    }
}

/// Beside others that are right, one by whose clock deadlines and leases are over at other times is sent nothing.
fn clock(drift: &Drift) -> Check {
    let detail = match drift.ahead() {
        None => "not compared yet".to_owned(),
        Some(ahead) if Drift::is_too_much(ahead) => {
            let way = if ahead.is_positive() { "ahead of" } else { "behind" };
            format!("{} s {way} the database's", ahead.whole_seconds().abs())
        }
        Some(_) => "the database's".to_owned(),
    };
    Check { name: "clock".to_owned(), ok: !drift.is_off(), detail }
}

fn workers(overdue: Option<Vec<String>>) -> Check {
    let (ok, detail) = match overdue {
        Some(stuck) if stuck.is_empty() => (true, "looking".to_owned()),
        Some(stuck) => (false, format!("overdue: {}", stuck.join(", "))),
        None => (false, "not known".to_owned()),
    };
    Check { name: "workers".to_owned(), ok, detail }
}

fn check(name: &str, ok: bool, well: &str, ill: &str) -> Check {
    let detail = if ok { well } else { ill }.to_owned();
    Check { name: name.to_owned(), ok, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Readiness for Counted {
        fn check(&self) -> Boxed<'_, Vec<Check>> {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                tokio::task::yield_now().await;
                vec![check("look", true, &number.to_string(), "")]
            })
        }
    }

    #[tokio::test]
    async fn however_many_ask_at_once_one_look_answers_them() {
        let shared = SharedReadiness::new(Counted::default());
        let answers = futures_util::future::join_all((0..100).map(|_| shared.check())).await;
        assert!(answers.iter().all(|checks| checks[0].detail == "0"), "{answers:?}");
        // What was found a while ago answers nobody.
        let stale = Instant::now().checked_sub(FRESH).unwrap();
        shared.found.lock().await.as_mut().unwrap().0 = stale;
        assert_eq!(shared.check().await[0].detail, "1");
    }
}
