//! Step 1: the first PSP is down, the second takes the deposit. The request is signed, its repeat
//! opens nothing, the PSP's webhook comes twice, and the wallet is credited once.

use super::client::{fresh, list, text};
use super::receiver::short;
use super::stage::{PATIENCE, Player, SWEDEN, Stage};
use serde_json::{Value, json};

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(SWEDEN, "Astrid Exempel").await?;
    stage.mocks.listener(SWEDEN.first, false).await?;
    stage.tell(SWEDEN.first, "goes down: its port is closed");

    let deposit = open_signed(stage, &player).await?;
    went_to_the_second(stage, &deposit)?;
    stage.mocks.listener(SWEDEN.first, true).await?;
    stage.tell(SWEDEN.first, "is up again");

    stage.acts("payer", &deposit).await?;
    let id = text(&deposit, "/id");
    let deposit = stage.payment_when(id, "succeeded", PATIENCE).await?;
    webhook_again(stage, &deposit).await?;
    credited_once(stage, &player, &deposit).await
}

/// One request with a real signature, sent twice under one idempotency key.
async fn open_signed(stage: &Stage, player: &Player) -> anyhow::Result<Value> {
    let body = stage.deposit_body(player, "100.00");
    let key = fresh();
    let answer = stage.api.post_signed("/v1/deposits", &body, &key).await?;
    let deposit = stage.opened("signs POST /v1/deposits", player, answer)?;
    let again = stage.api.post_signed("/v1/deposits", &body, &key).await?.expect(201)?;
    stage.tell("casino", "sends the same request again, as after a lost answer");
    let sentence = "the repeat is told the first answer and opens nothing";
    stage.timeline.check(sentence, &again, &deposit)?;
    Ok(deposit)
}

fn went_to_the_second(stage: &Stage, deposit: &Value) -> anyhow::Result<()> {
    let ranks: Vec<&str> = list(deposit, "/route/candidates")
        .iter()
        .filter(|candidate| candidate["rank"].is_u64())
        .map(|candidate| text(candidate, "/psp"))
        .collect();
    for left_out in list(deposit, "/route/candidates").iter().filter(|it| it["rank"].is_null()) {
        stage.tell("interlock", &kept_out(left_out));
    }
    let sentence = format!("the plan was {}, then {}", SWEDEN.first, SWEDEN.second);
    stage.timeline.check(&sentence, ranks, vec![SWEDEN.first, SWEDEN.second])?;

    let attempts: Vec<(&str, &str)> = list(deposit, "/attempts")
        .iter()
        .map(|attempt| (text(attempt, "/psp"), text(attempt, "/status")))
        .collect();
    let told = vec![(SWEDEN.first, "not_sent"), (SWEDEN.second, "accepted")];
    let sentence = format!("{} provably got nothing, {} took it", SWEDEN.first, SWEDEN.second);
    stage.timeline.check(&sentence, attempts, told)?;
    let error = text(deposit, "/attempts/0/error/code");
    stage.timeline.check(
        "the first attempt says why: connect_refused",
        error,
        "connect_refused",
    )?;

    stage.timeline.check("the payer must act", text(deposit, "/status"), "action_required")?;
    let action = (text(deposit, "/next_action/type"), text(deposit, "/next_action/url"));
    stage.timeline.check("by opening a page of the PSP", action.0, "redirect")?;
    // What follows the # lets anybody pay or refuse in the payer's name.
    let page = action.1.split('#').next().unwrap_or_default();
    stage.tell("payer", &format!("opens {page}#…"));
    Ok(())
}

/// What keeps a candidate out of the plan, a switch of somebody's say: the story cannot be told without both.
fn kept_out(candidate: &Value) -> String {
    let (psp, why) = (text(candidate, "/psp"), text(candidate, "/reason"));
    format!("{psp} is not in the plan: {why} (`interlock routing switches` lists what is off)")
}

/// The webhook was delivered when the payer paid. A PSP that missed our answer sends it again.
async fn webhook_again(stage: &Stage, deposit: &Value) -> anyhow::Result<()> {
    let (psp, movement) = stage.movement(deposit).await?;
    let reference = text(&movement, "/reference");
    let statuses = stage.mocks.resend(&psp, reference, json!({ "times": 1 })).await?;
    stage.tell(&psp, "sends its signed webhook a second time");
    stage.timeline.check("the second one is answered like the first", statuses, vec![200])
}

async fn credited_once(stage: &Stage, player: &Player, deposit: &Value) -> anyhow::Result<()> {
    let id = text(deposit, "/id");
    let kinds = stage.casino.hears("deposit.succeeded", id).await?;
    let told = kinds.iter().filter(|kind| *kind == "deposit.succeeded").count();
    let sentence = format!("the casino was told of {} in order, of its success once", short(id));
    stage.timeline.check(&sentence, told, 1)?;
    stage.wallet_is(player, "100.00", "0.00").await?;
    let credits = stage.booked(player, id, "deposit_captured", "player_cash").await?;
    stage.timeline.check("the ledger has one credit for it", credits, 1)?;
    let at_first = text(deposit, "/attempts/0/id");
    let moved = stage.mocks.movements(SWEDEN.first, at_first).await?.len();
    stage.timeline.check(&format!("{} moved nothing", SWEDEN.first), moved, 0)
}
