//! What a batch says and why, as columns: events for the outbox, and the decisions behind them.
//! [`super::write_records`] writes them beside their records.

use super::write_records::{Numbered, n};
use super::{facts_text, json};
use crate::domain::Timestamp;
use uuid::Uuid;

#[derive(Default)]
pub(super) struct EventColumns<'a> {
    pub seq: Vec<i64>,
    pub n: Vec<i16>,
    pub id: Vec<Uuid>,
    pub kind: Vec<&'a str>,
    pub operator: Vec<&'a str>,
    pub player: Vec<&'a str>,
    pub subject: Vec<String>,
    pub payment: Vec<Uuid>,
    pub sequence: Vec<i64>,
    pub data: Vec<&'a str>,
}

pub(super) fn event_columns(records: &[Numbered]) -> EventColumns<'_> {
    let mut c = EventColumns::default();
    for Numbered { seq, record, event_data } in records {
        for (index, (event, data)) in record.events.iter().zip(event_data).enumerate() {
            c.seq.push(*seq);
            c.n.push(n(index));
            c.id.push(event.id.0);
            c.kind.push(&event.kind);
            c.operator.push(record.player.operator.as_str());
            c.player.push(record.player.player.as_str());
            c.subject.push(event.payment.id.to_string());
            c.payment.push(event.payment.id.uuid);
            c.sequence.push(event.sequence);
            c.data.push(data);
        }
    }
    c
}

#[derive(Default)]
pub(super) struct DecisionColumns<'a> {
    pub seq: Vec<i64>,
    pub n: Vec<i16>,
    pub id: Vec<Uuid>,
    pub operator: Vec<&'a str>,
    pub player: Vec<&'a str>,
    pub payment: Vec<Option<Uuid>>,
    pub direction: Vec<Option<&'a str>>,
    pub checkpoint: Vec<&'a str>,
    pub player_version: Vec<i64>,
    pub market: Vec<Option<&'a str>>,
    pub version: Vec<Option<&'a str>>,
    pub sha256: Vec<Option<Vec<u8>>>,
    pub outcome: Vec<&'a str>,
    pub rules: Vec<String>,
    pub reasons: Vec<String>,
    pub inputs: Vec<String>,
    pub engine: Vec<&'a str>,
    pub occurred: Vec<Timestamp>,
    pub known: Vec<Timestamp>,
}

pub(super) fn decision_columns(records: &[Numbered]) -> DecisionColumns<'_> {
    let mut c = DecisionColumns::default();
    for numbered in records {
        for (index, decision) in numbered.record.decisions.iter().enumerate() {
            let policy = decision.screening.policy.as_ref();
            c.seq.push(numbered.seq);
            c.n.push(n(index));
            c.id.push(decision.id.0);
            c.operator.push(decision.player.operator.as_str());
            c.player.push(decision.player.player.as_str());
            c.payment.push(decision.payment.map(|id| id.uuid));
            c.direction.push(decision.payment.map(|id| id.direction.as_str()));
            c.checkpoint.push(decision.checkpoint().as_str());
            c.player_version.push(decision.player_version());
            c.market.push(policy.map(|(market, _, _)| market.as_str()));
            c.version.push(policy.map(|(_, version, _)| version.as_str()));
            c.sha256.push(policy.map(|(_, _, sha256)| sha256.to_vec()));
            c.outcome.push(decision.outcome().as_str());
            c.rules.push(json::rules(decision.rules()));
            c.reasons.push(json::reasons(decision.reasons()));
            c.inputs.push(facts_text::text(&decision.facts));
            c.engine.push(decision.engine);
            c.occurred.push(decision.occurred_at());
            c.known.push(decision.facts.counted_at);
        }
    }
    c
}
