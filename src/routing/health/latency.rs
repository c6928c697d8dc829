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
/// How likely it is that a PSP has become slow when it says nothing, and how much slower.
const SLOWED: f64 = 0.05;
const SLOWER: f64 = 4.0;
/// So many answers make a law; before that no silence is surprising.
const KNOWN: u32 = 10;
/// How far off, in the logarithm of seconds, the first guess of a law may be.
const GUESS: f64 = 1.0;

/// The law of the logarithm of seconds.
#[derive(Debug, Clone)]
pub(super) struct Latency {
    mean: f64,
    variance: f64,
    answers: f64,
    /// How many answers there ever were.
    heard: u32,
}

impl Latency {
    /// Before anything is known: 0.8 s, with a wide spread.
    pub fn unknown() -> Self {
        Self { mean: -0.223, variance: 0.36, answers: 1.0, heard: 0 }
    }

    pub fn learn(&mut self, took: Micros) {
        self.heard = self.heard.saturating_add(1);
        self.answers = (self.answers + 1.0).min(MEMORY);
        let weight = 1.0 / self.answers;
        let off = seconds(took).ln() - self.mean;
        self.mean += weight * off;
        self.variance += weight * (off * off - self.variance);
    }

    /// The law may have changed: the next answers weigh more.
    pub fn doubt(&mut self) {
        self.answers = self.answers.min(8.0);
    }

    /// How long to wait for a probe: what one answer in a thousand takes, from 2 s to 30 s.
    pub fn patience(&self) -> Micros {
        let slowest = (self.mean + 3.1 * self.spread()).exp().clamp(2.0, 30.0);
        super::scaled(SECOND, slowest)
    }

    /// Of the next answer: of the law, and of what is not known of it yet.
    fn spread(&self) -> f64 {
        (self.variance + GUESS / self.answers).sqrt().max(SPREAD_MIN)
    }

    /// How surprising the silence of a call of this age is: minus the logarithm of its probability, when
    /// answers take so many times longer than usual.
    fn surprise(&self, age: Micros, slower: f64) -> f64 {
        let deviation = (seconds(age).ln() - self.mean - slower.ln()) / self.spread();
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

    /// How many calls are open.
    pub fn open(&self) -> usize {
        self.calls.len()
    }

    /// When the oldest of them was sent.
    pub fn oldest_since(&self, at: Micros) -> Option<Micros> {
        self.calls.range((at, 0)..).next().map(|(&(sent_at, _), ())| sent_at)
    }

    pub const fn newest_answered(&self) -> Micros {
        self.newest_answered
    }

    /// The clock was set back to `now`. A call keeps the time by which its answer finds it.
    pub fn set_back(&mut self, now: Micros) {
        self.newest_answered = self.newest_answered.min(now);
    }

    /// What was sent before this moment counts no more.
    pub fn forget_before(&mut self, at: Micros) {
        self.newest_answered = self.newest_answered.max(at);
    }

    /// How surprising it is that nothing has been answered that was sent after the newest answered call:
    /// no surprise at all before three calls are as old as `age`. A timeout would tell the same, seconds
    /// later.
    pub fn silence(&self, latency: &Latency, now: Micros, age: Micros) -> Silence {
        let (mut usual, mut slowed, mut old) = (0.0, 0.0, 0);
        let after = (self.newest_answered.saturating_add(1), 0);
        for &(sent_at, _) in self.calls.range(after..).map(|(key, ())| key) {
            let waited = now - sent_at;
            if waited <= 0 {
                break;
            }
            usual += latency.surprise(waited, 1.0);
            slowed += latency.surprise(waited, SLOWER);
            old += u32::from(age <= waited);
        }
        // A PSP that never answered may be slow for all that is known; its timeouts will tell.
        if old < 3 || latency.heard < KNOWN {
            return Silence { usual: 0.0, slowed: 0.0 };
        }
        // Slow for all of them at once is likelier than each of them late by itself.
        let together = -((1.0 - SLOWED) * (-usual).exp() + SLOWED * (-slowed).exp()).ln();
        Silence { usual, slowed: together }
    }
}

/// Minus the logarithm of the probability of so long a silence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Silence {
    /// Of a PSP that is as quick as usual.
    pub usual: f64,
    /// Of one that may have become slower.
    pub slowed: f64,
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
        let stalled = |calls: &InFlight, at| 24.0 <= calls.silence(&latency, at, 1_500_000).usual;
        assert!(!stalled(&calls, 1_400_000), "nobody has waited long");
        assert!(stalled(&calls, 2_100_000), "40 calls and not one answer");
        calls.answered(39, 39 * 50_000, true);
        assert!(!stalled(&calls, 2_100_000), "the newest was answered: slow, not silent");
    }
}
