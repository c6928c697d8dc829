//! `erase`: propose that a player's personal data be erased, and approve it as another person.

use super::ask::{Request, exit_code, send};
use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;

/// Whose data, why, and by whose key.
#[derive(Debug, Args)]
pub struct Erase {
    /// The player's id, of the key's own operator. With --approve: whose erasure is meant; without it that is
    /// shown and asked for.
    #[arg(long, required_unless_present = "approve")]
    player: Option<String>,
    /// Why, for whoever approves it and for who asks later; without personal data.
    #[arg(long, required_unless_present = "approve")]
    reason: Option<String>,
    /// Approve the erasure that another person proposed: the review's id. Nothing brings the data back.
    #[arg(long, value_name = "REVIEW", conflicts_with = "reason")]
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
    println!(
        "{id}: proposed. Another person approves it: \
         interlock erase --approve {id} --player {player} --key …"
    );
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
    let open = open.with_context(|| format!("{review} has no open proposal"))?;
    let player = found["player_id"].as_str().context("the review names no player")?;
    println!("{review} erases the personal data of {player}, for good.");
    let by = open["proposed_by"].as_str().unwrap_or("nobody who is known");
    println!("Proposed by {by}: {}", open["note"].as_str().unwrap_or("without a word"));
    confirm(command.player.as_deref(), player)?;
    let open = open["id"].as_str().context("the proposal has no id")?;
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

/// Whoever approves says whose data goes: a review's id alone is easily that of another player.
fn confirm(named: Option<&str>, player: &str) -> anyhow::Result<()> {
    let typed;
    let named = match named {
        Some(named) => named,
        None if std::io::stdin().is_terminal() => {
            print!("Type the player's id to approve: ");
            let _ = std::io::stdout().flush();
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).context("reading the player's id")?;
            typed = line;
            typed.trim()
        }
        None => bail!("nothing was approved: repeat whose data is erased, --player {player}"),
    };
    if named != player {
        bail!("nothing was approved: the review is of {player}, not of {named}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_is_approved_for_the_player_that_was_named() {
        assert!(confirm(Some("p-1"), "p-1").is_ok());
        let other = confirm(Some("p-2"), "p-1").unwrap_err().to_string();
        assert!(other.contains("the review is of p-1, not of p-2"), "{other}");
    }
}
