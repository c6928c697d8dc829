//! Sumsub, Onfido and Veriff: every fault of each has the configured outcome, nothing is approved by
//! default, nothing is stuck past its deadline, and what is older or was taken before changes nothing.

mod messages;
mod words;

use super::harness::{SOON, Setup, World, deposit_order, eur, eventually};
use interlock::domain::{Audience, Kyc, KycStatus, Player, PlayerKey};
use serde_json::json;
use std::time::Duration;

const RULE: &str = r#"
[[rules]]
id = "kyc.vendor"
effect = "deny"
level_min = 2
max_age_s = 31536000
on_failure = "review"
on_pending = "review"
source = "the tests"
source_date = "2026-11-21"
"#;
const VENDORS: [&str; 3] = ["sumsub", "onfido", "veriff"];
const PATIENCE: Duration = Duration::from_secs(600);

async fn world_with(settings: Vec<(&'static str, String)>) -> World {
    let mut all = settings;
    for vendor in [
        ("checks.sumsub.deadline_ms", "checks.sumsub.patience_s"),
        ("checks.onfido.deadline_ms", "checks.onfido.patience_s"),
        ("checks.veriff.deadline_ms", "checks.veriff.patience_s"),
    ] {
        all.push((vendor.0, "700".to_owned()));
        all.push((vendor.1, PATIENCE.as_secs().to_string()));
    }
    let setup = Setup { rules: RULE.to_owned(), vendors: &VENDORS, ..Setup::default() };
    World::with(Setup { settings: all, ..setup }).await
}

async fn world() -> World {
    world_with(Vec::new()).await
}

const NOBODY_KNOWS: Kyc = Kyc { status: KycStatus::Unverified, level: 0, verified_at: None };

/// A player whom nobody has verified.
async fn unverified(world: &World, name: &str) -> PlayerKey {
    let key = world.player("DE").await;
    let known = world.read_player(&key).await;
    let player = Player { full_name: name.to_owned(), kyc: NOBODY_KNOWS, ..known };
    world.change_player(player).await;
    key
}

/// What is worth 2 in the sandbox.
fn level_of(vendor: &str) -> &'static str {
    match vendor {
        "sumsub" => "basic-kyc-level",
        "onfido" => "check",
        _ => "session",
    }
}

async fn submit(world: &World, vendor: &str, key: &PlayerKey, name: &str) -> String {
    let body = json!({"player_id": key.player.as_str(), "full_name": name,
        "level": level_of(vendor)});
    world.mocks.verify_identity(vendor, body).await
}

async fn kyc(world: &World, key: &PlayerKey) -> (KycStatus, i16) {
    let kyc = world.read_player(key).await.kyc;
    (kyc.status, kyc.level)
}

async fn becomes(world: &World, key: &PlayerKey, expected: (KycStatus, i16)) {
    eventually(&format!("{expected:?}"), SOON, || async {
        (kyc(world, key).await == expected).then_some(())
    })
    .await;
}

/// How many answers of this state are kept of a player.
async fn answers(world: &World, key: &PlayerKey, state: &str) -> i64 {
    let sql = format!(
        "select count(*) from vendor_result where hook = 'kyc' and state = '{state}'
           and player_id = '{}'",
        key.player
    );
    world.number(&sql).await
}

async fn incidents(world: &World, kind: &str) -> Vec<String> {
    let sql = format!("select detail from service_incident where kind = '{kind}'");
    world.texts(&sql).await
}

/// What the rule says of a deposit now.
async fn deposit_reason(world: &World, key: &PlayerKey) -> (String, Option<(String, Audience)>) {
    let payment = world.one().deposit(deposit_order(key, eur(1_000))).await;
    let own = payment.reasons.iter().find(|it| it.rule.as_deref() == Some("kyc.vendor"));
    let told = own.map(|reason| (reason.code.clone(), reason.audience));
    (payment.status.as_str().to_owned(), told)
}
