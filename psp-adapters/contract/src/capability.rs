//! What a PSP can do, as data. Flows read these and never name a PSP.

use std::time::Duration;

/// What one adapter's PSP can and cannot do.
#[derive(Debug, Clone)]
pub struct Capabilities {
    pub deposit: Option<DepositCapability>,
    pub payout: Option<PayoutCapability>,
    /// Whether a deposit can be sent back to its source by its PSP id.
    pub return_deposit: bool,
    /// Money may arrive that no request asked for (a permanent crypto address).
    pub unsolicited_deposits: bool,
    pub deposit_inquiry: InquiryCapability,
    pub payout_inquiry: InquiryCapability,
    pub idempotency: IdempotencyCapability,
    pub webhook: WebhookCapability,
}

#[derive(Debug, Clone)]
pub struct DepositCapability {
    /// The payer can act only on what the PSP's answer to us contains (a redirect, a QR code). An
    /// answer that is lost leaves nothing that could move money by itself, so the attempt may be
    /// abandoned instead of unknown.
    pub needs_our_answer: bool,
    /// After the payer's approval the PSP waits for [`crate::Operation::CompleteDeposit`].
    pub needs_completion: bool,
    pub can_cancel: bool,
    /// Whatever amount arrives for a request is credited (a crypto address cannot refuse one). For
    /// all others an amount that was not asked for waits for a person.
    pub any_amount: bool,
    /// How long a session can still be completed when the PSP does not say.
    pub session_life: Duration,
}

#[derive(Debug, Clone)]
pub struct PayoutCapability {
    pub portable_iban: bool,
    pub portable_uk_account: bool,
    pub portable_pix_key: bool,
    pub portable_crypto: bool,
    pub portable_phone: bool,
    pub portable_email: bool,
    /// The PSP itself pays only an account of the same person, by national or tax id.
    pub same_owner_check: bool,
    /// Pays by its own token for an instrument it has seen.
    pub by_token: bool,
    /// A payout that succeeded can still come back.
    pub success_reversible: bool,
}

/// How an attempt can be asked about.
#[derive(Debug, Clone)]
pub struct InquiryCapability {
    pub by_our_reference: bool,
    pub by_psp_reference: bool,
    pub by_ledger: bool,
    /// Never ask more often than this about one attempt by the PSP's id.
    pub min_interval: Duration,
    /// Never read the ledger more often than this.
    pub ledger_min_interval: Duration,
    /// "Not found" is no proof of absence before this long after sending.
    pub not_found_quiet: Duration,
}

impl InquiryCapability {
    /// A PSP that cannot be asked.
    pub const NONE: InquiryCapability = InquiryCapability {
        by_our_reference: false,
        by_psp_reference: false,
        by_ledger: false,
        min_interval: Duration::ZERO,
        ledger_min_interval: Duration::ZERO,
        not_found_quiet: Duration::ZERO,
    };

    pub const fn any(&self) -> bool {
        self.by_our_reference || self.by_psp_reference || self.by_ledger
    }
}

/// What the same request with the same key does a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyReplay {
    /// The first answer again: a replay is a safe inquiry while the key lives.
    SameAnswer,
    /// An error that only says that the reference was used.
    DuplicateError,
    /// Only an answer that accepted is kept: after an error the same key is a new request.
    SuccessOnly,
}

#[derive(Debug, Clone)]
pub struct IdempotencyCapability {
    /// What a reference may look like at this PSP.
    pub reference: ReferenceRule,
    pub replay: KeyReplay,
    /// How long the PSP keeps the key.
    pub key_life: Duration,
    /// A replay is allowed only until `first_sent_at + key_life - margin`.
    pub margin: Duration,
}

/// What a verified webhook proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookProof {
    /// Its signature covers reference, amount, currency and outcome: it may move money.
    Everything,
    /// It only says that something happened: inquire before anything moves.
    Hint,
}

#[derive(Debug, Clone)]
pub struct WebhookCapability {
    pub authenticity: WebhookAuthenticity,
    pub proof: WebhookProof,
    /// One call may carry several events.
    pub batch: bool,
    pub reply: WebhookReplyKind,
    /// The signature covers a time stamp of sending.
    pub has_timestamp: bool,
    /// How old or how far ahead a signed time stamp may be.
    pub tolerance: Duration,
}

/// How a webhook shows whom it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookAuthenticity {
    /// Its bytes, or the fields that matter, are signed.
    Signature,
    /// Nothing but the connection's client certificate; where that is not seen, it is a hint.
    MutualTls,
    /// Nothing at all: always a hint.
    Unsigned,
}

/// What a PSP wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookReplyKind {
    /// Any 2xx, or a fixed word.
    Plain,
    /// A reply that we sign.
    Signed,
    /// A reply that decides something.
    Decision,
}

/// What characters a reference may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Alphanumeric,
    UpperHex,
    /// Anything visible in ASCII.
    Visible,
}

/// What a reference of ours may look like at a PSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceRule {
    pub len_min: usize,
    pub len_max: usize,
    pub charset: Charset,
}

impl ReferenceRule {
    /// Whether a reference fits.
    pub fn allows(&self, reference: &str) -> bool {
        let fits = |byte: u8| match self.charset {
            Charset::Alphanumeric => byte.is_ascii_alphanumeric(),
            Charset::UpperHex => byte.is_ascii_digit() || matches!(byte, b'A'..=b'F'),
            Charset::Visible => byte.is_ascii_graphic(),
        };
        (self.len_min..=self.len_max).contains(&reference.len()) && reference.bytes().all(fits)
    }
}
