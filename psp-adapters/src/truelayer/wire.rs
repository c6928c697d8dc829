//! TrueLayer's requests: bodies that never differ for the same operation.

use super::TrueLayer;
use crate::bank::British;
use crate::prelude::*;
use uuid::Uuid;

const BRITISH: British = British {
    kind: "sort_code_account_number",
    sort_code: "sort_code",
    account_number: "account_number",
};

/// A reference for bank statements: at most 18 characters are carried everywhere.
fn bank_reference(attempt: AttemptRef) -> String {
    format!("IL{}", &attempt.upper()[16..])
}

fn user(payer: &Payer) -> Json {
    let email = given(&payer.email);
    object! {
        "id": payer.player_uuid.to_string(),
        "name": &payer.full_name,
        "email": email,
        "phone": given(&payer.phone).filter(|_| email.is_none()),
    }
}

/// Whom a payout is for.
fn beneficiary(payout: &PayoutRequest) -> Option<Json> {
    if let Some(token) = &payout.destination.token {
        return Some(object! {
            "type": "payment_source",
            "payment_source_id": token,
            "user_id": payout.payer.player_uuid.to_string(),
        });
    }
    let (account, holder) = BRITISH.or_iban(payout.destination.portable.as_ref())?;
    Some(object! {
        "type": "external_account",
        "account_holder_name": holder,
        "account_identifier": account,
    })
}

impl TrueLayer {
    /// A signed POST under its own idempotency key. None when it cannot be signed.
    fn post(&self, path: &str, key: Uuid, body: &Json) -> Option<HttpRequest> {
        self.signer.sign(self.api.post(path, body), key.to_string())
    }

    fn create(&self, path: &str, attempt: AttemptRef, body: &Json) -> Option<HttpRequest> {
        Some(self.post(path, attempt.uuid(), body)?.for_money())
    }

    pub fn create_payment(&self, deposit: &DepositRequest) -> Option<HttpRequest> {
        let currency = deposit.money.currency;
        let method = object! {
            "type": "bank_transfer",
            "provider_selection": object! { "type": "user_selected" },
            "beneficiary": object! {
                "type": "merchant_account",
                "merchant_account_id": self.merchant_account(currency),
            },
        };
        let body = object! {
            "amount_in_minor": deposit.money.minor,
            "currency": currency,
            "payment_method": method,
            "user": user(&deposit.payer),
            "metadata": object! { "reference": deposit.attempt },
        };
        self.create("v3/payments", deposit.attempt, &body)
    }

    pub fn create_transfer(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let body = object! {
            "amount_in_minor": payout.money.minor,
            "currency": payout.money.currency,
            "merchant_account_id": self.merchant_account(payout.money.currency),
            "beneficiary": beneficiary(payout)?.and("reference", bank_reference(payout.attempt)),
            "metadata": object! { "reference": payout.attempt },
        };
        self.create("v3/payouts", payout.attempt, &body)
    }

    /// A refund takes the payment's currency; only the amount is sent.
    pub fn create_refund(&self, back: &ReturnRequest) -> Option<HttpRequest> {
        let body = object! {
            "amount_in_minor": back.money.minor,
            "reference": bank_reference(back.attempt),
            "metadata": object! { "reference": back.attempt },
        };
        let path = format!("v3/payments/{}/refunds", path_word(&back.deposit_psp_reference)?);
        self.create(&path, back.attempt, &body)
    }

    /// Under a key of its own: the attempt's key belongs to the payment.
    pub fn cancel_payment(&self, attempt: AttemptRef, id: &str) -> Option<HttpRequest> {
        let key = derived_uuid(&["cancel", &attempt.lower()]);
        let path = format!("v3/payments/{}/actions/cancel", path_word(id)?);
        self.post(&path, key, &object! {})
    }
}
