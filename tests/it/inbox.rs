//! Messages of PSPs that could not be applied when they came: none is lost, and none holds up another.

use super::harness::markets::BRAZIL;
use super::harness::{SOON, Setup, World, eventually};
use interlock::app::parts::Patience;
use interlock::book::Payment;
use interlock::clock::Clock;
use interlock::domain::InboxId;
use interlock::store::erase::Step;
use interlock::store::erasures::Due;
use interlock::store::inbox::{self, NewEvent, Spent};
use interlock::store::incidents;
use interlock::webhooks::receive::{ReceiveError, receive};
use interlock::webhooks::stored_event;
use interlock::workers::driver::Worker;
use interlock::workers::inbox::InboxWorker;
use psp_adapters::{RawWebhook, Untold, WebhookEvent, WebhookRefusal, WebhookReply};
use psp_contract::{AttemptRef, Report, Status};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PSP: &str = "mercadopago-br";
const OTHER: &str = "pix-efi-br";

/// A message that proves nothing by itself.
fn hint(attempt: Option<AttemptRef>, psp_reference: Option<&str>) -> WebhookEvent {
    WebhookEvent {
        event_id: Uuid::new_v4().to_string(),
        kind: "payment".to_owned(),
        attempt,
        psp_reference: psp_reference.map(str::to_owned),
        subject: None,
        report: None,
        if_deposit: None,
        payin: None,
        occurred_at: None,
        hint_only: true,
        untold: None,
    }
}

/// It was stored, and nobody came to apply it.
async fn left(world: &World, psp: &str, event: &WebhookEvent) {
    let sql = "insert into inbox (inbox_id, psp, event_id, kind, body_sha256, event, raw, received_at,
                 state, tries, due_at)
               values (gen_random_uuid(), $1, $2, $3, '', $4::text::json, 'as sent', now(), 'new', 0,
                 now())";
    sqlx::query(sql)
        .bind(psp)
        .bind(&event.event_id)
        .bind(&event.kind)
        .bind(stored_event::write(event))
        .execute(&world.rows)
        .await
        .unwrap();
}

async fn paid(world: &World) -> Payment {
    let player = world.player_of(BRAZIL).await;
    let deposit = world.one().deposit(BRAZIL.deposit(&player)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await
}

/// The deposit is over: nobody would ask about it of their own accord.
#[tokio::test(flavor = "multi_thread")]
async fn a_hint_about_a_player_who_is_locked_elsewhere_is_followed_afterwards() {
    let setup = Setup { accounts: BRAZIL.accounts, first: Some(PSP), ..Setup::default() };
    let world = World::with(setup).await;
    let deposit = paid(&world).await;
    let mut elsewhere = world.rows.begin().await.unwrap();
    sqlx::query("select from player where player_id = $1 for update")
        .bind(deposit.player.player.as_str())
        .execute(&mut *elsewhere)
        .await
        .unwrap();
    let told = world.number("select count(*) from inbox").await;
    world.complete(&deposit, "charged_back").await;
    let sql = format!(
        "select count(*) from (select state, tries from inbox order by inbox_id offset {told}) i
         where state <> 'new' or 0 < tries"
    );
    let refused = || async { (0 < world.number(&sql).await).then_some(()) };
    eventually("the hint was tried, and the player is locked", SOON, refused).await;
    elsewhere.rollback().await.unwrap();
    let reversed = || async {
        let payment = world.payment(deposit.id).await;
        (payment.status.as_str() == "reversed").then_some(())
    };
    world.later("the PSP is asked after all", Duration::from_secs(5), reversed).await;
    assert_eq!(world.wallet(&deposit.player).await.cash, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_put_aside_only_together_with_its_incident() {
    let world = World::with(Setup { accounts: BRAZIL.accounts, ..Setup::default() }).await;
    let refuse = "create function refuse_incident() returns trigger language plpgsql as $$
        begin raise exception 'the database is away'; end $$;
        create trigger away before insert on service_incident
        for each row execute function refuse_incident();";
    sqlx::raw_sql(refuse).execute(&world.rows).await.unwrap();
    let status = Status::Succeeded { money: BRAZIL.money(BRAZIL.minor) };
    let of_nobody = WebhookEvent {
        report: Some(Report::new(Some("of-nobody"), status)),
        hint_only: false,
        ..hint(None, Some("of-nobody"))
    };
    left(&world, OTHER, &of_nobody).await;
    let aside = "select count(*) from inbox where state = 'parked'";
    let tried = "select count(*) from inbox where state = 'parked' or 1 < tries";
    let tried = || async { (0 < world.number(tried).await).then_some(()) };
    world.later("it was tried twice", Duration::from_secs(3), tried).await;
    assert_eq!(world.number(aside).await, 0, "nobody would know of it");
    let allow = "drop trigger away on service_incident";
    sqlx::raw_sql(allow).execute(&world.rows).await.unwrap();
    let raised = || async { (0 < world.incidents("webhook.unmatched").await).then_some(()) };
    world.later("it is raised", Duration::from_secs(10), raised).await;
    assert_eq!(world.number(aside).await, 1);
    assert_eq!(world.incidents("webhook.unmatched").await, 1);
    world.close().await;
}

/// Whatever it names, and if it names nothing: nobody here knows what it says.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nothing_here_reads_makes_us_ask_and_is_for_people() {
    let world = World::with(Setup { accounts: BRAZIL.accounts, ..Setup::default() }).await;
    let player = world.player_of(BRAZIL).await;
    let deposit = world.one().deposit(BRAZIL.deposit(&player)).await;
    world.mocks.fault(OTHER, "webhook", "webhook_drop", None).await;
    world.complete(&deposit, "succeeded").await;
    let named = hint(Some(AttemptRef::new(deposit.attempts[0].id.0)), None);
    for event in [named, hint(None, None)] {
        left(&world, OTHER, &WebhookEvent { untold: Some(Untold::Unread), ..event }).await;
    }
    let told = || async { (world.incidents("webhook.parked").await == 2).then_some(()) };
    world.later("people hear of both", Duration::from_secs(3), told).await;
    world.settled(deposit.id, "succeeded").await;
    // It may say who paid: with the player's data it goes, and what names nobody stays.
    let (player, review) = (deposit.player.clone(), Uuid::nil());
    let mut rows = world.rows.acquire().await.unwrap();
    Step::Webhooks.run(&mut rows, &Due { player, review }).await.unwrap();
    drop(rows);
    let aside =
        "select coalesce(attempt_id::text, 'nobody') || ': ' || encode(raw, 'escape') || ' '
                   || (event::text <> 'null') from inbox where state = 'parked' order by raw";
    let named = format!("{}:  false", deposit.attempts[0].id.0);
    assert_eq!(world.texts(aside).await, [named, "nobody: as sent true".to_owned()]);
    world.close().await;
}

/// More hints wait for a PSP that does not answer than it has room for, and one of another PSP behind them.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_wait_for_a_silent_psp_hold_up_nobody_elses() {
    const SILENT: u64 = 20;
    const AT_ONE_PSP: u64 = 16;
    let psp_deadline = Duration::from_secs(12);
    let patience =
        Patience { psp_deadline, attempt_lease: 2 * psp_deadline, ..Setup::default().patience };
    let accounts = BRAZIL.accounts;
    let world = World::with(Setup { workers: false, accounts, patience, ..Setup::default() }).await;
    let player = world.player_of(BRAZIL).await;
    let deposit = world.one().deposit(BRAZIL.deposit(&player)).await;
    assert_eq!(deposit.attempts[0].psp, OTHER);
    world.mocks.fault(OTHER, "webhook", "webhook_drop", None).await;
    world.complete(&deposit, "succeeded").await;
    world.mocks.fault(PSP, "query", "timeout_before_accept", None).await;
    for number in 0..SILENT {
        left(&world, PSP, &hint(None, Some(&format!("77{number}")))).await;
    }
    left(&world, OTHER, &hint(Some(AttemptRef::new(deposit.attempts[0].id.0)), None)).await;

    let worker = Arc::new(InboxWorker::new(world.one().flows.clone()));
    let look = async || {
        let (worker, now) = (worker.clone(), world.one().flows.clock.now());
        world.one().run(async move { worker.activate(now).await.unwrap().claimed }).await
    };
    // On a slow machine the PSP has more of it.
    let (began, psp_deadline) = (Instant::now(), world.one().flows.psp_deadline);
    assert_eq!(look().await, AT_ONE_PSP + 1);
    assert!(began.elapsed() < psp_deadline, "a look waits for nobody: {:?}", began.elapsed());
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(look().await, 0, "the silent PSP has its share");
    assert!(began.elapsed() < psp_deadline, "meanwhile: {:?}", began.elapsed());
    let tried = format!("select count(*) from inbox where psp = '{PSP}' and 0 < tries");
    let tried = u64::try_from(world.number(&tried).await).unwrap();
    assert_eq!(tried, AT_ONE_PSP, "what was left was not tried");

    world.mocks.clear_faults(PSP).await;
    let done = "select count(*) from inbox where state <> 'new' and psp = 'mercadopago-br'";
    let all_done = async || {
        look().await;
        (4 <= world.number(done).await).then_some(())
    };
    eventually("the others are tried when its calls are over", SOON, all_done).await;
    drop(worker);
    world.close().await;
}

/// The PSP does not answer for half a day: whose payment it is cannot be found out, and nobody gives it up.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_waits_for_a_psp_that_is_away_for_however_long_and_people_are_told_once() {
    let accounts = BRAZIL.accounts;
    let world = World::with(Setup { accounts, first: Some(PSP), ..Setup::default() }).await;
    world.mocks.fault(PSP, "query", "http_503", None).await;
    left(&world, PSP, &hint(None, Some("7700"))).await;
    let told = || async { (world.incidents("webhook.waiting").await == 1).then_some(()) };
    world.later("people are told", Duration::from_secs(305), told).await;
    for _ in 0..3 {
        world.move_on(Duration::from_secs(4 * 3_600)).await;
        let tried = format!(
            "select count(*) from inbox where psp = '{PSP}' and state = 'new' and tries = 0
               and '{}' < due_at",
            world.one().flows.clock.now()
        );
        let put_off = || async { (world.number(&tried).await == 1).then_some(()) };
        eventually("it was tried and waits", SOON, put_off).await;
    }
    assert_eq!(world.incidents("webhook.waiting").await, 1);
    assert_eq!(world.incidents("webhook.parked").await, 0);
    world.mocks.clear_faults(PSP).await;
    let done = "select count(*) from inbox where psp = 'mercadopago-br' and state <> 'new'";
    let done = || async { (world.number(done).await == 1).then_some(()) };
    world.later("the PSP is back, and knows no such payment", Duration::from_secs(305), done).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_lies_aside_is_applied_when_somebody_on_call_takes_it_up() {
    let setup = Setup { workers: false, accounts: BRAZIL.accounts, ..Setup::default() };
    let world = World::with(setup).await;
    let player = world.player_of(BRAZIL).await;
    let deposit = world.one().deposit(BRAZIL.deposit(&player)).await;
    assert_eq!(deposit.attempts[0].psp, OTHER);
    world.mocks.fault(OTHER, "webhook", "webhook_drop", None).await;
    world.complete(&deposit, "succeeded").await;
    let event = hint(Some(AttemptRef::new(deposit.attempts[0].id.0)), None);
    left(&world, OTHER, &event).await;
    let aside = "update inbox set state = 'parked', due_at = null, tries = 5, note = 'given up'";
    sqlx::raw_sql(aside).execute(&world.rows).await.unwrap();
    let worker = InboxWorker::new(world.one().flows.clone());
    let now = world.one().flows.clock.now();
    assert_eq!(worker.activate(now).await.unwrap().claimed, 0, "it lies aside");
    let take_up = async |event_id: &str| {
        let asked = (Uuid::now_v7(), "cli:somebody");
        inbox::take_up(&world.rows, (OTHER, event_id), asked, now).await.unwrap()
    };
    assert!(!take_up("another").await);
    assert!(take_up(&event.event_id).await);
    assert!(!take_up(&event.event_id).await, "it does not lie aside any more");
    let who = "select closed_by || ': ' || detail from service_incident join incident_close using (incident_id)
               where kind = 'webhook.taken_up'";
    let told: Vec<String> = sqlx::query_scalar(who).fetch_all(&world.rows).await.unwrap();
    let named = format!("cli:somebody: event {} of {OTHER}: ", event.event_id);
    assert!(matches!(&told[..], [one] if one.starts_with(&named)), "{told:?}");
    assert_eq!(incidents::count_open(&world.rows).await.unwrap(), [], "closed as it was raised");
    let flows = world.one().flows.clone();
    let look = async move { InboxWorker::new(flows).activate(now).await.unwrap().claimed };
    assert_eq!(world.one().run(look).await, 1);
    drop(worker);
    world.settled(deposit.id, "succeeded").await;
    world.close().await;
}

/// What an HTTP server would hand over of a call that shows no certificate.
/// Whoever applied it has panicked each time, or was cut off with it: nobody has counted it as failed.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_none_of_whose_tries_came_to_its_end_is_put_aside_before_the_next() {
    let setup = Setup { workers: false, accounts: BRAZIL.accounts, ..Setup::default() };
    let world = World::with(setup).await;
    let player = world.player_of(BRAZIL).await;
    let deposit = world.one().deposit(BRAZIL.deposit(&player)).await;
    world.mocks.fault(OTHER, "webhook", "webhook_drop", None).await;
    world.complete(&deposit, "succeeded").await;
    let event = hint(Some(AttemptRef::new(deposit.attempts[0].id.0)), None);
    left(&world, OTHER, &event).await;
    sqlx::raw_sql("update inbox set tries = 24").execute(&world.rows).await.unwrap();
    let look = async || {
        let flows = world.one().flows.clone();
        let worker =
            async move { InboxWorker::new(flows.clone()).activate(flows.clock.now()).await };
        assert_eq!(world.one().run(worker).await.unwrap().claimed, 1);
    };
    look().await;
    let aside = format!(
        "select count(*) from inbox where state = 'parked' and attempt_id = '{}'",
        deposit.attempts[0].id.0
    );
    let lies_aside = async || (world.number(&aside).await == 1).then_some(());
    eventually("it lies aside", SOON, lies_aside).await;
    assert_eq!(world.incidents("webhook.parked").await, 1);
    assert_eq!(world.payment(deposit.id).await.credited, None, "it was not applied");
    // When a release applies it, it is as any other.
    let now = world.one().flows.clock.now();
    let asked = (Uuid::now_v7(), "cli:somebody");
    assert!(inbox::take_up(&world.rows, (OTHER, &event.event_id), asked, now).await.unwrap());
    look().await;
    world.settled(deposit.id, "succeeded").await;
    world.close().await;
}

async fn calls(world: &World, body: &str) {
    call(world, body).await.unwrap();
}

async fn call(world: &World, body: &str) -> Result<WebhookReply, ReceiveError> {
    let (flows, body) = (world.one().flows.clone(), body.to_owned());
    let received = async move {
        let raw = RawWebhook {
            method: "POST",
            path_and_query: "/webhooks/pix-efi-br/pix",
            headers: &[],
            body: body.as_bytes(),
            peer_certificate: None,
            received_at: flows.clock.now(),
        };
        receive(&flows, OTHER, &raw).await
    };
    world.one().run(received).await
}

/// Efí signs nothing, and here nobody asks for its certificate: anybody may send many entries in one message,
/// about payments that never were.
#[tokio::test(flavor = "multi_thread")]
async fn what_anybody_may_send_is_kept_once_and_short_and_not_for_long_and_is_no_incident() {
    let setup = Setup { workers: false, accounts: BRAZIL.accounts, ..Setup::default() };
    let world = World::with(setup).await;
    let entry = |e2eid: &str| json!({"endToEndId": e2eid, "txid": format!("forged{e2eid}")});
    let batch = |ids: &[&str]| {
        json!({"pix": ids.iter().map(|id| entry(id)).collect::<Vec<_>>()}).to_string()
    };
    let long = "E".repeat(3_000);
    let (first, second) = (batch(&["E1", "E2", &long]), batch(&["E2", "E3", "E4"]));
    calls(&world, &first).await;
    let kept = "select sum(length(raw))::bigint from inbox";
    assert_eq!(world.number(kept).await, i64::try_from(first.len()).unwrap());
    assert!(world.number("select max(length(event_id))::bigint from inbox").await <= 256);
    calls(&world, &second).await;
    calls(&world, &first).await;
    assert_eq!(world.number("select count(*) from inbox").await, 5);
    let both = i64::try_from(first.len() + second.len()).unwrap();
    assert_eq!(world.number(kept).await, both, "with the first that is new");
    let done = "select count(*) from inbox where state = 'done'";
    let worker = Arc::new(InboxWorker::new(world.one().flows.clone()));
    world.move_on(Duration::from_secs(5)).await;
    let all_done = async || {
        let (worker, now) = (worker.clone(), world.one().flows.clock.now());
        world.one().run(async move { worker.activate(now).await.unwrap() }).await;
        (world.number(done).await == 5).then_some(())
    };
    eventually("nobody is asked about them for long", SOON, all_done).await;
    drop(worker);
    assert_eq!(world.number("select count(*) from service_incident").await, 0);
    let left =
        "select count(*) from inbox where raw = '' and event::text = 'null' and attempt_id is null
                  and 0 < length(event_id) and length(body_sha256) = 32";
    assert_eq!(world.number(left).await, 5, "they were nobody's: nothing but id and hash is kept");
    calls(&world, &first).await;
    assert_eq!(world.number(left).await, 5, "by which a repeat is known");
    assert_eq!(world.number("select count(*) from inbox").await, 5);
    let most = |length: usize| format!("{{\"pix\":[]}}{:1$}", "", length - 10);
    calls(&world, &most(8_192)).await;
    let refused = call(&world, &most(8_193)).await;
    assert!(
        matches!(refused, Err(ReceiveError::Refused(WebhookRefusal::TooLarge))),
        "anybody's message is short: {refused:?}"
    );
    world.close().await;
}

/// Messages that share an event are each kept with one of their own.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_one_moment_that_overlap_are_all_kept() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let message = |body: u8, events: &[&str]| -> Vec<NewEvent> {
        let event = |id: &&str| NewEvent {
            id: InboxId(Uuid::now_v7()),
            psp: OTHER.to_owned(),
            event_id: (*id).to_owned(),
            kind: "pix".to_owned(),
            body_sha256: [body; 32],
            event: "null".to_owned(),
            raw: Arc::from([body].as_slice()),
            spent: Some(Spent { attempt: None, note: None }),
        };
        events.iter().map(event).collect()
    };
    let messages = [message(1, &["a", "b"]), message(2, &["a", "c"]), message(3, &["c", "b"])];
    let mut connection = world.rows.acquire().await.unwrap();
    let new = inbox::store(&mut connection, &messages, world.clock.now()).await.unwrap();
    assert_eq!(new.len(), 3);
    let kept =
        "select string_agg(event_id || encode(raw, 'hex'), ' ' order by event_id) from inbox";
    let kept: String = sqlx::query_scalar(kept).fetch_one(&world.rows).await.unwrap();
    assert_eq!(kept, "a01 b c02", "nothing of the third is new");
    drop(connection);
    world.close().await;
}
