//! What a reader sees of a payment is of one moment, whatever is committed while it reads.

use super::harness::{SOON, Setup, World, eur, eventually};
use interlock::domain::AttemptStatus;

/// The reader has the payment's row and waits for the attempts' when both change.
#[tokio::test(flavor = "multi_thread")]
async fn no_reader_sees_a_payment_of_before_beside_attempts_of_after() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    assert_eq!(deposit.attempts[0].status, AttemptStatus::Accepted);
    let mut writer = world.rows.begin().await.unwrap();
    sqlx::query("lock table attempt in access exclusive mode").execute(&mut *writer).await.unwrap();
    let reading = world.payment(deposit.id);
    let changing = async {
        let waits = "select count(*) from pg_locks join pg_database d on d.oid = database
                     where datname = current_database() and relation = 'attempt'::regclass
                       and not granted";
        let waiting = || async { (world.number(waits).await == 1).then_some(()) };
        eventually("the reader waits for attempts", SOON, waiting).await;
        let id = deposit.id.uuid;
        for change in
            ["update payment set status = 'failed'", "update attempt set status = 'declined'"]
        {
            let change = format!("{change} where payment_id = '{id}'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&mut *writer).await.unwrap();
        }
        writer.commit().await.unwrap();
    };
    let (read, ()) = tokio::join!(reading, changing);
    let seen = (read.status.as_str(), read.attempts[0].status);
    assert_eq!(seen, ("action_required", AttemptStatus::Accepted));
    let after = world.payment(deposit.id).await;
    assert_eq!(
        (after.status.as_str(), after.attempts[0].status),
        ("failed", AttemptStatus::Declined)
    );
    world.leave_open();
}
