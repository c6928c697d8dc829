//! What we ask of a PSP.

use crate::{AttemptRef, Destination, Instrument, Money, Timestamp};

/// One thing that a PSP is asked to do.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Open a deposit. What moves money later is the payer's act, not this call, unless the
    /// adapter's [`crate::DepositCapability`] says otherwise.
    CreateDeposit(DepositRequest),
    /// Take the money of a deposit that its payer has approved, where the PSP waits for us to say so
    /// ([`crate::Status::AwaitsCompletion`]). Under the attempt's own reference, which the PSP takes
    /// once.
    CompleteDeposit(CompletionRequest),
    /// Send money out. The one call that must never be made twice for one payment.
    CreatePayout(PayoutRequest),
    /// Send a deposit back to where it came from.
    ReturnDeposit(ReturnRequest),
    /// Ask what became of an attempt. Moves nothing.
    Inquire(Inquiry),
    /// Ask which attempt a payment is that a notification named by the PSP's id alone. The answer's
    /// [`crate::Report::attempt`] tells; of money that came without a request, its status tells how much
    /// ([`crate::InquiryCapability::of_arrivals`]). Moves nothing.
    Lookup(Lookup),
    /// Ask the PSP to close an open deposit session. Moves nothing.
    CancelDeposit { attempt: AttemptRef, psp_reference: String },
}

impl Operation {
    /// Whether the PSP could move money because of this call.
    pub const fn moves_money(&self) -> bool {
        match self {
            Operation::CreateDeposit(_)
            | Operation::CompleteDeposit(_)
            | Operation::CreatePayout(_)
            | Operation::ReturnDeposit(_) => true,
            Operation::Inquire(_) | Operation::Lookup(_) | Operation::CancelDeposit { .. } => false,
        }
    }

    /// The money that it is about to move; none for what moves nothing.
    pub const fn money(&self) -> Option<Money> {
        match self {
            Operation::CreateDeposit(deposit) => Some(deposit.money),
            Operation::CompleteDeposit(completion) => Some(completion.money),
            Operation::CreatePayout(payout) => Some(payout.money),
            Operation::ReturnDeposit(back) => Some(back.money),
            Operation::Inquire(_) | Operation::Lookup(_) | Operation::CancelDeposit { .. } => None,
        }
    }

    /// A short stable name for metrics and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Operation::CreateDeposit(_) => "create_deposit",
            Operation::CompleteDeposit(_) => "complete_deposit",
            Operation::CreatePayout(_) => "create_payout",
            Operation::ReturnDeposit(_) => "return_deposit",
            Operation::Inquire(_) => "query",
            Operation::Lookup(_) => "lookup",
            Operation::CancelDeposit { .. } => "cancel_deposit",
        }
    }
}

/// Who pays or is paid, as far as PSPs ask. A missing field is one that the casino did not give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payer {
    /// A stable pseudonym of the player at this operator; never an e-mail address.
    pub player_reference: String,
    /// A version-5 style UUID of the same, for PSPs that want one.
    pub player_uuid: uuid::Uuid,
    pub full_name: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub national_id: Option<String>,
    /// `YYYY-MM-DD`.
    pub date_of_birth: Option<String>,
    /// BCP 47, `de-DE`.
    pub locale: Option<String>,
    /// The address of the payer's own device.
    pub ip: Option<String>,
}

/// A field of [`Payer`] that a casino may leave out and some PSPs cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayerField {
    GivenName,
    FamilyName,
    Email,
    Phone,
    NationalId,
    Locale,
    /// No field of the record: the address of the payer's device comes with each deposit.
    DeviceIp,
}

impl PayerField {
    /// As the player's record names it, or the deposit.
    pub const fn name(self) -> &'static str {
        match self {
            PayerField::GivenName => "given_name",
            PayerField::FamilyName => "family_name",
            PayerField::Email => "email",
            PayerField::Phone => "phone",
            PayerField::NationalId => "national_id",
            PayerField::Locale => "locale",
            PayerField::DeviceIp => "device.ip",
        }
    }

    /// Whether the casino gave it.
    pub fn is_known(self, payer: &Payer) -> bool {
        let field = match self {
            PayerField::GivenName => &payer.given_name,
            PayerField::FamilyName => &payer.family_name,
            PayerField::Email => &payer.email,
            PayerField::Phone => &payer.phone,
            PayerField::NationalId => &payer.national_id,
            PayerField::Locale => &payer.locale,
            PayerField::DeviceIp => &payer.ip,
        };
        field.as_ref().is_some_and(|text| !text.trim().is_empty())
    }
}

#[derive(Debug, Clone)]
pub struct DepositRequest {
    pub attempt: AttemptRef,
    pub money: Money,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub payer: Payer,
    /// Where the payer's browser goes afterwards.
    pub return_url: String,
    pub instrument: Option<Instrument>,
}

#[derive(Debug, Clone)]
pub struct CompletionRequest {
    pub attempt: AttemptRef,
    pub money: Money,
    pub payer: Payer,
    /// What the payer's browser brought back from the PSP, where the PSP wants to hear it
    /// ([`crate::DepositCapability::payer_brings`]). It came through the payer's hands and proves nothing.
    pub brought: Option<String>,
}

#[derive(Debug, Clone)]
pub struct PayoutRequest {
    pub attempt: AttemptRef,
    pub money: Money,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub payer: Payer,
    pub destination: Destination,
}

#[derive(Debug, Clone)]
pub struct ReturnRequest {
    /// The return's own attempt.
    pub attempt: AttemptRef,
    /// The PSP's id of the deposit that goes back.
    pub deposit_psp_reference: String,
    pub money: Money,
}

/// What kind of attempt an inquiry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Deposit,
    Payout,
    Return,
}

/// A question about a payment of which only the PSP's id is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// What kind of payment it is, where the notification told.
    pub subject: Option<Subject>,
    pub psp_reference: String,
}

/// A question about one attempt.
#[derive(Debug, Clone)]
pub struct Inquiry {
    pub subject: Subject,
    pub attempt: AttemptRef,
    pub by: InquiryBy,
    /// What was asked for; an answer about another amount or currency is not an answer.
    pub money: Money,
    /// When the attempt's request first left us.
    pub first_sent_at: Timestamp,
    /// For a return: the PSP's id of the deposit.
    pub deposit_psp_reference: Option<String>,
}

/// How an inquiry finds the attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InquiryBy {
    OurReference,
    PspReference(String),
    /// The PSP's ledger or list over the days since the attempt was sent, searched for our
    /// reference.
    Ledger,
}

impl InquiryBy {
    /// The PSP's id that is asked by; empty where it is another question.
    pub fn id(&self) -> &str {
        match self {
            InquiryBy::PspReference(id) => id,
            InquiryBy::OurReference | InquiryBy::Ledger => "",
        }
    }
}
