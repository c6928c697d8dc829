//! What a PSP can do, as data. Flows read these and never name a PSP.

use crate::{Currency, Destination, Portable, Subject};
use std::time::Duration;

/// Durations as PSPs tell them.
pub const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

pub const fn days(days: u64) -> Duration {
    minutes(days * 24 * 60)
}

/// A reference or key that a PSP keeps for ever; ten years stand for it.
pub const FOR_EVER: Duration = days(10 * 365);

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
    /// A deposit that is sent back need not be among what the PSP can be asked about.
    pub return_inquiry: InquiryCapability,
    pub idempotency: IdempotencyCapability,
    pub webhook: WebhookCapability,
}

impl Capabilities {
    /// How an attempt of this kind can be asked about.
    pub const fn inquiry(&self, subject: Subject) -> &InquiryCapability {
        match subject {
            Subject::Deposit => &self.deposit_inquiry,
            Subject::Payout => &self.payout_inquiry,
            Subject::Return => &self.return_inquiry,
        }
    }
}

#[derive(Debug, Clone)]
pub struct DepositCapability {
    /// The payer can act only on what the PSP's answer to us contains (a redirect, a QR code). An
    /// answer that is lost leaves nothing that could move money by itself, so the attempt may be
    /// abandoned instead of unknown.
    pub needs_our_answer: bool,
    /// After the payer's approval the PSP waits for [`crate::Operation::CompleteDeposit`].
    pub needs_completion: bool,
    /// The parameter with which this PSP sends the payer's browser back to the casino's page, and that
    /// it wants to hear from us by [`crate::Operation::CompleteDeposit`] before it goes on. It may be
    /// told again: the answer is the same.
    pub payer_brings: Option<&'static str>,
    pub can_cancel: bool,
    /// Whatever amount arrives for a request is credited (a crypto address cannot refuse one). For
    /// all others an amount that was not asked for waits for a person.
    pub any_amount: bool,
    /// That a dispute was won is told in no word of its own ([`crate::Status::Won`]), but by the message that
    /// tells of success, once more.
    pub wins_like_success: bool,
    /// How long a session can still be completed when the PSP does not say.
    pub session_life: Duration,
}

impl DepositCapability {
    /// The usual deposit: opened by us, finished by its payer on a page or in an app that only our
    /// answer names.
    pub const fn opened_by_us(session_life: Duration) -> Self {
        Self {
            needs_our_answer: true,
            needs_completion: false,
            payer_brings: None,
            can_cancel: false,
            any_amount: false,
            wins_like_success: false,
            session_life,
        }
    }
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

impl PayoutCapability {
    /// Pays nobody, for adapters to say what theirs can.
    pub const NONE: PayoutCapability = PayoutCapability {
        portable_iban: false,
        portable_uk_account: false,
        portable_pix_key: false,
        portable_crypto: false,
        portable_phone: false,
        portable_email: false,
        same_owner_check: false,
        by_token: false,
        success_reversible: false,
    };

    /// Pays bank accounts in Europe and Britain, and what it has seen before by its token; a bank may
    /// still send the money back.
    pub const BANK_ACCOUNTS: PayoutCapability = PayoutCapability {
        portable_iban: true,
        portable_uk_account: true,
        by_token: true,
        success_reversible: true,
        ..PayoutCapability::NONE
    };

    /// Whether an instrument of this kind can be paid in this currency. British accounts are paid in
    /// pounds alone, and an IBAN as [`iban_takes`] says.
    pub fn pays(&self, destination: &Destination, currency: Currency) -> bool {
        let pounds = currency == Currency::GBP;
        let portable = destination.portable.as_ref().is_some_and(|portable| match portable {
            Portable::Iban { iban, .. } => self.portable_iban && iban_takes(iban, currency),
            Portable::UkAccount { .. } => self.portable_uk_account && pounds,
            Portable::PixKey { .. } => self.portable_pix_key,
            Portable::CryptoAddress { .. } => self.portable_crypto,
            Portable::Phone { .. } => self.portable_phone,
            Portable::Email { .. } => self.portable_email,
        });
        portable || (self.by_token && destination.token.is_some())
    }
}

/// Whether an account that an IBAN names is paid in a currency: euro go wherever there are IBANs, any other
/// money to its own country alone (the first letters of its code are the country's). Pounds go by IBAN to
/// nobody: British banks pay by sort code and number.
pub fn iban_takes(iban: &str, currency: Currency) -> bool {
    let home = currency.code().get(..2).is_some_and(|country| iban.starts_with(country));
    currency == Currency::EUR || (home && currency != Currency::GBP)
}

/// How an attempt can be asked about.
#[derive(Debug, Clone)]
pub struct InquiryCapability {
    pub by_our_reference: bool,
    pub by_psp_reference: bool,
    pub by_ledger: bool,
    /// Money that came without a request can be asked about by the PSP's id of it
    /// ([`crate::Operation::Lookup`]), so that no message about it need be believed alone.
    pub of_arrivals: bool,
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
        of_arrivals: false,
        min_interval: Duration::ZERO,
        ledger_min_interval: Duration::ZERO,
        not_found_quiet: Duration::ZERO,
    };

    /// A PSP whose deposits are arrivals at addresses: of an address nothing can be asked, of what came to
    /// it everything.
    pub const OF_ARRIVALS: InquiryCapability =
        InquiryCapability { of_arrivals: true, ..InquiryCapability::NONE };

    /// How a PSP is asked that names no limit of its own: two seconds between two questions keep a
    /// ladder of inquiries polite, and fifteen minutes outlast every replica that lags behind.
    pub const POLITE: InquiryCapability = InquiryCapability {
        min_interval: Duration::from_secs(2),
        not_found_quiet: minutes(15),
        ..InquiryCapability::NONE
    };

    /// Asked politely by the PSP's id alone.
    pub const BY_ITS_ID: InquiryCapability =
        InquiryCapability { by_psp_reference: true, ..InquiryCapability::POLITE };

    /// Asked politely by our reference alone.
    pub const BY_OURS: InquiryCapability =
        InquiryCapability { by_our_reference: true, ..InquiryCapability::POLITE };

    /// Asked politely by either.
    pub const BY_EITHER: InquiryCapability =
        InquiryCapability { by_psp_reference: true, ..InquiryCapability::BY_OURS };

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

impl IdempotencyCapability {
    /// The first answer again for so long. An hour of it is left unused: clocks differ.
    pub const fn answers_again(reference: ReferenceRule, key_life: Duration) -> Self {
        Self { reference, replay: KeyReplay::SameAnswer, key_life, margin: minutes(60) }
    }

    /// An error for so long, after which a repeat would be another payment.
    pub const fn refuses_again(reference: ReferenceRule, key_life: Duration) -> Self {
        Self { reference, replay: KeyReplay::DuplicateError, key_life, margin: minutes(60) }
    }

    /// An error for ever.
    pub const fn refuses_for_ever(reference: ReferenceRule) -> Self {
        Self { margin: minutes(1), ..Self::refuses_again(reference, FOR_EVER) }
    }
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

impl WebhookCapability {
    /// Signed as a whole, one event at a time, without a time of sending; any 2xx will do.
    pub const SIGNED: WebhookCapability = WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Everything,
        batch: false,
        reply: WebhookReplyKind::Plain,
        has_timestamp: false,
        tolerance: Duration::ZERO,
    };

    /// Signed with its time of sending, and too thin to move money: the PSP is asked.
    pub const fn signed_hint(tolerance: Duration) -> Self {
        Self { proof: WebhookProof::Hint, has_timestamp: true, tolerance, ..Self::SIGNED }
    }
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
    /// Anything visible, up to so many characters.
    pub const fn visible(len_max: usize) -> Self {
        Self { len_min: 1, len_max, charset: Charset::Visible }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instrument_is_paid_where_its_kind_is_and_in_its_own_currency() {
        let banks = PayoutCapability { by_token: false, ..PayoutCapability::BANK_ACCOUNTS };
        let to = |portable| Destination { token: Some("t".to_owned()), portable };
        let (iban, holder_name) = ("DE89370400440532013000".to_owned(), String::new());
        let iban = to(Some(Portable::Iban { iban, holder_name: holder_name.clone() }));
        let (sort_code, account_number) = ("040004".to_owned(), "12345678".to_owned());
        let account = Portable::UkAccount { sort_code, account_number, holder_name };
        let account = to(Some(account));
        assert!(banks.pays(&iban, Currency::EUR));
        for foreign in [Currency::GBP, Currency::SEK, Currency::NOK] {
            assert!(!banks.pays(&iban, foreign), "{foreign} to a German account");
        }
        let takes = |iban, currency| iban_takes(iban, currency);
        assert!(takes("SE3550000000054910000003", Currency::SEK));
        assert!(takes("SE3550000000054910000003", Currency::EUR));
        assert!(!takes("SE3550000000054910000003", Currency::NOK));
        assert!(!takes("GB29NWBK60161331926819", Currency::GBP));
        assert!(banks.pays(&account, Currency::GBP) && !banks.pays(&account, Currency::EUR));
        assert!(!banks.pays(&to(Some(Portable::PixKey { key: String::new() })), Currency::BRL));
        assert!(!banks.pays(&to(None), Currency::EUR));
        assert!(PayoutCapability::BANK_ACCOUNTS.pays(&to(None), Currency::EUR));
        assert!(!PayoutCapability::NONE.pays(&iban, Currency::EUR));
    }
}
