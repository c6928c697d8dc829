//! CoinsPaid (CryptoProcessing): permanent addresses in, withdrawals out.
//!
//! JSON over HTTP; both sides sign the very bytes of every body with HMAC-SHA512.
//!
//! - There is no deposit request. A player takes an address once and keeps it; whatever arrives there is
//!   told by callback, unasked, with the player's reference as `foreign_id`. Taking an address moves
//!   nothing, so it is asked for again as often as one likes.
//! - A withdrawal's `foreign_id` is the attempt's id and unique for ever: used again it is refused, which
//!   says that the first use may have counted. `transactions/info`, a GET with a signed body, finds it.
//! - Callbacks carry no time stamp of sending: what protects against replay is their id with their status,
//!   remembered for good. Some of their amounts are numbers, so only the raw bytes are ever verified.
//! - European law (MiCA) has it want to know who sends and who is paid: a person by both names and the
//!   birth date, this account by `legal_name` and `country_of_registration`. Whoever has one name only
//!   cannot be served here.
//! - Wallets are kept in the coin itself. With the setting `convert_to` wallets in that currency are
//!   served too: CoinsPaid exchanges what arrives, and what it then credits is what the player gets.
//!
//! Modules: `wire` (requests and their signature), `mapping` (answers in our words), `webhook`.

mod mapping;
mod webhook;
mod wire;

use crate::coins::{self, Coin, Coins, Syntax};
use crate::prelude::*;
use crate::statement::{self, Statement};
use std::time::Duration;

/// Codes from CryptoProcessing's page "API currency codes", those of USDT from its earlier page
/// "Confirmations and limits". It guarantees BTC deposits that no block has yet, within its limits.
const COINS: &[Coin] = &[
    Coin::untagged("BTC", Currency::BTC, "bitcoin", 8, 0, Syntax::Bitcoin),
    Coin::untagged("ETH", Currency::ETH, "ethereum", 18, 1, Syntax::Evm),
    Coin::untagged("USDTT", Currency::USDT, "tron", 6, 1, Syntax::Tron),
    Coin::untagged("USDTE", Currency::USDT, "ethereum", 6, 1, Syntax::Evm),
    Coin::untagged("USDCE", Currency::USDC, "ethereum", 6, 1, Syntax::Evm),
];

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(coins::DEPOSIT),
    // What a chain has confirmed does not come back by itself.
    payout: Some(PayoutCapability { portable_crypto: true, ..PayoutCapability::NONE }),
    return_deposit: false,
    unsolicited_deposits: true,
    // An address is no payment: what arrives at it is told by callback, and asked about by its id.
    deposit_inquiry: InquiryCapability::OF_ARRIVALS,
    payout_inquiry: InquiryCapability {
        min_interval: Duration::from_secs(5),
        ..InquiryCapability::BY_EITHER
    },
    return_inquiry: InquiryCapability::NONE,
    idempotency: IdempotencyCapability::refuses_for_ever(ReferenceRule::visible(64)),
    webhook: WebhookCapability::SIGNED,
};

/// One CoinsPaid merchant account.
pub(crate) struct CoinsPaid {
    base_url: String,
    notify_url: String,
    /// Public: it only names the account.
    api_key: String,
    keys: HmacKeys,
    coins: Coins,
    /// The fiat currency that this account also keeps, where it converts.
    convert_to: Option<Currency>,
    /// Who sends its withdrawals, as the register of companies has it.
    legal_name: String,
    country_of_registration: String,
}

fn read_convert_to(reader: &mut Reader<'_>) -> Option<Currency> {
    let told = reader.setting_or("convert_to", "");
    let fiat = told.parse().ok().filter(|fiat| COINS.iter().all(|coin| coin.asset != *fiat));
    if fiat.is_none() && !told.is_empty() {
        reader.fault("settings.convert_to", "is no fiat currency");
    }
    fiat
}

/// Three capitals (ISO 3166-1 alpha-3), as in `MLT`.
fn read_country(reader: &mut Reader<'_>) -> String {
    let country = reader.setting("country_of_registration");
    let is_code = country.len() == 3 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_code && !country.is_empty() {
        reader.fault("settings.country_of_registration", "is no country's code of three letters");
    }
    country
}

impl CoinsPaid {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        Some(Box::new(Arc::new(Self {
            base_url: reader.base_url(),
            notify_url: reader.notify_url(),
            api_key: reader.setting("api_key"),
            keys: reader.hmac_keys("api_secret", 12, Written::Plainly),
            coins: Coins::read(reader, COINS),
            convert_to: read_convert_to(reader),
            legal_name: reader.setting("legal_name"),
            country_of_registration: read_country(reader),
        })))
    }
}

impl Adapter for Arc<CoinsPaid> {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn holds(&self, currency: Currency) -> bool {
        self.coins.hold(currency) || self.convert_to == Some(currency)
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let coin = self.coins.payable(destination);
        coin.is_some_and(|(coin, _)| self.sides(coin, currency).is_some())
    }

    /// The address; and where what arrives is exchanged, first what would have to be sent. Neither moves
    /// anything.
    fn create_deposit(&self, deposit: &DepositRequest, _: Timestamp) -> Option<Plan> {
        let coin = self.coins.chosen(deposit.instrument.as_ref(), deposit.money.currency)?;
        let sides = self.sides(coin, deposit.money.currency)?;
        let reference = deposit.payer.player_reference.clone();
        let take = self.take_address(coin, sides, &deposit.payer)?;
        let read = move |response: &HttpResponse, amount: String| {
            mapping::address_taken(response, coin, sides, &reference, amount)
        };
        if sides.convert_to.is_none() {
            let amount = deposit.money.major();
            let read = move |response: &HttpResponse| read(response, amount);
            return Some(Plan::last("create_deposit", take, read));
        }
        Some(Plan::prepare("quote", self.quote(coin, deposit.money)?, move |response| {
            let amount = mapping::quoted(response, coin).ok_or(NotSent::PreparationFailed)?;
            Ok(Plan::last("create_deposit", take, move |response| read(response, amount)))
        }))
    }

    fn create_payout(&self, payout: &PayoutRequest, _: Timestamp) -> Option<Plan> {
        let (coin, address) = self.coins.payable(&payout.destination)?;
        let sides = self.sides(coin, payout.money.currency)?;
        let request = self.withdraw(payout, sides, address)?;
        let (coinspaid, asked) = (self.clone(), payout.clone());
        Some(Plan::last("create_payout", request, move |response| {
            mapping::withdrawal_created(&coinspaid, response, &asked, sides)
        }))
    }

    fn inquire(&self, inquiry: &Inquiry, _: Timestamp) -> Option<Plan> {
        let by = match (inquiry.subject, &inquiry.by) {
            (Subject::Payout, InquiryBy::OurReference) => {
                object! { "foreign_id": inquiry.attempt }
            }
            (Subject::Payout, InquiryBy::PspReference(id)) => {
                object! { "id": id.parse::<u64>().ok()? }
            }
            _ => return None,
        };
        let (coinspaid, asked) = (self.clone(), inquiry.clone());
        Some(Plan::last("query", self.info(&by)?, move |response| {
            mapping::inquiry_answer(&coinspaid, response, &asked)
        }))
    }

    /// What arrived, as CoinsPaid's own books have it.
    fn lookup(&self, lookup: &Lookup, _: Timestamp) -> Option<Plan> {
        let by = object! { "id": lookup.psp_reference.parse::<u64>().ok()? };
        let (coinspaid, asked) = (self.clone(), lookup.clone());
        Some(Plan::last("lookup", self.info(&by)?, move |response| {
            mapping::arrival(&coinspaid, response, &asked)
        }))
    }

    /// No settlement format of CoinsPaid's is published. A deposit's line names the player.
    fn read_statement(&self, file: &[u8]) -> Statement {
        statement::read_of_addresses(file)
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::verify(self, raw)
    }
}
