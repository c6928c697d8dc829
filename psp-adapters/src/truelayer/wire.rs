//! TrueLayer's requests: bodies that never differ for the same operation, and the signature over them.

use super::{CURRENCIES, Inner};
use crate::json::Json;
use crate::signature::derived_uuid;
use psp_contract::{
    AttemptRef, DepositRequest, HttpRequest, Method, Money, Payer, PayoutRequest, Portable,
    ReturnRequest,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use url::form_urlencoded;

/// One call, before it is authorised.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub path: String,
    /// None for a GET.
    pub post: Option<Post>,
    pub moves_money: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Post {
    pub idempotency_key: String,
    pub body: Vec<u8>,
}

impl Call {
    pub fn get(path: String) -> Self {
        Self { path, post: None, moves_money: false }
    }

    fn post(path: String, key: uuid::Uuid, body: &Json, moves_money: bool) -> Self {
        let post = Post { idempotency_key: key.to_string(), body: body.to_bytes() };
        Self { path, post: Some(post), moves_money }
    }
}

/// An id as part of a path: what is not plainly one could name another resource.
pub(super) fn path_id(id: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

/// A reference for bank statements: at most 18 characters are carried everywhere.
fn bank_reference(attempt: AttemptRef) -> Json {
    Json::Text(format!("IL{}", &attempt.upper()[16..]))
}

fn metadata(attempt: AttemptRef) -> Json {
    Json::object([("reference", Json::Text(attempt.lower()))])
}

fn amount(money: Money, fields: Json) -> Option<Json> {
    if !CURRENCIES.contains(&money.currency) || money.minor <= 0 {
        return None;
    }
    Some(
        fields
            .with("amount_in_minor", Some(Json::Integer(money.minor.into())))
            .with("currency", Some(money.currency.code().into())),
    )
}

/// `{id, name, email | phone}`.
fn user(payer: &Payer) -> Json {
    let given = |text: &Option<String>| text.as_ref().filter(|it| !it.is_empty()).map(Json::text);
    let user = Json::object([
        ("id", Json::Text(payer.player_uuid.to_string())),
        ("name", Json::text(&payer.full_name)),
    ]);
    match given(&payer.email) {
        Some(email) => user.with("email", Some(email)),
        None => user.with("phone", given(&payer.phone)),
    }
}

pub(super) fn create_payment(inner: &Inner, deposit: &DepositRequest) -> Option<Call> {
    let account = inner.merchant_account(deposit.money.currency);
    let method = Json::object([
        ("type", "bank_transfer".into()),
        ("provider_selection", Json::object([("type", "user_selected".into())])),
        (
            "beneficiary",
            Json::object([
                ("type", "merchant_account".into()),
                ("merchant_account_id", account.into()),
            ]),
        ),
    ]);
    let fields = Json::object([
        ("payment_method", method),
        ("user", user(&deposit.payer)),
        ("metadata", metadata(deposit.attempt)),
    ]);
    let body = amount(deposit.money, fields)?;
    Some(Call::post("/v3/payments".to_owned(), deposit.attempt.uuid(), &body, true))
}

pub(super) fn create_payout(inner: &Inner, payout: &PayoutRequest) -> Option<Call> {
    let compact = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>();
    let external = |identifier, holder: &String| {
        Json::object([
            ("type", "external_account".into()),
            ("account_holder_name", Json::text(holder)),
            ("account_identifier", identifier),
        ])
    };
    let beneficiary = match (&payout.destination.token, &payout.destination.portable) {
        (Some(token), _) => Json::object([
            ("type", "payment_source".into()),
            ("payment_source_id", Json::text(token)),
            ("user_id", Json::Text(payout.payer.player_uuid.to_string())),
        ]),
        (None, Some(Portable::Iban { iban, holder_name })) => {
            let iban = Json::Text(compact(iban).to_ascii_uppercase());
            external(Json::object([("type", "iban".into()), ("iban", iban)]), holder_name)
        }
        (None, Some(Portable::UkAccount { sort_code, account_number, holder_name })) => {
            let identifier = Json::object([
                ("type", "sort_code_account_number".into()),
                ("sort_code", Json::Text(compact(sort_code))),
                ("account_number", Json::Text(compact(account_number))),
            ]);
            external(identifier, holder_name)
        }
        _ => return None,
    };
    let fields = Json::object([
        ("merchant_account_id", inner.merchant_account(payout.money.currency).into()),
        ("beneficiary", beneficiary.with("reference", Some(bank_reference(payout.attempt)))),
        ("metadata", metadata(payout.attempt)),
    ]);
    let body = amount(payout.money, fields)?;
    Some(Call::post("/v3/payouts".to_owned(), payout.attempt.uuid(), &body, true))
}

/// A refund takes the payment's currency; only the amount is sent.
pub(super) fn create_refund(back: &ReturnRequest) -> Option<Call> {
    let payment = path_id(&back.deposit_psp_reference)?;
    if !CURRENCIES.contains(&back.money.currency) || back.money.minor <= 0 {
        return None;
    }
    let body = Json::object([
        ("amount_in_minor", Json::Integer(back.money.minor.into())),
        ("reference", bank_reference(back.attempt)),
        ("metadata", metadata(back.attempt)),
    ]);
    Some(Call::post(format!("/v3/payments/{payment}/refunds"), back.attempt.uuid(), &body, true))
}

/// Under a key of its own: the attempt's key belongs to the payment.
pub(super) fn cancel_payment(attempt: AttemptRef, id: &str) -> Option<Call> {
    let key = derived_uuid(&["cancel", &attempt.lower()]);
    let path = format!("/v3/payments/{}/actions/cancel", path_id(id)?);
    Some(Call::post(path, key, &Json::object([]), false))
}

pub(super) fn token_request(inner: &Inner) -> HttpRequest {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &inner.client_id)
        .append_pair("client_secret", inner.client_secret.expose_secret())
        .append_pair("scope", &inner.scope)
        .finish();
    HttpRequest {
        method: Method::Post,
        url: format!("{}/connect/token", inner.auth_base_url),
        headers: vec![
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("accept", "application/json".to_owned()),
        ],
        body: body.into_bytes(),
        moves_money: false,
    }
}

/// The text under a `Tl-Signature`: method and path, the listed headers as they are listed, the body.
pub(super) fn signed_text(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{method} {path}\n").into_bytes();
    for (name, value) in headers {
        text.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    }
    text.extend_from_slice(body);
    text
}

/// The signature's header, with its fields in TrueLayer's own order: verifiers are about that write the
/// header again from what they read, and then check the signature over their own text.
fn jws_header(kid: &str) -> String {
    let kid = String::from_utf8_lossy(&Json::text(kid).to_bytes()).into_owned();
    format!(r#"{{"alg":"ES512","kid":{kid},"tl_version":"2","tl_headers":"Idempotency-Key"}}"#)
}

/// The HTTP request of a call. None when it cannot be signed.
pub(super) fn request(inner: &Inner, call: &Call, token: &SecretString) -> Option<HttpRequest> {
    let url = format!("{}{}", inner.base_url, call.path);
    let mut headers = vec![
        ("authorization", format!("Bearer {}", token.expose_secret())),
        ("accept", "application/json".to_owned()),
    ];
    let Some(post) = &call.post else {
        return Some(HttpRequest {
            method: Method::Get,
            url,
            headers,
            body: Vec::new(),
            moves_money: call.moves_money,
        });
    };
    let jws_header = jws_header(&inner.signing_kid);
    let path = Url::parse(&url).ok()?.path().to_owned();
    let key_header = [("Idempotency-Key", post.idempotency_key.as_str())];
    let text = signed_text("POST", &path, &key_header, &post.body);
    headers.push(("content-type", "application/json".to_owned()));
    headers.push(("idempotency-key", post.idempotency_key.clone()));
    headers.push(("tl-signature", inner.signer.detached_jws(&jws_header, &text)?));
    Some(HttpRequest {
        method: Method::Post,
        url,
        headers,
        body: post.body.clone(),
        moves_money: call.moves_money,
    })
}
