//! Sumsub, Onfido and Veriff: every fault of each has the configured outcome, nothing is approved by
//! default, nothing is stuck past its deadline, and what is older or was taken before changes nothing.

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

/// Everything that a vendor can say or fail to say, and what the record and a deposit then are.
async fn each_word_of(vendor: &'static str) {
    use KycStatus::{Pending, Rejected, Unverified, Verified};
    let world = world().await;
    let player = |code: &str| Some((code.to_owned(), Audience::Player));
    let compliance = || Some(("kyc.rejected".to_owned(), Audience::Compliance));
    // A check of Onfido's that is to be repeated is one to "consider".
    let (retry, retried) = match vendor {
        "onfido" => (Rejected, compliance()),
        _ => (Unverified, player("kyc.incomplete")),
    };
    let rows = [
        ("Erika Mustermann", "final", (Verified, 2), None),
        ("Erika Pending", "pending", (Pending, 0), player("kyc.pending")),
        ("Erika Rejected", "final", (Rejected, 0), compliance()),
        ("Erika Retry", "final", (retry, 0), retried),
        ("Erika Unscored", "error", (Unverified, 0), player("kyc.incomplete")),
        ("Erika Ratelimited", "error", (Unverified, 0), player("kyc.incomplete")),
        ("Erika Malformed", "error", (Unverified, 0), player("kyc.incomplete")),
        ("Erika Late", "error", (Unverified, 0), player("kyc.incomplete")),
    ];
    let mut open = 0;
    for (name, state, expected, reason) in &rows {
        let key = unverified(&world, name).await;
        let reference = submit(&world, vendor, &key, name).await;
        becomes(&world, &key, *expected).await;
        let is_error = *state == "error";
        // Onfido's messages name nobody, so that a failure is on the event alone.
        if !(is_error && vendor == "onfido") {
            eventually("the answer is kept", SOON, || async {
                (0 < answers(&world, &key, state).await).then_some(())
            })
            .await;
        }
        let (status, told) = deposit_reason(&world, &key).await;
        assert_eq!(&told, reason, "{vendor} {name}");
        assert_eq!(status == "action_required", reason.is_none(), "{vendor} {name}: {status}");
        let left =
            format!("select count(*) from identity_event where reference like '%{reference}'");
        assert!(0 < world.number(&left).await, "{vendor} {name}: the message is kept");
        open += usize::from(is_error || *state == "pending");
    }
    let undecided = "select count(distinct reference) from identity_event where due_at is not null";
    let waits = usize::try_from(world.number(undecided).await).unwrap();
    assert_eq!(waits, open, "{vendor}: who has no answer is asked again");
    world.move_on(PATIENCE).await;
    world
        .later("nobody is waited for past the deadline", Duration::from_secs(1), || async {
            (world.number(undecided).await == 0).then_some(())
        })
        .await;
    let told = incidents(&world, "kyc_undecided").await;
    assert!(open <= told.len() && told.iter().all(|it| !it.contains("Erika")), "{told:?}");
    let approved = "select count(*) from player where kyc_status = 'verified' and kyc_level = 2";
    assert_eq!(world.number(approved).await, 1, "{vendor}: nobody was approved by default");
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_word_of_sumsub_has_its_outcome() {
    each_word_of("sumsub").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_word_of_onfido_has_its_outcome() {
    each_word_of("onfido").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_word_of_veriff_has_its_outcome() {
    each_word_of("veriff").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_away_is_asked_again_until_it_answers() {
    let world = world().await;
    for vendor in VENDORS {
        for fault in
            ["connection_reset_before", "http_500", "http_503", "empty_body", "bad_signature"]
        {
            let key = unverified(&world, "Erika Mustermann").await;
            world.mocks.vendor_fault(vendor, json!({"fault": fault})).await;
            submit(&world, vendor, &key, "Erika Mustermann").await;
            let tried =
                "select count(*) from identity_event where due_at is not null and tries > 1";
            world
                .later("it is asked again", Duration::from_secs(3), || async {
                    (0 < world.number(tried).await).then_some(())
                })
                .await;
            assert_eq!(kyc(&world, &key).await, (KycStatus::Unverified, 0), "{vendor} {fault}");
            world.mocks.clear_vendor_faults(vendor).await;
            world
                .later("it answers", Duration::from_secs(60), || async {
                    (kyc(&world, &key).await == (KycStatus::Verified, 2)).then_some(())
                })
                .await;
        }
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_one_effect_and_the_order_of_arrival_none() {
    let world = world().await;
    for vendor in VENDORS {
        let key = unverified(&world, "Erika Mustermann").await;
        let body = json!({"player_id": key.player.as_str(), "full_name": "Erika Mustermann",
            "level": level_of(vendor), "send": false});
        let reference = world.mocks.verify_identity(vendor, body).await;
        let again = json!({"reference": reference, "reversed": true});
        let answers = world.mocks.resend_identity(vendor, again.clone()).await;
        assert_eq!(answers, [200, 200], "{vendor}: the decision first, then that it began");
        becomes(&world, &key, (KycStatus::Verified, 2)).await;
        let open = "select count(*) from identity_event where due_at is not null";
        eventually("both were followed", SOON, || async {
            (world.number(open).await == 0).then_some(())
        })
        .await;
        let before = world.read_player(&key).await;
        let kept = world.number("select count(*) from identity_event").await;
        assert_eq!(world.mocks.resend_identity(vendor, again).await, [200, 200], "{vendor}");
        assert_eq!(world.number("select count(*) from identity_event").await, kept, "{vendor}");
        assert_eq!(world.read_player(&key).await, before, "{vendor}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_last_stands_be_it_the_vendors_or_the_casinos() {
    let world = world().await;
    for vendor in VENDORS {
        let key = unverified(&world, "Erika Mustermann").await;
        let reference = submit(&world, vendor, &key, "Erika Mustermann").await;
        becomes(&world, &key, (KycStatus::Verified, 2)).await;
        let decide = |outcome: &str| {
            let body = json!({"outcome": outcome});
            let (mocks, reference) = (&world.mocks, reference.clone());
            async move { mocks.decide_identity(vendor, &reference, body).await }
        };
        world.move_on(Duration::from_secs(2)).await;
        decide("rejected").await;
        becomes(&world, &key, (KycStatus::Rejected, 2)).await;
        let known = world.read_player(&key).await;
        let kyc = Kyc { status: KycStatus::Verified, level: 3, verified_at: None };
        let own = world.change_player(Player { kyc, ..known }).await;
        let again = json!({"reference": reference});
        let answers = world.mocks.resend_identity(vendor, again).await;
        assert!(answers.iter().all(|status| *status == 200), "{vendor}: {answers:?}");
        assert_eq!(world.read_player(&key).await, own, "{vendor}: old news changes nothing");
        world.move_on(Duration::from_secs(2)).await;
        decide("rejected").await;
        becomes(&world, &key, (KycStatus::Rejected, 3)).await;
        world.move_on(Duration::from_secs(2)).await;
        decide("approved").await;
        becomes(&world, &key, (KycStatus::Verified, 2)).await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_a_weak_or_wrong_signature_is_not_kept() {
    let world = world().await;
    for vendor in VENDORS {
        let key = unverified(&world, "Erika Mustermann").await;
        for (signature, status) in [("wrong", 401), ("weak", 401), ("good", 200)] {
            let body = json!({"player_id": key.player.as_str(), "full_name": "Erika Mustermann",
                "level": level_of(vendor), "signature": signature, "send": false});
            let reference = world.mocks.verify_identity(vendor, body).await;
            let before = world.number("select count(*) from identity_event").await;
            let answers =
                world.mocks.resend_identity(vendor, json!({"reference": reference})).await;
            let newest = answers.last().copied();
            assert_eq!(newest, Some(status), "{vendor} {signature}");
            let kept = world.number("select count(*) from identity_event").await - before;
            assert_eq!(0 < kept, status == 200, "{vendor} {signature}");
        }
        becomes(&world, &key, (KycStatus::Verified, 2)).await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_about_nobody_that_is_known_is_told_and_not_lost() {
    let world = world().await;
    for vendor in VENDORS {
        let known = unverified(&world, "Erika Mustermann").await;
        let name = format!("unknown-at-{vendor}");
        let body = json!({"player_id": name, "full_name": "Erika Mustermann",
            "level": level_of(vendor)});
        let reference = world.mocks.verify_identity(vendor, body).await;
        let told = eventually("people are told", SOON, || async {
            let told = incidents(&world, "kyc_player_unknown").await;
            told.into_iter().find(|detail| detail.contains(&reference))
        })
        .await;
        assert!(!told.contains("Erika"), "{told}");
        let record = world.read_player(&known).await;
        let key = PlayerKey {
            player: interlock::domain::PlayerId::parse(&name).unwrap(),
            ..record.key.clone()
        };
        world.change_player(Player { key: key.clone(), version: 0, ..record }).await;
        world
            .later("it is taken when the player is known", Duration::from_secs(20), || async {
                (kyc(&world, &key).await == (KycStatus::Verified, 2)).then_some(())
            })
            .await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendors_sandbox_verified_counts_nowhere_else() {
    let off = |key| (key, "false".to_owned());
    let live = world_with(vec![off("checks.sumsub.sandbox"), off("checks.onfido.sandbox")]).await;
    for vendor in ["sumsub", "onfido"] {
        let key = unverified(&live, "Erika Mustermann").await;
        submit(&live, vendor, &key, "Erika Mustermann").await;
        eventually("people are told", SOON, || async {
            let told = incidents(&live, "kyc_sandbox").await;
            told.iter().any(|detail| detail.contains(vendor)).then_some(())
        })
        .await;
        let open = "select count(*) from identity_event where due_at is not null";
        eventually("nothing of it waits", SOON, || async {
            (live.number(open).await == 0).then_some(())
        })
        .await;
        assert_eq!(kyc(&live, &key).await, (KycStatus::Unverified, 0), "{vendor}");
        assert_eq!(answers(&live, &key, "final").await, 0, "{vendor}");
    }
    live.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_nobody_has_said_the_worth_of_verifies_nobody() {
    let world = world().await;
    for (vendor, level) in [("sumsub", "another-level"), ("onfido", "another-workflow")] {
        let key = unverified(&world, "Erika Mustermann").await;
        let body = json!({"player_id": key.player.as_str(), "full_name": "Erika Mustermann",
            "level": level});
        world.mocks.verify_identity(vendor, body).await;
        eventually("people are told", SOON, || async {
            let told = incidents(&world, "kyc_level_unknown").await;
            told.iter().any(|detail| detail.contains(level)).then_some(())
        })
        .await;
        eventually("it is done with", SOON, || async {
            let open = "select count(*) from identity_event where due_at is not null";
            (world.number(open).await == 0).then_some(())
        })
        .await;
        assert_eq!(kyc(&world, &key).await, (KycStatus::Unverified, 0), "{vendor}");
        let (status, told) = deposit_reason(&world, &key).await;
        assert_eq!(status, "blocked");
        assert_eq!(told.map(|(code, _)| code).as_deref(), Some("kyc.level_too_low"));
    }
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_vendor_rejected_somebody_reaches_no_player_and_no_comment_is_kept() {
    let world = world().await;
    let key = unverified(&world, "Erika Rejected").await;
    submit(&world, "sumsub", &key, "Erika Rejected").await;
    becomes(&world, &key, (KycStatus::Rejected, 0)).await;
    let labels = "select signals::text from vendor_result where hook = 'kyc' and risk = 'severe'";
    let labels = world.texts(labels).await;
    assert!(labels.iter().any(|it| it.contains("FORGERY")), "compliance can read it: {labels:?}");
    deposit_reason(&world, &key).await;
    let everything = "select inputs::text || reasons::text from decision
        union all select signals::text from vendor_result
        union all select e::text from identity_event e
        union all select detail from service_incident";
    for text in world.texts(everything).await {
        assert!(!text.contains("forged") && !text.contains("better photo"), "{text}");
        assert!(!text.contains("Erika"), "nobody is named: {text}");
    }
    let decided = "select inputs::text || reasons::text from decision";
    let decided = world.texts(decided).await;
    assert!(!decided.is_empty() && decided.iter().all(|it| !it.contains("FORGERY")), "{decided:?}");
    world.leave_open();
}

/// Onfido's runs say when they were decided, and its checks do not: a run is worth what its workflow is.
#[tokio::test(flavor = "multi_thread")]
async fn a_higher_level_that_is_under_way_leaves_alone_what_is_proven_below_it() {
    let world = world().await;
    for (vendor, level) in
        [("sumsub", "enhanced-kyc-level"), ("onfido", "6f3c2b1a-0d4e-4f5a-9b8c-7d6e5f4a3b2c")]
    {
        let key = unverified(&world, "Erika Mustermann").await;
        submit(&world, vendor, &key, "Erika Mustermann").await;
        becomes(&world, &key, (KycStatus::Verified, 2)).await;
        world.move_on(Duration::from_secs(2)).await;
        let body = json!({"player_id": key.player.as_str(), "full_name": "Erika Pending",
            "level": level});
        let reference = world.mocks.verify_identity(vendor, body).await;
        eventually("it is under way", SOON, || async {
            (0 < answers(&world, &key, "pending").await).then_some(())
        })
        .await;
        assert_eq!(kyc(&world, &key).await, (KycStatus::Verified, 2), "{vendor}");
        world.move_on(Duration::from_secs(2)).await;
        world.mocks.decide_identity(vendor, &reference, json!({"outcome": "approved"})).await;
        becomes(&world, &key, (KycStatus::Verified, 3)).await;
    }
    world.close().await;
}

/// A read of the vendor's that lags behind its own decision must not keep a player waiting.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_lags_behind_is_overtaken_by_the_decision() {
    let world = world().await;
    for vendor in VENDORS {
        let key = unverified(&world, "Erika Mustermann").await;
        world.mocks.vendor_fault(vendor, json!({"fault": "pending"})).await;
        submit(&world, vendor, &key, "Erika Mustermann").await;
        becomes(&world, &key, (KycStatus::Pending, 0)).await;
        world.mocks.clear_vendor_faults(vendor).await;
        world
            .later("the decision is read", Duration::from_secs(10), || async {
                (kyc(&world, &key).await == (KycStatus::Verified, 2)).then_some(())
            })
            .await;
    }
    world.close().await;
}
