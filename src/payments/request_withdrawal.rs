//! A withdrawal is asked for: facts, screening, a destination, a plan, and one commit that holds
//! the money with them.

use super::start_deposit::{SCREENINGS_MAX, StartError, missing_field, require_currency};
use crate::book::{KeyClaim, Part, Payment};
use crate::decide::command::{RequestWithdrawal, Screened};
use crate::decide::{Answer, Command, Refusal};
use crate::domain::{
    DecisionId, Direction, Instrument, Method, Money, Origin, PartId, PartStatus, PaymentId,
    PaymentStatus, Player, PlayerKey, Timestamp, WithdrawalStatus,
};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::facts::payer_of;
use crate::payments::find_card::find_card;
use crate::payments::name_obstacle::{self, Obstacle};
use crate::routing::ask_habits::{Occasion, ask_habits};
use crate::routing::make_plan::make_plan;
use crate::routing::plan::{self, Habits, Route};
use crate::screening::decision::{About, Decision};
use crate::screening::gather::{self, Setting, Withdrawal};
use crate::screening::{Checkpoint, engine};
use crate::store::read_models;
use crate::store::read_payee::{Payee, PayeeFacts};
use crate::vendors::people::ask_checks::ask_checks;

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
    /// Back to where the player's newest deposit in this currency came from.
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
    #[error("no payment provider can pay this destination")]
    NotPayable,
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
        let instrument = destination(flows, order, &known).await?;
        let occasion = Occasion {
            direction: Direction::Withdrawal,
            country: &known.player.country,
            method: order.method,
            currency: order.money.currency,
            token: None,
        };
        let mut habits = ask_habits(flows, &order.player, occasion).await?;
        // Whoever has a token of its own for the instrument has seen it.
        habits.seen_by = instrument.tokens.keys().cloned().collect();
        let route = planned(flows, order, &known.player, &instrument, &habits)?;
        if route.ranked().next().is_none() {
            return Err(DestinationError::NotPayable.into());
        }
        let command = screened(flows, order, &known, instrument, route).await?;
        let command = Command::RequestWithdrawal(Box::new(command));
        match flows.lanes.submit(&order.player, command).await {
            Err(SubmitError::Refused(Refusal::PlayerChanged)) => {}
            done => {
                flows.nudges.payouts.notify_one();
                if order.method == Method::Crypto {
                    flows.nudges.screenings.notify_one();
                }
                return Ok(done?);
            }
        }
    }
    Err(SubmitError::Busy.into())
}

async fn destination(
    flows: &Flows,
    order: &WithdrawalOrder,
    known: &PayeeFacts,
) -> Result<Instrument, RequestError> {
    let pool = flows.db.pool();
    match &order.destination {
        DestinationOrder::Instrument(instrument) => Ok(instrument.as_ref().clone()),
        DestinationOrder::Source(deposit) => {
            let found = read_models::payment(pool, &order.player.operator, *deposit).await?;
            let found = found.filter(|deposit| deposit.player == order.player);
            let source = found.and_then(|deposit| deposit.source);
            let source = source.ok_or(DestinationError::SourceUnknown)?;
            Ok(Instrument { source_deposit: Some(deposit.uuid), ..source })
        }
        DestinationOrder::Card { token } => {
            Ok(match find_card(flows, &order.player, token).await? {
                Some((deposit, source)) => Instrument { source_deposit: Some(deposit), ..source },
                None => new_card(flows, order, &known.player.country, token),
            })
        }
        DestinationOrder::ClosedLoop => {
            let newest = known.newest_source.clone();
            let (deposit, source) = newest.ok_or(DestinationError::NoSource)?;
            Ok(Instrument { source_deposit: Some(deposit), ..source })
        }
    }
}

/// A token says nothing without the PSP that gave it. One that no deposit brought is of the account
/// that the route of such payments names first: the card page that made it is that account's.
fn new_card(flows: &Flows, order: &WithdrawalOrder, country: &str, token: &str) -> Instrument {
    let currency = order.money.currency;
    let route = flows.routing.find(Direction::Withdrawal, country, order.method, currency);
    let first = route.and_then(|route| route.order.first());
    let tokens = first.map(|psp| (psp.clone(), token.to_owned())).into_iter().collect();
    Instrument { tokens, masked: "****".to_owned(), ..Instrument::default() }
}

fn planned(
    flows: &Flows,
    order: &WithdrawalOrder,
    player: &Player,
    instrument: &Instrument,
    habits: &Habits,
) -> Result<Route, StartError> {
    let request = plan::Request {
        operator: order.player.operator.clone(),
        direction: Direction::Withdrawal,
        country: player.country.clone(),
        method: order.method,
        money: order.money,
    };
    let (payer, currency) = (payer_of(player, None), order.money.currency);
    let obstacle = |psp: &str| name_obstacle::of_payout(flows, psp, &payer, instrument, currency);
    let told = |psp: &str| obstacle(psp).map(Obstacle::text);
    let route = make_plan(flows, &request, habits, told);
    match missing_field(&route, obstacle) {
        Some(field) => Err(StartError::FieldMissing(field)),
        None => Ok(route),
    }
}

async fn screened(
    flows: &Flows,
    order: &WithdrawalOrder,
    known: &PayeeFacts,
    instrument: Instrument,
    route: Route,
) -> Result<RequestWithdrawal, RequestError> {
    let player = &known.player;
    if let Some(debt) = known.owed.iter().find(|debt| 0 < debt.minor) {
        return Err(RequestError::Owed(*debt));
    }
    let checks = ask_checks(flows, player, Checkpoint::WithdrawalRequest).await;
    let now = flows.clock.now();
    let records = Withdrawal {
        checkpoint: Checkpoint::WithdrawalRequest,
        origin: Origin::Request,
        player: Some(player),
        money: order.money,
        method: order.method,
        owed: &known.owed,
        payment: None,
        // What the player moved is counted under their lock, and only there.
        movements: &[],
    };
    let mut facts = gather::withdrawal(&records, &Setting::new(&flows.policies, &flows.fx, now));
    facts.checks = checks;
    let screening = engine::screen(&flows.policies, &facts);
    let id = PaymentId::withdrawal(flows.ids.next());
    let about =
        About { id: DecisionId(flows.ids.next()), payment: Some(id), player: order.player.clone() };
    let decision = Decision::new(about, facts, screening);
    let part = PartId(flows.ids.next());
    let payment = opened(order, player, id, (part, instrument), &decision, route, now);
    let screening = Screened { player_version: player.version, decision };
    Ok(RequestWithdrawal { claim: order.claim.clone(), payment, screening })
}

fn opened(
    order: &WithdrawalOrder,
    player: &Player,
    id: PaymentId,
    (part, instrument): (PartId, Instrument),
    decision: &Decision,
    route: Route,
    now: Timestamp,
) -> Payment {
    let part = Part {
        id: part,
        number: 1,
        money: order.money,
        instrument,
        status: PartStatus::Held,
        held_minor: order.money.minor,
    };
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
        parts: vec![part],
        attempts: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}
