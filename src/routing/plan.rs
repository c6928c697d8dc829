//! The plan of one payment: the PSPs in the order in which they may be asked, and for each other
//! one why it is not among them. It is made once, kept with the payment, and shown.
//!
//! Hard filters come first, in this order: the operator's own accounts, what the account serves (country,
//! method, currency, amount), the instrument and the payer, what people switched off, the day's cap. What
//! remains is put in order by the route's strategy ([`super::score`]).

use super::health::Place;
use super::rules::{PspAccount, RoutingRules};
use super::score::{self, Asked};
use super::switches::{self, Switch, Use};
use crate::domain::{Currency, Direction, Method, Money, OperatorId, Timestamp};
use std::collections::BTreeMap;

/// Why an account is out that could pay this amount in this market, but not to this instrument.
pub const CANNOT_PAY: &str = "cannot pay this instrument";

/// What is to be routed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub operator: OperatorId,
    pub direction: Direction,
    /// ISO 3166 alpha-2 of the player's residence.
    pub country: String,
    pub method: Method,
    pub money: Money,
}

/// What has succeeded today (UTC) at each account, in minor units.
pub type Volumes = BTreeMap<(String, Direction, Currency), i64>;

/// What the player did before, as far as the route asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Habits {
    pub is_first_deposit: bool,
    /// The account at which the last payment of this kind succeeded.
    pub last_psp: Option<String>,
    /// The accounts at which this very instrument succeeded.
    pub seen_by: Vec<String>,
}

/// What the plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub rules: &'a RoutingRules,
    pub accounts: &'a [PspAccount],
    pub switches: &'a [Switch],
    pub volumes: &'a Volumes,
    pub habits: &'a Habits,
    pub now: Timestamp,
}

impl<'a> Known<'a> {
    const fn today(&self) -> Today<'a> {
        let Known { rules, switches, volumes, now, .. } = *self;
        Today { rules, switches, volumes, now }
    }
}

/// What people and agreements forbid at this moment, and what was carried today.
#[derive(Debug, Clone, Copy)]
pub struct Today<'a> {
    pub rules: &'a RoutingRules,
    pub switches: &'a [Switch],
    pub volumes: &'a Volumes,
    pub now: Timestamp,
}

/// What people and agreements leave of an account at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Room {
    /// Nothing: why, in the end of a plain sentence.
    Off(String),
    /// So much of the day's cap; less than nothing where it was exceeded.
    Left {
        minor: i64,
        cap: Money,
    },
    Open,
}

/// Why an account that could take a payment may not be asked for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    Off,
    /// What is left of its cap is less than it takes at once.
    Capped,
}

impl Room {
    /// What of an account's bounds for one payment may be used now.
    ///
    /// # Errors
    /// Nothing of them.
    pub fn within(&self, (least, most): (i64, i64)) -> Result<(i64, i64), Shut> {
        match self {
            Room::Off(_) => Err(Shut::Off),
            Room::Left { minor, .. } if *minor < least.max(1) => Err(Shut::Capped),
            Room::Left { minor, .. } => Ok((least, most.min(*minor))),
            Room::Open => Ok((least, most)),
        }
    }
}

/// The plan: ranked candidates first, by rank, then those that are out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Of the routing rules that made it.
    pub version: String,
    pub candidates: Vec<Candidate>,
}

impl Route {
    /// The PSPs that may be asked, best first.
    pub fn ranked(&self) -> impl Iterator<Item = &str> {
        self.candidates
            .iter()
            .filter(|candidate| candidate.rank.is_some())
            .map(|candidate| candidate.psp.as_str())
    }
}

/// One PSP account and what the plan says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub psp: String,
    /// 1 is asked first. None: it is not asked.
    pub rank: Option<u16>,
    pub reason: String,
}

/// Makes the plan. `rank` is the health of those that may be asked, which it is given in the order of the
/// route; `obstacle` why an account cannot carry this very payment, where it cannot: its instrument, or
/// what is not known of the payer.
pub fn plan(
    request: &Request,
    known: &Known<'_>,
    rank: impl FnOnce(&[&str]) -> Vec<Place>,
    obstacle: impl Fn(&str) -> Option<String>,
) -> Route {
    let Request { direction, country, method, money, .. } = request;
    let rule = known.rules.find(*direction, country, *method, money.currency);
    let order: &[String] = rule.map_or(&[], |rule| &rule.order);
    let own = |id: &str| {
        let mut accounts = known.accounts.iter();
        accounts.find(|account| account.id == id && account.serves_operator(&request.operator))
    };
    let (mut may, mut out) = (Vec::new(), Vec::new());
    for (position, account) in order.iter().filter_map(|id| own(id)).enumerate() {
        let refusal = refusal(request, account).or_else(|| obstacle(&account.id));
        match refusal.or_else(|| forbidden(request, &account.id, known)) {
            Some(reason) => out.push((account.id.as_str(), reason)),
            None => may.push(Asked { position, account }),
        }
    }
    let ids: Vec<&str> = may.iter().map(|asked| asked.account.id.as_str()).collect();
    let places = if ids.is_empty() { Vec::new() } else { rank(&ids) };
    out.extend(not_in_the_route(request, order, known.accounts));
    let ordered = match rule {
        Some(rule) => score::order(request, rule, known, &may, &places),
        None => Vec::new(),
    };
    let asked = ordered.into_iter().zip(1_u16..);
    let asked = asked.map(|((psp, reason), rank)| candidate(psp, Some(rank), reason));
    let out = out.into_iter().map(|(psp, reason)| candidate(psp, None, reason));
    Route { version: known.rules.version.clone(), candidates: asked.chain(out).collect() }
}

fn refusal(request: &Request, account: &PspAccount) -> Option<String> {
    account.refusal(request.direction, &request.country, request.method, request.money)
}

/// What people or agreements forbid now, although the account could do it.
fn forbidden(request: &Request, psp: &str, known: &Known<'_>) -> Option<String> {
    let asked = Use {
        operator: &request.operator,
        psp,
        country: &request.country,
        direction: request.direction,
        method: request.method,
    };
    match room(&asked, request.money.currency, &known.today()) {
        Room::Off(why) => Some(why),
        Room::Left { minor, cap } if minor < request.money.minor => {
            Some(format!("would go beyond its cap of {cap} a day"))
        }
        Room::Left { .. } | Room::Open => None,
    }
}

/// What people and agreements leave of an account now. Whoever offers or shares out what a plan is made for
/// later asks the same question, or the plan would refuse it.
pub fn room(asked: &Use<'_>, currency: Currency, today: &Today<'_>) -> Room {
    if let Some(switch) = switches::forbidding(today.switches, asked, today.now) {
        return Room::Off(switch.text());
    }
    let terms = today.rules.terms(asked.psp, asked.direction, currency);
    let Some(cap) = terms.and_then(|terms| terms.cap_minor) else { return Room::Open };
    let carried = today.volumes.get(&(asked.psp.to_owned(), asked.direction, currency));
    let minor = cap.saturating_sub(carried.copied().unwrap_or(0));
    Room::Left { minor, cap: Money::new(cap, currency) }
}

/// The operator's accounts that could take it and that no route names: most likely an oversight,
/// so it is shown rather than passed over.
fn not_in_the_route<'a>(
    request: &'a Request,
    order: &'a [String],
    accounts: &'a [PspAccount],
) -> impl Iterator<Item = (&'a str, String)> {
    accounts
        .iter()
        .filter(|account| account.serves_operator(&request.operator))
        .filter(|account| !order.contains(&account.id))
        .filter(|account| refusal(request, account).is_none())
        .map(|account| {
            let Request { country, method, money, .. } = request;
            let reason = format!("not in the route of {country} {method} {}", money.currency);
            (account.id.as_str(), reason)
        })
}

fn candidate(psp: &str, rank: Option<u16>, reason: String) -> Candidate {
    Candidate { psp: psp.to_owned(), rank, reason }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
