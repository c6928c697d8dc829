//! The evidence pack: a few records with all that shows, on any other machine and without a database,
//! that they stand in the log as they were sealed, and are of what the pack says it is about.
//!
//! That there is nothing more no pack can show. Its events are counted from the first one on, so that nothing
//! with an event is missing in between.

use super::checkpoint::{Checkpoint, Place};
use super::line::place_of;
use super::note::Keys;
use super::tree::{Hash, leaf_hash, root_of_path};
use crate::domain::{DecisionId, PaymentId};
use crate::screening::file::canonical::is_hash_of;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What `format` says.
pub const FORMAT: &str = "interlock evidence pack 1";

/// One file, JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    pub format: String,
    /// What this is and how one verifies it, for whoever opens the file.
    pub read_me: Vec<String>,
    /// The decision's or the payment's id.
    pub about: String,
    /// The verifier key as the exporter knows it. A verifier brings their own.
    pub key: String,
    pub checkpoints: Vec<String>,
    pub records: Vec<Proven>,
    pub policies: Vec<PolicyText>,
}

/// A record with its proof.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    pub leaf: u64,
    /// The size of the checkpoint that covers it.
    pub checkpoint: u64,
    pub line: String,
    /// The audit path of RFC 6962, from the leaf up, hex.
    pub proof: Vec<String>,
}

/// The policy version that a decision of the pack was made with, word for word.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    pub version: String,
    pub text: String,
}

/// What came out: how many records are proven, and what is wrong.
#[derive(Debug, Default)]
pub struct PackVerdict {
    pub proven: Vec<Place>,
    pub policies: Vec<String>,
    pub faults: Vec<String>,
}

pub fn read_me(about: &str) -> Vec<String> {
    [
        format!("This file holds the records of {about} as they stand in the log of an Interlock."),
        "Each record is one line. Its SHA-256 (after a byte 0x00) and the proof beside it lead to the \
         root of a checkpoint, as RFC 6962 says; the checkpoint is signed (C2SP signed note, Ed25519)."
            .to_owned(),
        "To verify: interlock audit verify --pack FILE --key KEY. Take the key from whoever runs the \
         log, not from this file: the one in here only says which key to ask for."
            .to_owned(),
        "A policy's text is the one that a decision names when the SHA-256 of its canonical form is the \
         decision's policy_sha256; verifying compares them."
            .to_owned(),
        "What is here is in the log and is of what this file is about. It cannot show that the log holds \
         nothing more of it: ask for a newer file, or for the whole log."
            .to_owned(),
    ]
    .into()
}

/// The policies that a line's decisions name: version and hash.
pub fn policies_of(line: &str) -> Vec<(String, String)> {
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let decisions = value["decisions"].as_array().cloned().unwrap_or_default();
    let named = decisions.iter().filter_map(|decision| {
        let version = decision["policy_version"].as_str()?.to_owned();
        Some((version, decision["policy_sha256"].as_str()?.to_owned()))
    });
    named.collect()
}

impl Pack {
    /// Verifies every record with nothing but this file and the public keys.
    pub fn verify(&self, keys: &Keys) -> PackVerdict {
        let mut verdict = PackVerdict::default();
        if self.format != FORMAT {
            verdict.faults.push(format!("its format is not `{FORMAT}`"));
        }
        let checkpoints = self.sound_checkpoints(keys, &mut verdict);
        let mut named = BTreeMap::new();
        let mut lines = Vec::new();
        for record in &self.records {
            match record.verify(&checkpoints) {
                Ok(place) => {
                    verdict.proven.push(place);
                    lines.push((place, serde_json::from_str(&record.line).unwrap_or_default()));
                    named.extend(policies_of(&record.line));
                }
                Err(fault) => verdict.faults.push(fault),
            }
        }
        for policy in &self.policies {
            match named.get(&policy.version) {
                Some(told) if is_hash_of(told, &policy.text) => {
                    verdict.policies.push(policy.version.clone())
                }
                _ => verdict.faults.push(format!(
                    "the text of policy {} is not the one that a proven decision names",
                    policy.version
                )),
            }
        }
        if self.records.is_empty() {
            verdict.faults.push("it holds no record".to_owned());
        }
        verdict.faults.extend(self.of_another(&lines));
        verdict
    }

    /// Which of the proven lines are not of what the pack says it is about, and which are missing.
    fn of_another(&self, lines: &[(Place, Value)]) -> Vec<String> {
        let about = self.about.as_str();
        let foreign = |is_of: &dyn Fn(&Value) -> bool| -> Vec<String> {
            let others = lines.iter().filter(|(_, line)| !is_of(line));
            others.map(|(place, _)| format!("{place} is no record of {about}")).collect()
        };
        if let Some(decision) = DecisionId::parse(about) {
            let is_it = |it: &Value| uuid_of(&it["decision_id"]) == Some(decision.0);
            return foreign(&|line| all(&line["decisions"]).any(is_it));
        }
        let Some(payment) = PaymentId::parse(about) else {
            return vec![format!("it is about `{about}`, which is no payment's or decision's id")];
        };
        let mut faults = foreign(&|line| {
            uuid_of(&line["record"]["payment_id"]) == Some(payment.uuid)
                || all(&line["events"]).any(|event| event["subject"] == about)
        });
        let events = lines.iter().flat_map(|(_, line)| all(&line["events"]));
        let told = events.filter(|event| event["subject"] == about);
        let told: BTreeSet<i64> =
            told.filter_map(|event| event["payment_sequence"].as_i64()).collect();
        let last = told.last().copied().unwrap_or(1);
        let missing = (1..=last).filter(|sequence| !told.contains(sequence));
        faults.extend(missing.map(|sequence| {
            format!("event {sequence} of {about} is missing: a record was left out")
        }));
        faults
    }

    fn sound_checkpoints(
        &self,
        keys: &Keys,
        verdict: &mut PackVerdict,
    ) -> BTreeMap<u64, Checkpoint> {
        let mut sound = BTreeMap::new();
        for (index, note) in self.checkpoints.iter().enumerate() {
            match keys.open(note).map(Checkpoint::parse) {
                Ok(Some(checkpoint)) => drop(sound.insert(checkpoint.size, checkpoint)),
                Ok(None) => verdict.faults.push(format!("checkpoint {} is none", index + 1)),
                Err(error) => {
                    verdict.faults.push(format!("checkpoint {} is damaged: {error}", index + 1));
                }
            }
        }
        sound
    }
}

impl Proven {
    fn verify(&self, checkpoints: &BTreeMap<u64, Checkpoint>) -> Result<Place, String> {
        let Self { leaf, checkpoint: size, line, proof } = self;
        let name = place_of(line).map_or_else(|| format!("leaf {leaf}"), |place| place.to_string());
        let checkpoint = checkpoints.get(size).ok_or_else(|| {
            format!("{name} cannot be proven: its checkpoint of size {size} is not sound")
        })?;
        let path: Option<Vec<Hash>> = proof.iter().map(|hash| read_hash(hash)).collect();
        let led =
            path.and_then(|path| root_of_path(*leaf, *size, leaf_hash(line.as_bytes()), &path));
        match (led == Some(checkpoint.root), place_of(line)) {
            (true, Some(place)) => Ok(place),
            _ => Err(format!(
                "{name} is not in the log as it stands here: it was edited, or its proof was"
            )),
        }
    }
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn uuid_of(text: &Value) -> Option<Uuid> {
    Uuid::try_parse(text.as_str()?).ok()
}

fn read_hash(text: &str) -> Option<Hash> {
    hex::decode(text).ok()?.try_into().ok()
}
