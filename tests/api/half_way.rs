//! Payments that are under way when a policy changes: the new one is asked when their money came, and
//! before it leaves.

use crate::marked::EFFECTS;
use crate::support::Scene;
use crate::tipping_off::withdrawal;
use interlock::book::{KeyClaim, KeyId, Payment, Viewer};
use interlock::decide::command::{News, Source};
use interlock::decide::{Answer, Command};
use interlock::domain::{
    AttemptId, Currency, Method, Money, OperatorId, PaymentId, PlayerId, PlayerKey,
};
use interlock::payments::send_payout::send_payout;
use interlock::payments::start_deposit::{DepositOrder, start_deposit};
use interlock::screening::Outcome as Effect;
use psp_contract::{Outcome, Report, Status};
use serde_json::json;

/// A deposit and a withdrawal for each effect of the policy that is to come.
pub struct HalfWay {
    deposits: Vec<(Payment, AttemptId)>,
    withdrawals: Vec<PaymentId>,
}

fn who() -> PlayerKey {
    PlayerKey { operator: OperatorId::trusted("op_demo"), player: PlayerId::trusted("p-1") }
}

impl HalfWay {
    /// Begins them under the policy that is in force.
    pub async fn begin(scene: &Scene) -> Self {
        let (mut deposits, mut withdrawals) = (Vec::new(), Vec::new());
        for (_, amount, minor) in EFFECTS {
            deposits.push(begin_deposit(scene, minor).await);
            let told =
                scene.ask("sk_demo", "POST", "/v1/withdrawals", Some(withdrawal(amount))).await;
            assert_eq!(told.text("/status"), "approved", "{told:?}");
            let id = told.text("/id");
            let uuid = id.trim_start_matches("wd_").parse().unwrap();
            withdrawals.push(PaymentId::withdrawal(uuid));
        }
        Self { deposits, withdrawals }
    }

    /// What the payers paid is there, and the withdrawals are due to be sent. All wait for people, and tell
    /// the casino why, but for those that are held.
    pub async fn go_on(self, scene: &Scene) {
        let mut paths = Vec::new();
        for (payment, attempt) in self.deposits {
            tell_paid(scene, &payment, attempt).await;
            paths.push(format!("/v1/deposits/{}", payment.id));
        }
        for id in self.withdrawals {
            let sent = send_payout(&scene.flows, &who(), id.uuid).await.unwrap();
            assert!(!sent, "{id} was sent");
            paths.push(format!("/v1/withdrawals/{id}"));
        }
        let held = |index: usize| EFFECTS[index % EFFECTS.len()].0 == Effect::Hold;
        for (index, path) in paths.into_iter().enumerate() {
            let told = scene.ask("sk_demo", "GET", &path, None).await.body;
            assert_eq!(told["status"], "in_review", "{told}");
            assert_eq!(told["reasons"] == json!([]), held(index), "{told}");
        }
    }
}

/// A deposit of `p-1` that is paid, by its first PSP's word.
pub async fn paid_deposit(scene: &Scene, minor: i64) -> Payment {
    let (payment, attempt) = begin_deposit(scene, minor).await;
    tell_paid(scene, &payment, attempt).await;
    payment
}

async fn tell_paid(scene: &Scene, payment: &Payment, attempt: AttemptId) {
    let status = Status::Succeeded { money: payment.money };
    let psp_reference = Some(attempt.0.simple().to_string());
    let report = Report { psp_reference, status, payer: None, attempt: None };
    let news = News {
        payment: payment.id.uuid,
        direction: payment.direction(),
        attempt,
        source: Source::Webhook { hint: false },
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    scene.flows.lanes.submit(&who(), Command::News(Box::new(news))).await.unwrap();
}

/// A deposit that its first PSP was about to be asked for.
async fn begin_deposit(scene: &Scene, minor: i64) -> (Payment, AttemptId) {
    let unique = format!("half-way-{minor}");
    let scope = "op_demo POST /v1/deposits".to_owned();
    let id = KeyId { operator: who().operator, scope, key: unique.clone() };
    let order = DepositOrder {
        claim: KeyClaim {
            id,
            fingerprint: [7; 32],
            viewer: Viewer::Backend,
            request: "req".into(),
        },
        player: who(),
        money: Money::new(minor, Currency::EUR),
        method: Method::BankTransfer,
        return_url: "https://casino.example/back".to_owned(),
        instrument: None,
        reference: Some(unique),
        metadata: "{}".to_owned(),
        ip: None,
    };
    let Answer::Payment(payment) = start_deposit(&scene.flows, &order).await.unwrap() else {
        panic!("a new key is no replay")
    };
    let attempt = payment.live_attempt(None).unwrap().id;
    ((*payment).clone(), attempt)
}
