//! A case `name_match`: what matchers found beside the player's record, and what people can say of it.

use super::Console;
use super::case_words::{self, Choice};
use super::session::Signed;
use super::words;
use crate::book::{CaseKind, CasePayload, Payment, Review};
use crate::domain::{Player, PlayerKey};
use crate::screening::attestation::{AttestationKind, AttestationTerms};
use crate::screening::hooks::{NameAnswer, NameFacts, NameHit, Topic};
use crate::store::read_models;
use crate::vendors::people::near_names::{NearError, near_names};

/// The words that the form sends.
const EXCLUDE: &str = "exclude";
const EXCEPT: &str = "except ";

/// An entry of a list that looks like the player.
#[derive(Debug)]
pub struct EntryRow {
    /// The list, and the entry's id in it.
    pub entry: String,
    pub topic: &'static str,
    pub score: String,
    pub matcher: String,
    pub asked_at: String,
    pub is_excepted: bool,
    /// Whether the case was opened for it.
    pub is_news: bool,
}

impl EntryRow {
    fn of(matcher: &str, answer: &NameAnswer, hit: &NameHit) -> Self {
        Self {
            entry: format!("{}/{}", hit.list, hit.entity),
            topic: match hit.topic {
                Topic::Sanctions => "sanctions",
                Topic::Pep => "politically exposed people",
                Topic::Other => "another list",
            },
            score: hit.score.to_string(),
            matcher: matcher.to_owned(),
            asked_at: words::time(answer.asked_at),
            is_excepted: hit.excepted,
            is_news: false,
        }
    }
}

/// What is compared.
#[derive(Debug)]
pub struct Near {
    /// Of the player's record: names and values. Empty: nobody is known by this id, or their data was erased.
    pub record: Vec<(&'static str, String)>,
    /// The nearest first.
    pub entries: Vec<EntryRow>,
}

impl Near {
    /// Marks what the case was opened for, by the words that it was opened with.
    pub fn mark(&mut self, opened: &str) {
        for row in &mut self.entries {
            row.is_news = opened.contains(&format!("{} at {} by", row.entry, row.score));
        }
    }
}

/// None where it is no such case.
pub async fn read(
    console: &Console,
    signed: &Signed,
    review: &Review,
) -> Result<Option<Near>, NearError> {
    let is_match = review.kind == CaseKind::NameMatch.as_str();
    let Some(player) = review.player.clone().filter(|_| is_match) else { return Ok(None) };
    let (flows, operator) = (&console.flows, signed.account.operator.clone());
    let key = PlayerKey { operator, player };
    let known = read_models::player(flows.db.pool(), &key).await?;
    let known = known.map(|(player, _)| player).filter(|player| !player.is_erased());
    let told = near_names(flows, &key, flows.clock.now()).await?;
    Ok(Some(Near { record: known.as_ref().map(record).unwrap_or_default(), entries: rows(&told) }))
}

fn record(player: &Player) -> Vec<(&'static str, String)> {
    let rows = [
        ("Name", Some(player.full_name.clone())),
        ("Given name", player.given_name.clone()),
        ("Family name", player.family_name.clone()),
        ("Born", Some(player.date_of_birth.to_string())),
        ("Country", Some(player.country.clone())),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn rows(told: &[NameFacts]) -> Vec<EntryRow> {
    let answers = told.iter().filter_map(|told| Some((told, told.found.as_ref().ok()?)));
    let mut hits: Vec<_> = answers
        .flat_map(|(told, answer)| answer.hits.iter().map(move |hit| (told, answer, hit)))
        .collect();
    hits.sort_by_key(|(_, _, hit)| std::cmp::Reverse(hit.score));
    hits.into_iter().map(|(told, answer, hit)| EntryRow::of(&told.matcher, answer, hit)).collect()
}

/// What may be proposed in any case: in one of these what an approval is to do is said by the word itself.
pub fn choices(review: &Review, payment: Option<&Payment>, near: Option<&Near>) -> Vec<Choice> {
    let others = case_words::choices(review, payment);
    let Some(near) = near.filter(|_| review.open) else { return others };
    let mut all = Vec::new();
    if !near.record.is_empty() {
        all.push(Choice {
            word: EXCLUDE.into(),
            does: "the list names the player, who is excluded without end. The casino reads that the house \
                   excluded them, and not why"
                .into(),
        });
        for row in near.entries.iter().filter(|row| !row.is_excepted) {
            let word = format!("{EXCEPT}{}", row.entry);
            if all.iter().all(|choice: &Choice| choice.word != *word) {
                let does = "it is somebody else. This entry holds up nothing of the player's any more, while their \
                    name and birth date stay as they are";
                all.push(Choice { word: word.into(), does: does.into() });
            }
        }
    }
    let last = last_payload(review).map(|payload| case_words::payload(&payload));
    all.extend(others.into_iter().map(|choice| match (&*choice.word, &last) {
        ("approve", Some(last)) => {
            Choice { does: format!("what was proposed last is done: {last}").into(), ..choice }
        }
        ("reject", _) => {
            let does = "nothing is done: what the rules find at each payment is looked at there";
            Choice { does: does.into(), ..choice }
        }
        _ => choice,
    }));
    all
}

/// The outcome that a word stands for, and what its approval does.
pub fn meant(review: &Review, word: &str) -> (String, Option<CasePayload>) {
    let approve = || "approve".to_owned();
    if review.kind == CaseKind::NameMatch.as_str() {
        if word == EXCLUDE {
            return (approve(), Some(CasePayload::Exclusion));
        }
        if let Some(entry) = word.strip_prefix(EXCEPT) {
            let (kind, reference) = (AttestationKind::NameException, entry.to_owned());
            let terms = AttestationTerms { kind, reference, amount: None, valid_until: None };
            // Of whose name: the record says so when it is proposed.
            return (approve(), Some(CasePayload::Attestation(terms, None)));
        }
    }
    // What an approval is to do stays what was proposed last.
    let is_case = CaseKind::parse(&review.kind).is_some() && word == "approve";
    (word.to_owned(), last_payload(review).filter(|_| is_case))
}

fn last_payload(review: &Review) -> Option<CasePayload> {
    review.proposals.iter().rev().find_map(|proposal| proposal.payload.clone())
}
