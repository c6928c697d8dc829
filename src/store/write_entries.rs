//! The legs of what a batch posted, as rows; [`super::write_holdings`] writes them beside the wallets
//! that they change.

use super::StoreError;
use super::write_records::{Numbered, n};
use super::written::written;
use crate::book::Entry;
use crate::domain::PlayerKey;
use crate::ledger::PostedLeg;
use std::collections::BTreeMap;
use uuid::Uuid;

written! {
    EntryRow<'a> as "written_entry" {
        seq: i64,
        leg: i16,
        kind: &'a str,
        operator_id: &'a str,
        player_id: &'a str,
        payment_id: Option<Uuid>,
        reference: Option<&'a str>,
        account: String,
        amount: i64,
        currency: &'a str,
        wallet_version: Option<i64>,
        balance_after: Option<i64>,
        head: Option<&'a [u8]>,
    }
}

written! {
    HouseRow<'a> as "written_house_balance" {
        account: String,
        currency: &'a str,
        balance: i64,
        entries: i64,
    }
}

/// The legs, and what they come to for the house.
///
/// # Errors
/// When a sum does not fit: the commands are then written one by one, each with a sum of its own.
pub(super) fn rows(
    records: &[Numbered],
) -> Result<(Vec<EntryRow<'_>>, Vec<HouseRow<'_>>), StoreError> {
    let mut rows = Vec::new();
    // Per account and currency: the sum of the batch's legs, and how many there are.
    let mut house: BTreeMap<(String, &str), (i64, i64)> = BTreeMap::new();
    for numbered in records {
        let mut leg_number = 0;
        for entry in &numbered.record.entries {
            for leg in &entry.legs {
                let row = row(numbered, entry, leg, leg_number);
                leg_number += 1;
                if !leg.account.is_players() {
                    let place = (row.account.clone(), row.currency);
                    let sum = house.entry(place).or_default();
                    sum.0 = sum.0.checked_add(leg.amount).ok_or_else(|| StoreError::Overflow {
                        account: row.account.clone(),
                        currency: row.currency.to_owned(),
                    })?;
                    sum.1 += 1;
                }
                rows.push(row);
            }
        }
    }
    let house = house.into_iter().map(|((account, currency), (balance, entries))| HouseRow {
        account,
        currency,
        balance,
        entries,
    });
    Ok((rows, house.collect()))
}

fn row<'a>(
    numbered: &'a Numbered,
    entry: &'a Entry,
    leg: &'a PostedLeg,
    leg_number: usize,
) -> EntryRow<'a> {
    let PlayerKey { operator, player } = &numbered.record.player;
    EntryRow {
        seq: numbered.seq,
        leg: n(leg_number),
        kind: entry.kind,
        operator_id: operator.as_str(),
        player_id: player.as_str(),
        payment_id: entry.payment,
        reference: entry.reference.as_deref(),
        account: leg.account.to_string(),
        amount: leg.amount,
        currency: entry.currency.code(),
        wallet_version: leg.wallet.map(|(version, _)| version),
        balance_after: leg.balance_after,
        head: leg.wallet.as_ref().map(|(_, head)| &head[..]),
    }
}
