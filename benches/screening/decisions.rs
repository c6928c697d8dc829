//! One decision under a policy of 200 rules: every kind there is, all of them asked at every checkpoint,
//! over facts in which every question is answered.

use crate::drawn;
use anyhow::{Result, ensure};
use interlock::domain::{Currency, Direction, Method, Money};
use interlock::screening::background::{Background, Turnover, Wants};
use interlock::screening::counters;
use interlock::screening::gather::{Locked, Setting};
use interlock::screening::movement::{Movement, UseState};
use interlock::screening::{Checkpoint, Facts, FxTable, MarketPolicy, Policies, engine, file};
use interlock::store::{facts_text, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::{Duration, Instant};
use time::Duration as Span;
use uuid::Uuid;

const RULES: usize = 200;
const DECISIONS: u32 = 20_000;
/// What a player has moved in the windows that are counted.
const MOVEMENTS: u32 = 200;

const GERMAN: &str = include_str!("../../config/policies/DE/DE-2026-11-21e.toml");

/// Kinds that not every market uses, as one would.
const OTHERS: &str = r#"
[[rules]]
id = "velocity.sum_day"
kind = "velocity.sum"
effect = "review"
flow = "deposits"
window = "24 hours"
states = ["reserved", "counted"]
most_eur = "5000.00"
source = "a measurement"
source_date = "2026-11-21"

[[rules]]
id = "velocity.instruments_week"
kind = "velocity.instruments"
effect = "review"
flow = "deposits"
window = "7 days"
states = ["reserved", "counted"]
most = 3
source = "a measurement"
source_date = "2026-11-21"

[[rules]]
id = "kyc.vendor"
effect = "review"
level_min = 2
max_age_s = 31536000
on_failure = "review"
on_pending = "review"
source = "a measurement"
source_date = "2026-11-21"
"#;

/// The kinds that the program knows, from its own list.
fn known_kinds() -> BTreeSet<&'static str> {
    let text = include_str!("../../src/screening/rules/mod.rs");
    let (_, list) = text.split_once("Some(match kind {").expect("the kinds stand in one match");
    let (arms, _) = list.split_once("_ => return None").expect("the match has an end");
    let arms = arms.lines().filter_map(|line| line.trim().strip_prefix('"'));
    arms.filter_map(|line| line.split_once("\" =>")).map(|(kind, _)| kind).collect()
}

/// The rules of every shipped market, again and again under other names, until there are enough.
fn policy() -> Result<MarketPolicy> {
    let mut files = drawn::files();
    let (head, _) = GERMAN.split_once("[[rules]]").expect("a policy has rules");
    // Of another day: no market has two versions from one moment on.
    let head = head.replace("DE-2026-11-21e", "DE-others").replace("-21T00:", "-22T00:");
    let others = format!("{head}{OTHERS}");
    files.push(("DE-others.toml".to_owned(), others));
    let (versions, faults) = file::read_all(&files);
    ensure!(faults.is_empty(), "{faults:?}");
    let found = versions.iter().flat_map(|version| &version.rules);
    let different: Vec<_> = found.cloned().collect();
    let mut policy = versions.into_iter().find(|version| version.market == "DE");
    let policy = policy.as_mut().expect("Germany is shipped");
    let rules = different.iter().cycle().take(RULES).enumerate();
    policy.rules = rules
        .map(|(place, rule)| {
            let mut rule = rule.clone();
            rule.number = u16::try_from(20 + place).expect("a small number");
            rule.id = format!("{}.{place}", rule.id).into();
            rule.at = Checkpoint::ALL.to_vec();
            rule
        })
        .collect();
    Ok(policy.clone())
}

fn movements(currency: Currency, now: time::OffsetDateTime) -> Vec<Movement> {
    let states = [UseState::Reserved, UseState::Counted, UseState::Released];
    let one = |number: u32| Movement {
        payment: Uuid::from_u128(u128::from(number) + 1),
        direction: if number.is_multiple_of(3) {
            Direction::Withdrawal
        } else {
            Direction::Deposit
        },
        money: Money::new(i64::from(number % 97) * 100 + 100, currency),
        at: now - Span::minutes(i64::from(number) * 211),
        state: states[number as usize % states.len()],
        instrument: None,
        method: Some(Method::BankTransfer),
    };
    (0..MOVEMENTS).map(one).collect()
}

/// What is measured of each decision.
#[derive(Default)]
struct Times {
    count: Vec<Duration>,
    decide: Vec<Duration>,
    record: Vec<Duration>,
}

fn one(policy: &MarketPolicy, facts: &mut Facts, setting: &Setting<'_>, times: &mut Times) {
    let currency = facts.money().map_or(Currency::EUR, |money| money.currency);
    let movements = movements(currency, facts.screened_at);
    let since = Wants::by(policy, facts.screened_at).turnover.into_iter();
    let turnover = since.map(|since| Turnover { since, sums: BTreeMap::from([(currency, 100)]) });
    let background = Background { turnover: turnover.collect(), ..Background::default() };
    let (limits, owed, ends) = (&[], &[], &[]);
    let locked = Locked { limits, owed, movements: &movements, background: &background, ends };
    let began = Instant::now();
    facts.counted = counters::count(Some(policy), facts, (&locked, None), setting);
    times.count.push(began.elapsed());
    let began = Instant::now();
    let screening = black_box(engine::decide(Some(policy), black_box(facts)));
    times.decide.push(began.elapsed());
    let began = Instant::now();
    black_box((
        json::rules(&screening.rules),
        json::reasons(&screening.reasons),
        facts_text::text(facts),
    ));
    times.record.push(began.elapsed());
}

pub fn measure() -> Result<()> {
    let policy = policy()?;
    let kinds: BTreeSet<_> = policy.rules.iter().map(|rule| rule.check.kind()).collect();
    let missing: Vec<_> = known_kinds().difference(&kinds).copied().collect();
    ensure!(missing.is_empty(), "no rule is of {missing:?}: write one in OTHERS");
    let (shipped, rates): (Policies, FxTable) = (drawn::policies(), drawn::fx());
    let times = RefCell::new(Times::default());
    drawn::each((DECISIONS, &drawn::MARKETS[1..2]), (&shipped, &rates), |mut facts| {
        let now = facts.screened_at;
        let setting = Setting { version: Some(&policy), ..Setting::new(&shipped, &rates, now) };
        one(&policy, &mut facts, &setting, &mut times.borrow_mut());
        Ok(())
    });
    let Times { count, decide, record } = times.into_inner();
    println!(
        "One decision under {RULES} rules of {} kinds, {MOVEMENTS} movements, {DECISIONS} decisions:\n",
        kinds.len()
    );
    println!("| | p50 µs | p99 µs | p99.9 µs | most µs |\n|---|---|---|---|---|");
    let whole = count.iter().zip(&decide).zip(&record).map(|((a, b), c)| *a + *b + *c).collect();
    for (name, times) in [
        ("decide", decide),
        ("count what it asks", count),
        ("write what is kept of it", record),
        ("all of it", whole),
    ] {
        line(name, times);
    }
    Ok(())
}

fn line(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| {
        times[(times.len() * share / 1_000).min(times.len() - 1)].as_nanos() as f64 / 1_000.0
    };
    println!("| {name} | {:.0} | {:.0} | {:.0} | {:.0} |", at(500), at(990), at(999), at(1_000));
}
