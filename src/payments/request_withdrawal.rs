//! A withdrawal is asked for: facts, its parts with their destinations and plans, screening, and one
//! commit that holds the money with them.

use super::plan_parts::{Planned, PlannedPart, plan_parts, shown};
use super::start_deposit::{SCREENINGS_MAX, StartError, require_currency};
use crate::book::{KeyClaim, Part, Payment, Way};
use crate::decide::command::{RequestWithdrawal, Screened};
use crate::decide::{Answer, Command, Refusal};
use crate::domain::{
    DecisionId, Instrument, Method, Money, Origin, PartId, PartStatus, PaymentId, PaymentStatus,
    Player, PlayerKey, Timestamp, WithdrawalStatus,
};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::facts::payer_of;
use crate::routing::plan::Route;
use crate::screening::background::Background;
use crate::screening::decision::{About, Decision};
use crate::screening::gather::{self, Setting, Withdrawal};
use crate::screening::{Checkpoint, engine};
use crate::store::read_payee::{Payee, PayeeFacts};
use crate::vendors::people::ask_checks::ask_checks;
use std::sync::Arc;

/// A withdrawal as the casino asks for it.
#[derive(Debug, Clone)]
pub struct WithdrawalOrder {
    pub player: PlayerKey,
    pub claim: KeyClaim,
    pub money: Money,
    pub method: Method,
    pub reference: Option<String>,
    pub metadata: String,
    pub destination: DestinationOrder,
}

/// Where the money is to go.
#[derive(Debug, Clone)]
pub enum DestinationOrder {
    /// Back to where the player's deposits in this currency came from.
    ClosedLoop,
    /// Back to where one deposit came from.
    Source(PaymentId),
    Instrument(Box<Instrument>),
    /// A card, by the token that a PSP gave for it.
    Card {
        token: String,
    },
}

/// Why there is no destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    #[error("no deposit of this player has a source that can be paid")]
    NoSource,
    #[error("this deposit has no source that can be paid")]
    SourceUnknown,
    #[error("nothing of this deposit stands in the wallet: name one that succeeded")]
    SourceUnpaid,
    #[error(
        "a card is paid by the method card alone: ask for that method, or name another destination"
    )]
    CardByOther,
    #[error(
        "the payment provider of the player's deposits did not tell who paid them, so that nothing can go \
         back there: a destination must be named"
    )]
    PayerUntold,
    #[error("no payment provider pays less than {0} to where this is to go")]
    TooLittle(Money),
    #[error("no payment provider pays more than {0} to where this is to go right now")]
    TooMuch(Money),
    #[error("no payment provider can pay this destination")]
    NotPayable,
    /// None was named.
    #[error("no payment provider can pay it back to where the player's deposits came from")]
    NoWayBack,
}

/// Why no withdrawal began.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// Nothing is paid out while the player owes.
    #[error("the player owes {0}")]
    Owed(Money),
}

impl From<SubmitError> for RequestError {
    fn from(error: SubmitError) -> Self {
        RequestError::Start(StartError::Submit(error))
    }
}

impl From<crate::store::StoreError> for RequestError {
    fn from(error: crate::store::StoreError) -> Self {
        RequestError::Start(StartError::Store(error))
    }
}

/// Opens a withdrawal and holds its money. The answer says whether it is approved, waits for two
/// people, or is blocked; a worker sends what is approved.
pub async fn request_withdrawal(
    flows: &Flows,
    order: &WithdrawalOrder,
) -> Result<Answer, RequestError> {
    for _ in 0..SCREENINGS_MAX {
        let payee = Payee { player: order.player.clone(), currency: order.money.currency };
        let known = flows.desks.payees.ask(payee).await.map_err(SubmitError::from)?;
        let known = known.ok_or(SubmitError::Refused(Refusal::PlayerUnknown))?;
        require_currency(flows, &known.player, order.money.currency)?;
        if let Some(debt) = known.owed.iter().find(|debt| 0 < debt.minor) {
            return Err(RequestError::Owed(*debt));
        }
        let planned = plan_parts(flows, order, &known).await?;
        let command = screened(flows, order, &known, planned).await?;
        let command = Command::RequestWithdrawal(Box::new(command));
        match flows.lanes.submit(&order.player, command).await {
            Err(SubmitError::Refused(Refusal::PlayerChanged)) => {}
            done => {
                flows.nudges.payouts.notify_one();
                flows.nudges.screenings.notify_one();
                return Ok(done?);
            }
        }
    }
    Err(SubmitError::Busy.into())
}

async fn screened(
    flows: &Flows,
    order: &WithdrawalOrder,
    known: &PayeeFacts,
    planned: Planned,
) -> Result<RequestWithdrawal, RequestError> {
    let player = &known.player;
    let checks = ask_checks(flows, player, Checkpoint::WithdrawalRequest).await;
    let now = flows.clock.now();
    let Planned { parts, split } = planned;
    let shared = split.facts(order.money.minor);
    let ways = parts.iter().map(|part| (part.method, &part.instrument));
    let records = Withdrawal {
        checkpoint: Checkpoint::WithdrawalRequest,
        origin: Origin::Request,
        player: Some(player),
        money: order.money,
        method: gather::method_of(order.method, ways),
        owed: &known.owed,
        closed_loop: Some(&shared),
        payment: None,
        asked_at: None,
        // What the player moved, and what else rules want to know, is counted under their lock, and only there.
        movements: &[],
        background: Background::NOTHING,
        ends: &[],
    };
    let policies = flows.policies.current();
    let mut facts = gather::withdrawal(&records, &Setting::new(&policies, &flows.fx, now));
    facts.checks = checks;
    let screening = engine::screen(&policies, &facts);
    let id = PaymentId::withdrawal(flows.ids.next());
    let about =
        About { id: DecisionId(flows.ids.next()), payment: Some(id), player: order.player.clone() };
    let decision = Decision::new(about, facts, screening);
    let route = shown(&parts);
    let parts = opened_parts(flows, order, parts);
    let payment = opened(order, player, id, parts, &decision, route, now);
    let screening = Screened { player_version: player.version, decision };
    Ok(RequestWithdrawal { claim: order.claim.clone(), payment, screening, split })
}

/// Each part holds its share. One that is paid as was asked, alone, goes by the payment's own plan.
fn opened_parts(flows: &Flows, order: &WithdrawalOrder, planned: Vec<PlannedPart>) -> Vec<Part> {
    let alone = planned.len() == 1;
    let parts = planned.into_iter().zip(1_i16..).map(|(planned, number)| {
        let PlannedPart { money, instrument, method, route } = planned;
        let own = !alone || method != order.method;
        Part {
            id: PartId(flows.ids.next()),
            number,
            money,
            instrument,
            status: PartStatus::Held,
            held_minor: money.minor,
            way: own.then(|| Arc::new(Way { method, route })),
        }
    });
    parts.collect()
}

fn opened(
    order: &WithdrawalOrder,
    player: &Player,
    id: PaymentId,
    parts: Vec<Part>,
    decision: &Decision,
    route: Route,
    now: Timestamp,
) -> Payment {
    Payment {
        id,
        player: order.player.clone(),
        status: PaymentStatus::Withdrawal(WithdrawalStatus::Approved),
        origin: Origin::Request,
        money: order.money,
        fee: None,
        country: player.country.clone(),
        method: order.method,
        reference: order.reference.clone(),
        return_url: None,
        payer: payer_of(player, None).into(),
        received: None,
        credited: None,
        suspended: None,
        next_action: None,
        action_told: false,
        reasons: Vec::new(),
        route: route.into(),
        metadata: order.metadata.clone(),
        decision: decision.id,
        event_sequence: 0,
        answer_owed: None,
        due_at: None,
        source: None,
        returns: None,
        instrument: None,
        parts,
        attempts: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}
