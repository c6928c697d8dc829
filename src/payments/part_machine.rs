//! One part of a withdrawal: its share of the money, with a hold of its own.
//!
//! A part is `held` while nobody is paying it, `processing` while it has a live attempt. It goes
//! back to `held` between two tries and while a person decides. Its hold ends exactly once: captured
//! on the way to `paid`, or released. A payout that is proven after the release finds no hold any
//! more: the debit then takes what is available, and the rest is owed. So does one that is proven when the payment
//! that was known has come back.

use super::transition::IllegalTransition;
use crate::domain::PartStatus;
use PartStatus::{Held, Paid, Processing, Released, Returned};

const MACHINE: &str = "part";

/// Where a part may go from each status. It begins `held`.
pub const fn targets(from: PartStatus) -> &'static [PartStatus] {
    match from {
        Held => &[Processing, Released],
        Processing => &[Paid, Held, Released],
        Released => &[Paid],
        Paid => &[Returned],
        // Another payment of it stood all the while, and is proven late.
        Returned => &[Paid],
    }
}

/// One step.
///
/// # Errors
/// [`IllegalTransition`] when there is no such step; staying is no step either.
pub fn next(from: PartStatus, to: PartStatus) -> Result<PartStatus, IllegalTransition> {
    if targets(from).contains(&to) {
        Ok(to)
    } else {
        Err(IllegalTransition { machine: MACHINE, from: from.as_str(), to: to.as_str() })
    }
}

/// Whether its share of the player's cash is set aside.
pub const fn holds(status: PartStatus) -> bool {
    match status {
        Held | Processing => true,
        Paid | Released | Returned => false,
    }
}

/// Whether this step gives the held cash back to the player.
pub const fn releases_hold(from: PartStatus, to: PartStatus) -> bool {
    holds(from) && matches!(to, Released)
}

/// Whether this step captures the hold. A late payout of a released part does not: there is none.
pub const fn captures_hold(from: PartStatus, to: PartStatus) -> bool {
    holds(from) && matches!(to, Paid)
}

/// Whether nothing is due any more. A late payout or a bounce may follow.
pub const fn is_final(status: PartStatus) -> bool {
    !holds(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_ends_exactly_once_on_every_road() {
        // All roads from `held`, without turning back to it more than once.
        fn walk(at: PartStatus, ended: u32, depth: u32) {
            assert!(ended <= 1, "the hold ended twice on the way to {at}");
            assert_eq!(holds(at), ended == 0, "{at} after {ended} ends");
            if depth == 0 {
                return;
            }
            for to in targets(at) {
                let ends = releases_hold(at, *to) || captures_hold(at, *to);
                walk(*to, ended + u32::from(ends), depth - 1);
            }
        }
        walk(Held, 0, 8);
    }
}
