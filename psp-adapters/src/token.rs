//! OAuth 2 by client credentials (RFC 6749 §4.4): how a token is asked for, and how it comes,
//! `{access_token, expires_in, token_type}`.

use crate::adapter::CachedToken;
use crate::common::basic;
use crate::json::{Json, object};
use crate::registry::Reader;
use psp_contract::{HttpRequest, HttpResponse, Method, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

/// An account as its PSP's token server knows it.
pub(crate) struct Client {
    url: String,
    id: String,
    secret: SecretString,
}

impl Client {
    /// `url` is where tokens are given.
    pub fn read(reader: &mut Reader<'_>, url: String) -> Self {
        Self { url, id: reader.setting("client_id"), secret: reader.secret("client_secret", 16) }
    }

    /// Shown by HTTP Basic, with a body of JSON.
    pub fn basic_request(&self) -> HttpRequest {
        let body = object! { "grant_type": "client_credentials" };
        let shown = basic(&self.id, &self.secret);
        HttpRequest::json(Method::Post, &self.url, body.to_bytes())
            .header("authorization", shown.expose_secret())
    }

    /// Shown in a form, as the standard has it.
    pub fn form_request(&self, scope: &str) -> HttpRequest {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.id)
            .append_pair("client_secret", self.secret.expose_secret())
            .append_pair("scope", scope)
            .finish();
        let request = HttpRequest::get(&self.url);
        HttpRequest { method: Method::Post, body: body.into_bytes(), ..request }
            .header("content-type", "application/x-www-form-urlencoded")
    }
}

/// A token is given up this long before it runs out, so that it does not run out on the way.
const MARGIN_SECS: i64 = 60;

pub(crate) fn read(response: &HttpResponse, now: Timestamp) -> Option<CachedToken> {
    if response.status != 200 {
        return None;
    }
    let body = Json::parse(&response.body)?;
    let token = body.str("access_token")?;
    // It becomes a header: nothing but what may stand in one.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let life_secs = body.int("expires_in")?.clamp(0, 24 * 60 * 60);
    let expires_at = now.checked_add(time::Duration::seconds(life_secs - MARGIN_SECS))?;
    Some(CachedToken { secret: SecretString::from(token), expires_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_requests_show_the_client_and_move_nothing() {
        let (url, id) = ("https://psp.test/token".to_owned(), "casino".to_owned());
        let client = Client { url, id, secret: SecretString::from("s&t") };
        let form = client.form_request("payments");
        let body =
            b"grant_type=client_credentials&client_id=casino&client_secret=s%26t&scope=payments";
        assert_eq!((form.method, &*form.body), (Method::Post, &body[..]));
        let basic = client.basic_request();
        let shown = ("authorization", "Basic Y2FzaW5vOnMmdA==".to_owned());
        assert!(basic.headers.contains(&shown) && !basic.moves_money && !form.moves_money);
    }
}
