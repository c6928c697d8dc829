//! The proof of the books finds nothing in what was done, and each thing that must never be, by its own
//! sentence and by no other.

use super::harness::{Setup, World, claim, eur};
use super::proof_moved::PAID;
use super::taken_back::open_return;
use interlock::book::{GameEntry, GameKind, Payment};
use interlock::domain::{AttemptStatus, Exclusion, Player, PlayerKey};
use interlock::players::enter_game::enter_game;
use interlock::store::prove::prove;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;

const CREDITED: &str =
    "every deposit was credited with what it says, and not without it when it succeeded";
const SUSPENDED: &str = "every deposit has as much in suspense as it says";
const HELD: &str =
    "every withdrawal holds in the ledger what its parts hold, and every return in transit";
const MOVED: &str = "what a part held and holds no more was captured or released, once";
const POSTED: &str = "every hold that was used up or given back is posted so by the same record";
const PARTS: &str = "every part is held, paid or given back as its hold and its attempts say";
const OVER: &str = "a withdrawal that is over holds nothing";
const GAMES: &str = "every game entry has its posting, and every posting of a game its entry";
const VOIDS: &str = "every stake that is voided has one void, of what it was";
const COUNTED: &str = "every deposit that was credited counts into what its player moved";
const WHOLE: &str = "an entry has a version, a balance and a head if it is a player's, and none if it is the house's";
const BALANCES: &str = "every entry of a wallet tells the balance that it comes to";
const UNDER_WAY: &str = "no payment is under way for a day without an attempt under way";
const VENDORS: &str =
    "no payment waits for vendors for a day without a question to them that is due";
const ERASED: &str = "nothing of an erasure is left to do after a day";
const OVERDUE: &str = "nothing that moves money is overdue by a day";

/// What is done to the rows, and the sentences that are broken then. Times are of the machine's clock.
const CASES: &[(&str, &[&str])] = &[
    // A win becomes a second credit of the deposit: two postings, each of which balances.
    (
        "update entry set kind = 'deposit_captured', reference = null, payment_id = (
           select payment_id from payment where status = 'succeeded') where reference = 'win';
         delete from game_entry where reference = 'win'",
        &[CREDITED],
    ),
    ("update entry set kind = 'adjustment_credited' where kind = 'deposit_captured'", &[CREDITED]),
    ("update payment set credited_amount = 701 where status = 'succeeded'", &[CREDITED]),
    ("update payment set credited_amount = null where status = 'succeeded'", &[CREDITED]),
    (
        "update payment set suspended_amount = 499 where suspended_amount = 500",
        &[SUSPENDED],
    ),
    (
        "update payment set suspended_amount = null, suspended_currency = null
         where suspended_amount = 500",
        &[SUSPENDED],
    ),
    (
        "update payment set suspended_amount = 1, suspended_currency = 'EUR' where status = 'paid'",
        &[SUSPENDED],
    ),
    ("update payment set suspended_currency = 'SEK' where suspended_amount = 500", &[SUSPENDED]),
    (
        "update entry set payment_id = (select payment_id from payment where suspended_amount = 500)
         where kind = 'return_started'",
        &[HELD],
    ),
    (
        "update entry set payment_id = (select payment_id from payment where status = 'paid')
         where kind = 'withdrawal_held'
           and payment_id = (select payment_id from payment where status = 'processing')",
        &[HELD],
    ),
    ("update hold_move set seq = seq + 1000 where capture", &[
        POSTED,
        "everything that bears a number hangs on a record that its slot has counted",
    ]),
    ("update hold_move set capture = false where capture", &[POSTED, PARTS]),
    (
        "update hold_move set amount = amount - 1 where capture",
        &[MOVED, POSTED],
    ),
    // One that was blocked after it had held, and whose hold has ended nowhere.
    (
        "update payment set status = 'blocked' where status = 'paid'; delete from hold_move",
        &[MOVED, POSTED, PARTS],
    ),
    ("update part set status = 'returned' where status = 'paid'", &[PARTS]),
    ("update part set status = 'released' where status = 'paid'", &[PARTS]),
    (
        "update attempt set status = 'declined'
         where part_id is not null and status = 'succeeded'",
        &[PARTS, PAID],
    ),
    ("update attempt set status = 'succeeded' where status = 'accepted'", &[PARTS, PAID]),
    (
        "update payment set status = 'rejected' where direction = 'withdrawal' and status = 'in_review'",
        &[OVER],
    ),
    ("delete from game_entry where reference = 'kept'", &[GAMES]),
    (
        "insert into game_entry select operator_id, 'never', player_id, kind, amount, currency,
           from_cash, from_bonus, of_reference, voided, created_at
         from game_entry where reference = 'kept'",
        &[GAMES],
    ),
    ("update entry set reference = 'other' where kind = 'stake_voided'", &[GAMES]),
    ("update game_entry set voided = not voided where reference = 'voided'", &[VOIDS]),
    ("update game_entry set voided = not voided where reference = 'kept'", &[VOIDS]),
    ("update game_entry set of_reference = 'nobody' where kind = 'void'", &[VOIDS]),
    ("update limit_use set state = 'released' where state = 'counted' and direction = 'deposit'",
     &[COUNTED]),
    // However old it was when its money came.
    (
        "update limit_use set state = 'released', at = at - interval '3 years'
         where state = 'counted' and direction = 'deposit'",
        &[COUNTED],
    ),
    ("delete from limit_use where direction = 'deposit' and state = 'counted'", &[COUNTED]),
    (
        "update entry set balance_after = balance_after + 1
         where kind = 'stake_placed' and account = 'player_cash' and reference = 'kept'",
        &[BALANCES],
    ),
    (
        "update entry set balance_after = null where account = 'player_cash' and reference = 'kept'",
        &[WHOLE],
    ),
    (
        "update attempt set status = 'declined', due_at = null where status = 'accepted';
         update payment set updated_at = now() - interval '25 hours' where status = 'processing'",
        &[UNDER_WAY],
    ),
    (
        "update payment set status = 'screening', updated_at = now() - interval '25 hours'
         where direction = 'withdrawal' and status = 'in_review'",
        &[VENDORS],
    ),
];

/// What is only broken once it has been so for a day.
const LATE: [&str; 7] = [
    "update attempt set due_at = now() - interval '$AGO' where status = 'accepted'",
    "update payment set status = 'approved', due_at = now() - interval '$AGO'
     where direction = 'withdrawal' and status = 'in_review'",
    "insert into inbox (inbox_id, psp, event_id, kind, body_sha256, event, raw, received_at, state,
       tries, due_at)
     values (gen_random_uuid(), 'trustly-de', 'e', 'k', '', 'null', '', now(), 'new', 0,
       now() - interval '$AGO')",
    // Whoever takes these sets the due time ahead, every time anew.
    A_MESSAGE,
    "insert into vendor_check (payment_id, hook, operator_id, player_id, amount, currency, opened_at,
       deadline_at, due_at)
     select payment_id, 'kyt_withdrawal', operator_id, player_id, 1, 'EUR', now() - interval '$AGO',
       now() - interval '$AGO', now() + interval '1 minute' from payment where status = 'paid'",
    "update payment set updated_at = now() - interval '$AGO' where status = 'succeeded';
     insert into limit_reservation (payment_id, operator_id, player_id, file, amount, currency, state,
       due_at, created_at, changed_at)
     select payment_id, operator_id, player_id, 'f', 1, 'EUR', 'reserved', now() + interval '1 minute',
       updated_at, updated_at from payment where status = 'succeeded'",
    "insert into limit_reservation (payment_id, operator_id, player_id, file, amount, currency, state,
       due_at, created_at, changed_at)
     values (gen_random_uuid(), 'op_demo', 'p', 'f', 1, 'EUR', 'asked', now() + interval '1 minute',
       now() - interval '$AGO', now())",
];

const A_MESSAGE: &str =
    "insert into inbox (inbox_id, psp, event_id, kind, body_sha256, event, raw, received_at, state,
       tries, due_at)
     values (gen_random_uuid(), 'trustly-de', 'e', 'k', '', 'null', '', now() - interval '$AGO', 'new',
       9, now() + interval '1 minute')";
/// People know of it, or have taken it up a moment ago.
const KNOWN: [&str; 2] = ["webhook.waiting", "webhook.taken_up"];
/// It is taken again every two minutes and never done.
const UNDONE: &str =
    "insert into erasure (slot, seq, erasure_id, operator_id, player_id, review_id, basis,
       erased_at)
     select slot, seq, gen_random_uuid(), 'op_demo', 'p', gen_random_uuid(), 'never_moved',
       now() - interval '$AGO' from record limit 1;
     insert into erasure_work (operator_id, player_id, review_id, due_at)
     values ('op_demo', 'p', gen_random_uuid(), now() + interval '1 minute')";

const TABLES: [&str; 13] = [
    "entry",
    "hold_move",
    "payment",
    "part",
    "attempt",
    "game_entry",
    "limit_use",
    "inbox",
    "vendor_check",
    "limit_reservation",
    "erasure",
    "erasure_work",
    "service_incident",
];

pub async fn owner(world: &World, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&world.rows).await.unwrap();
}

/// The sentences that are broken.
pub async fn broken(world: &World) -> BTreeSet<&'static str> {
    let proof = prove(&world.rows).await.unwrap();
    proof.findings.iter().map(|found| found.check).collect()
}

async fn play(world: &World, key: &PlayerKey, kind: GameKind, reference: &str, of: Option<&str>) {
    let entry = GameEntry {
        reference: reference.to_owned(),
        kind,
        money: eur(300),
        from_cash: 0,
        from_bonus: 0,
        of: of.map(str::to_owned),
        voided: false,
        created_at: world.one().flows.clock.now(),
    };
    let (flows, key) = (world.one().flows.clone(), key.clone());
    let claim = claim("wallet-entries", reference);
    let entering = async move { enter_game(&flows, &key, claim, entry).await };
    world.one().run(entering).await.unwrap();
}

async fn deposited(world: &World, minor: i64, excluded: bool) -> Payment {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(minor)).await;
    if excluded {
        let from = time::macros::datetime!(2026-01-01 0:00 UTC);
        let exclusion = Exclusion { source: "register".to_owned(), from, until: None };
        let known = world.read_player(&player).await;
        world.change_player(Player { exclusion: Some(exclusion), ..known }).await;
    }
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, if excluded { "in_review" } else { "succeeded" }).await
}

/// A credited deposit, games, a payout that was paid and one under way, a return of cash that waits for people,
/// and a suspended deposit of which a part is on its way back.
async fn lived() -> World {
    let mut world = World::with(Setup { first: Some("trustly-de"), ..Setup::default() }).await;
    let deposit = deposited(&world, 700, false).await;
    let player = &deposit.player;
    play(&world, player, GameKind::Win, "win", None).await;
    play(&world, player, GameKind::Stake, "voided", None).await;
    play(&world, player, GameKind::Stake, "kept", None).await;
    play(&world, player, GameKind::Void, "void", Some("voided")).await;
    play(&world, player, GameKind::BonusGrant, "grant", None).await;
    let paid = world.withdraw(player, eur(200)).await;
    world.settled(paid.id, "paid").await;
    open_return(&world, &deposit, Some(eur(100))).await;
    let suspended = deposited(&world, 800, true).await;
    open_return(&world, &suspended, Some(eur(300))).await;
    world.agrees_with_mocks().await;
    world.mocks.auto("trustly-de", None, "succeeded").await;
    world.mocks.fault("trustly-de", "query", "http_503", None).await;
    let under_way = world.withdraw(player, eur(250)).await;
    world.attempt_is(under_way.id, 1, AttemptStatus::Accepted).await;
    world.stop(0).await;
    assert_eq!(world.payment(under_way.id).await.status.as_str(), "processing");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_must_never_be_is_found_by_its_own_sentence() {
    let world = lived().await;
    assert_eq!(broken(&world).await, BTreeSet::new());
    for table in TABLES {
        let keep = format!(
            "alter table {table} disable trigger user;
                            create table kept_{table} as table {table}"
        );
        owner(&world, &keep).await;
    }
    let restore = TABLES.map(|table| {
        format!("delete from {table}; insert into {table} select * from kept_{table};")
    });
    let restore = restore.concat();
    let mut wrong = Vec::new();
    for (sql, sentences) in CASES {
        owner(&world, sql).await;
        let (found, expected) = (broken(&world).await, sentences.iter().copied().collect());
        wrong.extend((found != expected).then(|| format!("{sql}: {found:?}")));
        owner(&world, &restore).await;
    }
    for sql in LATE {
        for (ago, expected) in [("23 hours", BTreeSet::new()), ("25 hours", [OVERDUE].into())] {
            owner(&world, &sql.replace("$AGO", ago)).await;
            let found = broken(&world).await;
            wrong.extend((found != expected).then(|| format!("{ago}: {sql}: {found:?}")));
            owner(&world, &restore).await;
        }
    }
    for (ago, expected) in [("23 hours", BTreeSet::new()), ("25 hours", [ERASED].into())] {
        owner(&world, &UNDONE.replace("$AGO", ago)).await;
        let found = broken(&world).await;
        wrong.extend((found != expected).then(|| format!("{ago}: {UNDONE}: {found:?}")));
        owner(&world, &restore).await;
    }
    owner(&world, "alter table service_incident enable trigger service_incident_is_open").await;
    for kind in KNOWN {
        let told = format!(
            "{}; insert into service_incident (incident_id, kind, detail, psp, raised_at)
             values (gen_random_uuid(), '{kind}', 'event e of trustly-de: why', 'trustly-de', now())",
            A_MESSAGE.replace("$AGO", "25 hours")
        );
        owner(&world, &told).await;
        let found = broken(&world).await;
        wrong.extend((!found.is_empty()).then(|| format!("{kind}: {found:?}")));
        let forget = "delete from inbox; delete from service_incident where detail = 'event e of trustly-de: why'";
        owner(&world, forget).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(broken(&world).await, BTreeSet::new());
    world.leave_open();
}
