//! How long a PSP takes, as a log-normal law learned from its answers, and whether what is in flight has
//! been silent for longer than that law allows.

use super::{Micros, SECOND};
use std::collections::BTreeMap;

/// The spread is never believed to be narrower: a PSP that answered very evenly may still pause.
const SPREAD_MIN: f64 = 0.3;
/// So many answers are remembered.
const MEMORY: f64 = 500.0;
/// What remains possible however long it takes: no single call proves a stall.
const TAIL: f64 = 0.003;

/// The law of the logarithm of seconds.
#[derive(Debug, Clone)]
pub(super) struct Latency {
    mean: f64,
    variance: f64,
    answers: f64,
}

impl Latency {
    /// Before anything is known: 0.8 s, with a wide spread.
    pub fn unknown() -> Self {
        Self { mean: -0.223, variance: 0.36, answers: 20.0 }
    }

    pub fn learn(&mut self, took: Micros) {
        self.answers = (self.answers + 1.0).min(MEMORY);
        let weight = 1.0 / self.answers;
        let off = seconds(took).ln() - self.mean;
        self.mean += weight * off;
        self.variance += weight * (off * off - self.variance);
    }

    /// The law may have changed: the next answers weigh more. `longer` because one was waited for in vain.
    pub fn doubt(&mut self, longer: bool) {
        self.answers = self.answers.min(8.0);
        if longer {
            self.mean += 0.15;
        }
    }

    /// How long to wait for a probe: what one answer in a thousand takes, from 2 s to 8 s.
    pub fn patience(&self) -> Micros {
        let slowest = (self.mean + 3.1 * self.spread()).exp().clamp(2.0, 8.0);
        super::scaled(SECOND, slowest)
    }

    fn spread(&self) -> f64 {
        self.variance.sqrt().max(SPREAD_MIN)
    }

    /// How surprising the silence of a call of this age is: minus the logarithm of its probability.
    fn surprise(&self, age: Micros) -> f64 {
        let deviation = (seconds(age).ln() - self.mean) / self.spread();
        -((1.0 - TAIL) * upper_tail(deviation) + TAIL).ln()
    }
}

/// The calls that have not been answered yet.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight {
    /// By time of sending, so that the newest are found at once.
    calls: BTreeMap<(Micros, u64), ()>,
    /// When the newest call was sent that has been answered.
    newest_answered: Micros,
}

impl InFlight {
    pub fn sent(&mut self, call: u64, at: Micros) {
        self.calls.insert((at, call), ());
    }

    pub fn answered(&mut self, call: u64, sent_at: Micros, well: bool) {
        self.calls.remove(&(sent_at, call));
        if well {
            self.newest_answered = self.newest_answered.max(sent_at);
        }
    }

    /// How many calls are open that were sent since.
    pub fn since(&self, at: Micros) -> usize {
        self.calls.range((at, 0)..).count()
    }

    pub const fn newest_answered(&self) -> Micros {
        self.newest_answered
    }

    /// What was sent before this moment counts no more.
    pub fn forget_before(&mut self, at: Micros) {
        self.newest_answered = self.newest_answered.max(at);
    }

    /// Whether the PSP has gone silent: nothing that was sent after the newest answered call has been
    /// answered, and together they have been waiting for longer than its law allows. A timeout would tell
    /// the same, seconds later.
    pub fn is_stalled(&self, latency: &Latency, now: Micros, surprise: f64, age: Micros) -> bool {
        let (mut sum, mut old) = (0.0, 0);
        let after = (self.newest_answered.saturating_add(1), 0);
        for &(sent_at, _) in self.calls.range(after..).map(|(key, ())| key) {
            let waited = now - sent_at;
            if waited <= 0 {
                break;
            }
            sum += latency.surprise(waited);
            old += u32::from(age <= waited);
        }
        3 <= old && surprise <= sum
    }
}

fn seconds(micros: Micros) -> f64 {
    micros.max(1_000) as f64 / SECOND as f64
}

/// The probability that a standard normal variable exceeds `z` (Abramowitz and Stegun 26.2.17).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let polynomial = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let upper = (-0.5 * z * z).exp() * 0.398_942_280_4 * polynomial;
    if z < 0.0 { 1.0 - upper } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_the_normal_law_is_the_published_one() {
        for (z, expected) in [(0.0, 0.5), (1.0, 0.158_655), (2.0, 0.022_750), (-1.0, 0.841_345)] {
            assert!((upper_tail(z) - expected).abs() < 1e-6, "{z}");
        }
    }

    #[test]
    fn silence_is_a_stall_only_when_the_law_makes_it_unlikely() {
        let mut latency = Latency::unknown();
        (0..500).for_each(|_| latency.learn(700_000));
        let mut calls = InFlight::default();
        (0..40_u64).for_each(|call| calls.sent(call, i64::try_from(call).expect("small") * 50_000));
        let stalled = |calls: &InFlight, at| calls.is_stalled(&latency, at, 24.0, 1_500_000);
        assert!(!stalled(&calls, 1_400_000), "nobody has waited long");
        assert!(stalled(&calls, 2_100_000), "40 calls and not one answer");
        calls.answered(39, 39 * 50_000, true);
        assert!(!stalled(&calls, 2_100_000), "the newest was answered: slow, not silent");
    }
}
