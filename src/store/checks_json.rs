//! What was found about a player outside the house, as a piece of a decision's canonical JSON.

use super::StoreError;
use super::facts_json::Node;
use super::facts_text::{money_json, time};
use crate::screening::hooks::{
    CheckFacts, FileAnswer, FileFacts, HookFailure, KycAnswer, KycFacts, KycStanding, NameAnswer,
    NameFacts, NameHit, RegisterAnswer, RegisterFacts, Standing, Topic,
};
use serde_json::{Value, json};

pub fn write(checks: &CheckFacts) -> Value {
    let mut object = serde_json::Map::new();
    if let Some(RegisterFacts { register, found }) = &checks.register {
        let found = answer_or_failure(found, |answer| {
            json!({
                "standing": answer.standing.as_str(),
                "reference": answer.reference,
                "answered_at": time(answer.answered_at),
            })
        });
        object.insert("register".to_owned(), json!({"register": register, "found": found}));
    }
    if let Some(FileFacts { file, found }) = &checks.file {
        let found = answer_or_failure(found, |answer| {
            json!({
                "granted": answer.granted,
                "reference": answer.reference,
                "remaining": answer.remaining.map(money_json),
            })
        });
        object.insert("file".to_owned(), json!({"file": file, "found": found}));
    }
    if !checks.names.is_empty() {
        object.insert("names".to_owned(), checks.names.iter().map(names).collect());
    }
    // Decisions of the time before this hook have no such key, and replay to the byte.
    if let Some(KycFacts { vendor, found }) = &checks.kyc {
        let found = answer_or_failure(found, |answer| {
            json!({
                "standing": answer.standing.as_str(),
                "level": answer.level,
                "reference": answer.reference,
                "version": answer.version,
                "told_at": time(answer.told_at),
            })
        });
        object.insert("kyc".to_owned(), json!({"vendor": vendor, "found": found}));
    }
    Value::Object(object)
}

fn names(facts: &NameFacts) -> Value {
    let found = answer_or_failure(&facts.found, |answer| {
        let hits: Vec<Value> = answer.hits.iter().map(hit).collect();
        json!({"hits": hits, "version": answer.version, "asked_at": time(answer.asked_at)})
    });
    json!({"matcher": facts.matcher, "found": found})
}

fn hit(hit: &NameHit) -> Value {
    json!({
        "list": hit.list,
        "entity": hit.entity,
        "topic": hit.topic.as_str(),
        "score": hit.score.to_string(),
        "excepted": hit.excepted,
    })
}

fn answer_or_failure<A>(found: &Result<A, HookFailure>, write: impl Fn(&A) -> Value) -> Value {
    match found {
        Ok(answer) => write(answer),
        Err(failure) => json!({"failure": failure.as_str()}),
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
    use super::*;
    use crate::domain::{Currency, Money};
    use rust_decimal::dec;
    use time::macros::datetime;

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
        let written = write(&checks);
        let node = Node::root(&written, "checks");
        assert_eq!(read(&node).unwrap(), checks);
        for failure in HookFailure::ALL {
            let found = Err(failure);
            let kyc = Some(KycFacts { vendor: "veriff".into(), found: Err(failure) });
            let checks = CheckFacts {
                register: Some(RegisterFacts { register: "se".into(), found }),
                kyc,
                ..CheckFacts::default()
            };
            let written = write(&checks);
            assert_eq!(read(&Node::root(&written, "checks")).unwrap(), checks);
        }
    }
}
