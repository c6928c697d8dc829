//! Trustly's answers in our words.

use super::wire::Refusal;
use crate::prelude::*;

/// Trustly's definite refusals: nothing was accepted. Numbers and names from its page "Error messages";
/// which of them are definite follows from what it says there of each. None for everything else.
fn definite(code: &str) -> Option<Decline> {
    let class = match code {
        // FUNCTION_ACCESS_DENIED, HOST_ACCESS_DENIED, INVALID_CREDENTIALS, the two about our signature.
        "602" | "607" | "616" | "636" | "639" => DeclineClass::Configuration,
        "615" => DeclineClass::Limit,
        "622" | "623" => DeclineClass::Unsupported,
        // ENDUSER_IS_BLOCKED: not something to shop around with.
        "638" => DeclineClass::Compliance,
        _ => return None,
    };
    Some(Decline::new(class, code))
}

fn undecided(code: &str) -> Unknown {
    match code {
        "620" => Unknown::PspUndecided,
        "637" => Unknown::DuplicateReference,
        _ => Unknown::UnlistedCode,
    }
}

/// A request that could move money was answered by an error, or by nothing that counts.
pub(super) fn refused(refusal: &Refusal) -> Stop {
    match refusal {
        Refusal::Nothing(why) => (*why).into(),
        Refusal::Error(code) => definite(code).map_or(undecided(code).into(), Stop::from),
    }
}

/// The registration before a payout failed. The payout was never sent, whatever this was.
pub(super) fn registration_refused(refusal: &Refusal) -> Stop {
    match refusal {
        Refusal::Error(code) if definite(code).is_some() => refused(refusal),
        _ => NotSent::PreparationFailed.into(),
    }
}

/// A refused question says nothing about the payment.
pub(super) fn inquiry_refused(refusal: &Refusal) -> Stop {
    match refusal {
        Refusal::Nothing(why) => (*why).into(),
        Refusal::Error(code) => undecided(code).into(),
    }
}

/// `{orderid, url}`: the payer is sent to the URL.
pub(super) fn deposit_answer(data: &Json, base_url: &str) -> Told {
    let (order, page) = (data.need_word("orderid")?, redirect(data.str("url"), base_url)?);
    Ok(Report::new(&*order, Status::next(page, None)))
}

/// `{orderid, result: "1"}`.
pub(super) fn payout_answer(data: &Json) -> Told {
    match (data.word("orderid"), &*data.need_word("result")?) {
        (Some(order), "1") => Ok(Report::new(&*order, Status::ACCEPTED)),
        _ => Err(Unknown::PspUndecided.into()),
    }
}

/// As a payout's, and about the deposit's order.
pub(super) fn refund_answer(data: &Json, deposit_order: &str) -> Told {
    must_match(data.need_word("orderid")? == deposit_order)?;
    payout_answer(data)
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
    let currency = data.currency("currency")?;
    match amount(&data.word("amount")?, currency)? {
        (money, false) => Some(money),
        (_, true) => None,
    }
}

/// How much earlier than our sending Trustly may date a transfer: its clock is not ours.
const CLOCKS_DIFFER: time::Duration = time::Duration::minutes(5);
/// So much earlier it may be without any doubt: less than two people take for two refunds.
const CLOCKS_AGREE: time::Duration = time::Duration::seconds(5);

/// `GetWithdrawals`: one row a transfer of the order. A deposit's order lists its refunds, of which one that
/// was sent before this one says nothing of it, though it be of the same amount; one that is dated a little
/// before our sending may be that one, or this one by another clock.
pub(super) fn withdrawals_answer(data: &Json, inquiry: &Inquiry, order: &str) -> Told {
    let rows = data.items().ok_or(Unknown::Unreadable)?;
    must_match(rows.iter().all(|row| row.word("orderid").as_deref() == Some(order)))?;
    let is_return = inquiry.subject == Subject::Return;
    let (mut ours, mut is_doubtful) = (Vec::new(), false);
    for row in rows.iter().filter(|row| money(row) == Some(inquiry.money)) {
        let sent_at = row.str("datestamp").and_then(timestamp);
        let early = match is_return {
            true => inquiry.first_sent_at - sent_at.ok_or(Unknown::Unreadable)?,
            false => time::Duration::ZERO,
        };
        if early <= CLOCKS_AGREE {
            ours.push(row);
        }
        is_doubtful |= CLOCKS_AGREE < early && early <= CLOCKS_DIFFER;
    }
    let mut ours = ours.into_iter();
    let Some(row) = ours.next() else {
        if is_doubtful {
            return Err(Unknown::PspUndecided.into());
        }
        must_match(rows.is_empty() || is_return)?;
        return Err(Outcome::NotFound.into());
    };
    let state = row.str("transferstate");
    if ours.any(|other| other.str("transferstate") != state) {
        return Err(Unknown::PspUndecided.into());
    }
    let status = state.and_then(|state| transfer_status(state, inquiry.money));
    Ok(Report::new(order, status.ok_or(Unknown::UnlistedCode)?))
}

/// Only `CONFIRMED` says that the bank has it; `EXECUTED` is Trustly's own word.
fn transfer_status(state: &str, money: Money) -> Option<Status> {
    Some(match state {
        "CONFIRMED" => Status::Succeeded { money },
        "PENDING" | "QUEUED" | "PREPARING" | "PREPARED" | "EXECUTING" | "EXECUTED" | "PAUSED" => {
            Status::Pending
        }
        "FAILED" | "ERROR" => Status::declined(DeclineClass::PspFault, state),
        "RETURNED" | "BOUNCED" => Status::Returned { money },
        _ => return None,
    })
}

/// The ledger's rows of our MessageID that are about the payer's money. Trustly books its own fee of an
/// order in a row beside it, under the same MessageID.
fn rows_of<'a>(data: &'a Json, inquiry: &Inquiry) -> Told<Vec<&'a Json>> {
    let rows = data.items().ok_or(Unknown::Unreadable)?;
    let reference = inquiry.attempt.lower();
    let is_fee = |row: &Json| {
        row.str("accountname").is_some_and(|account| account.starts_with("TRANSACTION_FEE_"))
    };
    let ours = rows.iter().filter(|row| row.word("messageid").as_deref() == Some(&reference));
    let ours: Vec<_> = ours.filter(|row| !is_fee(row)).collect();
    if ours.is_empty() { Err(Outcome::NotFound.into()) } else { Ok(ours) }
}

/// `AccountLedger`, searched for our MessageID. It proves that the payout was accepted and gives its order
/// id; what became of it, `GetWithdrawals` tells.
pub(super) fn ledger_answer(data: &Json, inquiry: &Inquiry) -> Told {
    let ours = rows_of(data, inquiry)?;
    let order = ours[0].word("orderid").ok_or(Unknown::Mismatch)?;
    let one_order = ours.iter().all(|row| row.word("orderid").as_ref() == Some(&order));
    let currency = inquiry.money.currency;
    let asked_amount = ours.iter().any(|row| {
        let told = row.word("amount").and_then(|text| amount(&text, currency));
        row.currency("currency") == Some(currency) && told == Some((inquiry.money, true))
    });
    must_match(one_order && asked_amount)?;
    Ok(Report::new(&*order, Status::ACCEPTED))
}

/// `AccountLedger`, searched for a deposit's MessageID: one row of money that came, and none that took it
/// back, is its success. A row back is a refund or a reversal, which only a notification tells apart.
pub(super) fn deposit_in_ledger(data: &Json, inquiry: &Inquiry) -> Told {
    let ours = rows_of(data, inquiry)?;
    must_match(ours.len() == 1)?;
    let money = money(ours[0]).ok_or(Unknown::Unreadable)?;
    Ok(Report::new(&*ours[0].need_word("orderid")?, Status::Succeeded { money }))
}

/// `2010-01-20 14:42:04.675645+01`: RFC 3339 but for the blank and the missing minutes of the offset.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(' ')?;
    let whole_hours = time.rfind(['+', '-']).is_some_and(|at| time.len() - at == 3);
    let minutes = if whole_hours { ":00" } else { "" };
    let text = format!("{date}T{time}{minutes}");
    let at = Timestamp::parse(&text, &Rfc3339).ok()?;
    Some(at.to_offset(time::UtcOffset::UTC))
}

/// Why a payout failed, by the `errorcode` of `payoutfailed`. The codes are words, and Trustly lists none
/// as final, so none is irreversible; the money itself comes back by a `credit`.
pub(super) fn payout_failure(code: &str) -> Status {
    let account = ["account", "iban", "bank_number", "beneficiary"];
    let class = if account.iter().any(|word| code.contains(word)) {
        DeclineClass::AccountInvalid
    } else {
        DeclineClass::PspFault
    };
    Status::Declined(decline(class, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trustlys_time_stamps_are_read() {
        let at = timestamp("2010-01-20 14:42:04.675645+01").expect("a documented time stamp");
        assert_eq!(at.unix_timestamp_nanos(), 1_263_994_924_675_645_000);
        assert_eq!(timestamp("2010-01-20 13:42:04.675645+00:00"), Some(at));
        assert_eq!(timestamp("2010-01-20"), None);
    }

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
