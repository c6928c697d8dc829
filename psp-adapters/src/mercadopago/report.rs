//! The account money report (`settlement_report`; its columns are in Mercado Pago's glossary): one row for
//! each booking, with a sign that tells which way.

use crate::statement::{Statement, table};
use psp_contract::{StatementKind, StatementLine};

const COLUMNS: &str = "EXTERNAL_REFERENCE,SOURCE_ID,TRANSACTION_TYPE,TRANSACTION_AMOUNT,\
    TRANSACTION_CURRENCY,FEE_AMOUNT,SETTLEMENT_DATE";

/// By the type, and whether the money went out.
const KINDS: [((&str, bool), StatementKind); 5] = [
    (("SETTLEMENT", false), StatementKind::Deposit),
    (("REFUND", true), StatementKind::Refund),
    (("CHARGEBACK", true), StatementKind::Chargeback),
    (("PAYOUTS", true), StatementKind::Payout),
    (("PAYOUTS", false), StatementKind::PayoutReturn),
];

/// Reads a whole report, or says which line cannot be read.
pub(super) fn read(file: &[u8]) -> Statement {
    table(file, COLUMNS, |row| {
        let currency = row.currency("TRANSACTION_CURRENCY")?;
        let (money, goes_out) = row.signed_money("TRANSACTION_AMOUNT", currency)?;
        let (fee, _) = row.signed_money("FEE_AMOUNT", currency)?;
        Ok(StatementLine {
            kind: row.kind((row.text("TRANSACTION_TYPE"), goes_out), &KINDS)?,
            attempt: row.attempt("EXTERNAL_REFERENCE"),
            psp_reference: row.psp_reference("SOURCE_ID")?,
            money,
            fee: Some(fee),
            booked_at: row.day("SETTLEMENT_DATE")?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use psp_contract::{AttemptRef, Currency, Money};

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
