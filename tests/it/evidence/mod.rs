//! The log that proves: payments are made, sealed, attacked as only the database's owner can, and
//! verified from the database and from copied files.

mod attacks;
mod classified;
mod erased_meanwhile;
mod erased_once;
mod erasing;
mod false_erasures;
mod files;
mod looks;
mod outside;
mod packs;
mod sealing;
mod written_after;

use super::harness::{CHECKS, Setup, World, eur, house};
use aws_lc_rs::signature::Ed25519KeyPair;
use interlock::clock::Clock;
use interlock::evidence::examine::Bad;
use interlock::evidence::folder::Folder;
use interlock::evidence::note::{Keys, Signer, VerifierKey};
use interlock::evidence::seal::{Progress, Sealing, put_files, seal};
use interlock::evidence::verify_log::{Outside, Verdict, verify_database};
use interlock::store::{Db, witness};
use sqlx::AssertSqlSafe;
use std::path::PathBuf;
use std::time::Duration;

/// A world whose records can be sealed.
pub struct Log {
    pub world: World,
    /// As the application's role, which is all that sealing and verifying need.
    pub db: Db,
    pub sealing: Sealing,
}

/// A key and a folder of this test's own.
async fn sealing() -> Sealing {
    let pair = Ed25519KeyPair::generate().unwrap();
    let pkcs8 = pair.to_pkcs8().unwrap();
    let template = house().await.home.join("evidence-XXXXXX");
    Sealing {
        signer: Signer::from_pkcs8("log.example", pkcs8.as_ref()).unwrap(),
        folder: nix::unistd::mkdtemp(&template).unwrap(),
        holder: "instance-1".to_owned(),
        every_records: 1,
        every: Duration::from_secs(60),
    }
}

impl Log {
    pub async fn new() -> Self {
        // A pack of evidence brings the text of the policy along, so it must be one that was shipped.
        let setup = Setup { shipped: true, vendors: CHECKS, ..Setup::default() };
        let world = World::with(setup).await;
        let db = Db::connect(&world.house.app_url(&world.database), 4).await.unwrap();
        Self { world, db, sealing: sealing().await }
    }

    /// Two players, two deposits, a payout; sealed in three checkpoints with their files, and the
    /// service at rest.
    pub async fn sealed() -> Self {
        let mut log = Self::new().await;
        let player = log.world.rich_player("DE", 10_000).await;
        log.seal().await;
        let withdrawal = log.world.withdraw(&player, eur(1_000)).await;
        log.world.settled(withdrawal.id, "paid").await;
        log.seal().await;
        let other = log.world.player("DE").await;
        let deposit = log.world.deposit(&other, eur(2_000)).await;
        log.world.complete(&deposit, "succeeded").await;
        log.world.settled(deposit.id, "succeeded").await;
        log.world.agrees_with_mocks().await;
        log.world.stop(0).await;
        log.add_rare_rows().await;
        log.seal().await;
        log
    }

    /// Rows that these payments brought none of, under the newest record.
    async fn add_rare_rows(&self) {
        let newest = "(select * from record order by recorded_at desc, slot, seq desc limit 1) r";
        self.owner(&format!(
            "insert into incident (incident_id, slot, seq, operator_id, player_id, kind, detail, raised_at)
               select gen_random_uuid(), slot, seq, operator_id, player_id, 'x', 'y', now() from {newest};
             insert into payin (psp, psp_reference, operator_id, player_id, payment_id, slot, seq, received_at,
                 below_unit, below_unit_currency)
               select 'p', 'q', operator_id, player_id, gen_random_uuid(), slot, seq, now(), 0.86, 'ETH'
               from {newest};
             insert into attestation (attestation_id, operator_id, player_id, kind, reference, given_at,
                 review_id, slot, seq)
               select gen_random_uuid(), operator_id, player_id, 'affordability', 'z', now(),
                 gen_random_uuid(), slot, seq from {newest};
             insert into erasure (slot, seq, erasure_id, operator_id, player_id, review_id, basis, erased_at)
               select slot, seq, gen_random_uuid(), operator_id, 'nobody', gen_random_uuid(), 'never_moved',
                 now() from {newest};
             insert into service_incident values (gen_random_uuid(), 'x', 'y', now())"
        ))
        .await;
    }

    pub fn key(&self) -> &VerifierKey {
        self.sealing.signer.verifier()
    }

    pub fn keys(&self) -> Keys {
        self.key().clone().into()
    }

    /// Whatever is new, at once, with its files.
    pub async fn seal(&self) -> Progress {
        let now = self.world.clock.now();
        witness::take_in(self.db.pool(), now, witness::Look::Everything).await.unwrap();
        let progress = seal(self.db.pool(), &self.sealing, now).await.unwrap();
        put_files(self.db.pool(), &self.sealing, None).await.unwrap();
        progress
    }

    /// The folder of checkpoints of this log.
    pub async fn folder(&self) -> PathBuf {
        let id = self.world.texts("select log_id::text from evidence_log").await.remove(0);
        Folder::at(&self.sealing.folder.join(id)).path().to_owned()
    }

    /// With nothing from outside.
    pub async fn verified(&self) -> Verdict {
        verify_database(self.db.pool(), &self.keys(), &Outside::default()).await.unwrap()
    }

    /// With the folder of checkpoints.
    pub async fn verified_with_folder(&self) -> Verdict {
        let outside = Outside::read(&self.folder().await).unwrap();
        verify_database(self.db.pool(), &self.keys(), &outside).await.unwrap()
    }

    /// Rows can be taken away and put back in any order.
    pub async fn without_references(&self) {
        let keys = "select conrelid::regclass || ' drop constraint ' || quote_ident(conname)
                    from pg_constraint where contype = 'f'";
        for key in self.world.texts(keys).await {
            self.owner(&format!("alter table {key}")).await;
        }
    }

    /// What only the database's owner can do.
    pub async fn owner(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&self.world.rows).await.unwrap();
    }

    pub async fn end(self) {
        self.db.close().await;
        self.world.close().await;
    }

    /// Ends a log whose database was attacked.
    pub async fn leave(self) {
        self.db.close().await;
        self.world.leave_open();
    }
}

#[track_caller]
pub fn sound(verdict: &Verdict) {
    assert!(verdict.is_sound(), "{:?} {:?}", verdict.bad, verdict.faults);
}

/// `slot 0 seq 3`, and what is told of it.
#[track_caller]
pub fn named(verdict: &Verdict) -> (String, String) {
    let bad: &Bad = verdict.bad.as_ref().expect("a bad record is named");
    (bad.place.to_string(), bad.to_string())
}
