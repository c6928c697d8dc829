//! What a batch says and why, as rows: events for the outbox, and the decisions behind them.
//! [`super::write_records`] writes them beside their records.

use super::write_records::{Numbered, n};
use super::written::{JsonText, written};
use super::{facts_text, json};
use crate::domain::Timestamp;
use crate::screening::decision::Decision;
use uuid::Uuid;

written! {
    EventRow<'a> as "written_event" {
        seq: i64,
        n: i16,
        event_id: Uuid,
        kind: &'a str,
        operator_id: &'a str,
        player_id: &'a str,
        subject: String,
        payment_id: Uuid,
        payment_sequence: i64,
        data: JsonText<'a>,
    }
}

pub(super) fn event_rows(records: &[Numbered]) -> Vec<EventRow<'_>> {
    let mut rows = Vec::new();
    for Numbered { seq, record, event_data } in records {
        for (index, (event, data)) in record.events.iter().zip(event_data).enumerate() {
            rows.push(EventRow {
                seq: *seq,
                n: n(index),
                event_id: event.id.0,
                kind: &event.kind,
                operator_id: record.player.operator.as_str(),
                player_id: record.player.player.as_str(),
                subject: event.payment.id.to_string(),
                payment_id: event.payment.id.uuid,
                payment_sequence: event.sequence,
                data: data.as_str().into(),
            });
        }
    }
    rows
}

written! {
    DecisionRow<'a> as "written_decision" {
        seq: i64,
        n: i16,
        decision_id: Uuid,
        operator_id: &'a str,
        player_id: &'a str,
        payment_id: Option<Uuid>,
        direction: Option<&'a str>,
        checkpoint: &'a str,
        player_version: i64,
        market: Option<&'a str>,
        policy_version: Option<&'a str>,
        policy_sha256: Option<&'a [u8]>,
        outcome: &'a str,
        rules: JsonText<'a>,
        reasons: JsonText<'a>,
        inputs: JsonText<'a>,
        engine: &'a str,
        occurred_at: Timestamp,
        known_at: Timestamp,
    }
}

impl<'a> DecisionRow<'a> {
    fn of(seq: i64, index: usize, decision: &'a Decision) -> Self {
        let policy = decision.screening.policy.as_ref();
        Self {
            seq,
            n: n(index),
            decision_id: decision.id.0,
            operator_id: decision.player.operator.as_str(),
            player_id: decision.player.player.as_str(),
            payment_id: decision.payment.map(|id| id.uuid),
            direction: decision.payment.map(|id| id.direction.as_str()),
            checkpoint: decision.checkpoint().as_str(),
            player_version: decision.player_version(),
            market: policy.map(|(market, _, _)| market.as_str()),
            policy_version: policy.map(|(_, version, _)| version.as_str()),
            policy_sha256: policy.map(|(_, _, sha256)| &sha256[..]),
            outcome: decision.outcome().as_str(),
            rules: json::rules(decision.rules()).into(),
            reasons: json::reasons(decision.reasons()).into(),
            inputs: facts_text::text(&decision.facts).into(),
            engine: decision.engine,
            occurred_at: decision.occurred_at(),
            known_at: decision.facts.counted_at,
        }
    }
}

pub(super) fn decision_rows(records: &[Numbered]) -> Vec<DecisionRow<'_>> {
    let mut rows = Vec::new();
    for Numbered { seq, record, .. } in records {
        let decisions = record.decisions.iter().enumerate();
        rows.extend(decisions.map(|(index, decision)| DecisionRow::of(*seq, index, decision)));
    }
    rows
}
