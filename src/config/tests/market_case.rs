//! A player of a market and what they did, decided by the pack that comes with the program.

use super::packs::{packs, player};
use crate::domain::{Currency, Direction, Instrument, Method, Money, Origin, Player, Timestamp};
use crate::screening::background::Background;
use crate::screening::calendar::Period;
use crate::screening::facts::Facts;
use crate::screening::gather::{self, Deposit, Setting, Withdrawal};
use crate::screening::hooks::{
    CheckFacts, FileAnswer, FileFacts, NameAnswer, NameFacts, RegisterAnswer, RegisterFacts,
    Standing,
};
use crate::screening::limits::Limit;
use crate::screening::movement::{Movement, UseState};
use crate::screening::rule::State;
use crate::screening::{Checkpoint, FxTable, Outcome, Policies, Screening, engine};
use psp_contract::CardFunding;
use rust_decimal::dec;
use std::collections::BTreeMap;
use time::macros::{date, datetime};
use time::{Date, Duration};
use uuid::Uuid;

pub(super) const NOW: Timestamp = datetime!(2026-11-25 12:00 UTC);
pub(super) const GROWN: Date = date!(1990 - 01 - 01);

/// A register, a file of limits and a matcher that were asked in time and know nothing.
pub(super) fn nothing_is_known_against(player: &Player, now: Timestamp) -> CheckFacts {
    let reference = "r-1".to_owned();
    let answer = RegisterAnswer { standing: Standing::NotExcluded, reference, answered_at: now };
    let room = FileAnswer { granted: true, reference: "f-1".to_owned(), remaining: None };
    let names = NameAnswer { hits: Vec::new(), version: "lists-1".to_owned(), asked_at: now };
    let file = FileFacts { file: "limit-file".to_owned(), found: Ok(room) };
    CheckFacts {
        register: Some(RegisterFacts { register: "register".to_owned(), found: Ok(answer) }),
        file: (player.country == "DE").then_some(file),
        names: vec![NameFacts { matcher: "matcher".to_owned(), found: Ok(names) }],
        kyc: None,
    }
}

/// A player's own limits, so high that none is met.
pub(super) fn limits(currency: Currency) -> Vec<Limit> {
    let limit = |period| Limit {
        period,
        money: Money::new(1_000_000_000_000, currency),
        effective_at: NOW - Duration::days(300),
        pending: None,
    };
    Period::ALL.map(limit).to_vec()
}

fn fx() -> FxTable {
    let rates = [
        (Currency::GBP, dec!(1.25)),
        (Currency::SEK, dec!(0.09)),
        (Currency::BRL, dec!(0.16)),
        (Currency::CAD, dec!(0.62)),
        (Currency::USDT, dec!(1)),
    ];
    FxTable {
        source: "test".to_owned(),
        date: date!(2026 - 11 - 24),
        eur_per_unit: BTreeMap::from(rates),
        age_max_days: None,
    }
}

/// A player of a market, what they did, and what is asked for now.
pub(super) struct Case {
    pub(super) player: Player,
    pub(super) limits: Vec<Limit>,
    pub(super) checks: CheckFacts,
    movements: Vec<Movement>,
    source: Option<Instrument>,
}

impl Case {
    pub(super) fn of(country: &str, currency: Currency) -> Self {
        let player = player(country, currency, GROWN);
        let checks = nothing_is_known_against(&player, NOW);
        let limits = limits(currency);
        Self { player, limits, checks, movements: Vec::new(), source: None }
    }

    pub(super) fn with_level(mut self, level: i16) -> Self {
        self.player.kyc.level = level;
        self
    }

    pub(super) fn born(mut self, born: Date) -> Self {
        self.player.date_of_birth = born;
        self
    }

    /// So much was deposited then and is in; a negative amount was withdrawn and is paid.
    pub(super) fn moved(mut self, units: i64, at: Timestamp) -> Self {
        let direction = if units < 0 { Direction::Withdrawal } else { Direction::Deposit };
        self.movements.push(Movement {
            payment: Uuid::from_u128(self.movements.len() as u128),
            direction,
            money: self.money(units.abs()),
            at,
            state: UseState::Counted,
            instrument: None,
            method: None,
        });
        self
    }

    pub(super) fn paid_by(mut self, tax_id: &str) -> Self {
        self.player.national_id = Some("52998224725".to_owned());
        let tax_id = Some(tax_id.to_owned());
        self.source = Some(Instrument { tax_id, ..Instrument::default() });
        self
    }

    /// A card has paid, and its PSP has told whose money it spends, or has not.
    pub(super) fn paid_by_card(mut self, funding: Option<CardFunding>) -> Self {
        self.source = Some(Instrument { funding, ..Instrument::default() });
        self
    }

    pub(super) fn money(&self, units: i64) -> Money {
        let scale = 10_i64.pow(self.player.currency.exponent());
        Money::new(units * scale, self.player.currency)
    }

    fn method(&self) -> Method {
        match self.player.currency {
            Currency::BRL => Method::Pix,
            Currency::USDT => Method::Crypto,
            Currency::CAD => Method::Interac,
            _ => Method::BankTransfer,
        }
    }

    pub(super) fn deposit(&self, units: i64, method: Method) -> Screening {
        let paid = self.source.is_some();
        let records = Deposit {
            checkpoint: if paid { Checkpoint::DepositPost } else { Checkpoint::DepositPre },
            player: Some(&self.player),
            payment: None,
            origin: Origin::Request,
            money: self.money(units),
            method,
            limits: &self.limits,
            movements: &self.movements,
            background: Background::NOTHING,
            source: self.source.as_ref(),
        };
        let (policies, fx) = (Policies::new(packs()), fx());
        self.screened(gather::deposit(&records, &Setting::new(&policies, &fx, NOW)), &policies)
    }

    pub(super) fn withdrawal(&self, units: i64) -> Screening {
        self.screened(self.withdrawal_facts(units), &Policies::new(packs()))
    }

    pub(super) fn withdrawal_facts(&self, units: i64) -> Facts {
        let records = Withdrawal {
            checkpoint: Checkpoint::WithdrawalRequest,
            origin: Origin::Request,
            player: Some(&self.player),
            money: self.money(units),
            method: self.method(),
            owed: &[],
            closed_loop: None,
            payment: None,
            asked_at: None,
            movements: &self.movements,
            background: Background::NOTHING,
            ends: &[],
        };
        let (policies, fx) = (Policies::new(packs()), fx());
        gather::withdrawal(&records, &Setting::new(&policies, &fx, NOW))
    }

    fn screened(&self, mut facts: Facts, policies: &Policies) -> Screening {
        facts.checks = self.checks.clone();
        engine::screen(policies, &facts)
    }

    /// A deposit of so much comes to this, for this reason.
    #[track_caller]
    pub(super) fn pays(&self, units: i64, outcome: Outcome, code: Option<&str>) {
        told(&self.deposit(units, self.method()), outcome, code);
    }

    /// Whether a rule finds something against a deposit of so much, on trial or not.
    #[track_caller]
    pub(super) fn rule_finds(&self, units: i64, rule: &str) -> bool {
        finds(&self.deposit(units, self.method()), rule)
    }
}

#[track_caller]
pub(super) fn told(screening: &Screening, outcome: Outcome, code: Option<&str>) {
    let codes: Vec<&str> = screening.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!((screening.outcome, codes.first().copied()), (outcome, code), "{codes:?}");
}

#[track_caller]
pub(super) fn finds(screening: &Screening, rule: &str) -> bool {
    let found: Vec<_> = screening.rules.iter().filter(|result| &*result.rule == rule).collect();
    assert!(!found.is_empty(), "{rule} is no rule here");
    found.iter().any(|result| matches!(result.state, State::Hit | State::Error))
}
