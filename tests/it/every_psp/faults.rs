//! Every account, every fault that the mocks script for all (docs/mocks.md), once and until it is cleared, on deposits and payouts.

use super::super::harness::for_a_moment;
use super::accounts::config;
use super::settling::{a_day_later, settle};
use super::stage::{Cell, Stage};
use serde_json::json;
use std::time::Duration;

/// Every fault that the contract names, but for [`LIES`].
const FAULTS: [&str; 21] = [
    "connection_reset_before",
    "connection_reset_after_accept",
    "timeout_before_accept",
    "timeout_after_accept",
    "http_500",
    "http_500_after_accept",
    "http_503",
    "http_429",
    "malformed_body",
    "empty_body",
    "slow",
    "decline_soft",
    "decline_hard",
    "success_after_decline",
    "webhook_before_response",
    "webhook_drop",
    "webhook_duplicate",
    "webhook_reorder",
    "webhook_delay",
    "webhook_bad_signature",
    "webhook_stale",
];
/// What the PSP itself signs, and what is not so.
const LIES: [&str; 2] = ["webhook_wrong_amount", "webhook_wrong_currency"];

/// How long a fault is given to happen, and a payment to be over.
const HAPPENS: Duration = Duration::from_millis(700);
/// How long a lasting fault goes on after its first victim, in steps of the clock.
const GOES_ON: [Duration; 3] =
    [Duration::from_secs(7), Duration::from_secs(70), Duration::from_secs(700)];

/// Whose deposits begin with an address or a session, and without a movement: what only a movement can
/// suffer, the call that they begin with cannot.
const BEGIN_WITHOUT: [&str; 4] = ["coinspaid", "fireblocks", "nuvei-de", "nuvei-gb"];
const NEED_ONE: [&str; 2] = ["success_after_decline", "webhook_before_response"];

const OVER: [&str; 4] = ["succeeded", "paid", "failed", "in_review"];

/// The next call or notification goes wrong, or all do until the fault is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    Lasting,
}

/// Waits until the fault has happened or the payment is over, whatever is first, or for nothing.
async fn happens(stage: &Stage, cell: &Cell) {
    let psp = &stage.account.id;
    let looking = || async {
        let over = OVER.contains(&stage.payment(cell).await.status.as_str());
        (over || !stage.world.mocks.has_faults(psp).await).then_some(())
    };
    for_a_moment(HAPPENS, looking).await;
}

async fn spoil(stage: &Stage, operation: &str, fault: &str, times: Times) {
    let times = (times == Times::Once).then_some(1);
    let rule = json!({"operation": operation, "fault": fault, "times": times, "delay_ms": 250});
    let id = stage.account.id.as_str();
    if operation == "create_deposit" && BEGIN_WITHOUT.contains(&id) && NEED_ONE.contains(&fault) {
        // Then the payment is one that nothing happens to.
        stage.world.mocks.refuses_fault(id, rule).await;
        return;
    }
    stage.world.mocks.fault_with(id, rule).await;
}

/// One payment under one fault, and the fault's end.
async fn suffer(
    stage: &Stage,
    deposit: bool,
    (number, fault): (usize, &str),
    times: Times,
) -> Cell {
    let operation = if deposit { "create_deposit" } else { "create_payout" };
    spoil(stage, operation, fault, times).await;
    let name = format!("{fault} {times:?}");
    let (cell, payment) = if deposit {
        stage.deposit(&name, number).await
    } else {
        stage.withdraw(&name, number).await
    };
    stage.pay(&payment).await;
    happens(stage, &cell).await;
    if times == Times::Lasting {
        for step in GOES_ON {
            stage.world.move_on(step).await;
            stage.pay(&stage.payment(&cell).await).await;
            happens(stage, &cell).await;
        }
    }
    stage.world.mocks.clear_faults(&stage.account.id).await;
    cell
}

/// All faults on one account, one after another, and then time.
async fn every_fault(id: &'static str, deposit: bool) {
    let mut stage = Stage::open(id).await;
    let cells = suffer_all(&stage, deposit, &FAULTS, 1).await;
    let ended = settle(&stage, &cells).await;
    assert_eq!(ended.len(), 2 * FAULTS.len());
    let over = ended.iter().filter(|it| it.reviews.is_empty()).count();
    assert!(over > ended.len() / 2, "{id}: machines end most of them: {over}");
    a_day_later(&stage).await;
    stage.world.agrees_with_mocks().await;
    // What its PSP has signed, and cannot be asked about, is booked as signed; where it is not what was
    // asked for people decide, and the settlement file tells. Then the mock's books are no judge of ours.
    if deposit && !stage.can_be_asked() {
        stage.world.setup.liars.push(id);
    }
    let cells = suffer_all(&stage, deposit, &LIES, 51).await;
    settle(&stage, &cells).await;
    stage.world.close().await;
}

async fn suffer_all(stage: &Stage, deposit: bool, faults: &[&str], first: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        for (offset, times) in [(first, Times::Once), (first + 100, Times::Lasting)] {
            cells.push(suffer(stage, deposit, (number + offset, fault), times).await);
        }
    }
    cells
}

macro_rules! accounts {
    ($($name:ident = $id:literal;)+) => {
        const TESTED: &[&str] = &[$($id),+];
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            tokio::join!(every_fault($id, true), every_fault($id, false));
        })+
    };
}

accounts! {
    trustly_de_survives_every_fault = "trustly-de";
    truelayer_de_survives_every_fault = "truelayer-de";
    trustly_gb_survives_every_fault = "trustly-gb";
    truelayer_gb_survives_every_fault = "truelayer-gb";
    nuvei_ca_survives_every_fault = "nuvei-ca";
    paysafe_ca_survives_every_fault = "paysafe-ca";
    coinspaid_survives_every_fault = "coinspaid";
    fireblocks_survives_every_fault = "fireblocks";
    trustly_se_survives_every_fault = "trustly-se";
    swish_se_survives_every_fault = "swish-se";
    pix_efi_br_survives_every_fault = "pix-efi-br";
    mercadopago_br_survives_every_fault = "mercadopago-br";
    nuvei_de_survives_every_fault = "nuvei-de";
    nuvei_gb_survives_every_fault = "nuvei-gb";
    adyen_de_survives_every_fault = "adyen-de";
    adyen_gb_survives_every_fault = "adyen-gb";
}

#[tokio::test]
async fn no_account_of_the_sandbox_is_left_out() {
    let mut accounts: Vec<String> =
        config().await.psps.into_iter().map(|account| account.id).collect();
    accounts.sort();
    let mut tested = TESTED.to_vec();
    tested.sort_unstable();
    assert_eq!(accounts, tested);
}
