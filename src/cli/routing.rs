//! `routing`: what an operator on call switches off and on, through the public API, so that it is signed
//! for by a person and holds on every instance; and what the versions of the rules say.

use super::ask::{Operator, Request, call, exit_code, send};
use super::database::app_url;
use super::routing_text;
use crate::evidence::canonical::time_text;
use crate::store::{Db, routing_versions};
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Routing {
    /// Switch off now, until it is lifted: `routing off --psp trustly-se --reason "settlements are late"`.
    Off(Off),
    /// Switch off for a time that is known before: `--from` and `--until` in RFC 3339.
    Maintenance(Off),
    /// Lift a switch.
    Lift {
        /// `sw_…`
        id: String,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// List what is switched off, or will be.
    Switches {
        #[command(flatten)]
        operator: Operator,
    },
    /// Show how every PSP does.
    Health {
        #[command(flatten)]
        operator: Operator,
    },
    /// Show what the versions of the rules say, which payments name in `route.version`; it reads the database.
    Rules {
        /// One version; all of them unless said.
        version: Option<String>,
    },
}

/// What is switched off; what is left out means all of it.
#[derive(Debug, Args)]
pub struct Off {
    #[arg(long)]
    psp: Option<String>,
    /// ISO 3166 alpha-2.
    #[arg(long)]
    country: Option<String>,
    /// deposit or withdrawal
    #[arg(long)]
    direction: Option<String>,
    #[arg(long)]
    method: Option<String>,
    /// Shown with every payment that is kept away.
    #[arg(long)]
    reason: String,
    #[arg(long)]
    from: Option<String>,
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    operator: Operator,
}

/// Runs one of them, most as a signed request, and prints the answer in words; exit code 1 when it was refused.
pub async fn routing(command: Routing) -> anyhow::Result<ExitCode> {
    let switches = "/v1/routing/switches".to_owned();
    let (json, request, words): (bool, Request, Words) = match command {
        Routing::Off(off) => (off.operator.json, set(off, "kill", switches), routing_text::switch),
        Routing::Maintenance(off) => {
            (off.operator.json, set(off, "maintenance", switches), routing_text::switch)
        }
        Routing::Lift { id, reason, operator } => {
            let body = json!({ "reason": reason }).to_string();
            let path = format!("{switches}/{id}/lift");
            (operator.json, operator.request("POST", path, Some(body)), routing_text::switch)
        }
        Routing::Switches { operator } => {
            let path = format!("{switches}?on=true");
            (operator.json, operator.request("GET", path, None), routing_text::switches)
        }
        Routing::Health { operator } => {
            let path = "/v1/routing/health".to_owned();
            (operator.json, operator.request("GET", path, None), routing_text::health)
        }
        Routing::Rules { version } => return rules(version.as_deref()).await,
    };
    if json {
        return call(request).await;
    }
    let (status, body) = send(request).await?;
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    if status.is_success() {
        print!("{}", words(&answer));
    } else {
        eprintln!("{}", routing_text::refusal(status.as_u16(), &answer));
    }
    Ok(exit_code(status))
}

/// An answer in words.
type Words = fn(&Value) -> String;

/// Prints what each version says; exit code 1 when there is none of that name.
async fn rules(version: Option<&str>) -> anyhow::Result<ExitCode> {
    let db = Db::connect(&app_url()?, 2).await.context("connecting to the database")?;
    let mut known = routing_versions::all(db.pool()).await.context("reading the versions")?;
    known.retain(|one| version.is_none_or(|named| one.version == named));
    for one in &known {
        println!("{}, since {}", one.version, time_text(one.since));
        one.text.lines().for_each(|line| println!("  {line}"));
    }
    if let (Some(named), true) = (version, known.is_empty()) {
        eprintln!("no rules of the version `{named}` are known: leave it out to see all versions");
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

fn set(off: Off, kind: &str, path: String) -> Request {
    let Off { psp, country, direction, method, reason, from, until, operator } = off;
    let said = [
        ("psp", psp),
        ("country", country),
        ("direction", direction),
        ("method", method),
        ("from", from),
        ("until", until),
        ("kind", Some(kind.to_owned())),
        ("reason", Some(reason)),
    ];
    let said = said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into())));
    let body: Map<String, Value> = said.collect();
    operator.request("POST", path, Some(Value::Object(body).to_string()))
}
