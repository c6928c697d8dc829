//! A policy version on its way into force.

use super::time::Time;
use crate::store::policy_versions::ProposalLine;
use serde::Serialize;
use utoipa::ToSchema;

/// A proposed policy version, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
pub struct PolicyView {
    #[schema(example = "SE-2026-12-01")]
    pub version: String,
    #[schema(example = "SE")]
    pub market: String,
    /// Of the text's canonical form, in hex: what decisions name, and what an approval names.
    pub sha256: String,
    /// `proposed`: it waits for another person · `replaced`: a newer proposal of this version took its
    /// place · `refused` · `published`: it is in force from `effective_from` on, until the market's next
    pub state: &'static str,
    pub effective_from: Time,
    /// The people.
    pub proposed_by: String,
    pub proposed_at: Time,
    /// Who published or refused it.
    #[schema(required)]
    pub ended_by: Option<String>,
    #[schema(required)]
    pub ended_at: Option<Time>,
    #[schema(required)]
    pub note: Option<String>,
    /// The whole file; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl PolicyView {
    /// With the text.
    pub fn whole(line: ProposalLine) -> Self {
        let text = line.proposed.text.clone();
        Self { text: Some(text), ..Self::of(line) }
    }

    /// Without it.
    pub fn of(line: ProposalLine) -> Self {
        let ProposalLine { proposed, ended, replaced, in_force_from } = line;
        let state = match &ended {
            Some(ended) if ended.published => "published",
            Some(_) => "refused",
            None if replaced => "replaced",
            None => "proposed",
        };
        Self {
            version: proposed.version,
            market: proposed.market,
            sha256: hex::encode(proposed.sha256),
            state,
            effective_from: in_force_from.unwrap_or(proposed.effective_from).into(),
            proposed_by: proposed.by.to_string(),
            proposed_at: proposed.at.into(),
            ended_by: ended.as_ref().map(|ended| ended.by.to_string()),
            ended_at: ended.as_ref().map(|ended| ended.at.into()),
            note: ended.map(|ended| ended.note),
            text: None,
        }
    }
}
