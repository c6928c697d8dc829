//! Step 4: a payout times out after the PSP took it. The outcome is unknown, which is a state of its
//! own: the money stays reserved, no second PSP is asked, and the first one's answer to a question
//! settles it. The PSP's webhook is lost too, so that only the question can find out.

use super::client::{list, text};
use super::receiver::short;
use super::stage::{BRITAIN, LOOK_EVERY, PATIENCE, Player, Stage};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A call may take 30 s; then the attempt is unknown, and is asked about within seconds.
const PATIENCE_WITH_A_TIMEOUT: Duration = Duration::from_secs(60);
/// While nothing happens the timeline says so this often.
const STILL_EVERY: Duration = Duration::from_secs(10);

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(BRITAIN, "Oliver Example").await?;
    stage.funded(&player, "50.00").await?;
    let psp = BRITAIN.first;
    let took = json!({ "operation": "create_payout", "fault": "timeout_after_accept", "times": 1 });
    stage.mocks.fault(psp, &took).await?;
    let lost = json!({ "operation": "create_payout", "fault": "webhook_drop", "times": 1 });
    stage.mocks.fault(psp, &lost).await?;
    stage.tell(psp, "will take the next payout, answer nothing, and lose its webhook");

    let withdrawal = stage.withdraw(&player, "20.00", Some(account())).await?;
    could_fail_over(stage, &withdrawal)?;
    let id = text(&withdrawal, "/id");
    let withdrawal = watch(stage, &player, id).await?;
    paid_once(stage, &player, &withdrawal).await?;

    let next = stage.withdraw(&player, "10.00", Some(account())).await?;
    let next = stage.payment_when(text(&next, "/id"), "paid", PATIENCE).await?;
    stage.casino.hears("withdrawal.paid", text(&next, "/id")).await?;
    let sentence = "the next payout goes the usual way, to the same PSP";
    stage.timeline.check(sentence, text(&next, "/attempts/0/psp"), psp)
}

/// An account that both PSPs of the market can pay.
fn account() -> Value {
    json!({
        "type": "uk_account",
        "sort_code": "040668",
        "account_number": "00000871",
        "holder_name": "Oliver Example",
    })
}

/// That nobody else is asked means something only where somebody else could be.
fn could_fail_over(stage: &Stage, withdrawal: &Value) -> anyhow::Result<()> {
    let candidates = list(withdrawal, "/route/candidates");
    let ranked = candidates.iter().filter(|candidate| candidate["rank"].is_u64()).count();
    stage.timeline.check("two PSPs could pay this account", ranked, 2)
}

/// Looks until the withdrawal is paid, and tells each turn of its attempt. At no time may a second
/// attempt exist or the money be free.
async fn watch(stage: &Stage, player: &Player, id: &str) -> anyhow::Result<Value> {
    let until = Instant::now() + PATIENCE_WITH_A_TIMEOUT;
    let (mut turn, mut told_at) = (String::new(), Instant::now());
    loop {
        let withdrawal = stage.payment(id).await?;
        let attempts = list(&withdrawal, "/attempts");
        anyhow::ensure!(attempts.len() < 2, "a second attempt was made: {withdrawal}");
        let now = attempts.first().map_or("", |attempt| text(attempt, "/status"));
        let (is_new, is_long) = (now != turn, STILL_EVERY <= told_at.elapsed());
        if !now.is_empty() && (is_new || is_long) {
            now.clone_into(&mut turn);
            told_at = Instant::now();
            tell_turn(stage, player, now, is_new).await?;
        }
        let status = text(&withdrawal, "/status");
        if status == "paid" {
            stage.tell("interlock", &format!("{} is paid", short(id)));
            return Ok(withdrawal);
        }
        anyhow::ensure!(matches!(status, "approved" | "processing"), "it became {status}");
        anyhow::ensure!(Instant::now() < until, "it is still {status}, its attempt {now}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn tell_turn(stage: &Stage, player: &Player, turn: &str, is_new: bool) -> anyhow::Result<()> {
    let what = match turn {
        "in_flight" if is_new => "the attempt is in_flight; the PSP has 30 s to answer",
        "in_flight" => "no answer yet: the attempt is still in_flight",
        "unknown" => "the attempt is unknown: money may have moved, so nobody else is asked",
        "accepted" => "asked again, the PSP says that it has it",
        "succeeded" => "the PSP was asked about the same attempt: it was paid",
        other => other,
    };
    let held = if turn == "succeeded" {
        String::new()
    } else {
        format!(" ({} reserved)", stage.cash(player).await?.held)
    };
    stage.tell("interlock", &format!("{what}{held}"));
    Ok(())
}

async fn paid_once(stage: &Stage, player: &Player, withdrawal: &Value) -> anyhow::Result<()> {
    let attempts = list(withdrawal, "/attempts");
    let attempt = attempts.first().context("it was paid without an attempt")?;
    let at = (attempts.len(), text(attempt, "/psp"), text(attempt, "/status"));
    stage.timeline.check(
        "there was one attempt, and it succeeded",
        at,
        (1, BRITAIN.first, "succeeded"),
    )?;
    let id = text(attempt, "/id");
    let elsewhere = stage.mocks.movements(BRITAIN.second, id).await?.len();
    stage.timeline.check(&format!("{} was asked for nothing", BRITAIN.second), elsewhere, 0)?;
    let (psp, movement) = stage.movement(withdrawal).await?;
    let moved = (text(&movement, "/amount"), text(&movement, "/status"));
    stage.timeline.check(&format!("{psp} paid 20.00 once"), moved, ("20.00", "succeeded"))?;
    stage.wallet_is(player, "30.00", "0.00").await?;
    let id = text(withdrawal, "/id");
    let captured = stage.booked(player, id, "payout_captured", "player_held").await?;
    stage.timeline.check("the hold is captured once", captured, 1)?;
    stage.casino.hears("withdrawal.paid", id).await.map(drop)
}
