//! Operations as Trustly messages. The same operation always gives the same message.

use super::wire::Message;
use super::{Inner, speaks};
use crate::json::Json;
use crate::signature::derived_uuid;
use psp_contract::{
    DepositRequest, Inquiry, Money, Payer, PayoutRequest, Portable, ReturnRequest, Timestamp,
};
use secrecy::ExposeSecret;

impl Inner {
    fn message(&self, method: &'static str, seed: &str, data: Json) -> Message {
        let data = data
            .with("Username", Some(Json::text(&self.username)))
            .with("Password", Some(Json::text(self.password.expose_secret())));
        Message { method, uuid: derived_uuid(&[method, seed]), data }
    }
}

fn optional(text: Option<&String>) -> Option<Json> {
    text.filter(|text| !text.is_empty()).map(Json::text)
}

/// First and last name, from what the casino gave: Trustly wants two.
fn names(payer: &Payer) -> (String, String) {
    match (&payer.given_name, &payer.family_name) {
        (Some(given), Some(family)) => (given.clone(), family.clone()),
        _ => split_name(&payer.full_name),
    }
}

fn split_name(name: &str) -> (String, String) {
    match name.trim().rsplit_once(' ') {
        Some((first, last)) => (first.trim().to_owned(), last.to_owned()),
        None => (name.trim().to_owned(), String::new()),
    }
}

/// `sv_SE` from `sv-SE`; without a locale, English in the payer's country.
fn locale(payer: &Payer, country: &str) -> String {
    match &payer.locale {
        Some(locale) if locale.len() == 5 => locale.replace('-', "_"),
        _ => format!("en_{country}"),
    }
}

pub(super) fn deposit(inner: &Inner, deposit: &DepositRequest) -> Option<Message> {
    if !speaks(deposit.money.currency) {
        return None;
    }
    let payer = &deposit.payer;
    let (first, last) = names(payer);
    let attributes = Json::object([
        ("Amount", Json::Text(deposit.money.major())),
        ("Currency", deposit.money.currency.code().into()),
        ("Country", Json::text(&deposit.country)),
        ("Locale", Json::Text(locale(payer, &deposit.country))),
        ("SuccessURL", Json::text(&deposit.return_url)),
        ("FailURL", Json::text(&deposit.return_url)),
        ("Firstname", Json::Text(first)),
        ("Lastname", Json::Text(last)),
        ("ShopperStatement", Json::text(&inner.shopper_statement)),
    ])
    .with("IP", optional(payer.ip.as_ref()))
    .with("Email", optional(payer.email.as_ref()))
    .with("MobilePhone", optional(payer.phone.as_ref()))
    .with("NationalIdentificationNumber", optional(payer.national_id.as_ref()));
    let reference = deposit.attempt.lower();
    let data = Json::object([
        ("NotificationURL", Json::text(&inner.notify_url)),
        ("EndUserID", Json::text(&payer.player_reference)),
        ("MessageID", Json::text(&reference)),
        ("Attributes", attributes),
    ]);
    Some(inner.message("Deposit", &reference, data))
}

/// Trustly's name of the clearing house of an IBAN's country: the country's name in capitals.
pub(super) fn clearing_house(iban: &str) -> Option<&'static str> {
    Some(match iban.get(..2)? {
        "AT" => "AUSTRIA",
        "BE" => "BELGIUM",
        "BG" => "BULGARIA",
        "HR" => "CROATIA",
        "CY" => "CYPRUS",
        "CZ" => "CZECH_REPUBLIC",
        "DK" => "DENMARK",
        "EE" => "ESTONIA",
        "FI" => "FINLAND",
        "FR" => "FRANCE",
        "DE" => "GERMANY",
        "GR" => "GREECE",
        "HU" => "HUNGARY",
        "IE" => "IRELAND",
        "IT" => "ITALY",
        "LV" => "LATVIA",
        "LT" => "LITHUANIA",
        "LU" => "LUXEMBOURG",
        "MT" => "MALTA",
        "NL" => "NETHERLANDS",
        "NO" => "NORWAY",
        "PL" => "POLAND",
        "PT" => "PORTUGAL",
        "RO" => "ROMANIA",
        "SK" => "SLOVAKIA",
        "SI" => "SLOVENIA",
        "ES" => "SPAIN",
        "SE" => "SWEDEN",
        "GB" => "UNITED_KINGDOM",
        _ => return None,
    })
}

/// An IBAN goes into `AccountNumber` with an empty `BankNumber`; a British account is sort code and number.
pub(super) fn register_account(inner: &Inner, payout: &PayoutRequest) -> Option<Message> {
    let digits = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>();
    let (house, bank, number, holder) = match payout.destination.portable.as_ref()? {
        Portable::Iban { iban, holder_name } => {
            let iban = digits(iban).to_ascii_uppercase();
            (clearing_house(&iban)?, String::new(), iban, holder_name)
        }
        Portable::UkAccount { sort_code, account_number, holder_name } => {
            ("UNITED_KINGDOM", digits(sort_code), digits(account_number), holder_name)
        }
        // Trustly pays bank accounts.
        _ => return None,
    };
    let payer = &payout.payer;
    let (first, last) = if *holder == payer.full_name { names(payer) } else { split_name(holder) };
    let attributes = Json::object([])
        .with("DateOfBirth", optional(payer.date_of_birth.as_ref()))
        .with("Email", optional(payer.email.as_ref()));
    let data = Json::object([
        ("EndUserID", Json::text(&payer.player_reference)),
        ("ClearingHouse", house.into()),
        ("BankNumber", Json::Text(bank)),
        ("AccountNumber", Json::Text(number)),
        ("Firstname", Json::Text(first)),
        ("Lastname", Json::Text(last)),
        ("Attributes", attributes),
    ]);
    Some(inner.message("RegisterAccount", &payout.attempt.lower(), data))
}

pub(super) fn account_payout(
    inner: &Inner,
    payout: &PayoutRequest,
    account_id: &str,
) -> Option<Message> {
    if !speaks(payout.money.currency) {
        return None;
    }
    let reference = payout.attempt.lower();
    let statement = Json::object([("ShopperStatement", Json::text(&inner.shopper_statement))]);
    let data = Json::object([
        ("NotificationURL", Json::text(&inner.notify_url)),
        ("AccountID", account_id.into()),
        ("EndUserID", Json::text(&payout.payer.player_reference)),
        ("MessageID", Json::text(&reference)),
        ("Amount", Json::Text(payout.money.major())),
        ("Currency", payout.money.currency.code().into()),
        ("Attributes", statement),
    ]);
    Some(inner.message("AccountPayout", &reference, data))
}

pub(super) fn refund(inner: &Inner, back: &ReturnRequest) -> Option<Message> {
    let Money { currency, .. } = back.money;
    if !speaks(currency) || back.deposit_psp_reference.is_empty() {
        return None;
    }
    let data = Json::object([
        ("OrderID", Json::text(&back.deposit_psp_reference)),
        ("Amount", Json::Text(back.money.major())),
        ("Currency", currency.code().into()),
        // For people who look: Trustly neither returns it nor knows a repeated refund by it.
        ("Attributes", Json::object([("ExternalReference", Json::Text(back.attempt.lower()))])),
    ]);
    Some(inner.message("Refund", &back.attempt.lower(), data))
}

pub(super) fn withdrawals(
    inner: &Inner,
    inquiry: &Inquiry,
    order: &str,
    now: Timestamp,
) -> Message {
    let seed = format!("{} {}", inquiry.attempt, now.unix_timestamp_nanos());
    inner.message("GetWithdrawals", &seed, Json::object([("OrderID", order.into())]))
}

/// From the day before the attempt was sent (Trustly's days are not ours) to tomorrow, which is left out.
pub(super) fn ledger(inner: &Inner, inquiry: &Inquiry, now: Timestamp) -> Option<Message> {
    let from = inquiry.first_sent_at.date().previous_day()?;
    let to = now.date().next_day()?.next_day()?;
    let data = Json::object([
        ("FromDate", Json::Text(from.to_string())),
        ("ToDate", Json::Text(to.to_string())),
        ("Currency", inquiry.money.currency.code().into()),
    ]);
    let seed = format!("{} {}", inquiry.attempt, now.unix_timestamp_nanos());
    Some(inner.message("AccountLedger", &seed, data))
}
