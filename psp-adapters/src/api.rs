//! Where a PSP's API is, and what every request to it carries.

use crate::json::Json;
use psp_contract::{AttemptRef, HttpRequest, Method};
use secrecy::{ExposeSecret, SecretString};

/// One API of an account's.
pub(crate) struct Api {
    base: String,
    headers: Vec<(&'static str, SecretString)>,
}

impl Api {
    /// `base` is all that the paths of its calls have in common.
    pub fn at(base: impl Into<String>) -> Self {
        Self { base: base.into(), headers: Vec::new() }
    }

    /// As what every request shows itself.
    pub fn with(mut self, header: &'static str, value: SecretString) -> Self {
        self.headers.push((header, value));
        self
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn get(&self, path: impl AsRef<str>) -> HttpRequest {
        self.shown(HttpRequest::get(self.url(path)))
    }

    pub fn post(&self, path: impl AsRef<str>, body: &Json) -> HttpRequest {
        self.send(Method::Post, path, body)
    }

    pub fn send(&self, method: Method, path: impl AsRef<str>, body: &Json) -> HttpRequest {
        self.shown(HttpRequest::json(method, self.url(path), body.to_bytes()))
    }

    /// A POST for money, whose idempotency key in this header is the attempt's reference.
    pub fn create(
        &self,
        path: impl AsRef<str>,
        (header, attempt): (&'static str, AttemptRef),
        body: &Json,
    ) -> HttpRequest {
        self.post(path, body).header(header, attempt.lower()).for_money()
    }

    fn url(&self, path: impl AsRef<str>) -> String {
        format!("{}/{}", self.base, path.as_ref())
    }

    fn shown(&self, request: HttpRequest) -> HttpRequest {
        let show = |request: HttpRequest, (name, value): &(&'static str, SecretString)| {
            request.header(name, value.expose_secret())
        };
        self.headers.iter().fold(request, show)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::object;

    #[test]
    fn every_request_goes_to_the_api_and_shows_whose_it_is() {
        let api = Api::at("https://psp.test/v1").with("x-api-key", SecretString::from("k"));
        let get = api.get("payments/7");
        assert_eq!((get.method, &*get.url), (Method::Get, "https://psp.test/v1/payments/7"));
        assert!(get.headers.contains(&("x-api-key", "k".to_owned())) && !get.moves_money);
        let attempt = AttemptRef::new(uuid::Uuid::from_u128(10));
        let post = api.create("payments", ("idempotency-key", attempt), &object! { "a": 1_i64 });
        assert_eq!((post.method, &*post.body), (Method::Post, &br#"{"a":1}"#[..]));
        assert!(post.headers.contains(&("idempotency-key", attempt.lower())) && post.moves_money);
    }
}
