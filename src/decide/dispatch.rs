//! From a command to the function that decides it.

use super::command::{Answer, Command, Ctx};
use super::four_eyes::Draft;
use super::refusal::Refusal;
use super::{
    account, attempt, completion, deadline, deposit, idempotency, kyc, news, payin, player,
    returns, review, vendor, wallet, withdrawal,
};
use crate::book::{Book, Record};
use crate::domain::{Player, ProposalId};
use std::sync::Arc;
use uuid::Uuid;

/// Decides one command on the book.
///
/// On a refusal the book is as it was, but for the record of a refusal that burns its key.
pub fn decide(book: &mut Book, command: &Command, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let mut draft = book.clone();
    draft.record = Record::new(command.name(), book.key.clone(), ctx.now);
    if let Some(claim) = command.claim()
        && let Some(replay) = idempotency::known(&draft, claim)?
    {
        return Ok(replay);
    }
    if let Command::Propose { review, proposal, .. } = command
        && let Some(answer) = proposed_before(&draft, *review, ProposalId(*proposal))
    {
        return Ok(answer);
    }
    match route(&mut draft, command, ctx) {
        Ok(answer) => {
            if draft.record.player_changed {
                account::changed(&mut draft, ctx);
            }
            if let Some(claim) = command.claim() {
                idempotency::claim(&mut draft, claim, &answer, ctx.now);
            }
            close(&mut draft, book);
            Ok(answer)
        }
        Err(refusal) => {
            if let (true, Some(claim)) = (refusal.is_recorded(), command.claim()) {
                let mut kept = book.clone();
                kept.record = Record::new(command.name(), book.key.clone(), ctx.now);
                kept.record.refused = Some(refusal.code());
                idempotency::claim_refused(&mut kept, claim, ctx.now);
                close(&mut kept, book);
            }
            Err(refusal)
        }
    }
}

/// Commands by which somebody would use an account: there is nobody any more behind an erased one. News of
/// money is still taken, whoever it was.
const fn uses_an_account(command: &Command) -> bool {
    matches!(
        command,
        Command::PutPlayer(_)
            | Command::SetKyc(_)
            | Command::PutLimits { .. }
            | Command::ConfirmLimits
            | Command::WalletEntry { .. }
            | Command::StartDeposit(_)
            | Command::RequestWithdrawal(_)
            | Command::Propose { payment: None, .. }
    )
}

fn route(book: &mut Book, command: &Command, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    if uses_an_account(command) && book.player.as_ref().is_some_and(Player::is_erased) {
        return Err(Refusal::PlayerErased);
    }
    match command {
        Command::PutPlayer(put) => player::put(book, put, ctx),
        Command::SetKyc(set) => kyc::set(book, set, ctx),
        Command::PutLimits { wanted } => player::put_limits(book, wanted, ctx),
        Command::ConfirmLimits => player::confirm_limits(book, ctx),
        Command::ScreenAccount { version, checks } => {
            account::answered(book, *version, checks, ctx)
        }
        Command::WalletEntry { entry, .. } => wallet::enter(book, entry, ctx),
        Command::StartDeposit(start) => deposit::start(book, start, ctx),
        Command::RequestWithdrawal(request) => withdrawal::request(book, request, ctx),
        Command::AnswerNow { payment } => deposit::answer_now(book, *payment),
        Command::News(news) => news::apply(book, news, ctx),
        Command::NewsOrAsk { news, asked } => news::apply_or_ask(book, news, asked.as_ref(), ctx),
        Command::ReceivePayin(receive) => payin::receive(book, receive, ctx),
        Command::TakeAttempt { payment, attempt, known } => {
            attempt::take(book, (*payment, *attempt), known.as_deref(), ctx)
        }
        Command::TakePayout { payment, answers } => {
            withdrawal::take_payout(book, *payment, answers.as_deref(), ctx)
        }
        Command::WatchDeadline { payment, ended_at } => {
            deadline::watch(book, *payment, *ended_at, ctx)
        }
        Command::ContinueDeposit { payment, attempt, known } => {
            completion::hear(book, *payment, *attempt, known, ctx)
        }
        Command::Cancel { payment, by_player } => {
            if book.payment(*payment).is_some_and(|p| p.deposit_status().is_some()) {
                deposit::cancel(book, *payment, ctx)
            } else {
                withdrawal::cancel(book, *payment, *by_player, ctx)
            }
        }
        Command::OpenReturn(open) => returns::open(book, open, ctx),
        Command::VendorsSaid(said) => vendor::said(book, said, ctx),
        Command::Propose { review, payment, proposal, outcome, note, payload, person } => {
            let draft = Draft {
                id: ProposalId(*proposal),
                outcome: outcome.clone(),
                note: note.clone(),
                payload: payload.clone(),
                person: person.clone(),
            };
            review::propose(book, *review, *payment, draft, ctx)
        }
        Command::Approve { review, payment, proposal, person, known } => {
            let approval = (ProposalId(*proposal), person);
            review::approve(book, *review, *payment, approval, known.as_deref(), ctx)
        }
        Command::Refuse { review, payment, note, person } => {
            review::refuse(book, *review, *payment, note, person, ctx)
        }
    }
}

/// A request that is repeated at the same moment proposes nothing anew: that would void what it proposed.
fn proposed_before(book: &Book, review: Uuid, proposal: ProposalId) -> Option<Answer> {
    let review = book.reviews.get(&review)?;
    let proposal = Box::new(review.proposal(proposal)?.clone());
    Some(Answer::Review { review: Box::new(review.clone()), proposal: Some(proposal), paid: None })
}

/// The newest event of a payment shows it as the commit holds it: its first event, above all, with
/// the attempt that was opened after the event was made. Older events of the same command keep the
/// payment as it passed through.
fn complete_events(draft: &mut Book) {
    let payments = &draft.payments;
    for event in &mut draft.record.events {
        let now = payments.get(&event.payment.id.uuid);
        if let Some(now) = now.filter(|now| now.event_sequence == event.sequence) {
            event.payment = Arc::clone(now);
        }
    }
}

/// Keeps the draft. A command that changed nothing leaves no record: the same news twice is one.
fn close(draft: &mut Book, book: &mut Book) {
    complete_events(draft);
    let record =
        std::mem::replace(&mut draft.record, Record::new("none", book.key.clone(), book.record.at));
    let wrote_something = draft.dirty != book.dirty
        || !record.transitions.is_empty()
        || !record.entries.is_empty()
        || !record.events.is_empty()
        || !record.decisions.is_empty()
        || !record.incidents.is_empty()
        || !record.wires.is_empty()
        || !record.hold_moves.is_empty()
        || !record.late_answers.is_empty()
        || !record.payins.is_empty()
        || !record.addresses.is_empty()
        || !record.vendor_checks.is_empty()
        || !record.attestations.is_empty()
        || record.erasure.is_some()
        || record.player_changed
        || record.kyc_taken.is_some()
        || record.refused.is_some();
    if wrote_something {
        draft.records.push(Arc::new(record));
    }
    std::mem::swap(draft, book);
}
