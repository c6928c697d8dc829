//! What all pages have in common: their frame, and how faults are told.

use super::session::Signed;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// Open incidents beyond these are not counted.
pub const OPEN_SHOWN: i64 = 99;

/// What the frame of a page says of whoever looks at it.
#[derive(Debug)]
pub struct Frame {
    pub name: String,
    pub roles: String,
    pub operator: String,
    /// Goes with every form.
    pub form_word: String,
    /// Whether the menu has what compliance alone may read.
    pub reads_compliance: bool,
    /// Whether the menu has the accounts of others.
    pub administers: bool,
    /// How many incidents are open; empty where none is.
    pub open_incidents: String,
    /// The place of the page in the menu.
    pub here: &'static str,
}

impl Frame {
    pub fn of(signed: &Signed, here: &'static str) -> Self {
        let roles: Vec<&str> = signed.account.roles.iter().map(|role| role.as_str()).collect();
        Self {
            name: signed.account.name.clone(),
            roles: roles.join(", "),
            operator: signed.account.operator.to_string(),
            form_word: signed.token.form_token(),
            reads_compliance: signed.account.reads_compliance(),
            administers: signed.account.may_administer(),
            open_incidents: match signed.open_incidents {
                None | Some(0) => String::new(),
                Some(open) if OPEN_SHOWN < open => format!("{OPEN_SHOWN}+"),
                Some(open) => open.to_string(),
            },
            here,
        }
    }
}

/// A page that is whole.
pub fn html(template: &impl Template) -> Response {
    told(StatusCode::OK, template)
}

/// A page with another status.
pub fn told(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be made; the log says why.")
                .into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct Fault<'a> {
    title: &'a str,
    text: &'a str,
}

/// Something that cannot be done, and what to do instead.
pub fn fault(status: u16, title: &str, text: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    told(status, &Fault { title, text })
}

pub fn unavailable(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, cause = error.source(), "a page could not do its work");
    fault(
        503,
        "Not now",
        "The database does not answer. Nothing was changed; try again in a moment.",
    )
}

pub async fn not_found() -> Response {
    fault(404, "Not found", "There is no such page, or what it showed belongs to another operator.")
}
