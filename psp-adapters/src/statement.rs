//! Settlement files that are tables of text, read by the names of their columns.
//!
//! A [`Row`] reads its cells strictly, and whatever cannot be read names its line: a line that is left out
//! would look like a payment that is missing. What a PSP's table looks like is for its adapter to say; the
//! plain one, of PSPs that publish no format of their own, stands here.

use psp_contract::Timestamp;
use psp_contract::{AttemptRef, Currency, Money, StatementFault, StatementKind, StatementLine};
use time::Date;
use time::macros::format_description;

type Read<T> = Result<T, StatementFault>;

/// A whole file, or what is wrong with it.
pub type Statement = Read<Vec<StatementLine>>;

const KIND: &str = "is of a kind that is not known";
const AMOUNT: &str = "has an amount that cannot be read";

/// One row of a table, its cells by the names of their columns.
pub(crate) struct Row<'a> {
    record: &'a csv::StringRecord,
    headers: &'a csv::StringRecord,
    number: usize,
}

/// Reads a whole table that has these columns, or says which line cannot be read.
pub(crate) fn table(
    file: &[u8],
    columns: &str,
    line: impl Fn(&Row<'_>) -> Read<StatementLine>,
) -> Statement {
    let whole = |reason| StatementFault { line: None, reason };
    let mut table = csv::ReaderBuilder::new().from_reader(file);
    let headers = table.headers().map_err(|_| whole("is no table of UTF-8 text"))?.clone();
    if !columns.split(',').all(|column| headers.iter().any(|name| name == column)) {
        return Err(whole("lacks a column that this PSP's files have"));
    }
    let mut lines = Vec::new();
    for (index, record) in table.records().enumerate() {
        // The header is line 1.
        let number = index + 2;
        let fault =
            |_| StatementFault { line: Some(number), reason: "has another number of columns" };
        let record = record.map_err(fault)?;
        lines.push(line(&Row { record: &record, headers: &headers, number })?);
    }
    Ok(lines)
}

impl Row<'_> {
    pub fn fault(&self, reason: &'static str) -> StatementFault {
        StatementFault { line: Some(self.number), reason }
    }

    /// A cell; empty where there is no such column.
    pub fn text(&self, column: &str) -> &str {
        let place = self.headers.iter().position(|name| name == column);
        place.and_then(|place| self.record.get(place)).unwrap_or_default().trim()
    }

    pub fn currency(&self, column: &str) -> Read<Currency> {
        self.text(column).parse().map_err(|_| self.fault("is in a currency that is not known"))
    }

    pub fn money(&self, column: &str, currency: Currency) -> Read<Money> {
        Money::parse_with_zero(self.text(column), currency).map_err(|_| self.fault(AMOUNT))
    }

    /// An amount of a cell that may be empty.
    pub fn given_money(&self, column: &str, currency: Currency) -> Read<Option<Money>> {
        let given = !self.text(column).is_empty();
        given.then(|| self.money(column, currency)).transpose()
    }

    /// An amount without its sign, and whether it had a minus.
    pub fn signed_money(&self, column: &str, currency: Currency) -> Read<(Money, bool)> {
        let text = self.text(column);
        let magnitude = text.strip_prefix('-');
        let money = Money::parse_with_zero(magnitude.unwrap_or(text), currency);
        Ok((money.map_err(|_| self.fault(AMOUNT))?, magnitude.is_some()))
    }

    /// The sum of some cells that may be empty.
    pub fn sum<'a>(
        &self,
        columns: impl Iterator<Item = &'a str>,
        currency: Currency,
    ) -> Read<Money> {
        let mut sum = Money::new(0, currency);
        for column in columns {
            if let Some(money) = self.given_money(column, currency)? {
                sum = sum.checked_add(money).ok_or(self.fault(AMOUNT))?;
            }
        }
        Ok(sum)
    }

    /// `YYYY-MM-DD`, with or without a time after it, as the start of that day in UTC.
    pub fn day(&self, column: &str) -> Read<Timestamp> {
        let text = self.text(column).get(..10).unwrap_or_default();
        let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
        let day = day.map_err(|_| self.fault("has a date that cannot be read"))?;
        Ok(day.midnight().assume_utc())
    }

    /// The meaning of a row by a table of words.
    pub fn kind<W: PartialEq>(&self, told: W, kinds: &[(W, StatementKind)]) -> Read<StatementKind> {
        let kind = kinds.iter().find(|(word, _)| *word == told);
        kind.map(|(_, kind)| *kind).ok_or(self.fault(KIND))
    }

    /// The id of the payment that a row is about.
    pub fn psp_reference(&self, column: &str) -> Read<String> {
        let id = self.text(column);
        if id.is_empty() { Err(self.fault("names no payment")) } else { Ok(id.to_owned()) }
    }

    pub fn attempt(&self, column: &str) -> Option<AttemptRef> {
        AttemptRef::parse(self.text(column))
    }
}

const COLUMNS: &str = "date,reference,client_reference,kind,amount,fee,currency";

const KINDS: [(&str, StatementKind); 6] = [
    ("deposit", StatementKind::Deposit),
    ("payout", StatementKind::Payout),
    ("refund", StatementKind::Refund),
    ("deposit_return", StatementKind::Refund),
    ("chargeback", StatementKind::Chargeback),
    ("payout_return", StatementKind::PayoutReturn),
];

/// The plain table of PSPs that publish no format of their own.
pub(crate) fn plain(file: &[u8]) -> Statement {
    table(file, COLUMNS, |row| {
        let currency = row.currency("currency")?;
        Ok(StatementLine {
            kind: row.kind(row.text("kind"), &KINDS)?,
            attempt: row.attempt("client_reference"),
            psp_reference: row.psp_reference("reference")?,
            money: row.money("amount", currency)?,
            fee: Some(row.money("fee", currency)?),
            booked_at: row.day("date")?,
        })
    })
}

/// A plain table of a PSP whose deposits arrive at players' addresses: there a deposit's line names the
/// player, whose pseudonym looks like an attempt's reference and is none.
pub(crate) fn read_of_addresses(file: &[u8]) -> Statement {
    let mut lines = plain(file)?;
    for line in lines.iter_mut().filter(|line| line.kind == StatementKind::Deposit) {
        line.attempt = None;
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "date,reference,client_reference,kind,amount,fee,currency\n\
        2026-11-20,77,0190000000007000800000000000000a,payout,12.50,0.25,EUR\n";

    #[test]
    fn a_table_is_read_line_by_line() {
        let lines = plain(FILE.as_bytes()).expect("a good file");
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].kind, StatementKind::Payout);
        assert_eq!(lines[0].money, Money::new(1250, Currency::EUR));
        assert_eq!(lines[0].fee, Some(Money::new(25, Currency::EUR)));
        assert_eq!(lines[0].attempt, AttemptRef::parse("0190000000007000800000000000000a"));
        assert_eq!(lines[0].booked_at.date(), time::macros::date!(2026 - 11 - 20));
    }

    #[track_caller]
    fn refused(from: &str, to: &str, line: Option<usize>) {
        let fault = plain(FILE.replace(from, to).as_bytes()).expect_err("a bad file");
        assert_eq!(fault.line, line, "{fault}");
    }

    #[test]
    fn a_file_with_a_fault_is_refused_whole_and_the_line_is_named() {
        refused("payout", "gift", Some(2));
        refused("12.50", "12.505", Some(2));
        refused("EUR", "XXX", Some(2));
        refused("2026-11-20,", "yesterday,", Some(2));
        refused("77", "", Some(2));
        refused(",fee,", ",costs,", None);
        refused(",0.25,EUR", ",EUR", Some(2));
    }
}
