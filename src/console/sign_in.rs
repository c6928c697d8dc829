//! Signing in and out.

use super::given::Sent;
use super::session::{Signed, cookie};
use super::{Console, page};
use crate::access::sign_in::{Credentials, SignInError, sign_in};
use crate::access::sign_out::sign_out;
use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    email: &'a str,
    fault: Option<&'a str>,
}

pub async fn show() -> Response {
    page::html(&SignInPage { email: "", fault: None })
}

#[derive(Deserialize)]
pub struct SignInForm {
    email: String,
    password: String,
    #[serde(default)]
    code: String,
}

pub async fn submit(
    State(console): State<Console>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Response {
    // There is no session yet that a word could be made of; a browser tells which site sends a form.
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return page::fault(403, "The form was not taken", "Another site sent it. Sign in here.");
    }
    let SignInForm { email, password, code } = form;
    let given = Credentials { email: email.clone(), password: SecretString::from(password), code };
    let (flows, desk) = (console.flows.clone(), console.desk.clone());
    // Who goes away while they wait is not waited for. From here on the try runs to its end: one that fails counts,
    // whoever closed the connection in time.
    let Ok(turn) = desk.turn().await else {
        let text =
            "Many people are signing in at this moment. Nothing was tried; try again in a moment.";
        return page::fault(503, "Not now", text);
    };
    let work = async move {
        let now = flows.clock.now();
        sign_in(flows.db.pool(), (&desk, turn), flows.ids.as_ref(), given, now).await
    };
    match console.tasks.spawn("sign in", work).await {
        Ok(Ok((_, token))) => {
            let set = [(header::SET_COOKIE, cookie(Some(&token), console.over_tls))];
            (set, Redirect::to("/console/payments")).into_response()
        }
        Ok(Err(SignInError::Refused)) => {
            let fault =
                "E-mail, password or code is wrong. After five failed tries the next one waits.";
            let again = SignInPage { email: email.trim(), fault: Some(fault) };
            page::told(StatusCode::UNAUTHORIZED, &again)
        }
        Ok(Err(error)) => page::unavailable(&error),
        Err(error) => page::unavailable(&error),
    }
}

#[derive(Deserialize)]
pub struct SignOutForm {
    form_word: String,
}

pub async fn leave(
    State(console): State<Console>,
    signed: Signed,
    Sent(form): Sent<SignOutForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    let flows = console.flows.clone();
    let work = async move {
        let (pool, now) = (flows.db.pool(), flows.clock.now());
        sign_out(pool, flows.ids.as_ref(), &signed.token, now).await
    };
    match console.tasks.spawn("sign out", work).await {
        Ok(Ok(())) => {
            let set = [(header::SET_COOKIE, cookie(None, console.over_tls))];
            Ok((set, Redirect::to("/console/sign-in")).into_response())
        }
        Ok(Err(error)) => Err(page::unavailable(&error)),
        Err(error) => Err(page::unavailable(&error)),
    }
}
