//! Seeded chance: the same seed gives the same choices for ever, so that a decision can be played again.

use std::f64::consts::TAU;

/// SplitMix64, and what is drawn from it. Not for secrets.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and 1, never either.
    pub fn unit(&mut self) -> f64 {
        const STEPS: f64 = 9_007_199_254_740_992.0;
        // 53 bits are what a float holds exactly.
        ((self.bits() >> 11) as f64 + 0.5) / STEPS
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
    }

    /// The time to the next event of a Poisson process.
    pub fn exponential(&mut self, rate: f64) -> f64 {
        -self.unit().ln() / rate
    }

    /// Of a Beta distribution, by two Gamma draws.
    pub fn beta(&mut self, successes: f64, failures: f64) -> f64 {
        let (yes, no) = (self.gamma(successes), self.gamma(failures));
        yes / (yes + no)
    }

    /// Marsaglia and Tsang's method; shapes below one by their boost.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.unit().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same() {
        let throw = |seed| {
            let mut dice = Dice::new(seed);
            [dice.unit(), dice.normal(), dice.beta(3.0, 0.4)]
        };
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
    }

    #[test]
    fn a_beta_draw_has_its_mean_and_its_spread() {
        let (mut dice, n) = (Dice::new(1), 40_000);
        for (a, b) in [(0.5, 0.5), (2.0, 8.0), (400.0, 100.0)] {
            let drawn: Vec<f64> = (0..n).map(|_| dice.beta(a, b)).collect();
            let mean = drawn.iter().sum::<f64>() / f64::from(n);
            let variance =
                drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(n);
            let expected = a * b / ((a + b) * (a + b) * (a + b + 1.0));
            assert!((mean - a / (a + b)).abs() < 0.01, "mean {mean} of {a}, {b}");
            assert!((variance / expected - 1.0).abs() < 0.05, "variance {variance} of {a}, {b}");
        }
    }
}
