//! In which order accounts are asked, and when one is left alone for a while. What contradicts itself is
//! refused here, by name: a rule that cannot have its effect would be believed to have it.

use super::psps::{self, PspAccount};
use super::reader::Section;
use crate::screening::MarketPolicy;
use psp_contract::Currency;
use std::collections::BTreeSet;

mod scoring;
mod terms;

pub use scoring::Scoring;
pub use terms::Terms;

#[derive(Debug, Clone)]
pub struct Routing {
    /// Stands in each payment's `route.version`.
    pub version: String,
    pub routes: Vec<Route>,
    pub terms: Vec<Terms>,
    pub health: Health,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Deposit,
    Withdrawal,
}

impl Direction {
    fn read(section: &Section<'_>) -> Option<Self> {
        match section.text("direction").as_str() {
            "deposit" => Some(Direction::Deposit),
            "withdrawal" => Some(Direction::Withdrawal),
            _ => {
                section.fault("direction", "must be `deposit` or `withdrawal`");
                None
            }
        }
    }
}

/// The accounts for one kind of payment, best first.
#[derive(Debug, Clone)]
pub struct Route {
    pub direction: Direction,
    pub country: String,
    pub method: String,
    pub currency: Currency,
    /// Ids of PSP accounts.
    pub order: Vec<String>,
    /// None: in this order.
    pub scoring: Option<Scoring>,
    /// A player's first deposit goes to these before the others.
    pub first_deposit: Vec<String>,
}

/// When a PSP is believed to be ill.
#[derive(Debug, Clone, Copy)]
pub struct Health {
    /// So many of its own faults, with hardly a good answer between them.
    pub faults_to_trip: u32,
    /// So many calls that have waited longer than its answers ever take.
    pub silent_calls: u32,
}

impl Health {
    fn read(section: &Section<'_>) -> Self {
        if let Some(old) = section.opt_section("breaker") {
            old.forgive();
            let instead =
                "was replaced: set `faults_to_trip` and `silent_calls` in [routing.health]";
            section.fault("breaker", instead);
        }
        let health = section.section("health");
        Self {
            faults_to_trip: health.number("faults_to_trip", 2, 1_000),
            silent_calls: health.number("silent_calls", 3, 1_000),
        }
    }
}

impl Routing {
    pub(super) fn read(
        section: &Section<'_>,
        accounts: &[PspAccount],
        markets: &[MarketPolicy],
    ) -> Self {
        let mut seen = BTreeSet::new();
        let mut routes = Vec::new();
        for route in section.sections("routes") {
            let country = route.text("country");
            if !markets.iter().any(|known| known.market == country) {
                route.fault("country", format!("`{country}` has no policy"));
            }
            let Some(read) = Route::read(&route, accounts) else {
                continue;
            };
            let kind = (read.direction, read.country.clone(), read.method.clone(), read.currency);
            if !seen.insert(kind) {
                route.fault("", "is a second route for the same kind of payment");
            }
            routes.push(read);
        }
        let terms = terms::read(section, accounts, &routes);
        Self { version: section.text("version"), routes, terms, health: Health::read(section) }
    }
}

impl Route {
    fn read(section: &Section<'_>, accounts: &[PspAccount]) -> Option<Self> {
        let direction = Direction::read(section);
        let country = section.text("country");
        let method = psps::method(section, "method");
        let currency = section.parsed("currency", "a currency, `EUR`");
        let order = section.texts("order");
        if order.is_empty() {
            section.fault("order", "is empty: this kind of payment could go nowhere");
        }
        let (scoring, first_deposit) = scoring::read(section, &order, direction);
        let route = Self {
            direction: direction?,
            country,
            method,
            currency: currency?,
            order,
            scoring,
            first_deposit,
        };
        route.check_order(section, accounts);
        Some(route)
    }

    /// Whether each account is known, stands there once, and can carry this kind of payment.
    fn check_order(&self, section: &Section<'_>, accounts: &[PspAccount]) {
        let mut seen = BTreeSet::new();
        for id in &self.order {
            if !seen.insert(id) {
                section.fault("order", format!("`{id}` stands there twice"));
            }
            let Some(account) = accounts.iter().find(|account| account.id == *id) else {
                section.fault("order", format!("`{id}` is no PSP account"));
                continue;
            };
            let ranges = match self.direction {
                Direction::Deposit => &account.deposit,
                Direction::Withdrawal => &account.payout,
            };
            let carries = account.serves(&self.country, &self.method, self.currency)
                && ranges.contains_key(&self.currency);
            if !carries {
                section.fault("order", format!("`{id}` does not serve such payments"));
            }
        }
    }
}
