//! Players, their money, and the people who decide.

use super::payments::{claim, until_recorded};
use super::world::World;
use interlock::book::{GameEntry, GameKind};
use interlock::domain::ids::SystemIds;
use interlock::domain::{
    Balance, Currency, Ids, Kyc, KycStatus, Money, OperatorId, PersonId, Player, PlayerId,
    PlayerKey, PlayerStatus,
};
use interlock::players::enter_game::enter_game;
use interlock::players::put_player::put_player;
use interlock::store::read_models;
use time::macros::{date, datetime};

pub fn person(name: &str) -> PersonId {
    PersonId::parse(name).unwrap()
}

/// The currency of a country's players; in Malta coins are beside it.
fn currency_of(country: &str) -> Currency {
    match country {
        "GB" => Currency::GBP,
        "SE" => Currency::SEK,
        "CA" => Currency::CAD,
        "BR" => Currency::BRL,
        _ => Currency::EUR,
    }
}

/// Where PSPs pay nobody without one.
fn national_id_of(country: &str) -> Option<&'static str> {
    match country {
        "SE" => Some("197709152384"),
        "BR" => Some("52998224725"),
        _ => None,
    }
}

fn record(key: PlayerKey, country: &str) -> Player {
    let epoch = datetime!(2026-01-01 0:00 UTC);
    Player {
        key,
        version: 0,
        country: country.to_owned(),
        currency: currency_of(country),
        full_name: "Erika Mustermann".to_owned(),
        given_name: None,
        family_name: None,
        date_of_birth: date!(1990 - 02 - 03),
        national_id: national_id_of(country).map(str::to_owned),
        email: Some("erika@example.test".to_owned()),
        phone: Some(if country == "SE" { "+46701234567" } else { "+4915112345678" }.to_owned()),
        address: None,
        locale: Some("de_DE".to_owned()),
        status: PlayerStatus::Active,
        exclusion: None,
        kyc: Kyc { status: KycStatus::Verified, level: 3, verified_at: Some(epoch) },
        has_paid: false,
        created_at: epoch,
        updated_at: epoch,
    }
}

impl World {
    /// A new player of a country with an empty wallet.
    pub async fn player(&self, country: &str) -> PlayerKey {
        let id = format!("p-{}", SystemIds.next().simple());
        let operator = OperatorId::parse("op_demo").unwrap();
        let key = PlayerKey { operator, player: PlayerId::parse(&id).unwrap() };
        self.change_player(record(key.clone(), country)).await;
        key
    }

    /// A new player with cash, won in a game.
    pub async fn rich_player(&self, country: &str, minor: i64) -> PlayerKey {
        let key = self.player(country).await;
        self.win(&key, currency_of(country), minor).await;
        key
    }

    pub async fn change_player(&self, player: Player) -> Player {
        let put = until_recorded(async || {
            let (flows, player) = (self.one().flows.clone(), player.clone());
            self.one().run(async move { put_player(&flows, player).await }).await
        });
        put.await.unwrap()
    }

    pub async fn read_player(&self, key: &PlayerKey) -> Player {
        read_models::player(&self.rows, key).await.unwrap().unwrap().0
    }

    pub async fn win(&self, key: &PlayerKey, currency: Currency, minor: i64) {
        self.play(key, GameKind::Win, Money::new(minor, currency)).await;
    }

    pub async fn play(&self, key: &PlayerKey, kind: GameKind, money: Money) {
        let reference = SystemIds.next().simple().to_string();
        let entry = GameEntry {
            reference: reference.clone(),
            kind,
            money,
            from_cash: 0,
            from_bonus: 0,
            of: None,
            voided: false,
            created_at: self.one().flows.clock.now(),
        };
        let claim = claim("wallet-entries", &reference);
        let entered = until_recorded(async || {
            let (flows, key) = (self.one().flows.clone(), key.clone());
            let (claim, entry) = (claim.clone(), entry.clone());
            self.one().run(async move { enter_game(&flows, &key, claim, entry).await }).await
        });
        entered.await.unwrap();
    }

    pub async fn wallet(&self, key: &PlayerKey) -> Balance {
        let mut wallets = read_models::wallets(&self.rows, key).await.unwrap();
        wallets.pop().unwrap_or_else(|| Balance::empty(Currency::EUR))
    }
}
