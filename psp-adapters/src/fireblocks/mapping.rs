//! Fireblocks' answers in our words.

use super::Inner;
use crate::coins::Coin;
use crate::json::Json;
use psp_contract::{
    AssetAmount, AttemptRef, Decline, DeclineClass, DepositRequest, HttpResponse, Money,
    NextAction, Outcome, Report, Status, Unknown,
};

/// What an error says.
pub(super) enum Refusal {
    /// A documented code: nothing was done, by Fireblocks' word alone.
    Definite(Decline),
    /// The asset is in the vault account already.
    AssetExists,
    Nothing(Unknown),
}

fn reported(id: &str, status: Status) -> Outcome {
    let psp_reference = Some(id.to_owned());
    Outcome::Reported(Report { psp_reference, status, payer: None, attempt: None })
}

pub(super) fn declined(decline: Decline) -> Outcome {
    let status = Status::Declined(decline);
    Outcome::Reported(Report { psp_reference: None, status, payer: None, attempt: None })
}

const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };

const UNREADABLE: Outcome = Outcome::Unknown(Unknown::Unreadable);

const NOTHING: Refusal = Refusal::Nothing(Unknown::Unreadable);

/// `{message, code}`. Documented codes: below zero for a token that is refused (401) and a user that may
/// not (403), four digits from 1000 for everything that a 4xx says of a request (page "API responses and
/// error codes"). 1438 and a burnt idempotency key say that the first use may have counted.
fn refusal(response: &HttpResponse) -> Refusal {
    let body = Json::parse(&response.body);
    let told = body.as_ref().and_then(|body| Some((body.int("code")?, body.str("message")?)));
    let unknown = match response.status {
        409 => Unknown::PspUndecided,
        423 | 429 => Unknown::Throttled,
        500..=599 => Unknown::ServerError,
        _ if body.is_none() => Unknown::Unreadable,
        _ => Unknown::UnlistedCode,
    };
    let Some((code, message)) = told else {
        return Refusal::Nothing(unknown);
    };
    let message = message.to_ascii_lowercase();
    let class = match (response.status, code) {
        (400..=422, 1438) => return Refusal::Nothing(Unknown::DuplicateReference),
        (400, _) if message.contains("idempotency key") => {
            return Refusal::Nothing(Unknown::DuplicateReference);
        }
        (400, 1026) => return Refusal::AssetExists,
        (401 | 403, -12..=-1) => DeclineClass::Configuration,
        (400 | 404 | 422, 1000..=1999) if message.contains("address") => {
            DeclineClass::AccountInvalid
        }
        (400 | 404 | 422, 1000..=1999) => DeclineClass::Unsupported,
        _ => return Refusal::Nothing(unknown),
    };
    Refusal::Definite(Decline {
        class,
        code: code.to_string(),
        retry_elsewhere: class != DeclineClass::AccountInvalid,
        irreversible: false,
    })
}

/// The refusal of a step towards an address, which moves nothing.
pub(super) fn address_refused(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Definite(decline) => declined(decline.clone()),
        Refusal::AssetExists => Outcome::Unknown(Unknown::PspUndecided),
        Refusal::Nothing(why) => Outcome::Unknown(*why),
    }
}

/// The body of an answer that is none of the errors. Of an asset that was added: `{id, address, tag}`.
pub(super) fn body(response: &HttpResponse) -> Result<Json, Refusal> {
    if !matches!(response.status, 200 | 201) {
        return Err(refusal(response));
    }
    Json::parse(&response.body).ok_or(NOTHING)
}

/// The player's vault account and whether it holds the asset. Of several with the same name the first one
/// made.
pub(super) fn vault_found(
    response: &HttpResponse,
    name: &str,
    coin: &Coin,
) -> Result<Option<(String, bool)>, Refusal> {
    let body = body(response)?;
    let accounts = body.get("accounts").and_then(Json::items).ok_or(NOTHING)?;
    let named = accounts.iter().filter(|account| account.str("name") == Some(name));
    let numbered = named.filter_map(|account| {
        let id = account.word("id")?;
        Some((id.parse::<u64>().ok()?, id, account))
    });
    let first = numbered.min_by_key(|(number, _, _)| *number);
    Ok(first.map(|(_, id, account)| {
        let assets = account.get("assets").and_then(Json::items).unwrap_or_default();
        (id, assets.iter().any(|asset| asset.str("id") == Some(coin.id)))
    }))
}

pub(super) fn vault_created(response: &HttpResponse, name: &str) -> Result<String, Refusal> {
    let body = body(response)?;
    let named = body.str("name").ok_or(NOTHING)?;
    if named != name {
        return Err(Refusal::Nothing(Unknown::Mismatch));
    }
    body.word("id").ok_or(NOTHING)
}

/// The first of `{addresses: [{address, tag}]}`.
pub(super) fn first_address(response: &HttpResponse) -> Result<Json, Refusal> {
    let body = body(response)?;
    let addresses = body.get("addresses").and_then(Json::items);
    addresses.and_then(|addresses| addresses.first()).cloned().ok_or(NOTHING)
}

/// What the player is told. What is not an address of the coin, with its check sum, is shown to nobody.
pub(super) fn address(body: &Json, coin: &Coin, deposit: &DepositRequest) -> Outcome {
    let (Some(address), tag) = (body.str("address"), body.word("tag")) else {
        return UNREADABLE;
    };
    if !coin.accepts(address, tag.as_deref()) {
        return UNREADABLE;
    }
    let next_action = NextAction::CryptoTransfer {
        address: address.to_owned(),
        network: coin.network.to_owned(),
        asset: coin.asset.code().to_owned(),
        asset_amount: deposit.money.major(),
        expires_at: None,
    };
    reported(address, Status::Accepted { next_action: Some(next_action), expires_at: None })
}

/// `{id, status}`: what becomes of it is told later, with its amount.
pub(super) fn transaction_created(response: &HttpResponse) -> Result<Outcome, Refusal> {
    let body = body(response)?;
    let (Some(id), Some(state)) = (body.str("id"), body.str("status")) else {
        return Err(NOTHING);
    };
    let id = super::wire::path_id(id).ok_or(NOTHING)?;
    Ok(if is_listed(state) {
        reported(id, ACCEPTED)
    } else {
        Outcome::Unknown(Unknown::UnlistedCode)
    })
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

/// A transaction's amount under this name of `amountInfo`, with the exact text where our books are
/// coarser. The numbers beside it are deprecated and have lost digits.
pub(super) fn money(
    inner: &Inner,
    transaction: &Json,
    name: &str,
) -> Option<(Money, Option<AssetAmount>)> {
    let coin = inner.coins.by_id(transaction.str("assetId")?)?;
    coin.amount(transaction.get("amountInfo")?.str(name)?)
}

/// What a payout's transaction says. None for what only people can tell.
pub(super) fn payout_status(inner: &Inner, transaction: &Json) -> Option<Status> {
    match transaction.str("status")? {
        state if is_under_way(state) => Some(Status::Pending),
        "COMPLETED" if is_complete(transaction) => {
            let (money, _) = money(inner, transaction, "amount")?;
            Some(Status::Succeeded { money })
        }
        state @ ("CANCELLED" | "BLOCKED" | "REJECTED" | "FAILED") => {
            Some(Status::Declined(failure(state, transaction)))
        }
        _ => None,
    }
}

/// Why a transaction failed (page "Transaction substatuses"). None of them is listed as irreversible: a
/// payout that Fireblocks had taken may still reach a chain, so two people decide before another pays.
fn failure(state: &str, transaction: &Json) -> Decline {
    let sub_status = transaction.str("subStatus").filter(|text| !text.is_empty());
    let code = sub_status.unwrap_or(state);
    let (class, retry_elsewhere) = match code {
        "INSUFFICIENT_FUNDS" | "INSUFFICIENT_FUNDS_FOR_FEE" | "INSUFFICIENT_RESERVED_FUNDING" => {
            (DeclineClass::MerchantFunds, true)
        }
        "BLOCKED_BY_POLICY" | "AUTHORIZATION_FAILED" | "AUTHORIZER_NOT_FOUND" => {
            (DeclineClass::Configuration, true)
        }
        "REJECTED_AML_SCREENING" | "AUTO_FREEZE" | "FROZEN_MANUALLY" => {
            (DeclineClass::Compliance, false)
        }
        "INVALID_ADDRESS" | "INVALID_TAG_OR_MEMO" | "MISSING_TAG_OR_MEMO" => {
            (DeclineClass::AccountInvalid, false)
        }
        "AMOUNT_TOO_SMALL" => (DeclineClass::Limit, true),
        _ => (DeclineClass::PspFault, true),
    };
    Decline { class, code: code.to_owned(), retry_elsewhere, irreversible: false }
}

/// The answer of a question. A refused question says nothing about the payment.
pub(super) fn inquiry_answer(
    inner: &Inner,
    response: &HttpResponse,
    attempt: AttemptRef,
) -> Outcome {
    let body = match body(response) {
        Ok(body) => body,
        Err(Refusal::Definite(_)) if response.status == 404 => return Outcome::NotFound,
        Err(Refusal::Definite(_) | Refusal::AssetExists) => {
            return Outcome::Unknown(Unknown::UnlistedCode);
        }
        Err(Refusal::Nothing(why)) => return Outcome::Unknown(why),
    };
    let (Some(id), Some(state)) = (body.str("id"), body.str("status")) else {
        return UNREADABLE;
    };
    let ours = body.str("externalTxId").and_then(AttemptRef::parse) == Some(attempt);
    if !ours || super::wire::path_id(id).is_none() {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    match payout_status(inner, &body) {
        Some(status) => reported(id, status),
        None if state == "COMPLETED" => Outcome::Unknown(Unknown::PspUndecided),
        None => Outcome::Unknown(Unknown::UnlistedCode),
    }
}
