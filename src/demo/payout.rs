//! Step 3: a withdrawal is held, screened and sent to two people; one proposes, the same person under
//! another key may not approve, another person does; it is paid to where the deposit came from, and
//! the hold is captured.

use super::client::{list, text};
use super::receiver::short;
use super::stage::{GERMANY, PATIENCE, Player, Stage};
use anyhow::Context as _;
use serde_json::{Value, json};

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(GERMANY, "Jonas Beispiel").await?;
    let deposit = stage.funded(&player, "1500.00").await?;
    for psp in [GERMANY.first, GERMANY.second] {
        stage.mocks.bank_waits(psp).await?;
    }
    stage.tell("bank", "will let payouts wait until it is told");

    let withdrawal = stage.withdraw(&player, "1200.00", None).await?;
    let id = text(&withdrawal, "/id").to_owned();
    let sentence = "from 1000.00 EUR on two people decide";
    stage.timeline.check(sentence, text(&withdrawal, "/status"), "in_review")?;
    let source = text(&withdrawal, "/parts/0/destination/deposit_id");
    let sentence = "without a destination it goes back to the deposit's source";
    stage.timeline.check(sentence, source, text(&deposit, "/id"))?;
    stage.wallet_is(&player, "300.00", "1200.00").await?;
    screened(stage, &id).await?;
    two_people(stage, &id, "approve").await?;

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
            let came_out = if rule["hit"] == true {
                format!("found, so {}", pick("/effect"))
            } else {
                "as wanted".to_owned()
            };
            format!(
                "{}: {}, wanted {} {}: {came_out}",
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
    stage.timeline.check("the decision sent it to people", outcome, "review")
}

/// One person proposes, another approves; the same person with another key is refused.
pub(super) async fn two_people(stage: &Stage, id: &str, outcome: &str) -> anyhow::Result<()> {
    let (anna, bo) = (stage.api.as_key("sk_officer_a"), stage.api.as_key("sk_officer_b"));
    let open = anna.get("/v1/reviews?open=true&limit=200").await?;
    let ours = |review: &&Value| text(review, "/payment_id") == id;
    let review = list(&open, "/data").iter().find(ours).context("no review is open")?;
    let review = text(review, "/id").to_owned();
    let note = match outcome {
        "approve" => "the source is the player's own account",
        _ => "birth date and places are those of the entry",
    };
    let proposal = json!({ "outcome": outcome, "note": note });
    let path = |act: &str| format!("/v1/reviews/{review}/{act}");
    let proposed = anna.post(&path("propose"), &proposal).await?.expect(201)?;
    stage.tell("officer a", &format!("proposes to {outcome} it"));
    let proposals = list(&proposed, "/proposals");
    let proposal = proposals.last().map(|last| text(last, "/id")).context("no proposal")?;
    let approval = json!({ "proposal": proposal });
    let again = stage.api.as_key("sk_officer_a2").post(&path("approve"), &approval).await?;
    let refused = (again.status, text(&again.body, "/code"));
    let sentence = "the same person with another key may not approve";
    stage.timeline.check(sentence, refused, (409, "review.same_person"))?;
    bo.post(&path("approve"), &approval).await?.expect(200)?;
    stage.tell("officer b", "approves the proposal");
    Ok(())
}

async fn paid(stage: &Stage, player: &Player, id: &str) -> anyhow::Result<()> {
    stage.payment_when(id, "processing", PATIENCE).await?;
    let withdrawal = stage.with_the_psp(id).await?;
    let held = stage.cash(player).await?.held;
    let sentence = "as long as the bank has not paid, the money stays reserved";
    stage.timeline.check(sentence, held.as_str(), "1200.00")?;
    stage.acts("bank", &withdrawal).await?;

    let withdrawal = stage.payment_when(id, "paid", PATIENCE).await?;
    stage.casino.hears("withdrawal.paid", id).await?;
    stage.wallet_is(player, "300.00", "0.00").await?;
    let captured = stage.booked(player, id, "payout_captured", "player_held").await?;
    stage.timeline.check("the hold is captured once", captured, 1)?;
    let (psp, movement) = stage.movement(&withdrawal).await?;
    let moved = (text(&movement, "/kind"), text(&movement, "/amount"), text(&movement, "/status"));
    let sentence = format!("{psp} paid 1200.00 once");
    stage.timeline.check(&sentence, moved, ("payout", "1200.00", "succeeded"))
}
