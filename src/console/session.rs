//! Who looks at a page, and whether a form comes from one of ours.

use super::{Console, incidents, page};
use crate::access::account::Account;
use crate::access::console_session::SessionToken;
use crate::access::find_session::find_session;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Signed {
    pub account: Account,
    pub token: SessionToken,
    /// Incidents that they may see and nobody has closed, as far as they are counted. None: they could not be.
    pub open_incidents: Option<i64>,
}

/// The page that tells somebody that they may not.
#[derive(Debug)]
pub struct Refused(Box<Response>);

impl From<Refused> for Response {
    fn from(refused: Refused) -> Self {
        *refused.0
    }
}

impl Signed {
    /// # Errors
    /// 403 when the form was not made for this session: another site sent it, or it is of an earlier one.
    pub fn check_form(&self, word: &str) -> Result<(), Refused> {
        if self.token.is_form_token(word) {
            return Ok(());
        }
        let text =
            "This form belongs to another session. Go back, load the page anew and send it again.";
        Err(Refused(Box::new(page::fault(403, "The form was not taken", text))))
    }

    /// # Errors
    /// 403 for somebody without the role.
    pub fn check_operates(&self) -> Result<(), Refused> {
        let text = "Switching payments off and on, and closing incidents, takes the role operator or admin.";
        allowed(self.account.may_operate(), text)
    }

    /// # Errors
    /// 403 for somebody without the role.
    pub fn check_administers(&self) -> Result<(), Refused> {
        allowed(
            self.account.may_administer(),
            "Accounts are read, and disabled, by the role admin.",
        )
    }

    /// # Errors
    /// 403 for somebody who may not read what compliance knows.
    pub fn check_compliance(&self) -> Result<(), Refused> {
        let text = "Reviews are read by the roles officer and approver.";
        allowed(self.account.reads_compliance(), text)
    }

    /// # Errors
    /// 403 for somebody without the role.
    pub fn check_proposes(&self) -> Result<(), Refused> {
        allowed(self.account.may_propose(), "Proposing takes the role officer.")
    }

    /// # Errors
    /// 403 for somebody without the role.
    pub fn check_approves(&self) -> Result<(), Refused> {
        allowed(self.account.may_approve(), "Approving takes the role approver.")
    }
}

fn allowed(may: bool, text: &str) -> Result<(), Refused> {
    if may { Ok(()) } else { Err(Refused(Box::new(page::fault(403, "Not allowed", text)))) }
}

/// The page of one's own account, where a second factor is set up.
const ACCOUNT: &str = "/console/account";

impl FromRequestParts<Console> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let Some(token) = token_of(&parts.headers, console.over_tls) else {
            return Err(to_sign_in());
        };
        let (flows, desk) = (&console.flows, &console.desk);
        let found = find_session(flows.db.pool(), desk, &token, flows.clock.now()).await;
        let account = match found {
            Ok(Some(account)) => account,
            Ok(None) => return Err(to_sign_in()),
            Err(error) => return Err(page::unavailable(&error)),
        };
        let path = parts.extensions.get::<OriginalUri>().map(|uri| uri.path().to_owned());
        let sets_up =
            path.is_some_and(|path| path.starts_with(ACCOUNT) || path.ends_with("/sign-out"));
        if desk.totp_required && !account.has_totp && !sets_up {
            return Err(Redirect::to(ACCOUNT).into_response());
        }
        let open_incidents = incidents::count(console, &account).await;
        Ok(Self { account, token, open_incidents })
    }
}

fn to_sign_in() -> Response {
    Redirect::to("/console/sign-in").into_response()
}

/// `__Host-` binds the cookie to this host and to TLS, which the sandbox does not have.
const fn cookie_name(over_tls: bool) -> &'static str {
    if over_tls { "__Host-interlock_console" } else { "interlock_console" }
}

fn token_of(headers: &HeaderMap, over_tls: bool) -> Option<SessionToken> {
    let wanted = cookie_name(over_tls);
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let mut pairs =
        cookies.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let value = pairs.find_map(|pair| pair.trim().strip_prefix(wanted)?.strip_prefix('='));
    SessionToken::parse(value?)
}

/// The cookie of a new session; none: the one that ends it.
pub fn cookie(token: Option<&SessionToken>, over_tls: bool) -> HeaderValue {
    let name = cookie_name(over_tls);
    let secure = if over_tls { "; Secure" } else { "" };
    let (value, age) = match token {
        Some(token) => (token.text(), ""),
        None => (String::new(), "; Max-Age=0"),
    };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    // Letters, digits and punctuation alone.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let token = SessionToken::new().unwrap();
        for over_tls in [true, false] {
            let set = cookie(Some(&token), over_tls);
            let set = set.to_str().unwrap();
            assert!(set.contains("HttpOnly; SameSite=Strict"), "{set}");
            assert_eq!(set.contains("; Secure"), over_tls);
            let pair = set.split(';').next().unwrap();
            let mut headers = HeaderMap::new();
            let text = format!("a=b; x{pair}; {pair}; c=d");
            headers.insert(header::COOKIE, HeaderValue::from_str(&text).unwrap());
            assert_eq!(token_of(&headers, over_tls).unwrap().hash(), token.hash());
            assert!(token_of(&headers, !over_tls).is_none(), "the other name's cookie is none");
        }
    }

    #[test]
    fn signing_out_empties_the_cookie() {
        let text = cookie(None, true);
        assert!(text.to_str().unwrap().starts_with("__Host-interlock_console=; "), "{text:?}");
        assert!(text.to_str().unwrap().ends_with("Max-Age=0"), "{text:?}");
    }
}
