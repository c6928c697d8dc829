//! Rules of the control API: what goes wrong, for whom, and how often.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration as Wait;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};
use time::Duration;

use super::Waits;
use super::script::Finding;
use crate::faults::splitmix64;
use crate::money;

const PPM: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    /// The vendor is told of something.
    Ask,
    /// The vendor is asked how far it is, or what it found.
    Query,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    Pending,
    Severe,
    High,
    Gambling,
    Mixing,
    NullScore,
    ConnectionResetBefore,
    TimeoutBeforeAccept,
    TimeoutAfterAccept,
    #[serde(rename = "http_429")]
    Http429,
    #[serde(rename = "http_500")]
    Http500,
    #[serde(rename = "http_503")]
    Http503,
    MalformedBody,
    EmptyBody,
    BadSignature,
    Late,
    Slow,
}

impl Fault {
    /// What a vendor finds or how long it takes: decided when it is asked, and kept with the case.
    pub(super) const fn is_of_case(self) -> bool {
        matches!(
            self,
            Self::Pending
                | Self::Severe
                | Self::High
                | Self::Gambling
                | Self::Mixing
                | Self::NullScore
        )
    }
}

/// The JSON of `POST /vendors/{id}/faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleRequest {
    #[serde(default = "any")]
    operation: Operation,
    fault: Fault,
    /// A player, an address or a reference; without it everybody.
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    times: Option<u64>,
    #[serde(default)]
    rate: Option<Number>,
    #[serde(default)]
    delay_ms: Option<u64>,
}

fn any() -> Operation {
    Operation::Any
}

#[derive(Clone, Debug)]
struct Rule {
    operation: Operation,
    fault: Fault,
    subject: Option<String>,
    times: Option<u64>,
    rate: Number,
    rate_ppm: u64,
    delay_ms: Option<u64>,
}

impl Rule {
    fn view(&self) -> Value {
        json!({
            "operation": self.operation, "fault": self.fault, "subject": self.subject,
            "times": self.times, "rate": self.rate, "delay_ms": self.delay_ms,
        })
    }

    fn fits(&self, operation: Operation, subjects: &[&str]) -> bool {
        let meant = self.operation == Operation::Any || self.operation == operation;
        let asks = operation == Operation::Ask || !self.fault.is_of_case();
        let subject = self.subject.as_deref();
        let of_subject =
            subject.is_none_or(|it| subjects.iter().any(|one| one.eq_ignore_ascii_case(it)));
        meant && asks && of_subject
    }
}

/// What was drawn for one call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    pub(super) fault: Option<Fault>,
    delay_ms: Option<u64>,
}

impl Plan {
    pub(super) const fn of(fault: Fault) -> Self {
        Self { fault: Some(fault), delay_ms: None }
    }

    pub(super) fn finding(&self) -> Option<Finding> {
        match self.fault? {
            Fault::Severe => Some(Finding::Severe),
            Fault::High => Some(Finding::High),
            Fault::Gambling => Some(Finding::Gambling),
            Fault::Mixing => Some(Finding::Mixing),
            Fault::NullScore => Some(Finding::NoScore),
            _ => None,
        }
    }

    pub(super) fn pending(&self) -> Waits {
        let after =
            self.delay_ms.map(|ms| Duration::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX)));
        (self.fault == Some(Fault::Pending)).then_some(after)
    }

    pub(super) fn delay_or(&self, default_ms: u64) -> Wait {
        Wait::from_millis(self.delay_ms.unwrap_or(default_ms))
    }
}

struct Drawer {
    rules: Vec<Rule>,
    random: u64,
}

pub(crate) struct Rules {
    seed: u64,
    drawer: Mutex<Drawer>,
}

impl Rules {
    pub(super) fn new(seed: u64, vendor: &str) -> Self {
        // Each vendor draws from a sequence of its own, so that their calls may interleave.
        let seed = vendor.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { seed, drawer: Mutex::new(Drawer { rules: Vec::new(), random: seed }) }
    }

    pub(crate) fn add(&self, request: RuleRequest) -> Result<Value, &'static str> {
        let rate = request.rate.unwrap_or_else(|| Number::from(1_u8));
        let rate_ppm = money::parse(&rate.to_string(), 6)
            .and_then(|ppm| u64::try_from(ppm).ok())
            .filter(|ppm| *ppm <= PPM)
            .ok_or("rate is a number from 0 to 1 with at most six decimals")?;
        if request.operation == Operation::Query && request.fault.is_of_case() {
            return Err("this fault can never happen to this operation");
        }
        let rule = Rule {
            operation: request.operation,
            fault: request.fault,
            subject: request.subject,
            times: request.times,
            rate,
            rate_ppm,
            delay_ms: request.delay_ms,
        };
        let view = rule.view();
        self.lock().rules.push(rule);
        Ok(view)
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.lock().rules.iter().map(Rule::view).collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().rules.clear();
    }

    pub(super) fn reset(&self) {
        *self.lock() = Drawer { rules: Vec::new(), random: self.seed };
    }

    pub(super) fn draw(&self, operation: Operation, subjects: &[&str]) -> Plan {
        let mut drawer = self.lock();
        let mut random = drawer.random;
        let drawn = drawer.rules.iter().position(|rule| {
            rule.fits(operation, subjects)
                && (rule.rate_ppm == PPM || splitmix64(&mut random) % PPM < rule.rate_ppm)
        });
        drawer.random = random;
        let Some(index) = drawn else {
            return Plan::default();
        };
        let rule = &mut drawer.rules[index];
        let plan = Plan { fault: Some(rule.fault), delay_ms: rule.delay_ms };
        if let Some(times) = rule.times.as_mut() {
            *times = times.saturating_sub(1);
            if *times == 0 {
                drawer.rules.remove(index);
            }
        }
        plan
    }

    fn lock(&self) -> MutexGuard<'_, Drawer> {
        self.drawer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
