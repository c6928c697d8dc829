//! A matcher of names against lists of sanctions and of politically exposed people, as a client.

use super::link::Link;
use super::wire::{watchman, yente};
use crate::domain::{Player, Timestamp};
use crate::screening::hooks::{HookFailure, NameAnswer, NameHit};
use psp_contract::HttpRequest;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// One matcher.
#[derive(Debug)]
pub struct Matcher {
    pub id: String,
    pub countries: Vec<String>,
    pub link: Link,
    pub wire: Wire,
    /// The lowest score that is told at all, `"0.70"`.
    pub least: String,
}

/// What it speaks.
#[derive(Debug)]
pub enum Wire {
    Watchman,
    Yente { dataset: String, algorithm: String },
}

impl Matcher {
    /// Whether it is asked about players of a country, and told their names.
    pub fn serves(&self, country: &str) -> bool {
        self.countries.is_empty() || self.countries.iter().any(|own| own == country)
    }

    /// The algorithm and the lists that an answer would be of, right now.
    ///
    /// # Errors
    /// No answer that can be used.
    pub async fn version(&self, by: Instant) -> Result<String, HookFailure> {
        let base_url = self.link.base_url();
        let asked = match &self.wire {
            Wire::Watchman => watchman::list_info(base_url),
            Wire::Yente { .. } => yente::catalog(base_url),
        };
        let told = self.link.ask(Some(asked), by).await?;
        let version = match &self.wire {
            Wire::Watchman => watchman::version(&told.body),
            Wire::Yente { dataset, algorithm } => yente::version(&told.body, dataset, algorithm),
        };
        version.map_err(|_| HookFailure::Unreadable)
    }

    /// Asks for a player; the answer with the hash of the bytes that it was read from.
    ///
    /// The version is asked first: lists that change in between then look older than they are, and the
    /// player is matched once more.
    ///
    /// # Errors
    /// No answer that can be used.
    pub async fn ask(
        &self,
        player: &Player,
        request_id: &str,
        now: Timestamp,
    ) -> Result<(NameAnswer, [u8; 32]), HookFailure> {
        let by = self.link.deadline();
        let version = self.version(by).await?;
        let told = self.link.ask(self.question(player, request_id), by).await?;
        let mut hits = self.hits(&told.body)?;
        hits.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.entity.cmp(&b.entity)));
        Ok((NameAnswer { hits, version, asked_at: now }, Sha256::digest(&told.body).into()))
    }

    fn question(&self, player: &Player, request_id: &str) -> Option<HttpRequest> {
        let base_url = self.link.base_url();
        match &self.wire {
            Wire::Watchman => Some(watchman::search(base_url, player, &self.least, request_id)),
            Wire::Yente { dataset, algorithm } => {
                yente::query(base_url, (dataset, algorithm), player, &self.least)
            }
        }
    }

    fn hits(&self, body: &[u8]) -> Result<Vec<NameHit>, HookFailure> {
        let hits = match &self.wire {
            Wire::Watchman => watchman::hits(body),
            Wire::Yente { dataset, .. } => yente::hits(body, dataset),
        };
        hits.map_err(|_| HookFailure::Unreadable)
    }
}
