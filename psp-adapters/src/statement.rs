//! Settlement files that are tables of text, read by the names of their columns.

use psp_contract::{AttemptRef, Currency, Money, StatementFault, StatementKind, StatementLine};
use time::Date;
use time::macros::format_description;

/// Which column says what, and which word means what. Lines of other kinds make the file unreadable: a
/// line that is left out would look like a payment that is missing.
pub(crate) struct Columns {
    pub separator: u8,
    pub date: &'static str,
    pub our_reference: &'static str,
    pub psp_reference: &'static str,
    pub kind: &'static str,
    pub amount: &'static str,
    /// Empty when the file has none.
    pub fee: &'static str,
    pub currency: &'static str,
    pub kinds: &'static [(&'static str, StatementKind)],
}

/// The plain table of PSPs that publish no format of their own.
pub(crate) const PLAIN: Columns = Columns {
    separator: b',',
    date: "date",
    our_reference: "client_reference",
    psp_reference: "reference",
    kind: "kind",
    amount: "amount",
    fee: "fee",
    currency: "currency",
    kinds: &[
        ("deposit", StatementKind::Deposit),
        ("payout", StatementKind::Payout),
        ("refund", StatementKind::Refund),
        ("deposit_return", StatementKind::Refund),
        ("chargeback", StatementKind::Chargeback),
        ("payout_return", StatementKind::PayoutReturn),
    ],
};

const fn fault(line: usize, reason: &'static str) -> StatementFault {
    StatementFault { line: Some(line), reason }
}

/// Reads a whole file, or says which line cannot be read.
pub(crate) fn read(file: &[u8], columns: &Columns) -> Result<Vec<StatementLine>, StatementFault> {
    let whole = |reason| StatementFault { line: None, reason };
    let mut table = csv::ReaderBuilder::new().delimiter(columns.separator).from_reader(file);
    let headers = table.headers().map_err(|_| whole("is no table of UTF-8 text"))?.clone();
    let position = |name: &str| headers.iter().position(|header| header == name);
    let needed = |name| position(name).ok_or(whole("lacks a column that this PSP's files have"));
    let fee = if columns.fee.is_empty() { None } else { Some(needed(columns.fee)?) };
    let places = Places {
        date: needed(columns.date)?,
        our_reference: needed(columns.our_reference)?,
        psp_reference: needed(columns.psp_reference)?,
        kind: needed(columns.kind)?,
        amount: needed(columns.amount)?,
        fee,
        currency: needed(columns.currency)?,
    };
    let mut lines = Vec::new();
    for (index, record) in table.records().enumerate() {
        // The header is line 1.
        let number = index + 2;
        let record = record.map_err(|_| fault(number, "has another number of columns"))?;
        lines.push(line(&record, &places, columns, number)?);
    }
    Ok(lines)
}

/// A plain table of a PSP whose deposits arrive at players' addresses: there a deposit's line names the
/// player, whose pseudonym looks like an attempt's reference and is none.
pub(crate) fn read_of_addresses(file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
    let mut lines = read(file, &PLAIN)?;
    for line in lines.iter_mut().filter(|line| line.kind == StatementKind::Deposit) {
        line.attempt = None;
    }
    Ok(lines)
}

struct Places {
    date: usize,
    our_reference: usize,
    psp_reference: usize,
    kind: usize,
    amount: usize,
    fee: Option<usize>,
    currency: usize,
}

fn line(
    record: &csv::StringRecord,
    places: &Places,
    columns: &Columns,
    number: usize,
) -> Result<StatementLine, StatementFault> {
    let text = |place: usize| record.get(place).unwrap_or_default().trim();
    let currency: Currency = text(places.currency)
        .parse()
        .map_err(|_| fault(number, "is in a currency that is not known"))?;
    let money = |place| {
        Money::parse_with_zero(text(place), currency)
            .map_err(|_| fault(number, "has an amount that cannot be read"))
    };
    let kind = columns.kinds.iter().find(|(word, _)| *word == text(places.kind));
    let (_, kind) = kind.ok_or(fault(number, "is of a kind that is not known"))?;
    let psp_reference = text(places.psp_reference).to_owned();
    if psp_reference.is_empty() {
        return Err(fault(number, "names no payment"));
    }
    Ok(StatementLine {
        kind: *kind,
        attempt: AttemptRef::parse(text(places.our_reference)),
        psp_reference,
        money: money(places.amount)?,
        fee: places.fee.map(money).transpose()?,
        booked_at: day(text(places.date)).ok_or(fault(number, "has a date that cannot be read"))?,
    })
}

/// `YYYY-MM-DD`, with or without a time after it, as the start of that day in UTC.
pub(crate) fn day(text: &str) -> Option<psp_contract::Timestamp> {
    let day = Date::parse(text.get(..10)?, format_description!("[year]-[month]-[day]")).ok()?;
    Some(day.midnight().assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "date,reference,client_reference,kind,amount,fee,currency\n\
        2026-11-20,77,0190000000007000800000000000000a,payout,12.50,0.25,EUR\n";

    #[test]
    fn a_table_is_read_line_by_line() {
        let lines = read(FILE.as_bytes(), &PLAIN).expect("a good file");
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].kind, StatementKind::Payout);
        assert_eq!(lines[0].money, Money::new(1250, Currency::EUR));
        assert_eq!(lines[0].fee, Some(Money::new(25, Currency::EUR)));
        assert_eq!(lines[0].attempt, AttemptRef::parse("0190000000007000800000000000000a"));
        assert_eq!(lines[0].booked_at.date(), time::macros::date!(2026 - 11 - 20));
    }

    #[track_caller]
    fn refused(from: &str, to: &str, line: Option<usize>) {
        let fault = read(FILE.replace(from, to).as_bytes(), &PLAIN).expect_err("a bad file");
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
