//! How what vendors say gets here: who sent it, in which order, how often, and about whom.

use super::super::harness::{SOON, World, eventually};
use super::{
    VENDORS, answers, becomes, incidents, kyc, level_of, submit, unverified, world, world_with,
};
use interlock::domain::{Kyc, KycStatus, Player, PlayerId, PlayerKey};
use serde_json::json;
use std::time::Duration;

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
        world
            .later("the record hears of it", Duration::from_secs(20), || async {
                (kyc(&world, &key).await == (KycStatus::Rejected, 2)).then_some(())
            })
            .await;
        let known = world.read_player(&key).await;
        let verified = Kyc { status: KycStatus::Verified, level: 3, verified_at: None };
        let own = world.change_player(Player { kyc: verified, ..known }).await;
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
        let key = PlayerKey { player: PlayerId::parse(&name).unwrap(), ..record.key.clone() };
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

/// The record has taken that a verification is under way. That the answer is kept is not enough: what is told
/// next would be taken before it.
async fn under_way(world: &World, key: &PlayerKey) {
    let taken = format!(
        "select count(*) from identity_taken t join vendor_result r using (vendor_result_id)
         where t.player_id = '{}' and r.state = 'pending'",
        key.player
    );
    eventually("it is under way", SOON, || async {
        (world.number(&taken).await == 1).then_some(())
    })
    .await;
}

/// A rejection that is told after a later verification began: the record hears of it, once, and of what was
/// said before it was heard a casino's own word stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_heard_though_another_verification_began_since() {
    let world = world().await;
    // Onfido's run is worth more than its check; Sumsub has one verification a person, whose newest counts.
    for (vendor, next) in
        [("onfido", "6f3c2b1a-0d4e-4f5a-9b8c-7d6e5f4a3b2c"), ("veriff", "session")]
    {
        let key = unverified(&world, "Erika Mustermann").await;
        let first = submit(&world, vendor, &key, "Erika Mustermann").await;
        becomes(&world, &key, (KycStatus::Verified, 2)).await;
        // Both of its messages: whichever came or was followed later would hear of the rejection in time.
        let followed = format!(
            "select count(*) from identity_event
             where reference like '%{first}' and closed_at is not null"
        );
        world
            .later("its messages were followed", Duration::from_secs(2), || async {
                (world.number(&followed).await == 2).then_some(())
            })
            .await;
        world.move_on(Duration::from_secs(2)).await;
        let silent = json!({"outcome": "rejected", "send": false});
        world.mocks.decide_identity(vendor, &first, silent).await;
        world.move_on(Duration::from_secs(2)).await;
        let body = json!({"player_id": key.player.as_str(), "full_name": "Erika Pending",
            "level": next});
        world.mocks.verify_identity(vendor, body).await;
        under_way(&world, &key).await;
        world.mocks.resend_identity(vendor, json!({"reference": first})).await;
        world
            .later("the record hears of it", Duration::from_secs(20), || async {
                (kyc(&world, &key).await == (KycStatus::Rejected, 2)).then_some(())
            })
            .await;
        let known = world.read_player(&key).await;
        let verified = Kyc { status: KycStatus::Verified, level: 3, verified_at: None };
        let own = world.change_player(Player { kyc: verified, ..known }).await;
        let again = world.mocks.resend_identity(vendor, json!({"reference": first})).await;
        assert!(again.iter().all(|status| *status == 200), "{vendor}: {again:?}");
        assert_eq!(world.read_player(&key).await, own, "{vendor}: it was heard before");
    }
    world.close().await;
}

/// Sumsub keeps one verification a person: that it rejected them before it approved them says nothing of its next
/// rejection.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_rejection_is_heard_though_the_first_was_before_an_approval() {
    let world = world().await;
    let key = unverified(&world, "Erika Mustermann").await;
    let first = submit(&world, "sumsub", &key, "Erika Mustermann").await;
    becomes(&world, &key, (KycStatus::Verified, 2)).await;
    for (outcome, status) in [("rejected", KycStatus::Rejected), ("approved", KycStatus::Verified)]
    {
        world.move_on(Duration::from_secs(2)).await;
        world.mocks.decide_identity("sumsub", &first, json!({"outcome": outcome})).await;
        becomes(&world, &key, (status, 2)).await;
    }
    let followed = "select count(*) from identity_event where closed_at is not null";
    world
        .later("its four messages were followed", Duration::from_secs(2), || async {
            (world.number(followed).await == 4).then_some(())
        })
        .await;
    world.move_on(Duration::from_secs(2)).await;
    let silent = json!({"outcome": "rejected", "send": false});
    world.mocks.decide_identity("sumsub", &first, silent).await;
    world.move_on(Duration::from_secs(2)).await;
    let body = json!({"player_id": key.player.as_str(), "full_name": "Erika Pending",
        "level": "6f3c2b1a-0d4e-4f5a-9b8c-7d6e5f4a3b2c"});
    world.mocks.verify_identity("onfido", body).await;
    under_way(&world, &key).await;
    assert_eq!(kyc(&world, &key).await, (KycStatus::Verified, 2), "the control");
    world.mocks.resend_identity("sumsub", json!({"reference": first})).await;
    world
        .later("the record hears of it", Duration::from_secs(20), || async {
            (kyc(&world, &key).await == (KycStatus::Rejected, 2)).then_some(())
        })
        .await;
    world.close().await;
}

/// Nothing is said of somebody whose data was erased: no answer is kept, and nobody asks for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_about_an_erased_player_ends_and_leaves_nothing() {
    let world = world().await;
    for vendor in VENDORS {
        let key = unverified(&world, "Erika Mustermann").await;
        let record = world.read_player(&key).await;
        let erase = format!(
            "update player set status = 'erased', full_name = '' where player_id = '{}'",
            key.player
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(erase)).execute(&world.rows).await.unwrap();
        submit(&world, vendor, &record.key, "Erika Mustermann").await;
        let ended = format!(
            "select count(*) from identity_event where vendor = '{vendor}' and note = 'erased'
               and due_at is null and closed_at is not null"
        );
        let ended = || async { (0 < world.number(&ended).await).then_some(()) };
        world.later("its message is closed", Duration::from_secs(20), ended).await;
        let kept = format!("select count(*) from vendor_result where player_id = '{}'", key.player);
        assert_eq!(world.number(&kept).await, 0, "{vendor}");
    }
    world.leave_open();
}
