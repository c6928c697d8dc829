//! What we know after asking, or after being told.
//!
//! The rules behind these types: a PSP may be replaced by another only when it *provably* never
//! received the request, or when it *definitely* refused. Everything else is [`Unknown`].

use crate::{AttemptRef, Money, Portable, Timestamp};

/// What we know after one operation.
#[allow(
    clippy::large_enum_variant,
    reason = "one of it lives per operation; a box would burden every match"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The PSP said something that we can read, trust and match to the attempt.
    Reported(Report),
    /// The request provably never reached the PSP.
    NotSent(NotSent),
    /// The request may have reached the PSP, and we cannot tell what came of it.
    Unknown(Unknown),
    /// An inquiry found no such payment. Absence is proven only after repeated misses over a
    /// horizon; one miss proves nothing.
    NotFound,
}

/// What a PSP says about one attempt: the answer of a call, of an inquiry, or a webhook's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The PSP's own id of the payment.
    pub psp_reference: Option<String>,
    pub status: Status,
    /// Who paid, where the PSP tells.
    pub payer: Option<PayerProof>,
    /// The attempt that the PSP names by our reference; what an [`crate::Operation::Lookup`] is for.
    pub attempt: Option<AttemptRef>,
}

impl Report {
    /// What most answers say: an id, where there is one, and a state.
    pub fn new<'a>(psp_reference: impl Into<Option<&'a str>>, status: Status) -> Self {
        let psp_reference = psp_reference.into().map(str::to_owned);
        Self { psp_reference, status, payer: None, attempt: None }
    }
}

/// The state of a payment at the PSP, in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The PSP has it. For a deposit with what the payer must do next, where there is something.
    Accepted { next_action: Option<NextAction>, expires_at: Option<Timestamp> },
    /// Nothing new: still under way at the PSP.
    Pending,
    /// The payer has approved a deposit and the PSP waits for our word before it takes the money:
    /// [`crate::Operation::CompleteDeposit`] is due. Until then nothing has moved.
    AwaitsCompletion,
    /// The money moved: for a deposit it is safe to credit the player. The amount is what moved.
    Succeeded { money: Money },
    /// A definite refusal or failure.
    Declined(Decline),
    /// The payer let the session run out. A late success may still follow.
    Expired,
    /// Cancelled by the payer or by us. A late success may still follow.
    Cancelled,
    /// After a reversal of a deposit: its dispute was won, and the money is ours again. Only of a PSP that
    /// has a word of its own for it, so that no message about the first success can read so.
    Won { money: Money },
    /// After success: the money came back (a payout that bounced) or was sent back (a deposit).
    Returned { money: Money },
    /// After success: the bank or scheme took the money back (chargeback, claw-back).
    Reversed { money: Money },
}

impl Status {
    /// The PSP has it, and there is nothing for anybody to do.
    pub const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };

    /// The PSP has it, and the payer is to do this.
    pub const fn next(next_action: NextAction, expires_at: Option<Timestamp>) -> Self {
        Status::Accepted { next_action: Some(next_action), expires_at }
    }

    /// A refusal as [`Decline::new`] makes it.
    pub fn declined(class: DeclineClass, code: impl Into<String>) -> Self {
        Status::Declined(Decline::new(class, code))
    }

    /// Whether it tells of a deposit's money that it came, be it gone again or not.
    pub const fn tells_what_arrived(&self) -> bool {
        use Status::{Returned, Reversed, Succeeded, Won};
        matches!(self, Succeeded { .. } | Won { .. } | Returned { .. } | Reversed { .. })
    }
}

/// A definite refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    pub class: DeclineClass,
    /// The PSP's own code, `"616"`, `"insufficient_funds"`.
    pub code: String,
    /// Whether another PSP may be asked.
    pub retry_elsewhere: bool,
    /// Whether the adapter lists this code as final and irreversible, so that even a payout that
    /// had been accepted before may go to another PSP.
    pub irreversible: bool,
}

impl Decline {
    /// A refusal after which another PSP may be asked, unless it is one of compliance. Nothing is
    /// irreversible that the PSP does not list as such.
    pub fn new(class: DeclineClass, code: impl Into<String>) -> Self {
        let retry_elsewhere = !matches!(class, DeclineClass::Compliance);
        Self { class, code: code.into(), retry_elsewhere, irreversible: false }
    }
}

/// Whose doing a refusal is. Only faults of the PSP count against its health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclineClass {
    /// The payer can put it right: authentication failed, not enough money, gave up at the bank.
    PlayerFixable,
    /// The account does not exist, is closed or cannot be paid.
    AccountInvalid,
    /// Over or under a limit of the PSP or bank.
    Limit,
    /// Fraud, risk or compliance at the PSP.
    Compliance,
    /// Our own balance at the PSP does not cover it.
    MerchantFunds,
    /// Our credentials or set-up at the PSP are wrong.
    Configuration,
    /// The PSP cannot do this (currency, country, method).
    Unsupported,
    /// The PSP is at fault or busy, and says that it did nothing.
    PspFault,
}

/// Why a request provably never reached the PSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotSent {
    /// The service keeps away from this PSP because it fails.
    BreakerOpen,
    /// People switched it off for payments of this kind.
    SwitchedOff,
    /// Its account no longer serves payments of this kind, as it did when the plan was made.
    NotServed,
    Dns,
    ConnectRefused,
    ConnectTimeout,
    Tls,
    /// No time was left before the first byte.
    DeadlineBeforeSend,
    /// An earlier step that moves nothing failed (a token, an account registration), so that the
    /// request that could move money was never made.
    PreparationFailed,
    /// HTTP/2 said that the request was not processed (REFUSED_STREAM, GOAWAY below our stream).
    RefusedStream,
    /// The adapter cannot express this request.
    NotExpressible,
    /// Two people found on the PSP's own pages that it was not paid, of a request whose answer was lost.
    FoundUnpaid,
}

impl NotSent {
    pub const fn code(self) -> &'static str {
        match self {
            NotSent::BreakerOpen => "breaker_open",
            NotSent::SwitchedOff => "switched_off",
            NotSent::NotServed => "not_served",
            NotSent::Dns => "dns",
            NotSent::ConnectRefused => "connect_refused",
            NotSent::ConnectTimeout => "connect_timeout",
            NotSent::Tls => "tls",
            NotSent::DeadlineBeforeSend => "deadline_before_send",
            NotSent::PreparationFailed => "preparation_failed",
            NotSent::RefusedStream => "refused_stream",
            NotSent::NotExpressible => "not_expressible",
            NotSent::FoundUnpaid => "resolved_unpaid",
        }
    }
}

/// Why we do not know what came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unknown {
    ReadTimeout,
    ConnectionLost,
    /// An undocumented 5xx, or a documented one that does not say "not processed".
    ServerError,
    /// 429 or 423 where the PSP's documentation does not say that nothing was processed.
    Throttled,
    /// A 2xx that cannot be read, or whose signature does not verify.
    Unreadable,
    /// The answer is about another amount, currency or reference.
    Mismatch,
    /// The PSP itself says that it does not know, or that it is still working on a copy.
    PspUndecided,
    /// "This reference was used before": it may have been accepted before.
    DuplicateReference,
    /// A code that is in none of the adapter's lists.
    UnlistedCode,
    /// Our process ended between sending and recording.
    LeaseExpired,
}

impl Unknown {
    pub const fn code(self) -> &'static str {
        match self {
            Unknown::ReadTimeout => "read_timeout",
            Unknown::ConnectionLost => "connection_lost",
            Unknown::ServerError => "server_error",
            Unknown::Throttled => "throttled",
            Unknown::Unreadable => "unreadable",
            Unknown::Mismatch => "mismatch",
            Unknown::PspUndecided => "psp_undecided",
            Unknown::DuplicateReference => "duplicate_reference",
            Unknown::UnlistedCode => "unlisted_code",
            Unknown::LeaseExpired => "lease_expired",
        }
    }
}

/// What the payer must do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextAction {
    Redirect {
        url: String,
    },
    QrCode {
        payload: String,
        expires_at: Option<Timestamp>,
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
        expires_at: Option<Timestamp>,
    },
}

/// Who paid, as the PSP proves it, and how the same source can be paid again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PayerProof {
    pub holder_name: Option<String>,
    /// National or tax id, where the scheme delivers it.
    pub tax_id: Option<String>,
    pub portable: Option<Portable>,
    /// This PSP's own token for paying the same source.
    pub token: Option<String>,
    /// A short masked text that people may see, `"DE** **** 3000"`.
    pub masked: Option<String>,
    /// Whose money a card spends, where the PSP tells it under its own proof.
    pub funding: Option<CardFunding>,
}

/// Whose money a card spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CardFunding {
    /// The issuer's, to be paid back: charge cards and deferred debit too.
    Credit,
    /// That of the holder's account, at once.
    Debit,
    /// What was loaded before.
    Prepaid,
}

impl CardFunding {
    pub const ALL: [Self; 3] = [Self::Credit, Self::Debit, Self::Prepaid];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
            Self::Prepaid => "prepaid",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|funding| funding.as_str() == text)
    }
}

/// Money that arrived at an address or account of ours without naming an attempt: to a permanent
/// address, or to a request that is over. Whose it is, the core finds out; the adapter only tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payin {
    pub target: PayinTarget,
    /// The PSP's id of this very arrival (a transaction, not an address): deduplicated by it for good.
    pub psp_reference: String,
    /// What arrived, in the currency that the PSP credits to us.
    pub money: Money,
    /// What the chain carried, where that is not `money` itself.
    pub asset: Option<AssetAmount>,
    pub payer: Option<PayerProof>,
    /// Where on a chain it is to be seen, where it came by one and the PSP tells.
    pub chain: Option<ChainTransfer>,
    /// The PSP says that it is final. An unconfirmed arrival moves nothing.
    pub confirmed: bool,
}

/// A transfer as everybody can see it on its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainTransfer {
    pub network: String,
    pub asset: String,
    /// Where it arrived.
    pub address: String,
    /// The transaction's hash.
    pub hash: String,
}

/// What a payer aimed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayinTarget {
    /// The pseudonym of the player that we gave the PSP with the request, [`crate::Payer`]'s
    /// `player_reference`.
    PlayerReference(String),
    /// An address that a player was given.
    Address { network: String, asset: String, address: String, tag: Option<String> },
}

/// An amount of a chain's asset as the PSP writes it, `"0.00512300"`: told to people, never computed
/// with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetAmount {
    pub asset: String,
    pub amount: String,
}
