//! One run: one contender through one fault.

use crate::peers::Chooser;
use crate::world::{Fault, World};
use interlock::routing::health::dice::Dice;
use interlock::routing::health::{Micros, SECOND};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Approvals lost in the fault and after it.
    pub lost: f64,
    /// Payments since the fault's end until it was recovered from.
    pub after: u32,
    /// What each payment since the fault's start lost, in order.
    pub each: Vec<f32>,
    pub detected_s: Option<f64>,
    pub recovered_s: Option<f64>,
    /// Regret and number of the payments of a run without fault, after half of the warm-up.
    pub calm_lost: f64,
    pub calm: f64,
    pub payments: f64,
    /// Technical trips outside the fault.
    pub false_trips: u32,
    /// Share of the payments that went to the best PSP, in steps of five seconds from the fault's start.
    pub share: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    Answered { is_fault: bool },
    Decided { approved: bool },
}

/// When, which call, at which PSP, sent when, and what.
type Waiting = (Micros, u64, usize, Micros, News);

struct Run<'a> {
    world: &'a World,
    fault: Option<Fault>,
    /// What each payment loses in the run of the same seed without the fault.
    calm: &'a [f32],
    waiting: BinaryHeap<Reverse<Waiting>>,
    outcome: Outcome,
    last: VecDeque<bool>,
    calls: u64,
}

/// One run; `calm` is what each payment lost in the run of the same seed without a fault.
pub fn run(
    world: &World,
    fault: Option<Fault>,
    calm: &[f32],
    chooser: &mut dyn Chooser,
    seed: u64,
) -> Outcome {
    let mut dice = Dice::new(seed);
    let mut run = Run {
        world,
        fault,
        calm,
        waiting: BinaryHeap::new(),
        outcome: Outcome::default(),
        last: VecDeque::new(),
        calls: 0,
    };
    let mut at_s = 0.0;
    loop {
        at_s += world.gap_s(at_s, &mut dice);
        if world.end_s() <= at_s {
            return run.outcome;
        }
        run.hear(chooser, micros(at_s));
        // Its own dice, so that one more draw by a contender does not change the next payment's fate.
        let mut fate = Dice::new(dice.bits());
        run.pay(chooser, at_s, &mut fate);
    }
}

fn micros(seconds: f64) -> Micros {
    (seconds * SECOND as f64) as Micros
}

impl Run<'_> {
    /// Tells what has come in until now.
    fn hear(&mut self, chooser: &mut dyn Chooser, now: Micros) {
        while let Some(Reverse((at, call, psp, sent_at, news))) = self.waiting.peek().copied() {
            if now < at {
                break;
            }
            self.waiting.pop();
            match news {
                News::Answered { is_fault } => chooser.answered(psp, (call, sent_at), at, is_fault),
                News::Decided { approved } => chooser.decided(psp, sent_at, at, approved),
            }
        }
        let trips = chooser.look(now);
        let in_fault = self.fault.is_some()
            && micros(self.world.warm_s) <= now
            && now < micros(self.world.warm_s + self.world.fault_s + 15.0);
        if !in_fault {
            self.outcome.false_trips += trips;
        }
    }

    fn pay(&mut self, chooser: &mut dyn Chooser, at_s: f64, dice: &mut Dice) {
        let now = micros(at_s);
        let ill = self.world.best();
        let refuses = self.fault == Some(Fault::Refused) && self.world.is_on(self.fault, at_s);
        let (mut first, mut asked) = (None, None);
        for psp in chooser.order(now) {
            first = first.or(Some(psp));
            self.calls += 1;
            chooser.sent(psp, self.calls, now);
            if refuses && psp == ill {
                // Surely not sent: the same payment goes on.
                chooser.answered(psp, (self.calls, now), now + 1_000, true);
                continue;
            }
            asked = Some(psp);
            break;
        }
        let got = asked.map_or(0.0, |psp| self.world.rate(psp, self.fault, at_s));
        self.score(at_s, got, first == Some(ill));
        let Some(psp) = asked else { return };
        let fate = self.world.fate(psp, self.fault, at_s, dice);
        let later = |seconds: f64| now + micros(seconds).max(1);
        let mut tell = |at, news| self.waiting.push(Reverse((at, self.calls, psp, now, news)));
        tell(later(fate.answered_s), News::Answered { is_fault: fate.is_fault });
        if !fate.is_fault {
            tell(later(fate.decided_s), News::Decided { approved: fate.approved });
        }
    }

    fn score(&mut self, at_s: f64, got: f64, went_there: bool) {
        let world = self.world;
        let rates = (0..world.rates.len()).map(|psp| world.rate(psp, self.fault, at_s));
        let lost = rates.fold(0.0, f64::max) - got;
        let out = &mut self.outcome;
        out.payments += 1.0;
        self.last.push_back(went_there);
        if 20 < self.last.len() {
            self.last.pop_front();
        }
        let there = self.last.iter().filter(|went| **went).count();
        let since = at_s - world.warm_s;
        if self.fault.is_none() && 0.5 * world.warm_s <= at_s {
            out.calm_lost += lost;
            out.calm += 1.0;
        }
        if since < 0.0 {
            return;
        }
        out.lost += lost;
        out.each.push(lost as f32);
        if since < world.fault_s && out.detected_s.is_none() && there <= 2 {
            out.detected_s = Some(since);
        }
        if world.fault_s <= since && out.recovered_s.is_none() {
            out.after += 1;
            let is_back = 14 <= there || (20 <= out.after && self.loses_no_more());
            self.outcome.recovered_s = is_back.then_some(since - world.fault_s);
        }
        let out = &mut self.outcome;
        let step = (since / 5.0) as usize;
        out.share.resize(out.share.len().max(step + 1), (0.0, 0.0));
        out.share[step].0 += f64::from(u8::from(went_there));
        out.share[step].1 += 1.0;
    }

    /// Whether the last twenty payments lose at most half a point each more than without the fault: then
    /// it makes no difference that they go elsewhere.
    fn loses_no_more(&self) -> bool {
        let each = &self.outcome.each;
        let last = each.len().saturating_sub(20)..each.len();
        let calm = self.calm.get(last.clone()).unwrap_or_default().iter().sum::<f32>();
        each[last].iter().sum::<f32>() <= calm + 0.1
    }
}
