//! Fireblocks: a vault account with permanent addresses for each player, payouts from a vault account of
//! the casino's own.
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
//! Modules: `wire` (tokens and requests), `mapping` (answers in our words), `webhook`.

mod mapping;
mod webhook;
mod wire;

use crate::answer::outcome;
use crate::coins::{self, Coin, Coins, Syntax};
use crate::prelude::*;
use crate::signature::{RsaKeys, RsaSigner};
use crate::statement::{self, Statement};
use mapping::Refusal;
use wire::Moment;

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
    deposit: Some(coins::DEPOSIT),
    // No chain gives back. A third party that fails afterwards is told as undecided.
    payout: Some(PayoutCapability { portable_crypto: true, ..PayoutCapability::NONE }),
    return_deposit: false,
    unsolicited_deposits: true,
    // An address is no payment: what arrives at it is told by webhook, and asked about by its id.
    deposit_inquiry: InquiryCapability::OF_ARRIVALS,
    payout_inquiry: InquiryCapability::BY_EITHER,
    return_inquiry: InquiryCapability::NONE,
    // The Idempotency-Key; the external id after it is refused for ever.
    idempotency: IdempotencyCapability::answers_again(ReferenceRule::visible(40), days(1)),
    // `createdAt` is the event's own, and a repeat keeps it.
    webhook: WebhookCapability::SIGNED,
};

/// One Fireblocks workspace with an API user.
pub(crate) struct Fireblocks {
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

impl Fireblocks {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let signer = reader.key("api_private_key_pem", RsaSigner::from_pem);
        let source_vault_id = reader.setting("source_vault_id");
        if path_word(&source_vault_id).is_none() && !source_vault_id.is_empty() {
            reader.fault("settings.source_vault_id", "must be the id of a vault account");
        }
        Some(Box::new(Arc::new(Self {
            base_url: reader.base_url(),
            notify_url: reader.notify_url(),
            api_key: reader.setting("api_key"),
            workspace_id: reader.setting("workspace_id"),
            source_vault_id,
            coins: Coins::read(reader, COINS),
            webhooks: read_webhooks(reader),
            signer: signer?,
        })))
    }

    /// Nothing is there: the refusal stands. Something is there, or nobody says: the refusal is forgotten.
    fn looked_up(&self, response: &HttpResponse, attempt: AttemptRef, refused: Refused) -> Told {
        let told = mapping::inquiry_answer(self, response, attempt);
        match outcome(told.clone()) {
            Outcome::NotFound => Err(refused.why),
            // Who is not let in at all, in Fireblocks' own words, has not been let in before either.
            Outcome::Unknown(_) if refused.at_the_door && mapping::is_locked_out(response) => {
                Err(refused.why)
            }
            // It is there: what became of it the next inquiry tells, as of any that was taken.
            Outcome::Reported(Report { psp_reference, status: Status::Declined(_), .. }) => {
                Ok(Report::new(psp_reference.as_deref(), Status::ACCEPTED))
            }
            _ => told,
        }
    }
}

/// A refused creation that is looked up, and whether its caller was not let in at all.
struct Refused {
    why: Stop,
    at_the_door: bool,
}

/// The address of a coin in a player's vault account.
struct Address {
    fireblocks: Arc<Fireblocks>,
    deposit: DepositRequest,
    coin: &'static Coin,
    now: Timestamp,
}

impl Address {
    fn moment(&self, step: &'static str) -> Moment {
        Moment { attempt: self.deposit.attempt, step, now: self.now }
    }

    fn add(self, vault: String) -> Told<Plan> {
        let moment = self.moment("create_deposit");
        let add = self.fireblocks.add_asset(&vault, self.coin, moment);
        let add = add.ok_or(NotSent::PreparationFailed)?;
        Ok(Plan::ask("create_deposit", add, move |response| match mapping::body(response) {
            // Somebody else was faster.
            Err(Refusal::AssetExists) => self.look_up(&vault),
            body => Ok(Plan::end(mapping::address(&body?, self.coin, &self.deposit))),
        }))
    }

    fn look_up(self, vault: &str) -> Told<Plan> {
        let moment = self.moment("find_address");
        let request = self.fireblocks.addresses(vault, self.coin, moment);
        let request = request.ok_or(NotSent::PreparationFailed)?;
        Ok(Plan::last("find_address", request, move |response| {
            mapping::address(&mapping::first_address(response)?, self.coin, &self.deposit)
        }))
    }
}

fn read_webhooks(reader: &mut Reader<'_>) -> Webhooks {
    // What the other signature needs may stand beside while an account changes over.
    let _ = reader.opt_setting("webhook_jwks_url");
    for key in ["webhook_public_key_pem", "webhook_public_key_pem_next"] {
        let _ = reader.has_secret(key);
    }
    match reader.word("webhook_signature", &["jws", "legacy"], "is jws or legacy") {
        "legacy" => Webhooks::Agreed(reader.rsa_keys("webhook_public_key_pem")),
        _ => Webhooks::Published { jwks_url: reader.url_setting("webhook_jwks_url", None) },
    }
}

impl Adapter for Arc<Fireblocks> {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn holds(&self, currency: Currency) -> bool {
        self.coins.hold(currency)
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        self.coins.payable(destination).is_some_and(|(coin, _)| coin.asset == currency)
    }

    /// Find the player's vault account, or make one; find the asset's address in it, or make that.
    fn create_deposit(&self, deposit: &DepositRequest, now: Timestamp) -> Option<Plan> {
        let player = deposit.payer.player_reference.clone();
        let coin = self.coins.chosen(deposit.instrument.as_ref(), deposit.money.currency)?;
        if coin.asset != deposit.money.currency || player.is_empty() {
            return None;
        }
        let address = Address { fireblocks: self.clone(), deposit: deposit.clone(), coin, now };
        let find = self.find_vault(&player, address.moment("find_vault"))?;
        Some(Plan::ask("find_vault", find, move |response| {
            match mapping::vault_found(response, &player, coin)? {
                Some((vault, true)) => address.look_up(&vault),
                Some((vault, false)) => address.add(vault),
                None => {
                    let moment = address.moment("create_vault");
                    let create = address.fireblocks.create_vault(&player, moment);
                    let create = create.ok_or(NotSent::PreparationFailed)?;
                    Ok(Plan::ask("create_vault", create, move |response| {
                        address.add(mapping::vault_created(response, &player)?)
                    }))
                }
            }
        }))
    }

    /// The transaction; and where it is definitely refused, the question whether it is there all the
    /// same. A refusal whose look-up is lost is not looked up.
    fn create_payout(&self, payout: &PayoutRequest, now: Timestamp) -> Option<Plan> {
        let (coin, address) = self.coins.payable(&payout.destination)?;
        let (fireblocks, attempt) = (self.clone(), payout.attempt);
        let moment = Moment { attempt, step: "create_payout", now };
        let create = self.create_transaction(payout, coin, address, moment)?;
        Some(Plan::ask("create_payout", create, move |response| {
            let refused = match mapping::transaction_created(response) {
                Err(Refusal::Definite(decline)) => Refused {
                    why: Stop::from(decline),
                    at_the_door: mapping::is_locked_out(response),
                },
                Err(Refusal::AssetExists) => return Err(Unknown::UnlistedCode.into()),
                Err(Refusal::Nothing(why)) => return Err(why.into()),
                Ok(report) => return Ok(Plan::end(Ok(report))),
            };
            let question = fireblocks.by_external_id(attempt, now).ok_or(Unknown::PspUndecided)?;
            let looked_up =
                move |response: &HttpResponse| fireblocks.looked_up(response, attempt, refused);
            Ok(Plan::last("query", question, looked_up).if_lost(Unknown::PspUndecided))
        }))
    }

    fn inquire(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Plan> {
        let (fireblocks, attempt) = (self.clone(), inquiry.attempt);
        let request = match (inquiry.subject, &inquiry.by) {
            (Subject::Payout, InquiryBy::OurReference) => self.by_external_id(attempt, now)?,
            (Subject::Payout, InquiryBy::PspReference(id)) => self.by_id(attempt, id, now)?,
            _ => return None,
        };
        Some(Plan::last("query", request, move |response| {
            mapping::inquiry_answer(&fireblocks, response, attempt)
        }))
    }

    /// What arrived, as Fireblocks' own books have it.
    fn lookup(&self, lookup: &Lookup, now: Timestamp) -> Option<Plan> {
        let (fireblocks, asked) = (self.clone(), lookup.clone());
        // No attempt is asked about; the nonce is made of what is.
        let about = AttemptRef::new(derived_uuid(&["lookup", &asked.psp_reference]));
        let request = self.by_id(about, &asked.psp_reference, now)?;
        Some(Plan::last("lookup", request, move |response| {
            mapping::arrival(&fireblocks, response, &asked)
        }))
    }

    /// Fireblocks is custody and settles nothing: a table of its transactions. A deposit's line names the
    /// player.
    fn read_statement(&self, file: &[u8]) -> Statement {
        statement::read_of_addresses(file)
    }

    fn webhook_keys_url(&self) -> Option<&str> {
        match &self.webhooks {
            Webhooks::Published { jwks_url } => Some(jwks_url),
            Webhooks::Agreed(_) => None,
        }
    }

    fn webhook_key_id(&self, raw: &RawWebhook<'_>) -> Result<String, WebhookRefusal> {
        webhook::signature(raw)?.key_id()
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, keys: &WebhookKeys) -> Received {
        webhook::verify(self, raw, keys)
    }
}
