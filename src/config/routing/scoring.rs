//! How the accounts of one route are put in order, and what of it contradicts itself.

use super::super::reader::Section;
use super::Direction;
use std::collections::BTreeMap;

/// What counts beside the approval rate, in hundredths of a percent of it.
#[derive(Debug, Clone, Default)]
pub struct Scoring {
    pub priority: BTreeMap<String, u8>,
    pub weight_bps: BTreeMap<String, i64>,
    pub fee_percent: i64,
    pub tie_bps: i64,
    pub commitment_bps: i64,
    pub sticky_bps: i64,
    pub seen_instrument_bps: i64,
}

/// The settings that mean something only where scores are compared.
const ADAPTIVE_ONLY: [&str; 7] = [
    "priority",
    "weight_bps",
    "fee_percent",
    "tie_bps",
    "commitment_bps",
    "sticky_bps",
    "seen_instrument_bps",
];

/// The route's scoring, where it has one, and the accounts that its first deposits go to.
pub(super) fn read(
    section: &Section<'_>,
    order: &[String],
    direction: Option<Direction>,
) -> (Option<Scoring>, Vec<String>) {
    let first_deposit = section.texts("first_deposit");
    for id in first_deposit.iter().filter(|id| !order.contains(id)) {
        section.fault("first_deposit", format!("`{id}` is not in this route's order"));
    }
    if !first_deposit.is_empty() && direction == Some(Direction::Withdrawal) {
        section.fault("first_deposit", "means nothing in a route of withdrawals");
    }
    let strategy = section.opt_text("strategy");
    let scoring = match strategy.as_deref() {
        None | Some("ranked") => {
            for key in ADAPTIVE_ONLY.into_iter().filter(|key| section.has(key)) {
                section.forgive_one(key);
                let why =
                    "has no effect in a ranked route: set strategy = \"adaptive\", or leave it out";
                section.fault(key, why);
            }
            None
        }
        Some("adaptive") => Some(Scoring::read(section, order)),
        Some(_) => {
            section.fault("strategy", "must be `ranked` or `adaptive`");
            ADAPTIVE_ONLY.iter().for_each(|key| section.forgive_one(key));
            None
        }
    };
    (scoring, first_deposit)
}

impl Scoring {
    fn read(section: &Section<'_>, order: &[String]) -> Self {
        let number = |key: &str, most: i64, otherwise: i64| {
            if section.has(key) { section.number(key, 0, most) } else { otherwise }
        };
        let scoring = Self {
            priority: by_account(section, "priority", order, (1, 99)),
            weight_bps: by_account(section, "weight_bps", order, (-5_000, 5_000)),
            fee_percent: number("fee_percent", 1_000, 100),
            tie_bps: number("tie_bps", 1_000, 50),
            commitment_bps: number("commitment_bps", 5_000, 0),
            sticky_bps: number("sticky_bps", 5_000, 0),
            seen_instrument_bps: number("seen_instrument_bps", 5_000, 0),
        };
        if order.len() < 2 {
            section.fault("strategy", "is adaptive, and there is one account to choose from");
        }
        // Whoever has a lower number is asked first whatever the score, so the score never decides.
        let priority = |id: &String| scoring.priority.get(id).copied().unwrap_or(1);
        for (id, weight) in &scoring.weight_bps {
            let rivals = order.iter().filter(|other| *other != id);
            if *weight != 0 && rivals.clone().all(|other| priority(other) != priority(id)) {
                let why = format!("`{id}` has a priority of its own: its weight can never decide");
                section.fault("weight_bps", why);
            }
        }
        scoring
    }
}

/// A table of whole numbers by account.
fn by_account<T: TryFrom<i64> + Default>(
    section: &Section<'_>,
    key: &str,
    order: &[String],
    (least, most): (i64, i64),
) -> BTreeMap<String, T> {
    let Some(table) = section.opt_section(key) else {
        return BTreeMap::new();
    };
    let read = |id: String| {
        let number = table.number(&id, least, most);
        if !order.contains(&id) {
            table.fault(&id, "is not in this route's order");
        }
        (id, number)
    };
    table.keys().into_iter().map(read).collect()
}
