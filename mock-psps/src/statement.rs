//! Settlement files and the breaks that can be planted in them.
//!
//! What is settled is made here as [`Row`]s; how a PSP writes them is its dialect's. [`plain`] is the
//! format of those that publish none: a CSV with the columns
//! `date,reference,client_reference,kind,amount,fee,currency`. Amounts are unsigned; the kind tells
//! the direction: `deposit` and `payout_return` come in, `payout`, `refund`, `deposit_return` and
//! `chargeback` go out. The fee is the PSP's and always its income.

use serde::{Deserialize, Serialize};

use crate::book::{Kind, Movement, Status};
use crate::clock;
use crate::ids;
use crate::money;

/// Of a payout whose money is back at the merchant's.
pub(crate) const PAYOUT_RETURN: &str = "payout_return";
const HEADER: &str = "date,reference,client_reference,kind,amount,fee,currency\n";
const AMOUNT_ERROR_MINOR: i64 = 100;
const FEE_ERROR_MINOR: i64 = 25;
/// 1 % of a deposit, and a flat fee a payout.
const DEPOSIT_FEE_DIVISOR: i64 = 100;
const PAYOUT_FEE_MINOR: i64 = 25;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Break {
    Missing,
    Extra,
    Amount,
    Duplicate,
    Fee,
}

/// A break at one row, so that every reading of the file shows the same one.
#[derive(Clone, Debug)]
pub(crate) struct Plant {
    kind: Break,
    reference: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// `YYYY-MM-DD`
    pub(crate) date: String,
    pub(crate) reference: String,
    pub(crate) client_reference: String,
    /// The payment that a refund gives back, where the format names it; else empty.
    pub(crate) original: String,
    pub(crate) kind: &'static str,
    pub(crate) amount_minor: i64,
    pub(crate) fee_minor: i64,
    pub(crate) currency: String,
}

impl Row {
    fn write(&self, text: &mut String) {
        let decimals = money::decimals(&self.currency);
        let fields = [
            &self.date,
            &self.reference,
            &self.client_reference,
            self.kind,
            &money::format(self.amount_minor, decimals),
            &money::format(self.fee_minor, decimals),
            &self.currency,
        ];
        text.push_str(&fields.join(","));
        text.push('\n');
    }
}

/// Plants a break into the first row that has none yet, of the given day or of all days.
/// Gives the row's reference; `None` without such a row.
pub(crate) fn plant(
    kind: Break,
    date: Option<&str>,
    movements: &[Movement],
    plants: &mut Vec<Plant>,
) -> Option<String> {
    let rows = honest_rows(movements, date);
    let free = |row: &&Row| plants.iter().all(|plant| plant.reference != row.reference);
    let reference = rows.iter().find(free)?.reference.clone();
    plants.push(Plant { kind, reference: reference.clone() });
    if kind == Break::Extra {
        return Some(extra_reference(&reference));
    }
    Some(reference)
}

/// What is settled on a day, or on all days, with the planted breaks.
pub(crate) fn rows(movements: &[Movement], date: Option<&str>, plants: &[Plant]) -> Vec<Row> {
    let mut rows = Vec::new();
    for mut row in honest_rows(movements, date) {
        let planted = plants.iter().find(|plant| plant.reference == row.reference);
        match planted.map(|plant| plant.kind) {
            None => rows.push(row),
            Some(Break::Missing) => {}
            Some(Break::Duplicate) => rows.extend([row.clone(), row]),
            Some(Break::Amount) => {
                row.amount_minor = row.amount_minor.saturating_add(AMOUNT_ERROR_MINOR);
                rows.push(row);
            }
            Some(Break::Fee) => {
                row.fee_minor += FEE_ERROR_MINOR;
                rows.push(row);
            }
            Some(Break::Extra) => {
                let reference = extra_reference(&row.reference);
                let client_reference =
                    ids::derived_uuid(&["extra", &row.reference]).replace('-', "");
                rows.extend([row.clone(), Row { reference, client_reference, ..row }]);
            }
        }
    }
    rows
}

/// A settlement file, and what kind of text it is.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) content_type: &'static str,
    pub(crate) text: String,
}

/// The CSV of PSPs that publish no format of their own.
pub(crate) fn plain(rows: &[Row]) -> File {
    let mut text = HEADER.to_owned();
    rows.iter().for_each(|row| row.write(&mut text));
    File { content_type: "text/csv; charset=utf-8", text }
}

fn extra_reference(reference: &str) -> String {
    ids::derived_digits(&["extra", reference], 10)
}

fn honest_rows(movements: &[Movement], date: Option<&str>) -> Vec<Row> {
    let mut rows = Vec::new();
    for m in movements {
        let Some(settled_at) = m.settled_at else {
            continue;
        };
        let mut add = |at, kind, fee_minor| {
            let row = Row {
                date: clock::day(at),
                reference: m.reference.clone(),
                client_reference: m.client_reference.clone(),
                original: m.text("original").to_owned(),
                kind,
                amount_minor: m.amount_minor,
                fee_minor,
                currency: m.currency.clone(),
            };
            if date.is_none_or(|date| date == row.date) {
                rows.push(row);
            }
        };
        let fee = match m.kind {
            Kind::Deposit => m.amount_minor / DEPOSIT_FEE_DIVISOR,
            Kind::Payout | Kind::Refund => PAYOUT_FEE_MINOR,
        };
        add(settled_at, m.kind.as_str(), fee);
        match (m.kind, m.status) {
            (Kind::Deposit, Status::Returned) => add(m.changed_at, "deposit_return", 0),
            (_, Status::Returned) => add(m.changed_at, PAYOUT_RETURN, 0),
            (_, Status::ChargedBack) => add(m.changed_at, "chargeback", 0),
            _ => {}
        }
    }
    rows
}
