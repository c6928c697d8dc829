//! What a person must look at, as operators read it.

use super::time::Time;
use crate::store::incidents::IncidentLine;
use serde::Serialize;
use utoipa::ToSchema;

/// Something a person must look at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
pub struct IncidentView {
    #[schema(example = "inc_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    /// `area.fact`, stable.
    #[schema(example = "deposit.other_amount")]
    pub kind: String,
    /// Plain words, without personal data.
    pub detail: String,
    #[schema(required)]
    pub player_id: Option<String>,
    #[schema(required)]
    pub payment_id: Option<String>,
    #[schema(required)]
    pub attempt_id: Option<String>,
    /// The PSP account that it is about, where it belongs to no payment.
    #[schema(required)]
    pub psp: Option<String>,
    pub raised_at: Time,
    /// Null while it is open.
    #[schema(required)]
    pub closed: Option<ClosingView>,
}

/// Who looked, when, and what they found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncidentClosing)]
pub struct ClosingView {
    pub by: String,
    pub note: String,
    pub at: Time,
}

impl From<IncidentLine> for IncidentView {
    fn from(line: IncidentLine) -> Self {
        Self {
            id: line.id.to_string(),
            kind: line.kind,
            detail: line.detail,
            player_id: line.player.map(|id| id.to_string()),
            payment_id: line.payment.map(|id| id.to_string()),
            attempt_id: line.attempt.map(|id| id.to_string()),
            psp: line.psp,
            raised_at: line.raised_at.into(),
            closed: line.closed.map(|closing| ClosingView {
                by: closing.by.to_string(),
                note: closing.note,
                at: closing.at.into(),
            }),
        }
    }
}
