//! What a browser gives with a request: the query of a page's address, and a form.
//!
//! No field of ours takes a control character, and the database takes no NUL for a text: both are refused here,
//! before a page reads anything. The sign-in alone reads its form itself: whatever is typed there has one answer.

use super::page;
use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

/// The query of a page's address.
#[derive(Debug)]
pub struct Asked<T>(pub T);

/// A form.
#[derive(Debug)]
pub struct Sent<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        if !is_plain(parts.uri.query().unwrap_or_default().as_bytes()) {
            return Err(not_taken());
        }
        let read = Query::from_request_parts(parts, state).await;
        let Query(value) = read.map_err(IntoResponse::into_response)?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let whole = Request::from_parts(parts.clone(), body);
        let read = Bytes::from_request(whole, state).await.map_err(IntoResponse::into_response);
        let bytes = read.map_err(|response| match response.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_long(),
            _ => response,
        })?;
        if !is_plain(&bytes) {
            return Err(not_taken());
        }
        let read = Form::from_request(Request::from_parts(parts, Body::from(bytes)), state).await;
        let Form(value) = read.map_err(IntoResponse::into_response)?;
        Ok(Self(value))
    }
}

/// Whether no name and no value has a control character.
fn is_plain(encoded: &[u8]) -> bool {
    let mut pairs = form_urlencoded::parse(encoded);
    !pairs.any(|(name, value)| name.chars().chain(value.chars()).any(char::is_control))
}

/// The longest words that people leave, as the API takes them.
const NOTE_MAX: usize = 2000;

/// What somebody says, or what is wrong with it: `ask` tells them to say it, and it is kept with `what`.
pub fn note(text: &str, ask: &str, what: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        1..=NOTE_MAX => Ok(text.to_owned()),
        _ => Err(format!("{ask}, in at most {NOTE_MAX} characters: it is kept with {what}.")),
    }
}

fn too_long() -> Response {
    let text = "What was typed is far too long. Nothing was changed. Go back, shorten it and send it again.";
    page::fault(413, "This was not taken", text)
}

fn not_taken() -> Response {
    let text = "A field has a character in it that cannot be seen, such as a tab or a line break. Nothing was \
        changed. Go back, type the field anew and send it again.";
    page::fault(422, "This was not taken", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_found_in_names_and_values_however_they_are_written() {
        for plain in ["", "reference=", "reason=late+settlements%21&psp=trustly-de", "a=%C3%A5"] {
            assert!(is_plain(plain.as_bytes()), "{plain}");
        }
        for wrong in ["reference=%00", "a=b&reason=x%0ay", "%09=a", "a=\u{7f}", "a=%C2%85"] {
            assert!(!is_plain(wrong.as_bytes()), "{wrong:?}");
        }
    }
}
