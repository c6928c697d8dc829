//! Step 3, the other end of it: a withdrawal of somebody whose name is on a list is held. The player and
//! the casino learn that it is looked at and nothing more; compliance sees the list and the score. Two
//! people decide.

use super::client::{list, text};
use super::payout;
use super::stage::{GERMANY, Stage};
use anyhow::Context as _;
use serde_json::{Value, json};

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let player = stage.player(GERMANY, "Viktor Beispiel").await?;
    stage.funded(&player, "80.00").await?;
    stage.rename(&player, "Viktor Sanctioned").await?;
    let withdrawal = stage.withdraw(&player, "50.00", None).await?;
    let id = text(&withdrawal, "/id").to_owned();
    stage.timeline.check("it is held", text(&withdrawal, "/status"), "in_review")?;
    stage.wallet_is(&player, "30.00", "50.00").await?;

    let session = json!({ "player_id": player.id, "ttl_s": 300 });
    let session = stage.api.post("/v1/player-sessions", &session).await?.expect(201)?;
    let browser = stage.api.as_key(text(&session, "/token"));
    let path = format!("/v1/withdrawals/{id}");
    for (who, seen) in [
        ("the player", browser.get(&path).await?),
        ("the casino", stage.api.get(&path).await?),
        ("the casino's log", stage.api.get(&format!("/v1/decisions?payment_id={id}")).await?),
    ] {
        let sentence = format!("{who} is not told of any list");
        stage.timeline.check(&sentence, tells_of_lists(&seen), false)?;
    }
    let cancelled = browser.post(&format!("{path}/cancel"), &json!({})).await?;
    let refused = (cancelled.status, text(&cancelled.body, "/code"));
    let sentence = "and cannot call it back";
    stage.timeline.check(sentence, refused, (409, "withdrawal.not_cancellable"))?;
    compliance_knows(stage, &id).await?;

    payout::two_people(stage, &id, "reject").await?;
    stage.payment_when(&id, "rejected", super::stage::PATIENCE).await?;
    stage.wallet_is(&player, "80.00", "0.00").await
}

fn tells_of_lists(seen: &Value) -> bool {
    let told = seen["data"].as_array().map_or_else(
        || seen.to_string(),
        |all| {
            let reasons =
                all.iter().flat_map(|one| [&one["reasons"], &one["rules"], &one["outcome"]]);
            reasons.map(Value::to_string).collect()
        },
    );
    ["sanction", "names.", "\"hold\""].iter().any(|word| told.contains(word))
}

async fn compliance_knows(stage: &Stage, id: &str) -> anyhow::Result<()> {
    let officer = stage.api.as_key("sk_officer_a");
    let page = officer.get(&format!("/v1/decisions?payment_id={id}")).await?;
    let decision = list(&page, "/data").first().context("no decision is recorded")?;
    let reasons = list(decision, "/reasons").iter();
    let named: Vec<&Value> =
        reasons.filter(|reason| text(reason, "/rule") == "sanctions_pep").collect();
    for reason in &named {
        stage.tell(
            "officer a",
            &format!("reads {}: {}", text(reason, "/code"), text(reason, "/observed")),
        );
    }
    let sentence = "compliance sees both matchers' entries and scores";
    stage.timeline.check(sentence, named.len(), 2)
}
