//! Where an adapter and its mock meet: one account of each PSP, as both sides are configured, and how its
//! payments come to an end. One file and one line for each account.

pub mod adyen;
mod coinspaid;
mod fireblocks;
pub mod mercadopago;
pub mod nuvei;
pub mod paysafe;
pub mod pix_efi;
pub mod swish;
mod truelayer;
mod trustly;

use crate::support::deposit;
use psp_adapters::PspAccount;
use psp_contract::{AttemptRef, Destination, Money, Operation};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One line for each account.
pub const STANDS: &[&dyn Stand] = &[
    &adyen::AdyenDe,
    &coinspaid::CoinsPaid,
    &fireblocks::Fireblocks,
    &mercadopago::MercadoPagoBr,
    &nuvei::NuveiCa,
    &paysafe::PaysafeCa,
    &pix_efi::PixEfiBr,
    &swish::SwishSe,
    &truelayer::TrueLayerGb,
    &trustly::TrustlyDe,
];

/// How it becomes known that something happened to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// This event says it, and proves it.
    Event(&'static str),
    /// This event only says that there is something to ask about.
    Hint(&'static str),
    /// Nobody calls: only who asks knows.
    Inquiry,
    /// This event tells of money that names no attempt.
    Payin(&'static str),
}

impl Known {
    /// The event's own name, where there is one.
    pub const fn event(self) -> Option<&'static str> {
        match self {
            Known::Event(kind) | Known::Hint(kind) | Known::Payin(kind) => Some(kind),
            Known::Inquiry => None,
        }
    }
}

/// What a PSP proves about who paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proves {
    pub name: bool,
    pub tax_id: bool,
    /// An account that any PSP could pay.
    pub portable: bool,
    /// The PSP's own name of the source.
    pub token: bool,
}

pub trait Stand: Send + Sync {
    /// The id of the account, on both sides.
    fn id(&self) -> &'static str;

    /// The adapter's account. The stage sets where webhooks go.
    fn account(&self, base_url: &str) -> PspAccount;

    /// The mock's settings; its format is the adapter's name.
    fn mock(&self) -> BTreeMap<String, String>;

    /// 10.50 of the account's currency.
    fn money(&self) -> Money;

    fn deposit(&self, attempt: AttemptRef) -> Operation {
        deposit(attempt, self.money())
    }

    /// An account that the PSP pays without having seen it.
    fn destination(&self) -> Destination;

    /// What the payer does to a deposit: the path below `/psps/{id}` of the mocks' control, and the body.
    fn pay(&self, order: &str) -> (String, Value) {
        (format!("/movements/{order}/complete"), json!({"outcome": "succeeded"}))
    }

    /// The event after which our second call is due, for PSPs that wait for it.
    fn approved(&self) -> Option<&'static str> {
        None
    }

    fn deposit_success(&self) -> Known;

    fn payout_success(&self) -> Known;

    /// None where the PSP has no such thing.
    fn payout_return(&self) -> Option<Known>;

    fn chargeback(&self) -> Option<Known>;

    /// How a deposit that was sent back is known to have arrived.
    fn refund_success(&self) -> Known {
        Known::Inquiry
    }

    fn proves(&self) -> Proves;

    /// Whether opening a deposit is a movement in the mock's books. An address is none.
    fn books_deposits(&self) -> bool {
        true
    }

    /// Whether the call that opens a deposit can go wrong so: only a movement can be paid after its refusal,
    /// or told before its answer.
    fn can_suffer(&self, fault: &str) -> bool {
        self.books_deposits()
            || !["success_after_decline", "webhook_before_response"].contains(&fault)
    }

    /// Whether a call begins with a token.
    fn takes_a_token(&self) -> bool {
        false
    }

    /// Whether what this fault refuses is created at the PSP, and refused afterwards.
    fn is_created_first(&self, _operation: &str, _fault: &str) -> bool {
        false
    }
}
