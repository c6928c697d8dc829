//! The sandbox's PSP accounts, their players' money, and where payouts to them go.

use super::super::harness::{house, sandbox};
use interlock::config::{Config, PspAccount, Variables};
use interlock::domain::{Currency, Instrument, Method, Money};
use psp_contract::Portable;

/// A kind of payment, and one account that carries it.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: String,
    pub country: String,
    pub method: Method,
    pub currency: Currency,
    /// The accounts of the same kind of payments, this one first.
    pub market: &'static [&'static str],
    /// The least that all of them take and pay.
    least: i64,
}

pub async fn config() -> Config {
    sandbox(house().await, &Variables::new())
}

impl Account {
    pub async fn named(id: &str) -> Self {
        let config = config().await;
        let own = config.psps.iter().find(|account| account.id == id);
        let own = own.unwrap_or_else(|| panic!("there is no account {id}"));
        let (country, currency) = (own.countries[0].clone(), own.currencies[0]);
        let serves = |other: &&PspAccount| other.serves(&country, &own.method, currency);
        let all: Vec<&PspAccount> = config.psps.iter().filter(serves).collect();
        let bounds = |account: &&PspAccount| {
            let ranges = [account.deposit.get(&currency), account.payout.get(&currency)];
            ranges.into_iter().flatten().map(|range| range.min.minor).max()
        };
        // Kept for as long as the tests run: a world's setup is made of constants.
        let mut market: Vec<&'static str> =
            all.iter().map(|account| &*String::leak(account.id.clone())).collect();
        market.sort_by_key(|other| *other != id);
        Self {
            market: Vec::leak(market),
            id: id.to_owned(),
            method: own.method.parse().unwrap(),
            least: all.iter().filter_map(bounds).max().unwrap(),
            country,
            currency,
        }
    }

    /// An amount that no other payment of a test has, so that none can be taken for another.
    pub fn money(&self, number: usize) -> Money {
        Money::new(self.least + 1 + i64::try_from(number).unwrap(), self.currency)
    }

    /// An account that a payout can go to.
    pub fn destination(&self) -> Instrument {
        let holder_name = "Erika Mustermann".to_owned();
        let portable = match (self.method, &*self.country) {
            (Method::Crypto, _) => {
                let address = "0x52908400098527886E0F7030069857D2E4169EE7".to_owned();
                let asset = self.currency.code().to_owned();
                Portable::CryptoAddress {
                    network: "ethereum".to_owned(),
                    asset,
                    address,
                    tag: None,
                }
            }
            (Method::Interac, _) => {
                Portable::Email { address: "erika@example.test".to_owned(), holder_name }
            }
            (Method::Pix, _) => Portable::PixKey { key: "52998224725".to_owned() },
            (_, "GB") => {
                let (sort_code, account_number) = ("040004".to_owned(), "12345678".to_owned());
                Portable::UkAccount { sort_code, account_number, holder_name }
            }
            (_, "SE") if self.id.starts_with("swish") => {
                Portable::Phone { number: "46701234567".to_owned(), holder_name }
            }
            (_, "SE") => {
                Portable::Iban { iban: "SE4550000000058398257466".to_owned(), holder_name }
            }
            _ => Portable::Iban { iban: "DE89370400440532013000".to_owned(), holder_name },
        };
        Instrument { masked: "****".to_owned(), portable: Some(portable), ..Instrument::default() }
    }
}
