//! Money that is not the money asked for: what arrives otherwise than asked waits in suspense, what
//! is said to have been paid out otherwise than told waits for people.

use super::bounced_payouts::{by_hand, sent, succeeded, tell as say};
use super::harness::markets::{BRAZIL, BRITAIN, GERMAN_CARDS, MALTA, Market};
use super::harness::{SOON, Setup, World, deposit_order, eur, eventually, gbp};
use interlock::api::views::payment::PaymentView;
use interlock::book::{Payment, Viewer};
use interlock::decide::Command;
use interlock::decide::command::{News, Source};
use interlock::domain::{AttemptStatus, Money};
use psp_contract::{NextAction, Outcome, Report, Status};
use serde_json::{Value, json};

fn money(country: &str, minor: i64) -> Money {
    if country == "GB" { gbp(minor) } else { eur(minor) }
}

fn liar(psp: &'static str) -> Setup {
    Setup { liars: vec![psp], ..Setup::default() }
}

/// The payer sends another amount than asked; the PSP says so by webhook or, where its webhook proves
/// no amount, when it is asked.
async fn arrives_otherwise(country: &str) {
    let world = World::new().await;
    let player = world.player(country).await;
    let deposit = world.deposit(&player, money(country, 2_500)).await;
    world.complete_with(&deposit, json!({"outcome": "succeeded", "amount": "20.00"})).await;
    let held = world.settled(deposit.id, "in_review").await;
    let other = money(country, 2_000);
    assert_eq!((held.received, held.credited), (Some(other), None));
    assert_eq!(held.suspended, Some(other));
    assert_eq!(world.wallet(&player).await.cash, 0);
    assert_eq!(world.house_balance("suspense").await, 2_000);
    assert_eq!(world.incidents("deposit.other_amount").await, 1);
    world.two_people(&held, "return").await;
    world.settled(deposit.id, "returned").await;
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_by_trustly_is_suspended_and_can_go_back() {
    arrives_otherwise("DE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_by_truelayer_is_suspended_and_can_go_back() {
    arrives_otherwise("GB").await;
}

/// Other money than asked waits in suspense, and goes again: there is nothing left that people could credit.
async fn goes_again(market: Market, outcome: &str) {
    let (accounts, psp) = (market.accounts, market.accounts[0]);
    let world = World::with(Setup { accounts, first: Some(psp), ..Setup::default() }).await;
    let player = world.player_of(market).await;
    let deposit = world.one().deposit(market.deposit(&player)).await;
    let came = json!({"outcome": "succeeded", "amount": "20.00"});
    world.complete_with(&deposit, came).await;
    let held = world.settled(deposit.id, "in_review").await;
    assert_eq!(held.suspended, Some(market.money(2_000)));
    let movement = world.movement(&deposit.attempts[0]).await;
    world.mocks.complete(psp, &movement.reference, json!({"outcome": outcome})).await;
    let gone = world.settled(deposit.id, "returned").await;
    assert_eq!((gone.received, gone.credited), (Some(market.money(2_000)), None));
    assert_eq!(gone.suspended, None);
    assert_eq!(world.house_balance("suspense").await, 0);
    assert_eq!(world.wallet(&player).await.cash, 0);
    assert!(world.reviews(&gone).await.is_empty(), "nobody is asked to credit it");
    assert_eq!(world.incidents("attempt.mismatch").await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_by_truelayer_that_is_reversed_leaves_suspense() {
    goes_again(Market { accounts: &["truelayer-gb"], ..BRITAIN }, "charged_back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_by_mercado_pago_that_is_taken_back_leaves_suspense() {
    let market = Market { accounts: &["mercadopago-br"], ..BRAZIL };
    tokio::join!(goes_again(market, "charged_back"), goes_again(market, "returned"));
}

/// Adyen cannot be asked about a card's payment. What it has signed and nobody here reads is put before people,
/// and takes nothing from the same message when it can be read.
#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_cannot_be_read_nor_asked_about_is_for_people_and_the_honest_one_counts() {
    const CARDS: Market = Market { accounts: &["adyen-de"], ..GERMAN_CARDS };
    const PSP: &str = CARDS.accounts[0];
    let setup = Setup { accounts: CARDS.accounts, first: Some(PSP), ..Setup::default() };
    let world = World::with(setup).await;
    let player = world.player_of(CARDS).await;
    let deposit = world.one().deposit(CARDS.deposit(&player)).await;
    world.mocks.fault(PSP, "webhook", "webhook_wrong_currency", Some(1)).await;
    world.complete(&deposit, "succeeded").await;
    let told = || async { (world.incidents("webhook.parked").await == 1).then_some(()) };
    eventually("people hear of it", SOON, told).await;
    let waiting = world.payment(deposit.id).await;
    assert_eq!((waiting.status.as_str(), waiting.received), ("action_required", None));
    let reference = world.movement(&deposit.attempts[0]).await.reference;
    let resend = json!({"reference": reference, "times": 2});
    assert_eq!(world.mocks.resend(PSP, resend).await, [200, 200]);
    let done = world.settled(deposit.id, "succeeded").await;
    assert_eq!(done.credited, Some(CARDS.money(CARDS.minor)));
    assert_eq!(world.wallet(&player).await.cash, CARDS.minor);
    assert_eq!(world.incidents("webhook.parked").await, 1, "once");
    world.close().await;
}

/// The deposit as its event tells the casino, and as the API shows it to the casino and to the player.
async fn tellings(world: &World, deposit: &Payment) -> [(&'static str, Value); 3] {
    let sql = format!(
        "select data::text from outbox_event
         where kind = 'deposit.succeeded' and payment_id = '{}'",
        deposit.id.uuid
    );
    let [event]: [String; 1] = world.texts(&sql).await.try_into().unwrap();
    let shown = |viewer| serde_json::to_value(PaymentView::of(viewer, deposit)).unwrap();
    [
        ("the event", serde_json::from_str(&event).unwrap()),
        ("the casino", shown(Viewer::Backend)),
        ("the player", shown(Viewer::Player)),
    ]
}

/// The reason that tells how much came, and how much was asked for.
fn difference(code: &str, came: i64, market: Market) -> Value {
    let than = if code == "deposit.underpaid" { "less" } else { "more" };
    json!({"code": code,
        "message": format!("{than} arrived than was asked for: what arrived is credited"),
        "observed": market.money(came).to_string(),
        "threshold": market.money(100_000_000).to_string()})
}

/// Every message that names the player's address is kept with the player's attempt: by it, it is erased.
async fn messages_are_the_players(world: &World, deposit: &Payment, address: &str) {
    let kept = |which: &str| {
        format!(
            "select count(*) from inbox where attempt_id {which}
             and (encode(raw, 'escape') like '%{address}%' or event::text like '%{address}%')"
        )
    };
    let [its, nobodys] = [format!("= '{}'", deposit.attempts[0].id.0), "is null".to_owned()];
    let kept_so = || async {
        let its = world.number(&kept(&its)).await;
        (0 < its && world.number(&kept(&nobodys)).await == 0).then_some(())
    };
    eventually("its messages are kept with it", SOON, kept_so).await;
}

/// Coins come in any amount: what arrived is credited, and the payment tells the difference.
async fn coins_come_otherwise(psp: &'static str) {
    let market = Market { accounts: &["coinspaid", "fireblocks"], ..MALTA };
    let setup = Setup { accounts: market.accounts, first: Some(psp), ..Setup::default() };
    let world = World::with(setup).await;
    for (sent, minor, code) in [
        ("80.00", 80_000_000, Some("deposit.underpaid")),
        ("120.50", 120_500_000, Some("deposit.overpaid")),
        ("100.00", 100_000_000, None),
    ] {
        let player = world.player_of(market).await;
        let deposit = world.one().deposit(market.deposit(&player)).await;
        let Some(NextAction::CryptoTransfer { address, .. }) = &deposit.next_action else {
            panic!("no address: {deposit:#?}");
        };
        world.mocks.payin(psp, json!({"address": address, "amount": sent})).await;
        let done = world.settled(deposit.id, "succeeded").await;
        let came = Some(market.money(minor));
        assert_eq!((done.received, done.credited), (came, came));
        assert_eq!(done.money, market.money(100_000_000), "what was asked stands beside it");
        assert_eq!(world.wallet(&player).await.cash, minor);
        let told: Vec<&str> = done.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(told, Vec::from_iter(code));
        let coins = |minor: i64| json!({"amount": market.money(minor).major(), "currency": "USDT"});
        let reasons: Vec<Value> = code.iter().map(|code| difference(code, minor, market)).collect();
        for (to, shown) in tellings(&world, &done).await {
            assert_eq!(shown["status"], "succeeded", "{to}");
            assert_eq!((&shown["received"], &shown["credited"]), (&coins(minor), &coins(minor)));
            assert_eq!(shown["amount"], "100.000000", "{to}: what was asked stands beside it");
            assert_eq!(shown["reasons"], json!(reasons), "{to}");
        }
        messages_are_the_players(&world, &deposit, address).await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_by_coinspaid_are_credited_as_they_came_and_the_difference_is_told() {
    coins_come_otherwise("coinspaid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_by_fireblocks_are_credited_as_they_came_and_the_difference_is_told() {
    coins_come_otherwise("fireblocks").await;
}

/// The callback is rightly signed and names more than arrived. The PSP, asked, says what did. Where the coins
/// come from is not believed either: it waits for analytics that cannot answer, and then for people.
async fn coins_are_said_to_be_more(psp: &'static str) {
    let market = Market { accounts: &["coinspaid", "fireblocks"], ..MALTA };
    let setup = Setup { accounts: market.accounts, first: Some(psp), ..Setup::default() };
    let world = World::with(setup).await;
    let player = world.player_of(market).await;
    let deposit = world.one().deposit(market.deposit(&player)).await;
    let Some(NextAction::CryptoTransfer { address, .. }) = &deposit.next_action else {
        panic!("no address: {deposit:#?}");
    };
    world.mocks.fault(psp, "webhook", "webhook_wrong_amount", None).await;
    world.mocks.payin(psp, json!({"address": address, "amount": "100.00"})).await;
    let held = world.settled(deposit.id, "in_review").await;
    let came = Some(market.money(100_000_000));
    assert_eq!((held.received, held.credited), (came, None), "what arrived, not what was said");
    assert_eq!(held.suspended, came);
    assert_eq!(world.wallet(&player).await.cash, 0);
    assert_eq!(world.incidents("payin.other_amount").await, 1);
    // The harness holds our books against the mock's: nobody is a liar here.
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_by_coinspaid_are_booked_as_its_books_have_them_whatever_a_callback_says() {
    coins_are_said_to_be_more("coinspaid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_by_fireblocks_are_booked_as_its_books_have_them_whatever_a_webhook_says() {
    coins_are_said_to_be_more("fireblocks").await;
}

/// The payout's webhook names another amount than was paid. The PSP, asked, says what it was told to
/// pay, so nobody need decide; where its webhook proves amounts, people are told all the same.
async fn said_otherwise(country: &str, psp: &str, incidents: i64) {
    let world = World::new().await;
    let player = world.rich_player(country, 1_000).await;
    world.mocks.fault(psp, "webhook", "webhook_wrong_amount", None).await;
    let withdrawal = world.withdraw(&player, money(country, 900)).await;
    // The clock moves on once the webhook is in: an inquiry before it would leave nothing to tell.
    let heard =
        || async { (world.incidents("payout.other_amount").await == incidents).then_some(()) };
    eventually("people hear of it", SOON, heard).await;
    let paid = || async {
        let found = world.payment(withdrawal.id).await;
        (found.status.as_str() == "paid").then_some(found)
    };
    let step = std::time::Duration::from_secs(120);
    let paid = world.later("the inquiry says what was paid", step, paid).await;
    assert_eq!(paid.attempts.len(), 1);
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (100, 0));
    assert_eq!(world.incidents("payout.other_amount").await, incidents);
    assert!(world.reviews(&paid).await.is_empty(), "nothing is left to decide");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trustly_webhook_about_another_payout_amount_books_nothing() {
    said_otherwise("DE", "trustly-de", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truelayer_webhook_about_another_payout_amount_books_nothing() {
    said_otherwise("GB", "truelayer-gb", 0).await;
}

/// The PSP itself paid another amount: no machine concludes anything, and two people can say that it
/// was not paid.
async fn paid_otherwise(country: &str, psp: &'static str) {
    let world = World::with(liar(psp)).await;
    world.mocks.auto(psp, None, "succeeded").await;
    let player = world.rich_player(country, 1_000).await;
    let withdrawal = world.withdraw(&player, money(country, 900)).await;
    let sent = world.attempt_is(withdrawal.id, 1, AttemptStatus::Accepted).await;
    world.complete_with(&sent, json!({"outcome": "succeeded", "amount": "8.00"})).await;
    let asked = || async { world.reviews(&sent).await.pop() };
    super::harness::eventually("people are asked", super::harness::SOON, asked).await;
    let waiting = world.payment(withdrawal.id).await;
    assert_eq!(waiting.status.as_str(), "processing");
    assert_eq!(world.wallet(&player).await.held, 900);
    world.two_people(&waiting, "resolve_unpaid").await;
    let failed = world.settled(withdrawal.id, "failed").await;
    assert_eq!(failed.attempts.len(), 1, "no second PSP is asked");
    assert_eq!(world.wallet(&player).await.cash, 1_000);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trustly_payout_of_another_amount_is_settled_by_people() {
    paid_otherwise("DE", "trustly-de").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truelayer_payout_of_another_amount_is_settled_by_people() {
    paid_otherwise("GB", "truelayer-gb").await;
}

async fn told(world: &World, deposit: &Payment, money: Money) {
    let status = Status::Succeeded { money };
    let report = Report { psp_reference: None, status, payer: None, attempt: None };
    let news = News {
        payment: deposit.id.uuid,
        direction: deposit.direction(),
        attempt: deposit.attempts[0].id,
        source: Source::Webhook { hint: false },
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    let (flows, player) = (world.one().flows.clone(), deposit.player.clone());
    let told = async move { flows.lanes.submit(&player, Command::News(Box::new(news))).await };
    world.one().run(told).await.unwrap();
}

/// A wrong amount that a signature covers is not believed while the PSP can be asked.
#[tokio::test(flavor = "multi_thread")]
async fn news_of_other_money_is_confirmed_before_anything_moves() {
    let world = World::new().await;
    let player = world.player("GB").await;
    let deposit = world.one().deposit(deposit_order(&player, gbp(700))).await;
    told(&world, &deposit, gbp(10_700)).await;
    let waiting = world.payment(deposit.id).await;
    assert_eq!(waiting.status.as_str(), "action_required");
    assert_eq!((waiting.received, world.house_balance("suspense").await), (None, 0));
    world.complete(&deposit, "succeeded").await;
    let done = world.settled(deposit.id, "succeeded").await;
    assert_eq!(done.credited, Some(gbp(700)));
    world.close().await;
}

/// What a payout was is settled once it is paid: people are told, and asked nothing that they could not decide.
#[tokio::test(flavor = "multi_thread")]
async fn other_money_of_a_payout_that_is_paid_opens_no_case() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    let paid = say(&world, &sent, (1, Source::Call), succeeded()).await;
    assert_eq!(paid.status.as_str(), "paid");
    let report = |status| Report { psp_reference: None, status, payer: None, attempt: None };
    let more = Outcome::Reported(report(Status::Succeeded { money: eur(901) }));
    say(&world, &sent, (1, Source::Webhook { hint: false }), more).await;
    assert_eq!(world.incidents("payout.other_amount").await, 1);
    assert!(world.reviews(&sent).await.is_empty());

    let other = super::bounced_payouts::sent(&world).await;
    say(&world, &other, (1, Source::Call), succeeded()).await;
    let mismatch = Outcome::Unknown(psp_contract::Unknown::Mismatch);
    say(&world, &other, (1, Source::Inquiry), mismatch).await;
    assert_eq!(world.incidents("attempt.mismatch").await, 1);
    assert!(world.reviews(&other).await.is_empty());
    world.close().await;
}
