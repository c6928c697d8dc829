//! One account's world, payments in it, and payers who do once what they are told.

use super::super::harness::{Setup, World, deposit_order, try_eventually, withdrawal_order};
use super::accounts::Account;
use interlock::app::parts::Patience;
use interlock::book::Payment;
use interlock::domain::{PaymentId, PlayerKey};
use interlock::payments::request_withdrawal::{DestinationOrder, WithdrawalOrder};
use interlock::payments::start_deposit::DepositOrder;
use psp_contract::NextAction;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;
use uuid::Uuid;

/// No honest answer of a mock takes so long; one that is held back costs this.
const DEADLINE: Duration = Duration::from_millis(1_500);

pub struct Stage {
    pub world: World,
    pub account: Account,
    /// Attempts whose payer has acted.
    acted: Mutex<BTreeSet<Uuid>>,
}

/// One payment of a test.
#[derive(Debug, Clone)]
pub struct Cell {
    pub name: String,
    pub id: PaymentId,
    pub player: PlayerKey,
}

impl Stage {
    /// The account's market, this account asked first.
    pub async fn open(id: &str) -> Self {
        let account = Account::named(id).await;
        let patience = Patience { psp_deadline: DEADLINE, ..Setup::default().patience };
        let world = World::with(Setup {
            accounts: account.market,
            first: Some(account.market[0]),
            patience,
            ..Setup::default()
        });
        Self { world: world.await, account, acted: Mutex::default() }
    }

    /// A new player's deposit, as far as one request carries it.
    pub async fn deposit(&self, name: &str, number: usize) -> (Cell, Payment) {
        let player = self.world.player(&self.account.country).await;
        let money = self.account.money(number);
        let order = DepositOrder { method: self.account.method, ..deposit_order(&player, money) };
        let payment = self.world.one().deposit(order).await;
        (Cell { name: name.to_owned(), id: payment.id, player }, payment)
    }

    /// A new player's withdrawal of all they have.
    pub async fn withdraw(&self, name: &str, number: usize) -> (Cell, Payment) {
        let player = self.world.player(&self.account.country).await;
        let money = self.account.money(number);
        self.world.win(&player, money.currency, money.minor).await;
        let order = WithdrawalOrder {
            method: self.account.method,
            destination: DestinationOrder::Instrument(Box::new(self.account.destination())),
            ..withdrawal_order(&player, money)
        };
        let payment = self.world.one().withdraw(order).await;
        (Cell { name: name.to_owned(), id: payment.id, player }, payment)
    }

    /// The payer does what they were told, once.
    pub async fn pay(&self, payment: &Payment) {
        let (Some(action), Some(attempt)) = (&payment.next_action, payment.live_attempt(None))
        else {
            return;
        };
        if !self.acted.lock().unwrap().insert(attempt.id.0) {
            return;
        }
        let mocks = &self.world.mocks;
        if let NextAction::CryptoTransfer { address, asset_amount, .. } = action {
            mocks.payin(&attempt.psp, json!({"address": address, "amount": asset_amount})).await;
            return;
        }
        if let NextAction::Redirect { url } = action {
            mocks.visit(url).await;
        }
        let movement = self.world.movement(attempt).await;
        mocks.complete_if_open(&attempt.psp, &movement.reference).await;
    }

    /// Whether the account's PSP can be asked about one deposit, or about what came for it.
    pub fn can_be_asked(&self) -> bool {
        let psp = self.world.one().flows.psps.get(&self.account.id).unwrap();
        let inquiry = &psp.capabilities().deposit_inquiry;
        inquiry.by_our_reference || inquiry.by_psp_reference || inquiry.of_arrivals
    }

    /// PSPs repeat what nobody has acknowledged: all that came is told once more.
    pub async fn told_again(&self) {
        let psp = &self.account.id;
        for movement in self.world.mocks.movements(psp).await {
            if movement.kind == "deposit" && movement.status == "succeeded" {
                let resend = json!({"reference": movement.reference, "times": 1});
                self.world.mocks.resend(psp, resend).await;
            }
        }
    }

    pub async fn payment(&self, cell: &Cell) -> Payment {
        self.world.payment(cell.id).await
    }

    /// The payment, should it get there in time.
    pub async fn reaches(&self, cell: &Cell, status: &str, within: Duration) -> Option<Payment> {
        let looking = || async {
            let payment = self.payment(cell).await;
            (payment.status.as_str() == status).then_some(payment)
        };
        try_eventually(within, looking).await
    }
}

/// Who was asked, and how that ended.
pub fn tried(payment: &Payment) -> Vec<String> {
    payment.attempts.iter().map(|attempt| format!("{} {}", attempt.psp, attempt.status)).collect()
}
