//! The sandbox's players: one for each market, verified and with all that its PSPs ask for, so that a
//! first deposit needs one curl line, and with limits where a market's law wants a player to have set
//! some. They are invented; their numbers are of the kinds that each country
//! keeps for examples, or are check digits of nobody.

use crate::domain::{
    Currency, Kyc, KycStatus, Money, OperatorId, Player, PlayerId, PlayerKey, PlayerStatus,
    Timestamp,
};
use crate::flows::Flows;
use crate::players::put_player::put_player;
use crate::players::set_limits::{Change, set_limits};
use crate::screening::limits::Period;
use crate::store::read_models;
use anyhow::Context as _;
use time::macros::date;

/// The operator whose keys the sandbox prints.
const OPERATOR: &str = "op_demo";

/// Somebody to try a market with.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub id: &'static str,
    pub country: &'static str,
    pub currency: Currency,
    names: [&'static str; 2],
    national_id: Option<&'static str>,
    phone: &'static str,
    locale: &'static str,
    /// Deposit limits of a day, a week and a month, in minor units: far above what anybody tries out.
    limits: Option<[i64; 3]>,
}

/// One line for each market.
pub const SAMPLES: [Sample; 6] = [
    Sample {
        id: "p-se",
        country: "SE",
        currency: Currency::SEK,
        names: ["Anna", "Andersson"],
        national_id: Some("199012319876"),
        phone: "+46701234567",
        locale: "sv-SE",
        limits: Some([100_000_000, 200_000_000, 500_000_000]),
    },
    Sample {
        id: "p-de",
        country: "DE",
        currency: Currency::EUR,
        names: ["Erika", "Mustermann"],
        national_id: None,
        phone: "+4915112345678",
        locale: "de-DE",
        limits: None,
    },
    Sample {
        id: "p-gb",
        country: "GB",
        currency: Currency::GBP,
        names: ["Jane", "Doe"],
        national_id: None,
        phone: "+447700900123",
        locale: "en-GB",
        limits: None,
    },
    Sample {
        id: "p-br",
        country: "BR",
        currency: Currency::BRL,
        names: ["Joana", "Exemplo"],
        national_id: Some("52998224725"),
        phone: "+5511987654321",
        locale: "pt-BR",
        limits: None,
    },
    Sample {
        id: "p-ca",
        country: "CA",
        currency: Currency::CAD,
        names: ["Zoe", "Roy"],
        national_id: None,
        phone: "+14165550100",
        locale: "en-CA",
        limits: None,
    },
    Sample {
        id: "p-mt",
        country: "MT",
        currency: Currency::USDT,
        names: ["Maria", "Borg"],
        national_id: None,
        phone: "+35621234567",
        locale: "en-MT",
        limits: None,
    },
];

impl Sample {
    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    fn record(&self, key: PlayerKey, now: Timestamp) -> Player {
        let [given, family] = self.names;
        Player {
            key,
            version: 0,
            country: self.country.to_owned(),
            currency: self.currency,
            full_name: format!("{given} {family}"),
            given_name: Some(given.to_owned()),
            family_name: Some(family.to_owned()),
            date_of_birth: date!(1990 - 12 - 31),
            national_id: self.national_id.map(str::to_owned),
            email: Some(format!("{}@example.com", given.to_lowercase())),
            phone: Some(self.phone.to_owned()),
            address: None,
            locale: Some(self.locale.to_owned()),
            status: PlayerStatus::Active,
            exclusion: None,
            kyc: Kyc { status: KycStatus::Verified, level: 3, verified_at: Some(now) },
            has_paid: false,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Registers those that are not there yet; one that is stays as its casino left it.
///
/// # Errors
/// When the database fails.
pub async fn register(flows: &Flows) -> anyhow::Result<()> {
    for sample in SAMPLES {
        let operator = OperatorId::parse(OPERATOR).context("the sandbox's operator")?;
        let player = PlayerId::parse(sample.id).context("a sandbox player's id")?;
        let key = PlayerKey { operator, player };
        let doing = || format!("registering the sandbox's player {}", sample.id);
        if read_models::player(flows.db.pool(), &key).await.with_context(doing)?.is_none() {
            let record = sample.record(key.clone(), flows.clock.now());
            put_player(flows, record).await.with_context(doing)?;
            if let Some(limits) = sample.limits {
                let wanted = Period::ALL.into_iter().zip(limits);
                let wanted = wanted.map(|(period, minor)| (period, sample.money(minor))).collect();
                set_limits(flows, &key, Change::Replace(wanted)).await.with_context(doing)?;
            }
        }
    }
    Ok(())
}
