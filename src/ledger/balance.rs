//! A posting meets a wallet.

use super::{Account, Posting};
use crate::domain::{Balance, PlayerKey};
use sha2::{Digest, Sha256};

/// The wallet does not cover the posting; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{account} has {available_minor} of the {needed_minor} needed")]
pub struct InsufficientFunds {
    pub account: Account,
    pub available_minor: i64,
    pub needed_minor: i64,
}

/// A leg as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedLeg {
    pub account: Account,
    pub amount: i64,
    /// Of the player's legs: the account's balance afterwards, as the wallet shows it.
    pub balance_after: Option<i64>,
    /// Of the player's legs: the wallet's version, and the head of its hash chain, afterwards.
    pub wallet: Option<(i64, [u8; 32])>,
}

/// Applies a posting to the wallet and returns its legs as they are to be written.
///
/// All or nothing: on an error the wallet is as it was.
pub fn post(
    key: &PlayerKey,
    wallet: &mut Balance,
    posting: &Posting,
) -> Result<Vec<PostedLeg>, InsufficientFunds> {
    assert_eq!(wallet.currency, posting.currency(), "a posting of another currency");
    let mut after = wallet.clone();
    let mut balances = Vec::with_capacity(posting.legs().len());
    for leg in posting.legs() {
        let balance = match leg.account {
            Account::PlayerCash => Some(grow(&mut after.cash, leg.amount, &leg.account)?),
            Account::PlayerBonus => Some(grow(&mut after.bonus, leg.amount, &leg.account)?),
            Account::PlayerHeld => Some(grow(&mut after.held, leg.amount, &leg.account)?),
            // The receivable is what is owed to us: the wallet shows it with the sign turned.
            Account::PlayerReceivable => Some(grow(&mut after.owed, -leg.amount, &leg.account)?),
            _ => None,
        };
        balances.push(balance);
    }
    if balances.iter().any(Option::is_some) {
        after.version += 1;
        let legs = posting.legs().iter().map(|leg| (leg.account.to_string(), leg.amount));
        after.head = chain(after.head, key, after.currency.code(), after.version, legs);
    }
    let chained = (after.version, after.head);
    *wallet = after;
    let legs = posting.legs().iter().zip(balances);
    Ok(legs
        .map(|(leg, balance_after)| PostedLeg {
            account: leg.account.clone(),
            amount: leg.amount,
            balance_after,
            wallet: balance_after.map(|_| chained),
        })
        .collect())
}

fn grow(balance: &mut i64, amount: i64, account: &Account) -> Result<i64, InsufficientFunds> {
    match balance.checked_add(amount) {
        Some(sum) if 0 <= sum => {
            *balance = sum;
            Ok(sum)
        }
        _ => Err(InsufficientFunds {
            account: account.clone(),
            available_minor: *balance,
            needed_minor: amount.saturating_neg(),
        }),
    }
}

/// The head of a wallet's chain after one posting; whoever re-checks the chain calls it too.
///
/// `head = SHA-256(prev ‖ operator ‖ player ‖ currency ‖ version ‖ every leg)`, texts with their
/// length before them and numbers big-endian: a JSON form would change with its printer.
pub fn chain(
    prev: [u8; 32],
    key: &PlayerKey,
    currency: &str,
    version: i64,
    legs: impl Iterator<Item = (String, i64)>,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(prev);
    for text in [key.operator.as_str(), key.player.as_str(), currency] {
        update_text(&mut hash, text);
    }
    hash.update(version.to_be_bytes());
    for (account, amount) in legs {
        update_text(&mut hash, &account);
        hash.update(amount.to_be_bytes());
    }
    hash.finalize().into()
}

fn update_text(hash: &mut Sha256, text: &str) {
    hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money, OperatorId, PlayerId};
    use crate::ledger::templates::{self, Debit, Shares};

    fn key() -> PlayerKey {
        PlayerKey { operator: OperatorId::trusted("op_demo"), player: PlayerId::trusted("p-1") }
    }

    const fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    #[test]
    fn a_hold_takes_cash_and_a_capture_uses_it_up() {
        let mut wallet = Balance::empty(Currency::EUR);
        let steps = [
            (templates::deposit_captured("x", eur(1000), 0), (1000, 0)),
            (templates::withdrawal_held(eur(400)), (600, 400)),
            (templates::payout_captured("x", eur(300), 10), (600, 100)),
            (templates::hold_released(eur(100)), (700, 0)),
        ];
        for (posting, (cash, held)) in steps {
            post(&key(), &mut wallet, &posting).expect("covered");
            assert_eq!((wallet.cash, wallet.held), (cash, held), "{}", posting.kind());
        }
        assert_eq!(wallet.version, 4);
    }

    #[test]
    fn what_the_wallet_does_not_cover_changes_nothing() {
        let mut wallet = Balance::empty(Currency::EUR);
        post(&key(), &mut wallet, &templates::win_paid(eur(5))).expect("covered");
        let before = wallet.clone();
        let refused = post(&key(), &mut wallet, &templates::withdrawal_held(eur(6)));
        assert!(refused.is_err());
        assert_eq!(wallet, before);
    }

    #[test]
    fn a_debit_that_cannot_be_refused_takes_cash_first_and_the_rest_is_owed() {
        let mut wallet = Balance::empty(Currency::EUR);
        post(&key(), &mut wallet, &templates::win_paid(eur(30))).expect("covered");
        let debit = Debit::of(100, wallet.cash);
        let posting = templates::deposit_reversed("x", Currency::EUR, debit);
        post(&key(), &mut wallet, &posting).expect("never refused");
        assert_eq!((wallet.cash, wallet.owed), (0, 70));
        let won = templates::reversal_won("x", Currency::EUR, Shares::of(100, 70, 70));
        post(&key(), &mut wallet, &won).expect("covered");
        assert_eq!((wallet.cash, wallet.owed), (30, 0));
    }

    #[test]
    fn the_chain_can_be_computed_again_from_what_was_written() {
        let mut wallet = Balance::empty(Currency::EUR);
        let legs = post(&key(), &mut wallet, &templates::win_paid(eur(5))).expect("covered");
        let written = legs.iter().map(|leg| (leg.account.to_string(), leg.amount));
        assert_eq!(chain([0; 32], &key(), "EUR", 1, written), wallet.head);
    }
}
