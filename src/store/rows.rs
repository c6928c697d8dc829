//! Rows as sqlx reads them, and the words they become.

use super::{StoreError, instrument_json, json};
use crate::book::{Attempt, AttemptError, Cancel, Completion, Lease, Part, Payment, Viewer, Way};
use crate::domain::{
    AttemptId, DecisionId, Direction, Exclusion, Kyc, KycStatus, Money, OperatorId, PartId,
    PaymentId, PaymentStatus, Player, PlayerId, PlayerKey, PlayerStatus, Timestamp,
};
use crate::screening::limits::Limit;
use std::str::FromStr;
use std::sync::Arc;
use time::Date;
use uuid::Uuid;

fn word<T: FromStr>(text: &str, what: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("{what} {text}")))
}

/// A row of `payment`, its JSON as text.
#[derive(Debug, sqlx::FromRow)]
pub struct PaymentRow {
    pub payment_id: Uuid,
    pub operator_id: String,
    pub player_id: String,
    pub direction: String,
    pub status: String,
    pub origin: String,
    pub amount: i64,
    pub currency: String,
    pub fee: Option<i64>,
    pub country: String,
    pub method: String,
    pub reference: Option<String>,
    pub return_url: Option<String>,
    pub payer: String,
    pub received_amount: Option<i64>,
    pub received_currency: Option<String>,
    pub credited_amount: Option<i64>,
    pub suspended_amount: Option<i64>,
    pub suspended_currency: Option<String>,
    pub next_action: Option<String>,
    pub action_told: bool,
    pub reasons: String,
    pub route: String,
    pub metadata: String,
    pub decision_id: Uuid,
    pub event_sequence: i64,
    pub answer_owed: Option<String>,
    pub due_at: Option<Timestamp>,
    pub source: Option<String>,
    pub returns: Option<String>,
    pub instrument: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Whether people ever had to look at it.
    pub is_reviewed: Option<bool>,
}

/// The viewer as it is stored.
pub const fn viewer_text(viewer: Viewer) -> &'static str {
    match viewer {
        Viewer::Backend => "backend",
        Viewer::Player => "player",
    }
}

pub fn read_viewer(text: &str) -> Viewer {
    // What cannot be read is for the narrower view.
    if text == "backend" { Viewer::Backend } else { Viewer::Player }
}

impl PaymentRow {
    /// The payment without its parts and attempts.
    pub fn into_payment(self) -> Result<Payment, StoreError> {
        let direction: Direction = word(&self.direction, "direction")?;
        let currency = json::currency(&self.currency)?;
        let money_of = |minor: Option<i64>, code: Option<&str>| match (minor, code) {
            (Some(minor), Some(code)) => Ok(Some(Money::new(minor, json::currency(code)?))),
            _ => Ok::<_, StoreError>(None),
        };
        Ok(Payment {
            id: PaymentId { direction, uuid: self.payment_id },
            player: PlayerKey {
                operator: OperatorId::trusted(&self.operator_id),
                player: PlayerId::trusted(&self.player_id),
            },
            status: PaymentStatus::parse(direction, &self.status)
                .map_err(|_| StoreError::Corrupt(format!("status {}", self.status)))?,
            origin: word(&self.origin, "origin")?,
            money: Money::new(self.amount, currency),
            fee: self.fee.map(|fee| Money::new(fee, currency)),
            country: self.country,
            method: word(&self.method, "method")?,
            reference: self.reference,
            return_url: self.return_url,
            payer: json::read_payer(&self.payer)?.into(),
            received: money_of(self.received_amount, self.received_currency.as_deref())?,
            credited: self.credited_amount.map(|minor| Money::new(minor, currency)),
            suspended: money_of(self.suspended_amount, self.suspended_currency.as_deref())?,
            next_action: self.next_action.as_deref().map(json::read_action).transpose()?,
            action_told: self.action_told,
            reasons: json::read_reasons(&self.reasons)?,
            route: json::read_route(&self.route)?.into(),
            metadata: self.metadata,
            decision: DecisionId(self.decision_id),
            event_sequence: self.event_sequence,
            answer_owed: self.answer_owed.as_deref().map(read_viewer),
            due_at: self.due_at,
            source: self.source.as_deref().map(instrument_json::read_instrument).transpose()?,
            returns: self.returns.as_deref().map(json::read_returns).transpose()?,
            instrument: self.instrument.as_deref().map(instrument_json::read_chosen).transpose()?,
            parts: Vec::new(),
            attempts: Vec::new(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
pub struct PartRow {
    pub part_id: Uuid,
    pub payment_id: Uuid,
    pub number: i16,
    pub amount: i64,
    pub currency: String,
    pub instrument: String,
    pub status: String,
    pub held: i64,
    pub method: Option<String>,
    pub route: Option<String>,
}

impl PartRow {
    pub fn into_part(self) -> Result<Part, StoreError> {
        let way = match (self.method, self.route) {
            (Some(method), Some(route)) => {
                let method = word(&method, "method")?;
                Some(Arc::new(Way { method, route: json::read_route(&route)? }))
            }
            _ => None,
        };
        Ok(Part {
            id: PartId(self.part_id),
            number: self.number,
            money: Money::new(self.amount, json::currency(&self.currency)?),
            instrument: instrument_json::read_instrument(&self.instrument)?,
            status: word(&self.status, "part status")?,
            held_minor: self.held,
            way,
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
pub struct AttemptRow {
    pub attempt_id: Uuid,
    pub payment_id: Uuid,
    pub part_id: Option<Uuid>,
    pub number: i16,
    pub psp: String,
    pub status: String,
    pub asked: i64,
    pub currency: String,
    pub error_code: Option<String>,
    pub error_retryable: Option<bool>,
    pub psp_reference: Option<String>,
    pub was_accepted: bool,
    pub first_sent_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub lease_holder: Option<String>,
    pub lease_until: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub inquiries: i32,
    pub last_inquiry_at: Option<Timestamp>,
    pub last_ledger_at: Option<Timestamp>,
    pub misses: i32,
    pub first_missed_at: Option<Timestamp>,
    pub last_missed_at: Option<Timestamp>,
    pub paged: bool,
    pub cancel: Option<String>,
    pub kept_news: Option<String>,
    pub completion: Option<String>,
}

impl AttemptRow {
    pub fn into_attempt(self) -> Result<Attempt, StoreError> {
        let retryable = self.error_retryable.unwrap_or(false);
        let lease = self.lease_holder.zip(self.lease_until);
        Ok(Attempt {
            id: AttemptId(self.attempt_id),
            part: self.part_id.map(PartId),
            number: self.number,
            psp: self.psp,
            status: word(&self.status, "attempt status")?,
            asked: Money::new(self.asked, json::currency(&self.currency)?),
            error: self.error_code.map(|code| AttemptError { code, retryable }),
            psp_reference: self.psp_reference,
            was_accepted: self.was_accepted,
            first_sent_at: self.first_sent_at,
            ended_at: self.ended_at,
            lease: lease.map(|(holder, until)| Lease { holder, until }),
            due_at: self.due_at,
            expires_at: self.expires_at,
            inquiries: self.inquiries,
            last_inquiry_at: self.last_inquiry_at,
            last_ledger_at: self.last_ledger_at,
            misses: self.misses,
            first_missed_at: self.first_missed_at,
            last_missed_at: self.last_missed_at,
            paged: self.paged,
            cancel: match self.cancel.as_deref() {
                Some("wanted") => Some(Cancel::Wanted),
                Some(_) => Some(Cancel::Asked),
                None => None,
            },
            kept_news: self.kept_news,
            completion: match self.completion.as_deref() {
                Some("wanted") => Some(Completion::Wanted),
                Some(_) => Some(Completion::Asked),
                None => None,
            },
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
pub struct PlayerRow {
    pub operator_id: String,
    pub player_id: String,
    pub version: i64,
    pub country: String,
    pub currency: String,
    pub full_name: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub date_of_birth: Date,
    pub national_id: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub address: Option<String>,
    pub locale: Option<String>,
    pub status: String,
    pub exclusion_source: Option<String>,
    pub exclusion_from: Option<Timestamp>,
    pub exclusion_until: Option<Timestamp>,
    pub kyc_status: String,
    pub kyc_level: i16,
    pub kyc_verified_at: Option<Timestamp>,
    pub has_paid: bool,
    pub limits: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl PlayerRow {
    pub fn into_player(self) -> Result<(Player, Vec<Limit>), StoreError> {
        let limits = json::read_limits(&self.limits)?;
        let corrupt = |what: &str| StoreError::Corrupt(what.to_owned());
        let exclusion = self.exclusion_source.zip(self.exclusion_from);
        let player = Player {
            key: PlayerKey {
                operator: OperatorId::trusted(&self.operator_id),
                player: PlayerId::trusted(&self.player_id),
            },
            version: self.version,
            country: self.country,
            currency: json::currency(&self.currency)?,
            full_name: self.full_name,
            given_name: self.given_name,
            family_name: self.family_name,
            date_of_birth: self.date_of_birth,
            national_id: self.national_id,
            email: self.email,
            phone: self.phone,
            address: self.address,
            locale: self.locale,
            status: PlayerStatus::parse(&self.status).ok_or_else(|| corrupt("player status"))?,
            exclusion: exclusion.map(|(source, from)| Exclusion {
                source,
                from,
                until: self.exclusion_until,
            }),
            kyc: Kyc {
                status: KycStatus::parse(&self.kyc_status).ok_or_else(|| corrupt("kyc status"))?,
                level: self.kyc_level,
                verified_at: self.kyc_verified_at,
            },
            has_paid: self.has_paid,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        Ok((player, limits))
    }
}
