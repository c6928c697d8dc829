//! A review: a case that people decide, one proposing and others approving.
//!
//! The deciding half (open or closed, proposals, approvals) of a payment's and a player's case changes in
//! the player's lane; the working half ([`Desk`]: lock, owner, times) and cases of the service change under
//! the lock of the case's own row. Every act adds to [`Review::news`], which is written as its history.

use crate::domain::{
    AttemptId, Exclusion, Money, PersonId, PlayerId, ProposalId, ReviewId, Timestamp,
};
use crate::screening::attestation::{AttestationKind, AttestationTerms};
use time::Date;
use uuid::Uuid;

/// Work for two people.
#[derive(Debug, Clone)]
pub struct Review {
    pub id: ReviewId,
    /// None: it is about the player, or about the service.
    pub payment: Option<Uuid>,
    /// None: it is about the service.
    pub player: Option<PlayerId>,
    /// The attempt that is to be resolved, for an unknown payout.
    pub attempt: Option<AttemptId>,
    /// The switch that it is about.
    pub switch: Option<Uuid>,
    /// The policy version that it is about.
    pub policy: Option<ProposedPolicy>,
    /// Why it was opened: one of [`PAYMENT_KINDS`], otherwise a [`CaseKind`].
    pub kind: String,
    pub open: bool,
    pub opened_at: Timestamp,
    /// None: the service did.
    pub opened_by: Option<PersonId>,
    pub closed_at: Option<Timestamp>,
    /// How many people beside the proposer must approve.
    pub approvals_needed: i16,
    pub desk: Desk,
    pub proposals: Vec<Proposal>,
    /// What was done since it was read.
    pub news: Vec<CaseNews>,
}

/// A policy version that waits for another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedPolicy {
    pub proposal: Uuid,
    pub version: String,
}

/// How it is worked on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desk {
    /// 1 is the most urgent, 3 the least.
    pub priority: i16,
    pub assigned_to: Option<PersonId>,
    pub lock: Option<Lock>,
    /// Since when information is awaited.
    pub waiting_since: Option<Timestamp>,
    /// By when it is to be decided. None in rows that an older version wrote.
    pub due_at: Option<Timestamp>,
    /// When somebody is told next that it is not.
    pub escalate_at: Option<Timestamp>,
    pub escalations: i16,
}

/// One person works on it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    pub by: PersonId,
    pub until: Timestamp,
}

/// Why payments come before people. Whatever asks people about one names one of these.
pub const PAYMENT_KINDS: [&str; 12] = [
    "deposit_review",
    "deposit_hold",
    "withdrawal_review",
    "withdrawal_hold",
    "awaiting_vendor",
    "money_in",
    "return",
    "wallet_owed",
    "outcome_unknown",
    "payout_stuck",
    "paid_twice",
    "psp_unconfigured",
];

/// What a case that is no payment's is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseKind {
    /// A player's wallet is corrected.
    ManualAdjustment,
    /// Something is vouched for, an exception too.
    Attestation,
    /// A player's exclusion ends before its day.
    ExclusionEnd,
    /// What a player who has paid may not change alone.
    PlayerFields,
    /// A list of names has an entry near the player that was not there before: is it them?
    NameMatch,
    /// A player's personal data is erased once its time is over.
    Erasure,
    /// Payments were switched off in an emergency, or are to begin again.
    KillSwitch,
    /// A policy version is to be published.
    Policy,
}

impl CaseKind {
    pub const ALL: [Self; 8] = [
        Self::ManualAdjustment,
        Self::Attestation,
        Self::ExclusionEnd,
        Self::PlayerFields,
        Self::NameMatch,
        Self::Erasure,
        Self::KillSwitch,
        Self::Policy,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ManualAdjustment => "manual_adjustment",
            Self::Attestation => "attestation",
            Self::ExclusionEnd => "exclusion_end",
            Self::PlayerFields => "player_fields",
            Self::NameMatch => "name_match",
            Self::Erasure => "erasure",
            Self::KillSwitch => "kill_switch",
            Self::Policy => "policy",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What is to be done once it is approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CasePayload {
    Adjustment {
        entry: Adjustment,
        money: Money,
    },
    /// And of whom an exception of a name is said, as [`name_sha256`] of the record when it was proposed. None:
    /// nothing says of whom, or it is no such exception.
    ///
    /// [`name_sha256`]: crate::screening::attestation::name_sha256
    Attestation(AttestationTerms, Option<[u8; 32]>),
    /// The exclusion that is to end, as it stood when that was proposed. None: nothing says which.
    ExclusionEnd(Option<Exclusion>),
    PlayerFields(PlayerFields),
    /// The player is excluded without end: they are who a list names.
    Exclusion,
    Erasure,
}

impl CasePayload {
    /// Whether a case of this kind may do it. An entry that is not the player is excepted in the case in
    /// which it was found, too.
    pub fn fits(&self, kind: &str) -> bool {
        let excepts = match self {
            Self::Attestation(terms, _) => terms.kind == AttestationKind::NameException,
            _ => false,
        };
        kind == self.kind().as_str() || (excepts && kind == CaseKind::NameMatch.as_str())
    }

    pub const fn kind(&self) -> CaseKind {
        match self {
            Self::Adjustment { .. } => CaseKind::ManualAdjustment,
            Self::Attestation(..) => CaseKind::Attestation,
            Self::ExclusionEnd(_) => CaseKind::ExclusionEnd,
            Self::PlayerFields(_) => CaseKind::PlayerFields,
            Self::Exclusion => CaseKind::NameMatch,
            Self::Erasure => CaseKind::Erasure,
        }
    }
}

/// How a wallet is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// Cash is given.
    Credit,
    /// Cash is taken, as far as there is any.
    Debit,
    /// What the player owes is forgiven.
    WriteOff,
    /// A deposit's money went back to its payer, and nothing but people's word books it: cash first, the rest is owed.
    TakenBack,
}

impl Adjustment {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
            Self::WriteOff => "write_off",
            Self::TakenBack => "taken_back",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Credit, Self::Debit, Self::WriteOff, Self::TakenBack];
        all.into_iter().find(|it| it.as_str() == text)
    }
}

/// New values; what is None stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlayerFields {
    pub country: Option<String>,
    pub date_of_birth: Option<Date>,
    pub national_id: Option<String>,
}

/// A line of a case's history that is not written yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseNews {
    pub act: CaseAct,
    /// None: the service did it.
    pub person: Option<PersonId>,
    pub proposal: Option<ProposalId>,
    /// People's own words, without what a proposal holds.
    pub text: Option<String>,
    pub at: Timestamp,
}

/// What can be done in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseAct {
    Opened,
    Assigned,
    Locked,
    Released,
    Note,
    InfoRequested,
    InfoReceived,
    Proposed,
    Approved,
    Refused,
    /// A newer proposal took its place, or what it was about is another now.
    Voided,
    /// Nobody approved it in time.
    Expired,
    Escalated,
    Closed,
}

impl CaseAct {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Assigned => "assigned",
            Self::Locked => "locked",
            Self::Released => "released",
            Self::Note => "note",
            Self::InfoRequested => "info_requested",
            Self::InfoReceived => "info_received",
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Voided => "voided",
            Self::Expired => "expired",
            Self::Escalated => "escalated",
            Self::Closed => "closed",
        }
    }
}

impl Review {
    pub fn proposal(&self, id: ProposalId) -> Option<&Proposal> {
        self.proposals.iter().find(|proposal| proposal.id == id)
    }

    pub fn open_proposal(&self) -> Option<&Proposal> {
        self.proposals.iter().find(|proposal| proposal.state == ProposalState::Open)
    }

    pub fn open_proposal_mut(&mut self) -> Option<&mut Proposal> {
        self.proposals.iter_mut().find(|proposal| proposal.state == ProposalState::Open)
    }

    /// What it is about: `payment`, `player` or `service`.
    pub const fn subject(&self) -> &'static str {
        match (self.payment.is_some(), self.player.is_some()) {
            (true, _) => "payment",
            (false, true) => "player",
            (false, false) => "service",
        }
    }

    pub fn tell(
        &mut self,
        act: CaseAct,
        person: Option<&PersonId>,
        text: Option<&str>,
        at: Timestamp,
    ) {
        let (person, text) = (person.cloned(), text.map(str::to_owned));
        self.news.push(CaseNews { act, person, proposal: None, text, at });
    }

    /// Nothing is left to decide.
    pub fn close(&mut self, at: Timestamp) {
        self.open = false;
        self.closed_at = Some(at);
        self.tell(CaseAct::Closed, None, None, at);
    }
}

/// One person's proposal; only others can approve it.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub id: ProposalId,
    /// `approve`, `reject`, `return`, `sent_by_hand`, `write_off`, `resolve_paid`, `resolve_unpaid`.
    pub outcome: String,
    pub note: String,
    /// What an approval would do, in a case that is no payment's.
    pub payload: Option<CasePayload>,
    /// Of the payload as it is stored; None until it is.
    pub payload_sha256: Option<[u8; 32]>,
    pub proposed_by: PersonId,
    pub proposed_at: Timestamp,
    pub state: ProposalState,
    pub approvals: Vec<Approval>,
    pub decided_by: Option<PersonId>,
    pub decided_at: Option<Timestamp>,
    pub decided_note: Option<String>,
}

/// One person's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub by: PersonId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    Open,
    Approved,
    Refused,
    /// A newer proposal took its place, its time was over, or what it was about is another now.
    Voided,
}

impl ProposalState {
    pub const fn as_str(self) -> &'static str {
        match self {
            ProposalState::Open => "open",
            ProposalState::Approved => "approved",
            ProposalState::Refused => "refused",
            ProposalState::Voided => "voided",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Approved, Self::Refused, Self::Voided]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}
