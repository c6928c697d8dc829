//! What was agreed with accounts: the most that one may carry in a day, and what was promised to it.

use super::super::psps::{self, PspAccount};
use super::super::reader::Section;
use super::{Direction, Route};
use psp_contract::{Currency, Money};
use std::collections::BTreeSet;

/// One account's agreement for one direction and currency.
#[derive(Debug, Clone)]
pub struct Terms {
    pub psp: String,
    pub direction: Direction,
    pub currency: Currency,
    /// The most that is to succeed there in a day (UTC).
    pub daily_cap: Option<Money>,
    /// What was promised to succeed there in a day.
    pub daily_commitment: Option<Money>,
}

/// The agreements, each checked against its account, against itself and against the routes.
pub(super) fn read(section: &Section<'_>, accounts: &[PspAccount], routes: &[Route]) -> Vec<Terms> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for one in section.sections("terms") {
        let Some(terms) = Terms::read(&one) else { continue };
        if !seen.insert((terms.psp.clone(), terms.direction, terms.currency)) {
            one.fault("", "is a second agreement for the same account, direction and currency");
        }
        terms.check(&one, accounts, routes);
        all.push(terms);
    }
    all
}

impl Terms {
    fn read(section: &Section<'_>) -> Option<Self> {
        let psp = section.text("psp");
        let direction = Direction::read(section);
        let currency: Option<Currency> = section.parsed("currency", "a currency, `EUR`");
        let money = |key: &str| {
            let currency = currency.filter(|_| section.has(key))?;
            Some(psps::money(section, key, currency))
        };
        let (daily_cap, daily_commitment) = (money("daily_cap"), money("daily_commitment"));
        if daily_cap.is_none() && daily_commitment.is_none() && currency.is_some() {
            section.fault("", "says nothing: set daily_cap, daily_commitment or both");
        }
        let (direction, currency) = (direction?, currency?);
        Some(Self { psp, direction, currency, daily_cap, daily_commitment })
    }

    fn check(&self, section: &Section<'_>, accounts: &[PspAccount], routes: &[Route]) {
        let Some(account) = accounts.iter().find(|account| account.id == self.psp) else {
            section.fault("psp", format!("`{}` is no PSP account", self.psp));
            return;
        };
        let ranges = match self.direction {
            Direction::Deposit => &account.deposit,
            Direction::Withdrawal => &account.payout,
        };
        let Some(range) = ranges.get(&self.currency) else {
            section.fault("psp", format!("`{}` carries no such payments", self.psp));
            return;
        };
        if let (Some(cap), Some(promised)) = (self.daily_cap, self.daily_commitment)
            && cap.minor < promised.minor
        {
            section.fault("daily_commitment", format!("is more than daily_cap allows, {cap}"));
        }
        if let Some(cap) = self.daily_cap.filter(|cap| cap.minor < range.min.minor) {
            let why =
                format!("{cap} is less than one payment there, {}: nothing would go", range.min);
            section.fault("daily_cap", why);
        }
        if self.daily_commitment.is_some() {
            self.check_commitment(section, routes);
        }
    }

    /// A promise that no route can keep is none.
    fn check_commitment(&self, section: &Section<'_>, routes: &[Route]) {
        let mine = routes.iter().filter(|route| {
            route.direction == self.direction
                && route.currency == self.currency
                && route.order.contains(&self.psp)
        });
        let keeps = |route: &&Route| {
            let Some(scoring) = &route.scoring else {
                return route.order.first() == Some(&self.psp);
            };
            let priority = |id: &String| scoring.priority.get(id).copied().unwrap_or(1);
            let best = route.order.iter().map(priority).min();
            0 < scoring.commitment_bps && Some(priority(&self.psp)) == best
        };
        if !mine.clone().any(|route| keeps(&route)) {
            let why = format!(
                "no route can keep it: `{}` must come first in a ranked route, or stand in an adaptive one \
                 with the best priority and with commitment_bps",
                self.psp
            );
            section.fault("daily_commitment", why);
        }
    }
}
