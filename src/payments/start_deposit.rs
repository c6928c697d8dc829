//! A deposit begins: facts, screening, a plan, and one commit that holds them all.

use crate::book::{KeyClaim, Payment};
use crate::decide::command::{Screened, StartDeposit};
use crate::decide::{Answer, Command, Refusal};
use crate::domain::{
    Currency, DecisionId, DepositStatus, Direction, Method, Money, Origin, PaymentId,
    PaymentStatus, Player, PlayerKey,
};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::facts::payer_of;
use crate::payments::name_obstacle::{self, Obstacle};
use crate::routing::ask_habits::{Occasion, ask_habits};
use crate::routing::make_plan::make_plan;
use crate::routing::plan::{self, Habits, Route};
use crate::screening::decision::{About, Decision};
use crate::screening::gather::{self, Deposit, Setting};
use crate::screening::hooks::{FileAnswer, FileFacts, HookFailure};
use crate::screening::signals::Hook;
use crate::screening::{Checkpoint, Facts, Outcome, engine};
use crate::store::StoreError;
use crate::store::read_facts::PlayerFacts;
use crate::vendors::people::ask_checks::{ask_checks, asked};
use crate::vendors::people::give_room_back::give_room_back;
use crate::vendors::people::reserve_room::reserve_room;
use psp_contract::{Instrument as Chosen, Payer, PayerField};
use uuid::Uuid;

/// A deposit as the casino asks for it.
#[derive(Debug, Clone)]
pub struct DepositOrder {
    pub player: PlayerKey,
    pub claim: KeyClaim,
    pub money: Money,
    pub method: Method,
    pub return_url: String,
    pub reference: Option<String>,
    /// What the player chose to pay with, where the method needs a choice.
    pub instrument: Option<Chosen>,
    /// A JSON object as it came.
    pub metadata: String,
    /// The address of the payer's own device, where the casino tells it.
    pub ip: Option<String>,
}

/// Why no deposit began.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// There is no implicit exchange: a wallet exists in the market's currencies only.
    #[error("{currency} is not a currency of {country}")]
    CurrencyNotAllowed { currency: Currency, country: String },
    /// Only a field of the player's record keeps every PSP from it.
    #[error("the player's record lacks {}", .0.name())]
    FieldMissing(PayerField),
    #[error("reading what a payment needs")]
    Store(#[from] StoreError),
}

impl StartError {
    /// The refusal behind it, where there is one.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            StartError::Submit(SubmitError::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }
}

/// How often a request is screened anew because the player changed meanwhile.
pub const SCREENINGS_MAX: u32 = 3;

/// Opens a deposit. Its first attempt, where there is one, is in flight and leased to this
/// instance: the caller goes on with [`super::run_attempts::run_attempts`].
pub async fn start_deposit(flows: &Flows, order: &DepositOrder) -> Result<Answer, StartError> {
    for _ in 0..SCREENINGS_MAX {
        let known = flows.desks.players.ask(order.player.clone()).await;
        let known = known
            .map_err(SubmitError::from)?
            .ok_or(SubmitError::Refused(Refusal::PlayerUnknown))?;
        require_currency(flows, &known.player, order.money.currency)?;
        let payer = payer_of(&known.player, order.ip.clone());
        let token = match &order.instrument {
            Some(Chosen::CardToken(token)) => Some(token.as_str()),
            _ => None,
        };
        let occasion = Occasion {
            direction: Direction::Deposit,
            country: &known.player.country,
            method: order.method,
            currency: order.money.currency,
            token,
        };
        let habits = ask_habits(flows, &order.player, occasion).await?;
        let route = planned(flows, order, &known.player, &payer, &habits)?;
        let command = screened(flows, order, &known, payer, route).await;
        let room = room_of(&command);
        let command = Command::StartDeposit(Box::new(command));
        let done = flows.lanes.submit(&order.player, command).await;
        if let Some((file, deposit)) = room.filter(|(_, deposit)| not_taken(&done, *deposit)) {
            give_room_back(flows, &file, deposit).await;
        }
        match done {
            Err(SubmitError::Refused(Refusal::PlayerChanged)) => {}
            done => return Ok(done?),
        }
    }
    Err(StartError::Submit(SubmitError::Busy))
}

/// Nobody is behind an erased player, and a currency that the player's market does not allow is refused before anything is recorded. No
/// policy means no licence: screening says that better.
pub fn require_currency(
    flows: &Flows,
    player: &Player,
    currency: Currency,
) -> Result<(), StartError> {
    if player.is_erased() {
        return Err(SubmitError::Refused(Refusal::PlayerErased).into());
    }
    let policies = flows.policies.current();
    let policy = policies.in_force(&player.country, flows.clock.now());
    if policy.is_none_or(|policy| policy.currencies.contains(&currency)) {
        return Ok(());
    }
    Err(StartError::CurrencyNotAllowed { currency, country: player.country.clone() })
}

/// The room that was reserved for a deposit, if any.
fn room_of(command: &StartDeposit) -> Option<(String, Uuid)> {
    let told = command.screening.decision.facts.checks.file.as_ref()?;
    let granted = told.found.as_ref().is_ok_and(|answer| answer.granted);
    granted.then(|| (told.file.clone(), command.payment.id.uuid))
}

/// Whether the lane has not recorded this deposit.
fn not_taken(done: &Result<Answer, SubmitError>, deposit: Uuid) -> bool {
    match done {
        Ok(Answer::Payment(payment)) => payment.id.uuid != deposit,
        Ok(_) => true,
        // All of them say that nothing was recorded.
        Err(_) => true,
    }
}

async fn screened(
    flows: &Flows,
    order: &DepositOrder,
    known: &PlayerFacts,
    payer: Payer,
    route: Route,
) -> StartDeposit {
    let player = &known.player;
    let checks = ask_checks(flows, player, Checkpoint::DepositPre).await;
    let now = flows.clock.now();
    let records = Deposit {
        checkpoint: Checkpoint::DepositPre,
        player: Some(player),
        payment: None,
        origin: Origin::Request,
        money: order.money,
        method: order.method,
        limits: &known.limits,
        movements: &known.movements,
        background: &known.background,
        source: None,
    };
    let policies = flows.policies.current();
    let mut facts = gather::deposit(&records, &Setting::new(&policies, &flows.fx, now));
    facts.checks = checks;
    let id = PaymentId::deposit(flows.ids.next());
    facts.checks.file = take_room(flows, player, id.uuid, &facts).await;
    let screening = engine::screen(&policies, &facts);
    let about =
        About { id: DecisionId(flows.ids.next()), payment: Some(id), player: order.player.clone() };
    let decision = Decision::new(about, facts, screening);
    let payment = opened(order, &player.country, id, &decision, (payer, route), now);
    let screening = Screened { player_version: player.version, decision };
    StartDeposit { claim: order.claim.clone(), payment, screening }
}

/// Takes room in the market's file of limits over all operators, where the policy asks for it and
/// nothing else denies the deposit.
async fn take_room(
    flows: &Flows,
    player: &Player,
    deposit: Uuid,
    facts: &Facts,
) -> Option<FileFacts> {
    let policies = flows.policies.current();
    let policy = engine::policy_for(&policies, facts)?;
    asked(policy, facts.checkpoint, Hook::CrossOperatorLimit)?;
    let file = flows.checks.file(&player.country)?;
    let with = |found| Some(FileFacts { file: file.id.clone(), found });
    let mut if_granted = facts.clone();
    let granted = FileAnswer { granted: true, reference: String::new(), remaining: None };
    if_granted.checks.file = with(Ok(granted));
    if engine::decide(Some(policy), &if_granted).outcome == Outcome::Deny {
        return with(Err(HookFailure::NotAsked));
    }
    let money = facts.money()?;
    Some(reserve_room(flows, file, player, (deposit, money)).await)
}

/// The plan. Where nothing but a field of the player's record keeps every account from it, that is
/// said before anything is recorded.
fn planned(
    flows: &Flows,
    order: &DepositOrder,
    player: &Player,
    payer: &Payer,
    habits: &Habits,
) -> Result<Route, StartError> {
    let request = plan::Request {
        operator: order.player.operator.clone(),
        direction: Direction::Deposit,
        country: player.country.clone(),
        method: order.method,
        money: order.money,
    };
    let chosen = order.instrument.as_ref();
    let obstacle = |psp: &str| name_obstacle::of_deposit(flows, psp, payer, chosen);
    let told = |psp: &str| obstacle(psp).map(Obstacle::text);
    let route = make_plan(flows, &request, habits, told);
    match missing_field(&route, obstacle) {
        Some(field) => Err(StartError::FieldMissing(field)),
        None => Ok(route),
    }
}

/// The field of the player's record without which the plan has nobody.
pub fn missing_field(
    route: &Route,
    obstacle: impl Fn(&str) -> Option<Obstacle>,
) -> Option<PayerField> {
    if route.ranked().next().is_some() {
        return None;
    }
    let lacking = route.candidates.iter().filter_map(|out| {
        let found = obstacle(&out.psp)?;
        // An account that is out for another reason would not be helped by the field.
        (out.reason == found.text()).then_some(found)?.field()
    });
    lacking.into_iter().next()
}

fn opened(
    order: &DepositOrder,
    country: &str,
    id: PaymentId,
    decision: &Decision,
    (payer, route): (Payer, Route),
    now: crate::domain::Timestamp,
) -> Payment {
    Payment {
        id,
        player: order.player.clone(),
        status: PaymentStatus::Deposit(DepositStatus::Processing),
        origin: Origin::Request,
        money: order.money,
        fee: None,
        country: country.to_owned(),
        method: order.method,
        reference: order.reference.clone(),
        return_url: Some(order.return_url.clone()),
        payer: payer.into(),
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
        instrument: order.instrument.clone(),
        parts: Vec::new(),
        attempts: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}
