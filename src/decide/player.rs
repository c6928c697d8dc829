//! The player's record and their own limits. Every change bumps the version, which voids each
//! screening that ran on an older one.

use super::command::{Answer, Ctx, PutPlayer};
use super::refusal::Refusal;
use crate::book::Book;
use crate::domain::{Money, Player};
use crate::screening::limit_terms::LimitTerms;
use crate::screening::limits::{self, Period};

/// Replaces the record. An exclusion ends only by its date, or by two people: one that is not over stays,
/// and another beside it can only make it longer.
pub fn put(book: &mut Book, put: &PutPlayer, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let mut player = put.player.clone();
    match &book.player {
        None => {
            player.version = 1;
            player.created_at = ctx.now;
        }
        Some(known) => {
            refuse_locked(known, &player)?;
            player.exclusion = match (player.exclusion.take(), known.exclusion.clone()) {
                (Some(told), Some(recorded)) if !recorded.is_over_at(ctx.now) => {
                    Some(told.beside(recorded))
                }
                (told, recorded) => told.or(recorded),
            };
            player.has_paid = known.has_paid;
            player.created_at = known.created_at;
            player.version = known.version;
            player.updated_at = known.updated_at;
            if player == *known {
                return Ok(Answer::Player(Box::new(player)));
            }
            player.version += 1;
        }
    }
    player.updated_at = ctx.now;
    book.player = Some(player.clone());
    book.dirty.player = true;
    book.record.player_changed = true;
    Ok(Answer::Player(Box::new(player)))
}

fn refuse_locked(known: &Player, wanted: &Player) -> Result<(), Refusal> {
    if !known.has_paid {
        return Ok(());
    }
    let changed = [
        ("country", known.country != wanted.country),
        ("date_of_birth", known.date_of_birth != wanted.date_of_birth),
        // A national id that was unknown may be added; one that is known stays.
        ("national_id", known.national_id.is_some() && known.national_id != wanted.national_id),
    ];
    match changed.into_iter().find(|(_, changed)| *changed) {
        Some((field, _)) => Err(Refusal::FieldLocked(field)),
        None => Ok(()),
    }
}

/// Replaces the player's limits: lower is at once, higher (or left out) waits and is confirmed.
pub fn put_limits(
    book: &mut Book,
    wanted: &[(Period, Money)],
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let next = limits::replace(&book.limits, wanted, terms(book, ctx)?, ctx.now)
        .map_err(|error| Refusal::LimitsInvalid(error.to_string()))?;
    keep_limits(book, next, ctx)
}

/// Confirms rises whose delay is over.
pub fn confirm_limits(book: &mut Book, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let next = limits::confirm(&book.limits, terms(book, ctx)?, ctx.now)
        .map_err(|error| Refusal::LimitsInvalid(error.to_string()))?;
    keep_limits(book, next, ctx)
}

/// The market of the player's residence says how limits work.
fn terms<'a>(book: &Book, ctx: &Ctx<'a>) -> Result<&'a LimitTerms, Refusal> {
    let player = book.player.as_ref().ok_or(Refusal::PlayerUnknown)?;
    let policy = ctx.policies.in_force(&player.country, ctx.now);
    Ok(ctx.policies.limit_terms(policy))
}

fn keep_limits(
    book: &mut Book,
    next: Vec<limits::Limit>,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let player = book.player.as_mut().ok_or(Refusal::PlayerUnknown)?;
    player.version += 1;
    player.updated_at = ctx.now;
    book.limits = next.clone();
    book.dirty.player = true;
    book.dirty.limits = true;
    book.record.player_changed = true;
    Ok(Answer::Limits(next))
}
