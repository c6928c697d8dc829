//! What the tests of rules have in common: one rule more than the policy of the tests, and a player.

use crate::domain::{Currency, Direction, Instrument, Method, Money, Origin, Player, Timestamp};
use crate::screening::attestation::{Attestation, AttestationKind, AttestationTerms};
use crate::screening::background::{Background, End, Turnover};
use crate::screening::facts::Facts;
use crate::screening::gather::{self, Deposit, Setting, Withdrawal};
use crate::screening::limits::Limit;
use crate::screening::movement::Movement;
use crate::screening::rule::State;
use crate::screening::test_data::{NOW, POLICY, fx, player};
use crate::screening::{Checkpoint, MarketPolicy, Policies, Screening, engine, file};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// The policy of the tests with one rule more, in Stockholm.
pub fn policy(rule: &str) -> MarketPolicy {
    let more = "effect = \"review\"\nsource = \"test\"\nsource_date = \"2026-01-01\"";
    let calendar = "[calendar]\nzone = \"Europe/Stockholm\"\nsource = \"test\"\n\
                    source_date = \"2026-01-01\"";
    let text = format!("{POLICY}\n{calendar}\n[[rules]]\n{rule}\n{more}\n");
    // A table after the rules would be one of the last rule's: it goes before the first.
    let (head, rules) = text.split_once("[[rules]]").expect("the policy has rules");
    let rules = rules.replace(calendar, "");
    let text = format!("{head}{calendar}\n\n[[rules]]{rules}");
    file::read("2026-01.toml", &text).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
}

/// A player, what they moved, and what else is known of them.
pub struct Case {
    pub policies: Policies,
    pub player: Player,
    pub limits: Vec<Limit>,
    pub movements: Vec<Movement>,
    pub background: Background,
    pub method: Method,
    pub source: Option<Instrument>,
    pub ends: Vec<End>,
    pub now: Timestamp,
    pub asked_at: Option<Timestamp>,
}

impl Case {
    pub fn new(rule: &str) -> Self {
        let policies = Policies::new(vec![policy(rule)]);
        Self {
            policies,
            player: player(),
            limits: Vec::new(),
            movements: Vec::new(),
            background: Background::default(),
            method: Method::BankTransfer,
            source: None,
            ends: Vec::new(),
            now: NOW,
            asked_at: None,
        }
    }

    pub fn facts(&self, checkpoint: Checkpoint, minor: i64, payment: Option<Uuid>) -> Facts {
        let (table, player) = (fx(), Some(&self.player));
        let setting = Setting::new(&self.policies, &table, self.now);
        let (origin, method) = (Origin::Request, self.method);
        let (money, movements) = (Money::new(minor, Currency::EUR), self.movements.as_slice());
        if checkpoint.direction() == Some(Direction::Withdrawal) {
            let owed = &[];
            return gather::withdrawal(
                &Withdrawal {
                    checkpoint,
                    origin,
                    player,
                    money,
                    method,
                    owed,
                    payment,
                    asked_at: self.asked_at,
                    movements,
                    background: &self.background,
                    ends: &self.ends,
                    closed_loop: None,
                },
                &setting,
            );
        }
        let limits = self.limits.as_slice();
        let source = self.source.as_ref();
        gather::deposit(
            &Deposit {
                checkpoint,
                player,
                payment,
                origin,
                money,
                method,
                limits,
                movements,
                background: &self.background,
                source,
            },
            &setting,
        )
    }

    pub fn screened(&self, checkpoint: Checkpoint, minor: i64, payment: Option<Uuid>) -> Screening {
        engine::screen(&self.policies, &self.facts(checkpoint, minor, payment))
    }

    /// The rule's findings for a payment of so many cents: state, observed and threshold.
    #[track_caller]
    pub fn check(&self, checkpoint: Checkpoint, minor: i64, expected: &[(State, &str, &str)]) {
        self.check_own(checkpoint, minor, None, expected);
    }

    #[track_caller]
    pub fn check_own(
        &self,
        checkpoint: Checkpoint,
        minor: i64,
        payment: Option<Uuid>,
        expected: &[(State, &str, &str)],
    ) {
        let screening = self.screened(checkpoint, minor, payment);
        let last = self.policies.all()[0].rules.last().expect("the policy has rules").number;
        let of_rule = screening.rules.iter().filter(|result| result.number == last);
        let found: Vec<(State, &str, &str)> =
            of_rule.map(|result| (result.state, &*result.observed, &*result.threshold)).collect();
        assert_eq!(found, expected);
    }
}

pub fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3_600)
}

/// What two people vouch for.
pub fn vouched(
    number: u128,
    kind: AttestationKind,
    amount: Option<Money>,
    given_at: Timestamp,
) -> Attestation {
    let reference = "file 7".to_owned();
    let terms = AttestationTerms { kind, reference, amount, valid_until: None };
    Attestation { id: Uuid::from_u128(number), terms, given_at, review: Uuid::nil() }
}

/// Cents that were staked in the last days.
pub fn eur_turnover(days: u64, minor: i64) -> Vec<Turnover> {
    let sums = BTreeMap::from([(Currency::EUR, minor)]);
    vec![Turnover { since: NOW - hours(24 * days), sums }]
}
