//! What two people say about a payment, and which decisions and reviews are asked for.

use super::case::{PayloadBody, PayloadSchema};
use super::player::player_id_opt;
use crate::api::extract::Page;
use crate::api::fields::{Fields, FromFields};
use crate::domain::{PaymentId, PlayerId, ProposalId, Timestamp};
use crate::screening::Outcome;
use utoipa::{IntoParams, ToSchema};

/// What one person proposes.
#[derive(Debug, Clone)]
pub struct ProposeBody {
    pub outcome: String,
    pub note: String,
    pub payload: Option<PayloadBody>,
}

/// Which proposal another person approves.
#[derive(Debug, Clone, Copy)]
pub struct ApproveBody {
    pub proposal: ProposalId,
}

/// Why a proposal is refused.
#[derive(Debug, Clone)]
pub struct RefuseBody {
    pub note: String,
}

/// At which knowledge and policy a decision is made again.
#[derive(Debug, Clone)]
pub struct ReplayBody {
    pub as_of: Option<Timestamp>,
    pub policy_version: Option<String>,
}

const OUTCOMES: [&str; 8] = [
    "approve",
    "reject",
    "return",
    "sent_by_hand",
    "given_back",
    "write_off",
    "resolve_paid",
    "resolve_unpaid",
];

impl FromFields for ProposeBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let known = (
            "review.outcome_unknown",
            "an outcome is approve, reject, return, sent_by_hand, given_back, write_off, resolve_paid or \
             resolve_unpaid",
        );
        let outcome = fields
            .parsed("outcome", known, |text| OUTCOMES.contains(&text).then(|| text.to_owned()));
        let note = fields.line("note", 2000);
        let payload = fields.object_opt("payload");
        Some(Self { outcome: outcome?, note: note?, payload })
    }
}

impl FromFields for ApproveBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let fault = ("review.proposal_malformed", "this is no id of a proposal");
        let proposal = fields.parsed("proposal", fault, ProposalId::parse)?;
        Some(Self { proposal })
    }
}

impl FromFields for RefuseBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.line("note", 2000).map(|note| Self { note })
    }
}

impl FromFields for ReplayBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            as_of: fields.time_opt("as_of"),
            policy_version: fields.line_opt("policy_version", 64),
        })
    }
}

/// The refusal of an outcome that nobody may ask for, or not this reader.
pub const OUTCOME_UNKNOWN: (&str, &str) = (
    "decision.outcome_unknown",
    "an outcome is approve, review or deny, and hold for a key with the scope `compliance`",
);

/// Which decisions are wanted.
#[derive(Debug, Clone)]
pub struct DecisionFilter {
    pub payment: Option<PaymentId>,
    pub player: Option<PlayerId>,
    pub outcome: Option<Outcome>,
    pub policy_version: Option<String>,
    pub page: Page,
}

impl FromFields for DecisionFilter {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let no_payment = ("payment.id_malformed", "this is no id of a payment");
        let payment = fields.parsed_opt("payment_id", no_payment, PaymentId::parse);
        let player = player_id_opt(fields);
        let outcome = fields.parsed_opt("outcome", OUTCOME_UNKNOWN, Outcome::parse);
        let policy_version = fields.line_opt("policy_version", 64);
        Some(Self {
            payment,
            player,
            outcome,
            policy_version,
            page: Page::read(fields, "decisions")?,
        })
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DecisionParams {
    pub payment_id: Option<String>,
    pub player_id: Option<String>,
    /// `approve`, `review` or `deny`. A hold is told as a review, and found among the reviews; a key with the scope
    /// `compliance` is told which is which, and may ask for `hold` too.
    pub outcome: Option<String>,
    pub policy_version: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
    pub after: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = Propose)]
pub struct ProposeSchema {
    /// `approve`, `reject`, `return`, `sent_by_hand`, `given_back`, `write_off`, `resolve_paid` or `resolve_unpaid`.
    #[schema(example = "approve")]
    pub outcome: String,
    pub note: String,
    /// What is to be done instead, in a case of a player: an edit, which voids what was approved before.
    pub payload: Option<PayloadSchema>,
}

#[derive(Debug, ToSchema)]
#[schema(as = Approve)]
pub struct ApproveSchema {
    #[schema(example = "prp_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub proposal: String,
}

#[derive(Debug, ToSchema)]
#[schema(as = Refuse)]
pub struct RefuseSchema {
    pub note: String,
}

#[derive(Debug, ToSchema)]
#[schema(as = Replay)]
pub struct ReplaySchema {
    #[schema(format = DateTime)]
    pub as_of: Option<String>,
    pub policy_version: Option<String>,
}
