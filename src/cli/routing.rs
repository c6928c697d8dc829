//! `routing`: what an operator on call switches off and on, through the public API, so that it is signed
//! for by a person and holds on every instance.

use super::ask::{Operator, Request, call, exit_code, send};
use super::routing_text;
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

/// Runs one of them as a signed request and prints the answer in words; exit code 1 when it was refused.
pub async fn routing(command: Routing) -> anyhow::Result<ExitCode> {
    let switches = "/v1/routing/switches".to_owned();
    let json = command.operator().json;
    let (request, words): (Request, Words) = match command {
        Routing::Off(off) => (set(off, "kill", switches), routing_text::switch),
        Routing::Maintenance(off) => (set(off, "maintenance", switches), routing_text::switch),
        Routing::Lift { id, reason, operator } => {
            let body = json!({ "reason": reason }).to_string();
            let path = format!("{switches}/{id}/lift");
            (operator.request("POST", path, Some(body)), routing_text::switch)
        }
        Routing::Switches { operator } => {
            let path = format!("{switches}?on=true");
            (operator.request("GET", path, None), routing_text::switches)
        }
        Routing::Health { operator } => {
            let path = "/v1/routing/health".to_owned();
            (operator.request("GET", path, None), routing_text::health)
        }
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

impl Routing {
    const fn operator(&self) -> &Operator {
        match self {
            Routing::Off(off) | Routing::Maintenance(off) => &off.operator,
            Routing::Lift { operator, .. }
            | Routing::Switches { operator }
            | Routing::Health { operator } => operator,
        }
    }
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
