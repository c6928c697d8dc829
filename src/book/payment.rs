//! A payment with its parts and attempts: the aggregate that moves as one.

use crate::domain::{
    AttemptId, AttemptStatus, Currency, DecisionId, DepositStatus, Direction, Instrument, Method,
    Money, Origin, PartId, PartStatus, PaymentId, PaymentStatus, PlayerKey, Reason, Timestamp,
    WithdrawalStatus,
};
use crate::routing::plan::Route;
use psp_contract::{NextAction, NotSent, Payer, Subject};
use std::sync::Arc;
use std::time::Duration;

/// The least by which the database tells two times apart.
const TICK: Duration = Duration::from_micros(1);

/// A deposit or a withdrawal.
#[derive(Debug, Clone)]
pub struct Payment {
    pub id: PaymentId,
    pub player: PlayerKey,
    pub status: PaymentStatus,
    pub origin: Origin,
    /// What the wallet gains or loses.
    pub money: Money,
    pub fee: Option<Money>,
    pub country: String,
    pub method: Method,
    /// The casino's own reference, unique per operator and direction for ever.
    pub reference: Option<String>,
    pub return_url: Option<String>,
    /// Who pays or is paid, as known when the payment began. Every request to a PSP is built from
    /// this, so that a replay sends the same bytes whatever the player's record says by then.
    /// Shared, as the route is: a payment is copied for every event and answer, and these never change.
    pub payer: Arc<Payer>,
    /// What the PSP says arrived, and what the wallet was credited with.
    pub received: Option<Money>,
    pub credited: Option<Money>,
    /// Received money that is in suspense, to be credited or sent back.
    pub suspended: Option<Money>,
    pub next_action: Option<NextAction>,
    /// Whether the payer was ever told what to do: from then on a deposit does not fail over.
    pub action_told: bool,
    pub reasons: Vec<Reason>,
    pub route: Arc<Route>,
    /// A JSON object, kept as the text that came.
    pub metadata: String,
    pub decision: DecisionId,
    /// The number of the newest event; the first is 1.
    pub event_sequence: i64,
    /// For whom the idempotent answer is still to be stored: while a deposit's first round of
    /// calls is under way.
    pub answer_owed: Option<super::Viewer>,
    /// When a worker or a person must look, for statuses that wait for neither PSP nor payer.
    pub due_at: Option<Timestamp>,
    /// Where a deposit came from, so that it can be paid back to the same source.
    pub source: Option<Instrument>,
    /// For a return: the deposit that goes back, its PSP's id of it, and whether the money comes
    /// from suspense instead of the wallet.
    pub returns: Option<Returns>,
    /// What the player chose to pay with, where the method needs a choice. A card's token is
    /// forgotten as soon as no PSP need be told of it any more.
    pub instrument: Option<psp_contract::Instrument>,
    pub parts: Vec<Part>,
    pub attempts: Vec<Attempt>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a return gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returns {
    pub deposit: uuid::Uuid,
    /// The deposit's attempt that goes back. None: opened by a release that did not say.
    pub attempt: Option<AttemptId>,
    pub psp: String,
    pub psp_reference: String,
    pub from_suspense: bool,
}

impl Payment {
    pub const fn direction(&self) -> Direction {
        self.id.direction
    }

    pub fn deposit_status(&self) -> Option<DepositStatus> {
        match self.status {
            PaymentStatus::Deposit(status) => Some(status),
            PaymentStatus::Withdrawal(_) => None,
        }
    }

    pub fn withdrawal_status(&self) -> Option<WithdrawalStatus> {
        match self.status {
            PaymentStatus::Withdrawal(status) => Some(status),
            PaymentStatus::Deposit(_) => None,
        }
    }

    /// What its attempts ask a PSP to do.
    pub fn subject(&self) -> Subject {
        match (self.direction(), &self.returns) {
            (Direction::Deposit, _) => Subject::Deposit,
            (Direction::Withdrawal, None) => Subject::Payout,
            (Direction::Withdrawal, Some(_)) => Subject::Return,
        }
    }

    pub fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.id == id)
    }

    /// The attempt whose money was the deposit's: the first that succeeded. All later ones are surplus,
    /// even when the first was taken back since.
    pub fn first_success(&self) -> Option<&Attempt> {
        let succeeded = self.attempts.iter().filter(|attempt| attempt.status.has_succeeded());
        succeeded.min_by_key(|attempt| (attempt.ended_at, attempt.number))
    }

    /// When an attempt succeeds that does so now: after every other success, though one batch has one
    /// time for both, or the other was written by an instance whose clock is ahead.
    pub(super) fn success_at(&self, id: AttemptId, now: Timestamp) -> Timestamp {
        let others = self.attempts.iter().filter(|other| other.id != id);
        let succeeded = others.filter(|other| other.status.has_succeeded());
        let newest = succeeded.filter_map(|other| other.ended_at).max();
        newest.map_or(now, |newest| now.max(newest + TICK))
    }

    pub fn part(&self, id: PartId) -> Option<&Part> {
        self.parts.iter().find(|part| part.id == id)
    }

    /// The accounts that its money came from or goes to, each once by its mask and its holder.
    pub fn accounts(&self) -> Vec<&Instrument> {
        let parts = self.parts.iter().map(|part| &part.instrument);
        let mut named: Vec<&Instrument> = Vec::new();
        for account in self.source.iter().chain(parts) {
            let is_same =
                |it: &&Instrument| it.masked == account.masked && it.holder() == account.holder();
            if !named.iter().any(is_same) {
                named.push(account);
            }
        }
        named
    }

    /// The plan of a deposit or of one part.
    pub fn route_of(&self, part: Option<PartId>) -> &Route {
        self.way_of(part).map_or(&self.route, |way| &way.route)
    }

    /// How a deposit or one part is paid.
    pub fn method_of(&self, part: Option<PartId>) -> Method {
        self.way_of(part).map_or(self.method, |way| way.method)
    }

    fn way_of(&self, part: Option<PartId>) -> Option<&Way> {
        part.and_then(|part| self.part(part)).and_then(|part| part.way.as_deref())
    }

    /// The live attempt of the deposit, or of one part.
    pub fn live_attempt(&self, part: Option<PartId>) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.part == part && attempt.status.is_live())
    }

    /// Whether nothing of the first round of calls is still open, so that the idempotent answer
    /// can be told.
    pub fn round_is_settled(&self) -> bool {
        !self.attempts.iter().any(|attempt| {
            matches!(attempt.status, AttemptStatus::Prepared | AttemptStatus::InFlight)
        })
    }

    /// Forgets a card's token once no PSP need be told of it any more: a deposit asks another PSP only
    /// while it is processed, or when people let it.
    pub fn forget_token(&mut self) {
        use DepositStatus::{InReview, Processing, Screening};
        let may_ask = match self.status {
            PaymentStatus::Deposit(status) => matches!(status, Screening | InReview | Processing),
            PaymentStatus::Withdrawal(_) => false,
        };
        let is_token = matches!(self.instrument, Some(psp_contract::Instrument::CardToken(_)));
        if is_token && (!may_ask || self.received.is_some()) {
            self.instrument = None;
        }
    }

    /// Whether one of its attempts is to be looked at now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.attempts.iter().any(|attempt| attempt.due_at.is_some_and(|due| due <= now))
    }

    pub const fn currency(&self) -> Currency {
        self.money.currency
    }
}

/// A share of a withdrawal with a destination of its own. Its hold is the same row: what is held
/// is captured or released exactly once.
#[derive(Debug, Clone)]
pub struct Part {
    pub id: PartId,
    pub number: i16,
    pub money: Money,
    pub instrument: Instrument,
    pub status: PartStatus,
    /// What of the hold is neither captured nor released yet, in minor units.
    pub held_minor: i64,
    /// How it is paid, where that is not how the withdrawal was asked for.
    pub way: Option<Arc<Way>>,
}

impl Part {
    /// Whether this PSP can be told of the part's instrument at all: it fails over only to a PSP that
    /// pays the *same* instrument. What kinds of portable identity a PSP pays was judged by the plan.
    pub fn can_be_named_to(&self, psp: &str) -> bool {
        self.instrument.portable.is_some() || self.instrument.tokens.contains_key(psp)
    }
}

/// A part's own way: a source is paid back by the method that it paid in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub method: Method,
    /// The plan for this part's amount and instrument alone.
    pub route: Route,
}

/// One try at one PSP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub id: AttemptId,
    pub part: Option<PartId>,
    pub number: i16,
    pub psp: String,
    pub status: AttemptStatus,
    /// What the PSP is asked for: the part's or deposit's amount with or without the fee.
    pub asked: Money,
    pub error: Option<AttemptError>,
    pub psp_reference: Option<String>,
    /// Whether the PSP ever confirmed that it has this attempt.
    pub was_accepted: bool,
    pub first_sent_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Who is calling the PSP right now.
    pub lease: Option<Lease>,
    pub due_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub inquiries: i32,
    pub last_inquiry_at: Option<Timestamp>,
    pub last_ledger_at: Option<Timestamp>,
    /// Consecutive answers "not found".
    pub misses: i32,
    pub first_missed_at: Option<Timestamp>,
    pub last_missed_at: Option<Timestamp>,
    /// Whether people were told that this attempt has been unknown for too long.
    pub paged: bool,
    /// Whether the PSP is to be asked, or was asked, to close its session.
    pub cancel: Option<Cancel>,
    /// Whether the PSP waits for our word to take what its payer approved.
    pub completion: Option<Completion>,
    /// News that was no transition, and what else is known of it beside its status: a few phrases.
    pub kept_news: Option<String>,
}

impl Attempt {
    /// Between the phrases of what is kept.
    pub const BETWEEN_KEPT: &'static str = "; ";

    /// What is kept beside its status, phrase by phrase.
    pub fn kept(&self) -> impl Iterator<Item = &str> {
        self.kept_news.iter().flat_map(|kept| kept.split(Self::BETWEEN_KEPT))
    }

    /// Whether it never reached its PSP, for this reason.
    pub fn was_not_sent_for(&self, why: NotSent) -> bool {
        let code = self.error.as_ref().map(|error| error.code.as_str());
        self.status == AttemptStatus::NotSent && code == Some(why.code())
    }

    /// When it ended; when it was sent, as long as it has not.
    pub fn over_since(&self) -> Timestamp {
        self.ended_at.unwrap_or(self.first_sent_at)
    }
}

/// Closing a PSP's session of an attempt that we gave up. It is asked for once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    Wanted,
    Asked,
}

impl Cancel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Cancel::Wanted => "wanted",
            Cancel::Asked => "asked",
        }
    }
}

/// The second call of a deposit that its PSP completes only at our word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// The payer has approved: the call is due.
    Wanted,
    /// It was made, or was about to be when the process ended. What came of it, an inquiry tells.
    Asked,
}

impl Completion {
    pub const fn as_str(self) -> &'static str {
        match self {
            Completion::Wanted => "wanted",
            Completion::Asked => "asked",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptError {
    /// The PSP's code, or ours for a failure of sending.
    pub code: String,
    pub retryable: bool,
}

/// The right to call a PSP for one attempt until a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub holder: String,
    pub until: Timestamp,
}
