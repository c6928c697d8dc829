//! How a withdrawal was shared out, as a decision keeps it.

use super::StoreError;
use super::facts_json::Node;
use crate::screening::closed_loop::Obstacle;
use crate::screening::facts::{LoopFacts, LoopSource, Match};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn value(found: &LoopFacts) -> Value {
    let source = |source: &LoopSource| {
        let mut value = json!({
            "kind": source.kind,
            "deposited": source.deposited_minor,
            "paid_out": source.paid_out_minor,
            "share": source.share_minor,
            "obstacle": source.obstacle.map(Obstacle::as_str),
            "excepted": source.is_excepted,
        });
        // Older decisions have no such member, and they must come out to the byte.
        if let Some(exception) = source.exception {
            value["exception"] = exception.to_string().into();
        }
        value
    };
    let elsewhere = found.elsewhere.as_ref();
    let mut value = json!({
        "sources": found.sources.iter().map(source).collect::<Value>(),
        "elsewhere": elsewhere.map(|(kind, minor)| json!({"kind": kind, "minor": minor})),
        "named": found.is_named,
        "outside": found.is_outside,
    });
    if let Some(holder) = found.holder {
        value["holder"] = holder.as_str().into();
    }
    value
}

pub(super) fn read(found: &Node<'_>) -> Result<LoopFacts, StoreError> {
    Ok(LoopFacts {
        sources: found.each("sources", |source| {
            Ok(LoopSource {
                kind: source.text("kind")?,
                deposited_minor: source.number("deposited")?,
                paid_out_minor: source.number("paid_out")?,
                share_minor: source.number("share")?,
                obstacle: source.maybe("obstacle", |text| {
                    Obstacle::parse(&text.own_text()?).ok_or_else(|| text.wrong())
                })?,
                is_excepted: source.flag("excepted")?,
                exception: source.maybe("exception", |id| {
                    Uuid::try_parse(&id.own_text()?).map_err(|_| id.wrong())
                })?,
            })
        })?,
        elsewhere: found.maybe("elsewhere", |to| Ok((to.text("kind")?, to.number("minor")?)))?,
        is_named: found.flag("named")?,
        is_outside: found.flag("outside")?,
        holder: found.maybe("holder", |whose| whose.own_word(Match::parse))?,
    })
}
