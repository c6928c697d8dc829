//! Adyen's requests: bodies that never differ for the same operation.

use super::{CURRENCIES, Inner, LINK_LIFE};
use crate::common::{after, names, path_id};
use crate::json::Json;
use psp_contract::{
    AttemptRef, DepositRequest, HttpRequest, Inquiry, InquiryBy, Method, Money, Payer,
    PayoutRequest, Portable, ReturnRequest, Timestamp,
};
use secrecy::{ExposeSecret, SecretString};
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded;

/// The transfers' list is searched from this long before the attempt was sent: Adyen's clock is not ours.
const SEARCH_MARGIN: time::Duration = time::Duration::hours(1);

fn post(url: String, api_key: &SecretString, attempt: AttemptRef, body: &Json) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        url,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("x-api-key", api_key.expose_secret().to_owned()),
            ("idempotency-key", attempt.lower()),
        ],
        body: body.to_bytes(),
        moves_money: true,
    }
}

fn get(url: String, api_key: &SecretString) -> HttpRequest {
    HttpRequest {
        method: Method::Get,
        url,
        headers: vec![("x-api-key", api_key.expose_secret().to_owned())],
        body: Vec::new(),
        moves_money: false,
    }
}

fn amount(money: Money) -> Option<Json> {
    let fine = CURRENCIES.contains(&money.currency) && 0 < money.minor;
    fine.then(|| {
        Json::object([
            ("currency", money.currency.code().into()),
            ("value", Json::Integer(money.minor.into())),
        ])
    })
}

fn person(payer: &Payer) -> Option<Json> {
    let (first, last) = names(payer)?;
    Some(Json::object([("firstName", first.into()), ("lastName", last.into())]))
}

fn given(text: Option<&String>) -> Option<Json> {
    text.filter(|text| !text.is_empty()).map(Json::text)
}

/// What a link and a charge have in common.
fn payment(inner: &Inner, deposit: &DepositRequest) -> Option<Json> {
    let payer = &deposit.payer;
    let fields = Json::object([
        ("amount", amount(deposit.money)?),
        ("countryCode", Json::text(&deposit.country)),
        ("merchantAccount", Json::text(&inner.merchant_account)),
        ("reference", Json::Text(deposit.attempt.lower())),
        ("returnUrl", Json::text(&deposit.return_url)),
        ("shopperReference", Json::text(&payer.player_reference)),
        ("shopperStatement", Json::text(&inner.statement_text)),
    ]);
    Some(
        fields
            .with("shopperName", person(payer))
            .with("shopperEmail", given(payer.email.as_ref()))
            .with("shopperLocale", given(payer.locale.as_ref())),
    )
}

pub(super) fn payment_link(inner: &Inner, deposit: &DepositRequest) -> Option<HttpRequest> {
    let expires_at = after(deposit.attempt, LINK_LIFE).and_then(|at| at.format(&Rfc3339).ok());
    let body = payment(inner, deposit)?
        .with("allowedPaymentMethods", Some(Json::Array(vec!["scheme".into()])))
        .with("expiresAt", expires_at.map(Json::Text))
        .with("reusable", Some(Json::Bool(false)));
    let url = format!("{}/paymentLinks", inner.checkout_url);
    Some(post(url, &inner.api_key, deposit.attempt, &body))
}

/// A charge of a stored card with its holder present.
pub(super) fn card_charge(
    inner: &Inner,
    deposit: &DepositRequest,
    token: &str,
) -> Option<HttpRequest> {
    let method = Json::object([
        ("type", "scheme".into()),
        ("storedPaymentMethodId", path_id(token)?.into()),
    ]);
    let body = payment(inner, deposit)?
        .with("paymentMethod", Some(method))
        .with("recurringProcessingModel", Some("CardOnFile".into()))
        .with("shopperInteraction", Some("ContAuth".into()))
        .with("shopperIP", given(deposit.payer.ip.as_ref()));
    let url = format!("{}/payments", inner.checkout_url);
    Some(post(url, &inner.api_key, deposit.attempt, &body))
}

pub(super) fn refund(inner: &Inner, back: &ReturnRequest) -> Option<HttpRequest> {
    let body = Json::object([
        ("amount", amount(back.money)?),
        ("merchantAccount", Json::text(&inner.merchant_account)),
        ("reference", Json::Text(back.attempt.lower())),
    ]);
    let payment = path_id(&back.deposit_psp_reference)?;
    let url = format!("{}/payments/{payment}/refunds", inner.checkout_url);
    Some(post(url, &inner.api_key, back.attempt, &body))
}

pub(super) fn transfer(inner: &Inner, payout: &PayoutRequest) -> Option<HttpRequest> {
    let bank = |identification, holder: &String| {
        let account = Json::object([
            ("accountHolder", Json::object([("fullName", Json::text(holder))])),
            ("accountIdentification", identification),
        ]);
        ("bank", Json::object([("bankAccount", account)]))
    };
    let compact = |text: &str| -> Json {
        Json::Text(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect())
    };
    let in_pounds = payout.money.currency == psp_contract::Currency::GBP;
    let (category, counterparty) = match (&payout.destination.token, &payout.destination.portable) {
        (Some(token), _) => {
            let holder = person(&payout.payer)?.with("type", Some("individual".into()));
            let card = Json::object([
                ("cardHolder", holder),
                (
                    "cardIdentification",
                    Json::object([("storedPaymentMethodId", path_id(token)?.into())]),
                ),
            ]);
            ("card", Json::object([("card", card)]))
        }
        (None, Some(Portable::Iban { iban, holder_name })) if !in_pounds => {
            let iban = Json::object([("type", "iban".into()), ("iban", compact(iban))]);
            bank(iban, holder_name)
        }
        (None, Some(Portable::UkAccount { sort_code, account_number, holder_name }))
            if in_pounds =>
        {
            let account = Json::object([
                ("type", "ukLocal".into()),
                ("sortCode", compact(sort_code)),
                ("accountNumber", compact(account_number)),
            ]);
            bank(account, holder_name)
        }
        _ => return None,
    };
    let body = Json::object([
        ("amount", amount(payout.money)?),
        ("balanceAccountId", Json::text(&inner.balance_account_id)),
        ("category", category.into()),
        ("counterparty", counterparty),
        ("description", Json::text(&inner.statement_text)),
        ("reference", Json::Text(payout.attempt.lower())),
    ]);
    let priority = (category == "bank").then(|| Json::text(&inner.priority));
    let body = body.with("priority", priority);
    let url = format!("{}/transfers", inner.transfers_url);
    Some(post(url, &inner.transfers_api_key, payout.attempt, &body))
}

pub(super) fn find_transfer(
    inner: &Inner,
    inquiry: &Inquiry,
    now: Timestamp,
) -> Option<HttpRequest> {
    let url = &inner.transfers_url;
    let url = match &inquiry.by {
        InquiryBy::PspReference(id) => format!("{url}/transfers/{}", path_id(id)?),
        InquiryBy::OurReference => {
            let time = |at: Timestamp| at.format(&Rfc3339).ok();
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("balanceAccountId", &inner.balance_account_id)
                .append_pair("createdSince", &time(inquiry.first_sent_at - SEARCH_MARGIN)?)
                .append_pair("createdUntil", &time(now + SEARCH_MARGIN)?)
                .append_pair("limit", "10")
                .append_pair("reference", &inquiry.attempt.lower())
                .finish();
            format!("{url}/transfers?{query}")
        }
        InquiryBy::Ledger => return None,
    };
    Some(get(url, &inner.transfers_api_key))
}
