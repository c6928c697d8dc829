//! Exclusions in the player's record: nothing that the casino puts ends one or makes it shorter, and what
//! people were asked about before it goes no further.

use super::bounced_payouts::{refused, submit, tell};
use super::cases::{approve, open, refusal};
use super::harness::{Setup, World, eur};
use super::rules::{rule, world as with_rules};
use interlock::book::{CasePayload, Payment};
use interlock::decide::command::Source;
use interlock::decide::{Command, Refusal};
use interlock::domain::{Exclusion, Player, PlayerKey};
use interlock::lane::SubmitError;
use interlock::payments::review_payment::ReviewAct;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// A second deposit within the hour waits for people.
const SECOND_WAITS: &str = "id = \"some\"\nkind = \"velocity.count\"\neffect = \"review\"\nflow = \"deposits\"\n\
                            window = \"1 hours\"\nstates = [\"reserved\", \"counted\", \"released\"]\nmost = 1";

#[tokio::test(flavor = "multi_thread")]
async fn no_record_that_is_put_ends_an_exclusion_or_makes_it_shorter() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let now = world.one().flows.clock.now();
    let put = async |source: &str, from, until| {
        let exclusion = Exclusion { source: source.to_owned(), from, until };
        let record = world.read_player(&player).await;
        let record = Player { exclusion: Some(exclusion), ..record };
        world.change_player(record).await.exclusion.unwrap()
    };
    let pause = put("self", now, Some(now + DAY)).await;
    let over = put("casino", now - 2 * DAY, Some(now - DAY)).await;
    let from = now - 2 * DAY;
    assert_eq!(over, Exclusion { from, ..pause.clone() }, "it holds until its own date");
    let longer = put("register", now, Some(now + 9 * DAY)).await;
    assert_eq!((longer.source.as_str(), longer.until), ("register", Some(now + 9 * DAY)));
    let endless = put("house", now, None).await;
    assert_eq!((endless.source.as_str(), endless.until), ("house", None));
    let short = put("self", now, Some(now + DAY)).await;
    assert_eq!(short, endless, "a pause beside an exclusion without end");
    let later = now + 400 * DAY;
    assert!(world.read_player(&player).await.is_excluded(later));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_that_is_over_makes_room_for_the_next() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let now = world.one().flows.clock.now();
    let past = Exclusion { source: "self".to_owned(), from: now - 2 * DAY, until: Some(now - DAY) };
    let next = Exclusion { from: now, until: Some(now + DAY), ..past.clone() };
    for exclusion in [past, next] {
        let record = world.read_player(&player).await;
        let wanted = Some(exclusion);
        let record = Player { exclusion: wanted.clone(), ..record };
        assert_eq!(world.change_player(record).await.exclusion, wanted);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_waits_for_people_is_not_sent_once_its_player_is_excluded() {
    let world = with_rules(&[SECOND_WAITS]).await;
    let player = world.player("DE").await;
    world.deposit(&player, eur(1_000)).await;
    let waiting = world.deposit(&player, eur(1_000)).await;
    let approved = world.deposit(&player, eur(1_000)).await;
    for deposit in [&waiting, &approved] {
        assert_eq!(deposit.status.as_str(), "in_review");
    }
    world.two_people(&approved, "approve").await;
    world.settled(approved.id, "action_required").await;

    exclude(&world, &player).await;
    let review = world.reviews(&waiting).await.remove(0);
    let propose = ReviewAct::Propose { outcome: "approve".to_owned(), note: "known".to_owned() };
    let review = world.one().review((&review, &waiting), propose, "ann").await.unwrap();
    let approve = ReviewAct::Approve { proposal: review.open_proposal().unwrap().id };
    let refused = world.one().review((&review, &waiting), approve, "bob").await.unwrap_err();
    let is_refused = matches!(refused, SubmitError::Refused(Refusal::ReviewConflict(_)));
    assert!(is_refused, "{refused:?}");
    let after = world.payment(waiting.id).await;
    assert_eq!((after.status.as_str(), after.attempts.len()), ("in_review", 0));
    world.close().await;
}

async fn exclude(world: &World, player: &PlayerKey) {
    let from = world.one().flows.clock.now();
    let exclusion = Exclusion { source: "self".to_owned(), from, until: None };
    let record = world.read_player(player).await;
    world.change_player(Player { exclusion: Some(exclusion), ..record }).await;
}

/// Nobody works: two people let a deposit go, and it waits to be sent.
async fn let_go(world: &World) -> Payment {
    let player = world.player("DE").await;
    world.deposit(&player, eur(1_000)).await;
    let deposit = world.deposit(&player, eur(1_000)).await;
    world.two_people(&deposit, "approve").await;
    world.payment(deposit.id).await
}

async fn take(world: &World, deposit: &Payment) -> Payment {
    let (payment, attempt) = (deposit.id.uuid, deposit.attempts[0].id);
    submit(world, deposit, Command::TakeAttempt { payment, attempt, known: None }).await;
    world.payment(deposit.id).await
}

fn nobody_works() -> Setup {
    let liars = vec!["trustly-de", "truelayer-de"];
    Setup { workers: false, liars, rules: rule(SECOND_WAITS), ..Setup::default() }
}

/// Excluded while the first PSP is asked, which refuses: another one would take it.
#[tokio::test(flavor = "multi_thread")]
async fn the_deposit_of_a_player_who_is_excluded_goes_to_no_other_psp() {
    let world = World::with(nobody_works()).await;
    for (excluded, status, attempts) in [(false, "processing", 2), (true, "failed", 1)] {
        let asked = take(&world, &let_go(&world).await).await;
        assert_eq!(asked.attempts[0].status.as_str(), "in_flight");
        if excluded {
            exclude(&world, &asked.player).await;
        }
        let over = tell(&world, &asked, (1, Source::Call), refused(true)).await;
        assert_eq!((over.status.as_str(), over.attempts.len()), (status, attempts));
        let codes: Vec<&str> = over.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes.contains(&"player.excluded"), excluded, "{codes:?}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_to_be_sent_for_a_player_who_is_excluded_is_called_off() {
    let world = World::with(nobody_works()).await;
    for (excluded, status, attempt) in
        [(false, "processing", "in_flight"), (true, "failed", "cancelled")]
    {
        let waiting = let_go(&world).await;
        assert_eq!(waiting.attempts[0].status.as_str(), "prepared");
        if excluded {
            exclude(&world, &waiting.player).await;
        }
        let after = take(&world, &waiting).await;
        let left = after.attempts[0].status.as_str();
        assert_eq!((after.status.as_str(), left, after.attempts.len()), (status, attempt, 1));
    }
    world.close().await;
}

/// What was proposed before proposals said which exclusion is proposed again.
#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_names_no_exclusion_ends_none() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let case = open(&world, &player, CasePayload::ExclusionEnd(None), "ann").await;
    let from = world.one().flows.clock.now();
    let exclusion = Some(Exclusion { source: "self".to_owned(), from, until: None });
    let record = world.read_player(&player).await;
    world.change_player(Player { exclusion, ..record }).await;
    let refused = refusal(approve(&world, &case, "bob").await);
    assert!(refused.to_string().contains("propose again"), "{refused:?}");
    world.close().await;
}
