//! One policy version, read from its file.

use super::canonical;
use super::library::{Library, version_of};
use super::reader::{Fault, Source, Table};
use crate::domain::{Currency, Timestamp};
use crate::screening::calendar::{Calendar, WINDOW_FORM, WeekStart, Window};
use crate::screening::closed_loop::{Order, Terms};
use crate::screening::limit_terms::{Basis, LimitTerms};
use crate::screening::limits::ConfirmRise;
use crate::screening::policy::MarketPolicy;
use crate::screening::rule::{FIRST_OF_POLICY, Rule};
use crate::screening::{Checkpoint, Outcome, rules};
use std::collections::BTreeSet;
use std::time::Duration;
use time::Date;
use toml::de::DeTable;

/// A version with the places of its rules.
#[derive(Debug)]
pub struct Placed {
    pub policy: MarketPolicy,
    /// As many as the policy has rules, in their order.
    pub places: Vec<Place>,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
    /// Of another version, which this one includes.
    pub included: bool,
}

/// Reads one version that includes no other; `file` is its name, told with every fault.
///
/// # Errors
/// Everything that is wrong with it, in the order of the lines.
pub fn read(file: &str, text: &str) -> Result<MarketPolicy, Vec<Fault>> {
    read_with(file, text, &Library::default())
}

/// Reads one version. What it includes is found in the library.
///
/// # Errors
/// Everything that is wrong with it, in the order of the lines.
pub fn read_with(file: &str, text: &str, library: &Library) -> Result<MarketPolicy, Vec<Fault>> {
    read_placed(file, text, library).map(|placed| placed.policy)
}

/// As [`read_with`], and says where each rule stands.
///
/// # Errors
/// Everything that is wrong with it, in the order of the lines.
pub fn read_placed(file: &str, text: &str, library: &Library) -> Result<Placed, Vec<Fault>> {
    let source = Source::new(file, text);
    let parsed = match DeTable::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            source.fault(error.span().map_or(0, |span| span.start), error.message());
            return Err(source.finish());
        }
    };
    let mut faults = Vec::new();
    let placed = {
        let root = Table::new(&source, parsed.get_ref(), parsed.span());
        let mut placed = policy(&root, file);
        let included = include(&root, &mut placed, library, &mut faults);
        let said: Vec<(String, &DeTable<'_>)> =
            included.iter().map(|(version, table)| (version.clone(), table)).collect();
        let canonical = canonical::with_included(parsed.get_ref(), &said);
        placed.policy.sha256 = canonical::sha256(&canonical);
        if version_of(file) != placed.policy.version {
            root.fault("version", "must be the file's name without .toml");
        }
        placed
    };
    let mut own = source.finish();
    own.extend(faults);
    if own.is_empty() { Ok(placed) } else { Err(own) }
}

/// Reads many, sorted by market and the day they come into force; two versions of one market may not
/// come into force at the same moment. Each may include what is among them.
pub fn read_all(files: &[(String, String)]) -> (Vec<MarketPolicy>, Vec<Fault>) {
    let (mut policies, mut faults): (Vec<MarketPolicy>, Vec<Fault>) = (Vec::new(), Vec::new());
    let library = Library::new(files.iter().map(|(file, text)| (file.as_str(), text.as_str())));
    for (file, text) in files {
        match read_with(file, text, &library) {
            Ok(policy) => policies.push(policy),
            Err(found) => faults.extend(found),
        }
    }
    policies.sort_by(|a, b| (&a.market, a.effective_from).cmp(&(&b.market, b.effective_from)));
    for pair in policies.windows(2) {
        if let [a, b] = pair
            && (&a.market, a.effective_from) == (&b.market, b.effective_from)
        {
            let message = format!("effective_from is the same as that of {}", a.version);
            faults.push(Fault { file: b.version.clone(), line: 0, message });
        }
    }
    (policies, faults)
}

fn policy(root: &Table<'_>, file: &str) -> Placed {
    let shared = root.opt_flag("shared").unwrap_or_default();
    let market = root.text("market");
    if !shared && (market.len() != 2 || !market.bytes().all(|byte| byte.is_ascii_uppercase())) {
        root.fault("market", "must be a country, \"DE\"");
    }
    let currencies = if shared { Vec::new() } else { currencies(root) };
    if !root.has("effective_from") {
        root.fault("effective_from", "is missing: a time, \"2026-11-01T00:00:00Z\"");
    }
    // Told to people who read the file; the engine needs neither.
    root.opt_text("reviewed_by");
    root.texts("to_confirm");
    let calendar = calendar(root);
    let usual = LimitTerms { calendar: calendar.clone(), ..LimitTerms::default() };
    let (rules, places) = policy_rules(root, file, &currencies).into_iter().unzip();
    let withdrawals = if shared { Withdrawals::default() } else { Withdrawals::read(root) };
    let policy = MarketPolicy {
        market,
        version: root.text("version"),
        sha256: [0; 32],
        effective_from: root.opt_time("effective_from").unwrap_or(Timestamp::UNIX_EPOCH),
        limit_terms: if shared { usual } else { limit_terms(root, usual) },
        calendar,
        player_may_cancel_withdrawal: withdrawals.may_cancel,
        closed_loop: withdrawals.closed_loop,
        rules,
        currencies,
    };
    Placed { policy, places }
}

fn currencies(root: &Table<'_>) -> Vec<Currency> {
    let currencies: Vec<Currency> = root.parsed_texts("currencies", "a currency, \"EUR\"");
    if currencies.is_empty() {
        root.fault("currencies", "is missing or empty: the wallets that a player may have");
    }
    currencies
}

/// Adds the rules of the included versions behind the policy's own. They are read with the currencies
/// of the market that includes them, and their text is part of what the hash is made of.
fn include<'l>(
    root: &Table<'_>,
    placed: &mut Placed,
    library: &'l Library,
    faults: &mut Vec<Fault>,
) -> Vec<(String, DeTable<'l>)> {
    let mut tables = Vec::new();
    for version in root.texts("include") {
        let Some((file, text)) = library.find(&version) else {
            root.fault("include", format!("names `{version}`, which is not known"));
            continue;
        };
        let source = Source::new(file, text);
        match DeTable::parse(text) {
            Ok(parsed) => {
                add_rules(root, &source, &parsed, placed);
                tables.push((version, parsed.into_inner()));
            }
            Err(error) => {
                source.fault(error.span().map_or(0, |span| span.start), error.message());
            }
        }
        faults.extend(source.finish());
    }
    tables
}

fn add_rules(
    root: &Table<'_>,
    source: &Source<'_>,
    parsed: &toml::Spanned<DeTable<'_>>,
    placed: &mut Placed,
) {
    let table = Table::new(source, parsed.get_ref(), parsed.span());
    // The rest of it is read, and its faults are told, where it is read by itself.
    table.forgive();
    if !table.opt_flag("shared").unwrap_or_default() {
        root.fault("include", format!("names {}, which is not `shared = true`", source.file));
    }
    if table.has("include") {
        table.fault("include", "stands in a version that is included itself: one level is enough");
    }
    if table.opt_time("effective_from").is_none_or(|from| placed.policy.effective_from < from) {
        root.fault("include", format!("names {}, which comes into force later", source.file));
    }
    let added = policy_rules(&table, source.file, &placed.policy.currencies);
    for (mut rule, place) in added {
        if placed.policy.rules.iter().any(|own| own.id == rule.id) {
            let message = format!("adds `{}` of {}, which stands here too", rule.id, source.file);
            root.fault("include", message);
        }
        let last = placed.policy.rules.last().map(|own| own.number);
        rule.number = last.map_or(FIRST_OF_POLICY, |last| last.saturating_add(1));
        placed.policy.rules.push(rule);
        placed.places.push(Place { included: true, ..place });
    }
}

/// Where the market's days, weeks and months begin; in UTC, from Monday on, where it does not say.
fn calendar(root: &Table<'_>) -> Calendar {
    let Some(table) = root.opt_table("calendar") else { return Calendar::utc() };
    cited(&table);
    let start = table.opt_word("week_start", WeekStart::parse, "monday or sunday");
    let zone = table.text("zone");
    Calendar::new(&zone, start.unwrap_or_default()).unwrap_or_else(|error| {
        if !zone.is_empty() {
            table.fault("zone", format!("is wrong: {error}"));
        }
        Calendar::utc()
    })
}

/// How a player's own limits work in this market.
fn limit_terms(root: &Table<'_>, usual: LimitTerms) -> LimitTerms {
    let Some(table) = root.opt_table("player_limits") else {
        root.fault("player_limits", "is missing: how a player's own limits work here");
        return usual;
    };
    cited(&table);
    let window = |key: &str, usual: Window| {
        table.opt_word(key, |text| text.parse().ok(), WINDOW_FORM).unwrap_or(usual)
    };
    let hours = table.number("rise_delay_hours", 0, 24 * 365);
    let when = |text: &str| match text {
        "any_time" => Some(ConfirmRise::AnyTime),
        "after_delay" => Some(ConfirmRise::AfterDelay),
        _ => None,
    };
    let confirm = table.opt_word("rise_confirm", when, "any_time or after_delay");
    LimitTerms {
        basis: table.opt_word("basis", Basis::parse, "gross or net").unwrap_or(usual.basis),
        day: window("day", usual.day),
        week: window("week", usual.week),
        month: window("month", usual.month),
        rise_delay: Duration::from_secs(hours.unsigned_abs() * 3_600),
        rise_after_period: table.opt_flag("rise_after_period").unwrap_or_default(),
        rise_confirm: confirm.unwrap_or(ConfirmRise::AfterDelay),
        ..usual
    }
}

#[derive(Default)]
struct Withdrawals {
    may_cancel: bool,
    closed_loop: Terms,
}

impl Withdrawals {
    fn read(root: &Table<'_>) -> Self {
        let mut closed_loop = Terms::default();
        let Some(table) = root.opt_table("withdrawals") else {
            root.fault("withdrawals", "is missing: whether a player may take a withdrawal back");
            return Self { may_cancel: false, closed_loop };
        };
        cited(&table);
        if let Some(order) = table.opt_word(
            "source_order",
            Order::parse,
            "oldest_first, newest_first or largest_first",
        ) {
            closed_loop.order = order;
        }
        if table.has("parts_max") {
            let most = table.number("parts_max", 1, 10);
            closed_loop.parts_max = usize::try_from(most).unwrap_or(1);
        }
        Self { may_cancel: table.flag("player_may_cancel"), closed_loop }
    }
}

/// Where a rule comes from, and when somebody read that last.
fn cited(table: &Table<'_>) -> (String, Option<Date>) {
    if !table.has("source_date") {
        table.fault("source_date", "is missing: the day when the source was read last");
    }
    (table.text("source"), table.opt_date("source_date"))
}

fn policy_rules(root: &Table<'_>, file: &str, currencies: &[Currency]) -> Vec<(Rule, Place)> {
    let mut known = BTreeSet::new();
    let mut number = FIRST_OF_POLICY;
    let mut read = Vec::new();
    for table in root.tables("rules") {
        let id = table.text("id");
        if !known.insert(id.clone()) {
            table.fault("id", format!("`{id}` stands twice"));
        }
        let place = Place { file: file.to_owned(), line: table.line(), included: false };
        read.extend(rule(&table, number, &id, currencies).map(|rule| (rule, place)));
        number = number.saturating_add(1);
    }
    read
}
fn rule(table: &Table<'_>, number: u16, id: &str, currencies: &[Currency]) -> Option<Rule> {
    let kind = table.opt_text("kind").unwrap_or_else(|| id.to_owned());
    let (source, source_date) = cited(table);
    let effect = table.opt_word("effect", Outcome::parse, "review, hold or deny");
    if !table.has("effect") {
        table.fault("effect", "is missing: review, hold or deny");
    }
    if effect == Some(Outcome::Approve) {
        table.fault("effect", "is approve, which no hit may mean: use only_records = true");
    }
    let only_records = table.opt_flag("only_records").unwrap_or_default();
    let Some((check, usual)) = rules::read(&kind, table, currencies) else {
        table.forgive();
        table.fault(if table.has("kind") { "kind" } else { "id" }, format!("`{kind}` is no rule"));
        return None;
    };
    let at = checkpoints(table, usual, rules::besides(&kind));
    Some(Rule {
        number,
        id: id.into(),
        check,
        at,
        effect: effect.unwrap_or(Outcome::Deny),
        only_records,
        source,
        source_date,
    })
}

/// Where the rule runs: as its kind usually does, or at some of the points where it can.
fn checkpoints(table: &Table<'_>, usual: &[Checkpoint], besides: &[Checkpoint]) -> Vec<Checkpoint> {
    if !table.has("at") {
        return usual.to_vec();
    }
    let mut at = Vec::new();
    for text in table.texts("at") {
        match Checkpoint::parse(&text) {
            Some(found) if usual.contains(&found) || besides.contains(&found) => at.push(found),
            Some(_) => table.fault("at", format!("has `{text}`, where this rule cannot run")),
            None => table.fault("at", format!("has `{text}`, which is no checkpoint")),
        }
    }
    if at.is_empty() {
        table.fault("at", "is empty: the rule would never run");
    }
    at
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
