//! The player as the casino describes them. PUT replaces the whole record; every version is kept.

use super::{Currency, PlayerKey, Timestamp};
use time::Date;

/// Stands where the birth date of an erased player stood.
const NO_DAY: Date = time::macros::date!(0001 - 01 - 01);

/// A player's record at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    pub key: PlayerKey,
    /// Grows by one with every change of the record, of the limits, or of an exclusion. A
    /// screening that ran on another version is void.
    pub version: i64,
    /// ISO 3166 alpha-2 of residence: it decides the market.
    pub country: String,
    pub currency: Currency,
    pub full_name: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub date_of_birth: Date,
    pub national_id: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub address: Option<String>,
    pub locale: Option<String>,
    pub status: PlayerStatus,
    pub exclusion: Option<Exclusion>,
    pub kyc: Kyc,
    /// True from the first payment on: country, birth date and national id then change only by
    /// review.
    pub has_paid: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Player {
    pub fn is_excluded(&self, now: Timestamp) -> bool {
        self.exclusion.as_ref().is_some_and(|exclusion| exclusion.holds_at(now))
    }

    /// Neither frozen, closed nor excluded. Deposits of others are stopped before money moves, whatever was
    /// allowed before.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.status == PlayerStatus::Active && !self.is_excluded(now)
    }

    pub fn is_erased(&self) -> bool {
        self.status == PlayerStatus::Erased
    }

    /// Takes out everything that tells who it is. Country and currency stay: what was booked was booked
    /// under them.
    pub fn erase(&mut self) {
        self.full_name.clear();
        self.date_of_birth = NO_DAY;
        self.status = PlayerStatus::Erased;
        self.exclusion = None;
        self.kyc = Kyc { status: KycStatus::Unverified, level: 0, verified_at: None };
        for text in [
            &mut self.given_name,
            &mut self.family_name,
            &mut self.national_id,
            &mut self.email,
            &mut self.phone,
            &mut self.address,
            &mut self.locale,
        ] {
            *text = None;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayerStatus {
    Active,
    Frozen,
    Closed,
    /// The record is empty for good: what it held was erased once its time was over.
    Erased,
}

impl PlayerStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            PlayerStatus::Active => "active",
            PlayerStatus::Frozen => "frozen",
            PlayerStatus::Closed => "closed",
            PlayerStatus::Erased => "erased",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Frozen, Self::Closed, Self::Erased]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// Self-exclusion, or an entry in a national register. It stops deposits, never a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    pub source: String,
    pub from: Timestamp,
    /// None: without end.
    pub until: Option<Timestamp>,
}

impl Exclusion {
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.from <= now && !self.is_over_at(now)
    }

    pub fn is_over_at(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// This one beside another that was recorded before and is not over: nothing of either is lost. The
    /// source is that of the one that lasts longer.
    pub fn beside(self, recorded: Self) -> Self {
        let lasts = |until: Option<Timestamp>| (until.is_none(), until);
        let from = self.from.min(recorded.from);
        let longer = if lasts(recorded.until) < lasts(self.until) { self } else { recorded };
        Self { from, ..longer }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kyc {
    pub status: KycStatus,
    /// 0 to 3; what a level means is the market's policy.
    pub level: i16,
    pub verified_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KycStatus {
    Unverified,
    Pending,
    Verified,
    Rejected,
}

impl KycStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            KycStatus::Unverified => "unverified",
            KycStatus::Pending => "pending",
            KycStatus::Verified => "verified",
            KycStatus::Rejected => "rejected",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Unverified, Self::Pending, Self::Verified, Self::Rejected]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}
