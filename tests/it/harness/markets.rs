//! The sandbox's markets: who is asked first, who second, what a player needs there, and how they pay.

use super::payments::{claim, key};
use super::world::World;
use interlock::domain::{Currency, Instrument, Method, Money, Player, PlayerKey};
use interlock::payments::request_withdrawal::{DestinationOrder, WithdrawalOrder};
use interlock::payments::start_deposit::DepositOrder;
use psp_contract::{Instrument as Chosen, Portable};

/// One kind of payment of one market, with its two accounts.
#[derive(Debug, Clone, Copy)]
pub struct Market {
    pub country: &'static str,
    pub currency: Currency,
    pub method: Method,
    pub accounts: &'static [&'static str],
    /// What a deposit of these tests is, in minor units.
    pub minor: i64,
    pub national_id: Option<&'static str>,
    pub phone: &'static str,
    /// The chain that coins are sent on.
    pub network: Option<&'static str>,
}

const BANK: Market = Market {
    country: "DE",
    currency: Currency::EUR,
    method: Method::BankTransfer,
    accounts: &["trustly-de", "truelayer-de"],
    minor: 10_000,
    national_id: None,
    phone: "+4915112345678",
    network: None,
};

pub const GERMANY: Market = BANK;
pub const BRITAIN: Market = Market {
    country: "GB",
    currency: Currency::GBP,
    accounts: &["truelayer-gb", "trustly-gb"],
    ..BANK
};
pub const SWEDEN: Market = Market {
    country: "SE",
    currency: Currency::SEK,
    accounts: &["swish-se", "trustly-se"],
    national_id: Some("199002039876"),
    phone: "+46701234567",
    ..BANK
};
pub const BRAZIL: Market = Market {
    country: "BR",
    currency: Currency::BRL,
    method: Method::Pix,
    accounts: &["pix-efi-br", "mercadopago-br"],
    national_id: Some("52998224725"),
    phone: "+5511987654321",
    ..BANK
};
pub const GERMAN_CARDS: Market =
    Market { method: Method::Card, accounts: &["adyen-de", "nuvei-de"], ..GERMANY };
pub const BRITISH_CARDS: Market =
    Market { method: Method::Card, accounts: &["nuvei-gb", "adyen-gb"], ..BRITAIN };
pub const CANADA: Market = Market {
    country: "CA",
    currency: Currency::CAD,
    method: Method::Interac,
    accounts: &["nuvei-ca", "paysafe-ca"],
    phone: "+14165550100",
    ..BANK
};
pub const MALTA: Market = Market {
    country: "MT",
    currency: Currency::USDT,
    method: Method::Crypto,
    accounts: &["coinspaid", "fireblocks"],
    minor: 100_000_000,
    phone: "+35621234567",
    network: Some("ethereum"),
    ..BANK
};

impl Market {
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    pub fn deposit(&self, player: &PlayerKey) -> DepositOrder {
        let instrument = self.network.map(|network| Chosen::Crypto {
            asset: self.currency.code().to_owned(),
            network: network.to_owned(),
        });
        DepositOrder {
            player: player.clone(),
            claim: claim("deposits", &key()),
            money: self.money(self.minor),
            method: self.method,
            return_url: "https://casino.example/done".to_owned(),
            instrument,
            reference: None,
            metadata: "{}".to_owned(),
            ip: Some("127.0.0.1".to_owned()),
        }
    }

    /// Half of what one deposit brings, to where the market's players are paid.
    pub fn withdrawal(&self, player: &PlayerKey, destination: DestinationOrder) -> WithdrawalOrder {
        WithdrawalOrder {
            player: player.clone(),
            claim: claim("withdrawals", &key()),
            money: self.money(self.minor / 2),
            method: self.method,
            reference: None,
            metadata: "{}".to_owned(),
            destination,
        }
    }
}

/// An address of the player's own.
pub fn wallet_address(network: &str) -> DestinationOrder {
    let portable = Portable::CryptoAddress {
        network: network.to_owned(),
        asset: "USDT".to_owned(),
        address: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".to_owned(),
        tag: None,
    };
    let masked = "0x** **** eAed".to_owned();
    let instrument = Instrument { portable: Some(portable), masked, ..Instrument::default() };
    DestinationOrder::Instrument(Box::new(instrument))
}

impl World {
    /// A new player of a market, with all that its PSPs want to know.
    pub async fn player_of(&self, market: Market) -> PlayerKey {
        let key = self.player(market.country).await;
        let known = self.read_player(&key).await;
        let player = Player {
            currency: market.currency,
            given_name: Some("Erika".to_owned()),
            family_name: Some("Mustermann".to_owned()),
            national_id: market.national_id.map(str::to_owned),
            phone: Some(market.phone.to_owned()),
            ..known
        };
        self.change_player(player).await;
        key
    }
}
