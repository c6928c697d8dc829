//! Adyen's requests: bodies that never differ for the same operation.

use super::{Adyen, LINK_LIFE};
use crate::prelude::*;
use url::form_urlencoded;

/// The header of the idempotency key.
const KEY: &str = "idempotency-key";
/// The transfers' list is searched from this long before the attempt was sent: Adyen's clock is not ours.
const SEARCH_MARGIN: time::Duration = time::Duration::hours(1);

fn amount(money: Money) -> Json {
    object! { "currency": money.currency, "value": money.minor }
}

fn person(payer: &Payer) -> Option<Json> {
    let (first, last) = names(payer)?;
    Some(object! { "firstName": first, "lastName": last })
}

fn bank(identification: Json, holder: &str) -> Json {
    let account = object! {
        "accountHolder": object! { "fullName": holder },
        "accountIdentification": identification,
    };
    object! { "bankAccount": account }
}

/// The category of a transfer, and to whom it goes.
fn counterparty(payout: &PayoutRequest) -> Option<(&'static str, Json)> {
    Some(match (&payout.destination.token, &payout.destination.portable) {
        (Some(token), _) => {
            let card = object! {
                "cardHolder": person(&payout.payer)?.and("type", "individual"),
                "cardIdentification": object! { "storedPaymentMethodId": path_id(token)? },
            };
            ("card", object! { "card": card })
        }
        (None, Some(Portable::Iban { iban, holder_name })) => {
            ("bank", bank(object! { "type": "iban", "iban": compact(iban) }, holder_name))
        }
        (None, Some(Portable::UkAccount { sort_code, account_number, holder_name })) => {
            let account = object! {
                "type": "ukLocal",
                "sortCode": compact(sort_code),
                "accountNumber": compact(account_number),
            };
            ("bank", bank(account, holder_name))
        }
        _ => return None,
    })
}

impl Adyen {
    /// What a link and a charge have in common.
    fn payment(&self, deposit: &DepositRequest) -> Json {
        let payer = &deposit.payer;
        object! {
            "amount": amount(deposit.money),
            "countryCode": &deposit.country,
            "merchantAccount": &self.merchant_account,
            "reference": deposit.attempt,
            "returnUrl": &deposit.return_url,
            "shopperReference": &payer.player_reference,
            "shopperStatement": &self.statement_text,
            "shopperName": person(payer),
            "shopperEmail": given(&payer.email),
            "shopperLocale": given(&payer.locale),
        }
    }

    pub fn payment_link(&self, deposit: &DepositRequest) -> HttpRequest {
        let expires_at = after(deposit.attempt, LINK_LIFE).and_then(|at| at.format(&Rfc3339).ok());
        let body = self
            .payment(deposit)
            .and("allowedPaymentMethods", vec!["scheme".into()])
            .and("expiresAt", expires_at)
            .and("reusable", false);
        self.checkout.create("paymentLinks", (KEY, deposit.attempt), &body)
    }

    /// A charge of a stored card with its holder present.
    pub fn card_charge(&self, deposit: &DepositRequest, token: &str) -> Option<HttpRequest> {
        let card = object! { "type": "scheme", "storedPaymentMethodId": path_id(token)? };
        let body = self
            .payment(deposit)
            .and("paymentMethod", card)
            .and("recurringProcessingModel", "CardOnFile")
            .and("shopperInteraction", "ContAuth")
            .and("shopperIP", given(&deposit.payer.ip));
        Some(self.checkout.create("payments", (KEY, deposit.attempt), &body))
    }

    pub fn refund(&self, back: &ReturnRequest) -> Option<HttpRequest> {
        let body = object! {
            "amount": amount(back.money),
            "merchantAccount": &self.merchant_account,
            "reference": back.attempt,
        };
        let path = format!("payments/{}/refunds", path_id(&back.deposit_psp_reference)?);
        Some(self.checkout.create(path, (KEY, back.attempt), &body))
    }

    pub fn transfer(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let (category, counterparty) = counterparty(payout)?;
        let body = object! {
            "amount": amount(payout.money),
            "balanceAccountId": &self.balance_account_id,
            "category": category,
            "counterparty": counterparty,
            "description": &self.statement_text,
            "reference": payout.attempt,
            "priority": (category == "bank").then_some(&self.priority),
        };
        Some(self.transfers.create("transfers", (KEY, payout.attempt), &body))
    }

    pub fn find_transfer(&self, inquiry: &Inquiry, now: Timestamp) -> Option<HttpRequest> {
        let path = match &inquiry.by {
            InquiryBy::PspReference(id) => format!("transfers/{}", path_id(id)?),
            InquiryBy::OurReference => {
                let time = |at: Timestamp| at.format(&Rfc3339).ok();
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("balanceAccountId", &self.balance_account_id)
                    .append_pair("createdSince", &time(inquiry.first_sent_at - SEARCH_MARGIN)?)
                    .append_pair("createdUntil", &time(now + SEARCH_MARGIN)?)
                    .append_pair("limit", "10")
                    .append_pair("reference", &inquiry.attempt.lower())
                    .finish();
                format!("transfers?{query}")
            }
            InquiryBy::Ledger => return None,
        };
        Some(self.transfers.get(path))
    }
}
