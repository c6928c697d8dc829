//! Work for two people, as compliance sees it.

use super::player::ExclusionView;
use super::time::Time;
use crate::book::{CaseKind, CasePayload, Payment, Proposal, Review};
use crate::domain::{Player, SwitchId};
use crate::store::read_reviews::ReviewLine;
use crate::store::reviews::HistoryLine;
use serde::Serialize;
use utoipa::ToSchema;

/// A case that waits for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Review)]
pub struct ReviewView {
    #[schema(example = "rev_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    /// What it is about: `payment`, `player` or `service`.
    #[schema(example = "payment")]
    pub subject: &'static str,
    #[schema(required)]
    pub payment_id: Option<String>,
    #[schema(required)]
    pub player_id: Option<String>,
    /// The attempt that is to be resolved, for an unknown payout.
    #[schema(required)]
    pub attempt_id: Option<String>,
    /// The switch that is to be confirmed or lifted.
    #[schema(required)]
    pub switch_id: Option<String>,
    /// The policy version that is to be published: `GET /v1/policies/{version}` has its text.
    #[schema(required)]
    pub policy_version: Option<String>,
    /// Why it was opened.
    #[schema(example = "withdrawal_review")]
    pub kind: String,
    pub open: bool,
    pub opened_at: Time,
    /// The person; null where the service opened it.
    #[schema(required)]
    pub opened_by: Option<String>,
    #[schema(required)]
    pub closed_at: Option<Time>,
    /// 1 is the most urgent, 3 the least.
    pub priority: i16,
    /// By when it is to be decided.
    #[schema(required)]
    pub due_at: Option<Time>,
    /// How many reminders went out because it was not.
    pub escalations: i16,
    #[schema(required)]
    pub assigned_to: Option<String>,
    /// Who works on it now, and until when nobody else can.
    #[schema(required)]
    pub locked_by: Option<String>,
    #[schema(required)]
    pub locked_until: Option<Time>,
    /// Since when information is awaited.
    #[schema(required)]
    pub waiting_since: Option<Time>,
    /// How many people beside the proposer must approve.
    pub approvals_needed: i16,
    pub proposals: Vec<ProposalView>,
    /// Whose money it is by name, in a case about a payment: personal data, so not in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<NamesView>,
    /// Other open reviews `name_match` of the same player, the newest first: another matcher's, or of another
    /// entry. In such a review alone, and not in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_open_reviews: Option<Vec<String>>,
    /// What was done in it, the oldest first; not in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<HistoryView>>,
}

/// The player's name beside the names of the accounts that the money came from or goes to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewNames)]
pub struct NamesView {
    /// Null: nobody is known by this id, or their data was erased.
    #[schema(required, example = "Erika Mustermann")]
    pub player: Option<String>,
    pub accounts: Vec<HolderView>,
}

/// Whose account it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewAccount)]
pub struct HolderView {
    #[schema(example = "DE** **** 3000")]
    pub masked: String,
    /// As whoever named the account said, or as a PSP proves it. Null: nobody told.
    #[schema(required, example = "Erika Mustermann")]
    pub holder_name: Option<String>,
}

/// One person's proposal; only others can approve it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Proposal)]
pub struct ProposalView {
    #[schema(example = "prp_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    /// `approve`, `reject`, `return`, `sent_by_hand`, `given_back`, `write_off`, `resolve_paid` or `resolve_unpaid`.
    #[schema(example = "approve")]
    pub outcome: String,
    pub note: String,
    /// What an approval does, in a case of a player.
    #[schema(required)]
    pub payload: Option<PayloadView>,
    /// Of the stored payload, in hex.
    #[schema(required)]
    pub payload_sha256: Option<String>,
    pub proposed_by: String,
    pub proposed_at: Time,
    /// `open`, `approved`, `refused` or `voided`.
    #[schema(example = "open")]
    pub state: &'static str,
    pub approvals: Vec<ApprovalView>,
    #[schema(required)]
    pub decided_by: Option<String>,
    #[schema(required)]
    pub decided_at: Option<Time>,
    #[schema(required)]
    pub decided_note: Option<String>,
}

/// One person's approval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approval)]
pub struct ApprovalView {
    pub by: String,
    pub at: Time,
}

/// What is to be done; fields that do not belong to the kind of case are left out.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ProposedPayload)]
pub struct PayloadView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<&'static str>,
    /// `exclude`: the player, without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measure: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attestation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national_id: Option<String>,
    /// The one that is to end, as it stood when that was proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusion: Option<ExclusionView>,
}

/// One act.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewHistory)]
pub struct HistoryView {
    /// From 1, without gaps.
    pub number: i32,
    /// `opened`, `assigned`, `locked`, `released`, `note`, `info_requested`, `info_received`, `proposed`,
    /// `approved`, `refused`, `voided`, `expired`, `escalated` or `closed`.
    #[schema(example = "proposed")]
    pub act: String,
    /// Null: the service did it.
    #[schema(required)]
    pub person_id: Option<String>,
    #[schema(required)]
    pub proposal_id: Option<String>,
    #[schema(required)]
    pub text: Option<String>,
    pub at: Time,
}

impl From<ReviewLine> for ReviewView {
    fn from(ReviewLine { review, payment }: ReviewLine) -> Self {
        let Review { id, player, attempt, switch, kind, open, opened_at, opened_by, .. } = &review;
        let desk = &review.desk;
        Self {
            id: id.to_string(),
            subject: review.subject(),
            payment_id: payment.map(|payment| payment.id.to_string()),
            player_id: player.as_ref().map(ToString::to_string),
            attempt_id: attempt.map(|id| id.to_string()),
            switch_id: switch.map(|id| SwitchId(id).to_string()),
            policy_version: review.policy.as_ref().map(|policy| policy.version.clone()),
            kind: kind.clone(),
            open: *open,
            opened_at: (*opened_at).into(),
            opened_by: opened_by.as_ref().map(ToString::to_string),
            closed_at: review.closed_at.map(Time),
            priority: desk.priority,
            due_at: desk.due_at.map(Time),
            escalations: desk.escalations,
            assigned_to: desk.assigned_to.as_ref().map(ToString::to_string),
            locked_by: desk.lock.as_ref().map(|lock| lock.by.to_string()),
            locked_until: desk.lock.as_ref().map(|lock| Time(lock.until)),
            waiting_since: desk.waiting_since.map(Time),
            approvals_needed: review.approvals_needed,
            proposals: review.proposals.iter().map(ProposalView::from).collect(),
            names: None,
            other_open_reviews: None,
            history: None,
        }
    }
}

impl ReviewView {
    /// With what only who reads this one case sees.
    pub fn detailed(
        line: ReviewLine,
        history: Vec<HistoryLine>,
        player: Option<Player>,
        beside: &[Review],
    ) -> Self {
        let is_match = line.review.kind == CaseKind::NameMatch.as_str();
        let beside = is_match.then(|| beside.iter().map(|it| it.id.to_string()).collect());
        let names = line.payment.as_ref().map(|payment| NamesView::of(payment, player.as_ref()));
        let history = history.into_iter().map(|line| HistoryView {
            number: line.number,
            act: line.act,
            person_id: line.person.map(|person| person.to_string()),
            proposal_id: line.proposal.map(|id| id.to_string()),
            text: line.text,
            at: line.at.into(),
        });
        let history = Some(history.collect());
        Self { names, other_open_reviews: beside, history, ..line.into() }
    }
}

impl NamesView {
    fn of(payment: &Payment, player: Option<&Player>) -> Self {
        let accounts = payment.accounts().into_iter().map(|account| HolderView {
            masked: account.masked.clone(),
            holder_name: account.holder().map(str::to_owned),
        });
        let known = player.filter(|player| !player.is_erased());
        let player = known.map(|player| player.full_name.clone());
        Self { player, accounts: accounts.collect() }
    }
}

impl From<&Proposal> for ProposalView {
    fn from(proposal: &Proposal) -> Self {
        let approvals = proposal.approvals.iter();
        Self {
            id: proposal.id.to_string(),
            outcome: proposal.outcome.clone(),
            note: proposal.note.clone(),
            payload: proposal.payload.as_ref().map(PayloadView::from),
            payload_sha256: proposal.payload_sha256.map(hex::encode),
            proposed_by: proposal.proposed_by.to_string(),
            proposed_at: proposal.proposed_at.into(),
            state: proposal.state.as_str(),
            approvals: approvals
                .map(|it| ApprovalView { by: it.by.to_string(), at: it.at.into() })
                .collect(),
            decided_by: proposal.decided_by.as_ref().map(ToString::to_string),
            decided_at: proposal.decided_at.map(Time),
            decided_note: proposal.decided_note.clone(),
        }
    }
}

impl From<&CasePayload> for PayloadView {
    fn from(payload: &CasePayload) -> Self {
        match payload {
            CasePayload::Adjustment { entry, money } => Self {
                entry: Some(entry.as_str()),
                amount: Some(money.major()),
                currency: Some(money.currency.code()),
                ..Self::default()
            },
            CasePayload::Attestation(terms, _) => Self {
                attestation: Some(terms.kind.as_str()),
                reference: Some(terms.reference.clone()),
                amount: terms.amount.map(|money| money.major()),
                currency: terms.amount.map(|money| money.currency.code()),
                valid_until: terms.valid_until.map(Time),
                ..Self::default()
            },
            CasePayload::ExclusionEnd(which) => Self {
                exclusion: which.as_ref().map(|it| ExclusionView {
                    source: it.source.clone(),
                    from: it.from.into(),
                    until: it.until.map(Time),
                }),
                ..Self::default()
            },
            CasePayload::Erasure => Self::default(),
            CasePayload::Exclusion => Self { measure: Some("exclude"), ..Self::default() },
            CasePayload::PlayerFields(fields) => Self {
                country: fields.country.clone(),
                date_of_birth: fields.date_of_birth.map(|day| day.to_string()),
                national_id: fields.national_id.clone(),
                ..Self::default()
            },
        }
    }
}
