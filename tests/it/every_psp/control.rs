//! That the comparison can fail: what must never be is planted, and each time it is told.

use super::super::harness::{Movement, SOON};
use super::stage::Stage;
use super::truth::{Ours, Theirs, contradictions, ours, theirs};
use psp_contract::{AttemptRef, Operation, PayoutRequest};
use std::time::Duration;
use uuid::Uuid;

fn own(attempt: &str, part: Option<&str>, psp: &str, status: &str) -> Ours {
    Ours {
        attempt: attempt.to_owned(),
        part: part.map(str::to_owned),
        psp: psp.to_owned(),
        status: status.to_owned(),
        minor: 500,
        currency: "EUR".to_owned(),
        player: "p".to_owned(),
    }
}

fn moved(psp: &str, client_reference: &str, kind: &str, minor: i64) -> Theirs {
    let movement = Movement {
        reference: format!("{psp}-{client_reference}-{minor}"),
        client_reference: client_reference.to_owned(),
        kind: kind.to_owned(),
        minor,
        currency: "EUR".to_owned(),
        status: "succeeded".to_owned(),
    };
    Theirs { psp: psp.to_owned(), movement }
}

#[track_caller]
fn told(ours: &[Ours], theirs: &[Theirs], what: &str) {
    let faults = contradictions(ours, theirs);
    assert!(faults.iter().any(|fault| fault.contains(what)), "{what}: {faults:?}");
}

#[test]
fn what_moved_as_booked_contradicts_nothing() {
    let ours = [own("a1", Some("w1"), "x", "succeeded"), own("a2", None, "x", "succeeded")];
    let theirs = [moved("x", "a1", "payout", 500), moved("x", "a2", "deposit", 500)];
    assert_eq!(contradictions(&ours, &theirs), Vec::<String>::new());
    let address = [moved("y", "p", "deposit", 500)];
    assert_eq!(
        contradictions(&[own("a3", None, "y", "succeeded")], &address),
        Vec::<String>::new()
    );
}

#[test]
fn everything_that_must_never_be_is_told() {
    let paid = own("a1", Some("w1"), "x", "succeeded");
    let first = moved("x", "a1", "payout", 500);
    let both = [paid.clone(), own("a2", Some("w1"), "y", "declined")];
    told(&both, &[first.clone(), moved("y", "a2", "payout", 500)], "paid twice");
    told(
        std::slice::from_ref(&paid),
        &[first.clone(), moved("x", "a1", "payout", 501)],
        "2 movements",
    );
    told(
        std::slice::from_ref(&paid),
        &[first.clone(), moved("x", "a9", "payout", 500)],
        "nobody asked",
    );
    told(std::slice::from_ref(&paid), &[moved("x", "a1", "payout", 400)], "400 moved and 500");
    let mut pounds = first.clone();
    pounds.movement.currency = "GBP".to_owned();
    told(std::slice::from_ref(&paid), &[pounds], "0 moved and 500");
    told(&[paid], &[], "0 moved and 500");
    told(&[own("a1", Some("w1"), "x", "unknown")], &[first], "500 moved and 0");
    told(&[own("a2", None, "x", "failed")], &[moved("x", "a2", "deposit", 500)], "500 moved and 0");
    let twice = [moved("x", "p", "deposit", 500), moved("x", "p", "deposit", 500)];
    told(&[own("a2", None, "x", "succeeded")], &twice, "1000 came");
    // To a second player's address nothing came.
    let second = Ours { player: "q".to_owned(), ..own("a3", None, "x", "succeeded") };
    told(&[own("a2", None, "x", "succeeded"), second], &twice[..1], "0 came, 500 is booked");
}

/// A service without its guard would ask again under another reference; here the test does, through
/// the service's own adapter. The mock pays, and the comparison tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_payout_at_the_psp_is_told() {
    let stage = Stage::open("trustly-de").await;
    let (cell, _) = stage.withdraw("first", 1).await;
    let paid = stage.reaches(&cell, "paid", SOON).await.unwrap();
    let check = async || contradictions(&ours(&stage.world).await, &theirs(&stage.world).await);
    assert_eq!(check().await, Vec::<String>::new());
    let psp = stage.world.one().flows.psps.get("trustly-de").unwrap();
    let again = Operation::CreatePayout(PayoutRequest {
        attempt: AttemptRef::new(Uuid::now_v7()),
        money: paid.money,
        country: paid.country.clone(),
        payer: paid.payer.as_ref().clone(),
        destination: stage.account.destination().for_psp("trustly-de"),
    });
    let clock = time::OffsetDateTime::now_utc;
    let asked = async move { psp.perform(&again, Duration::from_secs(5), clock).await };
    stage.world.one().run(asked).await;
    let faults = check().await;
    assert!(faults.len() == 1 && faults[0].contains("nobody asked"), "{faults:?}");
    stage.world.leave_open();
}
