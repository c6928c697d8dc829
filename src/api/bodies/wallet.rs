//! What a game platform books, and which methods are asked for.

use super::player::player_id;
use crate::api::fields::{Fields, FromFields};
use crate::book::GameKind;
use crate::domain::{Currency, Direction, Money, PlayerId, Timestamp};
use utoipa::{IntoParams, ToSchema};

/// An entry of the game platform.
#[derive(Debug, Clone)]
pub struct WalletEntryBody {
    pub kind: GameKind,
    pub money: Money,
    pub reference: String,
    /// The stake that a void undoes.
    pub of: Option<String>,
}

impl FromFields for WalletEntryBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let known = (
            "wallet_entry.kind_unknown",
            "a kind is stake, win, void, bonus_grant, bonus_to_cash or bonus_forfeit",
        );
        let kind = fields.parsed("kind", known, GameKind::parse);
        let money = fields.money("amount", "currency");
        let reference = fields.parsed("reference", REFERENCE_FAULT, reference_text);
        let of = fields.parsed_opt("of", REFERENCE_FAULT, reference_text);
        let kind = kind?;
        match (kind, &of) {
            (GameKind::Void, None) => {
                fields.meaning(
                    "of",
                    "wallet_entry.of_missing",
                    "a void names the stake that it undoes",
                );
            }
            (GameKind::Void, Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                fields.meaning("of", "wallet_entry.of_unexpected", "only a void names a stake");
            }
        }
        Some(Self { kind, money: money?, reference: reference?, of })
    }
}

/// Why a reference is none.
pub const REFERENCE_FAULT: (&str, &str) =
    ("reference.malformed", "a reference has 1 to 64 visible ASCII characters");

/// 1 to 64 visible ASCII characters.
pub fn reference_text(text: &str) -> Option<String> {
    let visible = text.bytes().all(|b| (0x21..=0x7e).contains(&b));
    ((1..=64).contains(&text.len()) && visible).then(|| text.to_owned())
}

/// At which time a wallet is wanted.
#[derive(Debug, Clone, Copy)]
pub struct WalletQuery {
    /// None: now.
    pub at: Option<Timestamp>,
}

impl FromFields for WalletQuery {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { at: fields.time_opt("at") })
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WalletParams {
    /// RFC 3339 in UTC; left out, now.
    #[param(example = "2026-03-01T12:00:00Z", format = DateTime)]
    pub at: Option<String>,
}

/// What a method is wanted for.
#[derive(Debug, Clone)]
pub struct MethodsQuery {
    pub player: PlayerId,
    pub direction: Direction,
    pub money: Option<Money>,
    pub currency: Option<Currency>,
}

impl FromFields for MethodsQuery {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let player = player_id(fields);
        let known = ("direction.unknown", "a direction is deposit or withdrawal");
        let direction = fields.parsed("direction", known, |text| text.parse().ok());
        let unknown = (
            "currency.unknown",
            "this is no ISO 4217 code of a currency, in capitals, and not BTC, ETH, USDT or USDC",
        );
        let currency = fields.parsed_opt("currency", unknown, |code| code.parse::<Currency>().ok());
        let money = fields.amount_opt("amount", currency);
        Some(Self { player: player?, direction: direction?, money, currency })
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MethodsParams {
    pub player_id: String,
    /// `deposit` or `withdrawal`.
    pub direction: String,
    /// Only methods that take this amount. Wants `currency`.
    pub amount: Option<String>,
    pub currency: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = NewWalletEntry)]
pub struct WalletEntrySchema {
    /// `stake`, `win`, `void`, `bonus_grant`, `bonus_to_cash` or `bonus_forfeit`.
    #[schema(example = "stake")]
    pub kind: String,
    #[schema(example = "5.00")]
    pub amount: String,
    #[schema(example = "SEK")]
    pub currency: String,
    /// The game platform's own, unique for ever.
    #[schema(example = "round-7-stake")]
    pub reference: String,
    /// The stake that a `void` undoes, once.
    pub of: Option<String>,
}
