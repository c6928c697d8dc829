//! Money arrived that named no attempt: an open request of its address gets it, else it becomes a
//! deposit of its own, of origin `unsolicited`.
//!
//! Either way it passes `deposit.post` before the credit, and counts into the player's limits. What
//! may not be credited, and what is nobody's, waits in suspense for two people.

use super::command::{Answer, Ctx, News, ReceivePayin, Source};
use super::deposit::{mark_has_paid, movement};
use super::money_in::Told;
use super::people::{ask_people, raise};
use super::refusal::Refusal;
use super::{late_money, money_in, news, source, vendor};
use crate::book::{AskedPlace, Attempt, Book, BookedPayin, ChainPlace, PayinKey};
use crate::domain::{
    AttemptId, AttemptStatus, Currency, DepositStatus, Direction, Instrument, Money, PaymentId,
    PaymentStatus,
};
use crate::ledger::templates;
use crate::payments::deposit_machine;
use crate::screening::Outcome as Screened;
use crate::screening::movement::{Movement, UseState};
use psp_contract::{ChainTransfer, Outcome, Payin, Report, Status};
use rust_decimal::Decimal;

/// Books one arrival, once.
pub fn receive(book: &mut Book, receive: &ReceivePayin, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let key =
        PayinKey { psp: receive.psp.clone(), psp_reference: receive.payin.psp_reference.clone() };
    if book.payins.booked.contains_key(&key) {
        return Ok(Answer::Nothing);
    }
    if book.player.is_none() {
        return Err(Refusal::PlayerUnknown);
    }
    if !receive.checks.are_of(book) {
        return Err(Refusal::PlayerChanged);
    }
    let request = receive.request.and_then(|id| open_request(book, id, &receive.psp));
    if let Some((payment, attempt)) = request {
        fulfil(book, payment, attempt, receive, ctx)?;
    }
    let fulfilled = request.map(|(payment, _)| payment).filter(|payment| {
        book.payment(payment.uuid).is_some_and(|payment| payment.received.is_some())
    });
    let payment = match fulfilled {
        Some(payment) => payment,
        None => open(book, receive, ctx),
    };
    book.record.payment = Some(payment);
    let below_unit = below_unit(&receive.payin);
    if let Some((currency, fraction)) = below_unit {
        keep_below_unit(book, payment, (&receive.psp, currency), fraction);
    }
    book.record.payins.push(BookedPayin { key: key.clone(), payment, below_unit });
    book.payins.booked.insert(key, payment);
    Ok(Answer::Payment(book.payments[&payment.uuid].clone()))
}

/// What of an arrival is below the smallest unit that the books have, as a fraction of it.
pub fn below_unit(payin: &Payin) -> Option<(Currency, Decimal)> {
    let currency = payin.money.currency;
    let exact = payin.asset.as_ref().filter(|exact| exact.asset == currency.code())?;
    let exact = exact.amount.parse::<Decimal>().ok()?;
    let units = exact.checked_mul(Decimal::from(10_u64.pow(currency.exponent())))?;
    let fraction = units.checked_sub(Decimal::from(payin.money.minor))?;
    // More than a unit beside it would be other money than was told.
    (Decimal::ZERO < fraction && fraction < Decimal::ONE)
        .then_some((currency, fraction.normalize()))
}

/// It is the house's, and stays where it came to. Once it adds up to a whole unit, the books have that.
fn keep_below_unit(
    book: &mut Book,
    payment: PaymentId,
    (psp, currency): (&str, Currency),
    fraction: Decimal,
) {
    let before = book.payins.below_unit.get(&currency).copied().unwrap_or_default();
    let after = before + fraction;
    book.payins.below_unit.insert(currency, after);
    let whole = after.floor() - before.floor();
    if whole == Decimal::ONE {
        book.post_covered(&templates::rounding_kept(psp, Money::new(1, currency)), payment.uuid);
    }
}

/// The attempt of a deposit that still waits for its money at this PSP.
fn open_request(book: &Book, id: uuid::Uuid, psp: &str) -> Option<(PaymentId, AttemptId)> {
    let payment = book.payment(id).filter(|payment| payment.received.is_none())?;
    let known = |attempt: &Attempt| attempt.status != AttemptStatus::Prepared;
    let waits = |a: &&Attempt| a.psp == psp && a.status.is_live() && known(a);
    let attempt = payment.attempts.iter().find(waits)?;
    Some((payment.id, attempt.id))
}

fn fulfil(
    book: &mut Book,
    payment: PaymentId,
    attempt: AttemptId,
    receive: &ReceivePayin,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let report = Report {
        psp_reference: Some(receive.payin.psp_reference.clone()),
        status: Status::Succeeded { money: receive.payin.money },
        payer: receive.payin.payer.clone(),
        attempt: None,
    };
    let news = News {
        payment: payment.uuid,
        direction: Direction::Deposit,
        attempt,
        source: Source::Payin,
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    let asked = late_money::wants_answers(book, &news, ctx).then_some(&receive.checks.facts);
    news::apply(book, &news, &Ctx { asked, ..*ctx })?;
    if let Some(place) = place_of(receive) {
        for check in &mut book.record.vendor_checks {
            check.places = vec![AskedPlace { place: place.clone(), money: check.money }];
        }
    }
    Ok(())
}

fn open(book: &mut Book, receive: &ReceivePayin, ctx: &Ctx<'_>) -> PaymentId {
    let money = receive.payin.money;
    let mut payment = receive.payment.clone();
    payment.received = Some(money);
    let known = Instrument::default();
    let payer = receive.payin.payer.as_ref();
    payment.source = payer.map(|payer| source::with(&known, &receive.psp, payer));
    let told = Told { checks: receive.checks.facts.clone(), ..Told::default() };
    let decision = money_in::decision_with(book, &payment, money, told, ctx);
    let waiting = vendor::waits(&decision, ctx);
    let approved = waiting.is_none() && decision.outcome() == Screened::Approve;
    let status = if approved { DepositStatus::Succeeded } else { DepositStatus::InReview };
    payment.status = PaymentStatus::Deposit(
        deposit_machine::start(status, payment.origin).expect("unsolicited money may start so"),
    );
    payment.decision = decision.id;
    payment.reasons.clone_from(&decision.screening.reasons);
    book.record.decisions.push(decision);
    let id = payment.id;
    book.open_payment(payment, "money arrived without a request", ctx.ids);
    book.open_attempt(id.uuid, arrived(receive, ctx), "found at the PSP");
    let counted = movement(&book.payments[&id.uuid], UseState::Counted, ctx);
    book.put_movement(Movement { money, ..counted });
    mark_has_paid(book);
    if let Some(waiting) = waiting {
        let arrived = (receive.psp.as_str(), money);
        money_in::await_vendors(book, id.uuid, arrived, (&waiting, place_of(receive)), ctx);
    } else if approved {
        let posting = templates::deposit_captured(&receive.psp, money, 0);
        book.post_covered(&posting, id.uuid);
        book.payment_mut(id.uuid).credited = Some(money);
    } else {
        suspend(book, id, receive, ctx);
    }
    id
}

/// Where on its chain it arrived.
fn place_of(receive: &ReceivePayin) -> Option<ChainPlace> {
    let ChainTransfer { network, asset, address, hash } = receive.payin.chain.clone()?;
    Some(ChainPlace { network, asset, address, transaction: Some(hash) })
}

/// The attempt of money that nobody asked for: by its PSP id it can be sent back.
fn arrived(receive: &ReceivePayin, ctx: &Ctx<'_>) -> Attempt {
    Attempt {
        id: AttemptId(ctx.ids.next()),
        part: None,
        number: 1,
        psp: receive.psp.clone(),
        status: AttemptStatus::Succeeded,
        asked: receive.payin.money,
        error: None,
        psp_reference: Some(receive.payin.psp_reference.clone()),
        was_accepted: true,
        first_sent_at: receive.occurred_at.unwrap_or(ctx.now),
        ended_at: Some(ctx.now),
        lease: None,
        due_at: None,
        expires_at: None,
        inquiries: 0,
        last_inquiry_at: None,
        last_ledger_at: None,
        misses: 0,
        first_missed_at: None,
        last_missed_at: None,
        paged: false,
        cancel: None,
        completion: None,
        kept_news: None,
    }
}

fn suspend(book: &mut Book, id: PaymentId, receive: &ReceivePayin, ctx: &Ctx<'_>) {
    let money = receive.payin.money;
    book.post_covered(&templates::deposit_suspended(&receive.psp, money), id.uuid);
    book.payment_mut(id.uuid).suspended = Some(money);
    let (kind, detail) = if book.key.player.is_unclaimed() {
        ("deposit.unclaimed", "money arrived that belongs to no known player")
    } else {
        ("deposit.unsolicited", "money arrived without a request and may not be credited")
    };
    raise(book, kind, id.uuid, None, detail, ctx);
    ask_people(book, id.uuid, None, "money_in", ctx);
}
