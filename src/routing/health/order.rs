//! The order in which the PSPs are asked for one payment, and which payment looks whether an ill one is well again.
//!
//! A probe may be lost. A payment whose lost answer says that nothing has moved goes to the next PSP; for any
//! other it is the end. So money that leaves never tries a PSP that fails, and a deposit at a PSP that needs
//! nobody's answer to charge the payer does so only where nobody else works, or after long.

use super::approval::Approval;
use super::technical::Permit;
use super::{Bucket, BucketHealth, Health, Micros, Place, RATE_UNKNOWN, Standing, known_elsewhere};
use crate::domain::Direction;
use std::cmp::Ordering;

impl Health {
    /// At these PSPs a deposit whose answer is lost goes nowhere else.
    pub fn spare(&mut self, psps: impl IntoIterator<Item = String>) {
        self.spared.extend(psps);
    }

    /// The order in which to ask these PSPs for one payment, best first. `psps` are in the order of
    /// preference: equals keep it. Asking claims nothing: a probe is taken by [`Health::sent`].
    pub fn rank(&mut self, bucket: &Bucket, psps: &[&str], now: Micros) -> Vec<Place> {
        let mut places = Vec::with_capacity(psps.len());
        for (index, psp) in psps.iter().enumerate() {
            let permit = self.permit(psp, bucket.direction, now);
            places.push(self.place(bucket, (index, psp), permit, now));
        }
        // At most one probe a payment, and none when nobody else could take over.
        let someone_well = places.iter().any(|place| place.standing == Standing::Well);
        let mut probing = false;
        for place in &mut places {
            if place.standing == Standing::Probe {
                let psp = psps[place.psp];
                let failing = self.is_failing(psp, bucket.direction);
                let is_backup = someone_well && 0 < place.psp;
                let too_soon = is_backup && self.is_merely_overdue(psp, bucket.direction, now);
                let spared = failing && self.is_spared(bucket.direction, (psp, psps), now);
                if probing || too_soon || spared || !(someone_well || failing) {
                    place.standing = if failing { Standing::Failing } else { Standing::Demoted };
                }
                probing |= place.standing == Standing::Probe;
            }
        }
        places.sort_by(before);
        places
    }

    /// Whether a payment must not try this PSP, which fails: others work, or money leaves.
    fn is_spared(&self, direction: Direction, (psp, psps): (&str, &[&str]), now: Micros) -> bool {
        let others_work = || psps.iter().any(|other| !self.is_failing(other, direction));
        !self.may_risk(psp, direction, now) && (direction == Direction::Withdrawal || others_work())
    }

    /// Whether payments stay away from a PSP now while somebody else works.
    pub fn is_avoided(&self, psp: &str, direction: Direction, now: Micros) -> bool {
        match self.permit(psp, direction, now) {
            Permit::No => true,
            Permit::Probe => !self.may_risk(psp, direction, now),
            Permit::Yes | Permit::Share(_) => false,
        }
    }

    /// Whether a payment may try a PSP that fails, when it is time to.
    fn may_risk(&self, psp: &str, direction: Direction, now: Micros) -> bool {
        let known = self.technical.get(&(direction, psp.to_owned()));
        direction == Direction::Deposit
            && (!self.spared.contains(psp) || known.is_none_or(|known| known.may_risk(now)))
    }

    fn is_merely_overdue(&self, psp: &str, direction: Direction, now: Micros) -> bool {
        let known = self.technical.get(&(direction, psp.to_owned()));
        known.is_some_and(|technical| technical.is_merely_overdue(now))
    }

    fn place(
        &mut self,
        bucket: &Bucket,
        (index, psp): (usize, &str),
        permit: Permit,
        now: Micros,
    ) -> Place {
        let rules = self.rules.approval;
        let elsewhere = || known_elsewhere(&self.buckets, bucket.direction, psp);
        let known = self.buckets.get(bucket).is_some_and(|of| of.psps.contains_key(psp));
        let expected = if known { RATE_UNKNOWN } else { elsewhere() };
        let here = self.buckets.entry(bucket.clone()).or_insert_with(BucketHealth::new);
        let approval =
            here.psps.entry(psp.to_owned()).or_insert_with(|| Approval::new(rules, expected));
        let is_demoted = approval.is_demoted() && !here.is_blamed;
        let drawn = approval.draw(&mut self.dice);
        let standing = match permit {
            Permit::No => Standing::Failing,
            Permit::Probe => Standing::Probe,
            Permit::Share(share) if !self.dice.chance(share) => Standing::Doubtful,
            Permit::Yes | Permit::Share(_) if !is_demoted => Standing::Well,
            Permit::Yes | Permit::Share(_) if approval.probe_is_due(now) => Standing::Probe,
            Permit::Yes | Permit::Share(_) => Standing::Demoted,
        };
        // Among the demoted the level before the fall decides.
        let drawn = if standing == Standing::Demoted { approval.usual() } else { drawn };
        Place { psp: index, standing, drawn, expected: approval.counts().rate() }
    }
}

fn before(one: &Place, other: &Place) -> Ordering {
    one.standing
        .cmp(&other.standing)
        .then(other.drawn.total_cmp(&one.drawn))
        .then(one.psp.cmp(&other.psp))
}
