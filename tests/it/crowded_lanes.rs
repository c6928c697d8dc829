//! Many commands at a lane: a full queue says so, a second lane opens, a player who is locked holds up nobody else.

use super::harness::{Setup, World, key, stretched};
use super::lanes::{insist, let_go, one_lane, stop_the_lane, submit, win};
use interlock::domain::Currency;
use interlock::lane::SubmitError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_so_at_once_and_loses_nothing_that_it_took() {
    let world = one_lane().await;
    let player = world.player("DE").await;
    let lane = stop_the_lane(&world).await;
    let (lanes, of) = (world.one().flows.lanes.clone(), player.clone());
    let flood = world.one().run(async move {
        let all = (0..6_000).map(|_| {
            let (lanes, of) = (lanes.clone(), of.clone());
            async move { lanes.submit(&of, win(&key())).await.map(drop) }
        });
        futures_util::future::join_all(all).await
    });
    let (answers, ()) = tokio::join!(flood, let_go(&world, lane));
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    let full = answers.iter().filter(|answer| **answer == Err(SubmitError::Full)).count();
    // A slow machine's lane sends away some of those that it had taken in.
    let busy = answers.iter().filter(|answer| **answer == Err(SubmitError::Busy)).count();
    assert!(0 < full && 4_000 < taken + busy, "{taken} taken, {busy} busy, {full} turned away");
    assert_eq!(taken + busy + full, answers.len());
    assert_eq!(usize::try_from(world.wallet(&player).await.cash).unwrap(), taken);
    world.close().await;
}

/// A crowd opens the second lane while it plays: from one command to the next a player is on another lane,
/// and the two meet at the player's row.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_opens_under_a_crowd_loses_and_doubles_nothing() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let mut players = Vec::new();
    for _ in 0..40 {
        players.push(world.player("DE").await);
    }
    let slots = "select count(distinct slot) from record where slot >= 0";
    assert_eq!(world.number(slots).await, 1, "a lone command opens no second lane");
    let lane = stop_the_lane(&world).await;
    let playing = async {
        let all = players.iter().map(async |player| {
            for _ in 0..10 {
                let wins = (0..4).map(|_| insist(&world, player, win(&key())));
                let answers = futures_util::future::join_all(wins).await;
                assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            }
        });
        futures_util::future::join_all(all).await;
    };
    tokio::join!(playing, let_go(&world, lane));
    assert_eq!(world.number(slots).await, 2, "the crowd opened it");
    for player in &players {
        assert_eq!(world.wallet(player).await.cash, 40);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_who_is_locked_elsewhere_is_busy_after_two_seconds_and_others_go_on() {
    let world = one_lane().await;
    let (locked, free) = (world.player("DE").await, world.player("DE").await);
    let mut elsewhere = world.rows.begin().await.unwrap();
    sqlx::query("select from player where player_id = $1 for update")
        .bind(locked.player.as_str())
        .execute(&mut *elsewhere)
        .await
        .unwrap();
    let (started, is_told) = (Instant::now(), AtomicBool::new(false));
    let waiting = async {
        let answer = submit(&world, &locked, win(&key())).await;
        is_told.store(true, Ordering::SeqCst);
        (answer, started.elapsed())
    };
    let going_on = async {
        let mut meanwhile = 0;
        while !is_told.load(Ordering::SeqCst) {
            insist(&world, &free, win(&key())).await.unwrap();
            meanwhile += usize::from(!is_told.load(Ordering::SeqCst));
        }
        meanwhile
    };
    let ((answer, waited), meanwhile) = tokio::join!(waiting, going_on);
    assert_eq!(answer, Err(SubmitError::Busy));
    let within = stretched(Duration::from_secs(5));
    assert!(Duration::from_secs(2) <= waited && waited < within, "{waited:?}");
    // The first may have been carried out before the other came.
    assert!(1 < meanwhile, "{meanwhile} were carried out meanwhile");
    elsewhere.rollback().await.unwrap();
    insist(&world, &locked, win(&key())).await.unwrap();
    assert_eq!(world.wallet(&locked).await.cash, 1);
    assert_eq!(world.wallet(&free).await.currency, Currency::EUR);
    world.close().await;
}
