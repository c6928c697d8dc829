//! Fireblocks: a vault account with permanent addresses for each player, payouts from a vault account of
//! the casino's own (`reference/psps.md` §3.10).
//!
//! JSON over HTTP. Every request carries a token of its own, RS256 over its path, a nonce, a short life and
//! the hash of the very bytes of its body.
//!
//! - A deposit is an address: the player's vault account is found by its name, or made, and so is the
//!   asset in it. None of this moves anything. What arrives is told by webhook, unasked; the vault
//!   account's name says whose it is. Transfers among our own vault accounts are nobody's deposit.
//! - A payout's `externalTxId` is the attempt's id and unique for ever. Fireblocks itself says that after
//!   any refusal, error or lost answer one looks it up by that id before concluding anything: a definite
//!   refusal is one only once that look-up has found nothing.
//! - `COMPLETED` is success only with a substatus that says so. `COMPLETED_BUT_3RD_PARTY_FAILED` means that
//!   the chain has it and whoever was to receive it has not: neither success nor return, but for people.
//! - Webhooks are signed with keys that Fireblocks publishes, **the same for all its customers**: the
//!   workspace that an event names must be ours. The older signature with one agreed key is spoken where
//!   configured.
//!
//! Modules: `wire` (tokens and requests), `exchange` (addresses, payouts), `mapping` (answers in our
//! words), `webhook`.

mod exchange;
mod mapping;
mod webhook;
mod wire;

use crate::adapter::{Adapter, Exchange, Finished, Single};
use crate::coins::{Coin, Coins, Syntax};
use crate::registry::Reader;
use crate::signature::{RsaKeys, RsaSigner, WebhookKeys};
use crate::statement;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, IdempotencyCapability,
    Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent, Operation, Outcome,
    PayoutCapability, ReferenceRule, StatementFault, StatementLine, Subject, Timestamp,
    WebhookAuthenticity, WebhookCapability, WebhookProof, WebhookReplyKind,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Ids from Fireblocks' list of supported assets. How many blocks a deposit needs is a policy of the
/// workspace; one is the least that we take its word for.
const COINS: &[Coin] = &[
    Coin::untagged("BTC", Currency::BTC, "bitcoin", 8, 1, Syntax::Bitcoin),
    Coin::untagged("ETH", Currency::ETH, "ethereum", 18, 1, Syntax::Evm),
    Coin::untagged("TRX_USDT_S2UZ", Currency::USDT, "tron", 6, 1, Syntax::Tron),
    Coin::untagged("USDT_ERC20", Currency::USDT, "ethereum", 6, 1, Syntax::Evm),
    Coin::untagged("USDC", Currency::USDC, "ethereum", 6, 1, Syntax::Evm),
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
        // No chain gives back. A third party that fails afterwards is told as undecided.
        success_reversible: false,
    }),
    return_deposit: false,
    unsolicited_deposits: true,
    // An address is no payment: what arrives at it is told by webhook.
    deposit_inquiry: InquiryCapability::NONE,
    payout_inquiry: InquiryCapability {
        by_our_reference: true,
        by_psp_reference: true,
        by_ledger: false,
        min_interval: Duration::from_secs(2),
        ledger_min_interval: Duration::ZERO,
        not_found_quiet: Duration::from_secs(15 * 60),
    },
    idempotency: IdempotencyCapability {
        reference: ReferenceRule { len_min: 1, len_max: 40, charset: Charset::Visible },
        replay: KeyReplay::SameAnswer,
        // The Idempotency-Key; the external id after it is refused for ever.
        key_life: Duration::from_secs(24 * 60 * 60),
        margin: HOUR,
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Everything,
        batch: false,
        reply: WebhookReplyKind::Plain,
        // `createdAt` is the event's own, and a repeat keeps it.
        has_timestamp: false,
        tolerance: Duration::ZERO,
    },
};

/// One Fireblocks workspace with an API user.
pub struct Fireblocks {
    inner: Arc<Inner>,
}

struct Inner {
    base_url: String,
    notify_url: String,
    api_key: String,
    signer: RsaSigner,
    workspace_id: String,
    /// The vault account that pays out.
    source_vault_id: String,
    coins: Coins,
    webhooks: Webhooks,
}

/// How webhooks are signed.
enum Webhooks {
    /// By a published key, which the signature names.
    Published { jwks_url: String },
    /// By the one key of the environment (and the next), base64 over the raw body.
    Agreed(RsaKeys),
}

impl fmt::Debug for Fireblocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fireblocks({})", self.inner.base_url)
    }
}

impl Fireblocks {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let api_key = reader.setting("api_key");
        let signer = reader.key("api_private_key_pem", RsaSigner::from_pem);
        let workspace_id = reader.setting("workspace_id");
        let source_vault_id = reader.setting("source_vault_id");
        if wire::path_id(&source_vault_id).is_none() && !source_vault_id.is_empty() {
            reader.fault("settings.source_vault_id", "must be the id of a vault account");
        }
        let coins = Coins::read(reader, COINS);
        let webhooks = read_webhooks(reader);
        let (base_url, notify_url) = (reader.base_url(), reader.account.notify_url.clone());
        let inner = Inner {
            base_url,
            notify_url,
            api_key,
            signer: signer?,
            workspace_id,
            source_vault_id,
            coins,
            webhooks,
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }

    fn inquiry(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Box<dyn Exchange>> {
        if inquiry.subject != Subject::Payout {
            return None;
        }
        let request = match &inquiry.by {
            InquiryBy::OurReference => wire::by_external_id(&self.inner, inquiry.attempt, now)?,
            InquiryBy::PspReference(id) => wire::by_id(&self.inner, inquiry.attempt, id, now)?,
            InquiryBy::Ledger => return None,
        };
        let (inner, attempt) = (self.inner.clone(), inquiry.attempt);
        Some(Box::new(Single::new("query", request, move |response: &_| {
            mapping::inquiry_answer(&inner, response, attempt)
        })))
    }
}

fn read_webhooks(reader: &mut Reader<'_>) -> Webhooks {
    if reader.setting_or("webhook_signature", "jws") == "jws" {
        let jwks_url = reader.setting("webhook_jwks_url");
        reader.reachable("settings.webhook_jwks_url", &jwks_url);
        return Webhooks::Published { jwks_url };
    }
    if reader.setting_or("webhook_signature", "") != "legacy" {
        reader.fault("settings.webhook_signature", "is jws or legacy");
    }
    let mut keys = RsaKeys::none();
    reader.key("webhook_public_key_pem", |pem| keys.add_pem(pem));
    if reader.has_secret("webhook_public_key_pem_next") {
        reader.key("webhook_public_key_pem_next", |pem| keys.add_pem(pem));
    }
    Webhooks::Agreed(keys)
}

impl Adapter for Fireblocks {
    fn name(&self) -> &'static str {
        "fireblocks"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, now: Timestamp) -> Box<dyn Exchange> {
        let exchange = match operation {
            Operation::CreateDeposit(it) => exchange::address(&self.inner, it, now),
            Operation::CreatePayout(it) => exchange::payout(&self.inner, it, now),
            Operation::Inquire(inquiry) => self.inquiry(inquiry, now),
            // A chain sends nothing back, an address cannot be closed, and every webhook names its
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
        coin.is_some_and(|(coin, _)| coin.asset == currency)
    }

    /// Fireblocks is custody and settles nothing: a table of its transactions. A deposit's line names the
    /// player.
    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        statement::read_of_addresses(file)
    }

    fn webhook_keys_url(&self) -> Option<&str> {
        match &self.inner.webhooks {
            Webhooks::Published { jwks_url } => Some(jwks_url),
            Webhooks::Agreed(_) => None,
        }
    }

    fn webhook_key_id(&self, raw: &RawWebhook<'_>) -> Result<String, WebhookRefusal> {
        webhook::key_id(raw)
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw, keys)
    }

    /// Any 2xx will do.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply { status: 200, content_type: "text/plain", body: Vec::new() }
    }
}
