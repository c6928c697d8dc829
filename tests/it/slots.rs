//! Whether a batch was kept is known also when another instance has its slot by now.

use super::harness::{Setup, World, eur};
use interlock::book::Record;
use interlock::domain::{PaymentId, PlayerKey, Timestamp};
use interlock::store::slots::{HeldSlot, Mark, was_kept};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_kept_is_known_by_its_first_record_whoever_has_the_slot() {
    let world = World::with(Setup { workers: false, lanes: 1, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let newest = "select slot, seq, kind, payment_id, recorded_at from record
                  where payment_id = $1 order by seq desc limit 1";
    let (slot, seq, kind, payment, at): (i16, i64, String, Uuid, Timestamp) =
        sqlx::query_as(newest).bind(deposit.id.uuid).fetch_one(&world.rows).await.unwrap();
    let (fence, to_seq): (i64, i64) =
        sqlx::query_as("select fence, seq from lane_slot where slot = $1")
            .bind(slot)
            .fetch_one(&world.rows)
            .await
            .unwrap();
    assert_eq!(seq, to_seq, "nothing came after it");
    let mut record = Record::new(kind.leak(), player.clone(), at);
    record.payment = Some(PaymentId::deposit(payment));
    let mark = Mark::of(&record, at);
    let asking = async |fence: i64, mark: Mark| {
        let pool = world.one().flows.db.pool().clone();
        let held = HeldSlot { slot, fence, seq: seq - 1 };
        let asking = async move {
            let mut connection = pool.acquire().await.unwrap();
            was_kept(&mut connection, held, seq, Some(&mark)).await.unwrap()
        };
        world.one().run(asking).await
    };
    assert!(asking(fence, mark.clone()).await);
    assert!(asking(fence - 1, mark).await, "the slot is another's by now");
    // What somebody else wrote under this number is not ours.
    let later = at + time::Duration::MICROSECOND;
    assert!(!asking(fence - 1, Mark::of(&record, later)).await);
    record.player = PlayerKey { player: world.player("DE").await.player, ..player };
    assert!(!asking(fence - 1, Mark::of(&record, at)).await);
    world.close().await;
}
