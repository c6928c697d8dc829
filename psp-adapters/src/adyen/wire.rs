//! Adyen's requests: bodies that never differ for the same operation.

use super::{Adyen, CURRENCIES, LINK_LIFE};
use crate::common::{after, compact, given, names, path_id};
use crate::json::{Json, object};
use psp_contract::{
    AttemptRef, Currency, DepositRequest, HttpRequest, Inquiry, InquiryBy, Method, Money, Payer,
    PayoutRequest, Portable, ReturnRequest, Timestamp,
};
use secrecy::{ExposeSecret, SecretString};
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded;

/// The transfers' list is searched from this long before the attempt was sent: Adyen's clock is not ours.
const SEARCH_MARGIN: time::Duration = time::Duration::hours(1);

/// A request for money under the attempt's own key.
fn creation(url: String, key: &SecretString, attempt: AttemptRef, body: &Json) -> HttpRequest {
    HttpRequest::json(Method::Post, url, body.to_bytes())
        .header("x-api-key", key.expose_secret())
        .header("idempotency-key", attempt.lower())
        .for_money()
}

fn amount(money: Money) -> Option<Json> {
    let fine = CURRENCIES.contains(&money.currency) && 0 < money.minor;
    fine.then(|| object! { "currency": money.currency, "value": money.minor })
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
    let in_pounds = payout.money.currency == Currency::GBP;
    Some(match (&payout.destination.token, &payout.destination.portable) {
        (Some(token), _) => {
            let card = object! {
                "cardHolder": person(&payout.payer)?.and("type", "individual"),
                "cardIdentification": object! { "storedPaymentMethodId": path_id(token)? },
            };
            ("card", object! { "card": card })
        }
        (None, Some(Portable::Iban { iban, holder_name })) if !in_pounds => {
            ("bank", bank(object! { "type": "iban", "iban": compact(iban) }, holder_name))
        }
        (None, Some(Portable::UkAccount { sort_code, account_number, holder_name }))
            if in_pounds =>
        {
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
    fn payment(&self, deposit: &DepositRequest) -> Option<Json> {
        let payer = &deposit.payer;
        Some(object! {
            "amount": amount(deposit.money)?,
            "countryCode": &deposit.country,
            "merchantAccount": &self.merchant_account,
            "reference": deposit.attempt,
            "returnUrl": &deposit.return_url,
            "shopperReference": &payer.player_reference,
            "shopperStatement": &self.statement_text,
            "shopperName": person(payer),
            "shopperEmail": given(&payer.email),
            "shopperLocale": given(&payer.locale),
        })
    }

    pub fn payment_link(&self, deposit: &DepositRequest) -> Option<HttpRequest> {
        let expires_at = after(deposit.attempt, LINK_LIFE).and_then(|at| at.format(&Rfc3339).ok());
        let body = self
            .payment(deposit)?
            .and("allowedPaymentMethods", vec!["scheme".into()])
            .and("expiresAt", expires_at)
            .and("reusable", false);
        let url = format!("{}/paymentLinks", self.checkout_url);
        Some(creation(url, &self.api_key, deposit.attempt, &body))
    }

    /// A charge of a stored card with its holder present.
    pub fn card_charge(&self, deposit: &DepositRequest, token: &str) -> Option<HttpRequest> {
        let card = object! { "type": "scheme", "storedPaymentMethodId": path_id(token)? };
        let body = self
            .payment(deposit)?
            .and("paymentMethod", card)
            .and("recurringProcessingModel", "CardOnFile")
            .and("shopperInteraction", "ContAuth")
            .and("shopperIP", given(&deposit.payer.ip));
        let url = format!("{}/payments", self.checkout_url);
        Some(creation(url, &self.api_key, deposit.attempt, &body))
    }

    pub fn refund(&self, back: &ReturnRequest) -> Option<HttpRequest> {
        let body = object! {
            "amount": amount(back.money)?,
            "merchantAccount": &self.merchant_account,
            "reference": back.attempt,
        };
        let payment = path_id(&back.deposit_psp_reference)?;
        let url = format!("{}/payments/{payment}/refunds", self.checkout_url);
        Some(creation(url, &self.api_key, back.attempt, &body))
    }

    pub fn transfer(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let (category, counterparty) = counterparty(payout)?;
        let body = object! {
            "amount": amount(payout.money)?,
            "balanceAccountId": &self.balance_account_id,
            "category": category,
            "counterparty": counterparty,
            "description": &self.statement_text,
            "reference": payout.attempt,
            "priority": (category == "bank").then_some(&self.priority),
        };
        let url = format!("{}/transfers", self.transfers_url);
        Some(creation(url, &self.transfers_api_key, payout.attempt, &body))
    }

    pub fn find_transfer(&self, inquiry: &Inquiry, now: Timestamp) -> Option<HttpRequest> {
        let url = match &inquiry.by {
            InquiryBy::PspReference(id) => {
                format!("{}/transfers/{}", self.transfers_url, path_id(id)?)
            }
            InquiryBy::OurReference => {
                let time = |at: Timestamp| at.format(&Rfc3339).ok();
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("balanceAccountId", &self.balance_account_id)
                    .append_pair("createdSince", &time(inquiry.first_sent_at - SEARCH_MARGIN)?)
                    .append_pair("createdUntil", &time(now + SEARCH_MARGIN)?)
                    .append_pair("limit", "10")
                    .append_pair("reference", &inquiry.attempt.lower())
                    .finish();
                format!("{}/transfers?{query}", self.transfers_url)
            }
            InquiryBy::Ledger => return None,
        };
        Some(HttpRequest::get(url).header("x-api-key", self.transfers_api_key.expose_secret()))
    }
}
