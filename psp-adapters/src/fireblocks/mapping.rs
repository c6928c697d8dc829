//! Fireblocks' answers in our words.

use super::Fireblocks;
use super::webhook::arrived;
use crate::coins::{Coin, report_of};
use crate::prelude::*;

/// What an error says.
pub enum Refusal {
    /// A documented code: nothing was done, by Fireblocks' word alone.
    Definite(Decline),
    /// The asset is in the vault account already.
    AssetExists,
    Nothing(Unknown),
}

impl From<Unknown> for Refusal {
    fn from(why: Unknown) -> Self {
        Refusal::Nothing(why)
    }
}

/// The refusal of a step towards an address, which moves nothing.
impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Definite(decline) => decline.into(),
            Refusal::AssetExists => Unknown::PspUndecided.into(),
            Refusal::Nothing(why) => why.into(),
        }
    }
}

/// `{message, code}`. Documented codes: below zero for a token that is refused (401) and a user that may
/// not (403), four digits from 1000 for everything that a 4xx says of a request (page "API responses and
/// error codes"). 1438 and a burnt idempotency key say that the first use may have counted.
fn refusal(response: &HttpResponse) -> Refusal {
    let Some(body) = Json::parse(&response.body) else {
        return Refusal::Nothing(match undecided(response.status) {
            Unknown::UnlistedCode => Unknown::Unreadable,
            why => why,
        });
    };
    let unknown = Refusal::Nothing(undecided(response.status));
    let (Some(code), Some(message)) = (body.int("code"), body.str("message")) else {
        return unknown;
    };
    let message = message.to_ascii_lowercase();
    let class = match (response.status, code) {
        (400..=422, 1438) => return Unknown::DuplicateReference.into(),
        (400, _) if message.contains("idempotency key") => {
            return Unknown::DuplicateReference.into();
        }
        (400, 1026) => return Refusal::AssetExists,
        (401 | 403, -12..=-1) => DeclineClass::Configuration,
        (400 | 404 | 422, 1000..=1999) if message.contains("address") => {
            DeclineClass::AccountInvalid
        }
        (400 | 404 | 422, 1000..=1999) => DeclineClass::Unsupported,
        _ => return unknown,
    };
    Refusal::Definite(decline(class, &code.to_string()))
}

/// Whether Fireblocks itself says that it does not let this caller in.
pub(super) fn is_locked_out(response: &HttpResponse) -> bool {
    matches!(response.status, 401 | 403) && matches!(refusal(response), Refusal::Definite(_))
}

/// The body of an answer that is none of the errors. Of an asset that was added: `{id, address, tag}`.
pub(super) fn body(response: &HttpResponse) -> Result<Json, Refusal> {
    if !matches!(response.status, 200 | 201) {
        return Err(refusal(response));
    }
    Ok(json(response)?)
}

/// The player's vault account and whether it holds the asset. Of several with the same name the first one
/// made.
pub(super) fn vault_found(
    response: &HttpResponse,
    name: &str,
    coin: &Coin,
) -> Result<Option<(String, bool)>, Refusal> {
    let body = body(response)?;
    let accounts = body.need_list("accounts")?.iter();
    let named = accounts.filter(|account| account.str("name") == Some(name));
    let numbered = named.filter_map(|account| {
        let id = account.word("id")?;
        Some((id.parse::<u64>().ok()?, id, account))
    });
    let first = numbered.min_by_key(|(number, _, _)| *number);
    Ok(first.map(|(_, id, account)| {
        (id, account.list("assets").iter().any(|asset| asset.str("id") == Some(coin.id)))
    }))
}

pub(super) fn vault_created(response: &HttpResponse, name: &str) -> Result<String, Refusal> {
    let body = body(response)?;
    must_match(body.need_str("name")? == name)?;
    Ok(body.need_word("id")?)
}

/// The first of `{addresses: [{address, tag}]}`.
pub(super) fn first_address(response: &HttpResponse) -> Result<Json, Refusal> {
    Ok(body(response)?.list("addresses").first().cloned().ok_or(Unknown::Unreadable)?)
}

pub(super) fn address(body: &Json, coin: &Coin, deposit: &DepositRequest) -> Told {
    let (address, tag) = (body.need_str("address")?, body.word("tag"));
    let next = coin.transfer_to(address, tag.as_deref(), deposit.money.major())?;
    Ok(Report::new(address, Status::next(next, None)))
}

/// `{id, status}`: what becomes of it is told later, with its amount.
pub(super) fn transaction_created(response: &HttpResponse) -> Result<Report, Refusal> {
    let body = body(response)?;
    let id = body.str("id").and_then(path_word).ok_or(Unknown::Unreadable)?;
    if !is_listed(body.need_str("status")?) {
        return Err(Unknown::UnlistedCode.into());
    }
    Ok(Report::new(id, Status::ACCEPTED))
}

fn is_under_way(state: &str) -> bool {
    matches!(state, "SUBMITTED" | "QUEUED" | "BROADCASTING" | "CONFIRMING" | "CANCELLING")
        || state.starts_with("PENDING_")
}

fn is_listed(state: &str) -> bool {
    is_under_way(state)
        || matches!(state, "COMPLETED" | "CANCELLED" | "BLOCKED" | "REJECTED" | "FAILED")
}

/// Whether `COMPLETED` means that whoever was to have it has it.
pub(super) fn is_complete(transaction: &Json) -> bool {
    let sub_status = transaction.str("subStatus").unwrap_or_default();
    transaction.str("status") == Some("COMPLETED")
        && matches!(sub_status, "" | "CONFIRMED" | "3RD_PARTY_COMPLETED")
}

/// Whether an arrival is over and its coins may lie in the vault account, frozen perhaps: all that ended, but
/// for what the chain itself has not taken.
pub(super) fn may_have_arrived(transaction: &Json) -> bool {
    let state = transaction.str("status").unwrap_or_default();
    let sub_status = transaction.str("subStatus").unwrap_or_default();
    let never_came = matches!(
        sub_status,
        "DOUBLE_SPENDING" | "DROPPED_BY_BLOCKCHAIN" | "REJECTED_BY_BLOCKCHAIN"
    );
    is_listed(state) && !is_under_way(state) && !(state == "FAILED" && never_came)
}

/// A transaction's amount under this name of `amountInfo`, with the exact text where our books are
/// coarser. The numbers beside it are deprecated and have lost digits.
pub(super) fn money(
    fireblocks: &Fireblocks,
    transaction: &Json,
    name: &str,
) -> Option<(Money, Option<AssetAmount>)> {
    let coin = fireblocks.coins.by_id(transaction.str("assetId")?)?;
    coin.amount(transaction.str(&format!("amountInfo/{name}"))?)
}

/// What a payout's transaction says. None for what only people can tell.
pub(super) fn payout_status(fireblocks: &Fireblocks, transaction: &Json) -> Option<Status> {
    match transaction.str("status")? {
        state if is_under_way(state) => Some(Status::Pending),
        "COMPLETED" if is_complete(transaction) => {
            let (money, _) = money(fireblocks, transaction, "amount")?;
            Some(Status::Succeeded { money })
        }
        state @ ("CANCELLED" | "BLOCKED" | "REJECTED" | "FAILED") => {
            Some(failure(state, transaction))
        }
        _ => None,
    }
}

/// Why a transaction failed (page "Transaction substatuses"). None of them is listed as irreversible: a
/// payout that Fireblocks had taken may still reach a chain, so two people decide before another pays.
fn failure(state: &str, transaction: &Json) -> Status {
    let code = transaction.given("subStatus").unwrap_or(state);
    let class = match code {
        "INSUFFICIENT_FUNDS" | "INSUFFICIENT_FUNDS_FOR_FEE" | "INSUFFICIENT_RESERVED_FUNDING" => {
            DeclineClass::MerchantFunds
        }
        "BLOCKED_BY_POLICY" | "AUTHORIZATION_FAILED" | "AUTHORIZER_NOT_FOUND" => {
            DeclineClass::Configuration
        }
        "REJECTED_AML_SCREENING" | "AUTO_FREEZE" | "FROZEN_MANUALLY" => DeclineClass::Compliance,
        "INVALID_ADDRESS" | "INVALID_TAG_OR_MEMO" | "MISSING_TAG_OR_MEMO" => {
            DeclineClass::AccountInvalid
        }
        "AMOUNT_TOO_SMALL" => DeclineClass::Limit,
        _ => DeclineClass::PspFault,
    };
    Status::Declined(decline(class, code))
}

/// The answer of a question. A refused question says nothing about the payment.
fn told(response: &HttpResponse) -> Told<Json> {
    body(response).map_err(|refusal| match refusal {
        Refusal::Definite(_) if response.status == 404 => Stop::from(Outcome::NotFound),
        Refusal::Definite(_) | Refusal::AssetExists => Unknown::UnlistedCode.into(),
        Refusal::Nothing(why) => why.into(),
    })
}

pub(super) fn inquiry_answer(
    fireblocks: &Fireblocks,
    response: &HttpResponse,
    attempt: AttemptRef,
) -> Told {
    let body = told(response)?;
    let (id, state) = (body.need_str("id")?, body.need_str("status")?);
    must_match(body.attempt("externalTxId") == Some(attempt) && path_word(id).is_some())?;
    match payout_status(fireblocks, &body) {
        Some(status) => Ok(Report::new(id, status)),
        None if state == "COMPLETED" => Err(Unknown::PspUndecided.into()),
        None => Err(Unknown::UnlistedCode.into()),
    }
}

/// An arrival is told as its webhook tells it.
pub(super) fn arrival(fireblocks: &Fireblocks, response: &HttpResponse, lookup: &Lookup) -> Told {
    let body = told(response)?;
    must_match(body.str("id") == Some(&lookup.psp_reference))?;
    Ok(report_of(&arrived(fireblocks, &body).ok_or(Unknown::Unreadable)?))
}
