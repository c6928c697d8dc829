//! Step 7: a deposit over the player's own limit is blocked, with the rule, what it observed and its
//! threshold; no PSP hears of it.

use super::client::{list, text};
use super::stage::{GERMANY, Stage};
use anyhow::Context as _;
use serde_json::{Value, json};

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(GERMANY, "Lena Beispiel").await?;
    let wanted = json!([
        { "kind": "deposit", "period": "day", "amount": "50.00", "currency": "EUR" }
    ]);
    let path = format!("/v1/players/{}/limits", player.id);
    let limits = stage.api.put(&path, &wanted).await?.expect(200)?;
    stage.tell("player", "sets a limit of their own: 50.00 EUR a day");
    stage.timeline.check("it holds at once", text(&limits, "/0/amount"), "50.00")?;

    stage.funded(&player, "30.00").await?;
    let blocked = stage.deposit(&player, "30.00").await?;
    explained(stage, &blocked)?;
    let attempts = list(&blocked, "/attempts").len();
    stage.timeline.check("no PSP was asked", attempts, 0)?;
    stage.casino.hears("deposit.blocked", text(&blocked, "/id")).await?;
    stage.wallet_is(&player, "30.00", "0.00").await?;

    let fits = stage.funded(&player, "20.00").await?;
    let sentence = "what is left of the limit may still be used, to the cent";
    stage.timeline.check(sentence, text(&fits, "/credited/amount"), "20.00")?;
    stage.wallet_is(&player, "50.00", "0.00").await
}

fn explained(stage: &Stage, blocked: &Value) -> anyhow::Result<()> {
    stage.timeline.check("it is blocked", text(blocked, "/status"), "blocked")?;
    let of_limit = |reason: &&Value| text(reason, "/rule") == "limit.player";
    let reason = list(blocked, "/reasons").iter().find(of_limit);
    let reason = reason.context("no reason names the rule limit.player")?;
    for name in ["code", "rule", "observed", "threshold", "remedy"] {
        stage.tell("interlock", &format!("{name:<9} {}", text(reason, &format!("/{name}"))));
    }
    let observed = text(reason, "/observed").ends_with("60.00 EUR");
    stage.timeline.check("the observed value is both deposits, 60.00 EUR", observed, true)?;
    stage.timeline.check("the threshold is the limit", text(reason, "/threshold"), "50.00 EUR")
}
