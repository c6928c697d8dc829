//! In which order accounts are asked, and when one is left alone for a while.

use super::markets::MarketPolicy;
use super::psps::{self, PspAccount};
use super::reader::Section;
use super::sections::millis;
use psp_contract::Currency;
use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Routing {
    /// Stands in each payment's `route.version`.
    pub version: String,
    pub routes: Vec<Route>,
    pub breaker: Breaker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Deposit,
    Withdrawal,
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
}

#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    /// So many faults of the PSP in a row open it.
    pub consecutive_failures: u32,
    /// How long it stays open before one payment may try again.
    pub open: Duration,
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
        let breaker = section.section("breaker");
        Self {
            version: section.text("version"),
            routes,
            breaker: Breaker {
                consecutive_failures: breaker.number("consecutive_failures", 1, 1_000),
                open: millis(&breaker, "open_ms", 3_600_000),
            },
        }
    }
}

impl Route {
    fn read(section: &Section<'_>, accounts: &[PspAccount]) -> Option<Self> {
        let direction = match section.text("direction").as_str() {
            "deposit" => Some(Direction::Deposit),
            "withdrawal" => Some(Direction::Withdrawal),
            _ => {
                section.fault("direction", "must be `deposit` or `withdrawal`");
                None
            }
        };
        let country = section.text("country");
        let method = psps::method(section, "method");
        let currency = section.parsed("currency", "a currency, `EUR`");
        let order = section.texts("order");
        if order.is_empty() {
            section.fault("order", "is empty: this kind of payment could go nowhere");
        }
        let route = Self { direction: direction?, country, method, currency: currency?, order };
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
