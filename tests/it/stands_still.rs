//! An instance that stands still inside a transaction keeps nobody else waiting.

use super::harness::{SOON, World, eventually};
use interlock::store::StoreError;

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_left_open_ends_by_itself_and_lets_its_locks_go() {
    let world = World::new().await;
    let db = &world.one().flows.db;
    let mut left = db.pool().begin().await.unwrap();
    let lock = "select from lane_slot where is_register for update";
    sqlx::query(lock).execute(&mut *left).await.unwrap();
    let locked = async || {
        let lock = "select from lane_slot where is_register for update nowait";
        sqlx::query(lock).execute(&world.rows).await.is_err()
    };
    assert!(locked().await, "nobody else gets at the log's own slot");
    let free = async || (!locked().await).then_some(());
    eventually("the server has ended it", SOON, free).await;
    let gone = sqlx::query("select").execute(&mut *left).await.unwrap_err();
    let gone = StoreError::from(gone);
    assert!(matches!(gone, StoreError::Unavailable(_)) && gone.passes(), "{gone:?}");
    drop(left);
    // A lane holds the rows of players: it has less time.
    let mut lane = db.lane_connection().await.unwrap();
    let shown = sqlx::query_scalar::<_, String>("show idle_in_transaction_session_timeout");
    assert_eq!(shown.fetch_one(&mut lane).await.unwrap(), "5s");
    drop(lane);
    world.close().await;
}
