//! Step 8: a decision is made again and comes out identical; an outsider's copy of the sealed log verifies
//! with the public key alone, and one altered byte of it is named.
//!
//! Only here the demo is no client of the API: it is the auditor who was handed a copy of the log.

use super::client::{list, text};
use super::stage::{GERMANY, LOOK_EVERY, PATIENCE, Stage};
use crate::domain::DecisionId;
use crate::evidence::checkpoint::Place;
use crate::evidence::log_file::write_log;
use crate::evidence::note::Keys;
use crate::evidence::verify_log::{Outside, Verdict, verify_file};
use crate::store::{Db, read_lines};
use anyhow::Context as _;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What an auditor is handed.
#[derive(Debug)]
pub struct Audit {
    /// To copy the log from.
    pub db: Db,
    /// The public keys of who seals it.
    pub keys: Keys,
    /// Where a copy may lie for a moment.
    pub folder: PathBuf,
}

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(GERMANY, "Nora Beispiel").await?;
    let deposit = stage.funded(&player, "25.00").await?;
    let path = format!("/v1/decisions?payment_id={}", text(&deposit, "/id"));
    let page = stage.api.get(&path).await?;
    let decision = list(&page, "/data").first().context("no decision is recorded")?;
    let id = text(decision, "/id").to_owned();

    let officer = stage.api.as_key("sk_officer_a");
    let path = format!("/v1/decisions/{id}/replay");
    let again = officer.post(&path, &json!({})).await?.expect(200)?;
    let identical = again["identical"] == json!(true);
    let version = text(&again, "/policy_version").to_owned();
    let sentence = format!("made again under {version}, the decision is the same to the byte");
    stage.timeline.check(&sentence, identical, true)?;
    let casino = stage.api.post(&path, &json!({})).await?.status;
    stage.timeline.check("a casino's key may not ask that", casino, 403)?;

    let audit = &stage.audit;
    let decision = DecisionId::parse(&id).context("the decision's id")?;
    let place = read_lines::of_decision(audit.db.pool(), decision.0).await?;
    let place = place.context("the decision is in no record")?;
    let log = sealed(audit, decision).await?;
    let records = String::from_utf8_lossy(&log).lines().count();
    stage.tell(
        "auditor",
        &format!("gets a copy of the sealed log, {records} lines, and a public key"),
    );
    let found = verified(audit, &log)?;
    stage.timeline.check("the copy verifies", found.is_sound(), true)?;
    let found = verified(audit, &altered(&log, decision)?)?;
    let named = found.bad.as_ref().map(|bad| bad.place);
    if let Some(bad) = &found.bad {
        stage.tell("auditor", &bad.to_string());
    }
    let sentence = "with one byte altered, the record is named by its number";
    let told = |place: Option<Place>| place.map_or("none".to_owned(), |place| place.to_string());
    stage.timeline.check(sentence, told(named), told(Some(place)))
}

/// The log, once a checkpoint covers the decision.
async fn sealed(audit: &Audit, decision: DecisionId) -> anyhow::Result<Vec<u8>> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut log = Vec::new();
        write_log(audit.db.pool(), &mut log).await.context("copying the log")?;
        if place_in(&log, decision).is_some() {
            return Ok(log);
        }
        anyhow::ensure!(Instant::now() < until, "no checkpoint covers the decision in time");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Where in the copy the decision's outcome stands.
fn place_in(log: &[u8], decision: DecisionId) -> Option<usize> {
    let find = |what: &[u8], from: usize| {
        let rest = log.get(from..)?;
        rest.windows(what.len()).position(|piece| piece == what).map(|at| from + at)
    };
    let id = decision.0.to_string();
    let at = find(id.as_bytes(), 0)?;
    find(br#""outcome":"approve""#, at).map(|at| at + r#""outcome":""#.len())
}

/// One byte of the decision is another: `approve` becomes `bpprove`.
fn altered(log: &[u8], decision: DecisionId) -> anyhow::Result<Vec<u8>> {
    let mut copy = log.to_vec();
    let at = place_in(log, decision).context("the decision is not in the copy")?;
    *copy.get_mut(at).context("the copy is cut short")? = b'b';
    Ok(copy)
}

fn verified(audit: &Audit, log: &[u8]) -> anyhow::Result<Verdict> {
    let path = audit.folder.join("demo.log");
    let found = verify_copy(&path, log, &audit.keys);
    // What was the demo's does not stay behind, whatever came of it.
    let _ = std::fs::remove_file(&path);
    found
}

fn verify_copy(path: &Path, log: &[u8], keys: &Keys) -> anyhow::Result<Verdict> {
    std::fs::write(path, log).with_context(|| format!("writing {}", path.display()))?;
    verify_file(path, keys, &Outside::default()).context("verifying the copy")
}
