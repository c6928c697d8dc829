//! What an instance tells the others of PSPs, and what counts into a day's volumes.

use super::harness::{SOON, Setup, World, eur, eventually, key};
use super::routing::watchful;
use interlock::book::Payment;
use interlock::decide::command::{News, Source};
use interlock::decide::{Answer, Command};
use interlock::domain::{Currency, Direction, Method};
use interlock::flows::Flows;
use interlock::payments::facts::pseudonym;
use interlock::payments::receive_payin::{Received, receive_payin};
use interlock::routing::faults::is_approved;
use interlock::routing::health::{Bucket, Change, Turn};
use interlock::routing::learn::learn;
use interlock::routing::share_health::{Sharing, begin_sharing, share_health};
use interlock::store::health_events::{HealthEvent, publish};
use psp_contract::{NotSent, Outcome, Payin, PayinTarget, Report, Status};
use sqlx::AssertSqlSafe;

const PSP: &str = "trustly-de";

/// One call that met a closed port.
fn call(flows: &Flows) {
    call_of(flows, PSP);
}

fn call_of(flows: &Flows, psp: &str) {
    let bucket = Bucket {
        direction: Direction::Deposit,
        country: "DE".to_owned(),
        method: Method::BankTransfer,
        currency: Currency::EUR,
    };
    let call = flows.health.sent(&bucket, psp, flows.clock.now());
    call.answered(&Outcome::NotSent(NotSent::ConnectRefused), flows.clock.now());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_while_its_answer_was_lost_is_told_once_and_the_rest_goes_on() {
    let world = World::with(Setup { workers: false, ..watchful() }).await;
    let flows = world.one().flows.clone();
    let run = async |sql: &'static str| {
        sqlx::raw_sql(sql).execute(&world.rows).await.unwrap();
    };
    let mut sharing = begin_sharing(&flows).await.unwrap();
    let mut share = async || share_health(&flows, &mut sharing, flows.clock.now()).await;
    call(&flows);
    share().await.unwrap();
    run("revoke insert on psp_health_told from interlock_app").await;
    call(&flows);
    share().await.unwrap_err();
    // It is there all the same, as when only the answer to it was lost.
    run("insert into psp_health_told (stream, number, told)
           select stream, 1, '[]' from psp_health_told;
         grant insert on psp_health_told to interlock_app")
    .await;
    call(&flows);
    share().await.unwrap();
    let told = "select number || ' ' || json_array_length(told) from psp_health_told
                order by number";
    // The third call is what trips it: both are told.
    assert_eq!(world.texts(told).await, ["0 1", "1 0", "2 2"]);
    drop(flows);
    world.close().await;
}

/// Holds a table locked until whoever shares waits to write it, and cuts the look off there, as the worker does.
async fn cut_off_at(world: &World, table: &str, sharing: &mut Sharing) {
    let flows = world.one().flows.clone();
    let mut lock = world.rows.begin().await.unwrap();
    let held = format!("lock table {table} in share mode");
    sqlx::raw_sql(AssertSqlSafe(held)).execute(&mut *lock).await.unwrap();
    let waits = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                 where not l.granted and d.datname = current_database()";
    let is_waiting = eventually("it waits for the table", SOON, async || {
        (world.number(waits).await == 1).then_some(())
    });
    tokio::select! {
        done = share_health(&flows, sharing, flows.clock.now()) => panic!("not cut off: {done:?}"),
        () = is_waiting => {}
    }
    lock.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_look_that_is_cut_off_had_taken_out_is_told_by_the_next() {
    let mut world = World::with(Setup { workers: false, ..watchful() }).await;
    world.start_instance().await;
    let [flows, other] = [0, 1].map(|index| world.instances[index].flows.clone());
    let mut sharing = begin_sharing(&flows).await.unwrap();
    let mut others = begin_sharing(&other).await.unwrap();
    (0..3).for_each(|_| call_of(&other, "truelayer-de"));
    share_health(&other, &mut others, other.clock.now()).await.unwrap();
    (0..3).for_each(|_| call(&flows));
    assert!(flows.health.is_failing(PSP, Direction::Deposit));
    cut_off_at(&world, "psp_health_told", &mut sharing).await;
    assert!(flows.health.is_failing("truelayer-de", Direction::Deposit), "it has heard first");
    share_health(&flows, &mut sharing, flows.clock.now()).await.unwrap();
    let told = "select data->>'change' from outbox_event where kind = 'psp.health_changed'
                and operator_id = 'op_demo' and subject = 'trustly-de'";
    assert_eq!(world.texts(told).await, ["failing"]);
    let failing = "select count(*) from psp_failing where failing and psp = 'trustly-de'";
    assert_eq!(world.number(failing).await, 1);
    flows.volumes.add(PSP, Direction::Deposit, eur(700), flows.clock.now());
    cut_off_at(&world, "psp_day_volume", &mut sharing).await;
    share_health(&flows, &mut sharing, flows.clock.now()).await.unwrap();
    let carried = "select coalesce(sum(minor), 0)::bigint from psp_day_volume";
    assert_eq!(world.number(carried).await, 700);
    drop((flows, other));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_added_to_the_day_while_its_answer_was_lost_is_added_once() {
    let world = World::with(Setup { workers: false, ..watchful() }).await;
    let flows = world.one().flows.clone();
    let run = async |sql: &'static str| {
        sqlx::raw_sql(sql).execute(&world.rows).await.unwrap();
    };
    let carried = "select coalesce(sum(minor), 0)::bigint from psp_day_volume";
    let mut sharing = begin_sharing(&flows).await.unwrap();
    let mut share = async || share_health(&flows, &mut sharing, flows.clock.now()).await;
    let add = |minor| flows.volumes.add(PSP, Direction::Deposit, eur(minor), flows.clock.now());
    // Whose stream it is, is seen by what it told.
    call(&flows);
    share().await.unwrap();
    run("revoke insert on psp_day_volume from interlock_app").await;
    add(700);
    share().await.unwrap_err();
    run("insert into psp_volume_told (stream, number) select stream, 0 from psp_health_told;
         insert into psp_day_volume (day, psp, direction, currency, minor)
           values ((now() at time zone 'utc')::date, 'trustly-de', 'deposit', 'EUR', 700);
         grant insert on psp_day_volume to interlock_app")
    .await;
    share().await.unwrap();
    assert_eq!(world.number(carried).await, 700);
    add(30);
    share().await.unwrap();
    share().await.unwrap();
    assert_eq!(world.number(carried).await, 730, "what came since counts as well");
    drop(flows);
    world.close().await;
}

/// Two operators of an account hear of one change, and a fast machine makes both ids within one millisecond.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_moment_have_each_a_place_of_their_own() {
    let world = World::with(Setup { workers: false, ..watchful() }).await;
    let flows = world.one().flows.clone();
    let (high, low) = flows.ids.next().as_u64_pair();
    let event =
        HealthEvent { subject: PSP.to_owned(), data: "{}".to_owned(), at: flows.clock.now() };
    let told = ["op_demo", "op_other"].map(interlock::domain::OperatorId::trusted);
    let (psp, direction) = (PSP.to_owned(), Direction::Deposit);
    let change = Change::Technical { psp, direction, turn: Turn::Probing };
    let id = |which: u64| uuid::Uuid::from_u64_pair(high, low ^ which);
    let told = [(id(1), &told[0]), (id(2), &told[1])];
    publish(flows.db.pool(), &*flows.ids, (&change, event.at), &told, &event).await.unwrap();
    let events = "select count(*) from outbox_event where kind = 'psp.health_changed'";
    assert_eq!(world.number(events).await, 2);
    drop(flows);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_to_each_operator_once_where_telling_one_of_them_failed() {
    let mut world = World::with(Setup { workers: false, ..watchful() }).await;
    world.start_instance().await;
    let [flows, other] = [0, 1].map(|index| world.instances[index].flows.clone());
    let run = async |sql: &'static str| {
        sqlx::raw_sql(sql).execute(&world.rows).await.unwrap();
    };
    let mut sharing = begin_sharing(&flows).await.unwrap();
    let mut others = begin_sharing(&other).await.unwrap();
    (0..3).for_each(|_| call(&flows));
    run("create function not_now() returns trigger language plpgsql as
           $$ begin raise exception 'not now'; end $$;
         create trigger not_now before insert on outbox_event for each row
           when (new.operator_id = 'op_other') execute function not_now()")
    .await;
    share_health(&flows, &mut sharing, flows.clock.now()).await.unwrap_err();
    // Who cannot tell all of it hears all the same, and is heard as far as it got.
    (0..3).for_each(|_| call_of(&other, "truelayer-de"));
    assert!(!other.health.is_failing(PSP, Direction::Deposit));
    share_health(&other, &mut others, other.clock.now()).await.unwrap_err();
    assert!(other.health.is_failing(PSP, Direction::Deposit));
    run("drop trigger not_now on outbox_event; drop function not_now").await;
    share_health(&flows, &mut sharing, flows.clock.now()).await.unwrap();
    let told = "select operator_id || ' ' || count(*) from outbox_event
                where kind = 'psp.health_changed' and subject = 'trustly-de'
                group by operator_id order by operator_id";
    assert_eq!(world.texts(told).await, ["op_demo 1", "op_other 1"]);
    drop((flows, other));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_is_told_twice_at_once_counts_once() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(1_000)).await;
    // The PSP has the money, as it says twice.
    let attempt = &deposit.attempts[0];
    let movement = world.movement(attempt).await;
    world.mocks.complete_if_open(&attempt.psp, &movement.reference).await;
    let status = Status::Succeeded { money: attempt.asked };
    let report = Report { psp_reference: None, status, payer: None, attempt: None };
    let news = News {
        payment: deposit.id.uuid,
        direction: Direction::Deposit,
        attempt: attempt.id,
        source: Source::Webhook { hint: false },
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    let flows = world.one().flows.clone();
    let hear = async || {
        let (flows, news, player) = (flows.clone(), news.clone(), player.clone());
        let heard = async move {
            let approved = is_approved(&news.outcome);
            let id = news.attempt;
            let answer = flows.lanes.submit(&player, Command::News(Box::new(news))).await;
            let Ok(Answer::Applied { payment, ended, .. }) = answer else {
                panic!("not applied: {answer:?}");
            };
            learn(&flows, &payment, id, approved, ended);
        };
        world.one().run(heard).await;
    };
    tokio::join!(hear(), hear());
    let carried = (PSP.to_owned(), Direction::Deposit, Currency::EUR);
    let carried = flows.volumes.today(flows.clock.now()).get(&carried).copied();
    assert_eq!(carried, Some(1_000));
    drop(flows);
    world.close().await;
}

/// The word for a dispute that was won is the first that is heard of one deposit's success; the other had counted
/// when its money was taken back.
#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_that_was_won_counts_once_whenever_its_success_was_heard() {
    let world = World::with(Setup { workers: false, liars: vec![PSP], ..Setup::default() }).await;
    let player = world.player("DE").await;
    let flows = world.one().flows.clone();
    let hear = async |deposit: &Payment, status: Status| {
        let attempt = deposit.attempts[0].id;
        let outcome =
            Outcome::Reported(Report { psp_reference: None, status, payer: None, attempt: None });
        let approved = is_approved(&outcome);
        let news = News {
            payment: deposit.id.uuid,
            direction: Direction::Deposit,
            attempt,
            source: Source::Webhook { hint: false },
            outcome,
            wires: Vec::new(),
        };
        let (flows, player) = (flows.clone(), player.clone());
        let heard = async move {
            let answer = flows.lanes.submit(&player, Command::News(Box::new(news))).await;
            let Ok(Answer::Applied { payment, ended, .. }) = answer else {
                panic!("not applied: {answer:?}");
            };
            learn(&flows, &payment, attempt, approved, ended);
            payment.status.as_str()
        };
        world.one().run(heard).await
    };
    let carried = || {
        let key = (PSP.to_owned(), Direction::Deposit, Currency::EUR);
        flows.volumes.today(flows.clock.now()).get(&key).copied()
    };
    let deposit = world.deposit(&player, eur(1_000)).await;
    let money = deposit.attempts[0].asked;
    assert_eq!(hear(&deposit, Status::Won { money }).await, "succeeded");
    assert_eq!(carried(), Some(1_000), "its first success");
    let deposit = world.deposit(&player, eur(500)).await;
    let money = deposit.attempts[0].asked;
    for status in [Status::Succeeded { money }, Status::Reversed { money }, Status::Won { money }] {
        hear(&deposit, status).await;
        assert_eq!(carried(), Some(1_500));
    }
    drop(flows);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_arrives_without_a_request_counts_into_the_days_volume() {
    let world = World::with(Setup { liars: vec![PSP], ..Setup::default() }).await;
    let player = world.player("DE").await;
    let payin = Payin {
        target: PayinTarget::PlayerReference(pseudonym(&player).simple().to_string()),
        psp_reference: format!("tx-{}", key()),
        money: eur(2_000),
        asset: None,
        payer: None,
        chain: None,
        confirmed: true,
    };
    let flows = world.one().flows.clone();
    let arrive = async || {
        let (flows, payin) = (flows.clone(), payin.clone());
        world
            .one()
            .run(async move { receive_payin(&flows, PSP, &payin, None).await.unwrap() })
            .await
    };
    let carried = || {
        let key = (PSP.to_owned(), Direction::Deposit, Currency::EUR);
        flows.volumes.today(flows.clock.now()).get(&key).copied()
    };
    assert_eq!(carried(), None);
    assert!(matches!(arrive().await, Received::Booked(_)));
    assert_eq!(carried(), Some(2_000));
    assert!(matches!(arrive().await, Received::Seen));
    assert_eq!(carried(), Some(2_000), "once");
    drop(flows);
    world.close().await;
}
