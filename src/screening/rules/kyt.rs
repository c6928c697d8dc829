//! What blockchain analytics say of money that came over a chain, or is to go over one.
//!
//! Each state of an answer has a row of its own: severe risk (the rule's effect), high and medium risk, no
//! score, an answer that cannot be used, and none in time. None of the last three may be an approval. A
//! category may have rows besides, by exposure and amount; the worst of all rows counts.
//!
//! A rule with `max_age_s` looks at a withdrawal once more before it is sent. An answer that is older than
//! that is none. A newer one stands, and what it says counts, unless two people have let the withdrawal go
//! since: they had read it.

use super::rfc3339;
use crate::domain::{Audience, Currency, Method, Money};
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Awaits, Check, Finding, RuleResult, State, Words};
use crate::screening::signals::{Hook, Risk, Signal, VendorResult, VendorState};
use crate::screening::{Checkpoint, Outcome};
use time::Duration;

/// The longest that a payment may wait for a vendor: a day.
const DEADLINE_S_MAX: i64 = 86_400;

/// The oldest that an answer may be when money leaves: a month.
const MAX_AGE_S_MAX: i64 = 31 * 86_400;

#[derive(Debug)]
pub struct Kyt {
    hook: Hook,
    deadline_s: i64,
    on_error: Outcome,
    on_timeout: Outcome,
    no_score: Outcome,
    high: Outcome,
    medium: Outcome,
    low: Outcome,
    rows: Vec<Row>,
    /// How old an answer may be when the money leaves. None: it is not looked at then.
    max_age: Option<Duration>,
}

/// One row by category.
#[derive(Debug)]
struct Row {
    category: String,
    /// None: direct or not.
    direct: Option<bool>,
    /// From this worth on; a signal without an amount is never small.
    from_usd: Option<Money>,
    outcome: Outcome,
}

impl Row {
    fn read(table: &Table<'_>) -> Self {
        let exposure = |text: &str| match text {
            "direct" => Some(Some(true)),
            "indirect" => Some(Some(false)),
            "any" => Some(None),
            _ => None,
        };
        let direct = table.opt_word("exposure", exposure, "direct, indirect or any");
        if !table.has("exposure") {
            table.fault("exposure", "is missing: direct, indirect or any");
        }
        let from_usd = table.has("from_usd").then(|| table.money("from_usd", Currency::USD));
        Self {
            category: table.text("category"),
            direct: direct.flatten(),
            from_usd,
            outcome: outcome(table, "outcome", Outcome::Approve),
        }
    }

    fn fits(&self, signal: &Signal, all: &[Signal]) -> bool {
        let grown = match self.from_usd {
            Some(from) => self.amount(signal, all, from.currency).is_none_or(|it| from.minor <= it),
            None => true,
        };
        self.category == signal.category && self.is_exposed(signal) && grown
    }

    /// What a vendor does not say is read as the worse.
    fn is_exposed(&self, signal: &Signal) -> bool {
        self.direct.is_none() || signal.direct.is_none() || self.direct == signal.direct
    }

    /// What counts for this row, in minor units: all that one rule of the vendor's found of one kind, though it is
    /// told in shares by exposure. None: it is not told.
    fn amount(&self, signal: &Signal, all: &[Signal], currency: Currency) -> Option<i64> {
        let minor = |it: &Signal| it.amount.filter(|it| it.currency == currency).map(|it| it.minor);
        if signal.direct.is_none() || signal.rule_ref.is_none() {
            return minor(signal);
        }
        let is_same = |it: &Signal| (&it.code, &it.rule_ref) == (&signal.code, &signal.rule_ref);
        let counts = all.iter().filter(|it| is_same(it) && self.is_exposed(it));
        counts.map(minor).try_fold(0_i64, |sum, share| Some(sum.saturating_add(share?)))
    }
}

/// An outcome that must be told, and not below `least`.
fn outcome(table: &Table<'_>, key: &str, least: Outcome) -> Outcome {
    let told = table.opt_word(key, Outcome::parse, "approve, review, hold or deny");
    if !table.has(key) {
        table.fault(key, "is missing: review, hold or deny");
    }
    match told {
        Some(told) if least <= told => told,
        Some(_) => {
            table.fault(key, "is approve, which a missing answer never means");
            Outcome::Deny
        }
        None => Outcome::Deny,
    }
}

fn max_age(hook: Hook, table: &Table<'_>, deadline_s: i64) -> Option<Duration> {
    if hook != Hook::KytWithdrawal {
        return None;
    }
    let max_age_s = table.opt_number("max_age_s", 60, MAX_AGE_S_MAX)?;
    if max_age_s <= deadline_s {
        table.fault("max_age_s", "must be more than deadline_s: the first answer may not age while it waits for the last");
    }
    Some(Duration::seconds(max_age_s))
}

impl Kyt {
    pub fn read(hook: Hook, table: &Table<'_>) -> Self {
        let strict = |key: &str| outcome(table, key, Outcome::Review);
        let free = |key: &str| outcome(table, key, Outcome::Approve);
        let deadline_s = table.number("deadline_s", 1, DEADLINE_S_MAX);
        Self {
            hook,
            max_age: max_age(hook, table, deadline_s),
            deadline_s,
            on_error: strict("on_error"),
            on_timeout: strict("on_timeout"),
            no_score: strict("no_score"),
            high: free("high"),
            medium: free("medium"),
            low: free("low"),
            rows: table.tables("categories").iter().map(Row::read).collect(),
        }
    }

    /// Whether it runs before the payout too.
    pub const fn looks_again(&self) -> bool {
        self.max_age.is_some()
    }

    fn is_stale(&self, result: &VendorResult, facts: &Facts) -> bool {
        self.max_age.is_some_and(|most| most < facts.screened_at - result.received_at)
    }

    /// What an answer comes to when the money is about to leave.
    fn before_payout(&self, result: &VendorResult, facts: &Facts) -> Finding {
        let VendorResult { vendor, received_at, .. } = result;
        if self.is_stale(result, facts) {
            let old = format!("{vendor}: the answer of {} is too old", rfc3339(*received_at));
            return Finding::error(old, "an answer").with_effect(self.on_timeout);
        }
        let found = self.of_result(result);
        match facts.let_go_at.filter(|let_go_at| *received_at <= *let_go_at) {
            Some(let_go_at) if found.state != State::NoHit => {
                let seen =
                    format!("{}; two people let it go at {}", found.observed, rfc3339(let_go_at));
                Finding::new(false, seen, found.threshold)
            }
            _ => found,
        }
    }

    /// Whether a vendor is asked anew before the money leaves.
    fn is_wanted_anew(&self, result: &VendorResult, facts: &Facts) -> bool {
        let was_seen = facts.let_go_at.is_some_and(|let_go_at| result.received_at <= let_go_at);
        let no_answer = result.state != VendorState::Final && !was_seen;
        self.is_stale(result, facts) || no_answer
    }

    fn of_result(&self, result: &VendorResult) -> Finding {
        let told = |text: &str| format!("{}: {text}", result.vendor);
        match result.state {
            VendorState::Pending => {
                let finding = Finding::error(told("has not answered"), "an answer");
                return finding.with_effect(self.on_timeout);
            }
            VendorState::Error => {
                let finding = Finding::error(told("no usable answer"), "an answer");
                return finding.with_effect(self.on_error);
            }
            VendorState::Final => {}
        }
        let by_risk = match result.risk {
            None => Some(self.no_score),
            // The rule's own effect.
            Some(Risk::Severe) => None,
            Some(Risk::High) => Some(self.high),
            Some(Risk::Medium) => Some(self.medium),
            Some(Risk::Low) => Some(self.low),
            Some(Risk::None) => Some(Outcome::Approve),
        };
        let rows = result.signals.iter().flat_map(|signal| {
            let fits = self.rows.iter().filter(|row| row.fits(signal, &result.signals));
            fits.map(move |row| (signal, row.outcome))
        });
        let worst = rows.max_by_key(|(_, outcome)| *outcome);
        let risk =
            result.risk.map_or("no score".to_owned(), |risk| format!("{} risk", risk.as_str()));
        let observed = match worst {
            Some((signal, _)) => told(&format!("{risk}, {}", words_of(signal))),
            None => told(&risk),
        };
        let by_row = worst.map_or(Outcome::Approve, |(_, outcome)| outcome);
        let hit =
            by_risk.is_none_or(|outcome| outcome != Outcome::Approve) || by_row != Outcome::Approve;
        let finding = Finding::new(hit, observed, "no finding of the policy's table");
        match by_risk {
            Some(effect) => finding.with_effect(effect.max(by_row)),
            // Severe: the rule's effect, unless a row says worse of a category.
            None if by_row == Outcome::Deny => finding.with_effect(by_row),
            None => finding,
        }
    }

    fn own<'a>(&self, facts: &'a Facts) -> impl Iterator<Item = &'a VendorResult> {
        let hook = self.hook;
        facts.vendors.iter().filter(move |result| result.hook == hook)
    }
}

fn words_of(signal: &Signal) -> String {
    let exposure = match signal.direct {
        Some(true) => " direct",
        Some(false) => " indirect",
        None => "",
    };
    let amount = signal.amount.map(|amount| format!(" {amount}")).unwrap_or_default();
    format!("{}{exposure}{amount}", signal.category)
}

fn is_crypto(facts: &Facts) -> bool {
    facts.payment().is_some_and(|payment| payment.method == Method::Crypto)
}

impl Check for Kyt {
    fn kind(&self) -> &'static str {
        self.hook.as_str()
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        if !is_crypto(facts) {
            return Vec::new();
        }
        let is_leaving = facts.checkpoint == Checkpoint::WithdrawalPrePayout;
        let of = |result| match is_leaving {
            true => self.before_payout(result, facts),
            false => self.of_result(result),
        };
        let found: Vec<Finding> = self.own(facts).map(of).collect();
        if found.is_empty() {
            let finding = Finding::error("no vendor has answered", "an answer");
            return vec![finding.with_effect(self.on_timeout)];
        }
        found
    }

    fn words(&self, _: &RuleResult) -> Words {
        Words::new(
            Audience::Compliance,
            "kyt.finding",
            "what blockchain analytics say, or do not say, of this money needs a look",
            "an officer reads the vendor's report and decides",
        )
    }

    fn hook(&self) -> Option<Hook> {
        Some(self.hook)
    }

    fn awaits(&self, facts: &Facts) -> Option<Awaits> {
        let answered = self.own(facts).next().is_some();
        let is_leaving = facts.checkpoint == Checkpoint::WithdrawalPrePayout;
        let pending = self.own(facts).any(|result| match is_leaving {
            true => self.is_wanted_anew(result, facts),
            false => result.state == VendorState::Pending,
        });
        let waits = is_crypto(facts) && (!answered || pending);
        waits.then(|| Awaits { hook: self.hook, within: Duration::seconds(self.deadline_s) })
    }
}

#[cfg(test)]
#[path = "kyt_tests.rs"]
mod tests;
