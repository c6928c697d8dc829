//! What the rules that count have in common: the question, read from the policy, and its answer in
//! words.

use crate::domain::{Currency, Direction};
use crate::screening::aggregate::{Flow, Query, States};
use crate::screening::calendar::{Period, WINDOW_FORM, Window};
use crate::screening::counters::Counted;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::movement::UseState;
use crate::screening::rule::Finding;

/// Reads `flow`, `window` and `states`; sums are told in euro.
pub fn query(table: &Table<'_>) -> Query {
    for key in ["flow", "window"] {
        if !table.has(key) {
            table.fault(key, "is missing");
        }
    }
    // Turnover moves no money: only the rule that is about it counts it.
    let parse = |text: &str| Flow::parse(text).filter(|flow| *flow != Flow::Turnover);
    let flow = table.opt_word("flow", parse, "deposits, withdrawals, either or net");
    let window = table.opt_word("window", |text| text.parse().ok(), WINDOW_FORM);
    Query {
        flow: flow.unwrap_or(Flow::Deposits),
        window: window.unwrap_or(Window::Running(Period::Month)),
        states: states(table),
        currency: Currency::EUR,
        band: None,
    }
}

/// What is under way and what succeeded, unless the policy chooses otherwise.
fn states(table: &Table<'_>) -> States {
    if !table.has("states") {
        return States::LIVE;
    }
    let mut chosen = Vec::new();
    for text in table.texts("states") {
        match UseState::parse(&text) {
            Some(state) => chosen.push(state),
            None => table.fault("states", format!("has `{text}`: reserved, counted or released")),
        }
    }
    if chosen.is_empty() {
        table.fault("states", "is empty: nothing would be counted");
    }
    States::of(&chosen)
}

/// The answer to a rule's question. A question that was not asked when the facts were gathered has
/// none, and that is never read as harmless.
pub fn answer<'a>(
    facts: &'a Facts,
    query: &Query,
    threshold: &str,
) -> Result<&'a Counted, Finding> {
    facts.counted(query).ok_or_else(|| Finding::error("was not counted", threshold))
}

/// Whether the payment that is screened can be one of what is counted.
pub fn is_about(facts: &Facts, query: &Query) -> bool {
    let direction: Option<Direction> = facts.checkpoint.direction();
    direction.is_some_and(|direction| query.flow.grows_by(direction))
}

/// `deposits of the last 24 hours with this one: 120.00 EUR`.
pub fn words(counted: &Counted, what: &str) -> String {
    format!("{} {} with this one: {what}", counted.query.flow.as_str(), counted.window)
}
