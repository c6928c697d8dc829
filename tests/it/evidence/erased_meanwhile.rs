//! A player is erased while the log is read.

use super::super::harness::{SOON, eventually};
use super::Log;
use super::outside::fill;
use interlock::evidence::checkpoint::Range;
use interlock::store::read_lines;
use sqlx::{Connection, PgConnection};

/// What an erasure leaves of a row beside lanes, and of the salt of what was taken in of it.
const EMPTIED: &str = "update incident_close set note = '(erased)';
                       update witness set salt = null where source = 'incident_close'";

impl Log {
    /// Somebody who keeps a table to themselves.
    async fn keeps(&self, table: &str) -> PgConnection {
        let url = self.world.house.owner_url(&self.world.database);
        let mut keeper = PgConnection::connect(&url).await.unwrap();
        let lock = format!("begin; lock table {table} in access exclusive mode");
        sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut keeper).await.unwrap();
        keeper
    }

    async fn is_waited_for(&self, table: &str) {
        let waiting = format!(
            "select count(*) from pg_locks where relation = '{table}'::regclass and not granted"
        );
        let is_waited_for = || async { (self.world.number(&waiting).await == 1).then_some(()) };
        eventually("the reading waits", SOON, is_waited_for).await;
    }
}

/// The lines of what stands beside lanes that do not fit.
async fn unfit(log: &Log, range: Range) -> usize {
    let lines = read_lines::lines(log.db.pool(), range).await.unwrap();
    lines.iter().flatten().filter(|line| line.contains("does not fit")).count()
}

/// The rows as they are are read first, and then what was taken in of them. The erasure comes between the two.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_between_two_reads_of_the_log_does_not_look_like_tampering() {
    let log = Log::sealed().await;
    fill(&log).await;
    log.seal().await;
    for table in ["incident_close", "witness"] {
        log.owner(&format!("alter table {table} disable trigger user")).await;
    }
    let of = "select slot || ' ' || min(seq) || ' ' || max(seq) from witness group by slot";
    let [of] = &log.world.texts(of).await[..] else { panic!("one slot takes them in") };
    let numbers: Vec<i64> = of.split(' ').map(|it| it.parse().unwrap()).collect();
    let slot = i16::try_from(numbers[0]).unwrap();
    let range = Range { slot, first: numbers[1], last: numbers[2] };
    assert_eq!(unfit(&log, range).await, 0);

    let mut first = log.keeps("decision_read").await;
    let (pool, reading) = (log.db.pool().clone(), range);
    let reading = tokio::spawn(async move { read_lines::lines(&pool, reading).await.unwrap() });
    log.is_waited_for("decision_read").await;
    let mut eraser = log.keeps("erasure").await;
    sqlx::raw_sql("commit").execute(&mut first).await.unwrap();
    log.is_waited_for("erasure").await;
    sqlx::raw_sql(EMPTIED).execute(&mut eraser).await.unwrap();
    sqlx::raw_sql("commit").execute(&mut eraser).await.unwrap();
    let lines = reading.await.unwrap();
    let unfit_then: Vec<_> =
        lines.iter().flatten().filter(|line| line.contains("does not fit")).collect();
    assert!(unfit_then.is_empty(), "{unfit_then:?}");
    // The control: by now it is gone, and since nobody was erased in truth, that is told.
    assert_eq!(unfit(&log, range).await, 1);
    log.leave().await;
}
