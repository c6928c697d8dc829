//! moov-io/watchman, v2: `GET /v2/search` and `GET /v2/listinfo`
//! (<https://github.com/moov-io/watchman>, its own documentation of the v2 API).
//!
//! It returns the nearest entries, not matches: what a score means is the policy's to say. Its lists
//! are of sanctions; entries of a list with another purpose are told as such.

use super::{Unreadable, score};
use crate::domain::Player;
use crate::screening::hooks::{NameHit, Topic};
use psp_contract::HttpRequest;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

/// Nearer entries than this are never left out, at most so many are looked at.
const ENTRIES_MAX: &str = "25";

#[derive(Deserialize)]
struct Search {
    // It must be there, and is null where nobody is near: serde would take a missing one for a null.
    entities: Box<RawValue>,
}

#[derive(Deserialize)]
struct Entity {
    #[serde(rename = "sourceList")]
    source_list: String,
    #[serde(rename = "sourceID")]
    source_id: String,
    #[serde(rename = "match")]
    score: Box<RawValue>,
}

#[derive(Deserialize)]
struct ListInfo {
    #[serde(rename = "listHashes")]
    hashes: BTreeMap<String, String>,
}

/// Who of the lists is like this player. `least` is the lowest score that is told at all: below every
/// threshold of the policies.
pub fn search(base_url: &str, player: &Player, least: &str, request_id: &str) -> HttpRequest {
    let query = Serializer::new(String::new())
        .append_pair("name", &player.full_name)
        .append_pair("type", "person")
        .append_pair("birthDate", &player.date_of_birth.to_string())
        .append_pair("minMatch", least)
        .append_pair("limit", ENTRIES_MAX)
        .append_pair("requestID", request_id)
        .finish();
    HttpRequest::get(format!("{base_url}/v2/search?{query}"))
}

/// What the search found.
///
/// # Errors
/// An entry without a score, or anything that is not what was documented.
pub fn hits(body: &[u8]) -> Result<Vec<NameHit>, Unreadable> {
    let search: Search = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let hit = |entity: Entity| {
        Ok(NameHit {
            topic: topic(&entity.source_list),
            list: entity.source_list,
            entity: entity.source_id,
            score: score(&entity.score).ok_or(Unreadable)?,
            excepted: false,
        })
    };
    let entities: Option<Vec<Entity>> =
        serde_json::from_str(search.entities.get()).map_err(|_| Unreadable)?;
    entities.unwrap_or_default().into_iter().map(hit).collect()
}

/// Every list of watchman is of sanctions, but for those that a deployment named as of politically
/// exposed people.
fn topic(list: &str) -> Topic {
    if list.contains("pep") { Topic::Pep } else { Topic::Sanctions }
}

pub fn list_info(base_url: &str) -> HttpRequest {
    HttpRequest::get(format!("{base_url}/v2/listinfo"))
}

/// The lists with their hashes, in one text that changes when one of them does.
///
/// # Errors
/// No hash at all: such a search could never be shown to have looked at anything.
pub fn version(body: &[u8]) -> Result<String, Unreadable> {
    let info: ListInfo = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    if info.hashes.is_empty() || info.hashes.values().any(String::is_empty) {
        return Err(Unreadable);
    }
    let lists: Vec<String> =
        info.hashes.iter().map(|(list, hash)| format!("{list}={hash}")).collect();
    Ok(format!("watchman-v2;{}", lists.join(";")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_their_scores_and_never_with_their_names() {
        let body = br#"{"entities":[{"name":"A B","entityType":"person","sourceList":"us_ofac",
            "sourceID":"48603","match":0.9123}]}"#;
        let read = hits(body).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].list.as_str(), read[0].entity.as_str()), ("us_ofac", "48603"));
        assert_eq!(read[0].score.to_string(), "0.9123");
        assert_eq!(hits(br#"{"entities":null}"#).unwrap(), Vec::new());
        let unscored = br#"{"entities":[{"sourceList":"l","sourceID":"1","match":null}]}"#;
        assert_eq!(hits(unscored), Err(Unreadable));
        for other in [br#"{"entit"#.as_slice(), br#"{"status":"indexing"}"#, b"{}"] {
            assert_eq!(hits(other), Err(Unreadable));
        }
    }

    #[test]
    fn the_version_names_every_list_by_its_hash() {
        let body = br#"{"lists":{"us_ofac":17000},"listHashes":{"us_ofac":"ab","eu_csl":"cd"}}"#;
        assert_eq!(version(body).unwrap(), "watchman-v2;eu_csl=cd;us_ofac=ab");
        assert_eq!(version(br#"{"listHashes":{}}"#), Err(Unreadable));
        assert_eq!(version(br#"{"lists":{}}"#), Err(Unreadable));
    }
}
