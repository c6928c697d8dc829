//! A desk whose batch fails asks each question alone: one that the database cannot stand costs its neighbours
//! nothing, and where all of them are so, whoever comes next does not wait for each.

use super::harness::World;
use futures_util::future::join_all;
use interlock::lane::desk::{Clerk, Desk, DeskError};
use interlock::store::StoreError;
use interlock::store::db::LaneConnection;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Refuses what comes together with an odd number, and that number alone as well.
struct Refuses;

impl Clerk for Refuses {
    type Question = usize;
    type Answer = usize;

    async fn answer(
        &self,
        _: &mut LaneConnection,
        questions: &[usize],
    ) -> Result<Vec<usize>, StoreError> {
        match questions.iter().any(|number| number % 2 == 1) {
            true => Err(StoreError::Corrupt("odd".to_owned())),
            false => Ok(questions.to_vec()),
        }
    }
}

/// Refuses what comes together at once, and each alone after three seconds.
struct Slow(Arc<AtomicUsize>);

impl Clerk for Slow {
    type Question = ();
    type Answer = ();

    async fn answer(
        &self,
        _: &mut LaneConnection,
        questions: &[()],
    ) -> Result<Vec<()>, StoreError> {
        if questions.len() == 1 {
            self.0.fetch_add(1, Ordering::Relaxed);
            let _ = timeout(Duration::from_secs(3), pending::<()>()).await;
        }
        Err(StoreError::Corrupt("too much".to_owned()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_too_much_costs_its_neighbours_nothing() {
    let (world, tasks) = (World::new().await, TaskTracker::new());
    let desk = Desk::start(Refuses, world.one().flows.db.clone(), &tasks);
    let asked = (0..40).map(|number| desk.ask(number));
    let answers = join_all(asked).await;
    for (number, answer) in answers.into_iter().enumerate() {
        let expected = if number % 2 == 1 { Err(DeskError::Failed) } else { Ok(number) };
        assert_eq!(answer, expected);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_each_is_too_much_most_are_told_so_without_being_asked() {
    let (world, tasks) = (World::new().await, TaskTracker::new());
    let alone = Arc::new(AtomicUsize::new(0));
    let desk = Desk::start(Slow(alone.clone()), world.one().flows.db.clone(), &tasks);
    let answers = join_all((0..30).map(|_| desk.ask(()))).await;
    assert_eq!(answers, [Err(DeskError::Failed); 30]);
    // The very first may have been a batch by itself; in ten seconds there is room for four more.
    let alone = alone.load(Ordering::Relaxed);
    assert!((1..=5).contains(&alone), "{alone} were asked alone");
    world.close().await;
}
