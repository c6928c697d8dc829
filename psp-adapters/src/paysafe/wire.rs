//! Paysafe's requests. All of them carry our reference, and what makes something refuses it twice.

use super::Inner;
use crate::json::Json;
use psp_contract::{
    AttemptRef, CompletionRequest, Currency, DepositRequest, HttpRequest, Method, Money, Payer,
    PayoutRequest, Portable,
};
use secrecy::ExposeSecret;

/// How the payer pays, and what Paysafe calls the fields that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaymentType {
    Interac,
    Skrill,
    Neteller,
}

impl PaymentType {
    pub fn parse(text: &str, method: &str) -> Option<Self> {
        match (text, method) {
            ("INTERAC_ETRANSFER", "interac") => Some(Self::Interac),
            ("SKRILL", "e_wallet") => Some(Self::Skrill),
            ("NETELLER", "e_wallet") => Some(Self::Neteller),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Interac => "INTERAC_ETRANSFER",
            Self::Skrill => "SKRILL",
            Self::Neteller => "NETELLER",
        }
    }

    pub const fn key(self) -> &'static str {
        match self {
            Self::Interac => "interacEtransfer",
            Self::Skrill => "skrill",
            Self::Neteller => "neteller",
        }
    }

    /// Interac moves Canadian dollars; of the wallets' currencies those that are asked for here.
    pub const fn moves(self, currency: Currency) -> bool {
        match self {
            Self::Interac => matches!(currency, Currency::CAD),
            Self::Skrill | Self::Neteller => {
                matches!(currency, Currency::CAD | Currency::EUR | Currency::GBP)
            }
        }
    }
}

/// An id as part of a path: what is not plainly one could name another resource.
fn path_id(id: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

fn get(inner: &Inner, path: &str) -> HttpRequest {
    HttpRequest {
        method: Method::Get,
        url: format!("{}/{path}", inner.api_url),
        headers: headers(inner),
        body: Vec::new(),
        moves_money: false,
    }
}

fn post(inner: &Inner, path: &str, body: &Json, moves_money: bool) -> HttpRequest {
    let mut headers = headers(inner);
    headers.push(("content-type", "application/json".to_owned()));
    HttpRequest {
        method: Method::Post,
        url: format!("{}/{path}", inner.api_url),
        headers,
        body: body.to_bytes(),
        moves_money,
    }
}

fn headers(inner: &Inner) -> Vec<(&'static str, String)> {
    vec![
        ("authorization", inner.authorization.expose_secret().to_owned()),
        ("accept", "application/json".to_owned()),
    ]
}

/// The records of a resource under our reference.
pub(super) fn by_reference(inner: &Inner, resource: &str, attempt: AttemptRef) -> HttpRequest {
    get(inner, &format!("{resource}?merchantRefNum={}", attempt.lower()))
}

pub(super) fn handle_by_id(inner: &Inner, id: &str) -> Option<HttpRequest> {
    Some(get(inner, &format!("paymenthandles/{}", path_id(id)?)))
}

/// What every creation says of itself.
fn base(attempt: AttemptRef, money: Money) -> Json {
    Json::object([
        ("merchantRefNum", Json::Text(attempt.lower())),
        ("amount", Json::Integer(money.minor.into())),
        ("currencyCode", money.currency.code().into()),
        ("dupCheck", Json::Bool(true)),
    ])
}

/// A handle for this e-mail address.
fn handle(
    inner: &Inner,
    kind: &str,
    (attempt, money): (AttemptRef, Money),
    payer: &Payer,
    email: &str,
) -> Option<Json> {
    if !inner.payment_type.moves(money.currency) || money.minor <= 0 {
        return None;
    }
    let whole = payer.full_name.as_str();
    let (given, family) = match (&payer.given_name, &payer.family_name) {
        (Some(given), Some(family)) => (given.as_str(), family.as_str()),
        _ => whole.rsplit_once(' ').unwrap_or((whole, "")),
    };
    let profile = Json::object([
        ("firstName", given.into()),
        ("lastName", family.into()),
        ("email", email.into()),
    ]);
    let instrument = Json::object([("consumerId", email.into()), ("type", "EMAIL".into())]);
    Some(
        base(attempt, money)
            .with("transactionType", Some(kind.into()))
            .with("paymentType", Some(inner.payment_type.name().into()))
            .with("accountId", inner.account_id.as_ref().map(Json::text))
            .with("customerIp", payer.ip.as_ref().map(Json::text))
            .with("profile", Some(profile))
            .with(inner.payment_type.key(), Some(instrument)),
    )
}

/// None without the payer's e-mail: it is what Paysafe collects from.
pub(super) fn deposit_handle(inner: &Inner, deposit: &DepositRequest) -> Option<HttpRequest> {
    let email = deposit.payer.email.as_deref().filter(|email| email.contains('@'))?;
    let link = |rel: &str| {
        Json::object([
            ("rel", rel.into()),
            ("href", Json::text(&deposit.return_url)),
            ("method", "GET".into()),
        ])
    };
    let links = ["default", "on_completed", "on_failed", "on_cancelled"].map(link).to_vec();
    let about = (deposit.attempt, deposit.money);
    let body = handle(inner, "PAYMENT", about, &deposit.payer, email)?
        .with("returnLinks", Some(Json::Array(links)));
    Some(post(inner, "paymenthandles", &body, true))
}

pub(super) fn payout_handle(inner: &Inner, payout: &PayoutRequest) -> Option<HttpRequest> {
    let Some(Portable::Email { address, .. }) = &payout.destination.portable else {
        return None;
    };
    let about = (payout.attempt, payout.money);
    let body = handle(inner, "STANDALONE_CREDIT", about, &payout.payer, address)?;
    Some(post(inner, "paymenthandles", &body, false))
}

/// Paysafe reads this body strictly: what belongs to the handle is refused here.
fn spending(attempt: AttemptRef, money: Money, payer: &Payer, token: &str) -> Json {
    base(attempt, money)
        .with("paymentHandleToken", Some(token.into()))
        .with("customerIp", payer.ip.as_ref().map(Json::text))
}

pub(super) fn payment(inner: &Inner, asked: &CompletionRequest, token: &str) -> HttpRequest {
    let body = spending(asked.attempt, asked.money, &asked.payer, token)
        .with("settleWithAuth", Some(Json::Bool(true)));
    post(inner, "payments", &body, true)
}

pub(super) fn credit(inner: &Inner, payout: &PayoutRequest, token: &str) -> HttpRequest {
    let body = spending(payout.attempt, payout.money, &payout.payer, token);
    post(inner, "standalonecredits", &body, true)
}

/// A refund takes its settlement's currency; only the amount is sent.
pub(super) fn refund(
    inner: &Inner,
    settlement: &str,
    attempt: AttemptRef,
    money: Money,
) -> Option<HttpRequest> {
    let body = Json::object([
        ("merchantRefNum", Json::Text(attempt.lower())),
        ("amount", Json::Integer(money.minor.into())),
        ("dupCheck", Json::Bool(true)),
    ]);
    let path = format!("settlements/{}/refunds", path_id(settlement)?);
    Some(post(inner, &path, &body, true))
}
