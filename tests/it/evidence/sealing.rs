//! Sealing: it waits for no lane, can be killed at any step, and never signs two histories.

use super::super::harness::{eur, eventually};
use super::{Keys, Log, Outside, sound, verify_database};
use interlock::clock::Clock;
use interlock::evidence::folder::FolderError;
use interlock::evidence::seal::{SealError, put_files, seal};
use interlock::store::Db;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sealed_verifies_and_what_is_new_is_counted() {
    let log = Log::new().await;
    let player = log.world.rich_player("DE", 10_000).await;
    let progress = log.seal().await;
    assert!(progress.sealed_now && progress.unsealed == 0 && progress.size > 0, "{progress:?}");
    // What workers write meanwhile comes in too; once nothing is new nothing is sealed.
    let again = eventually("nothing new is left", Duration::from_secs(20), || async {
        Some(log.seal().await).filter(|again| !again.sealed_now)
    });
    let again = again.await;
    assert!(again.unsealed == 0 && again.size >= progress.size, "{again:?}");
    let verdict = log.verified_with_folder().await;
    sound(&verdict);
    assert_eq!(verdict.proven.unwrap().size, again.size);
    assert_eq!(verdict.unsealed, 0);
    let deposit = log.world.deposit(&player, eur(1_000)).await;
    log.world.complete(&deposit, "succeeded").await;
    log.world.settled(deposit.id, "succeeded").await;
    let verdict = log.verified_with_folder().await;
    sound(&verdict);
    assert!(verdict.unsealed > 0, "{verdict:?}");
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_due_after_so_many_records_or_so_long() {
    let mut log = Log::new().await;
    log.sealing.every_records = 1_000_000;
    log.world.rich_player("DE", 10_000).await;
    // The first one is due at once: nothing is sealed yet.
    assert!(log.seal().await.sealed_now);
    log.world.rich_player("DE", 10_000).await;
    let early = log.seal().await;
    assert!(!early.sealed_now && early.unsealed > 0, "{early:?}");
    log.world.clock.advance(Duration::from_secs(61));
    assert!(log.seal().await.sealed_now);
    log.world.rich_player("DE", 10_000).await;
    log.sealing.every_records = 1;
    assert!(log.seal().await.sealed_now);
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sealing_waits_for_no_lane() {
    let mut log = Log::new().await;
    log.world.rich_player("DE", 10_000).await;
    // At rest, so that nothing but this test holds or wants a lock.
    log.world.stop(0).await;
    let app = log.world.house.app_url(&log.world.database);
    log.db.close().await;
    // Whatever waits for a lock gives up, and says so.
    let impatient = format!("{app}&options=-c%20lock_timeout%3D200");
    log.db = Db::connect(&impatient, 4).await.unwrap();
    let mut lane = PgConnection::connect(&app).await.unwrap();
    // As a lane in the middle of its commit holds them.
    let mut open = lane.begin().await.unwrap();
    sqlx::query("select * from lane_slot for update").execute(&mut *open).await.unwrap();
    sqlx::query("update player set version = version").execute(&mut *open).await.unwrap();
    assert!(log.seal().await.sealed_now);
    let mut control = log.db.pool().begin().await.unwrap();
    let waits = sqlx::query("select * from lane_slot for update").execute(&mut *control).await;
    let refused = waits.unwrap_err().into_database_error().unwrap();
    assert_eq!(refused.code().unwrap(), "55P03", "the lane does hold its slots: {refused}");
    drop(control);
    open.rollback().await.unwrap();
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_go_on_while_everything_is_sealed_by_two_at_once() {
    let log = Log::new().await;
    let player = log.world.rich_player("DE", 1_000_000).await;
    let (pool, sealing) = (log.db.pool(), &log.sealing);
    let paying = async {
        for _ in 0..15 {
            log.world.deposit(&player, eur(1_000)).await;
        }
    };
    let seal_often = || async {
        for _ in 0..40 {
            seal(pool, sealing, log.world.clock.now()).await.unwrap();
            put_files(pool, sealing, None).await.unwrap();
        }
    };
    tokio::join!(paying, seal_often(), seal_often());
    log.seal().await;
    let verdict = log.verified_with_folder().await;
    sound(&verdict);
    let records = log.world.number("select count(*) from record").await;
    assert_eq!(verdict.proven.unwrap().size + verdict.unsealed, u64::try_from(records).unwrap());
    let numbers = "select count(*) - max(number) from evidence_checkpoint";
    assert_eq!(log.world.number(numbers).await, 0);
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_before_the_files_are_written_is_caught_up_with() {
    let log = Log::new().await;
    log.world.rich_player("DE", 10_000).await;
    let (pool, now) = (log.db.pool(), log.world.clock.now());
    assert!(seal(pool, &log.sealing, now).await.unwrap().sealed_now);
    log.world.rich_player("DE", 10_000).await;
    let size = log.seal().await.size;
    let folder = interlock::evidence::folder::Folder::at(&log.folder().await);
    assert_eq!(folder.sizes().unwrap().len(), 2);
    assert_eq!(folder.sizes().unwrap().last(), Some(&size));
    // A file of leaves without its note, and one half written, as a kill leaves them.
    std::fs::remove_file(log.folder().await.join(format!("{size:020}.checkpoint"))).unwrap();
    std::fs::write(log.folder().await.join(format!("{size:020}.unfinished-1")), "half").unwrap();
    assert_eq!(put_files(pool, &log.sealing, None).await.unwrap(), size);
    assert_eq!(folder.sizes().unwrap().len(), 2);
    sound(&log.verified_with_folder().await);
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_says_otherwise_is_never_overwritten() {
    let log = Log::sealed().await;
    let folder = log.folder().await;
    let sizes = interlock::evidence::folder::Folder::at(&folder).sizes().unwrap();
    let last = folder.join(format!("{:020}.checkpoint", sizes[sizes.len() - 1]));
    let kept = std::fs::read(&last).unwrap();
    std::fs::write(&last, "something else").unwrap();
    // From the checkpoint before it on, everything is compared.
    let before = sizes[sizes.len() - 2];
    let error = put_files(log.db.pool(), &log.sealing, Some(before)).await.unwrap_err();
    assert!(matches!(error, SealError::Folder(FolderError::Differs(_))), "{error}");
    assert_eq!(std::fs::read(&last).unwrap(), b"something else");
    std::fs::write(&last, kept).unwrap();
    put_files(log.db.pool(), &log.sealing, Some(before)).await.unwrap();
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_set_back_is_not_sealed_over() {
    let log = Log::sealed().await;
    log.owner(
        "alter table evidence_checkpoint disable trigger user;
         delete from evidence_checkpoint where number = (select max(number) from evidence_checkpoint)",
    )
    .await;
    let error = put_files(log.db.pool(), &log.sealing, None).await.unwrap_err();
    assert!(matches!(error, SealError::FolderIsAhead { .. }), "{error}");
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_key_has_not_signed_is_neither_gone_on_from_nor_put_into_the_folder() {
    let log = Log::sealed().await;
    let newest = "(select * from evidence_checkpoint order by number desc limit 1) c";
    let folder = interlock::evidence::folder::Folder::at(&log.folder().await);
    let sizes = folder.sizes().unwrap();
    let forged = |size: &str, note: &str, heads: &str| {
        format!(
            "insert into evidence_checkpoint (number, size, note, leaves, frontier, heads, sealed_at)
             select number + 1, {size}, {note}, leaves, frontier, {heads}, now() + interval '9 years'
             from {newest}"
        )
    };
    let change = |set: &str| {
        format!("update evidence_checkpoint set {set} where number = (select number from {newest})")
    };
    log.owner("create table kept as table evidence_checkpoint").await;
    for (attack, told) in [
        // Nothing would ever be new again.
        (forged("1000000000", "note", "array[1000000000]"), "its size or heads"),
        // The own signature under another text, and a stranger's under any.
        (forged("size + 1", "replace(note, 'slot 0 ', 'slot 0 1')", "heads"), "signature is wrong"),
        (forged("size + 1", "'x' || note", "heads"), "signature is wrong"),
        (change("heads = heads || 1::bigint"), "its size or heads"),
        (change("frontier = set_byte(frontier, 0, get_byte(frontier, 0) # 1)"), "its frontier"),
        (change("note = 'nothing'"), "it is no signed note"),
    ] {
        // As the service's own role where that is allowed.
        let sql = sqlx::AssertSqlSafe(attack.clone());
        if sqlx::raw_sql(sql).execute(log.db.pool()).await.is_err() {
            log.owner("alter table evidence_checkpoint disable trigger user").await;
            log.owner(&attack).await;
        }
        let now = log.world.clock.now() + Duration::from_secs(3_600);
        let sealed = seal(log.db.pool(), &log.sealing, now).await.unwrap_err();
        let filed = put_files(log.db.pool(), &log.sealing, None).await.unwrap_err();
        for error in [sealed, filed] {
            assert!(matches!(error, SealError::NotAsSigned { .. }), "{attack}: {error}");
            assert!(error.to_string().contains(told), "{attack}: {error}");
        }
        assert_eq!(folder.sizes().unwrap(), sizes, "{attack}");
        log.owner(
            "alter table evidence_checkpoint disable trigger user;
             delete from evidence_checkpoint; insert into evidence_checkpoint select * from kept",
        )
        .await;
        seal(log.db.pool(), &log.sealing, now).await.unwrap();
        put_files(log.db.pool(), &log.sealing, None).await.unwrap();
    }
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_tells_who_a_player_is() {
    let log = Log::sealed().await;
    let mut lines = Vec::new();
    interlock::evidence::log_file::write_log(log.db.pool(), &mut lines).await.unwrap();
    let text = String::from_utf8(lines).unwrap();
    let names = "select coalesce(full_name, '') from player union select email from player
                 where email is not null union select phone from player where phone is not null
                 union select date_of_birth::text from player";
    let told = log.world.texts(names).await;
    assert!(told.len() >= 2, "{told:?}");
    for word in told {
        assert!(!text.contains(&word), "{word}");
    }
    assert!(text.contains("\"commitment\":\""), "what was known is committed to");
    assert!(!text.contains("\"commitment\":\"none\""), "by every version that is written now");
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_changed_leaves_what_the_old_one_signed() {
    let mut log = Log::sealed().await;
    let old = log.key().clone();
    log.sealing.signer = super::sealing().await.signer;
    log.world.start_instance().await;
    log.world.rich_player("DE", 10_000).await;
    assert!(log.seal().await.sealed_now);
    let folder = interlock::evidence::folder::Folder::at(&log.folder().await);
    assert_eq!(folder.key_files().unwrap().len(), 2);
    assert!(!log.verified().await.is_sound(), "the new key has not signed the beginning");
    let both = Keys::new(vec![log.key().clone(), old]).unwrap();
    sound(&verify_database(log.db.pool(), &both, &Outside::default()).await.unwrap());
    log.end().await;
}
