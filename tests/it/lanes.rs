//! The commit lane: what is answered is kept, what is kept is answered, once.

use super::harness::{SOON, Setup, World, claim, eur, eventually, for_a_moment, key, stretched};
use interlock::app::parts::Patience;
use interlock::book::{GameEntry, GameKind};
use interlock::decide::Command;
use interlock::domain::{Money, PlayerKey};
use interlock::lane::SubmitError;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};
use time::macros::datetime;

/// A win of one cent under a key of its own.
pub(super) fn win(reference: &str) -> Command {
    win_of(reference, eur(1))
}

fn win_of(reference: &str, money: Money) -> Command {
    let entry = GameEntry {
        reference: reference.to_owned(),
        kind: GameKind::Win,
        money,
        from_cash: 0,
        from_bonus: 0,
        of: None,
        voided: false,
        created_at: datetime!(2026-01-01 0:00 UTC),
    };
    Command::WalletEntry { claim: claim("wallet-entries", reference), entry }
}

pub(super) async fn submit(
    world: &World,
    player: &PlayerKey,
    command: Command,
) -> Result<(), SubmitError> {
    let (lanes, player) = (world.one().flows.lanes.clone(), player.clone());
    world.one().run(async move { lanes.submit(&player, command).await.map(drop) }).await
}

/// As a client does that is told that its lane is busy: nothing was recorded, and it asks again.
pub(super) async fn insist(
    world: &World,
    player: &PlayerKey,
    command: Command,
) -> Result<(), SubmitError> {
    eventually("a lane has time", SOON, async || {
        let told = submit(world, player, command.clone()).await;
        (told != Err(SubmitError::Busy)).then_some(told)
    })
    .await
}

pub(super) async fn one_lane() -> World {
    World::with(Setup { lanes: 1, workers: false, ..Setup::default() }).await
}

/// Holds the lane's slot, so that its batch cannot be written and everybody else queues.
pub(super) async fn stop_the_lane(world: &World) -> PgConnection {
    let url = world.house.owner_url(&world.database);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("begin; select from lane_slot for update")
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

/// Lets the lane go on once its first batch waits: by then all that was submitted is queued.
pub(super) async fn let_go(world: &World, lane: PgConnection) {
    let url = world.house.superuser_url(&world.database);
    let mut superuser = PgConnection::connect(&url).await.unwrap();
    let waiting = "select count(*) from pg_stat_activity where datname = current_database()
                   and application_name = 'interlock-lane' and wait_event_type = 'Lock'";
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut superuser).await.unwrap() == 0 {
        ticks.tick().await;
    }
    lane.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_applied_once_and_answered() {
    let world = World::with(Setup { proxy: true, ..Setup::default() }).await;
    let proxy = world.proxy.clone().unwrap();
    let player = world.player("DE").await;
    for round in 0..20 {
        if round % 2 == 0 {
            proxy.lose_an_answer()
        } else {
            proxy.lose_a_commit()
        }
        insist(&world, &player, win(&key())).await.unwrap();
    }
    assert_eq!(proxy.lost(), 20, "each round lost something");
    assert_eq!(world.wallet(&player).await.cash, 20);
    world.close().await;
}

/// A disk that stands still holds a COMMIT for longer than its lane waits; then it is carried out.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_lands_after_it_was_given_up_is_answered_as_kept() {
    let mut setup = Setup { proxy: true, lanes: 1, workers: false, ..Setup::default() };
    setup.patience.slot_lease = Duration::from_millis(800);
    let world = World::with(setup).await;
    let proxy = world.proxy.clone().unwrap();
    let player = world.player("DE").await;
    proxy.delay_a_commit();
    let answer = submit(&world, &player, win(&key())).await;
    // On a slow machine the server has ended the session before: then nothing is kept.
    let carried_out = || async { (proxy.lost() == 1).then_some(()) };
    for_a_moment(Duration::from_secs(1), carried_out).await;
    let kept = world.wallet(&player).await.cash == 1;
    assert_eq!(answer.is_ok(), kept, "{answer:?}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_that_are_killed_all_the_time_lose_and_double_nothing() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let url = world.house.superuser_url(&world.database);
    let mut superuser = PgConnection::connect(&url).await.unwrap();
    let killing = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(40));
        let mut killed = 0_i64;
        loop {
            ticks.tick().await;
            killed += sqlx::query_scalar::<_, i64>(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and application_name = 'interlock-lane'",
            )
            .fetch_one(&mut superuser)
            .await
            .unwrap();
            if killed > 60 {
                return;
            }
        }
    };
    let winning = async {
        let mut acked = 0;
        for _ in 0..400 {
            let reference = key();
            insist(&world, &player, win(&reference)).await.unwrap();
            acked += 1;
        }
        acked
    };
    let (acked, ()) = tokio::join!(winning, killing);
    assert_eq!(world.wallet(&player).await.cash, acked);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_whose_slot_was_stolen_cannot_commit_into_it() {
    let world = World::new().await;
    let player = world.player("DE").await;
    submit(&world, &player, win(&key())).await.unwrap();
    let steal = "update lane_slot set fence = fence + 1, holder = 'thief',
                 lease_until = now() + interval '1 hour' where holder = 'instance-1'";
    sqlx::raw_sql(steal).execute(&world.rows).await.unwrap();
    let stolen = "select count(*) from record join lane_slot using (slot) where holder = 'thief'";
    let before = world.number(stolen).await;
    assert!(0 < before);
    for _ in 0..10 {
        insist(&world, &player, win(&key())).await.unwrap();
    }
    assert_eq!(world.number(stolen).await, before, "nothing was written into it");
    assert_eq!(world.wallet(&player).await.cash, 11);
    world.close().await;
}

/// Whoever takes a slot waits for a lock first, with the slots in sight that were there before.
const TAKES_WAIT: &str = "create function take_in_turn() returns trigger language plpgsql as $$
    begin
      if current_query() like '%fence = fence + 1%' then perform pg_advisory_xact_lock(7); end if;
      return null;
    end $$;
    create trigger in_turn before update on lane_slot
    for each statement execute function take_in_turn();";

/// As after a stop of the whole instance for longer than its leases: others have its slots, and both of its
/// lanes take another at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn two_lanes_that_lose_their_slots_together_take_two_others() {
    let (default, slot_lease) = (Setup::default(), Duration::from_millis(1_500));
    let patience = Patience { slot_lease, ..default.patience };
    let setup = Setup { workers: false, patience, sabotage: Some(TAKES_WAIT), ..default };
    let world = World::with(setup).await;
    let player = world.player("DE").await;
    let own = "select count(*) from lane_slot where holder = 'instance-1'";
    assert_eq!(world.number(own).await, 2);
    let mut gate = world.rows.acquire().await.unwrap();
    sqlx::query("select pg_advisory_lock(7)").execute(&mut *gate).await.unwrap();
    let steal = "update lane_slot set fence = 1 + fence, holder = 'thief',
                 lease_until = now() + interval '1 hour' where holder = 'instance-1'";
    sqlx::raw_sql(steal).execute(&world.rows).await.unwrap();
    let fences = "select sum(fence)::bigint from lane_slot";
    let stolen = world.number(fences).await;
    let taking = "select count(*) from pg_locks l join pg_stat_activity a using (pid)
                  where a.datname = current_database() and l.locktype = 'advisory' and not l.granted";
    eventually("a lane takes a slot", SOON, async || {
        (0 < world.number(taking).await).then_some(())
    })
    .await;
    // The other would do so as well, within a third of its lease. After 5 s the server gives up the first.
    let both = async || (world.number(taking).await == 2).then_some(());
    for_a_moment(Duration::from_secs(2), both).await;
    sqlx::query("select pg_advisory_unlock(7)").execute(&mut *gate).await.unwrap();
    drop(gate);
    eventually("each lane has a slot of its own", SOON, async || {
        (world.number(own).await == 2).then_some(())
    })
    .await;
    assert_eq!(world.number(fences).await, stolen + 2, "neither took what the other had");
    for _ in 0..10 {
        insist(&world, &player, win(&key())).await.unwrap();
    }
    assert_eq!(world.number(fences).await, stolen + 2, "nobody takes a slot any more");
    assert_eq!(world.wallet(&player).await.cash, 10);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_be_written_fails_alone() {
    let poison = "create function refuse_poison() returns trigger language plpgsql as $$
        begin if new.reference = 'poison' then raise exception 'poisoned'; end if; return new; end $$;
        create trigger poison before insert on game_entry
        for each row execute function refuse_poison();";
    let setup = Setup { lanes: 1, workers: false, sabotage: Some(poison), ..Setup::default() };
    let world = World::with(setup).await;
    let players = [world.player("DE").await, world.player("DE").await];
    let lane = stop_the_lane(&world).await;
    let all = (0..40).map(|n| {
        let reference = if n == 20 { "poison".to_owned() } else { key() };
        insist(&world, &players[n % 2], win(&reference))
    });
    let all = futures_util::future::join_all(all);
    let (answers, ()) = tokio::join!(all, let_go(&world, lane));
    let failed: Vec<_> = answers.iter().enumerate().filter(|(_, it)| it.is_err()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(matches!(failed[0], (20, Err(SubmitError::Failed))), "{failed:?}");
    let cash = world.wallet(&players[0]).await.cash + world.wallet(&players[1]).await.cash;
    assert_eq!(cash, 39);
    world.close().await;
}

/// A transaction elsewhere has booked the reference and does not end: whoever books it too waits for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_too_slow_is_sent_away_and_its_neighbours_are_carried_out() {
    let world = one_lane().await;
    let players = [world.player("DE").await, world.player("DE").await];
    let mut elsewhere = world.rows.begin().await.unwrap();
    sqlx::query(
        "insert into game_entry (operator_id, reference, player_id, kind, amount, currency, from_cash,
           from_bonus, voided, created_at)
         values ($1, 'slow', 'p', 'win', 1, 'EUR', 0, 0, false, now())",
    )
    .bind(players[0].operator.as_str())
    .execute(&mut *elsewhere)
    .await
    .unwrap();
    let (mut carried_out, mut rounds) = (0, 0);
    loop {
        let lane = stop_the_lane(&world).await;
        let started = Instant::now();
        let all = (0..6).map(|n| {
            let reference = if n == 1 { "slow".to_owned() } else { key() };
            submit(&world, &players[n % 2], win(&reference))
        });
        let all = futures_util::future::join_all(all);
        let (mut answers, ()) = tokio::join!(all, let_go(&world, lane));
        let took = started.elapsed();
        assert_eq!(answers.remove(1), Err(SubmitError::Busy));
        let refused: Vec<_> = answers.iter().filter_map(|it| it.as_ref().err()).collect();
        carried_out += i64::try_from(answers.len() - refused.len()).unwrap();
        // The batch's time, and a try of its own.
        let in_time = took < stretched(Duration::from_secs(10));
        if refused.is_empty() && in_time {
            break;
        }
        // A lane that comes on too slowly sends away whoever is left behind a slow one.
        assert!(refused.iter().all(|it| **it == SubmitError::Busy), "{refused:?}");
        rounds += 1;
        assert!(rounds < 20, "its neighbours are never carried out: {took:?}, {refused:?}");
    }
    elsewhere.rollback().await.unwrap();
    insist(&world, &players[0], win("slow")).await.unwrap();
    let cash = world.wallet(&players[0]).await.cash + world.wallet(&players[1]).await.cash;
    assert_eq!(cash, carried_out + 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_too_slow_for_everybody_holds_nobody_for_long() {
    let world = one_lane().await;
    let player = world.player("DE").await;
    let slow = stop_the_lane(&world).await;
    let started = Instant::now();
    let all = (0..60).map(|_| submit(&world, &player, win(&key())));
    let answers = futures_util::future::join_all(all).await;
    let took = started.elapsed();
    assert!(answers.iter().all(|answer| *answer == Err(SubmitError::Busy)), "{answers:?}");
    assert!(took < stretched(Duration::from_secs(30)), "{took:?}");
    slow.close().await.unwrap();
    insist(&world, &player, win(&key())).await.unwrap();
    assert_eq!(world.wallet(&player).await.cash, 1);
    world.close().await;
}

/// No caller can ask for such amounts; the rows in which the house's sums stand are shared by all operators.
#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_cannot_be_counted_is_refused_and_its_neighbours_are_booked() {
    let world = one_lane().await;
    let players = [world.player("DE").await, world.player("DE").await];
    let lane = stop_the_lane(&world).await;
    let all = (0..9).map(|n| {
        let minor = if 3 < n && n < 6 { 6_000_000_000_000_000_000 } else { 1 };
        insist(&world, &players[n % 2], win_of(&key(), eur(minor)))
    });
    let all = futures_util::future::join_all(all);
    let (answers, ()) = tokio::join!(all, let_go(&world, lane));
    let refused: Vec<_> = answers.iter().enumerate().filter(|(_, it)| it.is_err()).collect();
    // Whichever of the two comes second.
    assert!(matches!(refused[..], [(4 | 5, Err(SubmitError::Failed))]), "{refused:?}");
    insist(&world, &players[1], win(&key())).await.unwrap();
    let house =
        "select abs(sum(balance))::bigint from house_balance where account = 'gaming_revenue'";
    assert_eq!(world.number(house).await, 6_000_000_000_000_000_008);
    world.close().await;
}
