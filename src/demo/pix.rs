//! Step 2: a Brazilian player scans a PIX QR code; a player in Malta gets an address for coins, sends less
//! than was asked, and later more without asking: what arrives is credited as it came, once.

use super::client::{list, text};
use super::stage::{BRAZIL, LOOK_EVERY, MALTA, PATIENCE, Player, Stage};
use serde_json::Value;
use std::time::Instant;

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    scans_a_code(stage).await?;
    sends_coins(stage).await
}

async fn scans_a_code(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(BRAZIL, "Joana Exemplo").await?;
    let deposit = stage.deposit(&player, "50.00").await?;
    let action = text(&deposit, "/next_action/type");
    stage.timeline.check("the payer is shown a QR code", action, "qr_code")?;
    let code = text(&deposit, "/next_action/payload");
    let is_pix = code.starts_with("000201") && code.to_lowercase().contains("br.gov.bcb.pix");
    stage.timeline.check("it is a BR Code of PIX", is_pix, true)?;
    stage.acts("payer", &deposit).await?;
    stage.payment_when(text(&deposit, "/id"), "succeeded", PATIENCE).await?;
    stage.wallet_is(&player, "50.00", "0.00").await
}

async fn sends_coins(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(MALTA, "Marija Eżempju").await?;
    let deposit = stage.deposit(&player, "25.00").await?;
    let action = text(&deposit, "/next_action/type");
    stage.timeline.check("the payer is told where to send coins", action, "crypto_transfer")?;
    let psp = text(&deposit, "/attempts/0/psp").to_owned();
    let address = text(&deposit, "/next_action/address").to_owned();
    let network = text(&deposit, "/next_action/network");
    stage.tell(&psp, &format!("has an address on {network} for {}", player.id));

    come(stage, &player, (&psp, &address), "20.00").await?;
    let paid = stage.payment_when(text(&deposit, "/id"), "succeeded", PATIENCE).await?;
    let credited = text(&paid, "/credited/amount");
    stage.timeline.check("less came than was asked: that is credited", credited, "20.000000")?;
    stage.wallet_is(&player, "20.000000", "0.000000").await?;

    come(stage, &player, (&psp, &address), "30.00").await?;
    let unasked = unsolicited(stage, &player).await?;
    let credited = text(&unasked, "/credited/amount");
    stage.timeline.check("what nobody asked for is a deposit too", credited, "30.000000")?;
    stage.wallet_is(&player, "50.000000", "0.000000").await
}

/// Coins come to an address and are confirmed.
async fn come(
    stage: &Stage,
    player: &Player,
    (psp, address): (&str, &str),
    amount: &str,
) -> anyhow::Result<()> {
    let movement = stage.mocks.send_coins(psp, address, amount).await?;
    stage.arrived(player, psp, text(&movement, "/reference"));
    stage.tell("payer", &format!("sends {amount} {} to the address", player.market.currency));
    Ok(())
}

/// The player's deposit that no request asked for, once it is credited.
async fn unsolicited(stage: &Stage, player: &Player) -> anyhow::Result<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = stage.api.get(&format!("/v1/deposits?player_id={}", player.id)).await?;
        let credited = |deposit: &&Value| {
            text(deposit, "/origin") == "unsolicited" && text(deposit, "/status") == "succeeded"
        };
        if let Some(deposit) = list(&found, "/data").iter().find(credited) {
            return Ok(deposit.clone());
        }
        anyhow::ensure!(Instant::now() < until, "the coins are no deposit of {} yet", player.id);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
