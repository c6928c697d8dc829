//! What two people decide: neither one of them alone, nor one of them twice.

use super::harness::{SOON, Setup, World, eur, eventually, gbp, key};
use interlock::book::{KeyClaim, KeyId, Payment, Viewer};
use interlock::decide::command::OpenReturn;
use interlock::decide::{Answer, Refusal};
use interlock::domain::{AttemptStatus, Currency, Direction};
use interlock::lane::SubmitError;
use interlock::payments::return_deposit::return_deposit;
use interlock::payments::review_payment::ReviewAct;
use interlock::store::read_reviews;
use serde_json::json;
use std::time::Duration;

fn propose(outcome: &str) -> ReviewAct {
    ReviewAct::Propose { outcome: outcome.to_owned(), note: "seen".to_owned() }
}

async fn large_withdrawal(world: &World) -> Payment {
    let player = world.rich_player("DE", 500_000).await;
    let withdrawal = world.withdraw(&player, eur(200_000)).await;
    assert_eq!(withdrawal.status.as_str(), "in_review");
    withdrawal
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_cannot_approve_their_own_proposal() {
    let world = World::new().await;
    let withdrawal = large_withdrawal(&world).await;
    let review = world.reviews(&withdrawal).await.remove(0);
    let about = (&review, &withdrawal);
    let proposed = world.one().review(about, propose("approve"), "ann").await.unwrap();
    let proposal = proposed.open_proposal().unwrap().id;
    let same = world.one().review(about, ReviewAct::Approve { proposal }, "ann").await;
    assert_eq!(same.unwrap_err(), SubmitError::Refused(Refusal::SamePerson));
    // The database says the same to whoever comes past the service.
    let sql = "update review_proposal set state = 'approved', decided_by = proposed_by";
    let refused = sqlx::query(sql).execute(&world.rows).await.unwrap_err().to_string();
    assert!(refused.contains("proposal_is_approved_by_another_person"), "{refused}");
    world.one().review(about, ReviewAct::Approve { proposal }, "bob").await.unwrap();
    world.settled(withdrawal.id, "paid").await;
    world.close().await;
}

/// It is approved between the reading of its row and of its proposals: which of the two is told, but not half of each.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_read_as_it_was_at_one_moment() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let withdrawal = large_withdrawal(&world).await;
    let review = world.reviews(&withdrawal).await.remove(0);
    world.one().review((&review, &withdrawal), propose("approve"), "ann").await.unwrap();
    let mut approval = world.rows.begin().await.unwrap();
    let locked = "lock table review_proposal in access exclusive mode";
    sqlx::raw_sql(locked).execute(&mut *approval).await.unwrap();
    let (flows, operator) = (world.one().flows.clone(), withdrawal.player.operator.clone());
    let reading = async move {
        let pool = flows.db.pool();
        read_reviews::review(pool, &operator, review.id.0).await.unwrap().unwrap().review
    };
    let reading = world.one().handle().spawn(reading);
    let waits = "select count(*) from pg_locks l join pg_stat_activity a using (pid)
        where not l.granted and a.datname = current_database()";
    let waits = || async { (world.number(waits).await == 1).then_some(()) };
    eventually("its proposals are being read", SOON, waits).await;
    let approve = "update review set is_open = false, closed_at = now();
        update review_proposal set state = 'approved', decided_by = 'bob', decided_at = now();";
    sqlx::raw_sql(approve).execute(&mut *approval).await.unwrap();
    approval.commit().await.unwrap();
    let read = reading.await.unwrap();
    assert_eq!((read.open, read.open_proposal().is_some()), (true, true));
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_proposal_leaves_the_review_open_and_the_money_held() {
    let world = World::new().await;
    let withdrawal = large_withdrawal(&world).await;
    let review = world.reviews(&withdrawal).await.remove(0);
    let about = (&review, &withdrawal);
    world.one().review(about, propose("approve"), "ann").await.unwrap();
    let refuse = ReviewAct::Refuse { note: "no".to_owned() };
    let review = world.one().review(about, refuse, "bob").await.unwrap();
    assert!(review.open && review.open_proposal().is_none());
    assert_eq!(world.wallet(&withdrawal.player).await.held, 200_000);
    world.two_people(&withdrawal, "reject").await;
    world.settled(withdrawal.id, "rejected").await;
    assert_eq!(world.wallet(&withdrawal.player).await.cash, 500_000);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_counts_once_however_often_it_is_sent() {
    let world = World::new().await;
    let withdrawal = large_withdrawal(&world).await;
    let review = world.reviews(&withdrawal).await.remove(0);
    let about = (&review, &withdrawal);
    let proposed = world.one().review(about, propose("approve"), "ann").await.unwrap();
    let proposal = proposed.open_proposal().unwrap().id;
    let twenty = (0..20).map(|n| {
        let person = if n % 2 == 0 { "bob" } else { "cyd" };
        world.one().review(about, ReviewAct::Approve { proposal }, person)
    });
    let done = futures_util::future::join_all(twenty).await;
    assert_eq!(done.iter().filter(|answer| answer.is_ok()).count(), 1);
    world.settled(withdrawal.id, "paid").await;
    world.close().await;
}

/// An unknown payout that nobody can be asked about is resolved by two people.
async fn unknown_resolved(outcome: &str, status: &str) {
    let world = World::new().await;
    world.mocks.auto("truelayer-gb", None, "succeeded").await;
    world.mocks.fault("truelayer-gb", "create_payout", "timeout_after_accept", None).await;
    let player = world.rich_player("GB", 10_000).await;
    let withdrawal = world.withdraw(&player, gbp(2_500)).await;
    let unknown = world.attempt_is(withdrawal.id, 1, AttemptStatus::Unknown).await;
    let asked = || async { world.reviews(&withdrawal).await.pop() };
    world.later("two people are asked", Duration::from_secs(1_800), asked).await;
    world.mocks.listener("trustly-gb", false).await;
    let flows = world.one().flows.clone();
    let carried = || {
        let key = ("truelayer-gb".to_owned(), Direction::Withdrawal, Currency::GBP);
        flows.volumes.today(flows.clock.now()).get(&key).copied()
    };
    assert_eq!(carried(), None);
    world.two_people(&withdrawal, outcome).await;
    let counted = (outcome == "resolve_paid").then_some(2_500);
    assert_eq!(carried(), counted, "what people found paid counts into the day");
    world.settled(withdrawal.id, status).await;
    if outcome == "resolve_paid" {
        // People were right; that the PSP says so too, later, changes nothing.
        world.complete(&unknown, "succeeded").await;
    }
    world.settled(withdrawal.id, status).await;
    assert_eq!(carried(), counted);
    drop(flows);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_payout_that_two_people_found_paid_captures_its_hold() {
    unknown_resolved("resolve_paid", "paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_payout_that_two_people_found_unpaid_is_released() {
    unknown_resolved("resolve_unpaid", "failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_is_returned_to_its_source_by_two_people() {
    let world = World::new().await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(2_500)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let (name, operator) = (key(), player.operator.clone());
    let id = KeyId { operator, scope: "returns".to_owned(), key: name };
    let open = OpenReturn {
        claim: KeyClaim {
            id,
            fingerprint: [1; 32],
            viewer: Viewer::Backend,
            request: "req".into(),
        },
        deposit: deposit.id.uuid,
        amount: None,
        reason: "asked for".to_owned(),
        person: super::harness::person("ann"),
    };
    let (flows, of) = (world.one().flows.clone(), player.clone());
    let answer = world.one().run(async move { return_deposit(&flows, &of, open).await }).await;
    let Answer::Payment(back) = answer.unwrap() else { panic!("a return is opened") };
    assert_eq!(world.wallet(&player).await.held, 2_500);
    let review = world.reviews(&back).await.remove(0);
    let proposal = review.open_proposal().unwrap().id;
    let own = world.one().review((&review, &back), ReviewAct::Approve { proposal }, "ann").await;
    assert_eq!(own.unwrap_err(), SubmitError::Refused(Refusal::SamePerson));
    world.one().review((&review, &back), ReviewAct::Approve { proposal }, "bob").await.unwrap();
    world.settled(back.id, "paid").await;
    world.settled(deposit.id, "returned").await;
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (0, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_came_in_otherwise_than_asked_is_returned_by_two_people() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(2_500)).await;
    world.complete_with(&deposit, json!({"outcome": "succeeded", "amount": "20.00"})).await;
    let held = world.settled(deposit.id, "in_review").await;
    world.two_people(&held, "return").await;
    world.settled(deposit.id, "returned").await;
    assert_eq!(world.wallet(&player).await.cash, 0);
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}
