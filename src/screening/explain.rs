//! What a hit rule means, in words for those who may read them.

use super::Outcome;
use super::payer::{PAYER_NAME, PAYER_TAX_ID};
use super::rules::{
    AMOUNT_MAX, AMOUNT_MIN, CURRENCY_ALLOWED, DUAL_APPROVAL, EXCLUDED_REGISTER, KYC_LEVEL,
    LICENCE_MARKET, LIMIT_PLAYER, METHOD_ALLOWED, PLAYER_KNOWN, PLAYER_STATUS, RuleResult,
    WALLET_OWED,
};
use crate::domain::{Audience, PlayerStatus, Reason};

/// Code, message and remedy.
type Words = (&'static str, String, &'static str);

/// The reason that a hit gives, for the widest circle that may read it.
pub fn reason(result: &RuleResult) -> Reason {
    let words = about_player(result).or_else(|| about_payment(result));
    let (code, message, remedy) = words.unwrap_or_else(|| unnamed(result));
    let audience = match (result.effect, result.rule) {
        // To tell of a hold can be a crime, and it warns who must not be warned.
        (Outcome::Hold, _) => Audience::Compliance,
        // A freeze may be part of an inquiry; a threshold invites staying below it.
        (_, PLAYER_STATUS | DUAL_APPROVAL | PLAYER_KNOWN | PAYER_NAME | PAYER_TAX_ID) => {
            Audience::Operator
        }
        _ => Audience::Player,
    };
    Reason {
        code: code.to_owned(),
        message,
        rule: Some(result.rule.to_owned()),
        observed: Some(result.observed.clone()),
        threshold: Some(result.threshold.clone()),
        remedy: Some(remedy.to_owned()),
        audience,
    }
}

fn about_player(result: &RuleResult) -> Option<Words> {
    let (observed, threshold) = (&result.observed, &result.threshold);
    Some(match result.rule {
        PLAYER_KNOWN => (
            "player.unknown",
            "the player is not known".to_owned(),
            "register the player with PUT /v1/players/{player_id} first",
        ),
        EXCLUDED_REGISTER => (
            "player.excluded",
            format!("the player is excluded from gambling: {observed}"),
            "an exclusion ends by its date or by a review, not by a request",
        ),
        PLAYER_STATUS if observed == PlayerStatus::Closed.as_str() => (
            "player.closed",
            "the player's account is closed".to_owned(),
            "open the account again before a deposit; withdrawals stay possible",
        ),
        PLAYER_STATUS => (
            "player.frozen",
            "the player's account is frozen".to_owned(),
            "compliance must lift the freeze",
        ),
        KYC_LEVEL => (
            "kyc.level_too_low",
            format!(
                "the player's identity is not verified far enough: {observed}, needed: {threshold}"
            ),
            "complete the verification of identity, then ask again",
        ),
        LIMIT_PLAYER => (
            "limit.player_exceeded",
            format!("the player's own limit would be exceeded: {observed}, limit: {threshold}"),
            "deposit less, or wait until earlier deposits are older than the limit's period",
        ),
        PAYER_NAME => (
            "payer.name_differs",
            "the account that paid is in another person's name".to_owned(),
            "people compare the payer with the player, then credit the money or send it back",
        ),
        PAYER_TAX_ID => (
            "payer.tax_id_differs",
            "the account that paid belongs to another national or tax id".to_owned(),
            "people compare the payer with the player, then credit the money or send it back",
        ),
        WALLET_OWED => (
            "wallet.owed",
            format!("the player owes {observed} after a debit that could not be refused"),
            "settle what is owed, then ask again",
        ),
        _ => return None,
    })
}

fn about_payment(result: &RuleResult) -> Option<Words> {
    let (observed, threshold) = (&result.observed, &result.threshold);
    Some(match result.rule {
        LICENCE_MARKET => (
            "market.not_licensed",
            format!("there is no licence for {observed}"),
            "payments are possible only for players who live in a licensed market",
        ),
        CURRENCY_ALLOWED => (
            "payment.currency_not_allowed",
            format!("{observed} is not allowed in this market: allowed are {threshold}"),
            "use a currency that the market allows",
        ),
        METHOD_ALLOWED => (
            "payment.method_not_allowed",
            format!("{observed} is not allowed in this market: allowed are {threshold}"),
            "use a method that the market allows",
        ),
        AMOUNT_MIN => (
            "amount.below_minimum",
            format!("{observed} is below the minimum of {threshold}"),
            "choose an amount of at least the minimum",
        ),
        AMOUNT_MAX => (
            "amount.above_maximum",
            format!("{observed} is above the maximum of {threshold}"),
            "choose an amount of at most the maximum",
        ),
        DUAL_APPROVAL => (
            "review.dual_approval",
            format!("two people decide about withdrawals from {threshold} on: {observed}"),
            "wait for the review; nothing needs to be done",
        ),
        _ => return None,
    })
}

/// A rule that has no words yet is still shown, with its evidence.
fn unnamed(result: &RuleResult) -> Words {
    let RuleResult { rule, observed, operator, threshold, .. } = result;
    let message = format!("{rule}: {observed}, must be {operator} {threshold}");
    ("review.rule", message, "ask compliance")
}
