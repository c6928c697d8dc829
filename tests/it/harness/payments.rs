//! Payments as a casino asks for them, and payers as they pay.

use super::instance::Instance;
use super::mocks::Movement;
use super::wait::{eventually, try_eventually};
use super::world::World;
use interlock::book::{Attempt, KeyClaim, KeyId, Payment, Review, Viewer};
use interlock::decide::Answer;
use interlock::domain::ids::SystemIds;
use interlock::domain::{
    AttemptStatus, Currency, Ids, Instrument, Method, Money, OperatorId, PaymentId, PlayerKey,
};
use interlock::lane::SubmitError;
use interlock::payments::cancel_payment::cancel_payment;
use interlock::payments::request_withdrawal::{
    DestinationOrder, RequestError, WithdrawalOrder, request_withdrawal,
};
use interlock::payments::review_payment::{ReviewAct, review_payment};
use interlock::payments::run_attempts::run_attempts;
use interlock::payments::start_deposit::{DepositOrder, StartError, start_deposit};
use interlock::store::{read_models, read_reviews};
use psp_contract::{NextAction, Portable};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// Long after anything that is going to happen on an unhurried machine.
pub const SOON: Duration = Duration::from_secs(40);

fn is_busy(error: &StartError) -> bool {
    matches!(error, StartError::Submit(SubmitError::Busy | SubmitError::Full))
}

/// Asks again, as a client does that is told so, while lanes are too busy to record anything.
async fn insist<T, E>(
    ask: impl AsyncFn() -> Result<T, E>,
    is_busy: impl Fn(&E) -> bool,
) -> Result<T, E> {
    eventually("a lane has time", SOON, async || {
        let told = ask().await;
        let busy = told.as_ref().is_err_and(&is_busy);
        (!busy).then_some(told)
    })
    .await
}

/// As a client does that is told that its lane is busy: nothing was recorded.
pub async fn until_recorded<T>(
    ask: impl AsyncFn() -> Result<T, SubmitError>,
) -> Result<T, SubmitError> {
    insist(ask, |error| matches!(error, SubmitError::Busy | SubmitError::Full)).await
}

pub const fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub const fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

/// A key that nobody has used.
pub fn key() -> String {
    SystemIds.next().simple().to_string()
}

pub fn claim(route: &str, key: &str) -> KeyClaim {
    let operator = OperatorId::parse("op_demo").unwrap();
    let id = KeyId { operator, scope: route.to_owned(), key: key.to_owned() };
    let fingerprint = Sha256::digest(key.as_bytes()).into();
    KeyClaim { id, fingerprint, viewer: Viewer::Backend, request: "req".into() }
}

pub fn deposit_order(player: &PlayerKey, money: Money) -> DepositOrder {
    DepositOrder {
        player: player.clone(),
        claim: claim("deposits", &key()),
        money,
        method: Method::BankTransfer,
        return_url: "https://casino.example/done".to_owned(),
        instrument: None,
        reference: None,
        metadata: "{}".to_owned(),
        ip: Some("127.0.0.1".to_owned()),
    }
}

pub fn iban() -> Instrument {
    iban_of("Erika Mustermann")
}

fn iban_of(holder: &str) -> Instrument {
    let iban = "DE89370400440532013000".to_owned();
    let holder_name = holder.to_owned();
    Instrument {
        holder_name: Some(holder_name.clone()),
        masked: "DE** **** 3000".to_owned(),
        portable: Some(Portable::Iban { iban, holder_name }),
        ..Instrument::default()
    }
}

pub fn uk_account() -> Instrument {
    let holder_name = "Erika Mustermann".to_owned();
    let (sort_code, account_number) = ("040004".to_owned(), "12345678".to_owned());
    Instrument {
        holder_name: Some(holder_name.clone()),
        masked: "04** **** 5678".to_owned(),
        portable: Some(Portable::UkAccount { sort_code, account_number, holder_name }),
        ..Instrument::default()
    }
}

pub fn withdrawal_order(player: &PlayerKey, money: Money) -> WithdrawalOrder {
    let instrument = if money.currency == Currency::GBP { uk_account() } else { iban() };
    WithdrawalOrder {
        player: player.clone(),
        claim: claim("withdrawals", &key()),
        money,
        method: Method::BankTransfer,
        reference: None,
        metadata: "{}".to_owned(),
        destination: DestinationOrder::Instrument(Box::new(instrument)),
    }
}

/// To an account in this name.
pub fn withdrawal_to(player: &PlayerKey, money: Money, holder: &str) -> WithdrawalOrder {
    let destination = DestinationOrder::Instrument(Box::new(iban_of(holder)));
    WithdrawalOrder { destination, ..withdrawal_order(player, money) }
}

impl Instance {
    /// A deposit as a request carries it out: begun, and run until one PSP has it or nobody is left.
    pub async fn try_deposit(&self, order: DepositOrder) -> Result<Answer, StartError> {
        let once = async || {
            let (flows, order) = (self.flows.clone(), order.clone());
            self.run(async move {
                let answer = start_deposit(&flows, &order).await?;
                let Answer::Payment(payment) = answer else { return Ok(answer) };
                let Some(first) = payment.live_attempt(None).map(|live| live.id) else {
                    return Ok(Answer::Payment(payment));
                };
                let payment = run_attempts(&flows, Arc::unwrap_or_clone(payment), first).await;
                Ok(Answer::Payment(Arc::new(payment)))
            })
            .await
        };
        insist(once, is_busy).await
    }

    pub async fn deposit(&self, order: DepositOrder) -> Payment {
        payment_of(self.try_deposit(order).await.unwrap())
    }

    pub async fn try_withdraw(&self, order: WithdrawalOrder) -> Result<Answer, RequestError> {
        let once = async || {
            let (flows, order) = (self.flows.clone(), order.clone());
            self.run(async move { request_withdrawal(&flows, &order).await }).await
        };
        let is_busy =
            |error: &RequestError| matches!(error, RequestError::Start(start) if is_busy(start));
        insist(once, is_busy).await
    }

    pub async fn withdraw(&self, order: WithdrawalOrder) -> Payment {
        payment_of(self.try_withdraw(order).await.unwrap())
    }

    pub async fn cancel(&self, payment: &Payment) -> Result<Payment, SubmitError> {
        until_recorded(async || {
            let (flows, player, id) = (self.flows.clone(), payment.player.clone(), payment.id);
            self.run(async move { cancel_payment(&flows, &player, id, false).await }).await
        })
        .await
    }

    pub async fn review(
        &self,
        (review, payment): (&Review, &Payment),
        act: ReviewAct,
        person: &str,
    ) -> Result<Review, SubmitError> {
        until_recorded(async || {
            let (flows, person) = (self.flows.clone(), super::person(person));
            let (player, payment) = (payment.player.clone(), payment.id.uuid);
            let (review, act) = (review.id, act.clone());
            let acting =
                async move { review_payment(&flows, &player, review, payment, act, person).await };
            self.run(acting).await
        })
        .await
    }
}

pub fn payment_of(answer: Answer) -> Payment {
    match answer {
        Answer::Payment(payment) => (*payment).clone(),
        other => panic!("not a payment: {other:?}"),
    }
}

impl World {
    pub async fn deposit(&self, player: &PlayerKey, money: Money) -> Payment {
        self.one().deposit(deposit_order(player, money)).await
    }

    pub async fn withdraw(&self, player: &PlayerKey, money: Money) -> Payment {
        self.one().withdraw(withdrawal_order(player, money)).await
    }

    pub async fn payment(&self, id: PaymentId) -> Payment {
        let operator = OperatorId::parse("op_demo").unwrap();
        read_models::payment(&self.rows, &operator, id).await.unwrap().unwrap()
    }

    /// The payment, once its status is this one.
    pub async fn settled(&self, id: PaymentId, status: &str) -> Payment {
        self.settled_within(id, status, SOON).await
    }

    pub async fn settled_within(&self, id: PaymentId, status: &str, within: Duration) -> Payment {
        let looking = || async {
            let payment = self.payment(id).await;
            (payment.status.as_str() == status).then_some(payment)
        };
        let found = try_eventually(within, looking).await;
        match found {
            Some(payment) => payment,
            None => panic!("not {status} within {within:?}: {:#?}", self.payment(id).await),
        }
    }

    /// The payment, once the attempt of this number has this status.
    pub async fn attempt_is(&self, id: PaymentId, number: i16, status: AttemptStatus) -> Payment {
        let what = format!("attempt {number} of {id} is {status}");
        let looking = || async {
            let payment = self.payment(id).await;
            let fits = |a: &Attempt| a.number == number && a.status == status;
            payment.attempts.iter().any(fits).then_some(payment)
        };
        eventually(&what, SOON, looking).await
    }

    /// The payer does what the PSP of the payment's newest attempt asks, or the bank its part.
    pub async fn complete(&self, payment: &Payment, outcome: &str) {
        self.complete_with(payment, json!({"outcome": outcome})).await;
    }

    pub async fn complete_with(&self, payment: &Payment, body: serde_json::Value) {
        let attempt = payment.attempts.last().unwrap();
        if let Some(NextAction::Redirect { url }) = &payment.next_action {
            // Some PSPs have an order only once somebody has been to its page.
            self.mocks.visit(url).await;
        }
        let movement = self.movement(attempt).await;
        self.mocks.complete(&attempt.psp, &movement.reference, body).await;
    }

    /// What the attempt made at its PSP.
    pub async fn movement(&self, attempt: &Attempt) -> Movement {
        let what = format!("{} has a movement of {}", attempt.psp, attempt.id);
        eventually(&what, SOON, || self.mocks.movement_of(&attempt.psp, attempt.id.0)).await
    }

    /// The open reviews of a payment.
    pub async fn reviews(&self, payment: &Payment) -> Vec<Review> {
        let all = read_reviews::of_payment(&self.rows, payment.id.uuid).await.unwrap();
        all.into_iter().filter(|review| review.open).collect()
    }

    /// Two people decide the payment's one open review.
    pub async fn two_people(&self, payment: &Payment, outcome: &str) -> Review {
        self.try_two_people(payment, outcome).await.unwrap()
    }

    /// As [`Self::two_people`], whatever becomes of it.
    pub async fn try_two_people(
        &self,
        payment: &Payment,
        outcome: &str,
    ) -> Result<Review, SubmitError> {
        let review = self.reviews(payment).await.pop().unwrap();
        self.decide_by_two(payment, review, outcome).await
    }

    /// Two people decide the payment's open review of this kind.
    pub async fn two_people_of(&self, payment: &Payment, kind: &str, outcome: &str) -> Review {
        self.try_two_people_of(payment, kind, outcome).await.unwrap()
    }

    /// As [`Self::two_people_of`], whatever becomes of it.
    pub async fn try_two_people_of(
        &self,
        payment: &Payment,
        kind: &str,
        outcome: &str,
    ) -> Result<Review, SubmitError> {
        let open = self.reviews(payment).await;
        let review = open.into_iter().find(|review| review.kind == kind).unwrap();
        self.decide_by_two(payment, review, outcome).await
    }

    async fn decide_by_two(
        &self,
        payment: &Payment,
        review: Review,
        outcome: &str,
    ) -> Result<Review, SubmitError> {
        let (outcome, note) = (outcome.to_owned(), "looked at it".to_owned());
        let propose = ReviewAct::Propose { outcome, note };
        let proposed = self.one().review((&review, payment), propose, "ann").await?;
        let approve = ReviewAct::Approve { proposal: proposed.open_proposal().unwrap().id };
        self.one().review((&review, payment), approve, "bob").await
    }
}
