//! When a player's personal data may go, and that it goes.
//!
//! It is kept for as long as the player's market asks, counted from the end of the relationship: from when
//! the account was closed, or money last moved, whichever was later. Who never moved money was in no
//! relationship that asks for keeping anything, and may go at once. Nobody goes while money is open, or
//! while an exclusion holds, since that could then be recognised no more.

use super::command::Ctx;
use super::refusal::Refusal;
use crate::book::{Book, Erasure, ErasureBasis, ErasureFacts};
use crate::domain::{Balance, Player, Timestamp};
use std::collections::BTreeMap;
use time::{Date, Duration, Month};
use uuid::Uuid;

/// How long the data of players is kept, by country of residence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention(pub BTreeMap<String, Term>);

/// How long one country asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    pub years: u16,
    /// The years begin with the end of the calendar year in which the relationship ended.
    pub from_year_end: bool,
}

impl Term {
    /// The first moment at which data may go whose relationship ended then. Days are those of UTC, and one
    /// more is waited for, so that it has passed in every zone.
    fn until(self, ended_at: Timestamp) -> Timestamp {
        let ended = ended_at.date();
        let years = i32::from(self.years);
        let first = if self.from_year_end {
            Date::from_calendar_date(ended.year() + 1 + years, Month::January, 1)
        } else {
            let same_day = ended.replace_year(ended.year() + years);
            // The 29th of February comes again on the 1st of March.
            same_day.or_else(|_| Date::from_calendar_date(ended.year() + years, Month::March, 1))
        };
        let first = first.unwrap_or(Date::MAX);
        first.checked_add(Duration::days(1)).unwrap_or(Date::MAX).midnight().assume_utc()
    }
}

/// Whether the data may go now, and why.
///
/// # Errors
/// With what stands against it, and what to do about that.
pub fn may_erase(
    player: &Player,
    facts: &ErasureFacts,
    retention: &Retention,
    now: Timestamp,
) -> Result<ErasureBasis, Refusal> {
    let refused = |why: String| Err(Refusal::ErasureRefused(why));
    if player.is_erased() {
        return Err(Refusal::PlayerErased);
    }
    if facts.money != 0 {
        return refused("the wallet is not empty: pay out what is in it, or settle it".to_owned());
    }
    if 0 < facts.open_payments {
        return refused("a payment is not over, or news of it may still come".to_owned());
    }
    if 0 < facts.open_cases {
        return refused("another review of this player is open: decide it first".to_owned());
    }
    // Also one that is still to begin.
    if player.exclusion.as_ref().is_some_and(|it| !it.is_over_at(now)) {
        return refused(
            "the player is excluded, which must be recognised until it ends".to_owned(),
        );
    }
    let Some(moved_at) = facts.last_moved_at else { return Ok(ErasureBasis::NeverMoved) };
    let Some(closed_at) = facts.closed_at else {
        return refused("the account is not closed: the time to keep it has not begun".to_owned());
    };
    let Some(term) = retention.0.get(&player.country) else {
        let country = &player.country;
        return refused(format!("nothing says how long {country} asks to keep it (`retention`)"));
    };
    let until = term.until(closed_at.max(moved_at));
    if now < until {
        return refused(format!("it is to be kept until {}", until.date()));
    }
    Ok(ErasureBasis::RetentionOver { until })
}

/// Empties the record, and leaves word of it. A worker takes out the rest.
pub fn erase(book: &mut Book, review: Uuid, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let facts = book.erasing.clone().ok_or(Refusal::NotFound)?;
    let moving = !book.dirty.payments.is_empty() || !book.dirty.wallets.is_empty();
    let holds = |it: &Balance| [it.cash, it.bonus, it.held, it.owed] != [0; 4];
    if moving || book.wallets.values().any(holds) {
        return Err(Refusal::ErasureRefused("money moves at this very moment".to_owned()));
    }
    let player = book.player.as_mut().ok_or(Refusal::PlayerUnknown)?;
    let basis = may_erase(player, &facts, &ctx.reviews.retention, ctx.now)?;
    player.erase();
    player.version += 1;
    player.updated_at = ctx.now;
    book.limits.clear();
    book.dirty.player = true;
    book.dirty.limits = true;
    book.record.player_changed = true;
    book.record.erasure = Some(Erasure { id: ctx.ids.next(), basis, review });
    Ok(())
}

#[cfg(test)]
#[path = "erasure_tests.rs"]
mod tests;
