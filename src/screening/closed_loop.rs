//! The closed loop: a withdrawal goes back to where the deposits came from, each source up to what it
//! paid in and did not get back; only what is beyond that goes on to an account of the player's own.
//!
//! **What always holds** of an [`Allocation`]. The shares add up to the withdrawal, to the minor unit.
//! Each lies within what a PSP pays there at once. No source gets more than its net deposit before every
//! source that can be paid has got its own. There are at most [`Terms::parts_max`] shares. Whatever
//! cannot be had without breaking one of these is offered with [`Trouble`]s, for people to decide.
//!
//! A source that cannot be paid does not stand in the way of the others. It matters when money would go
//! beyond: that money is still its own, so an approved exception must say that it may go elsewhere.
//!
//! The result hangs on the arguments alone: the same ones give the same shares.

/// In which order sources are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By the first deposit.
    #[default]
    OldestFirst,
    /// By the last deposit.
    NewestFirst,
    /// By what may go back.
    LargestFirst,
}

impl Order {
    pub const fn as_str(self) -> &'static str {
        match self {
            Order::OldestFirst => "oldest_first",
            Order::NewestFirst => "newest_first",
            Order::LargestFirst => "largest_first",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::OldestFirst, Self::NewestFirst, Self::LargestFirst]
            .into_iter()
            .find(|order| order.as_str() == text)
    }
}

/// How a market wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub order: Order,
    pub parts_max: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self { order: Order::default(), parts_max: 5 }
    }
}

/// Least and most of one payout, both included, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub least: i64,
    pub most: i64,
}

/// Why nobody can pay a source now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Its PSP never told who paid.
    Nameless,
    /// No PSP of the market pays such an instrument.
    NoProvider,
    /// Those that could are switched off.
    SwitchedOff,
    /// Those that could have carried as much today as was agreed.
    Capped,
    /// The last PSP that could pay it refused.
    Refused,
}

impl Obstacle {
    pub const ALL: [Obstacle; 5] = [
        Obstacle::Nameless,
        Obstacle::NoProvider,
        Obstacle::SwitchedOff,
        Obstacle::Capped,
        Obstacle::Refused,
    ];

    /// Stable, for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Obstacle::Nameless => "nameless",
            Obstacle::NoProvider => "no_provider",
            Obstacle::SwitchedOff => "switched_off",
            Obstacle::Capped => "capped",
            Obstacle::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|obstacle| obstacle.as_str() == text)
    }

    /// In the end of a plain sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Obstacle::Nameless => "its PSP did not tell who paid",
            Obstacle::NoProvider => "no PSP pays it",
            Obstacle::SwitchedOff => "the PSPs that pay it are switched off",
            Obstacle::Capped => "the PSPs that pay it have reached the day's cap",
            Obstacle::Refused => "its last payout was refused",
        }
    }
}

/// A source as the allocator sees it; the list's order is by the first deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// What it paid in and did not get back.
    pub net_minor: i64,
    /// Its place when the list is sorted by the last deposit; higher is newer.
    pub newness: usize,
    pub payout: Result<Bounds, Obstacle>,
    /// Two people approved that its money goes elsewhere.
    pub excepted: bool,
}

/// Where money goes that is beyond all net deposits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// One of the sources.
    Source(usize),
    /// An account that the casino named or that was paid before.
    Elsewhere(Bounds),
}

/// Where a share goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Source(usize),
    Elsewhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub place: Place,
    pub minor: i64,
}

/// Why people must decide about an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Money goes beyond while this source, which nobody can pay, has not got its own.
    NeedsException(usize, Obstacle),
    /// No split keeps the loop within the PSPs' bounds and the number of parts: this one pays as
    /// near to it as can be.
    OutsideLoop,
}

/// A withdrawal's shares, in the order of the sources, what goes elsewhere last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    pub shares: Vec<Share>,
    /// None: it may be paid.
    pub troubles: Vec<Trouble>,
}

impl Allocation {
    pub fn minor_to(&self, place: Place) -> i64 {
        self.shares.iter().filter(|share| share.place == place).map(|share| share.minor).sum()
    }
}

/// Sources that a split chooses from when it need not reach all of them.
const CONSIDERED_MAX: usize = 10;

/// Splits an amount. None: nobody can pay this amount to anything that is known.
pub fn allocate(
    minor: i64,
    candidates: &[Candidate],
    beyond: Option<Beyond>,
    terms: Terms,
) -> Option<Allocation> {
    let order = in_order(candidates, terms.order);
    let within = within_net(minor, candidates, &order, terms);
    if let Some(shares) = within {
        return Some(Allocation { shares: in_place(shares), troubles: Vec::new() });
    }
    if let Some(shares) = all_covered(minor, candidates, &order, beyond, terms) {
        return Some(Allocation {
            shares: in_place(shares),
            troubles: exceptions_needed(candidates),
        });
    }
    let shares = as_near_as_can_be(minor, candidates, &order, beyond, terms)?;
    let mut troubles = exceptions_needed(candidates);
    troubles.push(Trouble::OutsideLoop);
    Some(Allocation { shares: in_place(shares), troubles })
}

/// Which sources must have an exception before money may go beyond.
fn exceptions_needed(candidates: &[Candidate]) -> Vec<Trouble> {
    let stranded = candidates.iter().enumerate().filter_map(|(at, source)| {
        let obstacle = source.payout.err()?;
        let waits = 0 < source.net_minor && !source.excepted;
        waits.then_some(Trouble::NeedsException(at, obstacle))
    });
    stranded.collect()
}

/// The sources that have something to get and can be paid.
fn in_order(candidates: &[Candidate], order: Order) -> Vec<usize> {
    let payable = |at: &usize| candidates[*at].payout.is_ok() && 0 < candidates[*at].net_minor;
    let mut found: Vec<usize> = (0..candidates.len()).filter(payable).collect();
    match order {
        Order::OldestFirst => {}
        Order::NewestFirst => found.sort_by_key(|at| std::cmp::Reverse(candidates[*at].newness)),
        Order::LargestFirst => found.sort_by_key(|at| std::cmp::Reverse(candidates[*at].net_minor)),
    }
    found
}

/// A place that may get a share, or none, between two amounts.
#[derive(Debug, Clone, Copy)]
struct Slot {
    place: Place,
    least: i64,
    most: i64,
}

/// A split that gives nobody more than the net deposit.
fn within_net(
    minor: i64,
    candidates: &[Candidate],
    order: &[usize],
    terms: Terms,
) -> Option<Vec<Share>> {
    let slots = order.iter().filter_map(|at| {
        let Candidate { net_minor, payout, .. } = candidates[*at];
        slot(Place::Source(*at), payout.ok()?, net_minor)
    });
    let slots: Vec<Slot> = slots.take(CONSIDERED_MAX).collect();
    choose(minor, &slots, terms.parts_max)
}

fn slot(place: Place, bounds: Bounds, at_most: i64) -> Option<Slot> {
    let most = bounds.most.min(at_most);
    let least = bounds.least.max(1);
    (least <= most).then_some(Slot { place, least, most })
}

/// Of all subsets of the slots that can add up to the amount, the one that gives most to the first,
/// then to the second, and so on.
fn choose(minor: i64, slots: &[Slot], parts_max: usize) -> Option<Vec<Share>> {
    let mut best: Option<Vec<i64>> = None;
    for chosen in 1_u32..(1 << slots.len()) {
        let is_in = |at: usize| chosen & (1 << at) != 0;
        let parts = usize::try_from(chosen.count_ones()).unwrap_or(usize::MAX);
        if parts_max < parts {
            continue;
        }
        let mut amounts: Vec<i64> = Vec::with_capacity(slots.len());
        amounts.extend(slots.iter().enumerate().map(|(at, s)| if is_in(at) { s.least } else { 0 }));
        let mut rest = minor - amounts.iter().sum::<i64>();
        if rest < 0 {
            continue;
        }
        for (at, slot) in slots.iter().enumerate().filter(|(at, _)| is_in(*at)) {
            let more = rest.min(slot.most - slot.least);
            amounts[at] += more;
            rest -= more;
        }
        if rest == 0 && best.as_ref().is_none_or(|best| *best < amounts) {
            best = Some(amounts);
        }
    }
    let amounts = best?;
    let shares = slots.iter().zip(amounts).filter(|(_, minor)| 0 < *minor);
    Some(shares.map(|(slot, minor)| Share { place: slot.place, minor }).collect())
}

/// A split that gives every payable source its net deposit, and what is beyond where it is to go.
fn all_covered(
    minor: i64,
    candidates: &[Candidate],
    order: &[usize],
    beyond: Option<Beyond>,
    terms: Terms,
) -> Option<Vec<Share>> {
    let mut slots: Vec<Slot> = Vec::with_capacity(order.len() + 1);
    for at in order {
        // A net deposit below the least payout can only be paid with something beyond it.
        let Candidate { net_minor, payout, .. } = candidates[*at];
        let bounds = payout.ok()?;
        let least = net_minor.max(bounds.least);
        if bounds.most < least {
            return None;
        }
        slots.push(Slot { place: Place::Source(*at), least, most: bounds.most });
    }
    if terms.parts_max < slots.len() {
        return None;
    }
    let last = beyond_slot(candidates, order, beyond);
    let sum: i64 = slots.iter().map(|slot| slot.least).sum();
    let rest = minor - sum;
    if rest < 0 {
        return None;
    }
    let may_add = slots.len() < terms.parts_max;
    if let Some(last) = last.filter(|last| may_add && last.least <= rest) {
        slots.push(Slot { least: rest.min(last.most), ..last });
    }
    fill(minor, &slots, excess_order(&slots, candidates, beyond))
}

/// The place beyond the sources that still have something to get.
fn beyond_slot(candidates: &[Candidate], order: &[usize], beyond: Option<Beyond>) -> Option<Slot> {
    match beyond? {
        Beyond::Elsewhere(bounds) => slot(Place::Elsewhere, bounds, i64::MAX),
        Beyond::Source(at) if order.contains(&at) => None,
        Beyond::Source(at) => slot(Place::Source(at), candidates.get(at)?.payout.ok()?, i64::MAX),
    }
}

/// Who gets what is beyond, first the place that is meant for it, then the newest source.
fn excess_order(slots: &[Slot], candidates: &[Candidate], beyond: Option<Beyond>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..slots.len()).collect();
    order.sort_by_key(|at| match slots[*at].place {
        Place::Elsewhere => (0, 0),
        Place::Source(source) if beyond == Some(Beyond::Source(source)) => (0, 0),
        Place::Source(source) => (1, usize::MAX - candidates[source].newness),
    });
    order
}

/// Each slot its least, and the rest in the order given.
fn fill(minor: i64, slots: &[Slot], order: Vec<usize>) -> Option<Vec<Share>> {
    let mut amounts: Vec<i64> = slots.iter().map(|slot| slot.least).collect();
    let mut rest = minor - amounts.iter().sum::<i64>();
    for at in order {
        let more = rest.min(slots[at].most - amounts[at]);
        amounts[at] += more;
        rest -= more;
    }
    let shares = slots.iter().zip(amounts);
    let shares = shares.map(|(slot, minor)| Share { place: slot.place, minor }).collect();
    (rest == 0).then_some(shares)
}

/// The loop cannot be kept: sources get what they may, and the rest goes beyond; or else whatever the
/// PSPs can pay at all.
fn as_near_as_can_be(
    minor: i64,
    candidates: &[Candidate],
    order: &[usize],
    beyond: Option<Beyond>,
    terms: Terms,
) -> Option<Vec<Share>> {
    let slots = |within_net: bool| -> Vec<Slot> {
        let capped = |at: &usize| {
            let Candidate { net_minor, payout, .. } = candidates[*at];
            let is_beyond = beyond == Some(Beyond::Source(*at));
            let at_most = if within_net && !is_beyond { net_minor } else { i64::MAX };
            slot(Place::Source(*at), payout.ok()?, at_most)
        };
        let sources = order.iter().filter_map(capped).take(CONSIDERED_MAX);
        sources.chain(beyond_slot(candidates, order, beyond)).collect()
    };
    choose(minor, &slots(true), terms.parts_max)
        .or_else(|| choose(minor, &slots(false), terms.parts_max))
}

fn in_place(mut shares: Vec<Share>) -> Vec<Share> {
    shares.sort_by_key(|share| share.place);
    shares
}

#[cfg(test)]
#[path = "closed_loop_tests.rs"]
mod tests;
