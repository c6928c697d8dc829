//! The account money report (`settlement_report`; its columns are in Mercado Pago's glossary): one row for
//! each booking, with a sign that tells which way.

use crate::statement::day;
use psp_contract::{AttemptRef, Currency, Money, StatementFault, StatementKind, StatementLine};

const fn fault(line: usize, reason: &'static str) -> StatementFault {
    StatementFault { line: Some(line), reason }
}

/// Reads a whole report, or says which line cannot be read.
pub(super) fn read(file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
    let whole = |reason| StatementFault { line: None, reason };
    let mut table = csv::ReaderBuilder::new().from_reader(file);
    let headers = table.headers().map_err(|_| whole("is no table of UTF-8 text"))?.clone();
    let place = |name: &str| {
        let place = headers.iter().position(|header| header == name);
        place.ok_or(whole("lacks a column that this PSP's files have"))
    };
    let places = [
        place("EXTERNAL_REFERENCE")?,
        place("SOURCE_ID")?,
        place("TRANSACTION_TYPE")?,
        place("TRANSACTION_AMOUNT")?,
        place("TRANSACTION_CURRENCY")?,
        place("FEE_AMOUNT")?,
        place("SETTLEMENT_DATE")?,
    ];
    let mut lines = Vec::new();
    for (index, record) in table.records().enumerate() {
        let record = record.map_err(|_| fault(index + 2, "has another number of columns"))?;
        let fields = places.map(|place| record.get(place).unwrap_or_default().trim());
        lines.push(line(fields, index + 2)?);
    }
    Ok(lines)
}

/// An amount without its sign, and whether it had a minus.
fn signed(text: &str, currency: Currency) -> Option<(Money, bool)> {
    let magnitude = text.strip_prefix('-');
    let money = Money::parse_with_zero(magnitude.unwrap_or(text), currency).ok()?;
    Some((money, magnitude.is_some()))
}

fn line(fields: [&str; 7], number: usize) -> Result<StatementLine, StatementFault> {
    let [ours, theirs, kind, amount, currency, fee, date] = fields;
    let currency: Currency =
        currency.parse().map_err(|_| fault(number, "is in a currency that is not known"))?;
    let unreadable = fault(number, "has an amount that cannot be read");
    let (money, goes_out) = signed(amount, currency).ok_or(unreadable.clone())?;
    let (fee, _) = signed(fee, currency).ok_or(unreadable)?;
    let kind = match (kind, goes_out) {
        ("SETTLEMENT", false) => StatementKind::Deposit,
        ("REFUND", true) => StatementKind::Refund,
        ("CHARGEBACK", true) => StatementKind::Chargeback,
        ("PAYOUTS", true) => StatementKind::Payout,
        ("PAYOUTS", false) => StatementKind::PayoutReturn,
        _ => return Err(fault(number, "is of a kind that is not known")),
    };
    if theirs.is_empty() {
        return Err(fault(number, "names no payment"));
    }
    Ok(StatementLine {
        kind,
        attempt: AttemptRef::parse(ours),
        psp_reference: theirs.to_owned(),
        money,
        fee: Some(fee),
        booked_at: day(date).ok_or(fault(number, "has a date that cannot be read"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "EXTERNAL_REFERENCE,SOURCE_ID,TRANSACTION_TYPE,TRANSACTION_AMOUNT,\
        TRANSACTION_CURRENCY,FEE_AMOUNT,SETTLEMENT_DATE\n\
        0190000000007000800000000000000a,77,SETTLEMENT,12.50,BRL,-0.12,2026-11-20T12:00:00.000-03:00\n\
        0190000000007000800000000000000b,8-A,PAYOUTS,-10.00,BRL,0.00,2026-11-20T12:00:00.000-03:00\n";

    #[test]
    fn a_report_is_read_row_by_row() {
        let lines = read(FILE.as_bytes()).expect("a good file");
        let [paid, sent] = &lines[..] else { panic!("two lines") };
        assert_eq!((paid.kind, paid.money.minor), (StatementKind::Deposit, 1250));
        assert_eq!(paid.fee, Some(Money::new(12, Currency::BRL)));
        assert_eq!((sent.kind, sent.money.minor), (StatementKind::Payout, 1000));
        assert_eq!(sent.attempt, AttemptRef::parse("0190000000007000800000000000000b"));
    }

    #[track_caller]
    fn refused(from: &str, to: &str, line: Option<usize>) {
        let fault = read(FILE.replace(from, to).as_bytes()).expect_err("a bad file");
        assert_eq!(fault.line, line, "{fault}");
    }

    #[test]
    fn a_report_with_a_fault_is_refused_whole() {
        refused("SETTLEMENT,12", "GIFT,12", Some(2));
        refused("SETTLEMENT,12", "SETTLEMENT,-12", Some(2));
        refused("-10.00", "--10.00", Some(3));
        refused(",8-A,", ",,", Some(3));
        refused("SOURCE_ID", "ID", None);
    }
}
