//! What was found about a player outside the house, as a piece of a decision's canonical JSON.

use super::StoreError;
use super::facts_json::Node;
use super::facts_text::{Moment, MoneyText};
use crate::screening::hooks::{
    CheckFacts, FileAnswer, FileFacts, HookFailure, KycAnswer, KycFacts, KycStanding, NameAnswer,
    NameFacts, NameHit, RegisterAnswer, RegisterFacts, Standing, Topic,
};
use serde::Serialize;

/// The members of each stand in the order of their names, which is the order of the bytes: what was found
/// about a player is in every decision of a market pack, so that it is written without a tree.
#[derive(Serialize)]
pub(super) struct ChecksText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileText<'a>>,
    // Decisions of the time before this hook have no such key, and replay to the byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    kyc: Option<KycText<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<NamesText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<RegisterText<'a>>,
}

/// What was found, or why it was not.
#[derive(Serialize)]
#[serde(untagged)]
enum Found<A> {
    Answer(A),
    Failure { failure: &'static str },
}

fn found<'a, A, T>(of: &'a Result<A, HookFailure>, text: impl Fn(&'a A) -> T) -> Found<T> {
    match of {
        Ok(answer) => Found::Answer(text(answer)),
        Err(failure) => Found::Failure { failure: failure.as_str() },
    }
}

#[derive(Serialize)]
struct FileText<'a> {
    file: &'a str,
    found: Found<GrantText<'a>>,
}

#[derive(Serialize)]
struct GrantText<'a> {
    granted: bool,
    reference: &'a str,
    remaining: Option<MoneyText>,
}

#[derive(Serialize)]
struct KycText<'a> {
    found: Found<IdentityText<'a>>,
    vendor: &'a str,
}

#[derive(Serialize)]
struct IdentityText<'a> {
    level: i16,
    reference: &'a str,
    standing: &'static str,
    told_at: Moment,
    version: &'a str,
}

#[derive(Serialize)]
struct NamesText<'a> {
    found: Found<HitsText<'a>>,
    matcher: &'a str,
}

#[derive(Serialize)]
struct HitsText<'a> {
    asked_at: Moment,
    hits: Vec<HitText<'a>>,
    version: &'a str,
}

#[derive(Serialize)]
struct HitText<'a> {
    entity: &'a str,
    excepted: bool,
    list: &'a str,
    score: String,
    topic: &'static str,
}

#[derive(Serialize)]
struct RegisterText<'a> {
    found: Found<StandingText<'a>>,
    register: &'a str,
}

#[derive(Serialize)]
struct StandingText<'a> {
    answered_at: Moment,
    reference: &'a str,
    standing: &'static str,
}

pub(super) fn write(checks: &CheckFacts) -> ChecksText<'_> {
    ChecksText {
        file: checks.file.as_ref().map(|facts| FileText {
            file: &facts.file,
            found: found(&facts.found, |FileAnswer { granted, reference, remaining }| GrantText {
                granted: *granted,
                reference,
                remaining: remaining.map(MoneyText),
            }),
        }),
        kyc: checks.kyc.as_ref().map(|facts| KycText {
            found: found(&facts.found, |answer| IdentityText {
                level: answer.level,
                reference: &answer.reference,
                standing: answer.standing.as_str(),
                told_at: Moment(answer.told_at),
                version: &answer.version,
            }),
            vendor: &facts.vendor,
        }),
        names: checks.names.iter().map(names).collect(),
        register: checks.register.as_ref().map(|facts| RegisterText {
            found: found(&facts.found, |answer| StandingText {
                answered_at: Moment(answer.answered_at),
                reference: &answer.reference,
                standing: answer.standing.as_str(),
            }),
            register: &facts.register,
        }),
    }
}

fn names(facts: &NameFacts) -> NamesText<'_> {
    NamesText { found: found(&facts.found, hits), matcher: &facts.matcher }
}

fn hits(answer: &NameAnswer) -> HitsText<'_> {
    HitsText {
        asked_at: Moment(answer.asked_at),
        hits: answer.hits.iter().map(hit).collect(),
        version: &answer.version,
    }
}

fn hit(hit: &NameHit) -> HitText<'_> {
    HitText {
        entity: &hit.entity,
        excepted: hit.excepted,
        list: &hit.list,
        score: hit.score.to_string(),
        topic: hit.topic.as_str(),
    }
}

pub fn read(all: &Node<'_>) -> Result<CheckFacts, StoreError> {
    Ok(CheckFacts {
        register: all.maybe("register", |found| {
            Ok(RegisterFacts {
                register: found.text("register")?,
                found: read_found(found, |answer| {
                    Ok(RegisterAnswer {
                        standing: answer.word("standing", Standing::parse)?,
                        reference: answer.text("reference")?,
                        answered_at: answer.time("answered_at")?,
                    })
                })?,
            })
        })?,
        file: all.maybe("file", |found| {
            Ok(FileFacts {
                file: found.text("file")?,
                found: read_found(found, |answer| {
                    Ok(FileAnswer {
                        granted: answer.flag("granted")?,
                        reference: answer.text("reference")?,
                        remaining: answer.maybe("remaining", |money| money.money())?,
                    })
                })?,
            })
        })?,
        names: all.each("names", |found| {
            Ok(NameFacts {
                matcher: found.text("matcher")?,
                found: read_found(found, |answer| {
                    Ok(NameAnswer {
                        hits: answer.each("hits", read_hit)?,
                        version: answer.text("version")?,
                        asked_at: answer.time("asked_at")?,
                    })
                })?,
            })
        })?,
        kyc: all.maybe("kyc", read_kyc)?,
    })
}

fn read_kyc(found: &Node<'_>) -> Result<KycFacts, StoreError> {
    Ok(KycFacts {
        vendor: found.text("vendor")?,
        found: read_found(found, |answer| {
            Ok(KycAnswer {
                standing: answer.word("standing", KycStanding::parse)?,
                level: i16::try_from(answer.number("level")?).map_err(|_| answer.wrong())?,
                reference: answer.text("reference")?,
                version: answer.text("version")?,
                told_at: answer.time("told_at")?,
            })
        })?,
    })
}

fn read_found<'a, A>(
    of: &Node<'a>,
    read: impl Fn(&Node<'a>) -> Result<A, StoreError>,
) -> Result<Result<A, HookFailure>, StoreError> {
    let found = of.at("found")?;
    match found.maybe("failure", |failure| failure.own_text())? {
        Some(text) => HookFailure::parse(&text).map(Err).ok_or_else(|| found.wrong()),
        None => read(&found).map(Ok),
    }
}

fn read_hit(hit: &Node<'_>) -> Result<NameHit, StoreError> {
    Ok(NameHit {
        list: hit.text("list")?,
        entity: hit.text("entity")?,
        topic: hit.word("topic", Topic::parse)?,
        score: hit.word("score", |text| text.parse().ok())?,
        excepted: hit.flag("excepted")?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::facts_text::in_order;
    use super::*;
    use crate::domain::{Currency, Money};
    use rust_decimal::dec;
    use serde_json::Value;
    use time::macros::datetime;

    /// Reads it back from its text, whose keys must be in order: a tree puts them there.
    fn again(checks: &CheckFacts) -> CheckFacts {
        let text = serde_json::to_string(&write(checks)).unwrap();
        let tree: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(in_order(&tree), text);
        read(&Node::root(&tree, "checks")).unwrap()
    }

    #[test]
    fn what_was_found_comes_back_as_it_was() {
        let at = datetime!(2026-11-21 8:00 UTC);
        let answer = RegisterAnswer {
            standing: Standing::NotExcluded,
            reference: "r".into(),
            answered_at: at,
        };
        let granted = FileAnswer {
            granted: true,
            reference: "f".into(),
            remaining: Some(Money::new(5, Currency::EUR)),
        };
        let hit = NameHit {
            list: "us_ofac".into(),
            entity: "1".into(),
            topic: Topic::Pep,
            score: dec!(0.93),
            excepted: true,
        };
        let found = NameAnswer { hits: vec![hit], version: "v".into(), asked_at: at };
        let checks = CheckFacts {
            register: Some(RegisterFacts { register: "se".into(), found: Ok(answer) }),
            file: Some(FileFacts { file: "de".into(), found: Ok(granted) }),
            names: vec![
                NameFacts { matcher: "watchman".into(), found: Ok(found) },
                NameFacts { matcher: "yente".into(), found: Err(HookFailure::Late) },
            ],
            kyc: Some(KycFacts {
                vendor: "sumsub".into(),
                found: Ok(KycAnswer {
                    standing: KycStanding::Retry,
                    level: 2,
                    reference: "a".into(),
                    version: "basic".into(),
                    told_at: at,
                }),
            }),
        };
        assert_eq!(again(&checks), checks);
        for failure in HookFailure::ALL {
            let found = Err(failure);
            let kyc = Some(KycFacts { vendor: "veriff".into(), found: Err(failure) });
            let checks = CheckFacts {
                register: Some(RegisterFacts { register: "se".into(), found }),
                kyc,
                ..CheckFacts::default()
            };
            assert_eq!(again(&checks), checks);
        }
    }
}
