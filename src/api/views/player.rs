//! A player's record and the request that replaces it, limits, and sessions.

use super::money::MoneyView;
use super::time::Time;
use crate::domain::Player;
use crate::screening::limits::Limit;
use serde::Serialize;
use utoipa::ToSchema;

/// A player as the casino described them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Player)]
pub struct PlayerView {
    #[schema(example = "p-1")]
    pub player_id: String,
    /// ISO 3166 alpha-2.
    #[schema(example = "SE")]
    pub country: String,
    #[schema(example = "SEK")]
    pub currency: &'static str,
    /// Null, as the next six, once the player's data was erased.
    #[schema(required)]
    pub full_name: Option<String>,
    #[schema(required)]
    pub given_name: Option<String>,
    #[schema(required)]
    pub family_name: Option<String>,
    #[schema(required, example = "1990-12-31")]
    pub date_of_birth: Option<String>,
    #[schema(required)]
    pub national_id: Option<String>,
    #[schema(required)]
    pub email: Option<String>,
    #[schema(required)]
    pub phone: Option<String>,
    #[schema(required)]
    pub address: Option<String>,
    #[schema(required)]
    pub locale: Option<String>,
    /// `active`, `frozen`, `closed` or `erased`.
    #[schema(example = "active")]
    pub status: &'static str,
    #[schema(required)]
    pub exclusion: Option<ExclusionView>,
    pub kyc: KycView,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exclusion)]
pub struct ExclusionView {
    #[schema(example = "self")]
    pub source: String,
    pub from: Time,
    /// Null: without end.
    #[schema(required)]
    pub until: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Kyc)]
pub struct KycView {
    /// `unverified`, `pending`, `verified` or `rejected`.
    #[schema(example = "verified")]
    pub status: &'static str,
    #[schema(minimum = 0, maximum = 3)]
    pub level: i16,
    #[schema(required)]
    pub verified_at: Option<Time>,
}

/// A deposit limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limit)]
pub struct LimitView {
    #[schema(example = "deposit")]
    pub kind: &'static str,
    /// `day`, `week` or `month`.
    #[schema(example = "day")]
    pub period: &'static str,
    #[schema(example = "1000.00")]
    pub amount: String,
    #[schema(example = "SEK")]
    pub currency: &'static str,
    pub effective_at: Time,
    /// A rise that waits for its time and for a confirmation.
    #[schema(required)]
    pub pending: Option<PendingLimitView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingLimit)]
pub struct PendingLimitView {
    /// Null: the limit is to be removed.
    #[schema(required)]
    pub amount: Option<String>,
    #[schema(required)]
    pub currency: Option<&'static str>,
    pub effective_at: Time,
    /// Without `POST …/limits/confirm` it never takes effect.
    pub confirmed: bool,
}

/// A fresh token for a player's browser.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlayerSession)]
pub struct PlayerSessionView {
    /// A JWT; send it as `Authorization: Bearer`.
    pub token: String,
    /// Names the session for `DELETE /v1/player-sessions/{jti}`.
    pub jti: String,
    pub expires_at: Time,
}

impl From<Player> for PlayerView {
    fn from(player: Player) -> Self {
        let is_known = !player.is_erased();
        Self {
            player_id: player.key.player.to_string(),
            country: player.country,
            currency: player.currency.code(),
            full_name: is_known.then_some(player.full_name),
            given_name: player.given_name,
            family_name: player.family_name,
            date_of_birth: is_known.then(|| player.date_of_birth.to_string()),
            national_id: player.national_id,
            email: player.email,
            phone: player.phone,
            address: player.address,
            locale: player.locale,
            status: player.status.as_str(),
            exclusion: player.exclusion.map(|exclusion| ExclusionView {
                source: exclusion.source,
                from: exclusion.from.into(),
                until: exclusion.until.map(Time),
            }),
            kyc: KycView {
                status: player.kyc.status.as_str(),
                level: player.kyc.level,
                verified_at: player.kyc.verified_at.map(Time),
            },
            created_at: player.created_at.into(),
            updated_at: player.updated_at.into(),
        }
    }
}

impl From<&Limit> for LimitView {
    fn from(limit: &Limit) -> Self {
        let MoneyView { amount, currency } = limit.money.into();
        let pending = limit.pending.as_ref().map(|pending| {
            let money = pending.money.map(MoneyView::from);
            PendingLimitView {
                currency: money.as_ref().map(|money| money.currency),
                amount: money.map(|money| money.amount),
                effective_at: pending.effective_at.into(),
                confirmed: pending.confirmed,
            }
        });
        Self {
            kind: "deposit",
            period: limit.period.as_str(),
            amount,
            currency,
            effective_at: limit.effective_at.into(),
            pending,
        }
    }
}
