//! What all of Swish's calls share: errors as a list of codes, and answers whose content is in headers.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::Swish;
use crate::faults::{self, Answer, Call, Fault, Plan};
use crate::psp::Psp;
use crate::server::Connection;

pub(super) type Both = (Arc<Psp>, Arc<Swish>);

/// A refusal: a status, and a code where Swish gives one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    text: &'static str,
}

impl Refusal {
    /// The codes of third parties' lists, with their meanings.
    pub(super) fn code(code: &'static str) -> Self {
        let text = match code {
            "FF08" => "PaymentReference is invalid.",
            "RP03" => "Callback URL is missing or does not use HTTPS.",
            "BE18" => "Payer alias is invalid.",
            "RP01" => "Missing Merchant Swish Number.",
            "PA01" => "Parameter is not correct.",
            "PA02" => "Amount value is missing or not a valid number.",
            "AM02" => "Amount value is too large.",
            "AM03" => "Invalid or missing Currency.",
            "AM06" => "Specified transaction amount is less than agreed minimum.",
            "RP02" => "Wrong formatted message.",
            "RP06" => "Another active PaymentRequest already exists for this payerAlias.",
            "RP09" => "The given instructionUUID is not available.",
            "ACMT03" => "Payer not Enrolled.",
            "ACMT07" => "Payee not Enrolled.",
            "VR02" => "The alias is not enrolled with the supplied SSN.",
            "RF02" => "Original payment not found.",
            "RF08" => "Amount exceeds the amount of the original payment minus any refunds.",
            _ => "",
        };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code, text }
    }

    pub(super) fn plain(status: StatusCode) -> Self {
        Self { status, code: "", text: "" }
    }

    pub(super) fn missing() -> Self {
        let text = "No payment request found.";
        Self { status: StatusCode::NOT_FOUND, code: "RP04", text }
    }

    fn answer(self) -> Answer {
        if self.code.is_empty() {
            let content_type = "application/json";
            return Answer { status: self.status, content_type, body: String::new() };
        }
        let error = json!([{
            "errorCode": self.code, "errorMessage": self.text, "additionalInformation": null,
        }]);
        Answer::json(self.status, &error)
    }
}

/// What was created answers with an empty body: all that it says is in headers.
#[derive(Debug, Default)]
pub(super) struct Created {
    pub(super) location: String,
    pub(super) token: Option<String>,
}

/// A call that creates, under the account's faults.
pub(super) async fn creating<F, W>(
    (psp, swish): Both,
    connection: Connection,
    call: Call,
    work: F,
) -> Response
where
    F: FnOnce(Arc<Psp>, Arc<Swish>, Plan) -> W + Send + 'static,
    W: Future<Output = Result<Created, Refusal>> + Send + 'static,
{
    let headers = Arc::new(Mutex::new(Created::default()));
    let (kept, owner) = (headers.clone(), psp.clone());
    let work = move |plan: Plan| async move {
        plan.pause().await;
        match work(owner, swish, plan).await {
            Ok(created) => {
                // An answer that is spoiled on its way has lost the part that says something.
                let spoiled = plan.is(Fault::MalformedBody) || plan.is(Fault::EmptyBody);
                if !spoiled {
                    *kept.lock().unwrap_or_else(PoisonError::into_inner) = created;
                }
                let content_type = "application/json";
                Answer { status: StatusCode::CREATED, content_type, body: String::new() }
            }
            Err(refusal) => refusal.answer(),
        }
    };
    let mut response = faults::guard(psp, connection, call, work).await;
    if response.status() == StatusCode::CREATED {
        let created = headers.lock().unwrap_or_else(PoisonError::into_inner);
        let told = [
            ("location", Some(&created.location).filter(|location| !location.is_empty())),
            ("paymentrequesttoken", created.token.as_ref()),
        ];
        for (name, value) in told {
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(value)) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
    }
    response
}

/// A question, or a cancellation: the answer is the resource as text.
pub(super) async fn answering<F>(
    (psp, swish): Both,
    connection: Connection,
    call: Call,
    work: F,
) -> Response
where
    F: FnOnce(&Arc<Psp>, &Swish) -> Result<String, Refusal> + Send + 'static,
{
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        match work(&owner, &swish) {
            Ok(body) => Answer { status: StatusCode::OK, content_type: "application/json", body },
            Err(refusal) => refusal.answer(),
        }
    };
    faults::guard(psp, connection, call, work).await
}

/// `100`, `100.00`: whole, or with two decimals.
pub(super) fn amount(text: Option<&str>) -> Result<i64, Refusal> {
    let text = text.unwrap_or_default();
    let fine = text.split_once('.').is_none_or(|(_, fraction)| fraction.len() == 2);
    let minor = crate::money::parse(text, 2).filter(|_| fine);
    match minor {
        None => Err(Refusal::code("PA02")),
        Some(0) => Err(Refusal::code("AM06")),
        Some(minor) if minor > 99_999_999_999_999 => Err(Refusal::code("AM02")),
        Some(minor) => Ok(minor),
    }
}

/// HTTPS, as Swish demands; to this machine the mock also calls back in plain.
pub(super) fn callback_url(text: Option<&str>) -> Result<String, Refusal> {
    let url = text.and_then(|text| url::Url::parse(text).ok());
    let fine = url.is_some_and(|url| match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    });
    if fine { Ok(text.unwrap_or_default().to_owned()) } else { Err(Refusal::code("RP03")) }
}

pub(super) fn is_reference(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.+*/".contains(&b);
    (1..=36).contains(&text.len()) && text.bytes().all(fine)
}

pub(super) fn is_alias(text: &str) -> bool {
    (8..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// At most 50 letters, digits and a few marks.
pub(super) fn is_message(text: &str) -> bool {
    let fine = |c: char| c.is_alphanumeric() || " :;.,?!()-\"".contains(c);
    text.chars().count() <= 50 && text.chars().all(fine)
}
