//! The order of the PSPs that may be asked, with the reason of each place.
//!
//! *Ranked*: the order of the route; who approves far less than it used to comes after the others, who
//! fails comes last. Wherever it stands in the route, one payment now and then tries it before the others: who
//! is asked by nobody while the first is well would count as ill when it is needed. No chance is in it. *Adaptive*: the approval rate that was drawn for this payment, less
//! the fee's share and with what the rules add; scores that are close are a tie, and the cheaper one is
//! asked first. In both nobody is excluded by its health: when all are ill the best is still asked.
//!
//! Scores are whole hundredths of a percent, so that what is shown is what was compared.

use super::health::{Place, Standing};
use super::plan::{Known, Request};
use super::rules::{PspAccount, RouteRule, Scoring, Strategy};
use std::cmp::Reverse;

/// An account that may be asked, with its place in the route.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub position: usize,
    pub account: &'a PspAccount,
}

/// Best first, each with why it stands there. `places` index `may`.
pub fn order<'a>(
    request: &Request,
    rule: &RouteRule,
    known: &Known<'_>,
    may: &[Asked<'a>],
    places: &[Place],
) -> Vec<(&'a str, String)> {
    let of = |place: &Place| may.get(place.psp).map(|asked| (*asked, *place));
    let all = places.iter().filter_map(of);
    match &rule.strategy {
        Strategy::Ranked => ranked(rule, known, all.collect()),
        Strategy::Adaptive(scoring) => {
            let scored = all
                .map(|(asked, place)| Scored::new(request, (rule, scoring), known, asked, place));
            adaptive(scoring, scored.collect())
        }
    }
}

fn ranked<'a>(
    rule: &RouteRule,
    known: &Known<'_>,
    mut all: Vec<(Asked<'a>, Place)>,
) -> Vec<(&'a str, String)> {
    let first = |asked: &Asked<'_>| is_for_first_deposit(rule, known, asked);
    all.sort_by_key(|(asked, place)| (ill(place.standing), !first(asked), asked.position));
    all.iter()
        .map(|(asked, place)| {
            let mut reason = position(asked.position);
            match place.standing {
                Standing::Failing => reason = "it fails: asked last".to_owned(),
                Standing::Demoted => {
                    reason = "its approvals fell: asked after the others".to_owned();
                }
                Standing::Probe => {
                    reason.push_str("; recovering: one payment tries it before the others");
                }
                Standing::Well | Standing::Doubtful => {}
            }
            if first(asked) && matches!(ill(place.standing), Ill::Probe | Ill::No) {
                reason.push_str("; preferred for a first deposit");
            }
            (asked.account.id.as_str(), reason)
        })
        .collect()
}

/// The standing without what chance decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ill {
    Probe,
    No,
    Demoted,
    Failing,
}

const fn ill(standing: Standing) -> Ill {
    match standing {
        Standing::Probe => Ill::Probe,
        Standing::Well | Standing::Doubtful => Ill::No,
        Standing::Demoted => Ill::Demoted,
        Standing::Failing => Ill::Failing,
    }
}

fn is_for_first_deposit(rule: &RouteRule, known: &Known<'_>, asked: &Asked<'_>) -> bool {
    known.habits.is_first_deposit && rule.first_deposit.contains(&asked.account.id)
}

struct Scored<'a> {
    asked: Asked<'a>,
    place: Place,
    priority: u8,
    first_deposit: bool,
    fee_bps: i64,
    score_bps: i64,
    extras: Vec<String>,
}

impl<'a> Scored<'a> {
    fn new(
        request: &Request,
        (rule, scoring): (&RouteRule, &Scoring),
        known: &Known<'_>,
        asked: Asked<'a>,
        place: Place,
    ) -> Self {
        let (id, habits) = (&asked.account.id, known.habits);
        let fee_bps = asked.account.fee(request.direction).bps_of(request.money);
        let mut extras = Vec::new();
        let mut extra = |applies: bool, bps: i64, why: &str| {
            if !applies || bps == 0 {
                return 0;
            }
            let sign = if bps < 0 { '−' } else { '+' };
            extras.push(format!("{sign}{} {why}", percent(bps.abs())));
            bps
        };
        let weight = scoring.weight_bps.get(id).copied().unwrap_or(0);
        let bonus = extra(true, weight, "by its weight")
            + extra(is_committed(request, known, id), scoring.commitment_bps, "promised volume")
            + extra(habits.last_psp.as_ref() == Some(id), scoring.sticky_bps, "used last time")
            + extra(
                habits.seen_by.contains(id),
                scoring.seen_instrument_bps,
                "knows the instrument",
            );
        let cost = fee_bps.saturating_mul(scoring.fee_percent) / 100;
        Self {
            asked,
            place,
            priority: scoring.priority.get(id).copied().unwrap_or(1),
            first_deposit: is_for_first_deposit(rule, known, &asked),
            fee_bps,
            score_bps: place.drawn_bps().saturating_sub(cost).saturating_add(bonus),
            extras,
        }
    }

    /// What comes before any score.
    fn tier(&self) -> (Standing, u8, bool) {
        (self.place.standing, self.priority, !self.first_deposit)
    }

    fn reason(&self) -> String {
        let health = match self.place.standing {
            Standing::Well => "",
            Standing::Probe => "recovering: one payment tries it before the others; ",
            Standing::Demoted => "its approvals fell: asked after the others; ",
            Standing::Doubtful => "it has just failed or come back: asked less; ",
            Standing::Failing => "it fails: asked last; ",
        };
        let mut reason = format!(
            "{health}score {}: {} of such payments approved (drawn {}), fee {}",
            percent(self.score_bps),
            percent(self.place.expected_bps()),
            percent(self.place.drawn_bps()),
            percent(self.fee_bps)
        );
        for extra in &self.extras {
            reason.push_str(", ");
            reason.push_str(extra);
        }
        if self.first_deposit {
            reason.push_str(", preferred for a first deposit");
        }
        reason
    }
}

/// Whether the account has not carried yet what was promised to it today.
fn is_committed(request: &Request, known: &Known<'_>, psp: &str) -> bool {
    let (direction, currency) = (request.direction, request.money.currency);
    let promised = known.rules.terms(psp, direction, currency).and_then(|t| t.commitment_minor);
    let carried = known.volumes.get(&(psp.to_owned(), direction, currency)).copied().unwrap_or(0);
    promised.is_some_and(|promised| carried < promised)
}

fn adaptive<'a>(scoring: &Scoring, mut all: Vec<Scored<'a>>) -> Vec<(&'a str, String)> {
    all.sort_by_key(|one| (one.tier(), Reverse(one.score_bps), one.asked.position));
    let mut ordered: Vec<(&str, String)> = Vec::with_capacity(all.len());
    while !all.is_empty() {
        let (tier, best) = (all[0].tier(), all[0].score_bps);
        let close = all.iter().take_while(|one| {
            one.tier() == tier && best.saturating_sub(one.score_bps) <= scoring.tie_bps
        });
        // The first of equals: they stand in the order of their scores.
        let cheapest = close.enumerate().min_by_key(|(_, one)| one.fee_bps);
        let index = cheapest.map_or(0, |(index, _)| index);
        let one = all.remove(index);
        let mut reason = one.reason();
        if index != 0 {
            reason.push_str(", a tie: the cheaper one first");
        }
        ordered.push((one.asked.account.id.as_str(), reason));
    }
    ordered
}

fn position(position: usize) -> String {
    match position {
        0 => "first choice of the route".to_owned(),
        1 => "second choice of the route".to_owned(),
        2 => "third choice of the route".to_owned(),
        more => format!("choice {} of the route", more + 1),
    }
}

/// `87.25 %`
fn percent(bps: i64) -> String {
    let sign = if bps < 0 { "-" } else { "" };
    let bps = bps.unsigned_abs();
    format!("{sign}{}.{:02} %", bps / 100, bps % 100)
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
