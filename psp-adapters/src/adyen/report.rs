//! The settlement details report (its columns are on Adyen's page of that name): a table with one row
//! for each booking, debit and credit in columns of their own, all costs in up to four.

use crate::statement::day;
use psp_contract::{AttemptRef, Currency, Money, StatementFault, StatementKind, StatementLine};

const FEES: [&str; 4] = ["Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)"];

const fn fault(line: usize, reason: &'static str) -> StatementFault {
    StatementFault { line: Some(line), reason }
}

/// Reads a whole report, or says which line cannot be read.
pub(super) fn read(file: &[u8], account: &str) -> Result<Vec<StatementLine>, StatementFault> {
    let whole = |reason| StatementFault { line: None, reason };
    let mut table = csv::ReaderBuilder::new().from_reader(file);
    let headers = table.headers().map_err(|_| whole("is no table of UTF-8 text"))?.clone();
    let mut lines = Vec::new();
    for (index, record) in table.records().enumerate() {
        let record = record.map_err(|_| fault(index + 2, "has another number of columns"))?;
        lines.push(Row { record, headers: &headers, number: index + 2 }.line(account)?);
    }
    if lines.is_empty() && !headers.iter().any(|name| name == "Psp Reference") {
        return Err(whole("lacks a column that this PSP's files have"));
    }
    Ok(lines)
}

struct Row<'a> {
    record: csv::StringRecord,
    headers: &'a csv::StringRecord,
    number: usize,
}

impl Row<'_> {
    fn text(&self, column: &str) -> Result<&str, StatementFault> {
        let place = self.headers.iter().position(|name| name == column);
        let value = place.and_then(|place| self.record.get(place));
        value.map(str::trim).ok_or(StatementFault {
            line: None,
            reason: "lacks a column that this PSP's files have",
        })
    }

    fn money(&self, column: &str, currency: Currency) -> Result<Option<Money>, StatementFault> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        let money = Money::parse_with_zero(text, currency);
        money.map(Some).map_err(|_| fault(self.number, "has an amount that cannot be read"))
    }

    fn currency(&self, column: &str) -> Result<Currency, StatementFault> {
        let code = self.text(column)?;
        code.parse().map_err(|_| fault(self.number, "is in a currency that is not known"))
    }

    /// The costs; none when they are in another currency than the booking.
    fn fee(&self, currency: Currency) -> Result<Option<Money>, StatementFault> {
        let net = self.currency("Net Currency")?;
        let mut sum = Money::new(0, net);
        for column in FEES {
            if let Some(fee) = self.money(column, net)? {
                let too_large = fault(self.number, "has an amount that cannot be read");
                sum = sum.checked_add(fee).ok_or(too_large)?;
            }
        }
        Ok((net == currency).then_some(sum))
    }

    fn line(&self, account: &str) -> Result<StatementLine, StatementFault> {
        if self.text("Merchant Account")? != account {
            return Err(fault(self.number, "is about another merchant account"));
        }
        let (kind, modified) = match self.text("Type")? {
            "Settled" => (StatementKind::Deposit, false),
            "Refunded" => (StatementKind::Refund, true),
            "Chargeback" | "SecondChargeback" => (StatementKind::Chargeback, false),
            "PaidOut" => (StatementKind::Payout, false),
            "PaidOutReversed" => (StatementKind::PayoutReturn, false),
            "Fee" | "MiscCosts" => (StatementKind::Fee, false),
            _ => return Err(fault(self.number, "is of a kind that is not known")),
        };
        // A refund is known by its own ids; the first two columns are those of the payment.
        let given = |own: &'static str, first: &'static str| {
            let own = if modified { self.text(own)? } else { "" };
            if own.is_empty() { self.text(first) } else { Ok(own) }
        };
        let psp_reference = given("Modification Reference", "Psp Reference")?.to_owned();
        let reference = given("Modification Merchant Reference", "Merchant Reference")?;
        if psp_reference.is_empty() && kind != StatementKind::Fee {
            return Err(fault(self.number, "names no payment"));
        }
        let currency = self.currency("Gross Currency")?;
        let debit = self.money("Gross Debit (GC)", currency)?;
        let money = match (debit, self.money("Gross Credit (GC)", currency)?) {
            (Some(money), None) | (None, Some(money)) => money,
            _ => return Err(fault(self.number, "is neither a debit nor a credit")),
        };
        Ok(StatementLine {
            kind,
            attempt: AttemptRef::parse(reference),
            psp_reference,
            money,
            fee: self.fee(currency)?,
            booked_at: day(self.text("Creation Date")?)
                .ok_or(fault(self.number, "has a date that cannot be read"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
