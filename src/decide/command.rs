//! The commands, what each needs to see, and what can come back.

use super::completion::KnownBefore;
use super::four_eyes::ReviewTerms;
use super::kyc::KycNews;
use crate::book::{
    Book, CasePayload, GameEntry, KeyClaim, NewKycTaken, Payment, Proposal, Review, Wire,
};
use crate::domain::{AttemptId, Direction, Ids, Money, PaymentId, PersonId, Player, Timestamp};
use crate::screening::facts::LoopFacts;
use crate::screening::hooks::CheckFacts;
use crate::screening::limits::{Limit, Period};
use crate::screening::policy::{FxTable, Policies};
use crate::screening::signals::{StandingAnswers, VendorResult};
use crate::screening::split::Split;
use psp_contract::{Capabilities, Outcome, Payin};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What a decision may look at besides the book.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    pub now: Timestamp,
    pub ids: &'a dyn Ids,
    pub psps: &'a dyn PspFacts,
    pub policies: &'a Policies,
    pub fx: &'a FxTable,
    /// The name of this instance, for leases.
    pub holder: &'a str,
    /// How long a caller of a PSP keeps its lease.
    pub lease: Duration,
    pub reviews: &'a ReviewTerms,
    /// What registers and matchers were asked about a player whose money comes late. None: nobody was asked.
    pub asked: Option<&'a CheckFacts>,
}

impl std::fmt::Debug for Ctx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("now", &self.now).finish_non_exhaustive()
    }
}

/// What PSP accounts can do.
pub trait PspFacts: Send + Sync {
    fn capabilities(&self, psp: &str) -> Option<&Capabilities>;
}

/// One thing that is to be decided for one player.
#[derive(Debug, Clone)]
pub enum Command {
    PutPlayer(Box<PutPlayer>),
    SetKyc(SetKyc),
    PutLimits {
        wanted: Vec<(Period, Money)>,
    },
    ConfirmLimits,
    /// A matcher was asked about this version of the player's record.
    ScreenAccount {
        version: i64,
        checks: CheckFacts,
    },
    WalletEntry {
        claim: KeyClaim,
        entry: GameEntry,
    },
    StartDeposit(Box<StartDeposit>),
    RequestWithdrawal(Box<RequestWithdrawal>),
    /// The first round of calls takes too long: tell the caller what is known now.
    AnswerNow {
        payment: Uuid,
    },
    News(Box<News>),
    /// As `News`, by whoever can ask registers and matchers. Where money comes late and nobody was asked yet, nothing is
    /// applied but the answer [`Answer::AnswersWanted`].
    NewsOrAsk {
        news: Arc<News>,
        asked: Option<PlayerChecks>,
    },
    ReceivePayin(Box<ReceivePayin>),
    /// A worker wants to call a PSP about an attempt whose time has come.
    TakeAttempt {
        payment: Uuid,
        attempt: AttemptId,
        /// None: nobody has looked what is known of a deposit whose money is to be taken, or of the player of a
        /// payout that goes on to another PSP.
        known: Option<Box<KnownBefore>>,
    },
    /// The payer of a deposit has come back with what its PSP wants to hear.
    ContinueDeposit {
        payment: Uuid,
        attempt: AttemptId,
        known: Box<KnownBefore>,
    },
    /// A worker wants to send an approved withdrawal.
    TakePayout {
        payment: Uuid,
        /// None: nobody has looked what vendors said of it and of its player.
        answers: Option<Box<KnownBeforePayout>>,
    },
    /// A worker looks at a withdrawal that is to be at its end by now, or soon.
    WatchDeadline {
        payment: Uuid,
        ended_at: Option<Timestamp>,
    },
    Cancel {
        payment: Uuid,
        by_player: bool,
    },
    OpenReturn(Box<OpenReturn>),
    VendorsSaid(Box<VendorsSaid>),
    Propose {
        review: Uuid,
        /// None: it is the player's own case, or the service's.
        payment: Option<Uuid>,
        /// What it is to be called: a repeat of the request bears the same id, and proposes nothing anew.
        proposal: Uuid,
        outcome: String,
        note: String,
        /// What is to be done, in a case that is no payment's.
        payload: Option<CasePayload>,
        person: PersonId,
    },
    Approve {
        review: Uuid,
        payment: Option<Uuid>,
        proposal: Uuid,
        person: PersonId,
        /// None: nobody has looked what is known by now of a deposit that would go on to a PSP.
        known: Option<Box<KnownBefore>>,
    },
    Refuse {
        review: Uuid,
        payment: Option<Uuid>,
        note: String,
        person: PersonId,
    },
}

/// What is known of a withdrawal before its money leaves; gathered outside the lane.
#[derive(Debug, Clone, Default)]
pub struct KnownBeforePayout {
    /// What vendors said of where it goes.
    pub standing: StandingAnswers,
    /// What is said of its player by now.
    pub checks: PlayerChecks,
}

/// What is said of a player, and the version of the record that was asked about: of a name that is another by now
/// nobody has said anything.
#[derive(Debug, Clone, Default)]
pub struct PlayerChecks {
    /// None: there was no record.
    pub version: Option<i64>,
    pub facts: CheckFacts,
}

impl PlayerChecks {
    /// Whether they are of the record as it is.
    pub(super) fn are_of(&self, book: &Book) -> bool {
        self.version == book.player.as_ref().map(|player| player.version)
    }
}

/// PUT replaces the whole record. The player's version is the lane's to give.
#[derive(Debug, Clone)]
pub struct PutPlayer {
    pub player: Player,
}

/// A vendor of identity said something of the player.
#[derive(Debug, Clone)]
pub struct SetKyc {
    /// The record that the news was compared with.
    pub player_version: i64,
    pub news: KycNews,
    pub taken: NewKycTaken,
}

#[derive(Debug, Clone)]
pub struct StartDeposit {
    pub claim: KeyClaim,
    /// The payment as it will be, but for its status, attempts and decision.
    pub payment: Payment,
    pub screening: Screened,
}

#[derive(Debug, Clone)]
pub struct RequestWithdrawal {
    pub claim: KeyClaim,
    /// The payment as it will be, parts included, but for its status and decision.
    pub payment: Payment,
    pub screening: Screened,
    /// What its parts were shared out by.
    pub split: Split,
}

/// What was screened before the lane, and at which version of the player.
#[derive(Debug, Clone)]
pub struct Screened {
    pub player_version: i64,
    pub decision: crate::screening::decision::Decision,
}

/// What became known about an attempt.
#[derive(Debug, Clone)]
pub struct News {
    pub payment: Uuid,
    pub direction: Direction,
    pub attempt: AttemptId,
    pub source: Source,
    pub outcome: Outcome,
    pub wires: Vec<Wire>,
}

/// Money arrived that names no attempt; the PSP says that it is final.
#[derive(Debug, Clone)]
pub struct ReceivePayin {
    pub psp: String,
    pub payin: Payin,
    pub occurred_at: Option<Timestamp>,
    /// A deposit that may still wait for it.
    pub request: Option<Uuid>,
    /// The deposit that it becomes otherwise, but for its status, attempt and decision.
    pub payment: Payment,
    /// What is said of the player by now.
    pub checks: PlayerChecks,
}

/// What vendors said of a payment that waits for them.
#[derive(Debug, Clone)]
pub struct VendorsSaid {
    pub payment: Uuid,
    /// The newest answer of each vendor.
    pub results: Vec<VendorResult>,
    /// How often they were asked anew before, plus one.
    pub round: i16,
    /// Nobody is waited for any more.
    pub is_over: bool,
    /// How a withdrawal was shared out when it was asked for: that is settled, whoever is waited for.
    pub closed_loop: Option<LoopFacts>,
    /// What is known of the player outside the house, where a payment is decided about again.
    pub checks: PlayerChecks,
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The answer of the call itself.
    Call,
    /// The answer of a resend of the same attempt with the same key.
    Replay,
    Inquiry,
    /// The answer of the call that completes a deposit which its payer has approved.
    Completion,
    /// A verified webhook. `hint` when its proof does not cover everything that moves money.
    Webhook {
        hint: bool,
    },
    /// A verified arrival at the address of an open request.
    Payin,
    /// Our own clock: the session is over and the PSP knows no better.
    Clock,
    /// Two people.
    People,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Call => "call",
            Source::Replay => "replay",
            Source::Inquiry => "inquiry",
            Source::Completion => "completion",
            Source::Webhook { .. } => "webhook",
            Source::Payin => "payin",
            Source::Clock => "clock",
            Source::People => "people",
        }
    }
}

/// A deposit, or a piece of it, is to go back to its source.
#[derive(Debug, Clone)]
pub struct OpenReturn {
    pub claim: KeyClaim,
    pub deposit: Uuid,
    /// None: all that other returns leave of it.
    pub amount: Option<Money>,
    pub reason: String,
    pub person: PersonId,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The key was used for the same request before.
    Replay {
        payment: Option<PaymentId>,
    },
    Player(Box<Player>),
    Limits(Vec<Limit>),
    Entry(Box<GameEntry>),
    Payment(Arc<Payment>),
    /// The attempt is leased to this instance: call the PSP as `task` says.
    Taken {
        payment: Arc<Payment>,
        attempt: AttemptId,
        task: Task,
    },
    /// The payout's first attempts are leased to this instance.
    Sending {
        payment: Arc<Payment>,
        attempts: Vec<AttemptId>,
    },
    /// Nothing to do: someone else has it, or it is not due.
    Nothing,
    /// The policy wants to know what registers, matchers and vendors say: bring it.
    AnswersWanted(Arc<Payment>),
    /// Something speaks against the deposit that nobody had seen when people were asked: it is not let go. The
    /// decision that says what is kept, and the case waits as it did.
    FoundSince,
    /// News was applied. What to call next, when the payment goes on at another PSP; and whether it was this
    /// news that brought its attempt to the end at which it is.
    Applied {
        payment: Arc<Payment>,
        next: Option<AttemptId>,
        ended: bool,
    },
    Review {
        review: Box<Review>,
        proposal: Option<Box<Proposal>>,
        /// The payment whose attempt these people have just found paid.
        paid: Option<Arc<Payment>>,
    },
}

impl Answer {
    /// What was to be done is done, and nothing follows from it.
    pub(super) fn applied(payment: &Arc<Payment>) -> Self {
        Self::Applied { payment: Arc::clone(payment), next: None, ended: false }
    }
}

/// What a worker does with a taken attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// It was just failed over to: send it.
    Send,
    Inquire(psp_contract::InquiryBy),
    Replay,
    /// The payer has approved: take the money, under the attempt's own reference.
    Complete,
    /// Close the PSP's session of an abandoned or cancelled attempt.
    CancelAtPsp,
    /// Nothing can be asked: look again when it is due.
    Wait,
    /// It has been unknown for so long that two people are to look.
    AskPeople,
}

impl Command {
    /// A stable name for records, metrics and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Command::PutPlayer(_) => "put_player",
            Command::SetKyc(_) => "set_kyc",
            Command::PutLimits { .. } => "put_limits",
            Command::ConfirmLimits => "confirm_limits",
            Command::ScreenAccount { .. } => "screen_account",
            Command::WalletEntry { .. } => "wallet_entry",
            Command::StartDeposit(_) => "start_deposit",
            Command::RequestWithdrawal(_) => "request_withdrawal",
            Command::AnswerNow { .. } => "answer_now",
            Command::News(_) | Command::NewsOrAsk { .. } => "news",
            Command::ReceivePayin(_) => "receive_payin",
            Command::TakeAttempt { .. } => "take_attempt",
            Command::ContinueDeposit { .. } => "continue_deposit",
            Command::TakePayout { .. } => "take_payout",
            Command::WatchDeadline { .. } => "watch_deadline",
            Command::Cancel { .. } => "cancel",
            Command::OpenReturn(_) => "open_return",
            Command::VendorsSaid(_) => "vendors_said",
            Command::Propose { .. } => "propose",
            Command::Approve { .. } => "approve",
            Command::Refuse { .. } => "refuse",
        }
    }

    /// The claim of a command that creates something for a caller.
    pub fn claim(&self) -> Option<&KeyClaim> {
        match self {
            Command::WalletEntry { claim, .. } => Some(claim),
            Command::StartDeposit(start) => Some(&start.claim),
            Command::RequestWithdrawal(request) => Some(&request.claim),
            Command::OpenReturn(open) => Some(&open.claim),
            _ => None,
        }
    }
}
