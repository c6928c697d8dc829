//! Trustly's answers in our words.

use super::wire::Refusal;
use crate::json::Json;
use psp_contract::{
    Currency, Decline, DeclineClass, Inquiry, Money, NextAction, NotSent, Outcome, Report, Status,
    Subject, Unknown,
};

/// Trustly's definite refusals: nothing was accepted. Numbers and names from its page "Error messages";
/// which of them are definite, from `reference/psps.md` §3.1. None for everything else.
fn definite(code: &str) -> Option<Decline> {
    let (class, retry_elsewhere) = match code {
        // FUNCTION_ACCESS_DENIED, HOST_ACCESS_DENIED, INVALID_CREDENTIALS, the two about our signature.
        "602" | "607" | "616" | "636" | "639" => (DeclineClass::Configuration, true),
        "615" => (DeclineClass::Limit, true),
        "622" | "623" => (DeclineClass::Unsupported, true),
        // ENDUSER_IS_BLOCKED: not something to shop around with.
        "638" => (DeclineClass::Compliance, false),
        _ => return None,
    };
    Some(Decline { class, code: code.to_owned(), retry_elsewhere, irreversible: false })
}

fn reported(psp_reference: Option<String>, status: Status) -> Outcome {
    Outcome::Reported(Report { psp_reference, status, payer: None, attempt: None })
}

const fn undecided(code: &str) -> Unknown {
    match code.as_bytes() {
        b"620" => Unknown::PspUndecided,
        b"637" => Unknown::DuplicateReference,
        _ => Unknown::UnlistedCode,
    }
}

/// A request that could move money was answered by an error, or by nothing that counts.
pub(super) fn refused(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Nothing(why) => Outcome::Unknown(*why),
        Refusal::Error(code) => match definite(code) {
            Some(decline) => reported(None, Status::Declined(decline)),
            None => Outcome::Unknown(undecided(code)),
        },
    }
}

/// The registration before a payout failed. The payout was never sent, whatever this was.
pub(super) fn registration_refused(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Error(code) if definite(code).is_some() => refused(refusal),
        _ => Outcome::NotSent(NotSent::PreparationFailed),
    }
}

/// A refused question says nothing about the payment.
pub(super) fn inquiry_refused(refusal: &Refusal) -> Outcome {
    Outcome::Unknown(match refusal {
        Refusal::Nothing(why) => *why,
        Refusal::Error(code) => undecided(code),
    })
}

const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };

/// `{orderid, url}`: the payer is sent to the URL.
pub(super) fn deposit_answer(data: &Json, plain_http: bool) -> Outcome {
    let (Some(order), Some(url)) = (data.word("orderid"), data.str("url")) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let scheme = url::Url::parse(url).map(|url| url.scheme().to_owned());
    let fit = scheme.is_ok_and(|scheme| scheme == "https" || (plain_http && scheme == "http"));
    if !fit {
        return Outcome::Unknown(Unknown::Unreadable);
    }
    let next_action = Some(NextAction::Redirect { url: url.to_owned() });
    reported(Some(order), Status::Accepted { next_action, expires_at: None })
}

/// `{orderid, result: "1"}`.
pub(super) fn payout_answer(data: &Json) -> Outcome {
    match (data.word("orderid"), data.word("result").as_deref()) {
        (Some(order), Some("1")) => reported(Some(order), ACCEPTED),
        (_, Some(_)) => Outcome::Unknown(Unknown::PspUndecided),
        (_, None) => Outcome::Unknown(Unknown::Unreadable),
    }
}

/// As a payout's, and about the deposit's order.
pub(super) fn refund_answer(data: &Json, deposit_order: &str) -> Outcome {
    match data.word("orderid") {
        Some(order) if order == deposit_order => payout_answer(data),
        Some(_) => Outcome::Unknown(Unknown::Mismatch),
        None => Outcome::Unknown(Unknown::Unreadable),
    }
}

/// Reads an amount as Trustly writes them: `"902.50"`, `"11"`, and `"5.00000000000000000000"` in ledgers.
/// The flag tells whether it was negative.
pub(super) fn amount(text: &str, currency: Currency) -> Option<(Money, bool)> {
    let (text, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let text = match text.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" if !fraction.is_empty() => whole.to_owned(),
            significant => format!("{whole}.{significant}"),
        },
        None => text.to_owned(),
    };
    Some((Money::parse(&text, currency).ok()?, negative))
}

/// The positive money in `amount` and `currency`.
pub(super) fn money(data: &Json) -> Option<Money> {
    let currency = data.str("currency")?.parse().ok()?;
    match amount(&data.word("amount")?, currency)? {
        (money, false) => Some(money),
        (_, true) => None,
    }
}

/// `GetWithdrawals`: one row a transfer of the order. A deposit's order lists its refunds.
pub(super) fn withdrawals_answer(data: &Json, inquiry: &Inquiry, order: &str) -> Outcome {
    let Some(rows) = data.items() else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    if rows.iter().any(|row| row.word("orderid").as_deref() != Some(order)) {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    let mut ours = rows.iter().filter(|row| money(row) == Some(inquiry.money));
    let Some(row) = ours.next() else {
        let other_refunds = inquiry.subject == Subject::Return;
        return if rows.is_empty() || other_refunds {
            Outcome::NotFound
        } else {
            Outcome::Unknown(Unknown::Mismatch)
        };
    };
    let state = row.str("transferstate");
    if ours.any(|other| other.str("transferstate") != state) {
        return Outcome::Unknown(Unknown::PspUndecided);
    }
    match state.and_then(|state| transfer_status(state, inquiry.money)) {
        Some(status) => reported(Some(order.to_owned()), status),
        None => Outcome::Unknown(Unknown::UnlistedCode),
    }
}

/// Only `CONFIRMED` says that the bank has it; `EXECUTED` is Trustly's own word.
fn transfer_status(state: &str, money: Money) -> Option<Status> {
    Some(match state {
        "CONFIRMED" => Status::Succeeded { money },
        "PENDING" | "QUEUED" | "PREPARING" | "PREPARED" | "EXECUTING" | "EXECUTED" | "PAUSED" => {
            Status::Pending
        }
        "FAILED" | "ERROR" => Status::Declined(Decline {
            class: DeclineClass::PspFault,
            code: state.to_owned(),
            retry_elsewhere: true,
            irreversible: false,
        }),
        "RETURNED" | "BOUNCED" => Status::Returned { money },
        _ => return None,
    })
}

/// `AccountLedger`, searched for our MessageID. It proves that the payout was accepted and gives its order
/// id; what became of it, `GetWithdrawals` tells.
pub(super) fn ledger_answer(data: &Json, inquiry: &Inquiry) -> Outcome {
    let Some(rows) = data.items() else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let reference = inquiry.attempt.lower();
    let ours: Vec<_> =
        rows.iter().filter(|row| row.word("messageid").as_deref() == Some(&reference)).collect();
    let Some(order) = ours.first().map(|row| row.word("orderid")) else {
        return Outcome::NotFound;
    };
    let one_order = ours.iter().all(|row| row.word("orderid") == order);
    let asked_amount = ours.iter().any(|row| {
        row.str("currency") == Some(inquiry.money.currency.code())
            && row.word("amount").and_then(|text| amount(&text, inquiry.money.currency))
                == Some((inquiry.money, true))
    });
    match order {
        Some(order) if one_order && asked_amount => reported(Some(order), ACCEPTED),
        _ => Outcome::Unknown(Unknown::Mismatch),
    }
}

/// `AccountLedger`, searched for a deposit's MessageID: one row of money that came, and none that took it
/// back, is its success. A row back is a refund or a reversal, which only a notification tells apart.
pub(super) fn deposit_in_ledger(data: &Json, inquiry: &Inquiry) -> Outcome {
    let Some(rows) = data.items() else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let reference = inquiry.attempt.lower();
    let mut ours = rows.iter().filter(|row| row.word("messageid").as_deref() == Some(&reference));
    let Some(row) = ours.next() else {
        return Outcome::NotFound;
    };
    if ours.next().is_some() {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    match (row.word("orderid"), money(row)) {
        (Some(order), Some(money)) => reported(Some(order), Status::Succeeded { money }),
        _ => Outcome::Unknown(Unknown::Unreadable),
    }
}

/// Why a payout failed, by the `errorcode` of `payoutfailed`. The codes are words, and Trustly lists none
/// as final, so none is irreversible; the money itself comes back by a `credit`.
pub(super) fn payout_failure(code: &str) -> Decline {
    let account = ["account", "iban", "bank_number", "beneficiary"];
    let class = if account.iter().any(|word| code.contains(word)) {
        DeclineClass::AccountInvalid
    } else {
        DeclineClass::PspFault
    };
    Decline {
        class,
        code: code.to_owned(),
        retry_elsewhere: class != DeclineClass::AccountInvalid,
        irreversible: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_trustly_writes_them() {
        let eur = |minor| Some((Money::new(minor, Currency::EUR), false));
        assert_eq!(amount("902.50", Currency::EUR), eur(90_250));
        assert_eq!(amount("11", Currency::EUR), eur(1_100));
        assert_eq!(amount("5.00000000000000000000", Currency::EUR), eur(500));
        let negative = Some((Money::new(301, Currency::EUR), true));
        assert_eq!(amount("-3.01", Currency::EUR), negative);
        for text in ["", "-", "1.001", "0.00", "1.", "--1", "1e2", "1,00"] {
            assert_eq!(amount(text, Currency::EUR), None, "{text}");
        }
    }
}
