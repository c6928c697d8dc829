//! What two people's approval does in a player's case: a wallet is corrected, something is vouched for, an
//! exclusion begins or ends, a locked field changes. Under the player's lock, in the commit of the approval.

use super::command::Ctx;
use super::refusal::Refusal;
use super::wallet::require_currency;
use super::{erasure, returns};
use crate::book::{Adjustment, Book, CasePayload, PlayerFields, Review};
use crate::domain::{Currency, Exclusion, Money, Player, Timestamp};
use crate::ledger::templates::{self, Debit};
use crate::screening::attestation::{Attestation, AttestationKind, AttestationTerms, name_sha256};
use uuid::Uuid;

/// What is proposed, with what only the record can say of it: which exclusion is to end, and of which name an
/// exception is said.
pub fn completed(payload: Option<CasePayload>, player: Option<&Player>) -> Option<CasePayload> {
    match payload {
        Some(CasePayload::ExclusionEnd(_)) => {
            let stands = player.and_then(|player| player.exclusion.clone());
            Some(CasePayload::ExclusionEnd(stands))
        }
        Some(CasePayload::Attestation(terms, _)) => {
            let excepts = terms.kind == AttestationKind::NameException;
            let named = player.filter(|_| excepts).map(name_sha256);
            Some(CasePayload::Attestation(terms, named))
        }
        payload => payload,
    }
}

/// Refuses a proposal that could never be carried out.
pub fn check(
    review: &Review,
    payload: Option<&CasePayload>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(payload) = payload else {
        return Err(Refusal::ReviewConflict("the proposal does not say what is to be done"));
    };
    if !payload.fits(&review.kind) {
        return Err(Refusal::ReviewConflict("this is not what the review is about"));
    }
    match payload {
        CasePayload::Attestation(terms, _) if terms.valid_until.is_some_and(|it| it <= now) => {
            Err(Refusal::ReviewConflict("the attestation would be over before it began"))
        }
        CasePayload::PlayerFields(fields) if *fields == PlayerFields::default() => {
            Err(Refusal::ReviewConflict("name a field that is to change"))
        }
        _ => Ok(()),
    }
}

/// As [`check`], with what only the player's book can say: a credit opens no wallet that the market does not allow.
pub fn check_in(
    book: &Book,
    review: &Review,
    payload: Option<&CasePayload>,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    check(review, payload, ctx.now)?;
    let credited = payload.and_then(credits);
    credited.map_or(Ok(()), |currency| require_currency(book, currency, ctx))
}

/// The currency that it would put into the wallet.
pub const fn credits(payload: &CasePayload) -> Option<Currency> {
    match payload {
        CasePayload::Adjustment { entry: Adjustment::Credit, money } => Some(money.currency),
        _ => None,
    }
}

/// Does what was approved.
pub fn carry_out(
    book: &mut Book,
    review: Uuid,
    payload: &CasePayload,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    if let Some(currency) = credits(payload) {
        // Since it was proposed the policy may have changed, or the player's country.
        require_currency(book, currency, ctx)?;
    }
    match payload {
        CasePayload::Adjustment { entry, money } => adjust(book, review, *entry, *money, ctx),
        CasePayload::Attestation(terms, named) => {
            let now = book.player.as_ref().map(name_sha256);
            // Whoever proposed it looked at a name. By now the casino may have put another one there, which
            // nobody has compared with the entry.
            if terms.kind == AttestationKind::NameException && (named.is_none() || *named != now) {
                return Err(Refusal::ReviewConflict(
                    "the player's name is not the one that was excepted: look at it and propose again",
                ));
            }
            attest(book, review, terms, ctx);
            Ok(())
        }
        CasePayload::ExclusionEnd(which) => change(book, ctx, |player| {
            let exclusion = player.exclusion.take().filter(|it| it.holds_at(ctx.now));
            let over = Refusal::ReviewConflict("the player is not excluded any more");
            let exclusion = exclusion.ok_or(over)?;
            if !which.as_ref().is_some_and(|which| is_same(which, &exclusion)) {
                return Err(Refusal::ReviewConflict(
                    "the player's exclusion is not the one that was to end: look at it and propose again",
                ));
            }
            player.exclusion = Some(Exclusion { until: Some(ctx.now), ..exclusion });
            Ok(())
        }),
        CasePayload::Exclusion => change(book, ctx, |player| {
            let endless = |it: &Exclusion| it.holds_at(ctx.now) && it.until.is_none();
            if player.exclusion.as_ref().is_some_and(endless) {
                return Err(Refusal::ReviewConflict("the player is excluded without end already"));
            }
            // The source is shown to the casino, and by it to the player: it must not tell of a list.
            let source = "house".to_owned();
            player.exclusion = Some(Exclusion { source, from: ctx.now, until: None });
            Ok(())
        }),
        CasePayload::Erasure => erasure::erase(book, review, ctx),
        CasePayload::PlayerFields(fields) => change(book, ctx, |player| {
            let before = player.clone();
            if let Some(country) = &fields.country {
                player.country.clone_from(country);
            }
            if let Some(day) = fields.date_of_birth {
                player.date_of_birth = day;
            }
            if let Some(id) = &fields.national_id {
                player.national_id = Some(id.clone());
            }
            if *player == before {
                return Err(Refusal::ReviewConflict("the record says so already"));
            }
            Ok(())
        }),
    }
}

/// To the second, which is what a proposal keeps of a time.
fn is_same(one: &Exclusion, other: &Exclusion) -> bool {
    let parts = |it: &Exclusion| {
        (it.from.unix_timestamp(), it.until.map(Timestamp::unix_timestamp), it.source.clone())
    };
    parts(one) == parts(other)
}

fn adjust(
    book: &mut Book,
    review: Uuid,
    entry: Adjustment,
    money: Money,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let wallet = book.wallet(money.currency);
    let (posting, available) = match entry {
        Adjustment::Credit => (templates::adjustment_credited(money), wallet.cash),
        Adjustment::Debit => (templates::adjustment_debited(money), wallet.cash),
        Adjustment::WriteOff => (templates::debt_written_off(money), wallet.owed),
        Adjustment::TakenBack => {
            let debit = Debit::of(money.minor, wallet.cash);
            if 0 < debit.owed {
                returns::hold_back_withdrawals(book, ctx);
            }
            (templates::adjustment_taken_back(money.currency, debit), wallet.cash)
        }
    };
    let reference = format!("rev_{}", review.simple());
    let available = Money::new(available, money.currency);
    book.post(&posting, None, Some(reference)).map_err(|_| Refusal::InsufficientFunds { available })
}

fn attest(book: &mut Book, review: Uuid, terms: &AttestationTerms, ctx: &Ctx<'_>) {
    let (terms, given_at) = (terms.clone(), ctx.now);
    let made = Attestation { id: ctx.ids.next(), terms, given_at, review };
    // What comes after it in this batch is screened with it.
    book.background.attestations.push(made.clone());
    book.record.attestations.push(made);
    // A screening that ran without it is void.
    if let Some(player) = &mut book.player {
        player.version += 1;
        player.updated_at = ctx.now;
        book.dirty.player = true;
        book.record.player_changed = true;
    }
}

/// A change of the record is a new version of it.
fn change(
    book: &mut Book,
    ctx: &Ctx<'_>,
    edit: impl FnOnce(&mut Player) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let player = book.player.as_mut().ok_or(Refusal::PlayerUnknown)?;
    edit(player)?;
    player.version += 1;
    player.updated_at = ctx.now;
    book.dirty.player = true;
    book.record.player_changed = true;
    Ok(())
}
