//! A withdrawal is taken apart: where each share goes, and by which PSPs.
//!
//! Without a destination the closed loop decides: each source up to its net deposit, and what is beyond
//! to an account that is known to be the player's. A share is paid by the method that its source paid in
//! with, whatever method was asked for, and has a plan of its own: another PSP may take it over only when
//! it pays the same instrument.

use super::name_destination::name_destination;
use super::name_obstacle::{self, Obstacle as OfPsp};
use super::request_withdrawal::{
    DestinationError, DestinationOrder, RequestError, WithdrawalOrder,
};
use super::start_deposit::{StartError, missing_field};
use crate::domain::{Currency, Direction, Instrument, Method, Money, Player};
use crate::flows::Flows;
use crate::payments::facts::payer_of;
use crate::routing::ask_habits::{Occasion, ask_habits};
use crate::routing::make_plan::{make_plan, room_of};
use crate::routing::plan::{self, Candidate, Route, Shut};
use crate::routing::rules::PspAccount;
use crate::routing::switches::Use;
use crate::screening::attestation::Attestation;
use crate::screening::closed_loop::{Beyond, Bounds, Obstacle, Place, Terms};
use crate::screening::exceptions::{Exceptions, is_known};
use crate::screening::payer;
use crate::screening::sources::{Fate, Source, is_same};
use crate::screening::split::{KnownSource, Split, Wanted};
use crate::store::read_payee::PayeeFacts;
use crate::store::{StoreError, attestations};
use psp_contract::Payer;

/// A withdrawal's parts, and what they were shared out by.
#[derive(Debug)]
pub struct Planned {
    pub parts: Vec<PlannedPart>,
    pub split: Split,
}

/// A share with its plan.
#[derive(Debug)]
pub struct PlannedPart {
    pub money: Money,
    pub instrument: Instrument,
    pub method: Method,
    pub route: Route,
}

/// Plans the parts of a withdrawal.
///
/// # Errors
/// There is no destination, or nobody can pay it.
pub async fn plan_parts(
    flows: &Flows,
    order: &WithdrawalOrder,
    known: &PayeeFacts,
) -> Result<Planned, RequestError> {
    let payout = |source: &Source| {
        if !source.is_named() {
            return Err(Obstacle::Nameless);
        }
        payable_bounds(flows, order, &known.player, &source.instrument, source.method)
    };
    let (currency, now) = (order.money.currency, flows.clock.now());
    let mut split = Split::new(&known.history, terms(flows, &known.player), payout);
    let vouched = vouched(flows, order, &split).await?;
    split.except(Exceptions::of(currency, &vouched), now);
    let shares = match &order.destination {
        DestinationOrder::ClosedLoop => {
            split.wanted = beyond(flows, order, known, &split.sources);
            shares_back(order, &split)?
        }
        named => {
            let instrument = name_destination(flows, order, &known.player, named).await?;
            let sources: Vec<&Source> = split.sources.iter().map(|known| &known.source).collect();
            let is_known = is_known(&instrument, &known.history, &sources, &vouched, now);
            let whose = payer::whose(&instrument, &known.player);
            split.wanted = Wanted::Named { to: instrument.clone(), is_known, whose };
            vec![(order.money, instrument, order.method)]
        }
    };
    let mut parts = Vec::with_capacity(shares.len());
    for (money, instrument, method) in shares {
        let route = planned(flows, order, known, (money, &instrument, method)).await?;
        parts.push(PlannedPart { money, instrument, method, route });
    }
    Ok(Planned { parts, split })
}

/// What people vouch for, where it can matter: a source with money of its own cannot be paid, or is
/// passed over by a destination that was named. Of all others nobody asks the database.
async fn vouched(
    flows: &Flows,
    order: &WithdrawalOrder,
    split: &Split,
) -> Result<Vec<Attestation>, StoreError> {
    let is_named = !matches!(order.destination, DestinationOrder::ClosedLoop);
    let stranded =
        |known: &KnownSource| 0 < known.source.net_minor() && (is_named || known.payout.is_err());
    if !split.sources.iter().any(stranded) {
        return Ok(Vec::new());
    }
    attestations::of_player(flows.db.pool(), &order.player).await
}

fn terms(flows: &Flows, player: &Player) -> Terms {
    let policies = flows.policies.current();
    let policy = policies.in_force(&player.country, flows.clock.now());
    policy.map_or_else(Terms::default, |policy| policy.closed_loop)
}

type PartShare = (Money, Instrument, Method);

fn shares_back(order: &WithdrawalOrder, split: &Split) -> Result<Vec<PartShare>, RequestError> {
    let Wanted::Back { elsewhere, .. } = &split.wanted else { return Ok(Vec::new()) };
    if split.sources.is_empty() && elsewhere.is_none() {
        return Err(DestinationError::NoSource.into());
    }
    let shared = split.shares(order.money.minor).ok_or_else(|| no_way_back(order, split))?;
    let shares = shared.shares.iter().filter_map(|share| {
        let money = Money::new(share.minor, order.money.currency);
        match share.place {
            Place::Source(at) => {
                let source = &split.sources.get(at)?.source;
                Some((money, source.instrument.clone(), source.method))
            }
            Place::Elsewhere => Some((money, elsewhere.clone()?, order.method)),
        }
    });
    Ok(shares.collect())
}

/// Why nothing of it can go back to where deposits came from.
fn no_way_back(order: &WithdrawalOrder, split: &Split) -> DestinationError {
    let least = split.sources.iter().filter_map(|known| known.payout.ok()).map(|it| it.least).min();
    let untold = |known: &KnownSource| known.payout == Err(Obstacle::Nameless);
    match least {
        Some(least) if order.money.minor < least => {
            DestinationError::TooLittle(Money::new(least, order.money.currency))
        }
        None if !split.sources.is_empty() && split.sources.iter().all(untold) => {
            DestinationError::PayerUntold
        }
        _ => DestinationError::NoWayBack,
    }
}

/// Where money goes that is beyond the net deposits: to the newest source that is an account and no card,
/// then to an account that was paid before, then to the newest
/// source of any kind. (A payout beyond what a card paid in is not every acquirer's.)
fn beyond(
    flows: &Flows,
    order: &WithdrawalOrder,
    known: &PayeeFacts,
    sources: &[KnownSource],
) -> Wanted {
    let payable = sources.iter().enumerate().filter(|(_, known)| known.payout.is_ok());
    let newest = |accounts_only: bool| {
        let fits = payable
            .clone()
            .filter(|(_, known)| !accounts_only || known.source.method != Method::Card);
        fits.max_by_key(|(_, known)| known.source.last_at).map(|(at, _)| Beyond::Source(at))
    };
    if let Some(account) = newest(true) {
        return Wanted::Back { beyond: Some(account), elsewhere: None };
    }
    let (player, mut paid) = (&known.player, known.history.paid_out.iter().collect::<Vec<_>>());
    paid.sort_by_key(|part| std::cmp::Reverse((part.at, part.payment)));
    for part in paid {
        let is_source = sources.iter().any(|s| is_same(&s.source.instrument, &part.to));
        let is_account = part.method != Method::Card && part.method == order.method;
        if part.fate != Fate::Paid || is_source || !is_account {
            continue;
        }
        if let Ok(bounds) = payable_bounds(flows, order, player, &part.to, order.method) {
            let elsewhere = Some(part.to.clone());
            return Wanted::Back { beyond: Some(Beyond::Elsewhere(bounds)), elsewhere };
        }
    }
    Wanted::Back { beyond: newest(false), elsewhere: None }
}

/// The least and the most that the accounts of the route pay at once to an instrument, within what is left of
/// their caps for the day.
fn payable_bounds(
    flows: &Flows,
    order: &WithdrawalOrder,
    player: &Player,
    instrument: &Instrument,
    method: Method,
) -> Result<Bounds, Obstacle> {
    let currency = order.money.currency;
    let payer = payer_of(player, None);
    let route = flows.routing.find(Direction::Withdrawal, &player.country, method, currency);
    let named = route.map(|route| route.order.as_slice()).unwrap_or_default();
    let mut found: Option<Bounds> = None;
    let mut why = Obstacle::NoProvider;
    for account in named.iter().filter_map(|id| flows.accounts.iter().find(|a| a.id == *id)) {
        let Some(bounds) = pays(flows, account, &payer, instrument, currency) else { continue };
        if !account.serves_operator(&order.player.operator) {
            continue;
        }
        let asked = Use {
            operator: &order.player.operator,
            psp: &account.id,
            country: &player.country,
            direction: Direction::Withdrawal,
            method,
        };
        let room = room_of(flows, &asked, currency);
        let (least, most) = match room.within((bounds.least, bounds.most)) {
            Ok(left) => left,
            Err(Shut::Off) => {
                why = Obstacle::SwitchedOff;
                continue;
            }
            Err(Shut::Capped) => {
                why = Obstacle::Capped;
                continue;
            }
        };
        let bounds = Bounds { least, most };
        found = Some(found.map_or(bounds, |so_far| Bounds {
            least: so_far.least.min(bounds.least),
            most: so_far.most.max(bounds.most),
        }));
    }
    found.ok_or(why)
}

/// What an account pays at once to an instrument, where it pays it at all. A field that the player's
/// record lacks does not make a source unpayable: the casino is told to give it.
fn pays(
    flows: &Flows,
    account: &PspAccount,
    payer: &Payer,
    instrument: &Instrument,
    currency: Currency,
) -> Option<Bounds> {
    let bounds = account.payouts.as_ref()?;
    let obstacle = name_obstacle::of_payout(flows, &account.id, payer, instrument, currency);
    if obstacle.is_some_and(|obstacle| obstacle.field().is_none()) {
        return None;
    }
    if !account.currencies.contains(&currency) {
        return None;
    }
    let (least, most) = bounds.get(&currency).copied()?;
    Some(Bounds { least, most })
}

async fn planned(
    flows: &Flows,
    order: &WithdrawalOrder,
    known: &PayeeFacts,
    (money, instrument, method): (Money, &Instrument, Method),
) -> Result<Route, RequestError> {
    let (player, currency) = (&known.player, money.currency);
    let occasion = Occasion {
        direction: Direction::Withdrawal,
        country: &player.country,
        method,
        currency,
        token: None,
    };
    let mut habits = ask_habits(flows, &order.player, occasion).await?;
    // Whoever has a token of its own for the instrument has seen it.
    habits.seen_by = instrument.tokens.keys().cloned().collect();
    let request = plan::Request {
        operator: order.player.operator.clone(),
        direction: Direction::Withdrawal,
        country: player.country.clone(),
        method,
        money,
    };
    let payer = payer_of(player, None);
    let obstacle = |psp: &str| name_obstacle::of_payout(flows, psp, &payer, instrument, currency);
    let told = |psp: &str| obstacle(psp).map(OfPsp::text);
    let route = make_plan(flows, &request, &habits, told);
    if let Some(field) = missing_field(&route, obstacle) {
        return Err(StartError::FieldMissing(field).into());
    }
    if route.ranked().next().is_none() {
        let bounds = payable_bounds(flows, order, player, instrument, method);
        return Err(unpayable(order, money, bounds.ok()).into());
    }
    Ok(route)
}

/// Why nobody can pay a share, by what could be paid there.
fn unpayable(order: &WithdrawalOrder, money: Money, bounds: Option<Bounds>) -> DestinationError {
    let of = |minor| Money::new(minor, money.currency);
    match bounds {
        Some(Bounds { least, .. }) if money.minor < least => DestinationError::TooLittle(of(least)),
        Some(Bounds { most, .. }) if most < money.minor => DestinationError::TooMuch(of(most)),
        _ if matches!(order.destination, DestinationOrder::ClosedLoop) => {
            DestinationError::NoWayBack
        }
        _ => DestinationError::NotPayable,
    }
}

/// The plans of all parts as one, to be shown: each PSP once, in the order of the parts that ask it.
pub fn shown(parts: &[PlannedPart]) -> Route {
    let [first, others @ ..] = parts else {
        return Route { version: String::new(), candidates: Vec::new() };
    };
    if others.is_empty() {
        return first.route.clone();
    }
    let mut asked: Vec<Candidate> = Vec::new();
    let mut out: Vec<Candidate> = Vec::new();
    for (part, number) in parts.iter().zip(1_u16..) {
        for candidate in &part.route.candidates {
            let list = if candidate.rank.is_some() { &mut asked } else { &mut out };
            let reason = format!("part {number}: {}", candidate.reason);
            match list.iter_mut().find(|known| known.psp == candidate.psp) {
                Some(known) => known.reason = format!("{}; {reason}", known.reason),
                None => list.push(Candidate { reason, ..candidate.clone() }),
            }
        }
    }
    for (candidate, rank) in asked.iter_mut().zip(1_u16..) {
        candidate.rank = Some(rank);
    }
    out.retain(|candidate| asked.iter().all(|other| other.psp != candidate.psp));
    Route {
        version: first.route.version.clone(),
        candidates: asked.into_iter().chain(out).collect(),
    }
}
