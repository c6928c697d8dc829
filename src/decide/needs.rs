//! Which rows a command must see: the lane loads them under the player's lock before it decides.

use super::command::{Command, News, ReceivePayin};
use super::payin::below_unit;
use crate::book::{KeyId, PayinKey, Payment};
use crate::domain::{Currency, Direction, Money, PlayerKey};
use psp_contract::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Which rows a batch must load, besides the players themselves.
#[derive(Debug, Default)]
pub struct Needs {
    pub payments: BTreeSet<Uuid>,
    pub keys: BTreeSet<KeyId>,
    pub references: BTreeSet<(PlayerKey, Direction, String)>,
    pub game: BTreeSet<(PlayerKey, String)>,
    pub wallets: BTreeSet<(PlayerKey, Option<Currency>)>,
    pub limits: BTreeSet<PlayerKey>,
    /// What these players deposited and withdrew, as far back as their market looks.
    pub movements: BTreeSet<PlayerKey>,
    /// Deposits whose own movement changes with them.
    pub own_movements: BTreeSet<(PlayerKey, Uuid)>,
    /// Deposits whose money came, and the most that came. They are screened once more; all movements are
    /// read for that only where a rule of the market counts at that moment, or the deposit's own movement
    /// reserves no room for that money any more.
    pub credited: BTreeMap<(PlayerKey, Uuid), Money>,
    /// What these players staked, as far back as their market's rules look.
    pub turnover: BTreeSet<PlayerKey>,
    /// Players whose record may be screened by itself.
    pub accounts: BTreeSet<PlayerKey>,
    /// By when these withdrawals are to be at their end.
    pub deadlines: BTreeSet<Uuid>,
    /// Reviews of these payments.
    pub reviews: BTreeSet<Uuid>,
    /// Reviews that are no payment's, by their own ids.
    pub cases: BTreeSet<Uuid>,
    /// Arrivals without a request.
    pub payins: BTreeSet<PayinKey>,
    /// Of whom what arrived below the smallest unit is added up.
    pub below_unit: BTreeSet<PlayerKey>,
    /// What came in and went out before, for the closed loop.
    pub histories: BTreeSet<(PlayerKey, Currency)>,
    /// Withdrawals of these players that are not processing yet, and returns of their deposits that are.
    pub open_withdrawals: BTreeSet<PlayerKey>,
    /// Deposits whose returns are all to be seen, whatever became of them.
    pub returns_of: BTreeSet<(PlayerKey, Uuid)>,
}

impl Command {
    /// Adds what this command must see.
    pub fn add_needs(&self, player: &PlayerKey, needs: &mut Needs) {
        if let Some(claim) = self.claim() {
            needs.keys.insert(claim.id.clone());
        }
        match self {
            Command::PutPlayer(_)
            | Command::SetKyc(_)
            | Command::PutLimits { .. }
            | Command::ConfirmLimits => {
                needs.limits.insert(player.clone());
                needs.accounts.insert(player.clone());
            }
            Command::ScreenAccount { .. } => {
                needs.accounts.insert(player.clone());
            }
            Command::WalletEntry { entry, .. } => {
                needs.wallets.insert((player.clone(), Some(entry.money.currency)));
                let named = [Some(&entry.reference), entry.of.as_ref()].into_iter().flatten();
                needs.game.extend(named.map(|name| (player.clone(), name.clone())));
            }
            Command::StartDeposit(start) => {
                needs.limits.insert(player.clone());
                needs.movements.insert(player.clone());
                reference_need(player, &start.payment, needs);
            }
            Command::RequestWithdrawal(request) => {
                needs.wallets.insert((player.clone(), Some(request.payment.currency())));
                needs.histories.insert((player.clone(), request.payment.currency()));
                needs.turnover.insert(player.clone());
                needs.movements.insert(player.clone());
                reference_need(player, &request.payment, needs);
            }
            Command::News(news) => self.news_needs(player, news, needs),
            Command::NewsOrAsk { news, .. } => self.news_needs(player, news, needs),
            Command::ReceivePayin(receive) => payin_needs(player, receive, needs),
            Command::AnswerNow { payment } => {
                needs.payments.insert(*payment);
            }
            Command::WatchDeadline { payment, .. } => {
                needs.payments.insert(*payment);
                needs.deadlines.insert(*payment);
            }
            Command::TakeAttempt { payment, .. }
            | Command::TakePayout { payment, .. }
            | Command::ContinueDeposit { payment, .. }
            | Command::Cancel { payment, .. } => {
                payment_needs(player, *payment, needs);
                // A deposit that ends here frees its share of the player's limits.
                needs.movements.insert(player.clone());
                // One that is completed now is screened once more.
                needs.limits.insert(player.clone());
            }
            Command::OpenReturn(open) => return_needs(player, open.deposit, needs),
            Command::VendorsSaid(said) => {
                payment_needs(player, said.payment, needs);
                needs.turnover.insert(player.clone());
                needs.limits.insert(player.clone());
                needs.movements.insert(player.clone());
            }
            Command::Propose { review, payment, .. }
            | Command::Approve { review, payment, .. }
            | Command::Refuse { review, payment, .. } => {
                review_needs(player, *review, *payment, needs);
            }
        }
    }

    fn news_needs(&self, player: &PlayerKey, news: &News, needs: &mut Needs) {
        needs.payments.insert(news.payment);
        needs.wallets.insert((player.clone(), None));
        if let Outcome::Reported(report) = &news.outcome {
            use psp_contract::Status;
            match report.status {
                Status::Succeeded { money } | Status::Won { money } => {
                    success_needs(player, news, money, needs);
                }
                Status::Returned { money } | Status::Reversed { money } => {
                    // It vouches for a success that was not told yet, which is booked first.
                    success_needs(player, news, money, needs);
                    needs.open_withdrawals.insert(player.clone());
                    // What of it is in suspense, a return may hold.
                    let is_deposit = news.direction == Direction::Deposit;
                    needs.returns_of.extend(is_deposit.then(|| (player.clone(), news.payment)));
                }
                Status::Declined(_) | Status::Expired | Status::Cancelled => {
                    end_needs(player, news, needs);
                }
                // The PSP has it, and nothing has moved; of a payout it may be more than was known.
                Status::Accepted { .. } | Status::Pending | Status::AwaitsCompletion => {
                    let pays_out = news.direction == Direction::Withdrawal;
                    needs.reviews.extend(pays_out.then_some(news.payment));
                }
            }
        } else {
            end_needs(player, news, needs);
        }
    }
}

/// What a success changes.
fn success_needs(player: &PlayerKey, news: &News, money: Money, needs: &mut Needs) {
    needs.limits.insert(player.clone());
    needs.reviews.insert(news.payment);
    if news.direction == Direction::Withdrawal {
        needs.movements.insert(player.clone());
        needs.open_withdrawals.insert(player.clone());
    } else {
        let most = needs.credited.entry((player.clone(), news.payment));
        let most = most.or_insert(money);
        *most = if most.minor < money.minor { money } else { *most };
    }
}

/// What may end an attempt, and with it the payment.
fn end_needs(player: &PlayerKey, news: &News, needs: &mut Needs) {
    needs.reviews.insert(news.payment);
    if news.direction == Direction::Withdrawal {
        needs.movements.insert(player.clone());
    } else {
        needs.own_movements.insert((player.clone(), news.payment));
    }
}

fn reference_need(player: &PlayerKey, payment: &Payment, needs: &mut Needs) {
    if let Some(reference) = payment.reference.clone() {
        needs.references.insert((player.clone(), payment.direction(), reference));
    }
}

/// What a payment that is there is changed by: itself, its case and its player's wallets.
fn payment_needs(player: &PlayerKey, payment: Uuid, needs: &mut Needs) {
    needs.payments.insert(payment);
    needs.wallets.insert((player.clone(), None));
    needs.reviews.insert(payment);
}

/// An arrival, and the request that may wait for it.
fn payin_needs(player: &PlayerKey, receive: &ReceivePayin, needs: &mut Needs) {
    let psp_reference = receive.payin.psp_reference.clone();
    needs.payins.insert(PayinKey { psp: receive.psp.clone(), psp_reference });
    needs.below_unit.extend(below_unit(&receive.payin).map(|_| player.clone()));
    needs.payments.extend(receive.request);
    needs.reviews.extend(receive.request);
    needs.wallets.insert((player.clone(), None));
    needs.limits.insert(player.clone());
    needs.movements.insert(player.clone());
}

/// A return is opened beside the deposit's other returns.
fn return_needs(player: &PlayerKey, deposit: Uuid, needs: &mut Needs) {
    payment_needs(player, deposit, needs);
    needs.returns_of.insert((player.clone(), deposit));
}

/// What two people decide about a payment, or about the player.
fn review_needs(player: &PlayerKey, review: Uuid, payment: Option<Uuid>, needs: &mut Needs) {
    needs.payments.extend(payment);
    needs.reviews.extend(payment);
    // Of two payments of a deposit, one may be on its way back already.
    needs.returns_of.extend(payment.map(|payment| (player.clone(), payment)));
    if payment.is_none() {
        needs.cases.insert(review);
    }
    needs.wallets.insert((player.clone(), None));
    needs.limits.insert(player.clone());
    needs.movements.insert(player.clone());
    // What two people find paid may leave a debt behind.
    needs.open_withdrawals.insert(player.clone());
}
