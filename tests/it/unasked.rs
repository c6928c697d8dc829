//! Money that nothing let come: unasked, or of a deposit that had been given up. Who its player is by then decides.

use super::harness::{CHECKS, Setup, World, eur};
use super::payins::{PSP, booked, deposits, to_player, world};
use super::rules::all_replay;
use interlock::book::Payment;
use interlock::decide::command::{PlayerChecks, ReceivePayin};
use interlock::decide::{Command, Refusal};
use interlock::domain::{Audience, Kyc, KycStatus, Player, PlayerKey};
use interlock::lane::SubmitError;
use interlock::payments::receive_payin::{ReceiveError, Received, receive_payin};

async fn set_kyc(world: &World, player: &PlayerKey, status: KycStatus) {
    let known = world.read_player(player).await;
    let kyc = Kyc { status, ..known.kyc.clone() };
    world.change_player(Player { kyc, ..known }).await;
}

/// It waits in suspense for two people, and why is compliance's.
async fn waits(world: &World, deposit: &Payment, code: &str) {
    assert_eq!(deposit.status.as_str(), "in_review", "{:?}", deposit.reasons);
    let told: Vec<_> = deposit.reasons.iter().map(|it| (&*it.code, it.audience)).collect();
    assert_eq!(told, [(code, Audience::Compliance)]);
    assert_eq!((deposit.credited, deposit.suspended), (None, deposit.received));
    assert_eq!(world.wallet(&deposit.player).await.cash, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_came_unasked_is_credited_to_nobody_whose_verification_fell() {
    let world = world().await;
    let player = world.player("DE").await;
    set_kyc(&world, &player, KycStatus::Rejected).await;
    let deposit = booked(&world, &to_player(&player, eur(2_000))).await;
    waits(&world, &deposit, "kyc.rejected").await;
    // Two people may let it in.
    world.two_people(&deposit, "approve").await;
    assert_eq!(world.wallet(&player).await.cash, 2_000);
    all_replay(&world).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_money_is_credited_to_nobody_whose_verification_fell_and_what_was_let_in_is() {
    let world = World::new().await;
    let (late, let_in) = (world.player("DE").await, world.player("DE").await);
    let given_up = world.deposit(&late, eur(2_000)).await;
    world.one().cancel(&given_up).await.unwrap();
    let open = world.deposit(&let_in, eur(2_000)).await;
    for player in [&late, &let_in] {
        set_kyc(&world, player, KycStatus::Rejected).await;
    }
    world.complete(&given_up, "succeeded").await;
    let late = world.settled(given_up.id, "in_review").await;
    waits(&world, &late, "kyc.rejected").await;
    // The control: `deposit.pre` had let it come.
    world.complete(&open, "succeeded").await;
    world.settled(open.id, "succeeded").await;
    all_replay(&world).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_to_a_list_is_credited_no_money_that_came_unasked() {
    let setup = Setup { shipped: true, vendors: CHECKS, ..Setup::default() };
    let world = World::with(Setup { liars: vec![PSP], ..setup }).await;
    let player = world.player("DE").await;
    let clear = booked(&world, &to_player(&player, eur(2_000))).await;
    assert_eq!(clear.status.as_str(), "succeeded", "{:?}", clear.reasons);
    let listed = world.player("DE").await;
    let known = world.read_player(&listed).await;
    world.change_player(Player { full_name: "Erika Sanctioned".to_owned(), ..known }).await;
    let deposit = booked(&world, &to_player(&listed, eur(2_000))).await;
    let codes: Vec<_> = deposit.reasons.iter().map(|it| (&*it.code, it.audience)).collect();
    assert_eq!(deposit.status.as_str(), "in_review", "{codes:?}");
    assert!(codes.iter().all(|it| *it == ("names.sanctions", Audience::Compliance)), "{codes:?}");
    assert_eq!((codes.is_empty(), world.wallet(&listed).await.cash), (false, 0));
    all_replay(&world).await;
    world.close().await;
}

/// It waits for another reason, and its player comes to a list meanwhile: who would credit it learns that first.
#[tokio::test(flavor = "multi_thread")]
async fn who_came_to_a_list_since_money_came_unasked_is_known_before_it_is_credited() {
    let setup = Setup { shipped: true, vendors: CHECKS, ..Setup::default() };
    let world = World::with(Setup { liars: vec![PSP], ..setup }).await;
    let player = world.player("DE").await;
    set_kyc(&world, &player, KycStatus::Rejected).await;
    let deposit = booked(&world, &to_player(&player, eur(2_000))).await;
    let codes =
        |deposit: &Payment| deposit.reasons.iter().map(|it| it.code.clone()).collect::<Vec<_>>();
    assert_eq!(codes(&deposit), ["kyc.rejected"]);
    let known = world.read_player(&player).await;
    world.change_player(Player { full_name: "Erika Sanctioned".to_owned(), ..known }).await;
    let refused = world.try_two_people(&deposit, "approve").await.unwrap_err();
    assert!(refused.to_string().contains("by now"), "{refused}");
    let waits = world.payment(deposit.id).await;
    assert!(codes(&waits).contains(&"names.sanctions".to_owned()), "{:?}", codes(&waits));
    assert_eq!(world.wallet(&player).await.cash, 0);
    all_replay(&world).await;
    world.close().await;
}

/// As the packs have it: the market's register, its file of limits and the lists of names are asked about money that came
/// unasked, and about money that comes when its deposit had been given up.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_nothing_let_come_is_credited_to_nobody_whom_a_register_or_a_list_knows_by_then()
{
    let setup = Setup { shipped: true, vendors: CHECKS, ..Setup::default() };
    let world = World::with(Setup { liars: vec![PSP], ..setup }).await;
    for (name, code) in
        [("Erika Excluded", "player.excluded"), ("Erika Sanctioned", "names.sanctions")]
    {
        let player = world.player("DE").await;
        let late = world.deposit(&player, eur(2_000)).await;
        world.one().cancel(&late).await.unwrap();
        let known = world.read_player(&player).await;
        world.change_player(Player { full_name: name.to_owned(), ..known }).await;
        world.complete(&late, "succeeded").await;
        let late = world.settled(late.id, "in_review").await;
        let unasked = booked(&world, &to_player(&player, eur(2_000))).await;
        for deposit in [&late, &unasked] {
            let codes: Vec<_> = deposit.reasons.iter().map(|it| &*it.code).collect();
            assert!(codes.contains(&code), "{name} {:?}: {codes:?}", deposit.origin);
            assert_eq!(deposit.suspended, Some(eur(2_000)), "{codes:?}");
        }
        assert_eq!(world.wallet(&player).await.cash, 0);
    }
    // The control: whom nobody knows anything of has late money credited, and was asked about.
    let player = world.player("DE").await;
    let late = world.deposit(&player, eur(2_000)).await;
    world.one().cancel(&late).await.unwrap();
    world.complete(&late, "succeeded").await;
    let late = world.settled(late.id, "succeeded").await;
    let asked = "select count(*) from decision where checkpoint = 'deposit.post' \
                 and inputs ->> 'asked' = 'true' and inputs #>> '{checks,register}' is not null";
    assert_eq!(world.number(asked).await, 3);
    assert_eq!((late.suspended, world.wallet(&player).await.cash), (None, 2_000));
    // What came unasked takes room in the file, and has it committed.
    booked(&world, &to_player(&player, eur(700))).await;
    let rooms = "select count(*) from limit_reservation where amount = 700";
    assert_eq!(world.number(rooms).await, 1);
    all_replay(&world).await;
    world.close().await;
}

/// The matcher was asked about the name before: the money is not booked by that.
#[tokio::test(flavor = "multi_thread")]
async fn money_is_not_booked_by_what_was_said_of_an_older_record() {
    let world = world().await;
    let player = world.player("DE").await;
    let first = booked(&world, &to_player(&player, eur(2_000))).await;
    let old = world.read_player(&player).await;
    world.change_player(Player { full_name: "Erika Musterfrau".to_owned(), ..old.clone() }).await;
    let payin = to_player(&player, eur(2_000));
    let stale = ReceivePayin {
        psp: PSP.to_owned(),
        payin: payin.clone(),
        occurred_at: None,
        request: None,
        payment: first,
        checks: PlayerChecks { version: Some(old.version), ..PlayerChecks::default() },
    };
    let command = Command::ReceivePayin(Box::new(stale));
    let (lanes, of) = (world.one().flows.lanes.clone(), player.clone());
    let submitting = async move { lanes.submit(&of, command).await };
    let refused = world.one().run(submitting).await.unwrap_err();
    assert!(matches!(refused, SubmitError::Refused(Refusal::PlayerChanged)), "{refused:?}");
    assert_eq!(deposits(&world).await, 1);
    booked(&world, &payin).await;
    assert_eq!(world.wallet(&player).await.cash, 4_000);
    world.close().await;
}

const IDENTITY: &str = r#"
[[rules]]
id = "kyc.vendor"
effect = "hold"
at = ["deposit.post"]
level_min = 2
max_age_s = 31536000
on_failure = "hold"
on_pending = "hold"
source = "the tests"
source_date = "2026-11-21"
"#;

/// The database cannot tell for a moment what a vendor of identity said of the player: that is no finding, and the money
/// is booked a moment later by what it tells then.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_does_not_tell_for_a_moment_is_no_finding_about_money_that_came_unasked()
{
    let (rules, vendors) = (IDENTITY.to_owned(), &["sumsub"]);
    let world = World::with(Setup { rules, vendors, liars: vec![PSP], ..Setup::default() }).await;
    let player = world.player("DE").await;
    let arrival = to_player(&player, eur(2_000));
    let arrives = async || {
        let (flows, arrival) = (world.one().flows.clone(), arrival.clone());
        world.one().run(async move { receive_payin(&flows, PSP, &arrival, None).await }).await
    };
    let may_read = async |may: &str| {
        let sql = format!("{may} interlock_app");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&world.rows).await.unwrap();
    };
    may_read("revoke select on vendor_result from").await;
    let unread = arrives().await.unwrap_err();
    assert!(matches!(unread, ReceiveError::Store(_)), "{unread:?}");
    assert_eq!(deposits(&world).await, 0, "nothing is booked by what was not read");
    assert_eq!(world.number("select count(*) from decision").await, 0);
    may_read("grant select on vendor_result to").await;
    let Received::Booked(deposit) = arrives().await.unwrap() else { panic!("it is booked now") };
    assert_eq!(deposit.received, Some(eur(2_000)));
    assert_eq!(deposits(&world).await, 1);
    all_replay(&world).await;
    world.close().await;
}
