//! Every bad thing a PSP does, one layer for all PSPs.
//!
//! A rule names an operation and a fault. A call takes at most one rule; `guard` then carries the
//! fault out around the PSP's own work: before it (nothing is booked) or after it (booked, but
//! the caller does not learn so). The faults of notifications are taken where they are sent.
//! Chance comes from a seeded generator per account: the same seed and calls, the same faults.

mod guard;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use crate::book::Kind;
use crate::money;

pub(crate) use self::guard::{Answer, gateway, guard};

const PPM: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    CreateDeposit,
    CreatePayout,
    /// Money of a deposit that goes back the way it came.
    CreateRefund,
    Query,
    Webhook,
    Any,
}

/// What a call does, as the PSP's own parser says. `Other` is met by rules for `any` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    CreateDeposit,
    CreatePayout,
    CreateRefund,
    Query,
    Other,
}

impl Call {
    const ALL: [Self; 5] =
        [Self::CreateDeposit, Self::CreatePayout, Self::CreateRefund, Self::Query, Self::Other];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    ConnectionResetBefore,
    ConnectionResetAfterAccept,
    TimeoutBeforeAccept,
    TimeoutAfterAccept,
    #[serde(rename = "http_500")]
    Http500,
    #[serde(rename = "http_500_after_accept")]
    Http500AfterAccept,
    #[serde(rename = "http_503")]
    Http503,
    #[serde(rename = "http_429")]
    Http429,
    MalformedBody,
    EmptyBody,
    Slow,
    DeclineSoft,
    DeclineHard,
    WebhookDrop,
    WebhookDuplicate,
    WebhookReorder,
    WebhookDelay,
    WebhookBadSignature,
    WebhookStale,
    WebhookWrongAmount,
    WebhookWrongCurrency,
    WebhookBeforeResponse,
    SuccessAfterDecline,
}

impl Fault {
    /// Faults of a notification on its way, in contrast to faults of a call.
    fn is_of_delivery(self) -> bool {
        match self {
            Self::WebhookDrop
            | Self::WebhookDuplicate
            | Self::WebhookReorder
            | Self::WebhookDelay
            | Self::WebhookBadSignature
            | Self::WebhookStale
            | Self::WebhookWrongAmount
            | Self::WebhookWrongCurrency => true,
            Self::ConnectionResetBefore
            | Self::ConnectionResetAfterAccept
            | Self::TimeoutBeforeAccept
            | Self::TimeoutAfterAccept
            | Self::Http500
            | Self::Http500AfterAccept
            | Self::Http503
            | Self::Http429
            | Self::MalformedBody
            | Self::EmptyBody
            | Self::Slow
            | Self::DeclineSoft
            | Self::DeclineHard
            | Self::WebhookBeforeResponse
            | Self::SuccessAfterDecline => false,
        }
    }

    /// Faults of an answer to a call that the PSP has accepted: a refusal goes through as it is.
    fn is_after_acceptance(self) -> bool {
        matches!(
            self,
            Self::ConnectionResetAfterAccept
                | Self::TimeoutAfterAccept
                | Self::Http500AfterAccept
                | Self::MalformedBody
                | Self::EmptyBody
        )
    }

    /// What becomes of a movement that the call has booked: where a call books none, it cannot happen.
    pub(crate) fn needs_a_movement(self) -> bool {
        matches!(self, Self::SuccessAfterDecline | Self::WebhookBeforeResponse)
    }

    /// Faults that only a call that creates a deposit or a payout can have.
    fn needs_creation(self) -> bool {
        matches!(
            self,
            Self::DeclineSoft
                | Self::DeclineHard
                | Self::SuccessAfterDecline
                | Self::WebhookBeforeResponse
        )
    }

    fn fits(self, rule: Operation, call: Call) -> bool {
        let creates = matches!(call, Call::CreateDeposit | Call::CreatePayout);
        if self.is_of_delivery() || (self.needs_creation() && !creates) {
            return false;
        }
        match rule {
            Operation::CreateDeposit => call == Call::CreateDeposit,
            Operation::CreatePayout => call == Call::CreatePayout,
            Operation::CreateRefund => call == Call::CreateRefund,
            Operation::Query => call == Call::Query,
            Operation::Webhook => self == Self::WebhookBeforeResponse,
            Operation::Any => true,
        }
    }
}

/// The JSON of `POST /psps/{id}/faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleRequest {
    operation: Operation,
    fault: Fault,
    #[serde(default)]
    times: Option<u64>,
    #[serde(default)]
    rate: Option<Number>,
    #[serde(default)]
    delay_ms: Option<u64>,
}

#[derive(Clone, Debug)]
struct Rule {
    number: u64,
    operation: Operation,
    fault: Fault,
    times: Option<u64>,
    rate: Number,
    rate_ppm: u64,
    delay: Option<Duration>,
}

impl Rule {
    /// A rule that is used up stays until all are cleared: a call that was refused gives its part back.
    fn is_used_up(&self) -> bool {
        self.times == Some(0)
    }

    fn view(&self) -> Value {
        json!({
            "operation": self.operation, "fault": self.fault, "times": self.times,
            "rate": self.rate,
            "delay_ms": self.delay.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(0)),
        })
    }
}

/// A fault that was drawn for one call or one notification.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) fault: Option<Fault>,
    pub(crate) delay: Option<Duration>,
    /// The rule that it was drawn from.
    rule: u64,
}

impl Plan {
    /// Waits where the PSP would be slow: after the request is read, before it is booked.
    pub(crate) async fn pause(&self) {
        if self.fault == Some(Fault::Slow) {
            tokio::time::sleep(self.delay_or(2_000)).await;
        }
    }

    pub(crate) fn delay_or(&self, default_ms: u64) -> Duration {
        self.delay.unwrap_or(Duration::from_millis(default_ms))
    }

    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

struct Drawer {
    rules: Vec<Rule>,
    /// Of the rule that was made last. Never used twice: a cleared rule's calls may still be under way.
    number: u64,
    random: u64,
}

pub(crate) struct Faults {
    seed: u64,
    drawer: Mutex<Drawer>,
}

impl Faults {
    pub(crate) fn new(seed: u64, account: &str) -> Self {
        // Each account draws from a sequence of its own, so that their calls may interleave.
        let seed = account.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { seed, drawer: Mutex::new(Drawer { rules: Vec::new(), number: 0, random: seed }) }
    }

    /// `can` tells whether this account's calls can go wrong so.
    pub(crate) fn add(
        &self,
        request: RuleRequest,
        can: impl Fn(Call, Fault) -> bool,
    ) -> Result<Value, &'static str> {
        let rate = request.rate.unwrap_or_else(|| Number::from(1u8));
        let rate_ppm = ppm(&rate)?;
        let told = request.fault.is_of_delivery() && request.operation != Operation::Query;
        let called =
            |call: &Call| request.fault.fits(request.operation, *call) && can(*call, request.fault);
        let fires = told || Call::ALL.iter().any(called);
        if !fires {
            return Err("this fault can never happen to this operation here");
        }
        let mut drawer = self.lock();
        drawer.number += 1;
        let rule = Rule {
            number: drawer.number,
            operation: request.operation,
            fault: request.fault,
            times: request.times,
            rate,
            rate_ppm,
            delay: request.delay_ms.map(Duration::from_millis),
        };
        let view = rule.view();
        drawer.rules.push(rule);
        Ok(view)
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.lock().rules.iter().filter(|rule| !rule.is_used_up()).map(Rule::view).collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().rules.clear();
    }

    /// No rules, and the sequence of chance from its start.
    pub(crate) fn reset(&self) {
        let mut drawer = self.lock();
        drawer.rules.clear();
        drawer.random = self.seed;
    }

    pub(crate) fn draw_for_call(&self, call: Call, can: impl Fn(Call, Fault) -> bool) -> Plan {
        self.draw(|rule| rule.fault.fits(rule.operation, call) && can(call, rule.fault))
    }

    pub(crate) fn draw_for_delivery(&self, kind: Kind) -> Plan {
        self.draw(|rule| {
            let meant = match rule.operation {
                Operation::Webhook | Operation::Any => true,
                Operation::CreateDeposit => kind == Kind::Deposit,
                Operation::CreatePayout => kind == Kind::Payout,
                Operation::CreateRefund => kind == Kind::Refund,
                Operation::Query => false,
            };
            meant && rule.fault.is_of_delivery()
        })
    }

    fn draw(&self, fits: impl Fn(&Rule) -> bool) -> Plan {
        let mut drawer = self.lock();
        let mut random = drawer.random;
        let mut drawn = None;
        for (index, rule) in drawer.rules.iter().enumerate() {
            let is_meant = !rule.is_used_up() && fits(rule);
            if is_meant && (rule.rate_ppm == PPM || splitmix64(&mut random) % PPM < rule.rate_ppm) {
                drawn = Some(index);
                break;
            }
        }
        drawer.random = random;
        let Some(index) = drawn else {
            return Plan::default();
        };
        let rule = &mut drawer.rules[index];
        rule.times = rule.times.map(|times| times.saturating_sub(1));
        Plan { fault: Some(rule.fault), delay: rule.delay, rule: rule.number }
    }

    /// The call that this was drawn for could not go wrong so: the rule waits for another.
    fn give_back(&self, plan: &Plan) {
        let mut drawer = self.lock();
        if let Some(rule) = drawer.rules.iter_mut().find(|rule| rule.number == plan.rule) {
            rule.times = rule.times.map(|times| times.saturating_add(1));
        }
    }

    /// Whether chance has it so, for so many in a million.
    pub(crate) fn chance(&self, ppm: u64) -> bool {
        0 < ppm && splitmix64(&mut self.lock().random) % PPM < ppm
    }

    fn lock(&self) -> MutexGuard<'_, Drawer> {
        self.drawer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A share of one, in millionths.
pub(crate) fn ppm(share: &Number) -> Result<u64, &'static str> {
    let ppm = money::parse(&share.to_string(), 6).and_then(|ppm| u64::try_from(ppm).ok());
    let ppm = ppm.filter(|ppm| *ppm <= PPM);
    ppm.ok_or("a share is a number from 0 to 1 with at most six decimals")
}

/// A small generator of chance that is the same everywhere.
pub(crate) fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
