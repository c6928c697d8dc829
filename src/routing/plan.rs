//! The plan of one payment: the PSPs in the order in which they may be asked, and for each other
//! one why it is not among them. It is made once, kept with the payment, and shown.

use super::breaker::Permit;
use super::rules::{PspAccount, RoutingRules};
use crate::domain::{Direction, Method, Money, OperatorId};

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

/// Makes the plan. `permit` is what the breaker of a PSP account says now; `obstacle` why the account
/// cannot carry this very payment, where it cannot: its instrument, or what is not known of the payer.
pub fn plan(
    request: &Request,
    rules: &RoutingRules,
    accounts: &[PspAccount],
    permit: impl Fn(&str) -> Permit,
    obstacle: impl Fn(&str) -> Option<String>,
) -> Route {
    let rule =
        rules.find(request.direction, &request.country, request.method, request.money.currency);
    let order: &[String] = rule.map_or(&[], |rule| &rule.order);
    let own = |id: &str| {
        accounts
            .iter()
            .find(|account| account.id == id && account.serves_operator(&request.operator))
    };
    let (mut healthy, mut ill, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for (position, account) in order.iter().filter_map(|id| own(id)).enumerate() {
        let id = account.id.as_str();
        match refusal(request, account).or_else(|| obstacle(id)) {
            Some(reason) => out.push((id, reason)),
            None => match permit(id) {
                Permit::Yes => healthy.push((id, place(position))),
                Permit::Probe => {
                    let reason = format!("{}; recovering: one payment tries it", place(position));
                    healthy.push((id, reason));
                }
                Permit::No => ill.push((id, "its breaker is open: asked last".to_owned())),
            },
        }
    }
    out.extend(not_in_the_route(request, order, accounts));
    let asked = healthy.into_iter().chain(ill).zip(1_u16..);
    let asked = asked.map(|((psp, reason), rank)| candidate(psp, Some(rank), reason));
    let out = out.into_iter().map(|(psp, reason)| candidate(psp, None, reason));
    Route { version: rules.version.clone(), candidates: asked.chain(out).collect() }
}

fn refusal(request: &Request, account: &PspAccount) -> Option<String> {
    account.refusal(request.direction, &request.country, request.method, request.money)
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

fn place(position: usize) -> String {
    match position {
        0 => "first choice of the route".to_owned(),
        1 => "second choice of the route".to_owned(),
        2 => "third choice of the route".to_owned(),
        more => format!("choice {} of the route", more + 1),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
