//! What people on call must look at: the list.

use super::given::Asked;
use super::page::{self, Frame};
use super::session::Signed;
use super::{Console, incident_words, words};
use crate::access::account::Account;
use crate::book::Review;
use crate::evidence::close_incident::accounts_of;
use crate::store::incidents::{self, IncidentFilter, IncidentLine};
use crate::store::{StoreError, read_reviews};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

const PAGE: usize = 50;

/// What the list is asked for; what cannot be read is said, and then nothing is listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct IncidentsQuery {
    which: String,
    kind: String,
    before: String,
}

/// What is listed: open ones, closed ones or all; of one kind; from where on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted<'a> {
    open: Option<bool>,
    kind: Option<&'a str>,
    before: Option<Uuid>,
}

/// A text that says something.
fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

impl IncidentsQuery {
    fn wanted(&self) -> Result<Wanted<'_>, String> {
        let open = match given(&self.which) {
            None | Some("open") => Some(true),
            Some("closed") => Some(false),
            Some("all") => None,
            Some(_) => return Err("Incidents are open, closed or all.".to_owned()),
        };
        let kind = given(&self.kind);
        if let Some(kind) = kind.filter(|kind| !kinds().any(|known| known == *kind)) {
            return Err(format!("No incident has the kind `{kind}`."));
        }
        let before = given(&self.before).map(|text| {
            let unread = "Where the page begins cannot be read: begin with the newest.";
            Uuid::try_parse(text).map_err(|_| unread.to_owned())
        });
        Ok(Wanted { open, kind, before: before.transpose()? })
    }

    /// Whether all that is open is asked for, from the newest on: then an empty list says that all is well.
    fn is_whole(&self) -> bool {
        let open = matches!(given(&self.which), None | Some("open"));
        open && given(&self.kind).is_none() && given(&self.before).is_none()
    }
}

/// Those that a list can have: what is about a player's name is in none.
fn kinds() -> impl Iterator<Item = &'static str> {
    let all = incident_words::ALL.iter().map(|words| words.kind);
    all.chain(["webhook.taken_up"]).filter(|kind| *kind != "name_not_matched")
}

#[derive(Debug)]
struct Row {
    id: String,
    kind: String,
    means: &'static str,
    next: &'static str,
    detail: String,
    raised_at: String,
    payment: Option<String>,
    psp: Option<String>,
    /// Open cases about its payment, for compliance alone: their kinds say what a screening found.
    cases: Vec<String>,
    closed: Option<String>,
}

impl Row {
    fn of(line: IncidentLine, reviews: &[Review]) -> Self {
        let incident_words::Words { means, next, .. } = incident_words::of(&line.kind);
        let payment = line.payment.map(|payment| payment.uuid);
        let its = |review: &&Review| review.open && payment.is_some() && review.payment == payment;
        Self {
            id: line.id.to_string(),
            kind: line.kind,
            means,
            next,
            detail: line.detail,
            raised_at: words::time(line.raised_at),
            payment: line.payment.map(|payment| payment.to_string()),
            psp: line.psp,
            cases: reviews.iter().filter(its).map(|review| review.id.to_string()).collect(),
            closed: line.closed.map(|it| format!("{}, {}", it.by, words::time(it.at))),
        }
    }
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage {
    frame: Frame,
    query: IncidentsQuery,
    kinds: Vec<&'static str>,
    fault: Option<String>,
    rows: Vec<Row>,
    /// Where the next page begins.
    next: Option<String>,
}

pub async fn list(
    State(console): State<Console>,
    signed: Signed,
    Asked(query): Asked<IncidentsQuery>,
) -> Result<Response, Response> {
    let found = match query.wanted() {
        Ok(wanted) => Ok(read(&console, &signed, wanted, None, PAGE + 1).await),
        Err(fault) => Err(fault),
    };
    let mut page = IncidentsPage {
        frame: Frame::of(&signed, "incidents"),
        query,
        kinds: kinds().collect(),
        fault: None,
        rows: Vec::new(),
        next: None,
    };
    let mut found = match found {
        Ok(found) => found.map_err(|error| page::unavailable(&error))?,
        Err(fault) => {
            page.fault = Some(fault);
            return Err(page::told(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let more = PAGE < found.len();
    found.truncate(PAGE);
    page.next = found.last().filter(|_| more).map(|last| last.id.0.simple().to_string());
    let reviews = cases(&console, &signed, &found).await;
    let reviews = reviews.map_err(|error| page::unavailable(&error))?;
    page.rows = found.into_iter().map(|line| Row::of(line, &reviews)).collect();
    Ok(page::html(&page))
}

async fn read(
    console: &Console,
    signed: &Signed,
    Wanted { open, kind, before }: Wanted<'_>,
    id: Option<Uuid>,
    limit: usize,
) -> Result<Vec<IncidentLine>, StoreError> {
    let (flows, operator) = (&console.flows, &signed.account.operator);
    let (accounts, vendors) = (accounts_of(flows, operator), flows.checks.identity_ids(operator));
    let filter = IncidentFilter {
        operator,
        accounts: &accounts,
        vendors: &vendors,
        open,
        kind,
        id,
        before,
        limit: i64::try_from(limit).unwrap_or(i64::MAX),
    };
    incidents::list(flows.db.pool(), &filter).await
}

/// How many of them are open, for the menu: up to one more than it shows. A page goes on without.
pub async fn count(console: &Console, account: &Account) -> Option<i64> {
    let (flows, operator) = (&console.flows, &account.operator);
    let (accounts, vendors) = (accounts_of(flows, operator), flows.checks.identity_ids(operator));
    let seen = (&*accounts, &*vendors);
    let most = page::OPEN_SHOWN + 1;
    let open = incidents::count_open_of(flows.db.pool(), operator, seen, most).await;
    open.inspect_err(|error| tracing::warn!(%error, "open incidents could not be counted")).ok()
}

/// One that whoever is signed in may see.
pub async fn one(
    console: &Console,
    signed: &Signed,
    id: Uuid,
) -> Result<Option<IncidentLine>, StoreError> {
    let any = Wanted { open: None, kind: None, before: None };
    Ok(read(console, signed, any, Some(id), 1).await?.pop())
}

/// The cases about the payments of these, for who reads what compliance knows.
pub async fn cases(
    console: &Console,
    signed: &Signed,
    lines: &[IncidentLine],
) -> Result<Vec<Review>, StoreError> {
    let payments = lines.iter().filter_map(|line| line.payment);
    let payments: Vec<Uuid> = payments.map(|payment| payment.uuid).collect();
    if payments.is_empty() || !signed.account.reads_compliance() {
        return Ok(Vec::new());
    }
    read_reviews::of_payments(console.flows.db.pool(), &payments).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_of_open_incidents_unless_it_says_otherwise_and_unknown_words_are_told() {
        let asked = |which: &str, kind: &str| {
            let [which, kind] = [which, kind].map(str::to_owned);
            IncidentsQuery { which, kind, before: String::new() }
        };
        let open = |which: &str| asked(which, "").wanted().map(|wanted| wanted.open);
        assert_eq!((open(""), open("open")), (Ok(Some(true)), Ok(Some(true))));
        assert_eq!((open("closed"), open("all")), (Ok(Some(false)), Ok(None)));
        assert!(open("some").unwrap_err().contains("closed"));
        assert_eq!(asked("", " ledger.broken ").wanted().unwrap().kind, Some("ledger.broken"));
        for kind in ["foo", "name_not_matched"] {
            assert!(asked("", kind).wanted().unwrap_err().contains(kind));
        }
        let before = IncidentsQuery { before: "zzz".to_owned(), ..IncidentsQuery::default() };
        assert!(before.wanted().is_err());
        assert!(asked("", "").is_whole() && !asked("closed", "").is_whole());
        assert!(!asked("open", "ledger.broken").is_whole());
    }
}
