//! Step 3: a withdrawal is held, screened, and paid to where the deposit came from; the hold is
//! captured. No review: it is worth less than what two people must look at.

use super::client::{list, text};
use super::receiver::short;
use super::stage::{GERMANY, PATIENCE, Player, Stage};
use anyhow::Context as _;
use serde_json::Value;

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(GERMANY, "Jonas Beispiel").await?;
    let deposit = stage.funded(&player, "100.00").await?;
    for psp in [GERMANY.first, GERMANY.second] {
        stage.mocks.bank_waits(psp).await?;
    }
    stage.tell("bank", "will let payouts wait until it is told");

    let withdrawal = stage.withdraw(&player, "40.00", None).await?;
    let id = text(&withdrawal, "/id").to_owned();
    stage.timeline.check("it is approved", text(&withdrawal, "/status"), "approved")?;
    let source = text(&withdrawal, "/parts/0/destination/deposit_id");
    let sentence = "without a destination it goes back to the deposit's source";
    stage.timeline.check(sentence, source, text(&deposit, "/id"))?;
    stage.wallet_is(&player, "60.00", "40.00").await?;
    screened(stage, &id).await?;

    paid(stage, &player, &id).await
}

/// The decision is on record, with what each rule observed.
async fn screened(stage: &Stage, id: &str) -> anyhow::Result<()> {
    let page = stage.api.get(&format!("/v1/decisions?payment_id={id}")).await?;
    let asked = |decision: &&Value| text(decision, "/checkpoint") == "withdrawal.request";
    let decision = list(&page, "/data").iter().find(asked).context("no decision is recorded")?;
    let rules = list(decision, "/rules");
    let observed: Vec<String> = rules
        .iter()
        .filter(|rule| matches!(text(rule, "/rule"), "kyc.level" | "dual_approval"))
        .map(|rule| {
            let pick = |name| text(rule, name);
            format!(
                "{}: {} {} {}",
                pick("/rule"),
                pick("/observed"),
                pick("/operator"),
                pick("/threshold")
            )
        })
        .collect();
    let (outcome, version) = (text(decision, "/outcome"), text(decision, "/policy_version"));
    let decided = short(text(decision, "/id"));
    let count = rules.len();
    stage.tell("interlock", &format!("{decided}: {outcome} under {version}, {count} rules"));
    for line in observed {
        stage.tell("", &line);
    }
    stage.timeline.check("the decision approved it", outcome, "approve")
}

async fn paid(stage: &Stage, player: &Player, id: &str) -> anyhow::Result<()> {
    stage.payment_when(id, "processing", PATIENCE).await?;
    let withdrawal = stage.with_the_psp(id).await?;
    let held = stage.cash(player).await?.held;
    let sentence = "as long as the bank has not paid, the money stays reserved";
    stage.timeline.check(sentence, held.as_str(), "40.00")?;
    stage.acts("bank", &withdrawal).await?;

    let withdrawal = stage.payment_when(id, "paid", PATIENCE).await?;
    stage.casino.hears("withdrawal.paid", id).await?;
    stage.wallet_is(player, "60.00", "0.00").await?;
    let captured = stage.booked(player, id, "payout_captured", "player_held").await?;
    stage.timeline.check("the hold is captured once", captured, 1)?;
    let (psp, movement) = stage.movement(&withdrawal).await?;
    let moved = (text(&movement, "/kind"), text(&movement, "/amount"), text(&movement, "/status"));
    stage.timeline.check(&format!("{psp} paid 40.00 once"), moved, ("payout", "40.00", "succeeded"))
}
