//! `erase`: propose that a player's personal data be erased, and approve it as another person.

use super::ask::{Request, exit_code, send};
use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Whose data, why, and by whose key.
#[derive(Debug, Args)]
pub struct Erase {
    /// The player's id, of the key's own operator.
    #[arg(long, required_unless_present = "approve", requires = "reason")]
    player: Option<String>,
    /// Why, for whoever approves it and for who asks later; without personal data.
    #[arg(long)]
    reason: Option<String>,
    /// Approve the erasure that another person proposed: the review's id.
    #[arg(long, value_name = "REVIEW", conflicts_with_all = ["player", "reason"])]
    approve: Option<String>,
    /// The API key's id; it must be a person's, with the scope `compliance`.
    #[arg(long, default_value = "sk_officer_a", env = "INTERLOCK_COMPLIANCE_KEY")]
    key: String,
    /// The key's secret; in the sandbox it equals the id.
    #[arg(long, env = "INTERLOCK_COMPLIANCE_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Where the API is; the running sandbox unless said.
    #[arg(long, env = "INTERLOCK_URL")]
    url: Option<String>,
}

impl Erase {
    fn request(&self, method: &str, path: String, body: Option<&Value>) -> Request {
        Request {
            method: method.to_owned(),
            path,
            body: body.map(ToString::to_string),
            key: self.key.clone(),
            secret: self.secret.clone(),
            url: self.url.clone(),
            idempotency_key: None,
        }
    }
}

/// Runs it. Exit code 1 when it was refused, with the reason.
pub async fn erase(command: Erase) -> anyhow::Result<ExitCode> {
    match (&command.approve, &command.player) {
        (Some(review), _) => approve(&command, review).await,
        (None, Some(player)) => propose(&command, player).await,
        (None, None) => bail!("name the player, or the review to approve"),
    }
}

async fn propose(command: &Erase, player: &str) -> anyhow::Result<ExitCode> {
    let body = json!({ "kind": "erasure", "player_id": player, "note": command.reason });
    let (status, answer) =
        send(command.request("POST", "/v1/reviews".to_owned(), Some(&body))).await?;
    if !status.is_success() {
        eprintln!("{status}\n{answer}");
        return Ok(exit_code(status));
    }
    let review: Value = serde_json::from_str(&answer).context("reading the review")?;
    let id = review["id"].as_str().context("the answer names no review")?;
    println!("{id}: proposed. Another person approves it: interlock erase --approve {id} --key …");
    Ok(ExitCode::SUCCESS)
}

async fn approve(command: &Erase, review: &str) -> anyhow::Result<ExitCode> {
    let path = format!("/v1/reviews/{review}");
    let (status, answer) = send(command.request("GET", path.clone(), None)).await?;
    if !status.is_success() {
        eprintln!("{status}\n{answer}");
        return Ok(exit_code(status));
    }
    let found: Value = serde_json::from_str(&answer).context("reading the review")?;
    if found["kind"] != "erasure" {
        bail!("{review} is no erasure: approve it where its kind is decided");
    }
    let is_open = |proposal: &&Value| proposal["state"] == "open";
    let open = found["proposals"].as_array().into_iter().flatten().find(is_open);
    let open = open.and_then(|proposal| proposal["id"].as_str());
    let open = open.with_context(|| format!("{review} has no open proposal"))?;
    let body = json!({ "proposal": open });
    let (status, answer) =
        send(command.request("POST", format!("{path}/approve"), Some(&body))).await?;
    if status.is_success() {
        println!("{review}: approved. The record is empty, the rest follows within a minute.");
    } else {
        eprintln!("{status}\n{answer}");
    }
    Ok(exit_code(status))
}
