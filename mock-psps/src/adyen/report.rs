//! The settlement details report, with the standard columns of Adyen's page about it.
//!
//! Payouts stand in it as `PaidOut`. Adyen writes those of the Transfers API into a report of the balance
//! platform; one file for one account is what a mock can do for its merchant.

use crate::money;
use crate::statement::{File, Row};

const COLUMNS: [&str; 24] = [
    "Company Account",
    "Merchant Account",
    "Psp Reference",
    "Merchant Reference",
    "Payment Method",
    "Creation Date",
    "TimeZone",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Exchange Rate",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
    "Commission (NC)",
    "Markup (NC)",
    "Scheme Fees (NC)",
    "Interchange (NC)",
    "Payment Method Variant",
    "Modification Merchant Reference",
    "Batch Number",
    "Reserved4",
];

pub(super) fn settlement(merchant_account: &str, rows: &[Row]) -> File {
    let mut text = COLUMNS.join(",") + "\n";
    for row in rows {
        let decimals = money::decimals(&row.currency);
        let amount = |minor| money::format(minor, decimals);
        let (kind, comes_in) = match row.kind {
            "deposit" => ("Settled", true),
            "payout" => ("PaidOut", false),
            "payout_return" => ("PaidOutReversed", true),
            "chargeback" => ("Chargeback", false),
            _ => ("Refunded", false),
        };
        let (net, fee) = (row.amount_minor, row.fee_minor);
        let net = if comes_in { net - fee } else { net.saturating_add(fee) };
        let (gross, net) = (amount(row.amount_minor), amount(net));
        let sides = |value: String| {
            if comes_in { (String::new(), value) } else { (value, String::new()) }
        };
        let ((gross_debit, gross_credit), (net_debit, net_credit)) = (sides(gross), sides(net));
        let modified = kind == "Refunded" && !row.original.is_empty();
        let payment = if modified { &row.original } else { &row.reference };
        let fields = [
            "MockCompany",
            merchant_account,
            payment,
            if modified { "" } else { &row.client_reference },
            "visa",
            &format!("{} 12:00:00", row.date),
            "UTC",
            kind,
            &row.reference,
            &row.currency,
            &gross_debit,
            &gross_credit,
            "1",
            &row.currency,
            &net_debit,
            &net_credit,
            &amount(row.fee_minor),
            "",
            "",
            "",
            "visacredit",
            if modified { &row.client_reference } else { "" },
            "1",
            "",
        ];
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    File { content_type: "text/csv; charset=utf-8", text }
}
