//! Breakers over an order that is *told the truth*: the approval rates themselves.

use crate::peers::{Chooser, by_score};
use interlock::routing::health::{Micros, SECOND};
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 100 calls, half of them faults: open for 60 s; then ten calls are permitted and the rest is turned away
    /// until those ten were answered.
    Resilience4j,
    /// 5 faults in a row: ejected for 30 s times a number that grows by one with each ejection, to ten at most,
    /// and falls by one at each check that finds the host not ejected. Checks come every 10 s, and only they
    /// bring a host back.
    Envoy,
}

/// How many calls Resilience4j permits while half-open.
const PERMITTED: u32 = 10;
/// How often Envoy checks its hosts, and how often the ejection time is multiplied at most: to 300 s.
const CHECK_EVERY: Micros = 10 * SECOND;
const EJECTIONS_MAX: i64 = 10;

pub struct Breaker {
    kind: Kind,
    order: Vec<usize>,
    psps: Vec<Gate>,
    next_check_at: Micros,
}

#[derive(Debug, Clone, Default)]
struct Gate {
    faults: VecDeque<bool>,
    in_a_row: u32,
    ejections: i64,
    /// While half-open: calls that were sent, and those that were answered.
    permitted: u32,
    half_open: u32,
    open_until: Option<Micros>,
    trips: u32,
}

impl Breaker {
    pub fn new(rates: &[f64], kind: Kind) -> Self {
        let psps = vec![Gate::default(); rates.len()];
        Self { kind, order: by_score(rates), psps, next_check_at: CHECK_EVERY }
    }
}

impl Gate {
    fn is_avoided(&self, kind: Kind, now: Micros) -> bool {
        self.open_until.is_some_and(|until| match kind {
            Kind::Resilience4j => now < until || PERMITTED <= self.permitted,
            Kind::Envoy => true,
        })
    }

    fn open(&mut self, until: Micros) {
        self.open_until = Some(until);
        (self.permitted, self.half_open, self.in_a_row) = (0, 0, 0);
        self.faults.clear();
    }

    fn resilience4j(&mut self, sent_at: Micros, now: Micros, is_fault: bool) {
        if let Some(until) = self.open_until {
            if sent_at < until {
                return;
            }
            self.faults.push_back(is_fault);
            self.half_open += 1;
            if self.half_open == PERMITTED {
                let ill = 5 <= self.faults.iter().filter(|fault| **fault).count();
                self.open(now + 60 * SECOND);
                self.open_until = self.open_until.filter(|_| ill);
            }
            return;
        }
        self.faults.push_back(is_fault);
        if 100 < self.faults.len() {
            self.faults.pop_front();
        }
        let faults = self.faults.iter().filter(|fault| **fault).count();
        if self.faults.len() == 100 && 50 <= faults {
            self.open(now + 60 * SECOND);
            self.trips += 1;
        }
    }

    fn envoy(&mut self, now: Micros, is_fault: bool) {
        if self.open_until.is_some() {
            return;
        }
        self.in_a_row = if is_fault { self.in_a_row + 1 } else { 0 };
        if self.in_a_row == 5 {
            self.ejections = (self.ejections + 1).min(EJECTIONS_MAX);
            self.open(now + 30 * SECOND * self.ejections);
            self.trips += 1;
        }
    }

    fn check(&mut self, at: Micros) {
        match self.open_until {
            Some(until) if until <= at => self.open_until = None,
            Some(_) => {}
            None => self.ejections = (self.ejections - 1).max(0),
        }
    }
}

impl Chooser for Breaker {
    fn order(&mut self, now: Micros) -> Vec<usize> {
        let mut order = self.order.clone();
        order.sort_by_key(|psp| self.psps[*psp].is_avoided(self.kind, now));
        order
    }

    fn sent(&mut self, psp: usize, _: u64, now: Micros) {
        let gate = &mut self.psps[psp];
        if gate.open_until.is_some_and(|until| until <= now) {
            gate.permitted += 1;
        }
    }

    fn answered(&mut self, psp: usize, call: (u64, Micros), now: Micros, is_fault: bool) {
        match self.kind {
            Kind::Resilience4j => self.psps[psp].resilience4j(call.1, now, is_fault),
            Kind::Envoy => self.psps[psp].envoy(now, is_fault),
        }
    }

    fn decided(&mut self, _: usize, _: Micros, _: Micros, _: bool) {}

    fn look(&mut self, now: Micros) -> u32 {
        while self.kind == Kind::Envoy && self.next_check_at <= now {
            self.psps.iter_mut().for_each(|gate| gate.check(self.next_check_at));
            self.next_check_at += CHECK_EVERY;
        }
        self.psps.iter_mut().map(|gate| std::mem::take(&mut gate.trips)).sum()
    }
}
