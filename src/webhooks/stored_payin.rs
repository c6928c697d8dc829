//! The JSON form, in the inbox, of money that names no attempt, and of who paid.

use crate::store::{StoreError, json};
use psp_contract::{AssetAmount, ChainTransfer, Money, PayerProof, Payin, PayinTarget, Portable};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredPayin {
    target: StoredTarget,
    psp_reference: String,
    minor: i64,
    currency: String,
    asset: Option<StoredAsset>,
    payer: Option<StoredPayer>,
    #[serde(default)]
    chain: Option<StoredTransfer>,
    confirmed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredTransfer {
    network: String,
    asset: String,
    address: String,
    hash: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum StoredTarget {
    Player { reference: String },
    Address { network: String, asset: String, address: String, tag: Option<String> },
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredAsset {
    asset: String,
    amount: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredPayer {
    holder_name: Option<String>,
    tax_id: Option<String>,
    iban: Option<String>,
    sort_code: Option<String>,
    account_number: Option<String>,
    account_holder: Option<String>,
    #[serde(default)]
    pix_key: Option<String>,
    #[serde(default)]
    crypto: Option<StoredAddress>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    email: Option<String>,
    token: Option<String>,
    masked: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredAddress {
    network: String,
    asset: String,
    address: String,
    tag: Option<String>,
}

pub(super) fn write(payin: &Payin) -> StoredPayin {
    let target = match payin.target.clone() {
        PayinTarget::PlayerReference(reference) => StoredTarget::Player { reference },
        PayinTarget::Address { network, asset, address, tag } => {
            StoredTarget::Address { network, asset, address, tag }
        }
    };
    StoredPayin {
        target,
        psp_reference: payin.psp_reference.clone(),
        minor: payin.money.minor,
        currency: payin.money.currency.code().to_owned(),
        asset: payin
            .asset
            .clone()
            .map(|AssetAmount { asset, amount }| StoredAsset { asset, amount }),
        payer: payin.payer.as_ref().map(write_payer),
        chain: payin.chain.clone().map(|ChainTransfer { network, asset, address, hash }| {
            StoredTransfer { network, asset, address, hash }
        }),
        confirmed: payin.confirmed,
    }
}

pub(super) fn read(stored: StoredPayin) -> Result<Payin, StoreError> {
    let target = match stored.target {
        StoredTarget::Player { reference } => PayinTarget::PlayerReference(reference),
        StoredTarget::Address { network, asset, address, tag } => {
            PayinTarget::Address { network, asset, address, tag }
        }
    };
    Ok(Payin {
        target,
        psp_reference: stored.psp_reference,
        money: Money::new(stored.minor, json::currency(&stored.currency)?),
        asset: stored.asset.map(|StoredAsset { asset, amount }| AssetAmount { asset, amount }),
        payer: stored.payer.map(read_payer),
        chain: stored.chain.map(|StoredTransfer { network, asset, address, hash }| ChainTransfer {
            network,
            asset,
            address,
            hash,
        }),
        confirmed: stored.confirmed,
    })
}

pub(super) fn write_payer(payer: &PayerProof) -> StoredPayer {
    let mut stored = StoredPayer {
        holder_name: payer.holder_name.clone(),
        tax_id: payer.tax_id.clone(),
        iban: None,
        sort_code: None,
        account_number: None,
        account_holder: None,
        pix_key: None,
        crypto: None,
        phone: None,
        email: None,
        token: payer.token.clone(),
        masked: payer.masked.clone(),
    };
    match payer.portable.clone() {
        Some(Portable::Iban { iban, holder_name }) => {
            stored.iban = Some(iban);
            stored.account_holder = Some(holder_name);
        }
        Some(Portable::UkAccount { sort_code, account_number, holder_name }) => {
            stored.sort_code = Some(sort_code);
            stored.account_number = Some(account_number);
            stored.account_holder = Some(holder_name);
        }
        Some(Portable::PixKey { key }) => stored.pix_key = Some(key),
        Some(Portable::CryptoAddress { network, asset, address, tag }) => {
            stored.crypto = Some(StoredAddress { network, asset, address, tag });
        }
        Some(Portable::Phone { number, holder_name }) => {
            stored.phone = Some(number);
            stored.account_holder = Some(holder_name);
        }
        Some(Portable::Email { address, holder_name }) => {
            stored.email = Some(address);
            stored.account_holder = Some(holder_name);
        }
        None => {}
    }
    stored
}

pub(super) fn read_payer(stored: StoredPayer) -> PayerProof {
    let holder_name = stored.account_holder.unwrap_or_default();
    let account = stored.sort_code.zip(stored.account_number);
    // One of them at most was written.
    let portable = if let Some(iban) = stored.iban {
        Some(Portable::Iban { iban, holder_name })
    } else if let Some((sort_code, account_number)) = account {
        Some(Portable::UkAccount { sort_code, account_number, holder_name })
    } else if let Some(key) = stored.pix_key {
        Some(Portable::PixKey { key })
    } else if let Some(StoredAddress { network, asset, address, tag }) = stored.crypto {
        Some(Portable::CryptoAddress { network, asset, address, tag })
    } else if let Some(number) = stored.phone {
        Some(Portable::Phone { number, holder_name })
    } else {
        stored.email.map(|address| Portable::Email { address, holder_name })
    };
    PayerProof {
        holder_name: stored.holder_name,
        tax_id: stored.tax_id,
        portable,
        token: stored.token,
        masked: stored.masked,
        // No card pays without a request.
        funding: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    #[track_caller]
    fn check(payin: &Payin) {
        let stored: StoredPayin =
            json::read(&json::text(&write(payin)), "payin").expect("what was written is read");
        assert_eq!(&read(stored).expect("a known currency"), payin);
    }

    #[test]
    fn a_payin_survives_the_inbox_whatever_it_names() {
        let portables = [
            None,
            Some(Portable::Iban { iban: "SE1".to_owned(), holder_name: "A B".to_owned() }),
            Some(Portable::PixKey { key: "a@b.example".to_owned() }),
            Some(Portable::Phone {
                number: "46701234567".to_owned(),
                holder_name: "A B".to_owned(),
            }),
            Some(Portable::Email {
                address: "a@b.example".to_owned(),
                holder_name: "A B".to_owned(),
            }),
            Some(Portable::CryptoAddress {
                network: "tron".to_owned(),
                asset: "USDT".to_owned(),
                address: "T1".to_owned(),
                tag: Some("7".to_owned()),
            }),
        ];
        for portable in portables {
            let payer = PayerProof { portable, ..PayerProof::default() };
            check(&Payin {
                target: PayinTarget::PlayerReference("p".to_owned()),
                psp_reference: "tx-1".to_owned(),
                money: Money::new(1_050, Currency::USDT),
                asset: Some(AssetAmount { asset: "USDT".to_owned(), amount: "0.00105".to_owned() }),
                payer: Some(payer),
                chain: None,
                confirmed: true,
            });
        }
        check(&Payin {
            target: PayinTarget::Address {
                network: "bitcoin".to_owned(),
                asset: "BTC".to_owned(),
                address: "bc1".to_owned(),
                tag: None,
            },
            psp_reference: "tx-2:0".to_owned(),
            money: Money::new(1, Currency::BTC),
            asset: None,
            payer: None,
            chain: Some(ChainTransfer {
                network: "bitcoin".to_owned(),
                asset: "BTC".to_owned(),
                address: "bc1".to_owned(),
                hash: "ab".to_owned(),
            }),
            confirmed: false,
        });
    }
}
