//! Cases of players and of the service: opened by one person, approved by another, whatever they are about;
//! nobody twice, nobody past somebody else's lock, nothing after its time.

use super::harness::{Setup, World, eur, key, person};
use interlock::book::{Adjustment, CasePayload, PlayerFields, ProposalState, Review};
use interlock::decide::Refusal;
use interlock::decide::desk_work::DeskAct;
use interlock::domain::ids::SystemIds;
use interlock::domain::{Exclusion, Ids, Money, OperatorId, PlayerKey, ProposalId, ReviewId};
use interlock::lane::SubmitError;
use interlock::reviews::decide_case::{CaseDecision, CaseError, decide_case};
use interlock::reviews::open_case::{CaseOrder, open_case};
use interlock::reviews::sweep_cases::sweep_cases;
use interlock::reviews::work_on_case::work_on_case;
use interlock::screening::attestation::{AttestationKind, AttestationTerms, in_force};
use interlock::store::{attestations, read_reviews};
use std::time::Duration;
use time::macros::date;

const DAY: Duration = Duration::from_secs(86_400);

pub fn operator() -> OperatorId {
    OperatorId::trusted("op_demo")
}

pub async fn open(world: &World, player: &PlayerKey, payload: CasePayload, who: &str) -> Review {
    let flows = world.one().flows.clone();
    let order = CaseOrder {
        operator: operator(),
        player: player.player.clone(),
        payload,
        note: "look at this".to_owned(),
        priority: 2,
        person: person(who),
    };
    let opened = async move { open_case(&flows, order, &key(), [7; 32]).await.unwrap().0 };
    read(world, world.one().run(opened).await).await
}

pub async fn read(world: &World, id: ReviewId) -> Review {
    read_reviews::review(&world.rows, &operator(), id.0).await.unwrap().unwrap().review
}

pub async fn decide(
    world: &World,
    review: &Review,
    act: CaseDecision,
    who: &str,
) -> Result<Review, CaseError> {
    let (flows, known, who) = (world.one().flows.clone(), review.clone(), person(who));
    let done = async move { decide_case(&flows, &operator(), &known, act, who).await };
    world.one().run(done).await?;
    Ok(read(world, review.id).await)
}

pub async fn approve(world: &World, review: &Review, who: &str) -> Result<Review, CaseError> {
    let proposal = review.open_proposal().unwrap().id;
    decide(world, review, CaseDecision::Approve { proposal }, who).await
}

async fn work(
    world: &World,
    review: &Review,
    act: DeskAct,
    who: &str,
) -> Result<Review, CaseError> {
    let (flows, id, who) = (world.one().flows.clone(), review.id, person(who));
    let done = async move { work_on_case(&flows, &operator(), id, act, who).await };
    world.one().run(done).await?;
    Ok(read(world, review.id).await)
}

pub fn refusal<T: std::fmt::Debug>(told: Result<T, CaseError>) -> Refusal {
    match told.unwrap_err() {
        CaseError::Refused(refusal) | CaseError::Submit(SubmitError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

pub fn adjustment(entry: Adjustment, minor: i64) -> CasePayload {
    CasePayload::Adjustment { entry, money: eur(minor) }
}

/// A proposal of its own, as a request without a key makes it.
pub fn proposal(outcome: &str, note: &str, payload: Option<CasePayload>) -> CaseDecision {
    let (outcome, note) = (outcome.to_owned(), note.to_owned());
    CaseDecision::Propose { id: ProposalId(SystemIds.next()), outcome, note, payload }
}

fn propose(payload: CasePayload) -> CaseDecision {
    proposal("approve", "rather so", Some(payload))
}

pub async fn acts(world: &World, review: &Review) -> Vec<String> {
    let sql =
        format!("select act from review_event where review_id = '{}' order by n", review.id.0);
    world.texts(&sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_corrected_by_two_people_and_never_below_zero() {
    let world = World::new().await;
    let player = world.rich_player("DE", 1_000).await;
    let credit = open(&world, &player, adjustment(Adjustment::Credit, 500), "ann").await;
    assert_eq!(refusal(approve(&world, &credit, "ann").await), Refusal::SamePerson);
    assert_eq!(world.wallet(&player).await.cash, 1_000, "nothing was done yet");
    let done = approve(&world, &credit, "bob").await.unwrap();
    assert!(!done.open);
    assert_eq!(world.wallet(&player).await.cash, 1_500);
    assert_eq!(acts(&world, &credit).await, ["opened", "proposed", "approved", "closed"]);

    let debit = open(&world, &player, adjustment(Adjustment::Debit, 1_501), "ann").await;
    let too_much = refusal(approve(&world, &debit, "bob").await);
    assert_eq!(too_much, Refusal::InsufficientFunds { available: eur(1_500) });
    let still = read(&world, debit.id).await;
    assert!(still.open && still.open_proposal().unwrap().approvals.is_empty(), "{still:?}");
    let less = propose(adjustment(Adjustment::Debit, 1_500));
    let edited = decide(&world, &debit, less, "ann").await.unwrap();
    approve(&world, &edited, "bob").await.unwrap();
    assert_eq!(world.wallet(&player).await.cash, 0);

    let nothing_owed = open(&world, &player, adjustment(Adjustment::WriteOff, 1), "ann").await;
    let refused = refusal(approve(&world, &nothing_owed, "bob").await);
    assert_eq!(refused, Refusal::InsufficientFunds { available: eur(0) });
    // 5.00 were given and 15.00 taken.
    assert_eq!(world.house_balance("adjustments").await, 1_000);
    let proof = world.one().flows.clone();
    let proof = async move { interlock::evidence::prove_books::prove_books(&proof).await.unwrap() };
    assert!(world.one().run(proof).await.findings.is_empty());
    world.close().await;
}

/// Straight into the database, as the service's own role could.
async fn approve_by_sql(world: &World, review: &Review) -> Result<(), String> {
    let open = review.open_proposal().unwrap();
    let approval =
        "insert into review_approval (proposal_id, proposed_by, approved_by, approved_at)
                    values ($1, $2, $2, now())";
    let done = sqlx::query(approval).bind(open.id.0).bind(open.proposed_by.as_str());
    done.execute(&world.rows).await.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_one_person_twice_whoever_writes() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let case = open(&world, &player, adjustment(Adjustment::Credit, 1), "ann").await;
    let refused = approve_by_sql(&world, &case).await.unwrap_err();
    assert!(refused.contains("approval_is_another_persons"), "{refused}");
    let sql = "insert into review_approval (proposal_id, proposed_by, approved_by, approved_at)
               select proposal_id, 'somebody', 'ann', now() from review_proposal";
    let refused = sqlx::query(sql).execute(&world.rows).await.unwrap_err().to_string();
    assert!(
        refused.contains("approval_is_of_a_proposal"),
        "the proposer is the real one: {refused}"
    );
    let sql = "update review_proposal set state = 'approved', decided_by = proposed_by";
    let refused = sqlx::query(sql).execute(&world.rows).await.unwrap_err().to_string();
    assert!(refused.contains("proposal_is_approved_by_another_person"), "{refused}");
    // What was proposed, and what was done, stands: the service's role may not change it.
    let pool = world.one().flows.db.pool().clone();
    for sql in [
        "update review_proposal set payload = '{}'",
        "update review_proposal set proposed_by = 'bob'",
        "delete from review_approval",
        "update review_event set text = 'other'",
        "delete from attestation",
    ] {
        let refused = sqlx::query(sql).execute(&pool).await.unwrap_err().to_string();
        let told = ["permission denied", "of a row only empties"];
        assert!(told.iter().any(|told| refused.contains(told)), "{sql}: {refused}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_constraint_one_person_would_be_two() {
    let drop = "alter table review_approval drop constraint approval_is_another_persons";
    let world = World::with(Setup { sabotage: Some(drop), ..Setup::default() }).await;
    let player = world.player("DE").await;
    let case = open(&world, &player, adjustment(Adjustment::Credit, 1), "ann").await;
    approve_by_sql(&world, &case).await.expect("the control: nothing else stops it");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_voids_the_approvals_that_were_there() {
    let settings = vec![("reviews.approvals_needed", "2".to_owned())];
    let world = World::with(Setup { settings, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let case = open(&world, &player, adjustment(Adjustment::Credit, 100), "ann").await;
    let one = approve(&world, &case, "bob").await.unwrap();
    assert!(one.open && one.open_proposal().unwrap().approvals.len() == 1);
    let twice = refusal(approve(&world, &case, "bob").await);
    assert!(matches!(twice, Refusal::ReviewConflict(_)), "people are counted: {twice:?}");
    let more = propose(adjustment(Adjustment::Credit, 90_000));
    let edited = decide(&world, &one, more, "ann").await.unwrap();
    assert_eq!(edited.proposals[0].state, ProposalState::Voided);
    assert!(edited.open_proposal().unwrap().approvals.is_empty());
    let old = CaseDecision::Approve { proposal: case.proposals[0].id };
    let refused = refusal(decide(&world, &edited, old, "cyd").await);
    assert!(matches!(refused, Refusal::ReviewConflict(_)), "{refused:?}");
    approve(&world, &edited, "cyd").await.unwrap();
    assert_eq!(world.wallet(&player).await.cash, 0, "one approval of two");
    let done = approve(&world, &edited, "bob").await.unwrap();
    assert!(!done.open);
    assert_eq!(world.wallet(&player).await.cash, 90_000);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_lock_is_respected_until_it_runs_out() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let case = open(&world, &player, adjustment(Adjustment::Credit, 100), "ann").await;
    work(&world, &case, DeskAct::Lock, "bob").await.unwrap();
    let locked = |told| match refusal(told) {
        Refusal::ReviewLocked { by, .. } => assert_eq!(by, person("bob")),
        other => panic!("not locked: {other:?}"),
    };
    locked(approve(&world, &case, "cyd").await);
    locked(work(&world, &case, DeskAct::Lock, "cyd").await);
    locked(work(&world, &case, DeskAct::Unlock, "cyd").await);
    locked(work(&world, &case, DeskAct::Note("mine".to_owned()), "cyd").await);
    locked(decide(&world, &case, CaseDecision::Refuse { note: "no".to_owned() }, "ann").await);
    world.move_on(Duration::from_secs(31 * 60)).await;
    let taken = work(&world, &case, DeskAct::Lock, "cyd").await.unwrap();
    assert_eq!(taken.desk.lock.unwrap().by, person("cyd"));
    // Proposing gives it free: others must be able to approve.
    let edit = propose(adjustment(Adjustment::Credit, 200));
    let edited = decide(&world, &case, edit, "cyd").await.unwrap();
    assert_eq!(edited.desk.lock, None);
    approve(&world, &edited, "ann").await.unwrap();
    assert_eq!(world.wallet(&player).await.cash, 200);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_handed_on_and_waits_for_information() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let case = open(&world, &player, adjustment(Adjustment::Credit, 100), "ann").await;
    let given = work(&world, &case, DeskAct::Assign(Some(person("bob"))), "ann").await.unwrap();
    assert_eq!(given.desk.assigned_to, Some(person("bob")));
    let early = refusal(work(&world, &case, DeskAct::Info("it".to_owned()), "bob").await);
    assert!(matches!(early, Refusal::ReviewConflict(_)), "nothing was asked for: {early:?}");
    let ask = DeskAct::RequestInfo { text: "three statements".to_owned(), until: None };
    let waiting = work(&world, &case, ask, "bob").await.unwrap();
    assert!(waiting.desk.waiting_since.is_some());
    assert!(case.desk.due_at < waiting.desk.due_at, "it is due when the information is");
    let come = work(&world, &case, DeskAct::Info("they came".to_owned()), "bob").await.unwrap();
    assert_eq!(come.desk.waiting_since, None);
    let expected = ["opened", "proposed", "assigned", "info_requested", "info_received"];
    assert_eq!(acts(&world, &case).await, expected);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_nobody_approved_in_time_is_void() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let case = open(&world, &player, adjustment(Adjustment::Credit, 100), "ann").await;
    world.move_on(3 * DAY).await;
    let late = refusal(approve(&world, &case, "bob").await);
    assert!(matches!(late, Refusal::ReviewConflict(_)), "no sweep was needed: {late:?}");
    let flows = world.one().flows.clone();
    let sweep = async move { sweep_cases(&flows, flows.clock.now()).await.unwrap() };
    assert_eq!(world.one().run(sweep).await, 1);
    let swept = read(&world, case.id).await;
    assert!(swept.open && swept.open_proposal().is_none());
    assert_eq!(swept.proposals[0].state, ProposalState::Voided);
    let again = propose(adjustment(Adjustment::Credit, 100));
    let again = decide(&world, &swept, again, "ann").await.unwrap();
    approve(&world, &again, "bob").await.unwrap();
    assert_eq!(world.wallet(&player).await.cash, 100);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_vouch_for_is_kept_until_it_ends() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let version = world.read_player(&player).await.version;
    let until = world.one().flows.clock.now() + DAY;
    let terms = AttestationTerms {
        kind: AttestationKind::SourceOfFunds,
        reference: "file 7".to_owned(),
        amount: Some(Money::new(500_000, interlock::domain::Currency::EUR)),
        valid_until: Some(until.replace_nanosecond(0).unwrap()),
    };
    let case = open(&world, &player, CasePayload::Attestation(terms.clone(), None), "ann").await;
    assert!(attestations::of_player(&world.rows, &player).await.unwrap().is_empty());
    approve(&world, &case, "bob").await.unwrap();
    let made = attestations::of_player(&world.rows, &player).await.unwrap();
    let now = world.one().flows.clock.now();
    let found = in_force(&made, AttestationKind::SourceOfFunds, now).unwrap();
    assert_eq!((&found.terms, found.review), (&terms, case.id.0));
    assert!(in_force(&made, AttestationKind::SourceOfFunds, now + DAY).is_none());
    let after = world.read_player(&player).await.version;
    assert_eq!(after, version + 1, "a screening that ran without it is void");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_ends_early_by_two_people_alone() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let now = world.one().flows.clock.now();
    let exclusion = Exclusion { source: "self".to_owned(), from: now - DAY, until: None };
    let record = world.read_player(&player).await;
    world.change_player(interlock::domain::Player { exclusion: Some(exclusion), ..record }).await;
    assert!(world.read_player(&player).await.is_excluded(now));
    let case = open(&world, &player, CasePayload::ExclusionEnd(None), "ann").await;
    approve(&world, &case, "bob").await.unwrap();
    let after = world.read_player(&player).await;
    let later = world.one().flows.clock.now() + DAY;
    assert!(!after.is_excluded(later) && after.exclusion.is_some(), "that it was stays known");
    let again = open(&world, &player, CasePayload::ExclusionEnd(None), "ann").await;
    let refused = refusal(approve(&world, &again, "bob").await);
    assert!(matches!(refused, Refusal::ReviewConflict(_)), "{refused:?}");
    world.close().await;
}

/// Two people let a pause of a day end; before they were done the player shut themselves out for good.
#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_that_came_between_is_not_ended_by_a_proposal_for_another() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let now = world.one().flows.clock.now();
    let put = async |source: &str, until| {
        let exclusion = Some(Exclusion { source: source.to_owned(), from: now, until });
        let record = world.read_player(&player).await;
        world.change_player(interlock::domain::Player { exclusion, ..record }).await;
    };
    put("pause", Some(now + DAY)).await;
    let case = open(&world, &player, CasePayload::ExclusionEnd(None), "ann").await;
    let told = case.open_proposal().unwrap().payload.clone();
    let Some(CasePayload::ExclusionEnd(Some(named))) = told else { panic!("{told:?}") };
    assert_eq!(named.source, "pause", "the proposal says which");
    put("self", None).await;
    let refused = refusal(approve(&world, &case, "bob").await);
    assert!(refused.to_string().contains("propose again"), "{refused:?}");
    assert!(world.read_player(&player).await.is_excluded(now + 400 * DAY));
    // Proposed again, it is the one that stands.
    let again = propose(CasePayload::ExclusionEnd(Some(named)));
    let case = decide(&world, &case, again, "ann").await.unwrap();
    approve(&world, &case, "bob").await.unwrap();
    assert!(!world.read_player(&player).await.is_excluded(now + 400 * DAY));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_field_of_a_player_who_has_paid_changes_by_two_people() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(2_500)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let before = world.read_player(&player).await;
    let fields = PlayerFields {
        date_of_birth: Some(date!(1991 - 02 - 03)),
        national_id: Some("DE-77".to_owned()),
        ..PlayerFields::default()
    };
    let case = open(&world, &player, CasePayload::PlayerFields(fields), "ann").await;
    approve(&world, &case, "bob").await.unwrap();
    let after = world.read_player(&player).await;
    assert_eq!(after.date_of_birth, date!(1991 - 02 - 03));
    assert_eq!(after.national_id.as_deref(), Some("DE-77"));
    assert_eq!((after.country, after.version), (before.country, before.version + 1));
    let versions = format!(
        "select count(*) from player_version where player_id = '{}' and version = {}",
        player.player, after.version
    );
    assert_eq!(world.number(&versions).await, 1, "the version is kept");
    let texts = world.texts("select coalesce(text, '') from review_event").await;
    assert!(texts.iter().all(|text| !text.contains("DE-77")), "no history holds it: {texts:?}");
    world.close().await;
}
