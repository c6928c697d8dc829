//! Personal data goes, and nothing breaks: a mark is written through every door, erased, and looked for in
//! every row of every table.

use super::super::cases::{approve, decide, open, proposal};
use super::super::harness::{
    SOON, World, deposit_order, eur, eventually, key, person, withdrawal_order,
};
use super::{Log, sound};
use interlock::book::{Adjustment, CasePayload, PlayerFields, Review};
use interlock::clock::Clock;
use interlock::decide::Refusal;
use interlock::domain::{Player, PlayerKey, PlayerStatus};
use interlock::lane::SubmitError;
use interlock::players::put_player::put_player;
use interlock::reviews::decide_case::{CaseDecision, CaseError};
use interlock::reviews::open_case::{CaseOrder, OpenError, open_case};
use interlock::screening::replay::{Question, replay};
use interlock::store::erase::Step;
use interlock::store::erasures::Due;
use interlock::store::read_history::{self, Span};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::time::Duration;

/// Nothing else says this.
const MARK: &str = "Quastenflosser";
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// The tables that hold the mark, or the IBAN that money was sent to, whatever the column: texts, JSON, bytes.
async fn holders(rows: &mut PgConnection) -> BTreeSet<String> {
    let tables = "select relname::text from pg_class where relkind = 'r'
                    and relnamespace = 'public'::regnamespace order by 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *rows).await.unwrap();
    assert!(tables.len() > 50, "{tables:?}");
    let mut found = BTreeSet::new();
    for table in tables {
        let says = |word: &str| {
            let bytes: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
            format!("t::text like '%{word}%' or t::text like '%{bytes}%'")
        };
        let (mark, iban) = (says(MARK), says("DE89370400440532013000"));
        let sql = format!("select exists (select 1 from {table} t where {mark} or {iban})");
        let holds: bool =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *rows).await.unwrap();
        if holds {
            found.insert(table);
        }
    }
    found
}

/// A player whose mark went through every door, at rest: the wallet is empty and nothing is open.
async fn marked(world: &World) -> PlayerKey {
    let player = world.player("DE").await;
    let mut record = world.read_player(&player).await;
    record.full_name = format!("Erika Mustermann {MARK}");
    record.given_name = Some(format!("Erika {MARK}"));
    record.email = Some(format!("{MARK}@example.test"));
    record.address = Some(format!("{MARK} 1"));
    world.change_player(record).await;
    let mut order = deposit_order(&player, eur(5_000));
    order.metadata = format!("{{\"note\":\"{MARK}\"}}");
    order.return_url = format!("https://casino.example/{MARK}");
    let deposit = world.one().deposit(order).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let withdrawal = world.one().withdraw(withdrawal_order(&player, eur(5_000))).await;
    world.settled(withdrawal.id, "paid").await;
    people_speak(world, &player).await;
    outsiders_speak(world, &player).await;
    world.agrees_with_mocks().await;
    player
}

/// Cases of which nothing is left open, and a note about an incident.
async fn people_speak(world: &World, player: &PlayerKey) {
    let fields = PlayerFields { national_id: Some(MARK.to_owned()), ..PlayerFields::default() };
    let case = open(world, player, CasePayload::PlayerFields(fields), "ann").await;
    approve(world, &case, "bob").await.unwrap();
    let credit = CasePayload::Adjustment { entry: Adjustment::Credit, money: eur(1) };
    let case = open(world, player, credit, "ann").await;
    let act = CaseDecision::Refuse { note: format!("{MARK} never played") };
    decide(world, &case, act, "bob").await.unwrap();
    let note = format!("{MARK} again");
    let act = proposal("reject", &note, None);
    let case = decide(world, &case, act, "ann").await.unwrap();
    approve(world, &case, "bob").await.unwrap();
}

/// What PSPs, vendors, markets' files and casinos say comes in other worlds of other tests: here it is put
/// where their doors put it.
async fn outsiders_speak(world: &World, player: &PlayerKey) {
    let (operator, id) = (player.operator.as_str(), player.player.as_str());
    let payment = format!(
        "(select payment_id from payment where player_id = '{id}' and direction = 'deposit' limit 1)"
    );
    let sql = format!(
        "insert into vendor_raw (sha256, body, kept_at) values (sha256('{MARK}'), '{MARK}', now());
         insert into vendor_result (vendor_result_id, payment_id, operator_id, player_id, hook, vendor,
             request_id, state, signals, version, raw_sha256, asked_at, received_at)
           values (gen_random_uuid(), {payment}, '{operator}', '{id}', 'names', 'v', 'r', 'pending',
             '[\"{MARK}\"]', '1', sha256('{MARK}'), now(), now());
         insert into vendor_check (payment_id, hook, operator_id, player_id, address, places, amount,
             currency, opened_at, deadline_at, closed_at)
           values ({payment}, 'kyt', '{operator}', '{id}', '{MARK}', '[\"{MARK}\"]', 1, 'EUR', now(),
             now(), now());
         delete from limit_reservation where player_id = '{id}';
         insert into limit_reservation (payment_id, operator_id, player_id, file, amount, currency, state,
             reference, created_at, changed_at)
           values ({payment}, '{operator}', '{id}', 'f', 1, 'EUR', 'committed', '{MARK}', now(), now());
         insert into identity_taken values ('{operator}', '{id}', gen_random_uuid(), 'v', 'final', '{MARK}',
           now(), now());
         update limit_use set instrument = substring('{MARK}{MARK}'::bytea from 1 for 16)
           where player_id = '{id}';
         update inbox set raw = '' where attempt_id in (
           select attempt_id from attempt where payment_id = {payment});
         insert into inbox (inbox_id, psp, event_id, kind, body_sha256, event, raw, received_at, state,
             tries, attempt_id)
           select gen_random_uuid(), others.psp, event_id || others.suffix,
             kind, others.sha || body_sha256, '{{}}', '{MARK}', received_at, 'done', 0, others.attempt
           from inbox own cross join lateral (values
             (own.psp, '-of-another', ''::bytea, null::uuid),
             (own.psp, '-alone', 'alone', own.attempt_id),
             ('another-account', '', '', null)) as others (psp, suffix, sha, attempt)
           where attempt_id in (select attempt_id from attempt where payment_id = {payment});
         update payment set source = '{{\"portable\":null,\"tokens\":{{}},\"holder_name\":\"{MARK}\",
           \"masked\":\"\",\"source_deposit\":null}}' where payment_id = {payment};
         insert into incident (incident_id, slot, seq, operator_id, player_id, kind, detail, raised_at)
           select gen_random_uuid(), slot, seq, operator_id, player_id, 'x', 'y', now() from record
           where player_id = '{id}' order by recorded_at desc limit 1;
         insert into incident_close (incident_id, closed_by, note, closed_at)
           select incident_id, 'ann', '{MARK}', now() from incident where player_id = '{id}';
         insert into webhook_endpoint (endpoint_id, operator_id, url, events, status, created_at,
             created_by_key)
           values (gen_random_uuid(), '{operator}', 'https://casino.example', '{{*}}', 'active', now(), 'k');
         insert into webhook_delivery (delivery_id, endpoint_id, event_id, payment_id, payment_sequence,
             origin, status, due_at, created_at)
           select gen_random_uuid(), endpoint_id, event_id, {payment}, 1, 'redelivery', 'failed', now(),
             now() from webhook_endpoint, outbox_event
           where outbox_event.payment_id = {payment} and payment_sequence = 1;
         insert into webhook_delivery_try (delivery_id, claim, tried_at, duration_ms, http_status, excerpt)
           select delivery_id, gen_random_uuid(), now(), 1, 500, '{MARK}' from webhook_delivery
           where payment_id = {payment} and origin = 'redelivery' and status = 'failed'"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&world.rows).await.unwrap();
}

async fn close_account(world: &World, player: &PlayerKey) {
    let mut record = world.read_player(player).await;
    record.status = PlayerStatus::Closed;
    world.change_player(record).await;
}

async fn propose(world: &World, player: &PlayerKey) -> Result<(), OpenError> {
    let order = CaseOrder {
        operator: player.operator.clone(),
        player: player.player.clone(),
        payload: CasePayload::Erasure,
        note: "the time is over".to_owned(),
        priority: 2,
        person: person("ann"),
    };
    let flows = world.one().flows.clone();
    let key = key();
    world.one().run(async move { open_case(&flows, order, &key, [7; 32]).await.map(drop) }).await
}

fn refusal(told: Result<Review, CaseError>) -> Refusal {
    match told.unwrap_err() {
        CaseError::Refused(refusal) | CaseError::Submit(SubmitError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_an_erasure_is_what_makes_a_mark_go_from_its_table() {
    let world = World::new().await;
    let player = marked(&world).await;
    let due = Due { player: player.clone(), review: uuid::Uuid::nil() };
    let mut rows = PgConnection::connect(&world.house.owner_url(&world.database)).await.unwrap();
    let mut tx = rows.begin().await.unwrap();
    let (operator, id) = (player.operator.as_str(), player.player.as_str());
    // As the lane leaves it.
    let decided = format!(
        "update lane_slot set seq = seq + 1 where is_register;
         insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
           select slot, seq, 'decide_case', '{operator}', '{id}', now() from lane_slot where is_register;
         insert into erasure
           select slot, seq, gen_random_uuid(), '{operator}', '{id}', gen_random_uuid(), 'never_moved',
             null, now() from lane_slot where is_register;
         update player set version = version + 1, full_name = '', given_name = null, email = null,
           address = null, national_id = null, status = 'erased' where player_id = '{id}'"
    );
    // Nothing of a player who was not erased can be taken out, by whoever owns the database even.
    let mut early = tx.begin().await.unwrap();
    let refused = Step::PlayerVersions.run(&mut early, &due).await.unwrap_err();
    assert!(format!("{refused:?}").contains("nobody was erased"), "{refused:?}");
    early.rollback().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(decided)).execute(&mut *tx).await.unwrap();

    // These take out what no mark can be written into: hashes, salts, that something is due.
    let without = [Step::CaseKeys, Step::NamesDue, Step::Sessions, Step::Salts];
    for step in Step::ALL.into_iter().filter(|step| !without.contains(step)) {
        let table = step.told().0.to_owned();
        assert!(holders(&mut tx).await.contains(&table), "{step:?}: no mark went into {table}");
        let emptied = step.run(&mut tx, &due).await.unwrap();
        assert!(emptied > 0, "{step:?}");
        assert!(!holders(&mut tx).await.contains(&table), "{step:?}: a mark is left in {table}");
    }
    assert_eq!(holders(&mut tx).await, BTreeSet::new(), "nothing else holds it");
    tx.rollback().await.unwrap();
    rows.close().await.unwrap();
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_player_is_nobody_and_the_log_and_the_books_and_the_decisions_hold() {
    let log = Log::new().await;
    let world = &log.world;
    let player = marked(world).await;
    let other = world.rich_player("DE", 1_000).await;
    // An attempt that is over may still be looked at once: years later that would be news of its payment.
    let due = "select count(*) from attempt where due_at is not null";
    let nothing_due = || async { (world.number(due).await == 0).then_some(()) };
    world.later("no attempt is looked at any more", YEAR / 8_000, nothing_due).await;
    log.seal().await;
    let open_account = propose(world, &player).await.unwrap_err().to_string();
    assert!(open_account.contains("cannot begin"), "{open_account}");
    close_account(world, &player).await;
    let OpenError::Refused(Refusal::ErasureRefused(why)) =
        propose(world, &player).await.unwrap_err()
    else {
        panic!("its years are not over")
    };
    let unsettled =
        "select p.direction || ' ' || p.status || ' ' || coalesce(p.due_at::text, '-') || ' '
                  || a.status || ' ' || coalesce(a.due_at::text, '-')
                from payment p join attempt a using (payment_id)";
    let unsettled = world.texts(unsettled).await;
    assert!(why.starts_with("it is to be kept until 203"), "{why}: {unsettled:?}");
    world.clock.advance(6 * YEAR + YEAR);
    let case = open(world, &player, CasePayload::Erasure, "ann").await;
    assert_eq!(refusal(approve(world, &case, "ann").await), Refusal::SamePerson);
    approve(world, &case, "bob").await.unwrap();
    let done = || async {
        let sql = "select count(*) from erasure_work where done_at is not null and emptied > 10";
        (world.number(sql).await == 1).then_some(())
    };
    eventually("the worker takes out the rest", SOON, done).await;

    let mut rows = PgConnection::connect(&world.house.owner_url(&world.database)).await.unwrap();
    assert_eq!(holders(&mut rows).await, BTreeSet::new());
    rows.close().await.unwrap();
    let record = world.read_player(&player).await;
    assert_eq!((record.status, record.full_name.as_str()), (PlayerStatus::Erased, ""));
    assert_eq!(world.read_player(&other).await.full_name, "Erika Mustermann");
    let why = "select basis from erasure where retained_until is not null";
    assert_eq!(world.texts(why).await, ["retention_over"]);

    // The id stays taken by what was booked under it.
    let mut back = record.clone();
    back.full_name = "Erika Mustermann".to_owned();
    back.status = PlayerStatus::Active;
    let flows = world.one().flows.clone();
    let put = world.one().run(async move { put_player(&flows, back).await }).await;
    assert!(matches!(put, Err(SubmitError::Refused(Refusal::PlayerErased))), "{put:?}");
    let again = propose(world, &player).await.unwrap_err();
    assert!(matches!(again, OpenError::Refused(Refusal::PlayerErased)), "{again}");

    // Everything that was sealed before it, and the act itself, verifies; what was decided comes out again.
    log.seal().await;
    sound(&log.verified_with_folder().await);
    let flows = world.one().flows.clone();
    let proof = async move { interlock::evidence::prove_books::prove_books(&flows).await.unwrap() };
    assert!(world.one().run(proof).await.findings.is_empty());
    let span = Span { limit: 1_000, ..Span::default() };
    let decisions = read_history::decisions(&world.rows, &span).await.unwrap();
    let of_player: Vec<_> = decisions.iter().filter(|it| it.player == player).collect();
    assert!(of_player.len() >= 3, "{}", of_player.len());
    for decision in of_player {
        let policies = world.one().flows.policies.current();
        let again = replay(&world.rows, &policies, decision, &Question::default()).await.unwrap();
        assert!(again.is_identical(), "{again:?}");
    }
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_never_was_is_named() {
    let log = Log::sealed().await;
    sound(&log.verified().await);
    let player = "(select player_id from player_version order by slot, seq limit 1)";
    // The guards are taken away, and everything personal of somebody with them.
    for table in ["player_version", "outbox_event"] {
        log.owner(&format!("alter table {table} disable trigger user")).await;
    }
    log.owner(&format!(
        "update player_version set body = 'null', salt = null where player_id = {player}"
    ))
    .await;
    let bad = log.verified().await;
    assert!(super::named(&bad).1.contains("was edited"), "{bad:?}");
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_erased_while_money_is_open_or_something_stands_against_it() {
    let world = World::new().await;
    let rich = world.rich_player("DE", 1_000).await;
    close_account(&world, &rich).await;
    let told = |told: Result<(), OpenError>| match told.unwrap_err() {
        OpenError::Refused(Refusal::ErasureRefused(why)) => why,
        other => panic!("{other}"),
    };
    assert!(told(propose(&world, &rich).await).contains("wallet"));
    // Money of a deposit that is over waits in suspense: whom it is to go back to must be known.
    let frozen = world.player("DE").await;
    let record = world.read_player(&frozen).await;
    world.change_player(Player { status: PlayerStatus::Frozen, ..record }).await;
    let deposit = world.one().deposit(deposit_order(&frozen, eur(700))).await;
    assert_eq!(deposit.status.as_str(), "blocked");
    for (amount, expected) in
        [("700, suspended_currency = 'EUR'", "not over"), ("null", "not closed")]
    {
        let of = deposit.id.uuid;
        let sql =
            format!("update payment set suspended_amount = {amount} where payment_id = '{of}'");
        let sql = sql.replace("= null", "= null, suspended_currency = null");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&world.rows).await.unwrap();
        assert!(told(propose(&world, &frozen).await).contains(expected), "{expected}");
    }
    // Who never moved money may go at once; and money that comes before the approval stops it.
    let fresh = world.player("DE").await;
    let case = open(&world, &fresh, CasePayload::Erasure, "ann").await;
    world.win(&fresh, interlock::domain::Currency::EUR, 5).await;
    let refused = refusal(approve(&world, &case, "bob").await);
    assert!(matches!(refused, Refusal::ErasureRefused(_)), "{refused:?}");
    assert_eq!(world.number("select count(*) from erasure").await, 0);
    assert_eq!(world.read_player(&fresh).await.full_name, "Erika Mustermann");
    let third = world.player("DE").await;
    let case = open(&world, &third, CasePayload::Erasure, "ann").await;
    approve(&world, &case, "bob").await.unwrap();
    assert_eq!(world.texts("select basis from erasure").await, ["never_moved"]);
    assert!(world.clock.now() > world.read_player(&third).await.created_at);
    world.close().await;
}
