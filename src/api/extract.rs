//! What handlers take from a request: a strict body, a strict query, ids from the path, paging.

use super::fields::{self, Fields, FromFields, FromJson, Nothing};
use super::json::{Json, JsonFaultKind};
use super::problem::{FieldError, Problem};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// More than any configuration allows. The gate and the webhooks' door have applied
/// `server.body_bytes_max` before an extractor reads.
const BODY_BYTES_CEILING: usize = 16 * 1024 * 1024;

/// A body arrives within this time, or its sender is holding a connection for nothing.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// More than any list can be asked by.
const PARAMETERS_MAX: usize = 32;

/// A JSON body, and the one spelling of it that an idempotency key remembers.
#[derive(Debug)]
pub struct Strict<T> {
    pub value: T,
    pub canonical: String,
}

/// A query whose every parameter is known.
#[derive(Debug)]
pub struct StrictQuery<T>(pub T);

/// Parameters of the path. What cannot be one is not found.
#[derive(Debug)]
pub struct PathParams<T>(pub T);

/// Reads a whole body within its limits of size and time.
///
/// # Errors
/// 413 over `bytes_max`, 408 when it does not arrive, 400 when the connection breaks.
pub async fn read_body(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<usize>().ok()).is_some_and(|n| n > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let reading = async {
        let mut chunks = body.into_data_stream();
        let mut whole = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| {
                Problem::bad_request("request.body_broken", "The body did not arrive whole.")
            })?;
            if whole.len() + chunk.len() > bytes_max {
                return Err(too_large(bytes_max));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(whole))
    };
    tokio::time::timeout(BODY_PATIENCE, reading).await.unwrap_or_else(|_| {
        Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request.body_late",
            "The body did not arrive within ten seconds.",
        ))
    })
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("A body has at most {bytes_max} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large", detail)
}

impl<T: FromJson, S: Send + Sync> FromRequest<S> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body, BODY_BYTES_CEILING).await?;
        want_json(&parts.headers)?;
        parse(&bytes)
    }
}

/// A body that says nothing: none at all, or `{}`.
#[derive(Debug)]
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body, BODY_BYTES_CEILING).await?;
        if !bytes.is_empty() {
            want_json(&parts.headers)?;
            parse::<Nothing>(&bytes)?;
        }
        Ok(Self)
    }
}

/// Where a text stops being JSON. Nothing of the text is repeated.
fn broken_at(bytes: &[u8]) -> Option<String> {
    let fault = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).err()?;
    Some(format!("It breaks at line {}, column {}.", fault.line(), fault.column()))
}

fn parse<T: FromJson>(bytes: &[u8]) -> Result<Strict<T>, Problem> {
    let json = Json::parse(bytes).map_err(|fault| {
        let (code, told) = match fault.kind {
            JsonFaultKind::NotUtf8 => ("json.not_utf8", "The body is not UTF-8."),
            JsonFaultKind::NotJson => ("json.malformed", "The body is not one JSON value."),
            JsonFaultKind::DuplicateKey => ("json.duplicate_key", "A key stands twice."),
            JsonFaultKind::TooDeep => ("json.too_deep", "Values are nested too deeply."),
            JsonFaultKind::LongName => ("json.name_too_long", "A name has at most 256 bytes."),
            JsonFaultKind::NulCharacter => {
                ("json.nul_character", "No name and no text may hold the character U+0000.")
            }
            JsonFaultKind::LongNumber => (
                "json.number_too_long",
                "A number has at most 40 characters, and an exponent from -300 to 300.",
            ),
        };
        let place =
            Some(bytes).filter(|_| fault.kind == JsonFaultKind::NotJson).and_then(broken_at);
        let detail = place.map_or_else(|| told.to_owned(), |place| format!("{told} {place}"));
        Problem::bad_request("request.invalid", detail.clone()).with_errors(vec![FieldError {
            pointer: fault.pointer,
            code: code.to_owned(),
            detail,
        }])
    })?;
    let canonical = json.canonical();
    let value = fields::read(json)?;
    Ok(Strict { value, canonical })
}

/// `application/json`, and UTF-8 if a charset is told.
fn want_json(headers: &HeaderMap) -> Result<(), Problem> {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut pieces = told.unwrap_or("").split(';').map(str::trim);
    let kind = pieces.next().unwrap_or("");
    let charset_fits = |piece: &str| {
        piece.is_empty()
            || piece.split_once('=').is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("charset")
                    && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
    };
    if kind.eq_ignore_ascii_case("application/json") && pieces.all(charset_fits) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "request.media_type",
        "Send application/json in UTF-8.",
    ))
}

impl<T: FromFields, S: Send + Sync> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let query = parts.uri.query().unwrap_or("");
        // Each is compared with all before it.
        if PARAMETERS_MAX < query.split('&').count() {
            let detail = format!("A query has at most {PARAMETERS_MAX} parameters.");
            return Err(Problem::bad_request("request.invalid", detail));
        }
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            // As in a body: the database cannot be asked for such a text.
            if name.contains('\0') || value.contains('\0') {
                let detail = "No parameter may hold the character U+0000.";
                return Err(Problem::bad_request("request.invalid", detail));
            }
            if members.iter().any(|(known, _)| *known == name) {
                let detail = format!("The parameter `{name}` stands twice.");
                return Err(Problem::bad_request("request.invalid", detail).at(format!("/{name}")));
            }
            members.push((name.into_owned(), Json::Text(value.into_owned())));
        }
        // A query has no body to be semantically wrong: whatever is wrong with it is its shape, but for an
        // amount, which is judged alike wherever it stands.
        fields::read(Json::Object(members)).map(Self).map_err(|problem| {
            let of_amount = problem.code().starts_with("amount.");
            if of_amount { problem } else { problem.as_bad_request() }
        })
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // No name and no id has a NUL in it, and the database cannot be asked for one.
        if parts.uri.path().contains("%00") {
            return Err(not_here());
        }
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(params)) => Ok(Self(params)),
            Err(_) => Err(not_here()),
        }
    }
}

/// An id of the path that is none, or names nothing of this caller's.
pub fn not_here() -> Problem {
    let detail = "There is nothing here under this address: either it is none of those in /openapi.json, or its id \
         names nothing that this key can see (a deposit is read under /v1/deposits, a withdrawal under \
         /v1/withdrawals).";
    Problem::not_found("request.not_found", detail)
}

/// Which slice of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub limit: u32,
    pub after: Option<Cursor>,
}

/// Where a page ended: opaque to callers. It names the last row that was told, and the list that
/// it belongs to, so that a cursor of another list is refused instead of misread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Page {
    pub const LIMIT_MAX: i64 = 200;
    pub const LIMIT_DEFAULT: u32 = 50;

    /// Reads `limit` and `after` among a query's fields.
    pub fn read(fields: &mut Fields<'_>, list: &str) -> Option<Self> {
        let limit = fields
            .integer_text_opt("limit", 1..=Self::LIMIT_MAX)
            .and_then(|limit| u32::try_from(limit).ok())
            .unwrap_or(Self::LIMIT_DEFAULT);
        let fault = ("request.cursor_invalid", "this is no cursor that this list gave");
        let after = fields.parsed_opt("after", fault, |text| Cursor::open(list, text));
        Some(Self { limit, after })
    }
}

impl Cursor {
    pub fn new(position: impl ToString) -> Self {
        Self(position.to_string())
    }

    /// The position in the words of the list.
    pub fn position(&self) -> &str {
        &self.0
    }

    /// The cursor as callers see it.
    pub fn seal(&self, list: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{list}:{}", self.0))
    }

    fn open(list: &str, text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = String::from_utf8(bytes).ok()?;
        let position = plain.strip_prefix(list)?.strip_prefix(':')?;
        Some(Self(position.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let sealed = Cursor::new(7).seal("deposits");
        assert_eq!(Cursor::open("deposits", &sealed), Some(Cursor::new(7)));
        assert_eq!(Cursor::open("withdrawals", &sealed), None);
        assert_eq!(Cursor::open("deposits", "7"), None);
    }

    #[test]
    fn a_media_type_is_json_in_utf_8() {
        let check = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            want_json(&headers).is_ok()
        };
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;"] {
            assert!(check(good), "{good}");
        }
        for bad in ["text/plain", "application/json; charset=latin1", "application/json5", ""] {
            assert!(!check(bad), "{bad}");
        }
        assert!(want_json(&HeaderMap::new()).is_err());
    }

    #[derive(Debug)]
    struct Anything;

    impl FromFields for Anything {
        fn read(_: &mut Fields<'_>) -> Option<Self> {
            Some(Self)
        }
    }

    async fn asked(query: &str) -> Problem {
        let request = Request::builder().uri(format!("/v1/deposits?{query}"));
        let (mut parts, _) = request.body(Body::empty()).unwrap().into_parts();
        StrictQuery::<Anything>::from_request_parts(&mut parts, &()).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_query_of_more_parameters_than_any_list_knows_is_not_compared() {
        let query = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("p{n}=1")).collect();
            names.join("&")
        };
        let most = format!("{:?}", asked(&query(PARAMETERS_MAX)).await);
        assert_eq!(most.matches("field.unknown").count(), PARAMETERS_MAX, "each is told: {most}");
        let more = format!("{:?}", asked(&query(PARAMETERS_MAX + 1)).await);
        assert!(
            !more.contains("field.unknown") && more.contains("at most 32 parameters"),
            "{more}"
        );
    }
}
