//! The worker that seals: what it finds, and what it tells people and monitors when it cannot go on.

use super::Log;
use interlock::clock::Clock;
use interlock::domain::ids::SystemIds;
use interlock::store::prove::prove;
use interlock::store::witness::{Look, take_in};
use interlock::workers::checkpoints::CheckpointWorker;
use interlock::workers::driver::Worker;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

const BREAK: &str = "alter table evidence_checkpoint disable trigger user;
    create table kept as table evidence_checkpoint;
    update evidence_checkpoint set frontier = set_byte(frontier, 0, get_byte(frontier, 0) # 1)";
const MEND: &str = "delete from evidence_checkpoint;
    insert into evidence_checkpoint select * from kept; drop table kept";

impl Log {
    /// The worker that seals this log, with its key.
    async fn worker(&mut self) -> CheckpointWorker {
        let other = super::sealing().await;
        let sealing = std::mem::replace(&mut self.sealing, other);
        CheckpointWorker::new(self.db.pool().clone(), Arc::new(SystemIds), sealing)
    }

    async fn told(&self) -> Vec<String> {
        let sql = "select detail from service_incident where kind = 'evidence.broken'
                   order by raised_at, incident_id";
        self.world.texts(sql).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_of_each_fault_once_and_again_when_it_comes_back() {
    let mut log = Log::sealed().await;
    let worker = log.worker().await;
    let look = || worker.activate(log.world.clock.now());
    look().await.unwrap();
    log.owner(BREAK).await;
    look().await.unwrap_err();
    look().await.unwrap_err();
    let told = log.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("its frontier does not lead to its root"), "{told:?}");
    // Another fault while that one is looked at.
    log.owner(MEND).await;
    log.owner("update lane_slot set seq = seq + 7 where slot = 7").await;
    look().await.unwrap_err();
    look().await.unwrap_err();
    let told = log.told().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("slot 7 seq "), "{told:?}");
    // All is well, and the first one comes back.
    log.owner("update lane_slot set seq = seq - 7 where slot = 7").await;
    look().await.unwrap();
    log.owner(BREAK).await;
    look().await.unwrap_err();
    assert_eq!(log.told().await.len(), 3);
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_the_newest_checkpoint_grows_while_looks_fail() {
    let mut log = Log::sealed().await;
    let worker = log.worker().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let gauge = |name: &str| {
        let text = shown.render();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse::<f64>().unwrap()
    };
    // Metrics go where the thread says, so that other tests' do not.
    let look = || {
        let work = || Handle::current().block_on(worker.activate(log.world.clock.now()));
        metrics::with_local_recorder(&recorder, || block_in_place(work)).is_ok()
    };
    assert!(look());
    assert_eq!(gauge("evidence_unsealed_records"), 0.0);
    assert!(gauge("evidence_checkpoint_age_seconds") < 60.0);
    let sealed = gauge("evidence_sealed_records");
    log.owner(BREAK).await;
    log.owner("update lane_slot set seq = seq + 7 where slot = 7").await;
    log.world.clock.advance(Duration::from_secs(600));
    assert!(!look());
    assert!(gauge("evidence_unsealed_records") >= 7.0);
    assert!(gauge("evidence_checkpoint_age_seconds") >= 600.0);
    assert_eq!(gauge("evidence_sealed_records"), sealed);
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_bears_a_wrong_time_hides_nothing_and_is_found_within_the_hour() {
    let mut log = Log::sealed().await;
    let worker = log.worker().await;
    worker.activate(log.world.clock.now()).await.unwrap();
    let write = |text: &'static str, at: &'static str| {
        let sql = format!(
            "insert into service_incident (incident_id, kind, detail, raised_at, written_at)
             values (gen_random_uuid(), 'x', '{text}', now(), clock_timestamp() + interval '{at}')"
        );
        let log = &log;
        async move { log.owner(&sql).await }
    };
    let left = "select detail from service_incident i where not exists (
                  select from witness w where w.key = i.incident_id::text) order by 1";
    let none = Vec::<String>::new();
    write("tomorrow", "1 day").await;
    worker.activate(log.world.clock.now()).await.unwrap();
    assert_eq!(log.world.texts(left).await, none);
    for (text, look) in [("now", Look::Narrow), ("and now", Look::Wide)] {
        write(text, "0 s").await;
        take_in(log.db.pool(), log.world.clock.now(), look).await.unwrap();
        assert_eq!(log.world.texts(left).await, none, "{look:?}");
    }
    write("long ago", "-2 days").await;
    log.world.clock.advance(Duration::from_secs(11));
    worker.activate(log.world.clock.now()).await.unwrap();
    assert_eq!(log.world.texts(left).await, ["long ago"], "no look goes back so far each time");
    log.world.clock.advance(Duration::from_secs(3_600));
    worker.activate(log.world.clock.now()).await.unwrap();
    assert_eq!(log.world.texts(left).await, none);
    log.leave().await;
}

/// A time that is nobody's clock: whoever writes such a row keeps no other out.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_no_clocks_time_stops_nothing_and_is_named_by_the_proof() {
    let mut log = Log::sealed().await;
    let worker = log.worker().await;
    let write = async |detail: &str, at: &str| {
        log.owner(&format!(
            "insert into service_incident (incident_id, kind, detail, raised_at, written_at)
             values (gen_random_uuid(), 'odd', '{detail}', now(), {at})"
        ))
        .await;
    };
    let times = ["-infinity", "infinity", "20000-01-01 00:00:00+00"];
    for time in times {
        write(time, &format!("'{time}'")).await;
    }
    write("sound", "now()").await;
    log.world.clock.advance(Duration::from_secs(3_600));
    worker.activate(log.world.clock.now()).await.unwrap();
    let left = "select detail from service_incident s where kind = 'odd' and not exists (
                  select from witness w where w.key = s.incident_id::text)";
    let left: BTreeSet<String> = log.world.texts(left).await.into_iter().collect();
    assert_eq!(left, times.map(str::to_owned).into(), "the sound one is taken in");
    let proof = prove(log.db.pool()).await.unwrap();
    let named = proof.findings.iter().filter(|it| it.check.contains("beside lanes"));
    assert_eq!(named.count(), times.len(), "{:?}", proof.findings);
    log.leave().await;
}

/// The proof of the books looks from the entries too.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_was_deleted_or_has_another_head_is_found() {
    let log = Log::sealed().await;
    let broken = async || {
        let proof = prove(log.db.pool()).await.unwrap();
        proof.findings.iter().map(|it| it.check.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(broken().await, Vec::<String>::new());
    log.owner("create table kept as table wallet").await;
    log.owner(
        "update wallet set head = set_byte(head, 0, get_byte(head, 0) # 1) where version > 0",
    )
    .await;
    assert!(broken().await.contains(&"every wallet has the head of its newest version".to_owned()));
    log.owner("delete from wallet").await;
    let found = broken().await;
    for check in [
        "every wallet equals the sum of its entries",
        "every wallet's versions run from 1 to its newest without a gap",
    ] {
        assert!(found.iter().any(|it| it == check), "{found:?}");
    }
    log.owner("insert into wallet select * from kept").await;
    assert_eq!(broken().await, Vec::<String>::new());
    log.leave().await;
}
