//! Step 7, beyond the player's own limits: whom the market's register excludes does not deposit, and
//! neither does who has nothing left over all operators of the market. The casino is told why in words
//! that it may show; no PSP hears of it.

use super::client::{list, text};
use super::stage::{GERMANY, Player, SWEDEN, Stage};
use anyhow::Context as _;
use serde_json::Value;

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    excluded(stage).await?;
    full_elsewhere(stage).await
}

/// The register's word counts, whatever the casino's own record says.
async fn excluded(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(SWEDEN, "Ebba Excluded").await?;
    stage.tell("register", "has excluded her; the casino's own record says nothing of it");
    let blocked = stage.deposit(&player, "100.00").await?;
    let reason = explained(stage, &blocked, "excluded.register_answer")?;
    stage.timeline.check("the player may read why", reason.as_str(), "player.excluded")?;
    stage.wallet_is(&player, "0.00", "0.00").await
}

/// 1,000.00 EUR a month over all operators: the room is reserved before a PSP is asked.
async fn full_elsewhere(stage: &Stage) -> anyhow::Result<()> {
    // The file of limits knows people by their names: each run brings somebody of its own.
    let player = stage.player(GERMANY, &format!("{} Limited", stage.own_name("Lukas"))).await?;
    stage.funded(&player, "900.00").await?;
    let blocked = stage.deposit(&player, "200.00").await?;
    let reason = explained(stage, &blocked, "limit.cross_operator")?;
    let sentence = "900.00 of 1000.00 EUR over all operators is used up";
    stage.timeline.check(sentence, reason.as_str(), "limit.cross_operator_exceeded")?;
    let fits = stage.funded(&player, "100.00").await?;
    let sentence = "what is left over all operators may be used, to the cent";
    stage.timeline.check(sentence, text(&fits, "/credited/amount"), "100.00")?;
    audited(stage, &player, &blocked).await
}

/// What the file said is in the decision, with its own reference: whoever asks whether we asked is shown.
async fn audited(stage: &Stage, player: &Player, blocked: &Value) -> anyhow::Result<()> {
    let officer = stage.api.as_key("sk_officer_a");
    let page = officer.get(&format!("/v1/decisions?payment_id={}", text(blocked, "/id"))).await?;
    let decision = list(&page, "/data").first().context("no decision is recorded")?;
    for rule in ["excluded.register_answer", "limit.cross_operator", "sanctions_pep"] {
        for found in list(decision, "/rules").iter().filter(|it| text(it, "/rule") == rule) {
            stage.tell("officer a", &format!("reads {rule}: {}", text(found, "/observed")));
        }
    }
    stage.wallet_is(player, "1000.00", "0.00").await
}

/// The code that a rule gave the casino for a deposit that no PSP was asked for.
fn explained(stage: &Stage, blocked: &Value, rule: &str) -> anyhow::Result<String> {
    stage.timeline.check("it is blocked", text(blocked, "/status"), "blocked")?;
    let reason = list(blocked, "/reasons").iter().find(|reason| text(reason, "/rule") == rule);
    let reason = reason.with_context(|| format!("no reason names the rule {rule}"))?;
    for name in ["code", "rule", "observed", "threshold", "remedy"] {
        stage.tell("interlock", &format!("{name:<9} {}", text(reason, &format!("/{name}"))));
    }
    stage.timeline.check("no PSP was asked", list(blocked, "/attempts").len(), 0)?;
    Ok(text(reason, "/code").to_owned())
}
