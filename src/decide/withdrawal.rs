//! A withdrawal begins, is sent, and is cancelled.

use super::attempt::open_next;
use super::command::{Answer, Ctx, KnownBeforePayout, RequestWithdrawal, VendorsSaid};
use super::deposit::{mark_has_paid, reference_is_free};
use super::people::{ask_people, close_reviews, is_under_hold, let_go, let_go_at, review_kind};
use super::refusal::Refusal;
use super::{closed_loop, deadline, late_payout, payout, returns, vendor};
use crate::book::{AskedPlace, Book, ChainPlace, Part, Payment};
use crate::domain::{
    AttemptId, DecisionId, Direction, Instrument, Method, Money, PartStatus, PaymentStatus, Reason,
    WithdrawalStatus,
};
use crate::ledger::templates;
use crate::payments::withdrawal_machine;
use crate::screening::decision::{About, Decision};
use crate::screening::facts::LoopFacts;
use crate::screening::gather::{self, Locked, Setting, Withdrawal};
use crate::screening::hooks::CheckFacts;
use crate::screening::signals::{Hook, VendorResult};
use crate::screening::{Checkpoint, Outcome, RuleResult, background, engine};
use psp_contract::Portable;
use uuid::Uuid;

/// Opens a withdrawal: the hold, the decision and the payment are one commit. What the wallet does
/// not cover is refused, and the refusal is recorded.
pub fn request(
    book: &mut Book,
    request: &RequestWithdrawal,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let player = book.player.as_ref().ok_or(Refusal::PlayerUnknown)?;
    if player.version != request.screening.player_version {
        return Err(Refusal::PlayerChanged);
    }
    reference_is_free(book, &request.payment)?;
    let mut decision = request.screening.decision.clone();
    let owed = book.debts(request.payment.currency());
    decision.facts.closed_loop = Some(closed_loop::recount(book, request, ctx.now)?);
    let setting = Setting::new(ctx.policies, ctx.fx, ctx.now);
    let ends = background::ends(&book.key.operator, instruments(&request.payment));
    let locked = Locked {
        limits: &book.limits,
        owed: &owed,
        movements: &book.movements,
        background: &book.background,
        ends: &ends,
    };
    gather::count_withdrawal(&mut decision.facts, None, &locked, &setting);
    decision.screening = engine::recount(ctx.policies, &decision.facts, &decision.screening);
    let mut payment = request.payment.clone();
    let waiting = vendor::waits(&decision, ctx);
    if waiting.is_none() {
        payment.reasons = decision.shown();
    }
    let status = match decision.outcome() {
        _ if waiting.is_some() => WithdrawalStatus::Screening,
        Outcome::Approve => WithdrawalStatus::Approved,
        Outcome::Review | Outcome::Hold => WithdrawalStatus::InReview,
        Outcome::Deny => WithdrawalStatus::Blocked,
    };
    let review = review_kind(Direction::Withdrawal, decision.outcome());
    payment.status = PaymentStatus::Withdrawal(
        withdrawal_machine::start(status, payment.origin).expect("a withdrawal may start so"),
    );
    if status == WithdrawalStatus::Approved {
        payment.due_at = Some(ctx.now);
    }
    let (id, money) = (payment.id.uuid, payment.money);
    if status == WithdrawalStatus::Blocked {
        for part in &mut payment.parts {
            part.held_minor = 0;
            part.status = PartStatus::Released;
        }
    } else {
        hold(book, id, money)?;
    }
    book.open_payment(payment, decision.outcome().as_str(), ctx.ids);
    if status != WithdrawalStatus::Blocked {
        deadline::open(book, id, &decision, ctx);
    }
    book.record.decisions.push(decision);
    mark_has_paid(book);
    if let Some(waiting) = waiting {
        let places = destinations(&book.payments[&id]);
        vendor::open_checks(book, id, &waiting, (places, 1), ctx);
        if waiting.otherwise == Outcome::Hold {
            // Whatever the vendors say, it is held: nobody calls it back meanwhile.
            ask_people(book, id, None, vendor::AWAITING_VENDOR, ctx);
        }
    }
    if status == WithdrawalStatus::InReview {
        ask_people(book, id, None, review, ctx);
    }
    Ok(Answer::Payment(book.payments[&id].clone()))
}

/// The addresses on chains that it goes to, each once with what goes there; an account beside them is nothing to
/// ask about. None at all where the PSP alone knows one of the addresses: what nobody can be asked about is not
/// passed over.
pub(super) fn destinations(payment: &Payment) -> Vec<AskedPlace> {
    let mut places: Vec<AskedPlace> = Vec::new();
    for part in &payment.parts {
        let Some(place) = place(part) else {
            if payment.method_of(Some(part.id)) == Method::Crypto {
                return Vec::new();
            }
            continue;
        };
        match places.iter_mut().find(|asked| asked.place == place) {
            Some(asked) => asked.money.minor += part.money.minor,
            None => places.push(AskedPlace { place, money: part.money }),
        }
    }
    places
}

fn place(part: &Part) -> Option<ChainPlace> {
    match part.instrument.portable.clone()? {
        Portable::CryptoAddress { network, asset, address, .. } => {
            Some(ChainPlace { network, asset, address, transaction: None })
        }
        _ => None,
    }
}

/// Where a withdrawal goes.
pub fn instruments(payment: &Payment) -> impl Iterator<Item = &Instrument> {
    payment.parts.iter().map(|part| &part.instrument)
}

/// What a request says with what vendors said.
pub fn decision_with(
    book: &Book,
    payment: &Payment,
    said: &VendorsSaid,
    ctx: &Ctx<'_>,
) -> Decision {
    let known = (said.results.clone(), said.closed_loop.as_ref(), said.checks.facts.clone());
    decided(Checkpoint::WithdrawalRequest, book, payment, known, ctx)
}

/// Reserves cash, or says what there is.
pub fn hold(book: &mut Book, id: Uuid, money: Money) -> Result<(), Refusal> {
    let available = Money::new(book.wallet(money.currency).cash, money.currency);
    book.post(&templates::withdrawal_held(money), Some(id), None)
        .map_err(|_| Refusal::InsufficientFunds { available })
}

/// An approved withdrawal is sent: each part's first attempt goes in flight, leased to this
/// instance, after one more look at the player (`withdrawal.pre_payout`).
///
/// `answers`: what vendors said of it last, and what is said of its player by now: the decision that approved it
/// may be days old. Where the policy wants to know and the caller brings none, or of a record that has changed, the
/// caller is told to bring them, and nothing has changed.
pub fn take_payout(
    book: &mut Book,
    id: Uuid,
    answers: Option<&KnownBeforePayout>,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let payment = book.payment(id).ok_or(Refusal::NotFound)?;
    let due = payment.due_at.is_some_and(|due| due <= ctx.now);
    if payment.status != PaymentStatus::Withdrawal(WithdrawalStatus::Approved) || !due {
        return Ok(Answer::Nothing);
    }
    if late_payout::a_held_part_may_be_paid(book, id) {
        book.record.payment = Some(payment.id);
        late_payout::hold_back(book, id, ctx);
        return Ok(Answer::Nothing);
    }
    if returns::may_be_let_go(book, id).is_err() {
        book.record.payment = Some(payment.id);
        let cause = "its deposit's money is not there any more, or more would go back than arrived";
        returns::hold_back(book, id, cause, "return", ctx);
        return Ok(Answer::Nothing);
    }
    let answers = answers.filter(|answers| answers.checks.are_of(book));
    let known = answers.cloned().unwrap_or_default();
    let decision = pre_payout(book, id, (known.standing.results.clone(), known.checks.facts), ctx);
    let waiting = vendor::waits(&decision, ctx);
    let asks = waiting.is_some() || engine::asks(ctx.policies, &decision.facts);
    if asks && answers.is_none() {
        return Ok(Answer::AnswersWanted(book.payments[&id].clone()));
    }
    if let Some(waiting) = waiting {
        return Ok(vendor::ask_again(book, decision, (&waiting, &known.standing), ctx));
    }
    book.record.payment = Some(book.payments[&id].id);
    if decision.outcome() != Outcome::Approve {
        put_before_people(book, decision, ctx);
        return Ok(Answer::Nothing);
    }
    book.record.decisions.push(decision);
    book.payment_mut(id).due_at = None;
    let processing = PaymentStatus::Withdrawal(WithdrawalStatus::Processing);
    let attempts = send_parts(book, id, ctx);
    let moved = book.move_payment(id, processing, "sent", ctx.ids);
    debug_assert!(moved.is_ok(), "an approved withdrawal may be sent");
    if attempts.is_empty() {
        payout::settle(book, id, ctx);
        return Ok(Answer::Nothing);
    }
    Ok(Answer::Sending { payment: book.payments[&id].clone(), attempts })
}

/// An approved withdrawal that may not be sent as it is: people decide.
pub(super) fn put_before_people(book: &mut Book, decision: Decision, ctx: &Ctx<'_>) {
    let (outcome, payment) = (decision.outcome(), decision.payment);
    let Some(id) = payment.map(|payment| payment.uuid) else { return };
    book.payment_mut(id).reasons = with_let_go(&book.payments[&id], &decision);
    book.record.decisions.push(decision);
    book.payment_mut(id).due_at = None;
    let in_review = PaymentStatus::Withdrawal(WithdrawalStatus::InReview);
    let moved = book.move_payment(id, in_review, "screened again before the payout", ctx.ids);
    debug_assert!(moved.is_ok(), "an approved withdrawal may go to review");
    ask_people(book, id, None, review_kind(Direction::Withdrawal, outcome), ctx);
}

/// What was found now, and of what people let go before what is found again: they see all of it, and are asked
/// about none of it a third time.
pub(super) fn with_let_go(payment: &Payment, decision: &Decision) -> Vec<Reason> {
    let again: Vec<&RuleResult> =
        decision.screening.rules.iter().filter(|it| it.is_let_go()).collect();
    let mut reasons = decision.shown();
    for before in &payment.reasons {
        let is_again = again.iter().any(|it| Some(&*it.rule) == before.rule.as_deref());
        if is_again && !reasons.contains(before) {
            reasons.push(before.clone());
        }
    }
    reasons
}

fn send_parts(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Vec<AttemptId> {
    let held: Vec<_> = book.payments[&id]
        .parts
        .iter()
        .filter(|part| part.status == PartStatus::Held)
        .map(|part| part.id)
        .collect();
    let mut attempts = Vec::new();
    for part in held {
        // A part that no PSP of the plan can pay stays held, for people to decide.
        if let Some(attempt) = open_next(book, id, Some(part), ctx) {
            let moved = book.move_part(id, part, PartStatus::Processing, "sent");
            debug_assert!(moved.is_ok(), "a held part may be sent");
            attempts.push(attempt);
        }
    }
    attempts
}

/// The last look before money leaves: a player who owes, whose account is frozen, or of whom the market's rules
/// find by now what nobody had seen, is for people. Exclusion never traps a withdrawal.
pub(super) fn pre_payout(
    book: &Book,
    id: Uuid,
    (vendors, checks): (Vec<VendorResult>, CheckFacts),
    ctx: &Ctx<'_>,
) -> Decision {
    let known = (vendors, None, checks);
    decided(Checkpoint::WithdrawalPrePayout, book, &book.payments[&id], known, ctx)
}

fn decided(
    checkpoint: Checkpoint,
    book: &Book,
    payment: &Payment,
    (vendors, closed_loop, checks): (Vec<VendorResult>, Option<&LoopFacts>, CheckFacts),
    ctx: &Ctx<'_>,
) -> Decision {
    let owed = book.debts(payment.currency());
    let ends = background::ends(&book.key.operator, instruments(payment));
    let parts = payment.parts.iter();
    let ways = parts.map(|part| (payment.method_of(Some(part.id)), &part.instrument));
    let records = Withdrawal {
        checkpoint,
        origin: payment.origin,
        player: book.player.as_ref(),
        money: payment.money,
        method: gather::method_of(payment.method, ways),
        owed: &owed,
        closed_loop,
        payment: Some(payment.id.uuid),
        asked_at: Some(payment.created_at),
        movements: &book.movements,
        background: &book.background,
        ends: &ends,
    };
    let mut facts = gather::withdrawal(&records, &Setting::new(ctx.policies, ctx.fx, ctx.now));
    facts.vendors = vendors;
    facts.checks = checks;
    // A fact only where a rule counts from it: what was decided before there was such a rule had none.
    if checkpoint == Checkpoint::WithdrawalPrePayout
        && engine::hangs_on(ctx.policies, &facts, Hook::KytWithdrawal)
    {
        facts.let_go_at = let_go_at(book, payment.id.uuid, &facts.vendors);
    }
    if engine::looks_again(ctx.policies, &facts) {
        facts.let_go = let_go(book, payment);
    }
    let screening = engine::screen(ctx.policies, &facts);
    let about = About {
        id: DecisionId(ctx.ids.next()),
        payment: Some(payment.id),
        player: book.key.clone(),
    };
    Decision::new(about, facts, screening)
}

/// Cancels a withdrawal that was not sent yet. A player may do so only where the market allows it.
pub fn cancel(
    book: &mut Book,
    id: Uuid,
    by_player: bool,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let payment = book.payment(id).ok_or(Refusal::NotFound)?;
    let refusal = Refusal::NotCancellable { direction: Direction::Withdrawal };
    let status = payment.withdrawal_status().ok_or(Refusal::NotFound)?;
    if status == WithdrawalStatus::Cancelled {
        return Ok(Answer::Payment(book.payments[&id].clone()));
    }
    let allowed = !by_player
        || ctx
            .policies
            .in_force(&payment.country, ctx.now)
            .is_some_and(|policy| policy.player_may_cancel_withdrawal);
    let was_sent = !payment.attempts.is_empty();
    let is_return = payment.returns.is_some();
    let is_bound = was_sent || is_return || is_under_hold(book, id);
    if !allowed || is_bound || !withdrawal_machine::cancellable(status) {
        return Err(refusal);
    }
    payout::release_all(book, id, "cancelled by request", ctx);
    let cancelled = PaymentStatus::Withdrawal(WithdrawalStatus::Cancelled);
    book.payment_mut(id).due_at = None;
    book.move_payment(id, cancelled, "cancelled by request", ctx.ids).map_err(|_| refusal)?;
    close_reviews(book, id, ctx);
    Ok(Answer::Payment(book.payments[&id].clone()))
}
