//! From a player's history to the shares of one withdrawal, and to what a decision keeps of them.
//!
//! A split is made before the lane, where it is known which PSPs pay what, and made again under the
//! player's lock with the history of that moment: two withdrawals at once cannot both have the same net
//! deposit. When that comes to other shares the request is screened anew.

use super::closed_loop::{
    Allocation, Beyond, Bounds, Candidate, Obstacle, Place, Terms, Trouble, allocate,
};
use super::exceptions::Exceptions;
use super::facts::{LoopFacts, LoopSource, Match};
use super::sources::{History, Source, is_same, sources};
use crate::domain::{Instrument, Timestamp};
use uuid::Uuid;

/// Everything that a split hangs on, besides the amount.
#[derive(Debug, Clone)]
pub struct Split {
    pub sources: Vec<KnownSource>,
    pub wanted: Wanted,
    pub terms: Terms,
    pub exceptions: Exceptions,
}

/// A source, and whether it can be paid.
#[derive(Debug, Clone)]
pub struct KnownSource {
    pub source: Source,
    pub payout: Result<Bounds, Obstacle>,
    /// By which two people approved that its money may go elsewhere.
    pub exception: Option<Uuid>,
}

/// Where whoever asks wants the money to go.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Back to where it came from; what is beyond goes to this place.
    Back { beyond: Option<Beyond>, elsewhere: Option<Instrument> },
    /// All of it there.
    Named {
        to: Instrument,
        /// It is known to be the player's own: elsewhere no exception lets money go.
        is_known: bool,
        /// By the name of its holder.
        whose: Match,
    },
}

impl Split {
    /// A source is paid as `payout` says, unless its own history forbids it.
    pub fn new(
        history: &History,
        terms: Terms,
        payout: impl Fn(&Source) -> Result<Bounds, Obstacle>,
    ) -> Self {
        let known = sources(history).into_iter().map(|source| KnownSource {
            payout: if source.refused { Err(Obstacle::Refused) } else { payout(&source) },
            exception: None,
            source,
        });
        let wanted = Wanted::Back { beyond: None, elsewhere: None };
        let exceptions = Exceptions::default();
        Self { sources: known.collect(), wanted, terms, exceptions }
    }

    /// The same with what people vouch for.
    pub fn except(&mut self, exceptions: Exceptions, now: Timestamp) {
        for known in &mut self.sources {
            known.exception = exceptions.covering(&known.source, now);
        }
        self.exceptions = exceptions;
    }

    /// What goes beyond goes to an account that the allocator was given as the player's own; a named one
    /// may be anybody's.
    const fn is_excepted(&self, known: &KnownSource) -> bool {
        let allowed = match self.wanted {
            Wanted::Back { .. } => true,
            Wanted::Named { is_known, .. } => is_known,
        };
        allowed && known.exception.is_some()
    }

    /// The shares. None: nobody can pay this amount to anything that is known, or a destination was
    /// named and there is nothing to share out.
    pub fn shares(&self, minor: i64) -> Option<Allocation> {
        let Wanted::Back { beyond, .. } = self.wanted else { return None };
        allocate(minor, &self.candidates(), beyond, self.terms)
    }

    fn candidates(&self) -> Vec<Candidate> {
        let newer = |at: &Source| {
            let older = |other: &&KnownSource| other.source.last_at < at.last_at;
            self.sources.iter().filter(older).count()
        };
        let candidate = |known: &KnownSource| Candidate {
            net_minor: known.source.net_minor(),
            newness: newer(&known.source),
            payout: known.payout,
            excepted: self.is_excepted(known),
        };
        self.sources.iter().map(candidate).collect()
    }

    /// The same split over another history, at another time: an exception may have ended, or not reach as
    /// far as what its source has by now. None: its sources are not the same ones any more, and
    /// whether the new ones can be paid is not known.
    ///
    /// To a named destination it makes no difference which PSP would pay a source, so there one that is
    /// new counts as payable.
    pub fn renewed(&self, history: &History, now: Timestamp) -> Option<Self> {
        let fresh = sources(history);
        let named = matches!(self.wanted, Wanted::Named { .. });
        if !named && fresh.len() != self.sources.len() {
            return None;
        }
        let mut renewed = Vec::with_capacity(fresh.len());
        for (at, source) in fresh.into_iter().enumerate() {
            let same = |known: &&KnownSource| {
                known.source.deposits.iter().any(|deposit| source.deposits.contains(deposit))
            };
            let known = match named {
                true => self.sources.iter().find(same),
                false => Some(self.sources.get(at).filter(same)?),
            };
            let anything = Bounds { least: 1, most: i64::MAX };
            let payout = match (source.refused, known.map(|known| known.payout)) {
                (true, _) => Err(Obstacle::Refused),
                // It was paid meanwhile: whether it can be again, the flow must find out.
                (false, Some(Err(Obstacle::Refused))) if !named => return None,
                (false, payout) => payout.unwrap_or(Ok(anything)),
            };
            let exception = self.exceptions.covering(&source, now);
            renewed.push(KnownSource { source, payout, exception });
        }
        Some(Self { sources: renewed, ..self.clone() })
    }

    /// What a decision keeps of a split.
    pub fn facts(&self, minor: i64) -> LoopFacts {
        let shares = self.shares(minor);
        let to_source = |at: usize, known: &KnownSource| match &self.wanted {
            Wanted::Back { .. } => {
                shares.as_ref().map_or(0, |shares| shares.minor_to(Place::Source(at)))
            }
            Wanted::Named { to, .. } if is_same(to, &known.source.instrument) => minor,
            Wanted::Named { to: named, .. } => {
                let of = named.source_deposit.filter(|of| known.source.deposits.contains(of));
                of.map_or(0, |_| minor)
            }
        };
        let source = |(at, known): (usize, &KnownSource)| LoopSource {
            kind: known.source.instrument.kind().to_owned(),
            deposited_minor: known.source.deposited_minor,
            paid_out_minor: known.source.paid_out_minor,
            share_minor: to_source(at, known),
            obstacle: known.payout.err(),
            is_excepted: self.is_excepted(known),
            exception: known.exception,
        };
        // A source that has got its own back, and gets nothing now, is of no consequence.
        let matters = |source: &LoopSource| {
            0 < source.share_minor || source.paid_out_minor < source.deposited_minor
        };
        let sources: Vec<LoopSource> =
            self.sources.iter().enumerate().map(source).filter(matters).collect();
        let shared: i64 = sources.iter().map(|source| source.share_minor).sum();
        let elsewhere = match &self.wanted {
            Wanted::Back { elsewhere, .. } => elsewhere.as_ref(),
            Wanted::Named { to, .. } => Some(to),
        };
        let kind = elsewhere.map_or("none", Instrument::kind).to_owned();
        let outside = |shares: &Allocation| shares.troubles.contains(&Trouble::OutsideLoop);
        LoopFacts {
            sources,
            elsewhere: (shared < minor).then_some((kind, minor - shared)),
            is_named: matches!(self.wanted, Wanted::Named { .. }),
            holder: match self.wanted {
                Wanted::Named { is_known: false, whose, .. } => Some(whose),
                _ => None,
            },
            is_outside: shares.as_ref().is_some_and(outside),
        }
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
