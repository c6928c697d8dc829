//! Returns of one deposit: together they never send back more than came, and what people approve is what
//! they read.

use super::harness::{World, claim, eur, key, person};
use super::taken_back::{approve, open_return};
use interlock::book::{Payment, ProposalState};
use interlock::decide::Refusal;
use interlock::decide::command::OpenReturn;
use interlock::domain::{Exclusion, Money, Player};
use interlock::lane::SubmitError;
use interlock::payments::return_deposit::return_deposit;
use interlock::payments::review_payment::ReviewAct;

async fn credited(world: &World) -> Payment {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    // Cash enough for any return: what came in alone is the bound.
    world.win(&player, eur(0).currency, 10_000).await;
    deposit
}

async fn suspended(world: &World) -> Payment {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(800)).await;
    let from = time::macros::datetime!(2026-01-01 0:00 UTC);
    let exclusion = Exclusion { source: "register".to_owned(), from, until: None };
    let known = world.read_player(&player).await;
    world.change_player(Player { exclusion: Some(exclusion), ..known }).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "in_review").await
}

/// Why no return of it is opened.
pub async fn refused(world: &World, deposit: &Payment, amount: Option<Money>) -> &'static str {
    let order = OpenReturn {
        claim: claim("returns", &key()),
        deposit: deposit.id.uuid,
        amount,
        reason: "once more".to_owned(),
        person: person("ann"),
    };
    let (flows, owner) = (world.one().flows.clone(), deposit.player.clone());
    let opening = async move { return_deposit(&flows, &owner, order).await };
    match world.one().run(opening).await.unwrap_err() {
        SubmitError::Refused(Refusal::NotReturnable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_returns_of_one_deposit_never_come_to_more_than_arrived() {
    let world = World::new().await;
    let deposit = credited(&world).await;
    let first = open_return(&world, &deposit, Some(eur(500))).await;
    // Held, for people.
    assert!(refused(&world, &deposit, Some(eur(700))).await.contains("more than arrived"));
    assert!(refused(&world, &deposit, Some(eur(201))).await.contains("more than arrived"));
    approve(&world, &first).await;
    world.settled(first.id, "paid").await;
    // Paid.
    assert!(refused(&world, &deposit, Some(eur(201))).await.contains("more than arrived"));
    // Nothing said is all that is left.
    let rest = open_return(&world, &deposit, None).await;
    assert_eq!(rest.money, eur(200));
    assert!(refused(&world, &deposit, None).await.contains("all of it"));
    // Rejected, it is there again.
    world.two_people(&rest, "reject").await;
    let again = open_return(&world, &deposit, Some(eur(200))).await;
    approve(&world, &again).await;
    world.settled(again.id, "paid").await;
    world.settled(deposit.id, "returned").await;
    refused(&world, &deposit, Some(eur(1))).await;
    let wallet = world.wallet(&deposit.player).await;
    assert_eq!((wallet.cash, wallet.held, wallet.owed), (10_000, 0, 0));
    world.close().await;
}

/// Eighty came, thirty are on their way back: Ann proposes to credit fifty. The thirty do not reach their
/// source, and nobody ever proposed to credit eighty.
#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_for_suspended_money_is_void_once_the_sum_is_another() {
    let world = World::new().await;
    let deposit = suspended(&world).await;
    assert_eq!(deposit.suspended, Some(eur(800)));
    let back = open_return(&world, &deposit, Some(eur(300))).await;
    assert_eq!(world.payment(deposit.id).await.suspended, Some(eur(500)));
    let case = world.reviews(&deposit).await.pop().unwrap();
    let propose = || ReviewAct::Propose { outcome: "approve".to_owned(), note: "500".to_owned() };
    let case = world.one().review((&case, &deposit), propose(), "ann").await.unwrap();
    let proposal = case.open_proposal().unwrap().id;
    world.two_people(&back, "reject").await;
    assert_eq!(world.payment(deposit.id).await.suspended, Some(eur(800)));

    let of_five_hundred = ReviewAct::Approve { proposal };
    let refused = world.one().review((&case, &deposit), of_five_hundred, "bob").await.unwrap_err();
    let is_void = matches!(refused, SubmitError::Refused(Refusal::ReviewConflict(_)));
    assert!(is_void, "{refused:?}");
    let waits = world.payment(deposit.id).await;
    assert_eq!((waits.suspended, waits.credited), (Some(eur(800)), None));
    let case = world.reviews(&deposit).await.pop().unwrap();
    let state = case.proposals.iter().find(|it| it.id == proposal).unwrap().state;
    assert_eq!(state, ProposalState::Voided);
    let said = "select text from review_event where act = 'voided' and text like '%suspended%'";
    assert!(world.texts(said).await[0].starts_with("8.00 EUR is suspended now"), "says why");
    // Control: proposed anew, what both have read is credited.
    let case = world.one().review((&case, &deposit), propose(), "ann").await.unwrap();
    let proposal = case.open_proposal().unwrap().id;
    world.one().review((&case, &deposit), ReviewAct::Approve { proposal }, "bob").await.unwrap();
    assert_eq!(world.payment(deposit.id).await.credited, Some(eur(800)));
    world.close().await;
}
