//! A player's balances, the entries that made them, and the game platform's own.

use super::time::Time;
use crate::book::{GameEntry, GameKind};
use crate::domain::{Balance, Direction, Fund, Method, Money, PaymentId};
use crate::payments::offer_methods::Offer;
use crate::store::wallet_entries::EntryLine;
use serde::Serialize;
use utoipa::ToSchema;

/// A player's balances.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wallet)]
pub struct WalletView {
    pub balances: Vec<BalanceView>,
}

/// One purse in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balance)]
pub struct BalanceView {
    #[schema(example = "SEK")]
    pub currency: &'static str,
    /// `cash` or `bonus`. Only cash is held and withdrawn.
    #[schema(example = "cash")]
    pub fund: &'static str,
    /// What can be staked, and of cash withdrawn.
    #[schema(example = "100.00")]
    pub available: String,
    /// Reserved for withdrawals.
    #[schema(example = "0.00")]
    pub held: String,
    /// What the player owes after a debit that could not be refused.
    #[schema(example = "0.00")]
    pub owed: String,
}

/// One leg of a posting to the player's own accounts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryView {
    /// The business fact: `deposit_captured`, `withdrawal_held`, `stake`, …
    #[schema(example = "deposit_captured")]
    pub kind: String,
    /// Which of the player's accounts.
    #[schema(example = "player_cash")]
    pub account: String,
    /// What it gained; negative what it lost.
    #[schema(example = "100.00")]
    pub amount: String,
    #[schema(example = "SEK")]
    pub currency: &'static str,
    #[schema(example = "100.00")]
    pub balance_after: String,
    #[schema(required)]
    pub payment_id: Option<String>,
    /// The game platform's reference.
    #[schema(required)]
    pub reference: Option<String>,
    pub recorded_at: Time,
}

/// An entry of the game platform, as it was booked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WalletEntry)]
pub struct WalletEntryView {
    #[schema(example = "round-7-stake")]
    pub reference: String,
    #[schema(example = "stake")]
    pub kind: &'static str,
    #[schema(example = "5.00")]
    pub amount: String,
    #[schema(example = "SEK")]
    pub currency: &'static str,
    /// How much cash the entry moved: of a stake and its void that share, of a win and of `bonus_to_cash` all
    /// of the amount, of the others nothing.
    #[schema(example = "5.00")]
    pub cash: String,
    /// How much bonus the entry moved: of a stake and its void that share, of `bonus_grant`, `bonus_to_cash`
    /// and `bonus_forfeit` all of the amount, of a win nothing.
    #[schema(example = "0.00")]
    pub bonus: String,
    /// The stake that a void undid.
    #[schema(required)]
    pub of: Option<String>,
    pub created_at: Time,
}

/// A usable payment method.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
pub struct MethodView {
    #[schema(example = "bank_transfer")]
    pub method: &'static str,
    #[schema(example = "10.00")]
    pub min: String,
    #[schema(example = "5000.00")]
    pub max: String,
    /// The player's fee; null when there is none.
    #[schema(required)]
    pub fee: Option<String>,
    #[schema(example = "SEK")]
    pub currency: &'static str,
    /// The type of the `next_action` to expect; null for withdrawals.
    #[schema(example = "redirect", required)]
    pub next_action: Option<&'static str>,
}

impl WalletView {
    /// Two purses a currency.
    pub fn of(wallets: &[Balance]) -> Self {
        let balances = wallets.iter().flat_map(|wallet| {
            let major = |minor| Money::new(minor, wallet.currency).major();
            let purse = |fund: Fund, available, held, owed| BalanceView {
                currency: wallet.currency.code(),
                fund: fund.as_str(),
                available: major(available),
                held: major(held),
                owed: major(owed),
            };
            [
                purse(Fund::Cash, wallet.cash, wallet.held, wallet.owed),
                purse(Fund::Bonus, wallet.bonus, 0, 0),
            ]
        });
        Self { balances: balances.collect() }
    }
}

impl MethodView {
    pub fn of(offer: Offer, direction: Direction) -> Self {
        Self {
            method: offer.method.as_str(),
            min: offer.least.major(),
            max: offer.most.major(),
            fee: None,
            currency: offer.least.currency.code(),
            next_action: match direction {
                Direction::Deposit => Some(next_action(offer.method)),
                Direction::Withdrawal => None,
            },
        }
    }
}

/// What the payer of a deposit will most likely be told to do.
const fn next_action(method: Method) -> &'static str {
    match method {
        Method::Pix => "qr_code",
        Method::Crypto => "crypto_transfer",
        Method::BankTransfer | Method::Card | Method::EWallet | Method::Interac => "redirect",
    }
}

/// What moved of each purse. Only stakes, and the voids of them, are shared out by the wallet.
const fn shares(entry: &GameEntry) -> (i64, i64) {
    let all = entry.money.minor;
    match entry.kind {
        GameKind::Stake | GameKind::Void => (entry.from_cash, entry.from_bonus),
        GameKind::Win => (all, 0),
        GameKind::BonusGrant | GameKind::BonusForfeit => (0, all),
        GameKind::BonusToCash => (all, all),
    }
}

impl From<&GameEntry> for WalletEntryView {
    fn from(entry: &GameEntry) -> Self {
        let currency = entry.money.currency;
        let major = |minor| Money::new(minor, currency).major();
        let (cash, bonus) = shares(entry);
        Self {
            reference: entry.reference.clone(),
            kind: entry.kind.as_str(),
            amount: entry.money.major(),
            currency: currency.code(),
            cash: major(cash),
            bonus: major(bonus),
            of: entry.of.clone(),
            created_at: entry.created_at.into(),
        }
    }
}

impl From<EntryLine> for EntryView {
    fn from(line: EntryLine) -> Self {
        let direction = line.payment_direction.and_then(|text| text.parse::<Direction>().ok());
        let payment = line.payment.zip(direction);
        let payment = payment.map(|(uuid, direction)| PaymentId { direction, uuid });
        Self {
            kind: line.kind,
            account: line.account,
            amount: line.amount.major(),
            currency: line.amount.currency.code(),
            balance_after: Money::new(line.balance_after, line.amount.currency).major(),
            payment_id: payment.map(|id| id.to_string()),
            reference: line.reference,
            recorded_at: line.recorded_at.into(),
        }
    }
}
