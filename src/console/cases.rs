//! The queue: what waits for two people.

use super::given::Asked;
use super::page::{self, Frame};
use super::session::Signed;
use super::{Console, case_words, words};
use crate::book::{CaseKind, PAYMENT_KINDS};
use crate::domain::{PersonId, PlayerId, Timestamp};
use crate::store::read_reviews::{self, ReviewFilter, ReviewLine};
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
pub struct CasesQuery {
    which: String,
    kind: String,
    player: String,
    before: String,
}

/// A text that says something.
fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

impl CasesQuery {
    /// `me`: whose those are that are asked for as one's own.
    fn wanted(&self, me: &PersonId, now: Timestamp) -> Result<ReviewFilter, String> {
        let (open, due_before, assigned_to) = match given(&self.which) {
            None | Some("open") => (true, None, None),
            Some("mine") => (true, None, Some(me.clone())),
            Some("overdue") => (true, Some(now), None),
            Some("closed") => (false, None, None),
            Some(_) => return Err("Cases are open, mine, overdue or closed.".to_owned()),
        };
        let kind = given(&self.kind).map(|kind| match kinds().any(|known| known == kind) {
            true => Ok(kind.to_owned()),
            false => Err(format!("No case has the kind `{kind}`.")),
        });
        let player = given(&self.player).map(|text| {
            PlayerId::parse(text).ok_or_else(|| format!("`{text}` is no player's id."))
        });
        let before = given(&self.before).map(|text| {
            let unread = "Where the page begins cannot be read: begin with the newest.";
            Uuid::try_parse(text).map_err(|_| unread.to_owned())
        });
        Ok(ReviewFilter {
            open: Some(open),
            kind: kind.transpose()?,
            assigned_to,
            player: player.transpose()?,
            due_before,
            before: before.transpose()?,
            limit: i64::try_from(PAGE + 1).unwrap_or(i64::MAX),
        })
    }
}

fn kinds() -> impl Iterator<Item = &'static str> {
    PAYMENT_KINDS.into_iter().chain(CaseKind::ALL.iter().map(|kind| kind.as_str()))
}

#[derive(Debug)]
struct Row {
    id: String,
    kind: String,
    /// The payment, or the player, or nobody where it is about the service.
    subject: String,
    amount: String,
    opened_at: String,
    due_at: String,
    stands: String,
    is_late: bool,
}

impl Row {
    fn of(ReviewLine { review, payment }: &ReviewLine, now: Timestamp) -> Self {
        let due = review.desk.due_at;
        Self {
            id: review.id.to_string(),
            kind: review.kind.clone(),
            subject: review.player.as_ref().map(ToString::to_string).unwrap_or_default(),
            amount: payment.as_ref().map(|it| it.money.to_string()).unwrap_or_default(),
            opened_at: words::time(review.opened_at),
            due_at: due.map(words::time).unwrap_or_default(),
            stands: case_words::stands(review, now),
            is_late: review.open && due.is_some_and(|due| due <= now),
        }
    }
}

#[derive(Template)]
#[template(path = "cases.html")]
struct CasesPage {
    frame: Frame,
    query: CasesQuery,
    kinds: Vec<&'static str>,
    fault: Option<String>,
    rows: Vec<Row>,
    /// Where the next page begins.
    next: Option<String>,
}

pub async fn list(
    State(console): State<Console>,
    signed: Signed,
    Asked(query): Asked<CasesQuery>,
) -> Result<Response, Response> {
    signed.check_compliance()?;
    let now = console.flows.clock.now();
    let wanted = query.wanted(&signed.account.person, now);
    let mut page = CasesPage {
        frame: Frame::of(&signed, "reviews"),
        query,
        kinds: kinds().collect(),
        fault: None,
        rows: Vec::new(),
        next: None,
    };
    let filter = match wanted {
        Ok(filter) => filter,
        Err(fault) => {
            page.fault = Some(fault);
            return Err(page::told(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let pool = console.flows.db.pool();
    let found = read_reviews::reviews(pool, &signed.account.operator, &filter).await;
    let mut found = found.map_err(|error| page::unavailable(&error))?;
    let more = PAGE < found.len();
    found.truncate(PAGE);
    page.next = found.last().filter(|_| more).map(|last| last.review.id.0.simple().to_string());
    page.rows = found.iter().map(|line| Row::of(line, now)).collect();
    Ok(page::html(&page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_list_is_of_open_cases_unless_it_says_otherwise_and_unknown_words_are_told() {
        let now = datetime!(2026-11-21 10:00 UTC);
        let me = PersonId::trusted("person_ada");
        let asked = |which: &str, kind: &str| {
            let [which, kind] = [which, kind].map(str::to_owned);
            CasesQuery { which, kind, ..CasesQuery::default() }.wanted(&me, now)
        };
        let open = asked("", "").unwrap();
        assert_eq!((open.open, open.due_before), (Some(true), None));
        let overdue = asked("overdue", "money_in").unwrap();
        assert_eq!((overdue.open, overdue.due_before), (Some(true), Some(now)));
        assert_eq!(overdue.kind.as_deref(), Some("money_in"));
        let mine = asked("mine", "").unwrap();
        assert_eq!((mine.open, mine.assigned_to), (Some(true), Some(me.clone())));
        assert_eq!(asked("closed", "").unwrap().open, Some(false));
        assert!(asked("some", "").unwrap_err().contains("overdue"));
        assert!(asked("", "foo").unwrap_err().contains("`foo`"));
    }
}
