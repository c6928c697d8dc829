//! A payment as its casino sees it, as its player sees it, and as an event tells it.
//!
//! A player sees no route, no PSP's name, no error code and no rule; nobody sees through this API
//! what only compliance may know.

use super::money::MoneyView;
use super::time::Time;
use crate::book::as_it_ended::as_it_ended;
use crate::book::{Attempt, AttemptError, Part, Payment, Viewer};
use crate::domain::{Audience, Instrument, PaymentId, Reason};
use crate::routing::plan::{Candidate, Route};
use psp_contract::NextAction;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A deposit or a withdrawal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentView {
    #[schema(example = "dep_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    #[schema(example = "deposit")]
    pub direction: &'static str,
    #[schema(example = "action_required")]
    pub status: &'static str,
    #[schema(example = "p-1")]
    pub player_id: String,
    /// What the wallet gains or loses.
    #[schema(example = "100.00")]
    pub amount: String,
    #[schema(example = "SEK")]
    pub currency: &'static str,
    #[schema(example = "SE")]
    pub country: String,
    #[schema(example = "bank_transfer")]
    pub method: &'static str,
    /// `request`, `unsolicited` or `return`.
    #[schema(example = "request")]
    pub origin: &'static str,
    /// The casino's own.
    #[schema(required)]
    pub reference: Option<String>,
    /// What arrived at the PSP.
    #[schema(required)]
    pub received: Option<MoneyView>,
    /// What the wallet was credited with.
    #[schema(required)]
    pub credited: Option<MoneyView>,
    /// The player's fee: a deposit's is paid on top, a withdrawal's kept from what is sent.
    #[schema(required)]
    pub fee: Option<MoneyView>,
    /// What the payer must do now.
    #[schema(required, value_type = Option<NextActionView>)]
    pub next_action: Option<NextActionTold>,
    pub reasons: Vec<ReasonView>,
    pub attempts: Vec<AttemptView>,
    /// Which PSPs were considered, and why: the plans of all parts as one, where there are several. Not told to
    /// players.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteView>,
    /// The shares of a withdrawal, each with its own destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<PartView>>,
    pub created_at: Time,
    pub updated_at: Time,
    #[schema(value_type = Object)]
    pub metadata: Box<RawValue>,
}

/// How much of a next action is told.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum NextActionTold {
    Whole(NextActionView),
    Kind {
        #[serde(rename = "type")]
        kind: &'static str,
    },
}

/// What the payer must do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NextAction)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NextActionView {
    Redirect {
        url: String,
    },
    QrCode {
        payload: String,
        expires_at: Option<Time>,
    },
    AppLink {
        url: String,
        token: Option<String>,
    },
    CryptoTransfer {
        address: String,
        network: String,
        asset: String,
        asset_amount: String,
        expires_at: Option<Time>,
    },
}

/// Why something was not approved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
pub struct ReasonView {
    #[schema(example = "limit.player_exceeded")]
    pub code: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<String>,
    /// What would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// One try at one PSP.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView {
    #[schema(example = "att_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    pub number: i16,
    /// Not told to players.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "trustly-se")]
    pub psp: Option<String>,
    #[schema(example = "accepted")]
    pub status: &'static str,
    /// Null while nothing went wrong. Not told to players.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AttemptErrorView>)]
    pub error: Option<Option<AttemptErrorView>>,
    pub started_at: Time,
    #[schema(required)]
    pub ended_at: Option<Time>,
}

/// The PSP's own code, or ours for what never reached it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttemptError)]
pub struct AttemptErrorView {
    #[schema(example = "connect_refused")]
    pub code: String,
    /// Whether another PSP may try.
    pub retryable: bool,
}

/// The plan of PSPs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Route)]
pub struct RouteView {
    pub version: String,
    pub candidates: Vec<CandidateView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateView {
    #[schema(example = "swish-se")]
    pub psp: String,
    /// Null: it cannot serve this payment, and the reason says why.
    #[schema(required)]
    pub rank: Option<u16>,
    #[schema(example = "below its minimum of 50.00 SEK")]
    pub reason: String,
}

/// A share of a withdrawal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Part)]
pub struct PartView {
    #[schema(example = "wdp_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    #[schema(example = "100.00")]
    pub amount: String,
    pub destination: DestinationView,
    #[schema(example = "held")]
    pub status: &'static str,
    pub attempts: Vec<AttemptView>,
    /// Which PSPs were considered for this part, and why, where that is not the payment's own plan. Not told to
    /// players.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteView>,
}

/// Where a part is paid to, masked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MaskedDestination)]
pub struct DestinationView {
    #[serde(rename = "type")]
    #[schema(example = "iban")]
    pub kind: &'static str,
    #[schema(example = "DE** **** 3000")]
    pub masked: String,
    /// The deposit whose source this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit_id: Option<String>,
}

/// The body of an answer about a payment.
pub fn render(viewer: Viewer, payment: &Payment) -> Vec<u8> {
    // A view of texts and numbers always serialises.
    serde_json::to_vec(&PaymentView::of(viewer, payment)).unwrap_or_default()
}

impl PaymentView {
    pub fn of(viewer: Viewer, payment: &Payment) -> Self {
        let backend = viewer == Viewer::Backend;
        let attempts = |part| attempts_of(viewer, payment, part);
        let parts = payment.withdrawal_status().map(|_| {
            let parts = payment.parts.iter();
            parts.map(|part| part_view(viewer, payment, part)).collect()
        });
        let all = match &parts {
            None => attempts(None),
            Some(_) => {
                let parts = payment.parts.iter();
                parts.flat_map(|part| attempts(Some(part.id))).collect()
            }
        };
        Self {
            id: payment.id.to_string(),
            direction: payment.direction().as_str(),
            status: payment.status.as_str(),
            player_id: payment.player.player.to_string(),
            amount: payment.money.major(),
            currency: payment.currency().code(),
            country: payment.country.clone(),
            method: payment.method.as_str(),
            origin: payment.origin.as_str(),
            reference: payment.reference.clone(),
            received: payment.received.map(MoneyView::from),
            credited: payment.credited.map(MoneyView::from),
            fee: payment.fee.map(MoneyView::from),
            next_action: payment.next_action.as_ref().map(NextActionTold::whole),
            reasons: reasons(viewer, &as_it_ended(payment)),
            attempts: all,
            route: backend.then(|| RouteView::from(&*payment.route)),
            parts,
            created_at: payment.created_at.into(),
            updated_at: payment.updated_at.into(),
            metadata: metadata(&payment.metadata),
        }
    }
}

/// What was stored was an object; whatever else it is now, an empty one is told.
fn metadata(text: &str) -> Box<RawValue> {
    let read = RawValue::from_string(text.to_owned());
    read.unwrap_or_else(|_| RawValue::from_string("{}".to_owned()).unwrap_or_default())
}

/// The reasons that this viewer may read.
pub fn reasons(viewer: Viewer, reasons: &[Reason]) -> Vec<ReasonView> {
    let widest = match viewer {
        Viewer::Backend => Audience::Operator,
        Viewer::Player => Audience::Player,
    };
    reasons_for(widest, reasons)
}

/// The reasons that this circle may read, in its words: a player is told no rule.
pub fn reasons_for(reader: Audience, reasons: &[Reason]) -> Vec<ReasonView> {
    let readable = reasons.iter().filter(|reason| reason.audience <= reader);
    readable
        .map(|reason| ReasonView {
            code: reason.code.clone(),
            message: reason.message.clone(),
            rule: reason.rule.clone().filter(|_| reader != Audience::Player),
            observed: reason.observed.clone(),
            threshold: reason.threshold.clone(),
            remedy: reason.remedy.clone(),
        })
        .collect()
}

fn attempts_of(
    viewer: Viewer,
    payment: &Payment,
    part: Option<crate::domain::PartId>,
) -> Vec<AttemptView> {
    let own = payment.attempts.iter().filter(|attempt| attempt.part == part);
    own.map(|attempt| attempt_view(viewer, attempt)).collect()
}

fn attempt_view(viewer: Viewer, attempt: &Attempt) -> AttemptView {
    let backend = viewer == Viewer::Backend;
    let error = attempt.error.as_ref().map(|AttemptError { code, retryable }| AttemptErrorView {
        code: code.clone(),
        retryable: *retryable,
    });
    AttemptView {
        id: attempt.id.to_string(),
        number: attempt.number,
        psp: backend.then(|| attempt.psp.clone()),
        status: attempt.status.as_str(),
        error: backend.then_some(error),
        started_at: attempt.first_sent_at.into(),
        ended_at: attempt.ended_at.map(Time),
    }
}

fn part_view(viewer: Viewer, payment: &Payment, part: &Part) -> PartView {
    let own = payment.route_of(Some(part.id));
    let is_told = viewer == Viewer::Backend && *own != *payment.route;
    PartView {
        id: part.id.to_string(),
        amount: part.money.major(),
        destination: DestinationView::from(&part.instrument),
        status: part.status.as_str(),
        attempts: attempts_of(viewer, payment, Some(part.id)),
        route: is_told.then(|| RouteView::from(own)),
    }
}

impl From<&Instrument> for DestinationView {
    fn from(instrument: &Instrument) -> Self {
        let deposit = instrument.source_deposit.map(PaymentId::deposit);
        Self {
            kind: instrument.kind(),
            masked: instrument.masked.clone(),
            deposit_id: deposit.map(|id| id.to_string()),
        }
    }
}

impl From<&Route> for RouteView {
    fn from(route: &Route) -> Self {
        let candidate = |candidate: &Candidate| CandidateView {
            psp: candidate.psp.clone(),
            rank: candidate.rank,
            reason: candidate.reason.clone(),
        };
        Self {
            version: route.version.clone(),
            candidates: route.candidates.iter().map(candidate).collect(),
        }
    }
}

impl NextActionTold {
    fn whole(action: &NextAction) -> Self {
        Self::Whole(NextActionView::from(action.clone()))
    }

    pub(super) const fn kind_of(action: &NextAction) -> Self {
        let kind = match action {
            NextAction::Redirect { .. } => "redirect",
            NextAction::QrCode { .. } => "qr_code",
            NextAction::AppLink { .. } => "app_link",
            NextAction::CryptoTransfer { .. } => "crypto_transfer",
        };
        Self::Kind { kind }
    }
}

impl From<NextAction> for NextActionView {
    fn from(action: NextAction) -> Self {
        match action {
            NextAction::Redirect { url } => Self::Redirect { url },
            NextAction::QrCode { payload, expires_at } => {
                Self::QrCode { payload, expires_at: expires_at.map(Time) }
            }
            NextAction::AppLink { url, token } => Self::AppLink { url, token },
            NextAction::CryptoTransfer { address, network, asset, asset_amount, expires_at } => {
                Self::CryptoTransfer {
                    address,
                    network,
                    asset,
                    asset_amount,
                    expires_at: expires_at.map(Time),
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "payment_tests.rs"]
mod tests;
