//! The closed loop: a withdrawal goes back to where the deposits came from, part by part.

use super::harness::markets::{GERMAN_CARDS, GERMANY, SWEDEN};
use super::harness::{SOON, Setup, World, claim, eventually, key};
use interlock::book::{Attempt, Part, Payment};
use interlock::domain::{AttemptStatus, Audience, Method, Money, PartStatus, PlayerKey};
use interlock::payments::request_withdrawal::{DestinationOrder, WithdrawalOrder};
use interlock::payments::start_deposit::DepositOrder;
use interlock::screening::replay::{Question, replay};
use interlock::store::read_history::{self, Span};
use psp_contract::Instrument as Chosen;
use serde_json::json;
use std::time::Duration;

pub const ACCOUNTS: &[&str] = &["trustly-de", "truelayer-de", "adyen-de", "nuvei-de"];
const STEP: Duration = Duration::from_secs(60);

pub async fn world_of(accounts: &'static [&'static str]) -> World {
    World::with(Setup { accounts, ..Setup::default() }).await
}

/// A deposit that its payer has paid, once its PSP has told who that was.
pub async fn paid_in(world: &World, order: DepositOrder) -> Payment {
    let deposit = world.one().deposit(order).await;
    if deposit.next_action.is_some() {
        world.complete(&deposit, "succeeded").await;
    }
    world.settled(deposit.id, "succeeded").await;
    eventually("the PSP has told who paid", SOON, || async {
        let deposit = world.payment(deposit.id).await;
        let source = deposit.source.clone()?;
        (source.portable.is_some() || !source.tokens.is_empty()).then_some(deposit)
    })
    .await
}

pub fn by_card(player: &PlayerKey) -> DepositOrder {
    let token = Chosen::CardToken("8415718415478572".to_owned());
    DepositOrder { instrument: Some(token), ..GERMAN_CARDS.deposit(player) }
}

pub fn back(player: &PlayerKey, money: Money) -> WithdrawalOrder {
    WithdrawalOrder {
        player: player.clone(),
        claim: claim("withdrawals", &key()),
        money,
        method: Method::BankTransfer,
        reference: None,
        metadata: "{}".to_owned(),
        destination: DestinationOrder::ClosedLoop,
    }
}

/// A player who paid in 100.00 from a bank account and then 100.00 by card.
pub async fn bank_and_card(world: &World) -> PlayerKey {
    let player = world.player_of(GERMANY).await;
    paid_in(world, GERMANY.deposit(&player)).await;
    paid_in(world, by_card(&player)).await;
    // From here on the card's PSP pays when a test says so.
    world.mocks.auto("adyen-de", None, "succeeded").await;
    player
}

pub fn amounts(payment: &Payment) -> Vec<i64> {
    payment.parts.iter().map(|part| part.money.minor).collect()
}

fn statuses(payment: &Payment) -> Vec<&str> {
    payment.parts.iter().map(|part| part.status.as_str()).collect()
}

fn attempts_of<'a>(payment: &'a Payment, part: &Part) -> Vec<&'a Attempt> {
    payment.attempts.iter().filter(|attempt| attempt.part == Some(part.id)).collect()
}

/// The payment, once the PSP of this part has it, or said what came of it.
async fn sent(world: &World, payment: &Payment, number: usize, status: AttemptStatus) -> Attempt {
    let what = format!("part {number} is {status}");
    eventually(&what, SOON, || async {
        let payment = world.payment(payment.id).await;
        let attempts = attempts_of(&payment, &payment.parts[number]);
        attempts.into_iter().find(|attempt| attempt.status == status).cloned()
    })
    .await
}

/// The card's PSP pays what it has accepted.
pub async fn card_is_paid(world: &World, payment: &Payment, number: usize) {
    let attempt = sent(world, payment, number, AttemptStatus::Accepted).await;
    let movement = world.movement(&attempt).await;
    world.mocks.complete(&attempt.psp, &movement.reference, json!({"outcome": "succeeded"})).await;
}

/// Every decision comes out the same from what it kept, the sources among it.
pub async fn decided_the_same_again(world: &World) {
    let (flows, span) = (&world.one().flows, Span { limit: 100, ..Span::default() });
    let pool = flows.db.pool();
    let decisions = read_history::decisions(pool, &span).await.unwrap();
    let shared = decisions.iter().filter(|decision| {
        decision.inputs.as_deref().is_some_and(|inputs| inputs.contains("closed_loop"))
    });
    assert_ne!(shared.count(), 0);
    assert_eq!(replays_the_same(world).await, decisions.len());
}

/// Makes every decision again of what it kept, and counts them.
pub async fn replays_the_same(world: &World) -> usize {
    let (flows, span) = (&world.one().flows, Span { limit: 100, ..Span::default() });
    let pool = flows.db.pool();
    let decisions = read_history::decisions(pool, &span).await.unwrap();
    for decision in &decisions {
        let again =
            replay(pool, &flows.policies.current(), decision, &Question::default()).await.unwrap();
        assert!(again.is_identical(), "{:?}", again.differences);
    }
    decisions.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_goes_back_to_an_account_and_a_card_by_their_own_methods() {
    let world = world_of(ACCOUNTS).await;
    let player = bank_and_card(&world).await;
    let withdrawal = world.one().withdraw(back(&player, GERMANY.money(15_000))).await;
    assert_eq!(withdrawal.status.as_str(), "approved", "{:?}", withdrawal.reasons);
    assert_eq!(amounts(&withdrawal), [10_000, 5_000], "the oldest source first");
    assert_eq!(world.wallet(&player).await.held, 15_000);
    card_is_paid(&world, &withdrawal, 1).await;
    let paid = world.settled(withdrawal.id, "paid").await;
    assert_eq!(statuses(&paid), ["paid", "paid"]);
    let methods: Vec<Method> =
        paid.parts.iter().map(|part| paid.method_of(Some(part.id))).collect();
    assert_eq!(methods, [Method::BankTransfer, Method::Card]);
    let psps: Vec<&str> = paid.attempts.iter().map(|attempt| attempt.psp.as_str()).collect();
    assert_eq!(psps, ["trustly-de", "adyen-de"]);
    let shown: Vec<&str> = paid.route.ranked().collect();
    assert_eq!(shown, ["trustly-de", "adyen-de"], "one plan is shown for both");
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (5_000, 0));
    decided_the_same_again(&world).await;
    // What is left of the card's own goes to it, and what is beyond to the account.
    world.win(&player, GERMANY.currency, 2_000).await;
    let rest = world.one().withdraw(back(&player, GERMANY.money(7_000))).await;
    assert_eq!(amounts(&rest), [2_000, 5_000]);
    card_is_paid(&world, &rest, 1).await;
    world.settled(rest.id, "paid").await;
    world.close().await;
}

/// Each part is asked only of the PSP that pays its instrument, although one route names both.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_goes_back_to_a_phone_and_a_bank_account_each_by_its_psp() {
    let world = world_of(SWEDEN.accounts).await;
    let player = world.player_of(SWEDEN).await;
    paid_in(&world, SWEDEN.deposit(&player)).await;
    world.mocks.listener("swish-se", false).await;
    paid_in(&world, SWEDEN.deposit(&player)).await;
    world.mocks.listener("swish-se", true).await;
    let withdrawal = world.one().withdraw(back(&player, SWEDEN.money(20_000))).await;
    assert_eq!(amounts(&withdrawal), [10_000, 10_000]);
    let paid = world
        .later("both are paid", Duration::from_secs(1), || async {
            let payment = world.payment(withdrawal.id).await;
            (payment.status.as_str() == "paid").then_some(payment)
        })
        .await;
    for (part, psp) in paid.parts.iter().zip(["swish-se", "trustly-se"]) {
        let asked: Vec<&str> =
            attempts_of(&paid, part).iter().map(|attempt| attempt.psp.as_str()).collect();
        assert_eq!(asked, [psp], "{:?}", part.instrument.kind());
    }
    world.close().await;
}

/// One part is refused: the other is paid, and what was held for it is the player's again. Its source
/// cannot be paid from then on: money of it may go elsewhere only when two people say so.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_refused_leaves_a_withdrawal_paid_in_part_and_needs_an_exception() {
    let world = world_of(ACCOUNTS).await;
    let player = bank_and_card(&world).await;
    world.mocks.fault("trustly-de", "create_payout", "decline_hard", Some(1)).await;
    let withdrawal = world.one().withdraw(back(&player, GERMANY.money(15_000))).await;
    card_is_paid(&world, &withdrawal, 1).await;
    let part_paid = world.settled(withdrawal.id, "paid_in_part").await;
    assert_eq!(statuses(&part_paid), ["released", "paid"]);
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (15_000, 0));

    let again = world.one().withdraw(back(&player, GERMANY.money(8_000))).await;
    assert_eq!(again.status.as_str(), "in_review");
    assert_eq!(amounts(&again), [8_000]);
    let told: Vec<(&str, Audience)> =
        again.reasons.iter().map(|reason| (reason.code.as_str(), reason.audience)).collect();
    assert_eq!(told, [("withdrawal.source_not_payable", Audience::Operator)]);
    let observed = again.reasons[0].observed.clone().unwrap();
    let expected = "50.00 EUR to 1 source, 30.00 EUR beyond (a source); not paid back: \
                    100.00 EUR of source (its last payout was refused)";
    assert_eq!(observed, expected);
    world.two_people(&again, "approve").await;
    card_is_paid(&world, &again, 0).await;
    let paid = world.settled(again.id, "paid").await;
    assert_eq!(paid.attempts[0].psp, "adyen-de", "where it goes instead, two people have approved");
    world.close().await;
}

/// One part's answer is lost: its hold stays and nobody else is asked, whatever became of the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_unknown_outcome_keeps_its_hold_until_it_is_found() {
    let world = world_of(ACCOUNTS).await;
    let player = bank_and_card(&world).await;
    world.mocks.auto("trustly-de", None, "succeeded").await;
    world.mocks.fault("trustly-de", "create_payout", "timeout_after_accept", Some(1)).await;
    world.mocks.fault("trustly-de", "query", "http_503", None).await;
    let withdrawal = world.one().withdraw(back(&player, GERMANY.money(15_000))).await;
    card_is_paid(&world, &withdrawal, 1).await;
    let unknown = sent(&world, &withdrawal, 0, AttemptStatus::Unknown).await;
    let half = eventually("the card is paid", SOON, || async {
        let payment = world.payment(withdrawal.id).await;
        (payment.parts[1].status == PartStatus::Paid).then_some(payment)
    })
    .await;
    assert_eq!((half.status.as_str(), statuses(&half)[0]), ("processing", "processing"));
    assert_eq!(world.wallet(&player).await.held, 10_000);
    world.mocks.clear_faults("trustly-de").await;
    let movement = world.movement(&unknown).await;
    let found = json!({"outcome": "succeeded"});
    world.mocks.complete("trustly-de", &movement.reference, found).await;
    world
        .later("it is found", STEP, || async {
            let payment = world.payment(withdrawal.id).await;
            (payment.status.as_str() == "paid").then_some(())
        })
        .await;
    assert!(world.mocks.movements("truelayer-de").await.is_empty(), "nobody else was asked");
    world.close().await;
}

/// Both parts' answers are lost for so long that people are asked about each; what they say of one says
/// nothing of the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_unknown_parts_are_two_questions_for_people() {
    let world = world_of(ACCOUNTS).await;
    let player = bank_and_card(&world).await;
    for psp in ["trustly-de", "adyen-de"] {
        world.mocks.auto(psp, None, "succeeded").await;
        world.mocks.fault(psp, "create_payout", "connection_reset_after_accept", None).await;
        world.mocks.fault(psp, "query", "http_503", None).await;
    }
    let withdrawal = world.one().withdraw(back(&player, GERMANY.money(15_000))).await;
    let asked = || async {
        let reviews = world.reviews(&withdrawal).await;
        (reviews.len() == 2).then_some(reviews)
    };
    let reviews = world.later("people are asked about both", STEP * 30, asked).await;
    let about: Vec<_> = reviews.iter().map(|review| review.attempt).collect();
    assert_ne!(about[0], about[1]);
    world.two_people(&withdrawal, "resolve_unpaid").await;
    let left = world.reviews(&withdrawal).await;
    assert_eq!(left.len(), 1, "the other is still not known");
    let half = world.payment(withdrawal.id).await;
    assert_eq!(half.status.as_str(), "processing");
    world.leave_open();
}

/// What two people give back of a withdrawal that was paid in part is what was not paid.
#[tokio::test(flavor = "multi_thread")]
async fn rejecting_what_is_left_leaves_a_withdrawal_paid_in_part() {
    let world = world_of(ACCOUNTS).await;
    let player = bank_and_card(&world).await;
    // The market's other PSP for cards does not know this one: people decide what comes next.
    world.mocks.fault("adyen-de", "create_payout", "decline_hard", Some(1)).await;
    let withdrawal = world.one().withdraw(back(&player, GERMANY.money(15_000))).await;
    let stuck = world.settled(withdrawal.id, "in_review").await;
    assert_eq!(statuses(&stuck), ["paid", "held"]);
    assert_eq!(world.wallet(&player).await.held, 5_000);
    world.two_people(&stuck, "reject").await;
    let over = world.settled(withdrawal.id, "paid_in_part").await;
    assert_eq!(statuses(&over), ["paid", "released"]);
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (10_000, 0));
    assert!(world.reviews(&over).await.is_empty());
    world.close().await;
}

/// What its PSPs answered, as its reasons say.
fn told_of_psps(payment: &Payment) -> Vec<(&str, &str)> {
    let of_psps = payment.reasons.iter().filter(|reason| reason.code.starts_with("psp."));
    of_psps
        .map(|reason| {
            assert_eq!(reason.audience, Audience::Operator, "it is nothing of the player's");
            (reason.code.as_str(), reason.observed.as_deref().unwrap_or_default())
        })
        .collect()
}

/// The card's PSP could not be reached: the payout, its event and its case say so, and people are called once.
async fn says_why(world: &World, stuck: &Payment) {
    let why = "adyen-de: connect_refused";
    assert_eq!(told_of_psps(stuck), [("psp.not_reached", why)]);
    let of = stuck.id.uuid;
    let event = format!(
        "select data::text from outbox_event where payment_id = '{of}' order by payment_sequence desc limit 1"
    );
    let event = world.texts(&event).await.remove(0);
    assert!(event.contains("psp.not_reached") && event.contains(why), "{event}");
    let noted = format!(
        "select e.text from review_event e join review r using (review_id)
         where r.payment_id = '{of}' and r.is_open and e.act = 'note'"
    );
    let noted = world.texts(&noted).await;
    assert!(noted.len() == 1 && noted[0].contains(why), "{noted:?}");
    let called = || async { (world.incidents("payout.psp_unreachable").await == 1).then_some(()) };
    eventually("people are called, once", SOON, called).await;
}

/// Sending again is about the part that is held, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn people_send_what_is_left_again_and_what_was_paid_stays_paid() {
    let world = world_of(ACCOUNTS).await;
    let player = bank_and_card(&world).await;
    world.mocks.listener("adyen-de", false).await;
    let withdrawal = world.one().withdraw(back(&player, GERMANY.money(15_000))).await;
    let stuck = world.settled(withdrawal.id, "in_review").await;
    assert_eq!(statuses(&stuck), ["paid", "held"]);
    says_why(&world, &stuck).await;
    // Sent again too early it says so once, and calls nobody once more.
    world.two_people(&stuck, "approve").await;
    let again = || async {
        let after = world.payment(withdrawal.id).await;
        (after.attempts.len() == 3 && after.status.as_str() == "in_review").then_some(after)
    };
    let stuck = eventually("it was tried again", SOON, again).await;
    says_why(&world, &stuck).await;
    world.mocks.listener("adyen-de", true).await;
    world.two_people(&stuck, "approve").await;
    card_is_paid(&world, &stuck, 1).await;
    let paid = world.settled(withdrawal.id, "paid").await;
    let tried: Vec<String> =
        paid.attempts.iter().map(|a| format!("{} {}", a.psp, a.status)).collect();
    let (first, last) = ("trustly-de succeeded", "adyen-de succeeded");
    assert_eq!(tried, [first, "adyen-de not_sent", "adyen-de not_sent", last]);
    assert!(told_of_psps(&paid).is_empty(), "that is over: {:?}", paid.reasons);
    world.close().await;
}

/// A destination that was named is paid, and the decision keeps what the sources did not get.
#[tokio::test(flavor = "multi_thread")]
async fn a_named_destination_is_on_record_beside_the_sources_it_passes_over() {
    let world = world_of(ACCOUNTS).await;
    let player = world.player_of(GERMANY).await;
    paid_in(&world, by_card(&player)).await;
    let order = super::harness::withdrawal_order(&player, GERMANY.money(2_500));
    let withdrawal = world.one().withdraw(order).await;
    world.settled(withdrawal.id, "paid").await;
    let sql = "select (inputs->'closed_loop')::text from decision
               where checkpoint = 'withdrawal.request'";
    let kept: serde_json::Value = serde_json::from_str(&world.texts(sql).await[0]).unwrap();
    let expected = json!({"named": true, "holder": "the player's", "outside": false,
        "elsewhere": {"kind": "iban", "minor": 2_500},
        "sources": [{"kind": "source", "deposited": 10_000, "paid_out": 0, "share": 0,
            "obstacle": null, "excepted": false}]});
    assert_eq!(kept, expected);
    world.close().await;
}

/// A withdrawal that is called off gives all its parts back.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_withdrawal_of_several_parts_releases_them_all() {
    let world = world_of(ACCOUNTS).await;
    let player = bank_and_card(&world).await;
    world.win(&player, GERMANY.currency, 200_000).await;
    let large = world.one().withdraw(back(&player, GERMANY.money(150_000))).await;
    assert_eq!((large.status.as_str(), large.parts.len()), ("in_review", 2));
    let cancelled = world.one().cancel(&large).await.unwrap();
    assert_eq!(statuses(&cancelled), ["released", "released"]);
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (220_000, 0));
    world.close().await;
}
