//! The legs of what a batch posted, as columns; [`super::write_holdings`] writes them beside the wallets
//! that they change.

use super::StoreError;
use super::write_records::{Numbered, n};
use crate::domain::PlayerKey;
use crate::ledger::PostedLeg;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Default)]
pub(super) struct EntryColumns<'a> {
    pub seq: Vec<i64>,
    pub leg: Vec<i16>,
    pub kind: Vec<&'a str>,
    pub operator: Vec<&'a str>,
    pub player: Vec<&'a str>,
    pub payment: Vec<Option<Uuid>>,
    pub reference: Vec<Option<&'a str>>,
    pub account: Vec<String>,
    pub amount: Vec<i64>,
    pub currency: Vec<&'a str>,
    pub version: Vec<Option<i64>>,
    pub balance: Vec<Option<i64>>,
    pub head: Vec<Option<Vec<u8>>>,
}

/// Per house account and currency: the sum of the batch's legs, and how many there are.
pub(super) type House = BTreeMap<(String, String), (i64, i64)>;

/// The legs, and what they come to for the house.
///
/// # Errors
/// When a sum does not fit: the commands are then written one by one, each with a sum of its own.
pub(super) fn columns(records: &[Numbered]) -> Result<(EntryColumns<'_>, House), StoreError> {
    let (mut columns, mut house) = (EntryColumns::default(), House::new());
    for numbered in records {
        let mut leg_number = 0;
        for entry in &numbered.record.entries {
            for leg in &entry.legs {
                push_leg(&mut columns, numbered, entry, leg, leg_number);
                leg_number += 1;
                if !leg.account.is_players() {
                    let code = entry.currency.code().to_owned();
                    let (account, currency) = (leg.account.to_string(), code);
                    let sum = house.entry((account.clone(), currency.clone())).or_default();
                    let more = sum.0.checked_add(leg.amount);
                    sum.0 = more.ok_or(StoreError::Overflow { account, currency })?;
                    sum.1 += 1;
                }
            }
        }
    }
    Ok((columns, house))
}

fn push_leg<'a>(
    columns: &mut EntryColumns<'a>,
    numbered: &'a Numbered,
    entry: &'a crate::book::Entry,
    leg: &PostedLeg,
    leg_number: usize,
) {
    let PlayerKey { operator, player } = &numbered.record.player;
    columns.seq.push(numbered.seq);
    columns.leg.push(n(leg_number));
    columns.kind.push(entry.kind);
    columns.operator.push(operator.as_str());
    columns.player.push(player.as_str());
    columns.payment.push(entry.payment);
    columns.reference.push(entry.reference.as_deref());
    columns.account.push(leg.account.to_string());
    columns.amount.push(leg.amount);
    columns.currency.push(entry.currency.code());
    columns.version.push(leg.wallet.map(|(version, _)| version));
    columns.balance.push(leg.balance_after);
    columns.head.push(leg.wallet.map(|(_, head)| head.to_vec()));
}
