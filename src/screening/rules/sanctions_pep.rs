//! Whether the player's name and birth date are on a list of sanctions or of politically exposed
//! people.

use super::lifting;
use crate::domain::{Audience, Direction};
use crate::screening::Outcome;
use crate::screening::attestation::AttestationKind;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::hooks::{HookFailure, NameAnswer, NameFacts, NameHit, Topic};
use crate::screening::rule::{Ask, Check, Finding, RuleResult, Words};
use crate::screening::signals::Hook;
use rust_decimal::Decimal;
use time::Duration;

/// Parameters: `block_score` and `review_score` (decimals in quotes, 0 to 1; from them on a hit has the
/// rule's effect, or a review), `pep` (what a politically exposed person leads to), `max_age_s`,
/// `on_failure`, and `lifted_by` (what lets a politically exposed person play; sanctions are lifted by
/// nothing but an exception for the entry).
///
/// A matcher measures and the policy judges: no `match` of a matcher's own is looked at.
#[derive(Debug)]
pub struct SanctionsPep {
    block: Decimal,
    review: Decimal,
    pep: Outcome,
    max_age: Duration,
    on_failure: Outcome,
    /// What makes a politically exposed person one who may play.
    pep_lifted_by: Vec<AttestationKind>,
}

const NOT_ASKED: &str = "no answer";
const PEP: &str = "pep ";

impl SanctionsPep {
    pub fn read(table: &Table<'_>) -> Self {
        let score = |key: &str| {
            let read = |text: &str| {
                let score: Option<Decimal> = text.parse().ok();
                score.filter(|score| Decimal::ZERO < *score && *score <= Decimal::ONE)
            };
            if !table.has(key) {
                table.fault(key, "is missing: a score from 0 to 1 in quotes, \"0.90\"");
            }
            // What cannot be read is met by everybody, and the file is refused anyway.
            table.opt_word(key, read, "a score from 0 to 1, \"0.90\"").unwrap_or_default()
        };
        let (block, review) = (score("block_score"), score("review_score"));
        if block < review {
            table.fault("block_score", "is below review_score");
        }
        Self {
            block,
            review,
            pep: table
                .opt_word("pep", Outcome::parse, "approve, review, hold or deny")
                .unwrap_or(Outcome::Review),
            max_age: Duration::seconds(table.number("max_age_s", 0, 366 * 86_400)),
            on_failure: super::fail_outcome(table, "on_failure"),
            pep_lifted_by: lifting::read(table, &[AttestationKind::EnhancedDueDiligence]),
        }
    }

    fn one(&self, told: &NameFacts, facts: &Facts) -> Vec<Finding> {
        let threshold = format!("below {} (review), {} (block)", self.review, self.block);
        let failed = |failure: HookFailure| {
            let observed = format!("{NOT_ASKED} of {}: {}", told.matcher, failure.as_str());
            vec![Finding::error(observed, threshold.clone()).with_effect(self.on_failure)]
        };
        let answer = match &told.found {
            Err(failure) => return failed(*failure),
            Ok(answer) if facts.screened_at - answer.asked_at > self.max_age => {
                return failed(HookFailure::Stale);
            }
            Ok(answer) => answer,
        };
        let near = answer.hits.iter().filter(|hit| !hit.excepted && self.review <= hit.score);
        let mut findings: Vec<Finding> = Vec::new();
        for hit in near {
            let observed = format!(
                "{}{}/{} at {} by {}, {}",
                if hit.topic == Topic::Pep { PEP } else { "" },
                hit.list,
                hit.entity,
                hit.score,
                told.matcher,
                answer.version
            );
            let finding = Finding::new(true, observed, threshold.clone());
            let finding = match self.effect(hit) {
                Some(effect) => finding.with_effect(effect),
                None => finding,
            };
            findings.push(match hit.topic {
                Topic::Pep => {
                    let worth = lifting::worth_of_payment(facts);
                    lifting::lift(finding, &self.pep_lifted_by, worth, facts)
                }
                Topic::Sanctions | Topic::Other => finding,
            });
        }
        if findings.is_empty() {
            findings.push(Finding::new(false, unhit(told, answer), threshold));
        }
        findings
    }

    /// None: the rule's own.
    fn effect(&self, hit: &NameHit) -> Option<Outcome> {
        match hit.topic {
            Topic::Pep => Some(self.pep),
            Topic::Sanctions if self.block <= hit.score => None,
            Topic::Sanctions | Topic::Other => Some(Outcome::Review),
        }
    }
}

/// Money of somebody who may be on a list is kept where it is, and not sent away with a word why.
fn keep_money(mut finding: Finding, facts: &Facts) -> Finding {
    let leaves = facts.checkpoint.direction() == Some(Direction::Withdrawal);
    if leaves && finding.effect.is_none_or(|effect| effect == Outcome::Deny) {
        finding.effect = Some(Outcome::Hold);
    }
    finding
}

/// An observed value without the version of the lists, or without the reason why there is no answer.
fn entry(observed: &str) -> &str {
    let parted = match observed.starts_with(NOT_ASKED) {
        true => observed.split_once(": "),
        false => observed.rsplit_once(", "),
    };
    parted.map_or(observed, |(entry, _)| entry)
}

/// The nearest that was no hit: a near miss explains as much as a hit.
fn unhit(told: &NameFacts, answer: &NameAnswer) -> String {
    let NameAnswer { hits, version, .. } = answer;
    let excepted = hits.iter().filter(|hit| hit.excepted).count();
    let nearest = hits.iter().filter(|hit| !hit.excepted).map(|hit| hit.score).max();
    let nearest = nearest.map_or("nobody near".to_owned(), |score| format!("nearest at {score}"));
    let excepted = if excepted == 0 { String::new() } else { format!(", {excepted} excepted") };
    format!("{nearest}{excepted} by {}, {version}", told.matcher)
}

impl Check for SanctionsPep {
    fn kind(&self) -> &'static str {
        "sanctions_pep"
    }

    fn operator(&self) -> &'static str {
        "<"
    }

    fn asks(&self) -> Option<Ask> {
        Some(Ask { hook: Hook::Names, max_age: self.max_age })
    }

    /// The same entry at the same score by the same matcher, whatever else its lists hold by now; or no answer of
    /// it, for whatever reason.
    fn says_the_same(&self, before: &str, now: &str) -> bool {
        entry(before) == entry(now)
    }

    fn lifted_by(&self) -> &[AttestationKind] {
        &self.pep_lifted_by
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        if facts.checks.names.is_empty() {
            let observed = format!("{NOT_ASKED}: {}", HookFailure::NotConfigured.as_str());
            let finding = Finding::error(observed, "").with_effect(self.on_failure);
            return vec![keep_money(finding, facts)];
        }
        let found = facts.checks.names.iter().flat_map(|told| self.one(told, facts));
        found.map(|finding| keep_money(finding, facts)).collect()
    }

    /// Who is on a list must not learn it from us, and which list it was is nobody's but compliance's.
    fn words(&self, result: &RuleResult) -> Words {
        if result.observed.starts_with(NOT_ASKED) {
            return Words::new(
                Audience::Compliance,
                "names.no_answer",
                "a matcher of names gave no answer that can be used",
                "ask again when it answers, or look the player up by hand",
            );
        }
        if result.observed.starts_with(PEP) {
            return Words::new(
                Audience::Compliance,
                "names.pep",
                "the player may be a politically exposed person",
                "enhanced due diligence, and the word of a senior person",
            );
        }
        Words::new(
            Audience::Compliance,
            "names.sanctions",
            "the player may be on a list of sanctions",
            "compare birth date and places with the entry; an exception needs two people",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::Checkpoint;
    use crate::screening::facts::LetGo;
    use crate::screening::gather::{self, Setting, Withdrawal};
    use crate::screening::rule::{Rule, State};
    use crate::screening::test_data::{NOW, fx, player, policies, withdrawal};
    use std::sync::Arc;

    #[test]
    fn people_have_seen_an_entry_at_its_score_and_no_other() {
        let seen = "ofac, sdn/7 at 0.91 by watchman, watchman-v2;sdn=ab";
        for (now, is_same) in [
            (seen, true),
            ("ofac, sdn/7 at 0.91 by watchman, watchman-v2;sdn=cd", true),
            ("ofac, sdn/8 at 0.91 by watchman, watchman-v2;sdn=ab", false),
            ("ofac, sdn/7 at 0.97 by watchman, watchman-v2;sdn=ab", false),
            ("ofac, sdn/7 at 0.91 by yente, logic-v2;default=1", false),
            ("pep ofac, sdn/7 at 0.91 by watchman, watchman-v2;sdn=ab", false),
            ("no answer of watchman: late", false),
        ] {
            assert_eq!(entry(seen) == entry(now), is_same, "{now}");
        }
        let silent = entry("no answer of watchman: late");
        assert_eq!(silent, entry("no answer of watchman: stale"));
        assert_ne!(silent, entry("no answer of yente: late"));
    }

    /// An entry that was of no sanctions when people let it go, and is by now.
    #[test]
    fn what_was_a_review_and_is_a_hold_by_now_was_let_go_by_nobody() {
        let score = |text: &str| text.parse().unwrap();
        let names = SanctionsPep {
            block: score("0.95"),
            review: score("0.80"),
            pep: Outcome::Review,
            max_age: Duration::DAY,
            on_failure: Outcome::Review,
            pep_lifted_by: Vec::new(),
        };
        let (id, at) = ("sanctions_pep".into(), vec![Checkpoint::WithdrawalPrePayout]);
        let (check, source) = (Arc::new(names), "test".to_owned());
        let (effect, source_date) = (Outcome::Hold, None);
        let rule =
            Rule { number: 20, id, check, at, effect, only_records: false, source, source_date };
        let player = player();
        let checkpoint = Checkpoint::WithdrawalPrePayout;
        let records = Withdrawal { checkpoint, ..withdrawal(&player) };
        let mut facts = gather::withdrawal(&records, &Setting::new(&policies(), &fx(), NOW));
        let outcomes = |facts: &Facts| {
            let results = rule.results(facts);
            results.iter().map(|it| (it.state, it.effect)).collect::<Vec<_>>()
        };
        for (topic, held, expected) in [
            (Topic::Other, false, (State::NoHit, Outcome::Review)),
            (Topic::Sanctions, false, (State::Hit, Outcome::Hold)),
            (Topic::Sanctions, true, (State::NoHit, Outcome::Hold)),
        ] {
            let (list, entity) = ("default".to_owned(), "Q1".to_owned());
            let hit = NameHit { list, entity, topic, score: score("0.97"), excepted: false };
            let answer =
                NameAnswer { hits: vec![hit], version: "logic-v2".to_owned(), asked_at: NOW };
            facts.checks.names = vec![NameFacts { matcher: "yente".to_owned(), found: Ok(answer) }];
            let observed = "default/Q1 at 0.97 by yente, logic-v2".to_owned();
            facts.let_go = vec![LetGo { rule: "sanctions_pep".to_owned(), observed, held }];
            assert_eq!(outcomes(&facts), [expected], "{topic:?} {held}");
        }
    }
}
