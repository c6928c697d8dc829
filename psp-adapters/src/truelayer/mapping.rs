//! TrueLayer's answers in our words.

use crate::json::Json;
use psp_contract::{
    Currency, Decline, DeclineClass, HttpResponse, Inquiry, Money, NextAction, Outcome, PayerProof,
    Portable, Report, Status, Subject, Unknown,
};
use url::form_urlencoded::byte_serialize;

fn reported(id: &str, status: Status) -> Outcome {
    Outcome::Reported(Report {
        psp_reference: Some(id.to_owned()),
        status,
        payer: None,
        attempt: None,
    })
}

const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };

/// The last part of a problem's `type`, `"invalid-parameters"` (RFC 7807). Only a problem counts as a word
/// of TrueLayer's: anything else comes from something in between.
fn problem(response: &HttpResponse) -> Option<String> {
    let body = Json::parse(&response.body)?;
    let kind = body.str("type")?;
    Some(kind.rsplit(['#', '/']).next().unwrap_or(kind).to_owned())
}

/// What a refusal of a request means that could have moved money. Definite by `reference/psps.md` §3.3:
/// 400, 401, 403 and 422, but for the reuse of a key, which says that the first use may have counted.
fn refused(response: &HttpResponse) -> Outcome {
    let status = response.status;
    Outcome::Unknown(match status {
        400 | 401 | 403 | 422 => match problem(response) {
            Some(kind) if kind.contains("idempotency") => Unknown::DuplicateReference,
            Some(kind) => {
                let class = match (status, kind.as_str()) {
                    (401 | 403, _) => DeclineClass::Configuration,
                    (_, "insufficient-funds") => DeclineClass::MerchantFunds,
                    (_, _) => DeclineClass::Unsupported,
                };
                let decline =
                    Decline { class, code: kind, retry_elsewhere: true, irreversible: false };
                let status = Status::Declined(decline);
                return Outcome::Reported(Report {
                    psp_reference: None,
                    status,
                    payer: None,
                    attempt: None,
                });
            }
            None => Unknown::Unreadable,
        },
        _ => undecided(status),
    })
}

/// Statuses that say nothing definite.
const fn undecided(status: u16) -> Unknown {
    match status {
        409 => Unknown::PspUndecided,
        423 | 429 => Unknown::Throttled,
        500..=599 => Unknown::ServerError,
        _ => Unknown::UnlistedCode,
    }
}

/// The body of an answer to a creation, when it is one, with its id. Where it repeats the money, the money
/// must be what was asked for.
fn created(response: &HttpResponse, money: Money) -> Result<(Json, String), Box<Outcome>> {
    if !matches!(response.status, 200..=202) {
        return Err(Box::new(refused(response)));
    }
    let unreadable = || Box::new(Outcome::Unknown(Unknown::Unreadable));
    let body = Json::parse(&response.body).ok_or_else(unreadable)?;
    let id = body.str("id").filter(|id| super::wire::path_id(id).is_some());
    let id = id.ok_or_else(unreadable)?.to_owned();
    let other_amount = body
        .get("amount_in_minor")
        .is_some_and(|_| body.int("amount_in_minor") != Some(money.minor));
    let other_currency =
        body.get("currency").is_some_and(|_| body.str("currency") != Some(money.currency.code()));
    if other_amount || other_currency {
        return Err(Box::new(Outcome::Unknown(Unknown::Mismatch)));
    }
    Ok((body, id))
}

/// `{id, resource_token}`: together they open the hosted page.
pub(super) fn payment_created(
    response: &HttpResponse,
    money: Money,
    hosted_page_url: &str,
    return_url: &str,
) -> Outcome {
    let (body, id) = match created(response, money) {
        Ok(created) => created,
        Err(outcome) => return *outcome,
    };
    let Some(token) = body.str("resource_token").filter(|token| !token.is_empty()) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let url = format!(
        "{hosted_page_url}#payment_id={}&resource_token={}&return_uri={}",
        escaped(&id),
        escaped(token),
        escaped(return_url)
    );
    let next_action = Some(NextAction::Redirect { url });
    reported(&id, Status::Accepted { next_action, expires_at: None })
}

/// A payout's or a refund's `{id}`.
pub(super) fn outgoing_created(response: &HttpResponse, money: Money) -> Outcome {
    match created(response, money) {
        Ok((_, id)) => reported(&id, ACCEPTED),
        Err(outcome) => *outcome,
    }
}

/// Accepted for cancelling: a success that was quicker still arrives, and is adopted.
pub(super) fn payment_cancelled(response: &HttpResponse, id: &str) -> Outcome {
    match response.status {
        200 | 202 | 204 => reported(id, Status::Cancelled),
        404 if problem(response).is_some() => Outcome::NotFound,
        status => Outcome::Unknown(undecided(status)),
    }
}

/// The answer of a GET by id. A refused question says nothing about the payment.
pub(super) fn inquiry_answer(response: &HttpResponse, inquiry: &Inquiry, id: &str) -> Outcome {
    match response.status {
        200 => {}
        404 if problem(response).is_some() => return Outcome::NotFound,
        404 => return Outcome::Unknown(Unknown::Unreadable),
        status => return Outcome::Unknown(undecided(status)),
    }
    let Some(body) = Json::parse(&response.body) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let reference = body.get("metadata").and_then(|metadata| metadata.str("reference"));
    let ours = inquiry.attempt.lower();
    if body.str("id") != Some(id) || reference.is_some_and(|reference| reference != ours) {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    let told = match named_money(&body) {
        Some(money) if money == inquiry.money => money,
        // Money that arrived is handed up as it arrived, when the answer names our reference: whose
        // it is and where it goes is not the adapter's to say. Any other answer about other money is
        // none.
        Some(money) if reference.is_some() && has_arrived(&body, money, inquiry.subject) => money,
        _ => return Outcome::Unknown(Unknown::Mismatch),
    };
    let status = match inquiry.subject {
        Subject::Deposit => payment_status(&body, told),
        Subject::Payout | Subject::Return => outgoing_status(&body, told),
    };
    match status {
        Some(status) => Outcome::Reported(Report {
            psp_reference: Some(id.to_owned()),
            status,
            payer: body.get("payment_source").map(payer),
            attempt: None,
        }),
        None => Outcome::Unknown(Unknown::UnlistedCode),
    }
}

fn has_arrived(body: &Json, money: Money, subject: Subject) -> bool {
    let deposit = subject == Subject::Deposit;
    deposit && matches!(payment_status(body, money), Some(Status::Succeeded { .. }))
}

fn payment_status(body: &Json, money: Money) -> Option<Status> {
    let stamped = |key| body.str(key).is_some_and(|at| !at.is_empty());
    Some(match body.str("status")? {
        "authorization_required" => ACCEPTED,
        "authorizing" | "authorized" => Status::Pending,
        "executed" if stamped("creditable_at") => Status::Succeeded { money },
        "executed" => Status::Pending,
        "settled" if stamped("reversed_at") => Status::Reversed { money },
        "settled" => Status::Succeeded { money },
        "failed" => payment_failure(&failure_reason(body)),
        _ => return None,
    })
}

fn outgoing_status(body: &Json, money: Money) -> Option<Status> {
    let reason = failure_reason(body);
    let was_executed = body.str("executed_at").is_some();
    Some(match body.str("status")? {
        "pending" => ACCEPTED,
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
        | "verification_declined" => DeclineClass::PlayerFixable,
        "payment_limit_exceeded" | "payment_limit_not_met" => DeclineClass::Limit,
        "invalid_account_details"
        | "invalid_account_holder_details"
        | "invalid_sort_code"
        | "invalid_remitter_account" => DeclineClass::AccountInvalid,
        "blocked" => DeclineClass::Compliance,
        "constraint_violation" | "scheme_unavailable" => DeclineClass::Unsupported,
        "rejected" | "provider_rejected" => DeclineClass::PlayerFixable,
        _ => DeclineClass::PspFault,
    };
    Status::Declined(Decline {
        class,
        code: reason.to_owned(),
        retry_elsewhere: class != DeclineClass::Compliance,
        irreversible: false,
    })
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
    let identifiers = source.get("account_identifiers").and_then(Json::items).unwrap_or_default();
    let of_type = |kind: &str| identifiers.iter().find(|it| it.str("type") == Some(kind));
    let holder = || holder_name.clone().unwrap_or_default();
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
    let masked = portable.as_ref().and_then(|portable| match portable {
        Portable::Iban { iban, .. } => {
            Some(format!("{}** **** {}", iban.get(..2)?, iban.get(iban.len().checked_sub(4)?..)?))
        }
        Portable::UkAccount { account_number: number, .. } => {
            Some(format!("**** {}", number.get(number.len().checked_sub(4)?..)?))
        }
        _ => None,
    });
    PayerProof { holder_name, tax_id: None, portable, token: source.word("id"), masked }
}

/// The money that an event names, where it names any.
pub(super) fn named_money(body: &Json) -> Option<Money> {
    let currency: Currency = body.str("currency")?.parse().ok()?;
    body.int("amount_in_minor").filter(|minor| 0 < *minor).map(|minor| Money::new(minor, currency))
}
