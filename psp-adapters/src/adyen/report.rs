//! The settlement details report (its columns are on Adyen's page of that name): a table with one row
//! for each booking, debit and credit in columns of their own, all costs in up to four.

use crate::statement::{Row, Statement, table};
use psp_contract::{StatementFault, StatementKind, StatementLine};

/// As the file's first line has them; the costs are the last four.
const COLUMNS: &str = "Merchant Account,Psp Reference,Merchant Reference,Creation Date,Type,\
    Modification Reference,Modification Merchant Reference,Gross Currency,Gross Debit (GC),\
    Gross Credit (GC),Net Currency,Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC)";

const KINDS: [(&str, StatementKind); 8] = [
    ("Settled", StatementKind::Deposit),
    ("Refunded", StatementKind::Refund),
    ("Chargeback", StatementKind::Chargeback),
    ("SecondChargeback", StatementKind::Chargeback),
    ("PaidOut", StatementKind::Payout),
    ("PaidOutReversed", StatementKind::PayoutReturn),
    ("Fee", StatementKind::Fee),
    ("MiscCosts", StatementKind::Fee),
];

/// Reads a whole report, or says which line cannot be read.
pub(super) fn read(file: &[u8], account: &str) -> Statement {
    table(file, COLUMNS, |row| line(row, account))
}

fn line(row: &Row<'_>, account: &str) -> Result<StatementLine, StatementFault> {
    if row.text("Merchant Account") != account {
        return Err(row.fault("is about another merchant account"));
    }
    let kind = row.kind(row.text("Type"), &KINDS)?;
    // A refund is known by its own ids; the first two columns are those of the payment.
    let own = |own, first| {
        let modified = kind == StatementKind::Refund && !row.text(own).is_empty();
        if modified { own } else { first }
    };
    let id = own("Modification Reference", "Psp Reference");
    let psp_reference = match kind {
        StatementKind::Fee => row.text(id).to_owned(),
        _ => row.psp_reference(id)?,
    };
    let currency = row.currency("Gross Currency")?;
    let debit = row.given_money("Gross Debit (GC)", currency)?;
    let money = match (debit, row.given_money("Gross Credit (GC)", currency)?) {
        (Some(money), None) | (None, Some(money)) => money,
        _ => return Err(row.fault("is neither a debit nor a credit")),
    };
    // Costs in another currency than the booking are no fee of this line.
    let net = row.currency("Net Currency")?;
    let fee = row.sum(COLUMNS.split(',').skip(11), net)?;
    Ok(StatementLine {
        kind,
        attempt: row.attempt(own("Modification Merchant Reference", "Merchant Reference")),
        psp_reference,
        money,
        fee: (net == currency).then_some(fee),
        booked_at: row.day("Creation Date")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use psp_contract::{AttemptRef, Currency, Money};

    const FILE: &str = "Company Account,Merchant Account,Psp Reference,Merchant Reference,\
        Payment Method,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,\
        Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),\
        Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),\
        Modification Merchant Reference\n\
        Co,Casino,PAY1,0190000000007000800000000000000a,visa,2026-11-20 22:37:26,CET,Settled,CAP1,\
        EUR,,5.00,1,EUR,,4.88,,0.04,0.01,0.07,\n\
        Co,Casino,PAY1,,visa,2026-11-20 22:37:26,CET,Refunded,REF1,EUR,5.00,,1,EUR,5.00,,,,,,\
        0190000000007000800000000000000b\n";

    #[test]
    fn a_report_is_read_row_by_row() {
        let lines = read(FILE.as_bytes(), "Casino").expect("a good file");
        let [paid, refunded] = &lines[..] else { panic!("two lines") };
        assert_eq!((paid.kind, &*paid.psp_reference), (StatementKind::Deposit, "PAY1"));
        assert_eq!(paid.money, Money::new(500, Currency::EUR));
        assert_eq!(paid.fee, Some(Money::new(12, Currency::EUR)));
        assert_eq!((refunded.kind, &*refunded.psp_reference), (StatementKind::Refund, "REF1"));
        assert_eq!(refunded.attempt, AttemptRef::parse("0190000000007000800000000000000b"));
    }

    #[track_caller]
    fn refused(from: &str, to: &str, line: Option<usize>) {
        let fault = read(FILE.replace(from, to).as_bytes(), "Casino").expect_err("a bad file");
        assert_eq!(fault.line, line, "{fault}");
    }

    #[test]
    fn a_report_with_a_fault_is_refused_whole() {
        refused("Settled", "Sold", Some(2));
        refused("Casino,PAY1,,", "Other,PAY1,,", Some(3));
        refused(",5.00,,1,EUR,5.00", ",5.00,5.00,1,EUR,5.00", Some(3));
        refused("0.04", "0.045", Some(2));
        refused("Markup (NC)", "Extra", None);
        refused("2026-11-20 22", "yesterday 22", Some(2));
    }
}
