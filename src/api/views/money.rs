//! Money as the API tells it.

use crate::domain::Money;
use serde::Serialize;
use utoipa::ToSchema;

/// A decimal string in major units, with all decimals of its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyView {
    #[schema(example = "100.00")]
    pub amount: String,
    /// ISO 4217, or BTC, ETH, USDT, USDC.
    #[schema(example = "SEK")]
    pub currency: &'static str,
}

impl From<Money> for MoneyView {
    fn from(money: Money) -> Self {
        Self { amount: money.major(), currency: money.currency.code() }
    }
}
