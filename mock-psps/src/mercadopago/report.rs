//! The account money report (`settlement_report`), with the columns of its glossary that matter here.

use crate::money;
use crate::statement::{File, Row};

const HEADER: &str = "EXTERNAL_REFERENCE,SOURCE_ID,PAYMENT_METHOD_TYPE,PAYMENT_METHOD,\
    TRANSACTION_TYPE,TRANSACTION_AMOUNT,TRANSACTION_CURRENCY,TRANSACTION_DATE,FEE_AMOUNT,\
    SETTLEMENT_NET_AMOUNT,SETTLEMENT_CURRENCY,SETTLEMENT_DATE\n";

/// Money out stands with a minus, and so do costs.
pub(super) fn account_money(rows: &[Row]) -> File {
    let mut text = HEADER.to_owned();
    for row in rows {
        let decimals = money::decimals(&row.currency);
        let (kind, sign) = match row.kind {
            "deposit" => ("SETTLEMENT", 1),
            "payout" => ("PAYOUTS", -1),
            "payout_return" => ("PAYOUTS", 1),
            "chargeback" => ("CHARGEBACK", -1),
            _ => ("REFUND", -1),
        };
        let amount = row.amount_minor * sign;
        let at = format!("{}T12:00:00.000-03:00", row.date);
        let fields = [
            &row.client_reference,
            &row.reference,
            "bank_transfer",
            "pix",
            kind,
            &money::format(amount, decimals),
            &row.currency,
            &at,
            &money::format(-row.fee_minor, decimals),
            &money::format(amount.saturating_sub(row.fee_minor), decimals),
            &row.currency,
            &at,
        ];
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    File { content_type: "text/csv; charset=utf-8", text }
}
