//! What one command writes for good: append-only rows, numbered gap-free by the lane.

use super::erasure::Erasure;
use super::kyc::NewKycTaken;
use super::payment::Payment;
use crate::domain::{
    AttemptId, EventId, IncidentId, Money, PartId, PaymentId, PlayerKey, Timestamp,
};
use crate::ledger::PostedLeg;
use crate::screening::attestation::Attestation;
use crate::screening::decision::Decision;
use crate::screening::signals::Hook;
use std::sync::Arc;

/// The lasting trace of one command.
#[derive(Debug, Clone)]
pub struct Record {
    /// The command's name, `"start_deposit"`.
    pub kind: &'static str,
    pub player: PlayerKey,
    pub payment: Option<PaymentId>,
    /// For a recorded refusal: its code.
    pub refused: Option<&'static str>,
    pub at: Timestamp,
    pub transitions: Vec<Transition>,
    pub entries: Vec<Entry>,
    pub events: Vec<Event>,
    pub decisions: Vec<Decision>,
    pub incidents: Vec<Incident>,
    pub wires: Vec<Wire>,
    pub hold_moves: Vec<HoldMove>,
    /// Idempotent answers that can be told now that a first round of calls is settled.
    pub late_answers: Vec<(super::Viewer, Arc<Payment>)>,
    /// Money that named no attempt, with the deposit that it became or was for.
    pub payins: Vec<super::BookedPayin>,
    /// Addresses that the player was shown.
    pub addresses: Vec<super::GivenAddress>,
    /// What two people vouch for.
    pub attestations: Vec<Attestation>,
    /// Vendors that are to be asked about a payment that waits for them.
    pub vendor_checks: Vec<VendorCheck>,
    /// The player's personal data was erased.
    pub erasure: Option<Erasure>,
    /// The player's record changed: this version is kept.
    pub player_changed: bool,
    /// News of a vendor of identity that the record took, whether or not that changed it.
    pub kyc_taken: Option<NewKycTaken>,
}

impl Record {
    pub const fn new(kind: &'static str, player: PlayerKey, at: Timestamp) -> Self {
        Self {
            kind,
            player,
            payment: None,
            refused: None,
            at,
            transitions: Vec::new(),
            entries: Vec::new(),
            events: Vec::new(),
            decisions: Vec::new(),
            incidents: Vec::new(),
            wires: Vec::new(),
            hold_moves: Vec::new(),
            late_answers: Vec::new(),
            payins: Vec::new(),
            addresses: Vec::new(),
            attestations: Vec::new(),
            vendor_checks: Vec::new(),
            erasure: None,
            player_changed: false,
            kyc_taken: None,
        }
    }
}

/// Whose status moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Payment(PaymentId),
    Part(PartId),
    Attempt(AttemptId),
}

/// One step of one state machine: the history row.
#[derive(Debug, Clone)]
pub struct Transition {
    pub subject: Subject,
    /// None: it came into being.
    pub from: Option<&'static str>,
    pub to: &'static str,
    pub cause: String,
}

/// One posting as it is written.
#[derive(Debug, Clone)]
pub struct Entry {
    pub kind: &'static str,
    pub currency: crate::domain::Currency,
    pub payment: Option<uuid::Uuid>,
    pub reference: Option<String>,
    pub legs: Vec<PostedLeg>,
}

/// Something the casino must learn: the outbox row, with the payment as it was at that moment.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: EventId,
    /// `"deposit.succeeded"`.
    pub kind: String,
    pub sequence: i64,
    pub payment: Arc<Payment>,
}

/// Something a person must look at.
#[derive(Debug, Clone)]
pub struct Incident {
    pub id: IncidentId,
    /// `"deposit.second_success"`, `"payout.unknown"`, …
    pub kind: &'static str,
    pub payment: Option<PaymentId>,
    pub attempt: Option<AttemptId>,
    /// Plain, without personal data.
    pub detail: String,
}

/// One request that was put on the wire for an attempt, or one resend that is about to be.
#[derive(Debug, Clone)]
pub struct Wire {
    pub attempt: AttemptId,
    /// `"create"`, `"replay"`, `"inquiry"`, `"cancel"`.
    pub purpose: &'static str,
    pub step: String,
    pub status: Option<i32>,
    pub failure: Option<&'static str>,
    pub duration_ms: i32,
    pub request_sha256: [u8; 32],
}

/// A payment waits for the vendors of a hook.
#[derive(Debug, Clone)]
pub struct VendorCheck {
    pub payment: PaymentId,
    pub hook: Hook,
    /// 1 when the payment began to wait; one more each time it is asked about anew.
    pub round: i16,
    /// Empty: nobody told, so nobody can be asked.
    pub places: Vec<AskedPlace>,
    pub money: Money,
    pub deadline_at: Timestamp,
}

/// A place that vendors are asked about, and how much of the payment comes or goes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedPlace {
    pub place: ChainPlace,
    pub money: Money,
}

/// Where on a chain money arrived, or is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainPlace {
    pub network: String,
    pub asset: String,
    pub address: String,
    /// The hash of the transaction that brought it.
    pub transaction: Option<String>,
}

/// A piece of a hold is used up or given back. The last piece is final, and the database allows
/// one final move a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldMove {
    pub part: PartId,
    pub capture: bool,
    pub amount_minor: i64,
    pub is_final: bool,
}
