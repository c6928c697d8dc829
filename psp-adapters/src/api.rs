//! Where a PSP's API is, and what every request to it carries.

use crate::json::Json;
use psp_contract::{AttemptRef, HttpRequest, Method};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

/// One API of an account's.
pub(crate) struct Api {
    base: String,
    headers: Vec<(&'static str, SecretString)>,
    /// The header of an attempt's idempotency key, where the PSP takes one.
    key: Option<&'static str>,
}

impl Api {
    /// `base` is all that the paths of its calls have in common.
    pub fn at(base: impl Into<String>) -> Self {
        Self { base: base.into(), headers: Vec::new(), key: None }
    }

    /// As what every request shows itself.
    pub fn with(mut self, header: &'static str, value: SecretString) -> Self {
        self.headers.push((header, value));
        self
    }

    /// Every creation carries the attempt's reference in this header.
    pub fn keyed(self, header: &'static str) -> Self {
        Self { key: Some(header), ..self }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn get(&self, path: impl AsRef<str>) -> HttpRequest {
        self.shown(HttpRequest::get(self.url(path)))
    }

    /// A GET with a query.
    pub fn find(&self, path: &str, query: &[(&str, &str)]) -> HttpRequest {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.get(format!("{path}?{query}"))
    }

    pub fn post(&self, path: impl AsRef<str>, body: &Json) -> HttpRequest {
        self.send(Method::Post, path, body)
    }

    pub fn send(&self, method: Method, path: impl AsRef<str>, body: &Json) -> HttpRequest {
        self.shown(HttpRequest::json(method, self.url(path), body.to_bytes()))
    }

    /// A POST for money, under the attempt's key.
    pub fn create(&self, path: impl AsRef<str>, attempt: AttemptRef, body: &Json) -> HttpRequest {
        let request = self.post(path, body).for_money();
        match self.key {
            Some(header) => request.header(header, attempt.lower()),
            None => request,
        }
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
        let found = api.find("payments", &[("since", "1:00"), ("limit", "10")]);
        assert_eq!(found.url, "https://psp.test/v1/payments?since=1%3A00&limit=10");
        let attempt = AttemptRef::new(uuid::Uuid::from_u128(10));
        let post = api.keyed("key").create("payments", attempt, &object! { "a": 1_i64 });
        assert_eq!((post.method, &*post.body), (Method::Post, &br#"{"a":1}"#[..]));
        assert!(post.headers.contains(&("key", attempt.lower())) && post.moves_money);
    }
}
