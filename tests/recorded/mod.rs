//! Drawn decisions in a database of their own, written as a lane writes them: through the store, in
//! batches, under the application's role.

use crate::drawn;
use interlock::book::Record;
use interlock::clock::{Clock, SystemClock};
use interlock::domain::ids::SystemIds;
use interlock::domain::{
    DecisionId, Direction, Ids, OperatorId, PaymentId, PersonId, PlayerId, PlayerKey,
};
use interlock::screening::begin_screening::{Shipped, begin_screening};
use interlock::screening::decision::{About, Decision};
use interlock::screening::{Facts, engine, file};
use interlock::store::write_records::{self, Numbered};
use interlock::store::{Db, migrate, slots};
use sqlx::Connection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const BATCH: usize = 200;
const LEASE: Duration = Duration::from_secs(600);

/// A database with the policies published that decisions are drawn under, and nothing else.
pub async fn open(app: &str, owner: &str) -> Db {
    migrate::migrate(owner, "sandbox").await.expect("the migrations run");
    let db = Db::connect(app, 2).await.expect("the database answers");
    let files = drawn::files();
    let (versions, faults) = file::read_all(&files);
    assert_eq!(faults, []);
    let officers = [PersonId::trusted("person_a"), PersonId::trusted("person_b")];
    let shipped = Shipped {
        versions: &versions,
        files: &files,
        recorded_only: &[],
        officers: Some(&officers),
    };
    let now = SystemClock.now();
    begin_screening(db.pool(), &shipped, &SystemIds, now).await.expect("they are published");
    db
}

fn decided(facts: Facts, policies: &interlock::screening::Policies) -> Decision {
    let screening = engine::screen(policies, &facts);
    let player =
        PlayerKey { operator: OperatorId::trusted("op_demo"), player: PlayerId::trusted("p-1") };
    let payment = facts.checkpoint.direction().map(|direction| match direction {
        Direction::Deposit => PaymentId::deposit(SystemIds.next()),
        Direction::Withdrawal => PaymentId::withdrawal(SystemIds.next()),
    });
    let id = DecisionId(SystemIds.next());
    Decision::new(About { id, payment, player }, facts, screening)
}

/// Draws so many decisions of these markets and records them, and shows each.
pub async fn record(
    db: &Db,
    (count, markets): (u32, &'static [drawn::Market]),
    mut seen: impl FnMut(&Decision),
) {
    let (sender, mut receiver) = mpsc::channel(2 * BATCH);
    let drawing = tokio::task::spawn_blocking(move || {
        let (policies, rates) = (drawn::policies(), drawn::fx());
        drawn::each((count, markets), (&policies, &rates), |facts| {
            sender.blocking_send(decided(facts, &policies)).expect("the recorder goes on");
            Ok(())
        });
    });
    let mut connection = db.pool().acquire().await.expect("a connection");
    let taken = slots::take(&mut connection, "recorder", &[], LEASE).await;
    let mut held = taken.expect("the database answers").expect("a slot is free");
    let mut batch = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut batch, BATCH).await > 0 {
        batch.iter().for_each(&mut seen);
        let now = SystemClock.now();
        let records: Vec<Numbered> = (held.seq + 1..)
            .zip(batch.drain(..))
            .map(|(seq, decision): (i64, Decision)| {
                let mut record = Record::new("drawn", decision.player.clone(), now);
                record.decisions.push(decision);
                Numbered { seq, record: Arc::new(record), event_data: Vec::new() }
            })
            .collect();
        let mut all = connection.begin().await.expect("a transaction");
        write_records::write(&mut all, held, LEASE, &records, now).await.expect("it is written");
        all.commit().await.expect("it is kept");
        held.seq = records.last().map_or(held.seq, |last| last.seq);
    }
    drawing.await.expect("everything was drawn");
}
