//! Courses of more than one request: a player's address, and a payout with its look-up after a refusal.

use super::Inner;
use super::mapping::{self, Refusal};
use super::wire::{self, Moment};
use crate::adapter::{Exchange, Input, Step, failed};
use crate::coins::Coin;
use psp_contract::{
    DepositRequest, HttpRequest, HttpResponse, NotSent, Outcome, PayoutRequest, Timestamp, Unknown,
};
use std::sync::Arc;

/// A request that cannot be signed was never sent.
fn send(step: &'static str, request: Option<HttpRequest>) -> Step {
    match request {
        Some(request) => Step::Send(step, request),
        None => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
    }
}

pub(super) fn address(
    inner: &Arc<Inner>,
    deposit: &DepositRequest,
    now: Timestamp,
) -> Option<Box<dyn Exchange>> {
    let coin = inner.coins.chosen(deposit.instrument.as_ref(), deposit.money.currency)?;
    if coin.asset != deposit.money.currency || deposit.money.minor <= 0 {
        return None;
    }
    if deposit.payer.player_reference.is_empty() {
        return None;
    }
    let (inner, deposit) = (inner.clone(), deposit.clone());
    Some(Box::new(Address { inner, deposit, coin, now, asked: Asked::Nothing }))
}

/// Find the player's vault account, or make one; find the asset's address in it, or make that.
struct Address {
    inner: Arc<Inner>,
    deposit: DepositRequest,
    coin: &'static Coin,
    now: Timestamp,
    asked: Asked,
}

/// What was asked last, with the vault account where it is known.
enum Asked {
    Nothing,
    Find,
    Create,
    Add { vault: String },
    Addresses,
}

impl Address {
    fn moment(&self, step: &'static str) -> Moment {
        Moment { attempt: self.deposit.attempt, step, now: self.now }
    }

    fn find(&mut self) -> Step {
        self.asked = Asked::Find;
        let step = "find_vault";
        send(step, wire::find_vault(&self.inner, &self.deposit.payer, self.moment(step)))
    }

    fn create(&mut self) -> Step {
        self.asked = Asked::Create;
        let step = "create_vault";
        send(step, wire::create_vault(&self.inner, &self.deposit.payer, self.moment(step)))
    }

    fn add(&mut self, vault: String) -> Step {
        let step = "create_deposit";
        let request = wire::add_asset(&self.inner, &vault, self.coin, self.moment(step));
        self.asked = Asked::Add { vault };
        send(step, request)
    }

    fn addresses(&mut self, vault: &str) -> Step {
        self.asked = Asked::Addresses;
        let step = "find_address";
        send(step, wire::addresses(&self.inner, vault, self.coin, self.moment(step)))
    }

    fn answered(&mut self, asked: &Asked, response: &HttpResponse) -> Step {
        let reference = &self.deposit.payer.player_reference;
        match asked {
            Asked::Nothing => Step::Done(Outcome::Unknown(Unknown::Unreadable)),
            Asked::Find => match mapping::vault_found(response, reference, self.coin) {
                Ok(Some((vault, true))) => self.addresses(&vault),
                Ok(Some((vault, false))) => self.add(vault),
                Ok(None) => self.create(),
                Err(refusal) => Step::Done(mapping::address_refused(&refusal)),
            },
            Asked::Create => match mapping::vault_created(response, reference) {
                Ok(vault) => self.add(vault),
                Err(refusal) => Step::Done(mapping::address_refused(&refusal)),
            },
            Asked::Add { vault } => match mapping::body(response) {
                Ok(body) => Step::Done(mapping::address(&body, self.coin, &self.deposit)),
                // Somebody else was faster.
                Err(Refusal::AssetExists) => self.addresses(vault),
                Err(refusal) => Step::Done(mapping::address_refused(&refusal)),
            },
            Asked::Addresses => Step::Done(match mapping::first_address(response) {
                Ok(body) => mapping::address(&body, self.coin, &self.deposit),
                Err(refusal) => mapping::address_refused(&refusal),
            }),
        }
    }
}

impl Exchange for Address {
    fn step(&mut self, input: Input) -> Step {
        match (input, std::mem::replace(&mut self.asked, Asked::Nothing)) {
            (Input::Response(response), asked) => self.answered(&asked, &response),
            (Input::Failed(failure), _) => Step::Done(failed(failure)),
            (_, Asked::Nothing) => self.find(),
            (_, _) => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
        }
    }
}

pub(super) fn payout(
    inner: &Arc<Inner>,
    payout: &PayoutRequest,
    now: Timestamp,
) -> Option<Box<dyn Exchange>> {
    let (coin, address) = inner.coins.payable(payout.destination.portable.as_ref())?;
    if coin.asset != payout.money.currency || payout.money.minor <= 0 {
        return None;
    }
    let moment = Moment { attempt: payout.attempt, step: "create_payout", now };
    let create = wire::create_transaction(inner, payout, coin, address, moment)?;
    let (inner, payout) = (inner.clone(), payout.clone());
    Some(Box::new(Payout { inner, payout, now, create: Some(create), refused: None }))
}

/// The transaction; and where it is definitely refused, the question whether it is there all the same.
struct Payout {
    inner: Arc<Inner>,
    payout: PayoutRequest,
    now: Timestamp,
    create: Option<HttpRequest>,
    /// The refusal that is being looked into.
    refused: Option<Outcome>,
}

impl Payout {
    fn created(&mut self, response: &HttpResponse) -> Step {
        match mapping::transaction_created(response) {
            Ok(outcome) => Step::Done(outcome),
            Err(Refusal::Definite(decline)) => {
                let attempt = self.payout.attempt;
                self.refused = Some(mapping::declined(decline));
                match wire::by_external_id(&self.inner, attempt, self.now) {
                    Some(question) => Step::Send("query", question),
                    None => Step::Done(Outcome::Unknown(Unknown::PspUndecided)),
                }
            }
            Err(Refusal::AssetExists) => Step::Done(Outcome::Unknown(Unknown::UnlistedCode)),
            Err(Refusal::Nothing(why)) => Step::Done(Outcome::Unknown(why)),
        }
    }

    /// Nothing is there: the refusal stands. Something is there, or nobody says: the refusal is forgotten.
    fn looked_up(&self, response: &HttpResponse, refused: Outcome) -> Outcome {
        match mapping::inquiry_answer(&self.inner, response, self.payout.attempt) {
            Outcome::NotFound => refused,
            // Who is not let in at all has not been let in before either.
            Outcome::Unknown(_) if matches!(response.status, 401 | 403) => refused,
            other => other,
        }
    }
}

impl Exchange for Payout {
    fn step(&mut self, input: Input) -> Step {
        match (input, self.create.take(), self.refused.take()) {
            (Input::Response(response), _, Some(refused)) => {
                Step::Done(self.looked_up(&response, refused))
            }
            (Input::Response(response), None, None) => self.created(&response),
            // A refusal whose look-up is lost is not looked up.
            (Input::Failed(_), _, Some(_)) => Step::Done(Outcome::Unknown(Unknown::PspUndecided)),
            (Input::Failed(failure), _, None) => Step::Done(failed(failure)),
            (_, Some(create), None) => Step::Send("create_payout", create),
            _ => Step::Done(Outcome::Unknown(Unknown::Unreadable)),
        }
    }
}
