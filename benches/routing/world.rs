//! What happens: payments that arrive, PSPs that answer, and the faults they can have.

use interlock::routing::health::dice::Dice;

/// A fault of the best PSP, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Refused,
    BlackHole,
    All5xx,
    Half5xx,
    Brownout,
    Slow,
    Flapping,
    IssuerOutage,
    DelayedWebhooks,
}

impl Fault {
    pub const ALL: [Fault; 9] = [
        Fault::Refused,
        Fault::BlackHole,
        Fault::All5xx,
        Fault::Half5xx,
        Fault::Brownout,
        Fault::Slow,
        Fault::Flapping,
        Fault::IssuerOutage,
        Fault::DelayedWebhooks,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Fault::Refused => "refused",
            Fault::BlackHole => "black_hole",
            Fault::All5xx => "all_5xx",
            Fault::Half5xx => "half_5xx",
            Fault::Brownout => "brownout",
            Fault::Slow => "slow",
            Fault::Flapping => "flapping",
            Fault::IssuerOutage => "issuer_outage",
            Fault::DelayedWebhooks => "delayed_webhooks",
        }
    }

    /// Whether payments to the ill PSP are worse than to the others while it lasts.
    pub const fn costs(self) -> bool {
        !matches!(self, Fault::Slow | Fault::IssuerOutage | Fault::DelayedWebhooks)
    }
}

/// One geometry.
#[derive(Debug, Clone)]
pub struct World {
    /// Approval rates of the PSPs.
    pub rates: Vec<f64>,
    /// Payments a second.
    pub pace: f64,
    pub median_s: f64,
    pub spread: f64,
    pub base_faults: f64,
    pub warm_s: f64,
    pub fault_s: f64,
    pub after_s: f64,
    pub timeout_s: f64,
    pub delay_s: f64,
    pub brownout: f64,
    pub drifts: bool,
    pub has_days: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            rates: vec![0.88, 0.86, 0.80],
            pace: 20.0,
            median_s: 0.7,
            spread: 0.5,
            base_faults: 0.002,
            warm_s: 600.0,
            fault_s: 300.0,
            after_s: 600.0,
            timeout_s: 10.0,
            delay_s: 30.0,
            brownout: 0.35,
            drifts: false,
            has_days: false,
        }
    }
}

/// What comes of one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fate {
    /// When the call is answered, in seconds after it was sent; a fault of the PSP or an answer.
    pub answered_s: f64,
    pub is_fault: bool,
    /// When and how the payment ends, when it was no fault.
    pub decided_s: f64,
    pub approved: bool,
}

impl World {
    pub fn end_s(&self) -> f64 {
        self.warm_s + self.fault_s + self.after_s
    }

    pub fn best(&self) -> usize {
        let pairs = self.rates.iter().enumerate();
        pairs.max_by(|one, other| one.1.total_cmp(other.1)).map_or(0, |(index, _)| index)
    }

    /// The time to the next payment.
    pub fn gap_s(&self, at_s: f64, dice: &mut Dice) -> f64 {
        let day = if self.has_days {
            1.0 + 0.7 * (at_s / 1800.0 * std::f64::consts::TAU).sin()
        } else {
            1.0
        };
        dice.exponential(self.pace * day)
    }

    pub fn is_on(&self, fault: Option<Fault>, at_s: f64) -> bool {
        let since = at_s - self.warm_s;
        match fault {
            None => false,
            Some(_) if since < 0.0 || self.fault_s <= since => false,
            // Twenty seconds ill, twenty seconds well.
            Some(Fault::Flapping) => since.rem_euclid(40.0) < 20.0,
            Some(_) => true,
        }
    }

    /// The approval rate of a PSP without faults.
    fn healthy(&self, psp: usize, at_s: f64) -> f64 {
        let turn = at_s / 900.0 * std::f64::consts::TAU + psp as f64 * 2.1;
        let drift = if self.drifts { 0.03 * turn.sin() } else { 0.0 };
        (self.rates[psp] + drift).clamp(0.01, 0.99)
    }

    /// The probability that a payment there is approved, faults and all.
    pub fn rate(&self, psp: usize, fault: Option<Fault>, at_s: f64) -> f64 {
        let healthy = self.healthy(psp, at_s);
        let ill = psp == self.best() && self.is_on(fault, at_s);
        let rate = match fault {
            Some(Fault::Refused | Fault::BlackHole | Fault::All5xx | Fault::Flapping) if ill => 0.0,
            Some(Fault::Half5xx) if ill => 0.5 * healthy,
            Some(Fault::Brownout) if ill => self.brownout,
            Some(Fault::IssuerOutage) if self.is_on(fault, at_s) => 0.5 * healthy,
            _ => healthy,
        };
        rate * (1.0 - self.base_faults)
    }

    /// Draws what comes of a call; the draws are the same whatever the fault, so that runs compare.
    pub fn fate(&self, psp: usize, fault: Option<Fault>, at_s: f64, dice: &mut Dice) -> Fate {
        let mut answered_s = (self.median_s.ln() + self.spread * dice.normal()).exp();
        let (technical, coin, luck) = (dice.unit(), dice.unit(), dice.unit());
        let ill = psp == self.best() && self.is_on(fault, at_s);
        let mut is_fault = technical < self.base_faults;
        match fault {
            Some(Fault::BlackHole) if ill => (answered_s, is_fault) = (self.timeout_s, true),
            Some(Fault::All5xx | Fault::Flapping | Fault::Refused) if ill => is_fault = true,
            Some(Fault::Half5xx) if ill => is_fault |= coin < 0.5,
            Some(Fault::Slow) if ill => answered_s *= 4.0,
            _ => {}
        }
        let told_late = ill && fault == Some(Fault::DelayedWebhooks);
        let decided_s = answered_s + if told_late { self.delay_s } else { 0.0 };
        let share = match fault {
            Some(Fault::Half5xx) if ill => self.healthy(psp, at_s),
            _ => self.rate(psp, fault, at_s) / (1.0 - self.base_faults),
        };
        Fate { answered_s, is_fault, decided_s, approved: luck < share }
    }
}
