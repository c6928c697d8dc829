//! The machine's clock was set back.

use super::{State, Technical};
use crate::routing::health::Micros;

impl Technical {
    /// Nothing that is remembered lies ahead: what would have to be waited for comes at once, and what is sent
    /// from now on counts.
    pub fn set_back(&mut self, now: Micros) {
        self.habit.set_back(now);
        self.in_flight.set_back(now);
        for at in [&mut self.trusted_at, &mut self.next_look_at] {
            *at = (*at).min(now);
        }
        match &mut self.state {
            State::Closed => {}
            State::Ramp { since, .. } => *since = (*since).min(now),
            State::Open(absence) => {
                let (first, last) = (&mut absence.since, &mut absence.late_at);
                for at in [first, last, &mut absence.next_at, &mut absence.watched] {
                    *at = (*at).min(now);
                }
                absence.well_since = absence.well_since.min(now);
            }
        }
    }
}
