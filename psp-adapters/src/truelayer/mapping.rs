//! TrueLayer's answers in our words.

use crate::payer::bank_account;
use crate::prelude::*;
use url::form_urlencoded::byte_serialize;

/// What a refusal of a request means that could have moved money. Definite by its documentation:
/// 400, 401, 403 and 422, but for the reuse of a key, which says that the first use may have counted. Only
/// a problem counts as a word of TrueLayer's.
fn refused(response: &HttpResponse) -> Stop {
    refused_by_word(response, &[400, 401, 403, 422], problem, |status, kind| match (status, kind) {
        (_, kind) if kind.contains("idempotency") => Err(Unknown::DuplicateReference),
        (401 | 403, _) => Ok(DeclineClass::Configuration),
        (_, "insufficient-funds") => Ok(DeclineClass::MerchantFunds),
        (_, _) => Ok(DeclineClass::Unsupported),
    })
}

/// The body of an answer to a creation, when it is one, with its id. Where it repeats the money, the money
/// must be what was asked for.
fn created(response: &HttpResponse, money: Money) -> Told<(Json, String)> {
    let body = good(response, &[200, 201, 202], refused)?;
    let id = need_id(&body, "id", path_word)?.to_owned();
    must_match(repeats(&body, "amount_in_minor", "currency", money))?;
    Ok((body, id))
}

/// `{id, resource_token}`: together they open the hosted page.
pub(super) fn payment_created(
    response: &HttpResponse,
    (deposit, hosted_page_url): &(DepositRequest, String),
) -> Told {
    let (body, id) = created(response, deposit.money)?;
    let token = body.given("resource_token").ok_or(Unknown::Unreadable)?;
    let [payment, token, back] = [&*id, token, &*deposit.return_url]
        .map(|text| byte_serialize(text.as_bytes()).collect::<String>());
    let url =
        format!("{hosted_page_url}#payment_id={payment}&resource_token={token}&return_uri={back}");
    Ok(Report::new(&*id, Status::next(NextAction::Redirect { url }, None)))
}

/// A payout's or a refund's `{id}`.
pub(super) fn outgoing_created(response: &HttpResponse, money: &Money) -> Told {
    let (_, id) = created(response, *money)?;
    Ok(Report::new(&*id, Status::ACCEPTED))
}

/// Accepted for cancelling: a success that was quicker still arrives, and is adopted.
pub(super) fn payment_cancelled(response: &HttpResponse, id: &String) -> Told {
    let problem = || Json::parse(&response.body).as_ref().and_then(problem);
    match response.status {
        200 | 202 | 204 => Ok(Report::new(&**id, Status::Cancelled)),
        404 if problem().is_some() => Err(Outcome::NotFound.into()),
        status => Err(undecided(status).into()),
    }
}

/// The answer of a GET by id.
pub(super) fn inquiry_answer(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    let id = inquiry.by.id();
    let body = found(response, |body| problem(body).is_some())?;
    let reference = body.str("metadata/reference");
    let ours = inquiry.attempt.lower();
    must_match(body.str("id") == Some(id) && reference.is_none_or(|it| it == ours))?;
    let told = named_money(&body).ok_or(Unknown::Mismatch)?;
    // Money that arrived is handed up as it arrived, taken back or not, when the answer names our reference:
    // whose it is and where it goes is not the adapter's to say. Any other answer about other money is none.
    let arrived = reference.is_some() && has_arrived(&body, told, inquiry.subject);
    must_match(told == inquiry.money || arrived)?;
    let status = match inquiry.subject {
        Subject::Deposit => payment_status(&body, told),
        Subject::Payout | Subject::Return => outgoing_status(&body, told),
    };
    let payer = body.get("payment_source").map(payer);
    Ok(Report { payer, ..Report::new(id, status.ok_or(Unknown::UnlistedCode)?) })
}

fn has_arrived(body: &Json, money: Money, subject: Subject) -> bool {
    let deposit = subject == Subject::Deposit;
    deposit && payment_status(body, money).is_some_and(|status| status.tells_what_arrived())
}

fn payment_status(body: &Json, money: Money) -> Option<Status> {
    Some(match body.str("status")? {
        "authorization_required" => Status::ACCEPTED,
        "authorizing" | "authorized" => Status::Pending,
        "executed" if body.given("creditable_at").is_some() => Status::Succeeded { money },
        "executed" => Status::Pending,
        "settled" if body.given("reversed_at").is_some() => Status::Reversed { money },
        "settled" => Status::Succeeded { money },
        "failed" => payment_failure(&failure_reason(body)),
        _ => return None,
    })
}

fn outgoing_status(body: &Json, money: Money) -> Option<Status> {
    let reason = failure_reason(body);
    let was_executed = body.str("executed_at").is_some();
    Some(match body.str("status")? {
        "pending" => Status::ACCEPTED,
        "authorized" => Status::Pending,
        // Some versions leave a returned payout in this state and only name the reason.
        "executed" if reason == "returned" => Status::Returned { money },
        "executed" => Status::Succeeded { money },
        "failed" if was_executed || reason == "returned" => Status::Returned { money },
        "failed" => Status::Declined(payout_failure(&reason)),
        _ => return None,
    })
}

pub(super) fn failure_reason(body: &Json) -> String {
    body.word("failure_reason").unwrap_or_else(|| "unknown".to_owned())
}

/// Why a payment failed.
pub(super) fn payment_failure(reason: &str) -> Status {
    let class = match reason {
        "canceled" | "user_canceled_at_provider" => return Status::Cancelled,
        "expired" => return Status::Expired,
        "authorization_failed"
        | "insufficient_funds"
        | "not_authorized"
        | "invalid_credentials"
        | "invalid_otp"
        | "verification_declined"
        | "rejected"
        | "provider_rejected" => DeclineClass::PlayerFixable,
        "payment_limit_exceeded" | "payment_limit_not_met" => DeclineClass::Limit,
        "invalid_account_details"
        | "invalid_account_holder_details"
        | "invalid_sort_code"
        | "invalid_remitter_account" => DeclineClass::AccountInvalid,
        "blocked" => DeclineClass::Compliance,
        "constraint_violation" | "scheme_unavailable" => DeclineClass::Unsupported,
        _ => DeclineClass::PspFault,
    };
    Status::declined(class, reason)
}

/// Why a payout failed. "The payout amount has not been deducted": final for the reasons that lie before
/// any scheme, from TrueLayer's page on payout statuses.
pub(super) fn payout_failure(reason: &str) -> Decline {
    let (class, retry_elsewhere, irreversible) = match reason {
        "insufficient_funds" => (DeclineClass::MerchantFunds, true, true),
        "blocked" => (DeclineClass::Compliance, false, true),
        "invalid_iban" | "invalid_scan" | "scan_conversion" => {
            (DeclineClass::AccountInvalid, false, true)
        }
        _ => (DeclineClass::PspFault, true, false),
    };
    Decline { class, code: reason.to_owned(), retry_elsewhere, irreversible }
}

/// `payment_source` (or a `remitter`): who paid, and the token that pays the same source back.
pub(super) fn payer(source: &Json) -> PayerProof {
    let holder_name = source.word("account_holder_name");
    let holder = || holder_name.clone().unwrap_or_default();
    let of_type = |kind: &str| {
        source.list("account_identifiers").iter().find(|it| it.str("type") == Some(kind))
    };
    let uk = of_type("sort_code_account_number").and_then(|account| {
        Some(Portable::UkAccount {
            sort_code: account.str("sort_code")?.to_owned(),
            account_number: account.str("account_number")?.to_owned(),
            holder_name: holder(),
        })
    });
    let iban = || {
        let iban = of_type("iban")?.str("iban")?.to_owned();
        Some(Portable::Iban { iban, holder_name: holder() })
    };
    let portable = uk.or_else(iban);
    PayerProof { token: source.word("id"), ..bank_account(holder_name, portable) }
}

/// The money that an event names, where it names any.
pub(super) fn named_money(body: &Json) -> Option<Money> {
    body.minor("amount_in_minor", "currency").filter(|money| 0 < money.minor)
}
