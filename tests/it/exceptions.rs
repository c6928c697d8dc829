//! What two people vouch for lets money go elsewhere than where it came from, as far and as long as they say.

use super::cases;
use super::closed_loop::{
    ACCOUNTS, amounts, back, by_card, card_is_paid, decided_the_same_again, paid_in, world_of,
};
use super::harness::World;
use super::harness::markets::GERMANY;
use interlock::book::{CasePayload, Payment};
use interlock::domain::Money;
use interlock::screening::attestation::{AttestationKind, AttestationTerms};
use std::time::Duration;

/// Two people vouch that the money of the source of this deposit may go elsewhere.
async fn except(
    world: &World,
    deposit: &Payment,
    amount: Option<Money>,
    lasts: Duration,
) -> String {
    let terms = AttestationTerms {
        kind: AttestationKind::ClosedLoopException,
        reference: deposit.id.to_string(),
        amount,
        valid_until: Some(world.one().flows.clock.now() + lasts),
    };
    let payload = CasePayload::Attestation(terms, None);
    let case = cases::open(world, &deposit.player, payload, "ann").await;
    cases::approve(world, &case, "ann").await.expect_err("one person is not two");
    cases::approve(world, &case, "bob").await.unwrap();
    let made = "select attestation_id::text from attestation order by attestation_id desc limit 1";
    world.texts(made).await.remove(0)
}

/// The sources that the newest decision about a payment was made with.
async fn sources_of(world: &World, payment: &Payment) -> Vec<serde_json::Value> {
    let sql = format!(
        "select (inputs->'closed_loop'->'sources')::text from decision
         where payment_id = '{}' and checkpoint = 'withdrawal.request'",
        payment.id.uuid
    );
    serde_json::from_str(&world.texts(&sql).await[0]).unwrap()
}

/// The bank account cannot be paid any more, and 30.00 of 80.00 are beyond the card's own: without an
/// exception people decide, with one that reaches far enough and holds nobody has to.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_exception_lets_money_go_beyond_until_it_ends() {
    let world = world_of(ACCOUNTS).await;
    let player = world.player_of(GERMANY).await;
    let bank = paid_in(&world, GERMANY.deposit(&player)).await;
    let card = paid_in(&world, by_card(&player)).await;
    world.mocks.auto("adyen-de", None, "succeeded").await;
    world.mocks.fault("trustly-de", "create_payout", "decline_hard", Some(1)).await;
    let refused = world.one().withdraw(back(&player, GERMANY.money(15_000))).await;
    card_is_paid(&world, &refused, 1).await;
    world.settled(refused.id, "paid_in_part").await;
    let ask = || async {
        let payment = world.one().withdraw(back(&player, GERMANY.money(8_000))).await;
        let source = sources_of(&world, &payment).await.remove(0);
        (
            payment,
            source["excepted"].as_bool().unwrap(),
            source["exception"].as_str().map(str::to_owned),
        )
    };
    let day = Duration::from_secs(86_400);
    let asked_of_people = [
        // Nothing is vouched for; then for too little, for another source, in another currency.
        None,
        Some((&bank, Some(GERMANY.money(9_999)))),
        Some((&card, None)),
        Some((&bank, Some(super::harness::gbp(1_000_000)))),
    ];
    for exception in asked_of_people {
        if let Some((deposit, amount)) = exception {
            except(&world, deposit, amount, day).await;
        }
        let (payment, excepted, id) = ask().await;
        assert_eq!((payment.status.as_str(), excepted, id), ("in_review", false, None));
        assert_eq!(payment.reasons[0].code, "withdrawal.source_not_payable");
        world.one().cancel(&payment).await.unwrap();
    }
    let exception = except(&world, &bank, Some(GERMANY.money(10_000)), day).await;
    let (paid, excepted, id) = ask().await;
    assert_eq!((paid.status.as_str(), excepted), ("approved", true), "{:?}", paid.reasons);
    assert_eq!((amounts(&paid), id), (vec![8_000], Some(exception)));
    card_is_paid(&world, &paid, 0).await;
    world.settled(paid.id, "paid").await;
    assert!(paid.parts[0].instrument.tokens.contains_key("adyen-de"), "to the player's own card");
    decided_the_same_again(&world).await;
    world.win(&player, GERMANY.currency, 8_000).await;
    world.move_on(day).await;
    let (late, excepted, id) = ask().await;
    assert_eq!((late.status.as_str(), excepted, id), ("in_review", false, None));
    world.one().cancel(&late).await.unwrap();
    world.close().await;
}
