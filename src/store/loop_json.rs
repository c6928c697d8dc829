//! How a withdrawal was shared out, as a decision keeps it.

use super::StoreError;
use super::facts_json::Node;
use crate::screening::closed_loop::Obstacle;
use crate::screening::facts::{LoopFacts, LoopSource, Match};
use serde::Serialize;
use uuid::Uuid;

/// Its members, and those of its sources, stand in the order of their names, which is the order of the bytes.
#[derive(Serialize)]
pub(super) struct LoopText<'a> {
    elsewhere: Option<ElsewhereText<'a>>,
    // Older decisions have neither this member nor `exception`, and they must come out to the byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<&'static str>,
    named: bool,
    outside: bool,
    sources: Vec<SourceText<'a>>,
}

#[derive(Serialize)]
struct ElsewhereText<'a> {
    kind: &'a str,
    minor: i64,
}

#[derive(Serialize)]
struct SourceText<'a> {
    deposited: i64,
    excepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<Uuid>,
    kind: &'a str,
    obstacle: Option<&'static str>,
    paid_out: i64,
    share: i64,
}

pub(super) fn write(found: &LoopFacts) -> LoopText<'_> {
    let elsewhere = found.elsewhere.as_ref();
    LoopText {
        elsewhere: elsewhere.map(|(kind, minor)| ElsewhereText { kind, minor: *minor }),
        holder: found.holder.map(Match::as_str),
        named: found.is_named,
        outside: found.is_outside,
        sources: found.sources.iter().map(source).collect(),
    }
}

fn source(source: &LoopSource) -> SourceText<'_> {
    SourceText {
        deposited: source.deposited_minor,
        excepted: source.is_excepted,
        exception: source.exception,
        kind: &source.kind,
        obstacle: source.obstacle.map(Obstacle::as_str),
        paid_out: source.paid_out_minor,
        share: source.share_minor,
    }
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

#[cfg(test)]
mod tests {
    use super::super::facts_text::in_order;
    use super::*;
    use serde_json::Value;

    /// Reads it back from its text, whose keys must be in order: a tree puts them there.
    fn again(found: &LoopFacts) -> LoopFacts {
        let text = serde_json::to_string(&write(found)).unwrap();
        let tree: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(in_order(&tree), text);
        read(&Node::root(&tree, "closed_loop")).unwrap()
    }

    #[test]
    fn how_it_was_shared_out_comes_back_as_it_was() {
        let source = LoopSource {
            kind: "iban".into(),
            deposited_minor: 5_000,
            paid_out_minor: 1_000,
            share_minor: 4_000,
            obstacle: None,
            is_excepted: false,
            exception: None,
        };
        let excepted = LoopSource {
            obstacle: Some(Obstacle::ALL[0]),
            is_excepted: true,
            exception: Some(Uuid::from_u128(7)),
            ..source.clone()
        };
        let found = LoopFacts {
            sources: vec![source, excepted],
            elsewhere: Some(("uk_account".into(), 300)),
            is_named: true,
            is_outside: false,
            holder: Some(Match::Same),
        };
        assert_eq!(again(&found), found);
        let bare = LoopFacts { sources: Vec::new(), elsewhere: None, holder: None, ..found };
        assert_eq!(again(&bare), bare);
    }
}
