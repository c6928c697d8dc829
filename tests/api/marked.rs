//! Every reason that any kind of rule can give, each with a mark of its own that can be searched for.
//!
//! The kinds are read from the program's own list and give their own codes, words and audiences; only
//! what they observe is made up. So a kind that is new is looked at without anybody thinking of it.

use interlock::domain::{Audience, Currency};
use interlock::screening::file::reader::{Source, Table};
use interlock::screening::rule::{Check, Finding, Rule, RuleResult, State, Words};
use interlock::screening::rules::{built_in, read};
use interlock::screening::{Checkpoint, Facts, MarketPolicy, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use toml::de::DeTable;

/// Which rules act is told by what is moved, so that each effect has payments of its own.
pub const EFFECTS: [(Outcome, &str, i64); 3] = [
    (Outcome::Review, "51.00", 5_100),
    (Outcome::Hold, "52.00", 5_200),
    (Outcome::Deny, "53.00", 5_300),
];

/// What the words of some kinds hang on.
const OBSERVED: &[&str] =
    &["100.00 EUR", "closed", "frozen", "pep x", "not asked", "no answer", "excluded", "severe"];

/// Every mark that stands in a text.
pub fn marks_in(text: &str) -> BTreeSet<String> {
    let pieces = text.split("zq").skip(1);
    let digits = |piece: &&str| piece.len() == 4 && piece.bytes().all(|b| b.is_ascii_digit());
    pieces.filter(digits).map(str::to_owned).collect()
}

/// A mark of a number.
pub fn mark(number: u16) -> String {
    format!("zq{number:04}zq")
}

/// A policy whose rules give every reason there is.
pub struct Marked {
    pub policy: MarketPolicy,
    /// What each mark belongs to, by its number.
    pub reasons: BTreeMap<String, Belongs>,
}

/// What a mark belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belongs {
    pub kind: String,
    pub code: String,
    pub state: State,
    pub audience: Audience,
}

impl Marked {
    /// The marks that this circle may read, and those that it may not.
    pub fn split(&self, reader: Audience) -> (BTreeSet<String>, BTreeSet<String>) {
        let all = self.reasons.iter();
        let (may, not): (Vec<_>, Vec<_>) = all.partition(|(_, it)| it.audience <= reader);
        let names = |found: Vec<(&String, &Belongs)>| {
            found.into_iter().map(|(name, _)| name.clone()).collect()
        };
        (names(may), names(not))
    }

    /// Codes that nobody but compliance ever reads.
    pub fn secret_codes(&self) -> BTreeSet<&str> {
        let codes = |secret: bool| {
            let found = self.reasons.values();
            let found = found.filter(move |it| (it.audience == Audience::Compliance) == secret);
            found.map(|it| it.code.as_str()).collect::<BTreeSet<_>>()
        };
        codes(true).difference(&codes(false)).copied().collect()
    }
}

/// A kind that finds what it is told to, in payments of one amount.
#[derive(Debug)]
struct Speaks {
    kind: Arc<dyn Check>,
    state: State,
    observed: &'static str,
    mark: String,
    amount_minor: i64,
    remedy: &'static str,
}

impl Speaks {
    fn marked(&self, text: &str) -> String {
        format!("{text} {}", self.mark)
    }
}

impl Check for Speaks {
    fn kind(&self) -> &'static str {
        self.kind.kind()
    }

    fn operator(&self) -> &'static str {
        self.kind.operator()
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        // What happens to an account moves nothing: there the rules of the first effect speak.
        let (_, _, first) = EFFECTS[0];
        let moved = facts.payment.as_ref().map_or(first, |it| it.money.minor);
        let own = moved == self.amount_minor;
        let (observed, threshold) = (self.marked(self.observed), self.marked("50.00 EUR"));
        let finding = Finding { state: self.state, ..Finding::new(true, observed, threshold) };
        own.then_some(finding).into_iter().collect()
    }

    fn words(&self, result: &RuleResult) -> Words {
        let plain = RuleResult { observed: self.observed.to_owned(), ..result.clone() };
        let words = self.kind.words(&plain);
        Words { message: self.marked(&words.message), remedy: self.remedy, ..words }
    }
}

fn kinds() -> Vec<Arc<dyn Check>> {
    let text = include_str!("../../src/screening/rules/mod.rs");
    let (_, list) = text.split_once("Some(match kind {").expect("the kinds stand in one match");
    let (arms, _) = list.split_once("_ => return None").expect("the match has an end");
    let arms = arms.lines().filter_map(|line| line.trim().strip_prefix('"'));
    let names = arms.filter_map(|line| line.split_once("\" =>")).map(|(kind, _)| kind);
    // Without parameters: words do not hang on them.
    let nothing = DeTable::parse("").expect("nothing is sound TOML");
    let source = Source::new("kind.toml", "");
    let named = names.map(|kind| {
        let table = Table::new(&source, nothing.get_ref(), nothing.span());
        read(kind, &table, &[Currency::EUR]).unwrap_or_else(|| panic!("{kind} is no kind")).0
    });
    let built = [built_in(true), built_in(false)].into_iter().flatten();
    named.chain(built.map(|rule| rule.check.clone())).collect()
}

/// The policy of a market with every reason there is in place of its own rules. What bounds currencies
/// and methods stays, so that payments can begin.
pub fn marked(market: &MarketPolicy) -> Marked {
    let mut policy = market.clone();
    let pattern = policy.rules[0].clone();
    policy.rules.retain(|rule| rule.check.kind().ends_with(".allowed"));
    let mut found = Marked { policy, reasons: BTreeMap::new() };
    for kind in kinds() {
        for (effect, _, amount_minor) in EFFECTS {
            let mut known = Vec::new();
            for state in [State::Hit, State::Error, State::NoHit] {
                for observed in OBSERVED {
                    let number = u16::try_from(found.reasons.len()).unwrap();
                    let said = (kind.clone(), state, *observed, number);
                    let rule = speaking(&pattern, said, (effect, amount_minor));
                    let told = told_by(&rule, state, observed, effect);
                    if !known.contains(&told) {
                        known.push(told.clone());
                        found.reasons.insert(format!("{number:04}"), told);
                        found.policy.rules.push(rule);
                    }
                }
            }
        }
    }
    found
}

fn speaking(
    pattern: &Rule,
    (kind, state, observed, number): (Arc<dyn Check>, State, &'static str, u16),
    (effect, amount_minor): (Outcome, i64),
) -> Rule {
    let mark = mark(number);
    let remedy = Box::leak(format!("ask us {mark}").into_boxed_str());
    let check = Speaks { kind, state, observed, mark: mark.clone(), amount_minor, remedy };
    Rule {
        number: 1_000 + number,
        id: format!("marked.{mark}").into(),
        check: Arc::new(check),
        at: Checkpoint::ALL.to_vec(),
        effect,
        only_records: false,
        ..pattern.clone()
    }
}

fn told_by(rule: &Rule, state: State, observed: &str, effect: Outcome) -> Belongs {
    let result = RuleResult {
        number: rule.number,
        rule: rule.id.clone(),
        state,
        observed: observed.to_owned(),
        operator: rule.check.operator(),
        threshold: "50.00 EUR".to_owned(),
        effect,
        acts: true,
    };
    let reason = rule.reason(&result);
    let kind = rule.check.kind().to_owned();
    Belongs { kind, code: reason.code, state, audience: reason.audience }
}
