//! From what we know of a payment to what a PSP is asked.
//!
//! Pure, and the same bytes every time: a request is built from the payment's immutable columns
//! alone, so that a replay after a crash is the same request.

use crate::book::{Attempt, Payment};
use crate::domain::{Player, PlayerKey};
use psp_contract::{
    AttemptRef, CompletionRequest, DepositRequest, Inquiry, InquiryBy, Operation, Payer,
    PayoutRequest, ReturnRequest,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A stable pseudonym that a PSP sees instead of the casino's id.
pub fn pseudonym(key: &PlayerKey) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"interlock.player.v1\0")
        .chain_update(key.operator.as_str())
        .chain_update(b"\0")
        .chain_update(key.player.as_str())
        .finalize();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Who pays or is paid, as a payment keeps it from its beginning on.
pub fn payer_of(player: &Player, ip: Option<String>) -> Payer {
    let uuid = pseudonym(&player.key);
    let (given, family) = names(player);
    Payer {
        player_reference: uuid.simple().to_string(),
        player_uuid: uuid,
        full_name: player.full_name.clone(),
        given_name: given,
        family_name: family,
        email: player.email.clone(),
        phone: player.phone.clone(),
        national_id: player.national_id.clone(),
        date_of_birth: Some(player.date_of_birth.to_string()),
        locale: player.locale.clone(),
        ip,
    }
}

/// The names apart: as given, else the last word of the full name is the family's.
fn names(player: &Player) -> (Option<String>, Option<String>) {
    if player.given_name.is_some() && player.family_name.is_some() {
        return (player.given_name.clone(), player.family_name.clone());
    }
    match player.full_name.rsplit_once(' ') {
        Some((given, family)) => (Some(given.to_owned()), Some(family.to_owned())),
        None => (None, Some(player.full_name.clone())),
    }
}

/// The request of an attempt. None: the payment lacks what the request needs.
pub fn operation_of(payment: &Payment, attempt: &Attempt) -> Option<Operation> {
    let reference = AttemptRef::new(attempt.id.0);
    if let Some(returns) = &payment.returns {
        return Some(Operation::ReturnDeposit(ReturnRequest {
            attempt: reference,
            deposit_psp_reference: returns.psp_reference.clone(),
            money: attempt.asked,
        }));
    }
    match attempt.part {
        None => Some(Operation::CreateDeposit(DepositRequest {
            attempt: reference,
            money: attempt.asked,
            country: payment.country.clone(),
            payer: (*payment.payer).clone(),
            return_url: payment.return_url.clone()?,
            instrument: payment.instrument.clone(),
        })),
        Some(part) => Some(Operation::CreatePayout(PayoutRequest {
            attempt: reference,
            money: attempt.asked,
            country: payment.country.clone(),
            payer: (*payment.payer).clone(),
            destination: payment.part(part)?.instrument.for_psp(&attempt.psp),
        })),
    }
}

/// The call that takes what the payer of an attempt has approved, with what the payer brought back.
pub fn completion_of(payment: &Payment, attempt: &Attempt, brought: Option<String>) -> Operation {
    Operation::CompleteDeposit(CompletionRequest {
        attempt: AttemptRef::new(attempt.id.0),
        money: attempt.asked,
        payer: payment.payer.as_ref().clone(),
        brought,
    })
}

/// The question about an attempt.
pub fn inquiry_of(payment: &Payment, attempt: &Attempt, by: InquiryBy) -> Operation {
    Operation::Inquire(Inquiry {
        subject: payment.subject(),
        attempt: AttemptRef::new(attempt.id.0),
        by,
        money: attempt.asked,
        first_sent_at: attempt.first_sent_at,
        deposit_psp_reference: payment.returns.as_ref().map(|r| r.psp_reference.clone()),
    })
}
