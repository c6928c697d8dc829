//! OpenSanctions' yente: `POST /match/{dataset}` and `GET /catalog`
//! (<https://www.opensanctions.org/docs/yente/>).
//!
//! The algorithm is always named, and never by the alias `best`: what that stands for has changed
//! under its users before. Its `match` field is its own threshold's opinion and is not looked at.

use super::{Unreadable, score};
use crate::domain::Player;
use crate::screening::hooks::{NameHit, Topic};
use psp_contract::{HttpRequest, Method};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

/// The one alias among the names of the algorithms.
pub const MOVING_ALIAS: &str = "best";
const QUERY: &str = "player";
const ENTRIES_MAX: &str = "25";

#[derive(Deserialize)]
struct Matched {
    responses: BTreeMap<String, Response>,
}

#[derive(Deserialize)]
struct Response {
    results: Vec<Entity>,
}

#[derive(Deserialize)]
struct Entity {
    id: String,
    score: Box<RawValue>,
    #[serde(default)]
    properties: Properties,
}

#[derive(Deserialize, Default)]
struct Properties {
    #[serde(default)]
    topics: Vec<String>,
}

#[derive(Deserialize)]
struct Catalog {
    datasets: Vec<Dataset>,
}

#[derive(Deserialize)]
struct Dataset {
    name: String,
    version: Option<String>,
    index_version: Option<String>,
}

/// Who of the data set is like this player.
pub fn query(
    base_url: &str,
    (dataset, algorithm): (&str, &str),
    player: &Player,
    least: &str,
) -> Option<HttpRequest> {
    let parameters = Serializer::new(String::new())
        .append_pair("algorithm", algorithm)
        .append_pair("threshold", least)
        .append_pair("cutoff", least)
        .append_pair("limit", ENTRIES_MAX)
        .finish();
    let body = json!({"queries": {QUERY: {"schema": "Person", "properties": {
        "name": [player.full_name],
        "birthDate": [player.date_of_birth.to_string()],
    }}}});
    let body = serde_json::to_vec(&body).ok()?;
    let url = format!("{base_url}/match/{dataset}?{parameters}");
    Some(HttpRequest::json(Method::Post, url, body))
}

/// What it found.
///
/// # Errors
/// An entry without a score, no answer to our query, or anything that is not what was documented.
pub fn hits(body: &[u8], dataset: &str) -> Result<Vec<NameHit>, Unreadable> {
    let mut matched: Matched = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let response = matched.responses.remove(QUERY).ok_or(Unreadable)?;
    let hit = |entity: Entity| {
        Ok(NameHit {
            topic: topic(&entity.properties.topics),
            list: dataset.to_owned(),
            entity: entity.id,
            score: score(&entity.score).ok_or(Unreadable)?,
            excepted: false,
        })
    };
    response.results.into_iter().map(hit).collect()
}

/// The gravest of what the entry is about.
fn topic(topics: &[String]) -> Topic {
    let is = |begin: &str| topics.iter().any(|topic| topic.starts_with(begin));
    match (is("sanction") || is("crime.terror"), is("role.pep") || is("role.rca")) {
        (true, _) => Topic::Sanctions,
        (false, true) => Topic::Pep,
        (false, false) => Topic::Other,
    }
}

pub fn catalog(base_url: &str) -> HttpRequest {
    HttpRequest::get(format!("{base_url}/catalog"))
}

/// The algorithm, and the version of the data set that answers come from.
///
/// # Errors
/// The data set is not there, or has no version.
pub fn version(body: &[u8], dataset: &str, algorithm: &str) -> Result<String, Unreadable> {
    let catalog: Catalog = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let found = catalog.datasets.into_iter().find(|found| found.name == dataset);
    // What is indexed is what is searched; the newest version may still be on its way.
    let version = found.and_then(|found| found.index_version.or(found.version));
    let version = version.filter(|version| !version.is_empty()).ok_or(Unreadable)?;
    Ok(format!("{algorithm};{dataset}={version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_their_scores_and_the_gravest_topic() {
        let body = br#"{"responses":{"player":{"status":200,"results":[
            {"id":"NK-1","caption":"A B","schema":"Person","score":0.87,"match":true,
             "properties":{"topics":["role.pep","sanction"]}},
            {"id":"Q7","score":0.7,"match":false,"properties":{"topics":["role.pep"]}}]}},
            "limit":5}"#;
        let read = hits(body, "default").unwrap();
        let seen: Vec<_> = read.iter().map(|hit| (hit.entity.as_str(), hit.topic)).collect();
        assert_eq!(seen, [("NK-1", Topic::Sanctions), ("Q7", Topic::Pep)]);
        let unscored = br#"{"responses":{"player":{"results":[{"id":"1","score":null}]}}}"#;
        assert_eq!(hits(unscored, "default"), Err(Unreadable));
        assert_eq!(hits(br#"{"responses":{}}"#, "default"), Err(Unreadable));
    }

    #[test]
    fn the_version_is_of_what_is_indexed_and_names_the_algorithm() {
        let body =
            br#"{"datasets":[{"name":"default","version":"20261121","index_version":"20261120"}]}"#;
        assert_eq!(version(body, "default", "logic-v2").unwrap(), "logic-v2;default=20261120");
        assert_eq!(version(body, "peps", "logic-v2"), Err(Unreadable));
        assert_eq!(
            version(br#"{"datasets":[{"name":"default","version":null}]}"#, "default", "x"),
            Err(Unreadable)
        );
    }
}
