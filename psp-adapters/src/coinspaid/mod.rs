//! CoinsPaid (CryptoProcessing): permanent addresses in, withdrawals out (`reference/psps.md` §3.9).
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
//! - Wallets are kept in the coin itself. With the setting `convert_to` wallets in that currency are
//!   served too: CoinsPaid exchanges what arrives, and what it then credits is what the player gets.
//!
//! Modules: `wire` (requests and their signature), `mapping` (answers in our words), `webhook`.

mod mapping;
mod webhook;
mod wire;

use crate::adapter::{
    Adapter, Exchange, Finished, Input, Single, Step, failed, preparation_failed,
};
use crate::coins::{Coin, Coins, Syntax};
use crate::registry::Reader;
use crate::signature::{HmacKeys, WebhookKeys};
use crate::statement;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, DepositRequest, Destination,
    IdempotencyCapability, Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent, Operation,
    Outcome, PayoutCapability, PayoutRequest, ReferenceRule, StatementFault, StatementLine,
    Subject, Timestamp, WebhookAuthenticity, WebhookCapability, WebhookProof, WebhookReplyKind,
};
use secrecy::ExposeSecret;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

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
    deposit: Some(DepositCapability {
        needs_our_answer: true,
        needs_completion: false,
        can_cancel: false,
        any_amount: true,
        // The address is for ever; this is how long one deposit is waited for.
        session_life: Duration::from_secs(24 * 60 * 60),
    }),
    payout: Some(PayoutCapability {
        portable_iban: false,
        portable_uk_account: false,
        portable_pix_key: false,
        portable_crypto: true,
        portable_phone: false,
        portable_email: false,
        same_owner_check: false,
        by_token: false,
        // What a chain has confirmed does not come back by itself.
        success_reversible: false,
    }),
    return_deposit: false,
    unsolicited_deposits: true,
    // An address is no payment: what arrives at it is told by callback.
    deposit_inquiry: InquiryCapability::NONE,
    payout_inquiry: InquiryCapability {
        by_our_reference: true,
        by_psp_reference: true,
        by_ledger: false,
        min_interval: Duration::from_secs(5),
        ledger_min_interval: Duration::ZERO,
        not_found_quiet: Duration::from_secs(15 * 60),
    },
    idempotency: IdempotencyCapability {
        reference: ReferenceRule { len_min: 1, len_max: 64, charset: Charset::Visible },
        replay: KeyReplay::DuplicateError,
        // A foreign id is unique for ever; ten years stand for it.
        key_life: Duration::from_secs(10 * 365 * 24 * 60 * 60),
        margin: MINUTE,
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Everything,
        batch: false,
        reply: WebhookReplyKind::Plain,
        has_timestamp: false,
        tolerance: Duration::ZERO,
    },
};

/// One CoinsPaid merchant account.
pub struct CoinsPaid {
    inner: Arc<Inner>,
}

struct Inner {
    base_url: String,
    notify_url: String,
    /// Public: it only names the account.
    api_key: String,
    keys: HmacKeys,
    coins: Coins,
    /// The fiat currency that this account also keeps, where it converts.
    convert_to: Option<Currency>,
}

impl fmt::Debug for CoinsPaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoinsPaid({})", self.inner.base_url)
    }
}

impl CoinsPaid {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let api_key = reader.setting("api_key");
        let secrets = reader.live_secrets("api_secret", 12);
        let keys = HmacKeys::new(secrets.iter().map(|it| it.expose_secret().as_bytes().to_vec()));
        let coins = Coins::read(reader, COINS);
        let convert_to = reader.setting_or("convert_to", "");
        let convert_to = match convert_to.parse::<Currency>() {
            Ok(fiat) if COINS.iter().all(|coin| coin.asset != fiat) => Some(fiat),
            _ if convert_to.is_empty() => None,
            _ => {
                reader.fault("settings.convert_to", "is no fiat currency");
                None
            }
        };
        let (base_url, notify_url) = (reader.base_url(), reader.account.notify_url.clone());
        let inner = Inner { base_url, notify_url, api_key, keys, coins, convert_to };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }
}

impl Adapter for CoinsPaid {
    fn name(&self) -> &'static str {
        "coinspaid"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, _: Timestamp) -> Box<dyn Exchange> {
        let exchange = match operation {
            Operation::CreateDeposit(deposit) => take_address(&self.inner, deposit),
            Operation::CreatePayout(payout) => withdraw(&self.inner, payout),
            Operation::Inquire(inquiry) => inquire(&self.inner, inquiry),
            // A chain sends nothing back, an address cannot be closed, and every callback names its
            // attempt or its player.
            Operation::ReturnDeposit(_)
            | Operation::CancelDeposit { .. }
            | Operation::CompleteDeposit(_)
            | Operation::Lookup(_) => None,
        };
        exchange.unwrap_or_else(|| Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))))
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let coin = self.inner.coins.payable(destination.portable.as_ref());
        coin.is_some_and(|(coin, _)| wire::sides(&self.inner, coin, currency).is_some())
    }

    /// No settlement format of CoinsPaid's is published. A deposit's line names the player.
    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        statement::read_of_addresses(file)
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        _keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw)
    }

    /// 200 and nothing else; anything else is told again, at last every four hours.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply { status: 200, content_type: "text/plain", body: Vec::new() }
    }
}

fn take_address(inner: &Arc<Inner>, deposit: &DepositRequest) -> Option<Box<dyn Exchange>> {
    let coin = inner.coins.chosen(deposit.instrument.as_ref(), deposit.money.currency)?;
    let sides = wire::sides(inner, coin, deposit.money.currency)?;
    if deposit.money.minor <= 0 {
        return None;
    }
    let reference = deposit.payer.player_reference.clone();
    let take = wire::take_address(inner, coin, sides, &reference)?;
    let read = move |response: &_, amount: &str| {
        mapping::address_taken(response, coin, sides, &reference, amount)
    };
    if sides.convert_to.is_none() {
        let amount = deposit.money.major();
        let exchange = Single::new("create_deposit", take, move |it: &_| read(it, &amount));
        return Some(Box::new(exchange));
    }
    let quote = wire::quote(inner, coin, deposit.money)?;
    Some(Box::new(QuotedAddress { quote: Some(quote), take: Some(take), amount: None, coin, read }))
}

/// What would have to be sent is asked first, then the address: neither moves anything.
struct QuotedAddress<F> {
    quote: Option<psp_contract::HttpRequest>,
    take: Option<psp_contract::HttpRequest>,
    /// The quoted amount, once the address was asked for.
    amount: Option<String>,
    coin: &'static Coin,
    read: F,
}

impl<F: Fn(&psp_contract::HttpResponse, &str) -> Outcome + Send> Exchange for QuotedAddress<F> {
    fn step(&mut self, input: Input) -> Step {
        const LOST: Step = Step::Done(Outcome::NotSent(NotSent::PreparationFailed));
        match (input, self.quote.take(), &self.amount) {
            (Input::Response(response), _, Some(amount)) => {
                Step::Done((self.read)(&response, amount))
            }
            (Input::Failed(failure), _, Some(_)) => Step::Done(failed(failure)),
            (Input::Response(response), None, None) => {
                match (mapping::quoted(&response, self.coin), self.take.take()) {
                    (Some(amount), Some(take)) => {
                        self.amount = Some(amount);
                        Step::Send("create_deposit", take)
                    }
                    _ => LOST,
                }
            }
            (Input::Failed(failure), None, None) => Step::Done(preparation_failed(failure)),
            (_, Some(quote), None) => Step::Send("quote", quote),
            _ => LOST,
        }
    }
}

fn withdraw(inner: &Arc<Inner>, payout: &PayoutRequest) -> Option<Box<dyn Exchange>> {
    let (coin, address) = inner.coins.payable(payout.destination.portable.as_ref())?;
    let sides = wire::sides(inner, coin, payout.money.currency)?;
    let request = wire::withdraw(inner, payout, sides, address)?;
    let asked = payout.clone();
    let coins = inner.clone();
    Some(Box::new(Single::new("create_payout", request, move |response: &_| {
        mapping::withdrawal_created(&coins, response, &asked, sides)
    })))
}

fn inquire(inner: &Arc<Inner>, inquiry: &Inquiry) -> Option<Box<dyn Exchange>> {
    if inquiry.subject != Subject::Payout {
        return None;
    }
    let request = match &inquiry.by {
        InquiryBy::OurReference => wire::info_by_foreign_id(inner, inquiry.attempt)?,
        InquiryBy::PspReference(id) => wire::info_by_id(inner, id)?,
        InquiryBy::Ledger => return None,
    };
    let (coins, asked) = (inner.clone(), inquiry.clone());
    Some(Box::new(Single::new("query", request, move |response: &_| {
        mapping::inquiry_answer(&coins, response, &asked)
    })))
}
