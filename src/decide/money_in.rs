//! Money arrives for a deposit: credited once, or suspended for two people.
//!
//! What is credited is the money that was asked for. Other money goes to suspense, once the PSP has
//! confirmed it, with two exceptions: a PSP whose requests cannot refuse an amount (a crypto
//! address) says so in its capabilities, and what arrives there is credited as it arrived; and what
//! only a webhook says is first asked about where the PSP can be asked.

use super::command::{Ctx, Source};
use super::deposit::{count_arrival, mark_source, recount_limit};
use super::kept::{self, OTHER_MONEY, keep};
use super::news::UNTOLD_CARD;
use super::people::{ask_people, awaits_vendor, close_reviews, raise};
use super::{dispute, psp_answers, returns, vendor};
use crate::book::{AskedPlace, Attempt, Book, ChainPlace, Payment};
use crate::domain::{
    AttemptId, AttemptStatus, DecisionId, DepositStatus, Method, Money, Origin, PaymentStatus,
    Reason,
};
use crate::ledger::templates;
use crate::screening::decision::{About, Decision};
use crate::screening::gather::{self, Setting};
use crate::screening::hooks::CheckFacts;
use crate::screening::movement::{Movement, UseState};
use crate::screening::signals::VendorResult;
use crate::screening::{Checkpoint, Outcome as Screened, engine, limits};
use psp_contract::NextAction;
use std::borrow::Cow;
use uuid::Uuid;

/// The money is in. It is credited once; what is not the money that was asked for, or comes twice,
/// or for a player who may not deposit any more, waits in suspense for two people.
pub fn succeed(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    money: Money,
    source: Source,
    ctx: &Ctx<'_>,
) {
    let payment = book.payments[&id].clone();
    let Some(attempt) = payment.attempt(attempt_id).cloned() else { return };
    if dispute::is_over(&payment, &attempt) {
        return dispute::told_again(book, id, &attempt, money, source, ctx);
    }
    if money != attempt.asked && source == PROVEN_WEBHOOK && can_be_asked(&attempt, ctx) {
        // Other money is believed when an inquiry confirms it. `news` makes one due at once.
        return keep(book, id, attempt_id, OTHER_MONEY);
    }
    if source == PROVEN_WEBHOOK && asks_of_card(book, &payment, ctx) && can_be_asked(&attempt, ctx)
    {
        // The rule of the market wants to know the card: the PSP says more when it is asked.
        return keep(book, id, attempt_id, UNTOLD_CARD);
    }
    let moved = book.move_attempt(id, attempt_id, AttemptStatus::Succeeded, source.as_str());
    if moved.is_err() {
        // The same success again is no news; any other contradiction is kept.
        if attempt.status != AttemptStatus::Succeeded {
            keep(book, id, attempt_id, "succeeded");
            dispute::tell_rest(book, id, &attempt, money, ctx);
        }
        return;
    }
    book.attempt_mut(id, attempt_id).was_accepted = true;
    if payment.received.is_some() {
        return second_success(book, id, &attempt, money, ctx);
    }
    book.payment_mut(id).received = Some(money);
    book.payment_mut(id).next_action = None;
    psp_answers::forget(book, id);
    let Some(creditable) = creditable(&payment, &attempt, money, ctx) else {
        return other_money(book, id, &attempt, money, ctx);
    };
    if creditable != payment.money {
        tell_difference(book, id, creditable, payment.money);
    }
    mark_source(book, id);
    // Decided while its movement says what is reserved for it; counted only then, whatever comes of it.
    let decision = decision_with(book, &book.payments[&id], creditable, Told::of(ctx), ctx);
    let was_let_in = has_room(book, id);
    count_arrival(book, id, creditable, ctx);
    recount_limit(book, id, creditable);
    let (outcome, waiting) = (decision.outcome(), vendor::waits(&decision, ctx));
    let reasons = decision.reasons().to_vec();
    // `deposit.post`: no credit without its decision. The player may be excluded by now, or over a
    // limit that was lowered meanwhile; a late success is screened like any other.
    book.record.decisions.push(decision);
    if let Some(waiting) = waiting {
        let stands = reasons.into_iter().filter(|found| stands_whatever_they_say(&found.code));
        let stands: Vec<Reason> = stands.collect();
        if was_let_in && stands.is_empty() {
            kept::keep_too(book, id, attempt_id, WAS_LET_IN);
        }
        book.payment_mut(id).reasons.extend(stands);
        let place = payment.next_action.as_ref().and_then(place_of);
        await_vendors(book, id, (&attempt.psp, money), (&waiting, place), ctx);
    } else if outcome == Screened::Approve {
        credit(book, id, &attempt.psp, creditable, ctx);
    } else {
        // Before its event is written: who reads the payment or the event learns why.
        book.payment_mut(id).reasons.extend(reasons);
        suspend(book, id, &attempt.psp, money, "deposit.not_creditable", ctx);
    }
}

/// Other money than was asked for, which people credit or send back. What else speaks against it they learn with it.
fn other_money(book: &mut Book, id: Uuid, attempt: &Attempt, money: Money, ctx: &Ctx<'_>) {
    mark_source(book, id);
    let message = "other money arrived than was asked for: people credit it, or send it back";
    tell_sums(book, id, Reason::new(OTHER_AMOUNT, message), (money, attempt.asked));
    let decision = decision_with(book, &book.payments[&id], money, Told::of(ctx), ctx);
    count_arrival(book, id, money, ctx);
    let found = decision.screening.hits().filter(|(hit, _)| {
        hit.effect != Screened::Approve && !vendor::asks_others(&decision, hit, ctx)
    });
    let found: Vec<Reason> = found.map(|(_, why)| why.clone()).collect();
    book.payment_mut(id).reasons.extend(found);
    book.record.decisions.push(decision);
    suspend(book, id, &attempt.psp, money, OTHER_AMOUNT, ctx);
}

const OTHER_AMOUNT: &str = "deposit.other_amount";

pub const PROVEN_WEBHOOK: Source = Source::Webhook { hint: false };

/// Whether the PSP can be asked about this deposit, so that no webhook need be believed alone.
fn can_be_asked(attempt: &Attempt, ctx: &Ctx<'_>) -> bool {
    let Some(capabilities) = ctx.psps.capabilities(&attempt.psp) else { return false };
    let inquiry = &capabilities.deposit_inquiry;
    let by_id = inquiry.by_psp_reference && attempt.psp_reference.is_some();
    (inquiry.by_our_reference || by_id) && !takes_any_amount(&attempt.psp, ctx)
}

/// Whether the market asks whose money a card spends, and nobody has told of this one.
fn asks_of_card(book: &Book, payment: &Payment, ctx: &Ctx<'_>) -> bool {
    let known = payment.source.as_ref().is_some_and(|source| source.funding.is_some());
    let Some(player) = book.player.as_ref().filter(|_| payment.method == Method::Card) else {
        return false;
    };
    let policy = ctx.policies.in_force(&player.country, ctx.now);
    let mut rules = policy.iter().flat_map(|policy| &policy.rules);
    !known && rules.any(|rule| !rule.only_records && rule.check.asks_of_card())
}

fn takes_any_amount(psp: &str, ctx: &Ctx<'_>) -> bool {
    let capabilities = ctx.psps.capabilities(psp);
    let deposit = capabilities.and_then(|capabilities| capabilities.deposit.as_ref());
    deposit.is_some_and(|deposit| deposit.any_amount)
}

/// What of the money that arrived is the wallet's, the fee being paid on top. None: it is not the
/// money that was asked for, and people decide.
fn creditable(payment: &Payment, attempt: &Attempt, money: Money, ctx: &Ctx<'_>) -> Option<Money> {
    if money == attempt.asked {
        return Some(payment.money);
    }
    let fits = money.currency == attempt.asked.currency && takes_any_amount(&attempt.psp, ctx);
    payment.less_fee(money).filter(|rest| fits && 0 < rest.minor)
}

/// Less or more came than was asked, and is credited all the same: who reads the payment or its event
/// must see that at a glance.
fn tell_difference(book: &mut Book, id: Uuid, came: Money, asked: Money) {
    let (code, message) = if came.minor < asked.minor {
        ("deposit.underpaid", "less arrived than was asked for: what arrived is credited")
    } else {
        ("deposit.overpaid", "more arrived than was asked for: what arrived is credited")
    };
    tell_sums(book, id, Reason::new(code, message), (came, asked));
}

fn tell_sums(book: &mut Book, id: Uuid, reason: Reason, (came, asked): (Money, Money)) {
    let (observed, threshold) = (Some(came.to_string()), Some(asked.to_string()));
    book.payment_mut(id).reasons.push(Reason { observed, threshold, ..reason });
}

/// What `deposit.post` says of this money, which may be another than the payment asked for, by what others said.
pub fn decision_with(
    book: &Book,
    payment: &Payment,
    money: Money,
    told: Told,
    ctx: &Ctx<'_>,
) -> Decision {
    decided(Checkpoint::DepositPost, book, (payment, money), told, ctx)
}

/// What was found of money when it came, over a limit or of a player whom nothing had let pay it in: nothing that
/// vendors say of the money mends it.
fn stands_whatever_they_say(code: &str) -> bool {
    code == limits::EXCEEDED
        || ["kyc.", "names.", "register.", "player.excluded"].iter().any(|of| code.starts_with(of))
}

/// What others say of a deposit or its player.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub checks: CheckFacts,
    pub vendors: Vec<VendorResult>,
    /// Registers and matchers were asked, though the money may be late.
    pub asked: bool,
}

impl Told {
    /// What whoever tells the news has asked about the player.
    fn of(ctx: &Ctx<'_>) -> Self {
        let checks = ctx.asked.cloned().unwrap_or_default();
        Self { asked: ctx.asked.is_some(), checks, vendors: Vec::new() }
    }
}

/// What one of the checkpoints of deposits says, over the rows that the lane holds.
pub fn decided(
    checkpoint: Checkpoint,
    book: &Book,
    (payment, money): (&Payment, Money),
    told: Told,
    ctx: &Ctx<'_>,
) -> Decision {
    let movements = movements_for(book, payment);
    let records = gather::Deposit {
        checkpoint,
        player: book.player.as_ref(),
        payment: Some(payment.id.uuid),
        origin: payment.origin,
        money,
        method: payment.method,
        limits: &book.limits,
        movements: &movements,
        background: &book.background,
        source: payment.source.as_ref(),
    };
    let mut facts = gather::deposit(&records, &Setting::new(ctx.policies, ctx.fx, ctx.now));
    (facts.checks, facts.vendors) = (told.checks, told.vendors);
    facts.asked = told.asked && facts.unasked && payment.origin != Origin::Unsolicited;
    let screening = engine::screen(ctx.policies, &facts);
    let about = About {
        id: DecisionId(ctx.ids.next()),
        payment: Some(payment.id),
        player: book.key.clone(),
    };
    Decision::new(about, facts, screening)
}

/// Kept of money that waits for vendors, of a deposit that was let go on to its PSP and against which nothing was found
/// besides when it came: what stands among its reasons is what people let go of before that.
const WAS_LET_IN: &str = "it was let in";

fn has_room(book: &Book, id: Uuid) -> bool {
    let mut own = book.movements.iter().filter(|found| found.payment == id);
    own.any(|own| own.state == UseState::Reserved)
}

/// The movements that a deposit is decided over. Money that waits for vendors was measured when it came, and
/// has its room since then; unless something was found of it that nothing they say mends.
fn movements_for<'a>(book: &'a Book, payment: &Payment) -> Cow<'a, [Movement]> {
    let is_own = |found: &&Movement| found.payment == payment.id.uuid;
    let is_counted = book.movements.iter().find(is_own).map(|own| own.state);
    let let_in = payment.attempts.iter().any(|it| kept::says(it, WAS_LET_IN))
        && awaits_vendor(book, payment.id.uuid);
    let stands =
        !let_in && payment.reasons.iter().any(|reason| stands_whatever_they_say(&reason.code));
    if is_counted != Some(UseState::Counted) || stands {
        return Cow::Borrowed(&book.movements);
    }
    let mut movements = book.movements.clone();
    // Of other money than was asked for only the asked sum was measured, and no more counts as reserved.
    for own in movements.iter_mut().filter(|found| found.payment == payment.id.uuid) {
        own.state = UseState::Reserved;
    }
    Cow::Owned(movements)
}

fn credit(book: &mut Book, id: Uuid, psp: &str, money: Money, ctx: &Ctx<'_>) {
    let fee = book.payments[&id].fee.map_or(0, |fee| fee.minor);
    book.post_covered(&templates::deposit_captured(psp, money, fee), id);
    book.payment_mut(id).credited = Some(money);
    settle(book, id, "the money is in", ctx);
}

/// What of suspended money would be the wallet's. The player's fee was paid on top, and waited with it. Where less came
/// than that, no fee is taken.
pub fn creditable_of(payment: &Payment, waited: Money) -> Money {
    let came = arrived_of(payment, waited);
    payment.less_fee(came).unwrap_or(came)
}

/// What of suspended money came by the first of two payments.
fn arrived_of(payment: &Payment, waited: Money) -> Money {
    let arrived = payment.received.filter(|it| it.currency == waited.currency);
    arrived.filter(|it| it.minor < waited.minor).unwrap_or(waited)
}

/// What waited in suspense is the wallet's: of two payments the first, and people decide about the rest.
pub fn credit_suspended(book: &mut Book, id: Uuid, waited: Money, cause: &str, ctx: &Ctx<'_>) {
    let came = arrived_of(&book.payments[&id], waited);
    let money = creditable_of(&book.payments[&id], waited);
    let rest = Money::new(waited.minor - came.minor, waited.currency);
    book.post_covered(&templates::suspense_credited(money, came.minor - money.minor), id);
    book.payment_mut(id).suspended = (0 < rest.minor).then_some(rest);
    book.payment_mut(id).credited = Some(money);
    recount_limit(book, id, money);
    settle(book, id, cause, ctx);
    if 0 < rest.minor {
        ask_people(book, id, None, "money_in", ctx);
    }
}

/// The deposit is done. Where the machine knows no such step (it cannot, if the states are right)
/// the money is booked all the same and people are told.
pub fn settle(book: &mut Book, id: Uuid, cause: &str, ctx: &Ctx<'_>) {
    let succeeded = PaymentStatus::Deposit(DepositStatus::Succeeded);
    if book.move_payment(id, succeeded, cause, ctx.ids).is_err() {
        raise(book, "deposit.status_conflict", id, None, "credited against its status", ctx);
    }
    close_reviews(book, id, ctx);
}

/// Money that must not reach the wallet waits in suspense for two people.
fn suspend(book: &mut Book, id: Uuid, psp: &str, money: Money, kind: &'static str, ctx: &Ctx<'_>) {
    book.post_covered(&templates::deposit_suspended(psp, money), id);
    book.payment_mut(id).suspended = Some(money);
    let in_review = PaymentStatus::Deposit(DepositStatus::InReview);
    if book.move_payment(id, in_review, kind, ctx.ids).is_err() {
        raise(book, "deposit.status_conflict", id, None, "suspended against its status", ctx);
    }
    raise(book, kind, id, None, "money arrived that cannot be credited as asked", ctx);
    ask_people(book, id, None, "money_in", ctx);
}

/// Money of which vendors are to say where it comes from waits in suspense for them, and goes on by
/// itself when they have.
pub fn await_vendors(
    book: &mut Book,
    id: Uuid,
    (psp, money): (&str, Money),
    (waiting, place): (&engine::Waiting, Option<ChainPlace>),
    ctx: &Ctx<'_>,
) {
    book.post_covered(&templates::deposit_suspended(psp, money), id);
    book.payment_mut(id).suspended = Some(money);
    let in_review = PaymentStatus::Deposit(DepositStatus::InReview);
    if book.move_payment(id, in_review, vendor::AWAITING_VENDOR, ctx.ids).is_err() {
        raise(book, "deposit.status_conflict", id, None, "suspended against its status", ctx);
    }
    let places = place.into_iter().map(|place| AskedPlace { place, money }).collect();
    vendor::open_checks(book, id, waiting, (places, 1), ctx);
    ask_people(book, id, None, vendor::AWAITING_VENDOR, ctx);
}

/// Where the payer was told to send coins.
fn place_of(action: &NextAction) -> Option<ChainPlace> {
    let NextAction::CryptoTransfer { address, network, asset, .. } = action else { return None };
    let (network, asset) = (network.clone(), asset.clone());
    Some(ChainPlace { network, asset, address: address.clone(), transaction: None })
}

/// Two PSPs were paid for one deposit: the player sees one credit, the second payment waits in
/// suspense and a return of it is opened.
fn second_success(book: &mut Book, id: Uuid, attempt: &Attempt, money: Money, ctx: &Ctx<'_>) {
    book.post_covered(&templates::deposit_suspended(&attempt.psp, money), id);
    if money != attempt.asked {
        kept::keep_came(book, id, attempt.id, money);
    }
    returns::change_suspended(book, id, money, ctx);
    let detail = "a second PSP was paid for one deposit";
    raise(book, "deposit.second_success", id, Some(attempt.id), detail, ctx);
    returns::open_of_second_success(book, id, attempt, money, ctx);
}
