//! The words that Interlock and its PSP adapters share.
//!
//! Nothing here does I/O, reads a clock or rolls dice, and nothing here is a PSP's own: an
//! [`Operation`] says what we want of a PSP, an [`Outcome`] says what we know afterwards, and
//! [`Capabilities`] say as data what a PSP can and cannot do, so that no flow ever names one.
//!
//! The most important distinction of the whole house is made in [`outcome`]: *provably not sent*,
//! *definitely refused* and *unknown* are three different things, and only the first two may ever
//! lead to another PSP.
//!
//! Reading order: [`money`], [`reference`], [`instrument`], [`operation`], [`outcome`],
//! [`capability`], [`statement`], [`http`].

pub mod capability;
pub mod http;
pub mod instrument;
pub mod money;
pub mod operation;
pub mod outcome;
pub mod reference;
pub mod statement;

pub use capability::{
    Capabilities, Charset, DepositCapability, FOR_EVER, IdempotencyCapability, InquiryCapability,
    KeyReplay, PayoutCapability, ReferenceRule, WebhookAuthenticity, WebhookCapability,
    WebhookProof, WebhookReplyKind, days, iban_takes, minutes,
};
pub use http::{HttpRequest, HttpResponse, Method, TransportFailure};
pub use instrument::{Destination, Instrument, Portable};
pub use money::{Currency, Money, MoneyError};
pub use operation::{
    CompletionRequest, DepositRequest, Inquiry, InquiryBy, Lookup, Operation, Payer, PayerField,
    PayoutRequest, ReturnRequest, Subject,
};
pub use outcome::{
    AssetAmount, CardFunding, ChainTransfer, Decline, DeclineClass, NextAction, NotSent, Outcome,
    PayerProof, Payin, PayinTarget, Report, Status, Unknown,
};
pub use reference::AttemptRef;
pub use statement::{StatementFault, StatementKind, StatementLine};

/// A point in time, always UTC.
pub type Timestamp = time::OffsetDateTime;
