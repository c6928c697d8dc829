//! Step 6: a forged, a stale and a replayed webhook bounce. The payer has paid and the PSP's honest
//! webhooks are lost, so that a forged one would be believed if anything here believed it.

use super::client::text;
use super::stage::{BRITAIN, PATIENCE, Player, Stage};
use serde_json::{Value, json};

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(BRITAIN, "Amelia Sample").await?;
    let psp = BRITAIN.first;
    // One for each of the three events of a paid deposit.
    let lost = json!({ "operation": "create_deposit", "fault": "webhook_drop", "times": 3 });
    stage.mocks.fault(psp, &lost).await?;
    stage.tell(psp, "will lose its webhooks");
    let deposit = stage.deposit(&player, "25.00").await?;
    stage.timeline.check(
        "this market asks another PSP first",
        text(&deposit, "/attempts/0/psp"),
        psp,
    )?;
    stage.acts("payer", &deposit).await?;
    let (_, movement) = stage.movement(&deposit).await?;
    let reference = text(&movement, "/reference");

    forged(stage, &player, &deposit, reference).await?;
    stale(stage, &player, &deposit, reference).await?;
    replayed(stage, &player, &deposit, reference).await
}

async fn forged(
    stage: &Stage,
    player: &Player,
    deposit: &Value,
    reference: &str,
) -> anyhow::Result<()> {
    let how = json!({ "times": 2, "bad_signature": true });
    let statuses = stage.mocks.resend(BRITAIN.first, reference, how).await?;
    stage.tell("attacker", "sends \"it is paid\" twice, with a forged signature");
    stage.timeline.check("both are refused with 401", statuses, vec![401, 401])?;
    let now = stage.payment(text(deposit, "/id")).await?;
    stage.timeline.check("nothing changed", text(&now, "/status"), "action_required")?;
    stage.wallet_is(player, "0.00", "0.00").await
}

/// Signed by the PSP, but an hour old: it moves nothing, and it is reason enough to ask the PSP.
async fn stale(
    stage: &Stage,
    player: &Player,
    deposit: &Value,
    reference: &str,
) -> anyhow::Result<()> {
    let how = json!({ "times": 1, "age_s": 3_600 });
    let statuses = stage.mocks.resend(BRITAIN.first, reference, how).await?;
    stage.tell("attacker", "sends a recorded webhook of the PSP, one hour old");
    stage.timeline.check("it is refused with 401 and moves nothing itself", statuses, vec![401])?;
    stage.tell("interlock", "asks the PSP about the attempt that it named");
    let deposit = stage.payment_when(text(deposit, "/id"), "succeeded", PATIENCE).await?;
    let credited = text(&deposit, "/credited/amount");
    stage.timeline.check("what the PSP itself answers is credited", credited, "25.00")?;
    stage.wallet_is(player, "25.00", "0.00").await
}

/// Genuine and fresh, and sent three times.
async fn replayed(
    stage: &Stage,
    player: &Player,
    deposit: &Value,
    reference: &str,
) -> anyhow::Result<()> {
    let statuses = stage.mocks.resend(BRITAIN.first, reference, json!({ "times": 3 })).await?;
    stage.tell("attacker", "replays the genuine webhook three times");
    let sentence = "each is answered as the PSP expects, so that it stops sending";
    stage.timeline.check(sentence, statuses, vec![200, 200, 200])?;
    let id = text(deposit, "/id");
    stage.casino.hears("deposit.succeeded", id).await?;
    stage.wallet_is(player, "25.00", "0.00").await?;
    let credits = stage.booked(player, id, "deposit_captured", "player_cash").await?;
    stage.timeline.check("the ledger has one credit for it", credits, 1)
}
