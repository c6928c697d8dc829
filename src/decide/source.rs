//! Where a deposit's money came from, as its PSPs tell it bit by bit: so that it can be paid back there.

use super::command::Ctx;
use super::people;
use crate::book::Book;
use crate::domain::{AttemptId, Instrument};
use crate::screening::payer;
use psp_contract::{Outcome, PayerProof};
use uuid::Uuid;

/// Keeps what the report says besides its status: the PSP's id, who paid.
pub fn learn(book: &mut Book, id: Uuid, attempt_id: AttemptId, outcome: &Outcome, ctx: &Ctx<'_>) {
    let Outcome::Reported(report) = outcome else { return };
    let attempt = book.payments[&id].attempt(attempt_id).cloned();
    let Some(attempt) = attempt else { return };
    if attempt.psp_reference.is_none() && report.psp_reference.is_some() {
        book.attempt_mut(id, attempt_id).psp_reference.clone_from(&report.psp_reference);
    }
    if let Some(payer) = &report.payer {
        learn_source(book, id, (attempt_id, &attempt.psp), payer, ctx);
    }
}

/// Keeps who paid, so that the deposit can be paid back to the same source. What is heard before the
/// credit is screened with it; what contradicts the player's record afterwards is shown to people.
fn learn_source(
    book: &mut Book,
    id: Uuid,
    (attempt_id, psp): (AttemptId, &str),
    payer: &PayerProof,
    ctx: &Ctx<'_>,
) {
    let known = book.payments[&id].source.clone().unwrap_or_default();
    let source = with(&known, psp, payer);
    if source == known {
        return;
    }
    let contradicts =
        |of: &Instrument| book.player.as_ref().is_some_and(|player| payer::contradicts(of, player));
    let late = book.payments[&id].credited.is_some();
    if late && contradicts(&source) && !contradicts(&known) {
        let detail = "the PSP told after the credit that another person paid";
        people::raise(book, "deposit.payer_differs", id, Some(attempt_id), detail, ctx);
    }
    book.payment_mut(id).source = Some(source);
}

/// A source with what a PSP proves of it besides.
pub fn with(known: &Instrument, psp: &str, payer: &PayerProof) -> Instrument {
    let mut source = known.clone();
    source.portable = payer.portable.clone().or(source.portable);
    source.holder_name = payer.holder_name.clone().or(source.holder_name);
    source.tax_id = payer.tax_id.clone().or(source.tax_id);
    source.funding = payer.funding.or(source.funding);
    if let Some(token) = &payer.token {
        source.tokens.insert(psp.to_owned(), token.clone());
    }
    if let Some(masked) = &payer.masked {
        source.masked.clone_from(masked);
    }
    source
}
