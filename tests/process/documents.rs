//! The commands of the documents, run as a reader would copy them.

use super::world::World;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// Every fault that a mock has; a reader must find each.
const FAULTS: &[&str] = &[
    "connection_reset_before",
    "connection_reset_after_accept",
    "timeout_before_accept",
    "timeout_after_accept",
    "http_500",
    "http_500_after_accept",
    "http_503",
    "http_429",
    "malformed_body",
    "empty_body",
    "slow",
    "decline_soft",
    "decline_hard",
    "webhook_drop",
    "webhook_duplicate",
    "webhook_reorder",
    "webhook_delay",
    "webhook_bad_signature",
    "webhook_stale",
    "webhook_wrong_amount",
    "webhook_wrong_currency",
    "webhook_before_response",
    "success_after_decline",
];

/// Names that are not a variable's like others in zsh, which many readers have: the first changes PATH.
const OF_ZSH: [&str; 3] = ["path=", "status=", "argv="];

/// The blocks that a reader copies, one after the other.
fn commands(document: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let blocks: Vec<String> =
        blocks.map(|block| block.split_once("```").unwrap().0.to_owned()).collect();
    for word in blocks.iter().flat_map(|block| block.split_whitespace()) {
        assert!(!OF_ZSH.iter().any(|name| word.starts_with(name)), "{document}: {word}");
    }
    blocks
}

#[tokio::test]
async fn every_command_of_the_first_page_works() {
    let blocks = commands("README.md");
    let said = copied(&blocks.join("\necho\n")).await;
    assert!(said.contains(r#""status":"action_required""#), "{said}");
    assert!(said.contains(r#""fault":"connection_reset_after_accept""#), "{said}");
    // The wallet, which nobody has paid into: plainly, by one's own signature, and by the program's.
    assert_eq!(said.matches(r#"{"balances":[]}"#).count(), 3, "{said}");
    assert!(!said.contains(r#""status":4"#), "{said}");
}

#[tokio::test]
async fn every_command_about_the_mocks_works() {
    let blocks = commands("docs/mocks.md");
    assert!(10 < blocks.len());
    let script = blocks.join("\n");
    for fault in FAULTS {
        let named =
            script.split(|c: char| c.is_whitespace() || c == '"').any(|word| word == *fault);
        assert!(named, "docs/mocks.md does not script {fault}");
    }
    let said = copied(&script).await;
    // What the page says that a reader will see.
    assert!(said.contains(r#""status":"charged_back""#), "{said}");
    assert!(said.contains(r#""status":"abandoned""#), "{said}");
    assert!(said.contains(r#""status":401"#), "{said}");
}

#[tokio::test]
async fn every_command_about_webhooks_works() {
    let blocks = commands("docs/webhooks.md");
    let said = copied(&blocks.join("\n")).await;
    assert!(said.contains(r#""secret":"whsec_"#), "{said}");
    // What the page computes is what it prints, and what the specification's example says.
    let signature = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert!(said.lines().any(|line| line == signature), "{said}");
    assert!(blocks.iter().any(|block| block.contains(&format!("# {signature}"))));
    assert!(said.contains(r#""event_type":"deposit."#), "{said}");
    assert!(said.contains(r#""deliveries":"#), "{said}");
}

#[tokio::test]
async fn every_command_about_the_markets_works() {
    let blocks = commands("docs/markets.md");
    let said = copied(&blocks.join("\n")).await;
    // What came in less what went out, in every market.
    for wallet in [
        r#"{"currency":"SEK","fund":"cash","available":"300.00","held":"0.00","owed":"0.00"}"#,
        r#"{"currency":"EUR","fund":"cash","available":"80.00","held":"0.00","owed":"0.00"}"#,
        r#"{"currency":"GBP","fund":"cash","available":"60.00","held":"0.00","owed":"0.00"}"#,
        r#"{"currency":"BRL","fund":"cash","available":"60.00","held":"0.00","owed":"0.00"}"#,
        r#"{"currency":"CAD","fund":"cash","available":"60.00","held":"0.00","owed":"0.00"}"#,
        r#""currency":"USDT","fund":"cash","available":"60.000000","held":"0.000000""#,
    ] {
        assert!(said.contains(wallet), "no {wallet} in\n{said}");
    }
    // And who is stopped, by which rule; only compliance reads of lists.
    for told in [
        r#""code":"player.excluded""#,
        r#""code":"limit.cross_operator_exceeded""#,
        r#""code":"names.sanctions""#,
    ] {
        assert!(said.contains(told), "no {told} in\n{said}");
    }
}

/// Copies the commands into one shell, against a whole sandbox; gives what they said.
async fn copied(script: &str) -> String {
    let world = World::new().await;
    let mut service = world.serve().await;
    service.says("sandbox is running").await;
    let script = script
        .replace("http://127.0.0.1:8080", &world.place.api_url())
        .replace("http://127.0.0.1:8090", &world.place.control_url())
        .replace("target/release/interlock", env!("CARGO_BIN_EXE_interlock"));
    // A pipe's end must not hide a curl that failed.
    let script = format!("set -eu -o pipefail\n{script}");
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(&script).env("NO_PROXY", "*").kill_on_drop(true);
    bash.env("INTERLOCK__SANDBOX__DIR", world.place.home());
    let output = bash.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}\nafter\n{said}");
    service.stop(nix::sys::signal::Signal::SIGTERM).await;
    world.end().await;
    said
}
