//! What vendors say and fail to say.

use super::super::harness::{SOON, eventually};
use super::{
    PATIENCE, VENDORS, answers, becomes, deposit_reason, incidents, kyc, submit, unverified, world,
};
use interlock::domain::{Audience, KycStatus};
use serde_json::json;
use std::time::Duration;

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
        // One that comes after the clock was moved would have a deadline of its own.
        let sent = if *state == "pending" { 1 } else { 2 };
        eventually("all its messages are kept", SOON, || async {
            (world.number(&left).await == sent).then_some(())
        })
        .await;
        open += usize::from(is_error || *state == "pending");
    }
    let undecided = "select count(distinct reference) from identity_event where due_at is not null";
    eventually("who has no answer, and nobody else, is asked again", SOON, || async {
        let waits = usize::try_from(world.number(undecided).await).unwrap();
        (waits == open).then_some(())
    })
    .await;
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
