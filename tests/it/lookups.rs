//! Notifications that name a payment by the PSP's id alone: the PSP is asked whose it is, and what it
//! answers is what counts.

use super::every_psp::truth::{contradictions, ours, theirs};
use super::harness::markets::BRAZIL;
use super::harness::{Setup, World, eventually, for_a_moment};
use interlock::book::Payment;
use interlock::domain::{AttemptStatus, PlayerKey};
use interlock::webhooks::receive::receive;
use psp_adapters::RawWebhook;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PSP: &str = "mercadopago-br";
const SOON: Duration = Duration::from_secs(20);

async fn world() -> World {
    let setup = Setup { accounts: BRAZIL.accounts, first: Some(PSP), ..Setup::default() };
    World::with(setup).await
}

/// Mercado Pago has the deposit and its answer was lost, so that we know no id of theirs; the other PSP
/// was asked.
async fn abandoned(world: &World) -> (PlayerKey, Payment) {
    let player = world.player_of(BRAZIL).await;
    world.mocks.fault(PSP, "create_deposit", "connection_reset_after_accept", Some(1)).await;
    let deposit = world.one().deposit(BRAZIL.deposit(&player)).await;
    let told: Vec<_> = deposit.attempts.iter().map(|a| (a.psp.as_str(), a.status)).collect();
    let expected = [(PSP, AttemptStatus::Abandoned), ("pix-efi-br", AttemptStatus::Accepted)];
    assert_eq!(told, expected);
    assert_eq!(deposit.attempts[0].psp_reference, None);
    (player, deposit)
}

async fn pays_the_first(world: &World, deposit: &Payment) {
    let movement = world.movement(&deposit.attempts[0]).await;
    world.mocks.complete(PSP, &movement.reference, json!({"outcome": "succeeded"})).await;
}

async fn is_adopted(world: World, player: &PlayerKey, deposit: &Payment) {
    let done = world.settled(deposit.id, "succeeded").await;
    assert_eq!(done.attempts[0].status, AttemptStatus::Succeeded);
    assert!(done.attempts[0].psp_reference.is_some(), "the id is the attempt's from now on");
    assert_eq!(world.wallet(player).await.cash, BRAZIL.minor);
    let faults = contradictions(&ours(&world).await, &theirs(&world).await);
    assert_eq!(faults, Vec::<String>::new());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_names_their_id_alone_finds_the_attempt_and_is_credited_once() {
    let world = world().await;
    let (player, deposit) = abandoned(&world).await;
    pays_the_first(&world, &deposit).await;
    world.settled(deposit.id, "succeeded").await;
    assert!(0 < world.number("select count(*) from wire where purpose = 'lookup'").await);
    is_adopted(world, &player, &deposit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_is_not_answered_is_made_again() {
    let world = world().await;
    let (player, deposit) = abandoned(&world).await;
    world.mocks.fault(PSP, "query", "http_503", Some(1)).await;
    pays_the_first(&world, &deposit).await;
    let refused = || async { (!world.mocks.has_faults(PSP).await).then_some(()) };
    eventually("the first look-up was refused", SOON, refused).await;
    // By then the attempt's own ladder may have found the deposit; the event is done with all the same.
    let again = "select count(*) from inbox where state = 'done' and 0 < tries";
    let done = || async { (0 < world.number(again).await).then_some(()) };
    world.later("the event is tried again", Duration::from_secs(5), done).await;
    is_adopted(world, &player, &deposit).await;
}

/// A payment of somebody else's under the same account: known to the PSP and not to us.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_of_the_account_that_is_not_ours_is_an_incident_and_books_nothing() {
    let world = World::with(Setup {
        accounts: BRAZIL.accounts,
        first: Some(PSP),
        liars: vec![PSP],
        ..Setup::default()
    })
    .await;
    let player = world.player_of(BRAZIL).await;
    let body = json!({"transaction_amount": 50, "payment_method_id": "pix",
        "external_reference": "the-shop-next-door", "payer": {"email": "else@example.test"}});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = client
        .post(format!("{}/v1/payments", world.mocks.base_url(PSP)))
        .bearer_auth("sandbox-mercadopago-access-token")
        .header("x-idempotency-key", "the-shop-next-door")
        .json(&body)
        .send();
    let made: Value = made.await.unwrap().json().await.unwrap();
    let id = made["id"].to_string();
    world.mocks.complete(PSP, &id, json!({"outcome": "succeeded"})).await;
    eventually("it is raised", SOON, || async {
        (0 < world
            .number("select count(*) from service_incident where kind = 'webhook.unmatched'")
            .await)
            .then_some(())
    })
    .await;
    assert_eq!(world.number("select count(*) from payment").await, 0);
    assert_eq!(world.wallet(&player).await.cash, 0);
    world.close().await;
}

/// Whoever it is says in one call that these Pix came, none of which names a charge.
async fn hears_of(world: &World, e2eids: &[String]) {
    let pix = |e2eid| json!({"endToEndId": e2eid, "chave": "k", "valor": "50.00", "status": "?"});
    let pix: Vec<Value> = e2eids.iter().map(pix).collect();
    let body = json!({ "pix": pix }).to_string();
    let flows = world.one().flows.clone();
    let hear = async move {
        let raw = RawWebhook {
            method: "POST",
            path_and_query: "/webhooks/pix-efi-br/pix",
            headers: &[("content-type".to_owned(), "application/json".to_owned())],
            body: body.as_bytes(),
            peer_certificate: None,
            received_at: time::OffsetDateTime::UNIX_EPOCH,
        };
        receive(&flows, "pix-efi-br", &raw).await.unwrap()
    };
    world.one().run(hear).await;
}

/// What anybody may say of a Pix is kept and asked about; people hear of it where Efí has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pix_that_pays_no_charge_is_an_incident_where_efi_has_it_and_books_nothing() {
    let efi = "pix-efi-br";
    let setup = Setup { accounts: BRAZIL.accounts, first: Some(efi), ..Setup::default() };
    let world = World::with(setup).await;
    let deposit = world.one().deposit(BRAZIL.deposit(&world.player_of(BRAZIL).await)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let told = "select event_id from inbox where psp = 'pix-efi-br' and kind = 'pix'";
    let told = world.texts(told).await.remove(0);
    let (of_efi, _) = told.split_once(':').unwrap();
    let hear = async |e2eid: &str| {
        hears_of(&world, &[e2eid.to_owned()]).await;
        let over = format!(
            "select count(*) from inbox where event_id like '{e2eid}:%:?' and state <> 'new'"
        );
        let over = || async { (world.number(&over).await == 1).then_some(()) };
        eventually("it was looked up", SOON, over).await;
        world.number("select count(*) from service_incident where kind = 'webhook.unmatched'").await
    };
    assert_eq!(hear("E09089356202611221203abcdef01234").await, 0);
    assert_eq!(hear(of_efi).await, 1);
    assert_eq!(world.number("select count(*) from payment").await, 1);
    world.close().await;
}

/// Made-up ids make us ask no more at once than the inbox has room for one PSP, and nobody is told of them
/// though the PSP does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_made_up_ids_does_not_make_us_ask_for_all_of_them_at_once() {
    const EFI: &str = "pix-efi-br";
    const AT_ONE_PSP: u64 = 16;
    const CALLS: u64 = 10_000;
    let setup = Setup { accounts: BRAZIL.accounts, first: Some(EFI), ..Setup::default() };
    let world = World::with(setup).await;
    world.mocks.fault(EFI, "query", "timeout_before_accept", Some(CALLS)).await;
    let began = Instant::now();
    let made_up: Vec<String> =
        (0..200).map(|n| format!("E09089356202611221203abcdef{n:05}")).collect();
    for message in made_up.chunks(50) {
        hears_of(&world, message).await;
    }
    let asked = async || CALLS - world.mocks.faults_left(EFI).await;
    let begun = || async { (0 < asked().await).then_some(()) };
    eventually("they are asked about", SOON, begun).await;
    // Each call is held until its deadline; when those are over, so many more begin.
    let deadline = world.one().flows.psp_deadline;
    let more = || async {
        let asked = asked().await;
        let rounds = began.elapsed().as_millis() / deadline.as_millis() + 1;
        Some(asked).filter(|asked| u128::from(AT_ONE_PSP) * rounds < u128::from(*asked))
    };
    assert_eq!(for_a_moment(Duration::from_secs(2), more).await, None);
    world.mocks.clear_faults(EFI).await;
    world.mocks.fault(EFI, "query", "http_503", None).await;
    world.move_on(Duration::from_secs(61 * 60)).await;
    let over = "select count(*) from inbox where state = 'done' and note like '%did not answer%'";
    let over = || async { (world.number(over).await == 200).then_some(()) };
    world.later("they are given up", Duration::from_secs(10), over).await;
    assert_eq!(world.number("select count(*) from service_incident").await, 0);
    world.close().await;
}
