//! HTTP as adapters speak of it: data, never a connection.

use crate::{NotSent, Unknown};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// One request that an adapter wants sent, exactly as these bytes.
#[derive(Clone)]
pub struct HttpRequest {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Whether the PSP could move money because of *this* request (a token request could not). It
    /// decides whether a lost answer is unknown or merely not sent.
    pub moves_money: bool,
    /// Whether the answer lists what an account did over days, and is as long as those were busy.
    pub long_answer: bool,
}

impl HttpRequest {
    /// A question, whose answer is JSON.
    pub fn get(url: impl Into<String>) -> Self {
        let headers = vec![("accept", "application/json".to_owned())];
        Self {
            method: Method::Get,
            url: url.into(),
            headers,
            body: Vec::new(),
            moves_money: false,
            long_answer: false,
        }
    }

    /// A JSON body that is answered by JSON. It moves nothing until [`HttpRequest::for_money`] says so.
    pub fn json(method: Method, url: impl Into<String>, body: Vec<u8>) -> Self {
        let request = Self { method, body, ..Self::get(url) };
        request.header("content-type", "application/json")
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The PSP could move money because of this very request.
    pub const fn for_money(mut self) -> Self {
        self.moves_money = true;
        self
    }

    /// The answer may be as long as a busy account's days.
    pub const fn with_long_answer(mut self) -> Self {
        self.long_answer = true;
        self
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and bodies hold credentials and personal data; neither belongs in a log.
        write!(f, "HttpRequest({} {}, {} bytes)", self.method.as_str(), self.url, self.body.len())
    }
}

/// A whole answer, body within the cap.
#[derive(Clone)]
pub struct HttpResponse {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl HttpResponse {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({}, {} bytes)", self.status, self.body.len())
    }
}

/// How sending failed, classified once by the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportFailure {
    NotSent(NotSent),
    Unknown(Unknown),
}
