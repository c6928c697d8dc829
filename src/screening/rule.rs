//! A rule of a policy: what it checks, where, and what a hit does.

use super::aggregate::Query;
use super::attestation::AttestationKind;
use super::facts::{Facts, LetGo};
use super::signals::Hook;
use super::{Checkpoint, Outcome, rules};
use crate::domain::{Audience, Currency, Direction, Method, Reason, Timestamp};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use time::{Date, Duration};

/// One rule of one policy version.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its place in the policy version, from [`FIRST_OF_POLICY`] on; below stand the built-in rules.
    /// A decision names a rule by it.
    pub number: u16,
    /// Stable, `"velocity.deposits_day"`; unique in the version.
    pub id: Arc<str>,
    pub check: Arc<dyn Check>,
    /// Where it runs.
    pub at: Vec<Checkpoint>,
    /// What a hit does, unless the check says another of itself.
    pub effect: Outcome,
    /// It finds, and does nothing: how a new rule is tried.
    pub only_records: bool,
    pub source: String,
    /// When the source was read last.
    pub source_date: Option<Date>,
}

/// What stands behind a finding that two people had been shown when they let the withdrawal go.
pub const LET_GO: &str = "; two people let it go";

/// The first number of a policy's own rules.
pub const FIRST_OF_POLICY: u16 = 20;

/// What a rule looks for. One kind of rule is one type that holds its parameters.
pub trait Check: Debug + Send + Sync {
    /// Stable, `"velocity.count"`.
    fn kind(&self) -> &'static str;

    /// How the observed value must stand to the threshold: `=`, `<`, `<=`, `>=`, `in`.
    fn operator(&self) -> &'static str;

    /// Looks at the facts. Several findings where a rule has several thresholds of one kind.
    fn find(&self, facts: &Facts) -> Vec<Finding>;

    /// Code, message and remedy of a hit, and the widest circle that may read them.
    fn words(&self, result: &RuleResult) -> Words;

    /// Whether it counts what moves, and must be asked again under the player's lock.
    fn counts(&self) -> bool {
        !self.queries().is_empty() || !self.lifted_by().is_empty() || self.looks_for_others()
    }

    /// What of the player's movements it must know: each is counted, under the lock again, and stands
    /// in the facts.
    fn queries(&self) -> Vec<Query> {
        Vec::new()
    }

    /// Whether it compares money of these currencies by exchange rates, and would find something else by others.
    fn converts(&self, facts: &Facts, moved: &BTreeSet<Currency>) -> bool {
        let vouched = facts.attestations.iter().filter_map(|one| one.amount);
        let mut vouched = vouched.filter(|_| !self.lifted_by().is_empty());
        self.queries().iter().any(|query| moved.iter().any(|it| *it != query.currency))
            || vouched.any(|amount| amount.currency != Currency::EUR)
    }

    /// What two people may vouch for so that a hit is none.
    fn lifted_by(&self) -> &[AttestationKind] {
        &[]
    }

    /// Whether it wants to know who else used the payment's instrument.
    fn looks_for_others(&self) -> bool {
        false
    }

    /// Whether it wants to know of each address that a payment goes to who controls it.
    fn looks_at_each_end(&self) -> bool {
        false
    }

    /// Whether it wants to know whose money a card spends before it is credited.
    fn asks_of_card(&self) -> bool {
        false
    }

    /// The hook that the rule hangs on, where it does.
    fn hook(&self) -> Option<Hook> {
        None
    }

    /// The vendor whose answer is still to come, where the rule hangs on one.
    fn awaits(&self, _: &Facts) -> Option<Awaits> {
        None
    }

    /// By when a withdrawal is to be at its end, where that is what it says.
    fn pay_by(&self, _: &Facts) -> Option<PayBy> {
        None
    }

    /// The least and the most of one payment, where that is what it bounds, in minor units.
    fn bounds(&self, _: Direction, _: Currency) -> (Option<i64>, Option<i64>) {
        (None, None)
    }

    /// Whether what it finds now is what people were shown before, by the words of both.
    fn says_the_same(&self, before: &str, now: &str) -> bool {
        before == now
    }

    /// What somebody outside the house must be asked before it can find anything.
    fn asks(&self) -> Option<Ask> {
        None
    }

    /// The methods that it allows, where that is what it bounds.
    fn methods(&self) -> Option<&[Method]> {
        None
    }

    /// Which of its parameters, by name or the beginning of it, catch more when they change, and which
    /// way. Two rules of one kind whose other parameters are equal can so be compared.
    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[]
    }

    /// Whether what it finds is the player's to put right: a withdrawal is denied for nothing else.
    fn player_can_put_right(&self) -> bool {
        false
    }
}

/// Which way a parameter catches more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tighter {
    Higher,
    Lower,
    /// A list of what is allowed.
    Fewer,
}

/// A question to somebody outside the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    pub hook: Hook,
    /// An answer that is older is none.
    pub max_age: Duration,
}

/// An answer that a rule waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaits {
    pub hook: Hook,
    /// How long a payment may wait; then the rule finds what it finds without the answer.
    pub within: Duration,
}

/// By when a withdrawal is to be at its end, and when people are warned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayBy {
    pub asked_at: Timestamp,
    pub warn_at: Timestamp,
    pub deadline_at: Timestamp,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub state: State,
    pub observed: String,
    pub threshold: String,
    /// Where it is not the rule's own.
    pub effect: Option<Outcome>,
}

impl Finding {
    pub fn new(hit: bool, observed: impl Into<String>, threshold: impl Into<String>) -> Self {
        let state = if hit { State::Hit } else { State::NoHit };
        Self { state, observed: observed.into(), threshold: threshold.into(), effect: None }
    }

    /// It cannot be told, which is never read as harmless: the rule's effect applies.
    pub fn error(problem: impl Into<String>, threshold: impl Into<String>) -> Self {
        Self { state: State::Error, ..Self::new(true, problem, threshold) }
    }

    /// The rule has nothing to say of such a payment.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self { state: State::Skipped, ..Self::new(false, why, "") }
    }

    pub fn with_effect(mut self, effect: Outcome) -> Self {
        self.effect = Some(effect);
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Hit,
    NoHit,
    Skipped,
    /// A fact that the rule needs is missing or unusable; it acts as a hit.
    Error,
}

impl State {
    pub const ALL: [State; 4] = [State::Hit, State::NoHit, State::Skipped, State::Error];

    pub const fn as_str(self) -> &'static str {
        match self {
            State::Hit => "hit",
            State::NoHit => "no_hit",
            State::Skipped => "skipped",
            State::Error => "error",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One rule's finding, as it stands in a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleResult {
    pub number: u16,
    pub rule: Arc<str>,
    pub state: State,
    pub observed: String,
    pub operator: &'static str,
    pub threshold: String,
    /// What the rule does when it hits.
    pub effect: Outcome,
    /// False: it is on record only.
    pub acts: bool,
}

impl RuleResult {
    /// Whether its effect applies.
    pub const fn is_hit(&self) -> bool {
        self.acts && matches!(self.state, State::Hit | State::Error)
    }

    /// Whether it would be a hit had two people not let the withdrawal go with it.
    pub fn is_let_go(&self) -> bool {
        self.state == State::NoHit && self.observed.ends_with(LET_GO)
    }
}

/// Why, in the words of those who may read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub code: &'static str,
    pub message: String,
    pub remedy: &'static str,
    pub audience: Audience,
}

impl Words {
    pub fn new(
        audience: Audience,
        code: &'static str,
        message: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self { code, message: message.into(), remedy, audience }
    }
}

impl Rule {
    /// Its findings here, softened where money is already in: that is credited or sent back, never
    /// denied, and what must be kept from the player is kept from them then too. So is what is found of the
    /// player once more before a payout.
    pub fn results(&self, facts: &Facts) -> Vec<RuleResult> {
        let looks_again = self.looks_again(facts);
        let results = self.check.find(facts).into_iter().map(|finding| {
            let finding = if looks_again { self.unless_let_go(finding, facts) } else { finding };
            let effect = finding.effect.unwrap_or(self.effect);
            let is_in = facts.checkpoint == Checkpoint::DepositPost;
            let softened = (is_in || looks_again) && effect == Outcome::Deny;
            RuleResult {
                number: self.number,
                rule: self.id.clone(),
                state: finding.state,
                observed: finding.observed,
                operator: self.check.operator(),
                threshold: finding.threshold,
                effect: if softened { Outcome::Review } else { effect },
                acts: !self.only_records && !facts.only_records(&self.id),
            }
        });
        results.collect()
    }

    /// Whether it looks once more at the player of a withdrawal that was let go.
    pub fn looks_again(&self, facts: &Facts) -> bool {
        let is_leaving = facts.checkpoint == Checkpoint::WithdrawalPrePayout;
        is_leaving && rules::looks_again(self.check.kind())
    }

    /// What two people were shown and let go is not put before them again.
    fn unless_let_go(&self, finding: Finding, facts: &Facts) -> Finding {
        let is_same = |seen: &LetGo| {
            let is_heavier = !seen.held && finding.effect.unwrap_or(self.effect) == Outcome::Hold;
            let says_the_same = self.check.says_the_same(&seen.observed, &finding.observed);
            seen.rule == *self.id && says_the_same && !is_heavier
        };
        let is_hit = matches!(finding.state, State::Hit | State::Error);
        if !is_hit || !facts.let_go.iter().any(is_same) {
            return finding;
        }
        let observed = format!("{}{LET_GO}", finding.observed);
        Finding { state: State::NoHit, observed, ..finding }
    }

    /// The reason that a hit gives.
    pub fn reason(&self, result: &RuleResult) -> Reason {
        let words = self.check.words(result);
        // To tell of a hold can be a crime, and it warns who must not be warned.
        let audience = match result.effect {
            Outcome::Hold => Audience::Compliance,
            _ => words.audience,
        };
        Reason {
            code: words.code.to_owned(),
            message: words.message,
            rule: Some(result.rule.to_string()),
            observed: Some(result.observed.clone()),
            threshold: Some(result.threshold.clone()),
            remedy: Some(words.remedy.to_owned()),
            audience,
            holds: false,
        }
    }
}
