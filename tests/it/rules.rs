//! Rules that look beside a payment: what people vouch for, what was played, who else uses an account.
//! Each is met and not met, and every decision comes out again to the byte.

use super::cases::{approve, open};
use super::harness::markets::{BRITISH_CARDS, MALTA, wallet_address};
use super::harness::{Setup, World, deposit_order, eur};
use interlock::book::{CasePayload, GameKind, Payment};
use interlock::domain::{Money, Player, PlayerKey, Timestamp};
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::attestation::{AttestationKind, AttestationTerms};
use interlock::screening::limits::Period;
use interlock::screening::replay::{Question, Replay, replay};
use interlock::store::attestations;
use interlock::store::read_history::{self, RecordedDecision, Span};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

pub fn rule(text: &str) -> String {
    format!("\n[[rules]]\n{text}\nsource = \"the tests\"\nsource_date = \"2026-11-21\"\n")
}

pub async fn world(rules: &[&str]) -> World {
    let rules = rules.iter().map(|text| rule(text)).collect();
    World::with(Setup { rules, ..Setup::default() }).await
}

pub async fn decisions(world: &World) -> Vec<RecordedDecision> {
    let span = Span { limit: 10_000, ..Span::default() };
    read_history::decisions(&world.rows, &span).await.unwrap()
}

pub async fn ask(world: &World, decision: &RecordedDecision, as_of: Option<Timestamp>) -> Replay {
    let flows = &world.one().flows;
    let question = Question { as_of, ..Question::default() };
    replay(flows.db.pool(), &flows.policies.current(), decision, &question).await.unwrap()
}

/// Every decision comes out as it was.
pub async fn all_replay(world: &World) {
    for decision in decisions(world).await {
        let again = ask(world, &decision, None).await;
        assert!(again.is_identical(), "{again:?}");
    }
}

/// As [`all_replay`], and with what is on record now.
pub async fn all_replay_today(world: &World) {
    all_replay(world).await;
    let now = world.one().flows.clock.now();
    for decision in decisions(world).await {
        let today = ask(world, &decision, Some(now)).await;
        assert!(today.is_identical(), "{today:?}");
    }
}

/// What one rule found in the newest decision of a checkpoint about a payment.
pub async fn found(world: &World, payment: &Payment, checkpoint: &str, rule: &str) -> Value {
    let sql = format!(
        "select rules::text from decision where payment_id = '{}' and checkpoint = '{checkpoint}'
         order by decision_id desc limit 1",
        payment.id.uuid
    );
    let rules: Value = serde_json::from_str(&world.texts(&sql).await.remove(0)).unwrap();
    let policies = world.one().flows.policies.current();
    let policy = policies.all().iter().find(|policy| policy.market == payment.country).unwrap();
    let number = policy.rules.iter().find(|it| &*it.id == rule).unwrap().number;
    let of_rule = rules.as_array().unwrap().iter().find(|it| it[0] == number);
    of_rule.unwrap_or_else(|| panic!("{rule} is not in {rules}")).clone()
}

pub async fn vouch(
    world: &World,
    player: &PlayerKey,
    kind: AttestationKind,
    (reference, amount): (&str, Option<Money>),
) -> Uuid {
    let reference = reference.to_owned();
    let terms = AttestationTerms { kind, reference, amount, valid_until: None };
    let case = open(world, player, CasePayload::Attestation(terms, None), "ann").await;
    approve(world, &case, "bob").await.unwrap();
    attestations::of_player(&world.rows, player).await.unwrap()[0].id
}

async fn deposit(world: &World, player: &PlayerKey, minor: i64) -> Payment {
    world.one().deposit(deposit_order(player, eur(minor))).await
}

fn codes(payment: &Payment) -> Vec<&str> {
    payment.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

const AFFORDABILITY: &str = "id = \"can_pay\"\nkind = \"affordability\"\neffect = \"deny\"\nflow = \"deposits\"\n\
                             window = \"30 days\"\nmost_eur = \"10.00\"";

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_vouch_for_lets_a_deposit_through_and_stands_in_its_decision() {
    let world = world(&[AFFORDABILITY]).await;
    let player = world.player("DE").await;
    let blocked = deposit(&world, &player, 1_001).await;
    assert_eq!(
        (blocked.status.as_str(), codes(&blocked)),
        ("blocked", vec!["affordability.check_needed"])
    );
    let before = world.one().flows.clock.now();
    world.move_on(Duration::from_secs(60)).await;
    let (kind, file) = (AttestationKind::Affordability, ("file 7", Some(eur(3_000))));
    let id = vouch(&world, &player, kind, file).await;
    let through = deposit(&world, &player, 1_500).await;
    assert_eq!(through.status.as_str(), "action_required", "{through:#?}");
    let rule = found(&world, &through, "deposit.pre", "can_pay").await.to_string();
    assert!(rule.contains(&format!("affordability {id}")), "{rule}");
    // 15.00 are under way: another 15.01 are more than was vouched for.
    let over = deposit(&world, &player, 1_501).await;
    assert_eq!(over.status.as_str(), "blocked");
    let other = world.player("DE").await;
    assert_eq!(
        deposit(&world, &other, 1_001).await.status.as_str(),
        "blocked",
        "it is one player's"
    );
    all_replay(&world).await;
    // Before it was given nobody knew of it; what was blocked then stays blocked.
    let all = decisions(&world).await;
    let of = |payment: &Payment| {
        all.iter().find(|it| it.payment == Some(payment.id.uuid)).unwrap().clone()
    };
    let then = ask(&world, &of(&through), Some(before)).await;
    assert_eq!((&*then.recorded.outcome, &*then.replayed.outcome), ("approve", "deny"));
    let now = world.one().flows.clock.now();
    assert!(ask(&world, &of(&blocked), Some(now)).await.is_identical());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_that_has_ended_lifts_nothing() {
    let world = world(&[AFFORDABILITY]).await;
    let player = world.player("DE").await;
    let until = world.one().flows.clock.now() + Duration::from_secs(3_600);
    let terms = AttestationTerms {
        kind: AttestationKind::Affordability,
        reference: "file 7".to_owned(),
        amount: None,
        valid_until: Some(until.replace_nanosecond(0).unwrap()),
    };
    let case = open(&world, &player, CasePayload::Attestation(terms, None), "ann").await;
    approve(&world, &case, "bob").await.unwrap();
    let first = deposit(&world, &player, 1_001).await;
    assert_eq!(first.status.as_str(), "action_required");
    world.one().cancel(&first).await.unwrap();
    world.move_on(Duration::from_secs(3_600)).await;
    assert_eq!(deposit(&world, &player, 1_001).await.status.as_str(), "blocked");
    all_replay(&world).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_above_the_bound_wants_a_word_with_the_player() {
    let contact = "id = \"contact\"\nkind = \"limit.contact\"\neffect = \"deny\"\nperiod = \"month\"\n\
                   above.EUR = \"20.00\"\nabove.GBP = \"20.00\"\nabove.SEK = \"200.00\"";
    let world = world(&[contact]).await;
    let player = world.player("DE").await;
    assert_eq!(deposit(&world, &player, 100).await.status.as_str(), "action_required");
    let (flows, key) = (world.one().flows.clone(), player.clone());
    let change = Change::Replace(vec![(Period::Month, eur(2_001))]);
    world.one().run(async move { set_limits(&flows, &key, change).await.unwrap() }).await;
    let blocked = deposit(&world, &player, 100).await;
    assert_eq!(
        (blocked.status.as_str(), codes(&blocked)),
        ("blocked", vec!["limit.contact_needed"])
    );
    vouch(&world, &player, AttestationKind::LimitContact, ("call of today", None)).await;
    assert_eq!(deposit(&world, &player, 100).await.status.as_str(), "action_required");
    all_replay(&world).await;
    world.close().await;
}

pub const CARDS: &str = "id = \"cards\"\nkind = \"method.allowed\"\neffect = \"review\"\n\
                     allowed = [\"card\"]\ncard_funding = [\"debit\", \"prepaid\"]\n\
                     at = [\"deposit.post\"]";

/// A card that pays at one PSP; the answer says what became of the deposit.
async fn card(psp: &'static str, name: &str, status: &str) -> (World, Payment) {
    let (rules, first) = (rule(CARDS), Some(psp));
    let accounts = BRITISH_CARDS.accounts;
    let world = World::with(Setup { rules, first, accounts, ..Setup::default() }).await;
    let player = world.player_of(BRITISH_CARDS).await;
    let begun = world.one().deposit(BRITISH_CARDS.deposit(&player)).await;
    let payer = json!({"name": name});
    world.complete_with(&begun, json!({"outcome": "succeeded", "payer": payer})).await;
    let settled = world.settled(begun.id, status).await;
    all_replay(&world).await;
    (world, settled)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_asked_about_before_its_deposit_is_credited() {
    let (world, refused) = card("nuvei-gb", "Erika Credit", "in_review").await;
    let rule = found(&world, &refused, "deposit.post", "cards").await.to_string();
    assert!(rule.contains("\"hit\",\"card, credit\""), "{rule}");
    assert!(refused.credited.is_none() && refused.suspended.is_some());
    world.leave_open();
    let (world, taken) = card("nuvei-gb", "Erika Mustermann", "succeeded").await;
    let rule = found(&world, &taken, "deposit.post", "cards").await.to_string();
    assert!(rule.contains("card, debit"), "{rule}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_which_nobody_tells_waits_for_people() {
    let (world, untold) = card("adyen-gb", "Erika Mustermann", "in_review").await;
    let rule = found(&world, &untold, "deposit.post", "cards").await.to_string();
    assert!(rule.contains("\"error\",\"card, not told whose money\""), "{rule}");
    world.leave_open();
}

/// The id does not begin with the kind, which a sandbox only records.
const PLAY: &str = "id = \"played\"\nkind = \"minimal_play\"\neffect = \"review\"\n\
                    window = \"30 days\"\nratio = \"0.5\"";

/// A deposit that came.
async fn paid_in(world: &World, minor: i64) -> PlayerKey {
    let player = world.player("DE").await;
    let paid = deposit(world, &player, minor).await;
    world.complete(&paid, "succeeded").await;
    world.settled(paid.id, "succeeded").await;
    player
}

#[tokio::test(flavor = "multi_thread")]
async fn deposits_that_leave_without_play_go_to_people() {
    let world = world(&[PLAY]).await;
    let idle = paid_in(&world, 10_000).await;
    world.play(&idle, GameKind::Stake, eur(4_999)).await;
    world.win(&idle, eur(0).currency, 4_999).await;
    let review = world.withdraw(&idle, eur(10_000)).await;
    assert_eq!(review.status.as_str(), "in_review");
    let told = review.reasons.iter().find(|it| it.code == "minimal_play.too_little").unwrap();
    assert_eq!(told.audience.as_str(), "compliance");
    assert!(told.observed.as_deref().unwrap().contains("49.99 EUR staked"), "{told:?}");

    let player = paid_in(&world, 10_000).await;
    world.play(&player, GameKind::Stake, eur(5_000)).await;
    world.win(&player, eur(0).currency, 5_000).await;
    let fine = world.withdraw(&player, eur(10_000)).await;
    assert_eq!(fine.status.as_str(), "approved", "{:?}", fine.reasons);
    // Who won without a deposit takes nothing out of one.
    let winner = world.rich_player("DE", 10_000).await;
    assert_eq!(world.withdraw(&winner, eur(10_000)).await.status.as_str(), "approved");
    all_replay_today(&world).await;
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_another_player_uses_goes_to_people_and_names_nobody() {
    let shared = "id = \"instrument.shared\"\neffect = \"review\"\nmost = 0";
    let (rules, first) = (rule(shared), Some("truelayer-de"));
    let world = World::with(Setup { rules, first, ..Setup::default() }).await;
    let first = world.rich_player("DE", 10_000).await;
    let second = world.rich_player("DE", 10_000).await;
    assert_eq!(world.withdraw(&first, eur(1_000)).await.status.as_str(), "approved");
    assert_eq!(world.withdraw(&first, eur(1_000)).await.status.as_str(), "approved", "its own");
    let review = world.withdraw(&second, eur(1_000)).await;
    assert_eq!(review.status.as_str(), "in_review");
    let told = &review.reasons[0];
    assert_eq!((&*told.code, told.audience.as_str()), ("instrument.shared", "compliance"));
    assert_eq!(told.observed.as_deref(), Some("1 other players"));
    let sql = format!("select inputs::text from decision where payment_id = '{}'", review.id.uuid);
    let facts = world.texts(&sql).await.remove(0);
    assert!(
        facts.contains(r#""shared":{"others":1}"#) && !facts.contains(first.player.as_str()),
        "{facts}"
    );
    // On the way in it is seen when the payer is known.
    let mut paid = Vec::new();
    for status in ["succeeded", "in_review"] {
        let player = world.player("DE").await;
        let begun = deposit(&world, &player, 1_000).await;
        let payer = json!({"name": "Erika Mustermann", "iban": "DE02120300000000202051"});
        world.complete_with(&begun, json!({"outcome": "succeeded", "payer": payer})).await;
        paid.push(world.settled(begun.id, status).await);
    }
    for (paid, others) in paid.iter().zip(["0 other players", "1 other players"]) {
        let rule = found(&world, paid, "deposit.post", "instrument.shared").await.to_string();
        assert!(rule.contains(others), "{rule}");
    }
    all_replay_today(&world).await;
    world.leave_open();
}

/// What came before is counted in the moment in which money comes. The sandbox has this rule on record only.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_account_of_a_player_is_found_when_its_money_comes() {
    let accounts = "id = \"velocity.instruments\"\neffect = \"review\"\nflow = \"deposits\"\n\
                    window = \"30 days\"\nmost = 1";
    let (rules, first) = (rule(accounts), Some("truelayer-de"));
    let world = World::with(Setup { rules, first, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let (one, other) = ("DE02120300000000202051", "DE89370400440532013000");
    for (iban, state) in [(one, "no_hit"), (one, "no_hit"), (other, "hit")] {
        let begun = deposit(&world, &player, 1_000).await;
        let payer = json!({"name": "Erika Mustermann", "iban": iban});
        world.complete_with(&begun, json!({"outcome": "succeeded", "payer": payer})).await;
        let paid = world.settled(begun.id, "succeeded").await;
        assert_eq!(found(&world, &paid, "deposit.post", "velocity.instruments").await[1], state);
    }
    all_replay(&world).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_control_is_good_for_its_own_address() {
    let world = World::with(Setup { accounts: MALTA.accounts, ..Setup::default() }).await;
    let player = world.player_of(MALTA).await;
    world.win(&player, MALTA.currency, 10_000_000_000).await;
    let order = || {
        let destination = wallet_address("ethereum");
        let order = MALTA.withdrawal(&player, destination);
        interlock::payments::request_withdrawal::WithdrawalOrder {
            money: MALTA.money(1_500_000_000),
            ..order
        }
    };
    let kind = AttestationKind::ProofOfControl;
    vouch(&world, &player, kind, ("0x0000000000000000000000000000000000000001", None)).await;
    let unproven = world.one().withdraw(order()).await;
    let rule = found(&world, &unproven, "withdrawal.request", "travel_rule").await.to_string();
    assert!(rule.contains("\"hit\"") && !rule.contains("proof_of_control"), "{rule}");
    let own = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    let id = vouch(&world, &player, kind, (own, None)).await;
    let proven = world.one().withdraw(order()).await;
    let rule = found(&world, &proven, "withdrawal.request", "travel_rule").await.to_string();
    assert!(rule.contains("no_hit") && rule.contains(&format!("proof_of_control {id}")), "{rule}");
    all_replay(&world).await;
    world.leave_open();
}

pub const NAMES: &str = "id = \"sanctions_pep\"\neffect = \"hold\"\nblock_score = \"0.95\"\n\
                     review_score = \"0.80\"\nmax_age_s = 86400\non_failure = \"review\"";

#[tokio::test(flavor = "multi_thread")]
async fn enhanced_due_diligence_lets_a_politically_exposed_person_play() {
    let rules = rule(NAMES);
    let world = World::with(Setup { rules, vendors: &["yente"], ..Setup::default() }).await;
    let player = world.player("DE").await;
    let record = world.read_player(&player).await;
    let full_name = "Erika Exposed".to_owned();
    world.change_player(Player { full_name, ..record }).await;
    let review = deposit(&world, &player, 1_000).await;
    assert_eq!((review.status.as_str(), codes(&review)), ("in_review", vec!["names.pep"]));
    vouch(&world, &player, AttestationKind::EnhancedDueDiligence, ("file 7", None)).await;
    let through = deposit(&world, &player, 1_000).await;
    assert_eq!(through.status.as_str(), "action_required", "{:?}", through.reasons);
    all_replay(&world).await;
    world.leave_open();
}
