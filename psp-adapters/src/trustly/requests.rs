//! Operations as Trustly messages. The same operation always gives the same message.

use super::Trustly;
use super::wire::Message;
use crate::prelude::*;

/// The clearing houses of IBANs' countries, which bear the country's name.
const CLEARING_HOUSES: [(&str, &str); 29] = [
    ("AT", "AUSTRIA"),
    ("BE", "BELGIUM"),
    ("BG", "BULGARIA"),
    ("HR", "CROATIA"),
    ("CY", "CYPRUS"),
    ("CZ", "CZECH_REPUBLIC"),
    ("DK", "DENMARK"),
    ("EE", "ESTONIA"),
    ("FI", "FINLAND"),
    ("FR", "FRANCE"),
    ("DE", "GERMANY"),
    ("GR", "GREECE"),
    ("HU", "HUNGARY"),
    ("IE", "IRELAND"),
    ("IT", "ITALY"),
    ("LV", "LATVIA"),
    ("LT", "LITHUANIA"),
    ("LU", "LUXEMBOURG"),
    ("MT", "MALTA"),
    ("NL", "NETHERLANDS"),
    ("NO", "NORWAY"),
    ("PL", "POLAND"),
    ("PT", "PORTUGAL"),
    ("RO", "ROMANIA"),
    ("SK", "SLOVAKIA"),
    ("SI", "SLOVENIA"),
    ("ES", "SPAIN"),
    ("SE", "SWEDEN"),
    ("GB", "UNITED_KINGDOM"),
];

pub(super) fn clearing_house(iban: &str) -> Option<&'static str> {
    let country = iban.get(..2)?;
    CLEARING_HOUSES.iter().find(|(code, _)| *code == country).map(|(_, house)| *house)
}

/// `sv_SE` from `sv-SE`; without a locale, English in the payer's country.
fn locale(payer: &Payer, country: &str) -> String {
    match &payer.locale {
        Some(locale) if locale.len() == 5 => locale.replace('-', "_"),
        _ => format!("en_{country}"),
    }
}

impl Trustly {
    fn message(&self, method: &'static str, seed: &str, data: Json) -> Message {
        let data =
            data.and("Username", &self.username).and("Password", self.password.expose_secret());
        Message { method, uuid: derived_uuid(&[method, seed]), data }
    }

    pub fn deposit(&self, deposit: &DepositRequest) -> Message {
        let payer = &deposit.payer;
        let (first, last) = two_names(payer);
        let attributes = object! {
            "Amount": deposit.money.major(),
            "Currency": deposit.money.currency,
            "Country": &deposit.country,
            "Locale": locale(payer, &deposit.country),
            "SuccessURL": &deposit.return_url,
            "FailURL": &deposit.return_url,
            "Firstname": first,
            "Lastname": last,
            "ShopperStatement": &self.shopper_statement,
            "IP": given(&payer.ip),
            "Email": given(&payer.email),
            "MobilePhone": given(&payer.phone),
            "NationalIdentificationNumber": given(&payer.national_id),
        };
        let data = object! {
            "NotificationURL": &self.notify_url,
            "EndUserID": &payer.player_reference,
            "MessageID": deposit.attempt,
            "Attributes": attributes,
        };
        self.message("Deposit", &deposit.attempt.lower(), data)
    }

    /// An IBAN goes into `AccountNumber` with an empty `BankNumber`; a British account is sort code and
    /// number.
    pub fn register_account(&self, payout: &PayoutRequest) -> Option<Message> {
        let (house, bank, number, holder) = match payout.destination.portable.as_ref()? {
            Portable::Iban { iban, holder_name } => {
                let iban = compact(iban).to_ascii_uppercase();
                (clearing_house(&iban)?, String::new(), iban, holder_name)
            }
            Portable::UkAccount { sort_code, account_number, holder_name } => {
                ("UNITED_KINGDOM", compact(sort_code), compact(account_number), holder_name)
            }
            // Trustly pays bank accounts.
            _ => return None,
        };
        let payer = &payout.payer;
        let holder = Payer { full_name: holder.clone(), ..Payer::default() };
        let named = if holder.full_name == payer.full_name { payer } else { &holder };
        let (first, last) = two_names(named);
        let data = object! {
            "EndUserID": &payer.player_reference,
            "ClearingHouse": house,
            "BankNumber": bank,
            "AccountNumber": number,
            "Firstname": first,
            "Lastname": last,
            "Attributes": object! {
                "DateOfBirth": given(&payer.date_of_birth),
                "Email": given(&payer.email),
            },
        };
        Some(self.message("RegisterAccount", &payout.attempt.lower(), data))
    }

    pub fn account_payout(&self, payout: &PayoutRequest, account_id: &str) -> Message {
        let data = object! {
            "NotificationURL": &self.notify_url,
            "AccountID": account_id,
            "EndUserID": &payout.payer.player_reference,
            "MessageID": payout.attempt,
            "Amount": payout.money.major(),
            "Currency": payout.money.currency,
            "Attributes": object! { "ShopperStatement": &self.shopper_statement },
        };
        self.message("AccountPayout", &payout.attempt.lower(), data)
    }

    pub fn refund(&self, back: &ReturnRequest) -> Option<Message> {
        let data = object! {
            "OrderID": &back.deposit_psp_reference,
            "Amount": back.money.major(),
            "Currency": back.money.currency,
            // For people who look: Trustly neither returns it nor knows a repeated refund by it.
            "Attributes": object! { "ExternalReference": back.attempt },
        };
        let fine = !back.deposit_psp_reference.is_empty();
        fine.then(|| self.message("Refund", &back.attempt.lower(), data))
    }

    /// A question is another each time that it is asked.
    fn asking(
        &self,
        method: &'static str,
        inquiry: &Inquiry,
        now: Timestamp,
        data: Json,
    ) -> Message {
        let seed = format!("{} {}", inquiry.attempt, now.unix_timestamp_nanos());
        self.message(method, &seed, data)
    }

    pub fn withdrawals(&self, inquiry: &Inquiry, order: &str, now: Timestamp) -> Message {
        self.asking("GetWithdrawals", inquiry, now, object! { "OrderID": order })
    }

    /// From the day before the attempt was sent (Trustly's days are not ours) to tomorrow, which is left
    /// out.
    pub fn ledger(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Message> {
        let data = object! {
            "FromDate": inquiry.first_sent_at.date().previous_day()?.to_string(),
            "ToDate": now.date().next_day()?.next_day()?.to_string(),
            "Currency": inquiry.money.currency,
        };
        Some(self.asking("AccountLedger", inquiry, now, data))
    }
}
