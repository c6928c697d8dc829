//! Coins and the networks they travel on, as data.
//!
//! Each adapter that moves coins has one table: which coin on which network its PSP calls what, how fine
//! the chain counts, how many blocks we want to see whatever the PSP says, how addresses look, and
//! whether one is nothing without a tag. Deposits, payouts and `can_pay` read the same rows.

mod address;

pub(crate) use address::Syntax;

use crate::registry::Reader;
use psp_contract::{
    AssetAmount, ChainTransfer, Currency, DepositCapability, Destination, Instrument, Money,
    NextAction, PayerProof, Payin, PayinTarget, Portable, Report, Status, Unknown, minutes,
};

/// What a PSP can do that gives each player an address for ever. An address is no payment: what arrives at
/// it is told unasked, in whatever amount, and no chain gives back what it has confirmed.
pub(crate) const DEPOSIT: DepositCapability = DepositCapability {
    any_amount: true,
    // How long one deposit is waited for.
    ..DepositCapability::opened_by_us(minutes(24 * 60))
};

/// More decimals than any chain has.
const DECIMALS_MAX: usize = 30;

/// A coin on one network.
#[derive(Debug)]
pub(crate) struct Coin {
    /// The PSP's own id of it.
    pub id: &'static str,
    pub asset: Currency,
    pub network: &'static str,
    /// How fine the chain counts; ETH has 18, of which our books keep 8.
    pub decimals: usize,
    /// A final word of the PSP with fewer blocks than this under it is not taken for final.
    pub confirmations_min: u64,
    pub syntax: Syntax,
    /// An address of this coin is shared, and only its tag says whose it is.
    pub needs_tag: bool,
}

impl Coin {
    /// A coin whose addresses say by themselves whose they are.
    pub const fn untagged(
        id: &'static str,
        asset: Currency,
        network: &'static str,
        decimals: usize,
        confirmations_min: u64,
        syntax: Syntax,
    ) -> Self {
        Self { id, asset, network, decimals, confirmations_min, syntax, needs_tag: false }
    }

    /// Whether this is an address of this coin, with a tag where one is needed and none elsewhere.
    pub fn accepts(&self, address: &str, tag: Option<&str>) -> bool {
        self.syntax.accepts(address) && self.needs_tag == tag.is_some_and(|tag| !tag.is_empty())
    }

    /// Reads an amount of this coin, cut at the decimals of our books. The second is the exact text,
    /// where something was cut off. None for anything that is no amount, or finer than the chain counts.
    pub fn amount(&self, text: &str) -> Option<(Money, Option<AssetAmount>)> {
        let (money, significant) = cut(text, self.asset)?;
        if significant > self.decimals {
            return None;
        }
        let was_cut = significant > usize::try_from(self.asset.exponent()).ok()?;
        let exact = was_cut
            .then(|| AssetAmount { asset: self.asset.code().to_owned(), amount: text.to_owned() });
        Some((money, exact))
    }
}

impl Coin {
    /// What the player is told. What is not an address of the coin, with its check sum, is shown to nobody.
    pub fn transfer_to(
        &self,
        address: &str,
        tag: Option<&str>,
        asset_amount: String,
    ) -> Result<NextAction, Unknown> {
        if !self.accepts(address, tag) {
            return Err(Unknown::Unreadable);
        }
        Ok(NextAction::CryptoTransfer {
            address: address.to_owned(),
            network: self.network.to_owned(),
            asset: self.asset.code().to_owned(),
            asset_amount,
            expires_at: None,
        })
    }

    /// What arrived, in our words. Less than our books can hold is nothing to book, and what has fewer
    /// blocks under it than we want to see is not taken for final.
    pub fn payin(&self, arrival: Arrival<'_>) -> Option<Payin> {
        let (money, exact) = arrival.amount;
        let (network, asset) = (self.network.to_owned(), self.asset.code().to_owned());
        let address = arrival.address.map(str::to_owned);
        let target = match (arrival.player_reference, address.clone()) {
            // The player whom the PSP names, else the one of the address.
            (Some(player_reference), _) => PayinTarget::PlayerReference(player_reference),
            (None, Some(address)) => PayinTarget::Address {
                network: network.clone(),
                asset: asset.clone(),
                address,
                tag: arrival.tag,
            },
            (None, None) => return None,
        };
        // Where it is to be seen; nowhere while the PSP does not tell.
        let hash = arrival.hash.filter(|hash| !hash.is_empty()).map(str::to_owned);
        let chain = address.zip(hash);
        let chain = chain.map(|(address, hash)| ChainTransfer { network, asset, address, hash });
        let deep_enough = arrival.blocks.is_none_or(|blocks| blocks >= self.confirmations_min);
        (money.minor > 0).then_some(Payin {
            target,
            psp_reference: arrival.id,
            money,
            asset: exact,
            payer: arrival.payer,
            chain,
            confirmed: arrival.is_final && deep_enough,
        })
    }
}

/// An arrival as the answer to a question about it: how much came, once it is final.
pub(crate) fn report_of(payin: &Payin) -> Report {
    let money = payin.money;
    let status = if payin.confirmed { Status::Succeeded { money } } else { Status::Pending };
    Report::new(&*payin.psp_reference, status)
}

/// Coins that a PSP says have arrived.
pub(crate) struct Arrival<'a> {
    /// The PSP's id of this very arrival.
    pub id: String,
    /// As [`Coin::amount`] reads it.
    pub amount: (Money, Option<AssetAmount>),
    pub player_reference: Option<String>,
    pub address: Option<&'a str>,
    pub tag: Option<String>,
    pub hash: Option<&'a str>,
    /// How many blocks are under it; none where it never touched a chain.
    pub blocks: Option<u64>,
    /// By the PSP's own word.
    pub is_final: bool,
    pub payer: Option<PayerProof>,
}

/// Reads a decimal text in major units and cuts it at the currency's decimals. The second is the number
/// of decimals that are not trailing zeros.
pub(crate) fn cut(text: &str, currency: Currency) -> Option<(Money, usize)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > DECIMALS_MAX {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = fraction.len().min(usize::try_from(currency.exponent()).ok()?);
    let text = match kept {
        0 => whole.to_owned(),
        _ => format!("{whole}.{}", &fraction[..kept]),
    };
    let money = Money::parse_with_zero(&text, currency).ok()?;
    Some((money, fraction.trim_end_matches('0').len()))
}

/// An adapter's table, and which network an account means when nobody says.
pub(crate) struct Coins {
    table: &'static [Coin],
    defaults: Vec<&'static Coin>,
}

impl Coins {
    /// Reads the settings `network_btc`, `network_usdt`, …; without one the table's first row of the
    /// asset is meant.
    pub fn read(reader: &mut Reader<'_>, table: &'static [Coin]) -> Self {
        let mut defaults: Vec<&'static Coin> = Vec::new();
        for coin in table {
            if defaults.iter().any(|known| known.asset == coin.asset) {
                continue;
            }
            let key = format!("network_{}", coin.asset.code().to_ascii_lowercase());
            let network = reader.setting_or(&key, coin.network);
            let meant = table.iter().find(|row| row.asset == coin.asset && row.network == network);
            if meant.is_none() {
                reader.fault(format!("settings.{key}"), "is no network of this PSP's table");
            }
            defaults.push(meant.unwrap_or(coin));
        }
        Self { table, defaults }
    }

    /// Whether one of the coins is this currency.
    pub fn hold(&self, currency: Currency) -> bool {
        self.table.iter().any(|coin| coin.asset == currency)
    }

    pub fn by_id(&self, id: &str) -> Option<&'static Coin> {
        self.table.iter().find(|coin| coin.id == id)
    }

    fn by_name(&self, asset: &str, network: &str) -> Option<&'static Coin> {
        self.table.iter().find(|coin| coin.asset.code() == asset && coin.network == network)
    }

    /// The coin that a player chose, or the one that stands for this currency.
    pub fn chosen(
        &self,
        instrument: Option<&Instrument>,
        currency: Currency,
    ) -> Option<&'static Coin> {
        match instrument {
            Some(Instrument::Crypto { asset, network }) => self.by_name(asset, network),
            Some(_) => None,
            None => self.defaults.iter().find(|coin| coin.asset == currency).copied(),
        }
    }

    /// The coin and address that a payout goes to, when this PSP can send it there.
    pub fn payable<'a>(&self, to: &'a Destination) -> Option<(&'static Coin, &'a str)> {
        let Some(Portable::CryptoAddress { network, asset, address, tag }) = &to.portable else {
            return None;
        };
        let coin = self.by_name(asset, network)?;
        coin.accepts(address, tag.as_deref()).then_some((coin, address))
    }
}

/// An address with its middle left out, for people.
pub(crate) fn masked(address: &str) -> Option<String> {
    let (head, tail) = (address.get(..6)?, address.get(address.len().checked_sub(4)?..)?);
    (address.len() > 12).then(|| format!("{head}…{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETH: Coin = Coin::untagged("ETH", Currency::ETH, "ethereum", 18, 1, Syntax::Evm);

    #[track_caller]
    fn check(text: &str, minor: Option<i64>, exact: Option<&str>) {
        let read = ETH.amount(text);
        assert_eq!(read.as_ref().map(|(money, _)| money.minor), minor, "{text}");
        let told = read.and_then(|(_, exact)| exact).map(|exact| exact.amount);
        assert_eq!(told.as_deref(), exact, "{text}");
    }

    #[test]
    fn what_is_finer_than_our_books_is_cut_and_told() {
        check("1.23456789", Some(123_456_789), None);
        check("1.234567890000000000", Some(123_456_789), None);
        check("1.234567891234567891", Some(123_456_789), Some("1.234567891234567891"));
        check("0.000000009", Some(0), Some("0.000000009"));
        check("7", Some(700_000_000), None);
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for text in ["", "1.", ".5", "-1", "1e3", "01.5", "1.0000000000000000001", "1,5", "1.2x"] {
            check(text, None, None);
        }
    }

    #[test]
    fn a_tag_is_there_exactly_where_the_coin_needs_one() {
        let address = "0x52908400098527886E0F7030069857D2E4169EE7";
        assert!(ETH.accepts(address, None) && ETH.accepts(address, Some("")));
        assert!(!ETH.accepts(address, Some("7")));
        let tagged = Coin { needs_tag: true, ..ETH };
        assert!(tagged.accepts(address, Some("7")));
        assert!(!tagged.accepts(address, None) && !tagged.accepts(address, Some("")));
    }

    #[test]
    fn an_arrival_is_the_players_or_the_addresss_and_final_once_it_lies_deep_enough() {
        let coin = Coin { confirmations_min: 2, ..ETH };
        let payin = |minor, player: Option<&str>, address, blocks| {
            coin.payin(Arrival {
                id: "7".to_owned(),
                amount: (Money::new(minor, Currency::ETH), None),
                player_reference: player.map(str::to_owned),
                address,
                tag: None,
                hash: Some("0xab"),
                blocks,
                is_final: true,
                payer: None,
            })
        };
        let named = payin(5, Some("p"), Some("0x1"), Some(2)).expect("an arrival");
        assert_eq!(named.target, PayinTarget::PlayerReference("p".to_owned()));
        assert_eq!(named.chain.map(|chain| chain.hash).as_deref(), Some("0xab"));
        assert!(named.confirmed);
        let unnamed = payin(5, None, Some("0x1"), Some(1)).expect("an arrival");
        assert!(matches!(unnamed.target, PayinTarget::Address { .. }) && !unnamed.confirmed);
        assert!(
            payin(5, Some("p"), None, None).is_some_and(|it| it.confirmed && it.chain.is_none())
        );
        assert_eq!(payin(5, None, None, None), None);
        assert_eq!(payin(0, Some("p"), None, None), None);
    }

    #[test]
    fn the_middle_of_an_address_is_left_out() {
        let masked = masked("0x52908400098527886E0F7030069857D2E4169EE7");
        assert_eq!(masked.as_deref(), Some("0x5290…9EE7"));
        assert_eq!(super::masked("short"), None);
    }
}
