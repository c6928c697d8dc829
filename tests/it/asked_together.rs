//! Registers and matchers are asked at the same time, each with its own deadline: in front of both stands a
//! gate that opens when somebody has come to each.

use super::harness::{Setup, World, deposit_order, eur};
use interlock::domain::Player;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

const RULES: &str = r#"
[[rules]]
id = "excluded.register_answer"
effect = "deny"
max_age_s = 3600
source = "the tests"
source_date = "2026-11-21"

[[rules]]
id = "sanctions_pep"
effect = "hold"
block_score = "0.95"
review_score = "0.80"
max_age_s = 86400
on_failure = "review"
source = "the tests"
source_date = "2026-11-21"
"#;

/// Stands before a vendor. Who comes first waits until somebody is at the other gate too.
struct Gate {
    url: String,
    vendor: Arc<OnceLock<String>>,
}

async fn gate(together: Arc<Barrier>) -> Gate {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let vendor = Arc::new(OnceLock::new());
    let behind = vendor.clone();
    tokio::spawn(async move {
        let mut first = Some(together);
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(pass(socket, behind.clone(), first.take()));
        }
    });
    Gate { url, vendor }
}

async fn pass(mut socket: TcpStream, vendor: Arc<OnceLock<String>>, first: Option<Arc<Barrier>>) {
    if let Some(together) = first {
        together.wait().await;
    }
    let url = vendor.get().unwrap();
    let mut behind = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let _ = copy_bidirectional(&mut socket, &mut behind).await;
}

/// Asked one after the other, the first would wait for the second until its deadline, and say nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_register_and_a_matcher_are_asked_at_once_and_each_has_its_place() {
    let together = Arc::new(Barrier::new(2));
    let (register, matcher) = (gate(together.clone()).await, gate(together).await);
    let setup = Setup {
        rules: RULES.to_owned(),
        vendors: &["register-de", "watchman"],
        settings: vec![
            ("checks.register_de.base_url", register.url.clone()),
            ("checks.watchman.base_url", matcher.url.clone()),
            // Long enough for a slow machine: nobody waits for it where both are asked.
            ("checks.register_de.deadline_ms", "20000".to_owned()),
            ("checks.watchman.deadline_ms", "20000".to_owned()),
        ],
        // Nobody asks in the background: that would open a gate alone.
        workers: false,
        ..Setup::default()
    };
    let world = World::with(setup).await;
    register.vendor.set(world.mocks.vendor_url("register-de")).unwrap();
    matcher.vendor.set(world.mocks.vendor_url("watchman")).unwrap();
    let player = world.player("DE").await;
    let known = world.read_player(&player).await;
    let national_id = Some("X-1".to_owned());
    world.change_player(Player { national_id, ..known }).await;
    let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    assert_eq!(deposit.status.as_str(), "action_required", "{:?}", deposit.reasons);
    let kept =
        format!("select inputs::text from decision where payment_id = '{}'", deposit.id.uuid);
    let facts: Value = serde_json::from_str(&world.texts(&kept).await.remove(0)).unwrap();
    let checks = &facts["checks"];
    assert_eq!(checks["register"]["found"]["standing"], "not_excluded", "{checks}");
    assert_eq!(checks["names"][0]["matcher"], "watchman", "{checks}");
    assert!(checks["names"][0]["found"]["version"].is_string(), "{checks}");
    world.leave_open();
}
