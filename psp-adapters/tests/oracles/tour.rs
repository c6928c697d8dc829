//! Everything that an adapter can do, done through the validator: each request as our adapter builds it,
//! each answer as our mock gives it, good ones and refusals.

use crate::oracles::prism::Prism;
use crate::oracles::world::World;
use crate::support::{inquiry, payout, refund};
use psp_adapters::{Adapter, CachedToken, Input, Step};
use psp_contract::{
    AttemptRef, InquiryBy, InquiryCapability, Operation, Outcome, Report, Subject, Timestamp,
};
use uuid::Uuid;

struct Guide<'a> {
    prism: &'a Prism,
    upstream: &'a str,
    /// What the description does not know, by the beginning of its path: it goes straight to the mock.
    past: &'a [&'a str],
    token: Option<CachedToken>,
    /// The steps that the validator saw.
    made: Vec<&'static str>,
}

impl Guide<'_> {
    async fn perform(&mut self, adapter: &dyn Adapter, operation: &Operation) -> Outcome {
        let mut exchange = adapter.exchange(operation, Timestamp::now_utc());
        let mut input = Input::Start { token: self.token.clone() };
        for _ in 0..16 {
            input = match exchange.step(input) {
                Step::Send(step, mut request) => {
                    let path = request.url.strip_prefix(&self.prism.url).unwrap().to_owned();
                    if self.past.iter().any(|it| path.starts_with(it)) {
                        request.url = format!("{}{path}", self.upstream);
                    } else {
                        self.made.push(step);
                    }
                    match self.prism.send(&request).await {
                        Ok(response) => Input::Response(response),
                        Err(violation) => panic!("{step}: {violation}"),
                    }
                }
                Step::Remember(token) => {
                    self.token = Some(token);
                    Input::Remembered
                }
                Step::Forget => Input::Remembered,
                Step::Done(outcome) => return outcome,
            };
        }
        panic!("an exchange without an end");
    }
}

/// An attempt of this moment.
pub fn fresh() -> AttemptRef {
    AttemptRef::new(Uuid::now_v7())
}

#[track_caller]
fn reported(outcome: Outcome) -> Report {
    match outcome {
        Outcome::Reported(report) => report,
        other => panic!("{other:?}"),
    }
}

fn ways(inquiry: &InquiryCapability, order: Option<&str>) -> Vec<InquiryBy> {
    let by_id = order.filter(|_| inquiry.by_psp_reference);
    let by_id = by_id.map(|order| InquiryBy::PspReference(order.to_owned()));
    let ours = inquiry.by_our_reference.then_some(InquiryBy::OurReference);
    by_id.into_iter().chain(ours).collect()
}

/// One operation through the validator, and what the adapter makes of it.
pub async fn through(world: &World, prism: &Prism, operation: &Operation) -> Report {
    let (psp, upstream) = (world.psp_at(&prism.url), &world.base_url);
    let mut guide = Guide { prism, upstream, past: &[], token: None, made: Vec::new() };
    reported(guide.perform(psp.adapter(), operation).await)
}

/// A deposit, a payout (twice: the second meets its duplicate), a cancellation, a return, and every way to ask about each
/// and about what is not there. Gives the steps that the validator saw.
pub async fn tour(world: &World, prism: &Prism, past: &[&str]) -> Vec<&'static str> {
    let psp = world.psp_at(&prism.url);
    let (adapter, capabilities) = (psp.adapter(), psp.capabilities());
    let upstream = &world.base_url;
    let mut guide = Guide { prism, upstream, past, token: None, made: Vec::new() };
    let money = world.stand.money();

    let deposit = fresh();
    let opened = reported(guide.perform(adapter, &world.stand.deposit(deposit)).await);
    let order = world.order(deposit, &opened).await;
    let open = ways(&capabilities.deposit_inquiry, Some(&order));
    world.pay(&order).await;
    for by in open {
        let question = inquiry(Subject::Deposit, deposit, money, by);
        reported(guide.perform(adapter, &question).await);
    }
    for by in ways(&capabilities.deposit_inquiry, None) {
        let question = inquiry(Subject::Deposit, fresh(), money, by);
        assert_eq!(guide.perform(adapter, &question).await, Outcome::NotFound);
    }

    let sent = fresh();
    let operation = payout(sent, money, world.stand.destination());
    let made = reported(guide.perform(adapter, &operation).await);
    guide.perform(adapter, &operation).await;
    for by in ways(&capabilities.payout_inquiry, made.psp_reference.as_deref()) {
        let question = inquiry(Subject::Payout, sent, money, by);
        reported(guide.perform(adapter, &question).await);
    }
    for by in ways(&capabilities.payout_inquiry, None) {
        let question = inquiry(Subject::Payout, fresh(), money, by);
        assert_eq!(guide.perform(adapter, &question).await, Outcome::NotFound);
    }

    if capabilities.deposit.as_ref().is_some_and(|it| it.can_cancel) {
        let attempt = fresh();
        let opened = reported(guide.perform(adapter, &world.stand.deposit(attempt)).await);
        let psp_reference = world.order(attempt, &opened).await;
        let cancel = Operation::CancelDeposit { attempt, psp_reference };
        reported(guide.perform(adapter, &cancel).await);
    }
    if capabilities.return_deposit {
        let back = refund(fresh(), money, &order);
        reported(guide.perform(adapter, &back).await);
    }
    guide.made
}
