//! One's own account: who one is here, and the second factor.

use super::Console;
use super::given::Sent;
use super::page::{self, Frame};
use super::session::Signed;
use crate::access::set_totp::{Offer, SetTotpError, offer_again, offer_totp, set_totp as set_up};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    email: String,
    person: String,
    is_required: bool,
    has_totp: bool,
    offer: Option<Offer>,
    fault: Option<String>,
}

impl AccountPage {
    /// `sealed`: the secret that the form carried, of whom a wrong code came.
    fn of(console: &Console, signed: &Signed, sealed: &str, fault: Option<String>) -> Self {
        let has_totp = signed.account.has_totp;
        let (desk, account) = (&console.desk, &signed.account);
        let offer = || offer_again(desk, account, sealed).or_else(|| offer_totp(desk, account));
        Self {
            frame: Frame::of(signed, "account"),
            email: signed.account.email.clone(),
            person: signed.account.person.to_string(),
            is_required: console.desk.totp_required,
            has_totp,
            offer: if has_totp { None } else { offer() },
            fault,
        }
    }
}

pub async fn show(State(console): State<Console>, signed: Signed) -> Response {
    page::html(&AccountPage::of(&console, &signed, "", None))
}

#[derive(Deserialize)]
pub struct TotpForm {
    form_word: String,
    sealed: String,
    code: String,
}

pub async fn set_totp(
    State(console): State<Console>,
    signed: Signed,
    Sent(form): Sent<TotpForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    let sealed = form.sealed.clone();
    let (flows, desk, who) = (console.flows.clone(), console.desk.clone(), signed.clone());
    let work = async move {
        let (pool, ids, now) = (flows.db.pool(), flows.ids.as_ref(), flows.clock.now());
        let (account, given) = ((&who.account, &who.token), (&*form.sealed, &*form.code));
        set_up(pool, &desk, ids, account, given, now).await
    };
    match console.tasks.spawn("set a second factor", work).await {
        Ok(Ok(())) => Ok(Redirect::to("/console/account").into_response()),
        Ok(Err(error @ (SetTotpError::WrongCode | SetTotpError::Before))) => {
            let fault = Some(format!("Nothing was changed: {error}."));
            let again = AccountPage::of(&console, &signed, &sealed, fault);
            Err(page::told(StatusCode::UNPROCESSABLE_ENTITY, &again))
        }
        Ok(Err(error)) => Err(page::unavailable(&error)),
        Err(error) => Err(page::unavailable(&error)),
    }
}
