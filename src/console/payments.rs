//! The list of payments.

use super::given::Asked;
use super::page::{self, Frame};
use super::session::Signed;
use super::{Console, words};
use crate::book::Payment;
use crate::domain::{DepositStatus, Direction, PaymentStatus, PlayerId, WithdrawalStatus};
use crate::store::StoreError;
use crate::store::read_models::{self, PaymentFilter};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

const PAGE: usize = 50;

pub async fn home(_: Signed) -> Redirect {
    Redirect::to("/console/payments")
}

/// What the list is asked for; what cannot be read is said, and then nothing is listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    direction: String,
    status: String,
    player: String,
    reference: String,
    before: String,
}

/// A text that says something.
fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

impl ListQuery {
    fn wanted(&self) -> Result<(Direction, PaymentFilter), String> {
        let direction = match given(&self.direction) {
            None => Direction::Deposit,
            Some(text) => text
                .parse::<Direction>()
                .map_err(|_| "The direction is deposit or withdrawal.".to_owned())?,
        };
        let player = given(&self.player).map(|text| {
            PlayerId::parse(text).ok_or_else(|| format!("`{text}` is no player's id."))
        });
        let before = given(&self.before).map(|text| {
            let unread = "Where the page begins cannot be read: begin with the newest.";
            Uuid::try_parse(text).map_err(|_| unread.to_owned())
        });
        let filter = PaymentFilter {
            player: player.transpose()?,
            statuses: statuses(direction, &self.status)?,
            reference: given(&self.reference).map(str::to_owned),
            before: before.transpose()?,
            limit: i64::try_from(PAGE + 1).unwrap_or(i64::MAX),
        };
        Ok((direction, filter))
    }
}

/// Statuses with commas between, as the API takes them.
fn statuses(direction: Direction, text: &str) -> Result<Vec<String>, String> {
    let Some(text) = given(text) else { return Ok(Vec::new()) };
    let known = |word: &str| match PaymentStatus::parse(direction, word) {
        Ok(status) => Ok(status.to_string()),
        Err(_) => {
            let all: Vec<&str> = all_statuses(direction).collect();
            Err(format!("No {direction} has the status `{word}`. There are {}.", all.join(", ")))
        }
    };
    text.split(',').map(|word| known(word.trim())).collect()
}

fn all_statuses(direction: Direction) -> Box<dyn Iterator<Item = &'static str>> {
    match direction {
        Direction::Deposit => Box::new(DepositStatus::ALL.iter().map(|it| it.as_str())),
        Direction::Withdrawal => Box::new(WithdrawalStatus::ALL.iter().map(|it| it.as_str())),
    }
}

/// What the field for the status offers: each word once, whichever direction has it, and what was typed.
fn choices(asked: &str) -> Vec<String> {
    let mut all: Vec<&str> = all_statuses(Direction::Deposit).collect();
    let others = all_statuses(Direction::Withdrawal).filter(|word| !all.contains(word));
    let others: Vec<&str> = others.collect();
    all.extend(others);
    all.extend(given(asked).filter(|asked| !all.contains(asked)));
    all.into_iter().map(str::to_owned).collect()
}

#[derive(Debug)]
struct Row {
    id: String,
    player: String,
    amount: String,
    status: String,
    method: &'static str,
    country: String,
    psp: String,
    created_at: String,
}

impl Row {
    fn of(payment: &Payment) -> Self {
        let last = payment.attempts.iter().max_by_key(|attempt| attempt.number);
        Self {
            id: payment.id.to_string(),
            player: payment.player.player.to_string(),
            amount: payment.money.to_string(),
            status: payment.status.to_string(),
            method: payment.method.as_str(),
            country: payment.country.clone(),
            psp: last.map(|attempt| attempt.psp.clone()).unwrap_or_default(),
            created_at: words::time(payment.created_at),
        }
    }
}

#[derive(Template)]
#[template(path = "payments.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    statuses: Vec<String>,
    fault: Option<String>,
    rows: Vec<Row>,
    /// Where the next page begins.
    next: Option<String>,
}

pub async fn list(
    State(console): State<Console>,
    signed: Signed,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, Response> {
    let wanted = query.wanted();
    let mut page = ListPage {
        frame: Frame::of(&signed, "payments"),
        statuses: choices(&query.status),
        query,
        fault: None,
        rows: Vec::new(),
        next: None,
    };
    let (direction, filter) = match wanted {
        Ok(wanted) => wanted,
        Err(fault) => {
            page.fault = Some(fault);
            return Err(page::told(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let (pool, operator) = (console.flows.db.pool(), &signed.account.operator);
    let found = read_models::payments(pool, operator, direction, &filter).await;
    let mut found = found.map_err(|error| page::unavailable(&error))?;
    let more = PAGE < found.len();
    found.truncate(PAGE);
    page.next = found.last().filter(|_| more).map(|last| last.id.uuid.simple().to_string());
    if let (Some(text), None) = (&filter.reference, filter.before) {
        let named = named(&console, &signed, text).await;
        for payment in named.map_err(|error| page::unavailable(&error))? {
            if found.iter().all(|other| other.id != payment.id) {
                found.push(payment);
            }
        }
    }
    page.rows = found.iter().map(Row::of).collect();
    Ok(page::html(&page))
}

/// The payments of an id, ours or a PSP's, whatever else the list is asked for: whoever has it means this one.
async fn named(console: &Console, signed: &Signed, text: &str) -> Result<Vec<Payment>, StoreError> {
    let (flows, operator) = (&console.flows, &signed.account.operator);
    let own = flows.accounts.iter().filter(|account| account.serves_operator(operator));
    let psps: Vec<String> = own.map(|account| account.id.clone()).collect();
    let pool = flows.db.pool();
    let mut found = read_models::of_id(pool, operator, text).await?;
    found.extend(read_models::of_psp_reference(pool, operator, (&psps, text)).await?);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(direction: &str, status: &str) -> ListQuery {
        let [direction, status] = [direction, status].map(str::to_owned);
        ListQuery { direction, status, ..ListQuery::default() }
    }

    #[test]
    fn statuses_are_read_as_the_api_reads_them_and_unknown_words_are_told() {
        let (direction, filter) = asked("", "in_review, processing").wanted().unwrap();
        assert_eq!(direction, Direction::Deposit);
        assert_eq!(filter.statuses, ["in_review", "processing"]);
        assert_eq!(asked("withdrawal", "").wanted().unwrap().1.statuses, Vec::<String>::new());
        for (direction, status, word) in [
            ("", "foo", "`foo`"),
            ("", "In_Review", "`In_Review`"),
            ("withdrawal", "in_review,succeeded", "`succeeded`"),
            ("sideways", "", "deposit or withdrawal"),
        ] {
            let fault = asked(direction, status).wanted().unwrap_err();
            assert!(fault.contains(word), "{fault}");
        }
        let before = ListQuery { before: "zzz".to_owned(), ..ListQuery::default() };
        assert!(before.wanted().is_err());
    }

    #[test]
    fn each_status_is_offered_once_and_what_was_typed_stays() {
        let offered = choices("in_review,processing");
        assert_eq!(offered.iter().filter(|word| *word == "processing").count(), 1);
        assert!(offered.contains(&"paid".to_owned()) && offered.contains(&"reversed".to_owned()));
        assert_eq!(offered.last().unwrap(), "in_review,processing");
        assert_eq!(choices(" paid "), choices(""));
    }
}
