//! Step 5: a PSP fails, it is found out, traffic moves; it is well again, and its traffic comes back.

use super::client::{list, text};
use super::stage::{GERMANY, Player, Stage};
use serde_json::Value;
use std::time::{Duration, Instant};

/// So many deposits at most until a closed port is known.
const DEPOSITS_MAX: usize = 10;
/// A PSP that fell again a short while ago, as in a demo that is repeated, is trusted later.
const PATIENCE: Duration = Duration::from_secs(120);
/// Deposits come at this pace while it recovers.
const PACE: Duration = Duration::from_millis(250);

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(GERMANY, "Erik Exempel").await?;
    stage.mocks.listener(GERMANY.first, false).await?;
    stage.tell(GERMANY.first, "goes down: its port is closed");
    let (deposits, deposit) = until_asked_last(stage, &player).await?;
    let sentence = format!("after {deposits} deposits {} is asked last", GERMANY.first);
    stage.timeline.check(&sentence, first_asked(&deposit), GERMANY.second)?;
    stage.timeline.check("the payment says why", reason(&deposit), "it fails: asked last")?;

    stage.mocks.listener(GERMANY.first, true).await?;
    stage.tell(GERMANY.first, "is up again");
    let began = Instant::now();
    stage.tell("casino", "goes on depositing 10.00 EUR, four times a second");
    stage.casino.set_quiet(true);
    let back = until_back(stage, &player, began).await;
    stage.casino.set_quiet(false);
    let deposit = back?;
    let sentence = format!(
        "its traffic is back after {} s, one payment at a time before",
        began.elapsed().as_secs()
    );
    stage.timeline.check(&sentence, first_asked(&deposit), GERMANY.first)?;
    stage.timeline.check(
        "as its place in the route is",
        reason(&deposit),
        "first choice of the route",
    )
}

/// Every deposit until then is taken by the second PSP in the same request.
async fn until_asked_last(stage: &Stage, player: &Player) -> anyhow::Result<(usize, Value)> {
    for deposits in 0..DEPOSITS_MAX {
        let deposit = stage.deposit(player, "10.00").await?;
        anyhow::ensure!(
            text(&deposit, "/status") == "action_required",
            "a deposit that {} could have taken is {}",
            GERMANY.second,
            text(&deposit, "/status")
        );
        if reason(&deposit) == "it fails: asked last" {
            return Ok((deposits, deposit));
        }
    }
    anyhow::bail!("{DEPOSITS_MAX} deposits met a closed port, and it was not found out")
}

async fn until_back(stage: &Stage, player: &Player, began: Instant) -> anyhow::Result<Value> {
    while began.elapsed() < PATIENCE {
        let body = stage.deposit_body(player, "10.00");
        let deposit = stage.api.post("/v1/deposits", &body).await?.expect(201)?;
        if reason(&deposit) == "first choice of the route" {
            return Ok(deposit);
        }
        tokio::time::sleep(PACE).await;
    }
    anyhow::bail!("{} was not trusted again within {} s", GERMANY.first, PATIENCE.as_secs())
}

/// The PSP of the first attempt.
fn first_asked(deposit: &Value) -> &str {
    text(deposit, "/attempts/0/psp")
}

/// What the plan says of the first PSP.
fn reason(deposit: &Value) -> &str {
    let mut candidates = list(deposit, "/route/candidates").iter();
    let first = candidates.find(|candidate| text(candidate, "/psp") == GERMANY.first);
    first.map_or("", |candidate| text(candidate, "/reason"))
}
