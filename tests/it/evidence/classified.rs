//! No table is forgotten: each either loses what tells who somebody was, or has a reason to keep all it has.

use super::super::harness::World;
use interlock::store::erase::Step;
use std::collections::{BTreeMap, BTreeSet};

/// What an erasure leaves as it is, and why it may. A player's id is a casino's pseudonym and stays with
/// what was booked under it.
const KEPT: [(&str, &str); 52] = [
    ("_sqlx_migrations", "which migrations were done"),
    ("attempt", "a PSP's reference and how its call ended"),
    ("attestation", "two officers' words, by the number of a document that is kept elsewhere"),
    ("books_proof", "when the books were proven, and how much was found"),
    ("books_proof_lease", "who proves the books"),
    ("console_account", "people of the casino"),
    ("console_act", "what people of the casino did at the console"),
    ("console_session", "sessions of people of the casino"),
    ("decision", "facts by salted commitment; names and numbers are in the player's versions"),
    ("decision_read", "who of the casino read which decisions"),
    ("deposit_address", "an address of the casino's at a PSP, to which money may still come"),
    ("entry", "the books"),
    ("environment", "which database this is"),
    ("erasure", "that it was done, and on which ground"),
    ("erasure_work", "how far it is"),
    ("evidence_checkpoint", "the log's roots"),
    ("evidence_lease", "who seals"),
    ("evidence_log", "the log's name"),
    ("game_entry", "stakes and wins by the casino's references"),
    ("hold_move", "the books"),
    ("house_balance", "the books"),
    (
        "identity_event",
        "a vendor's number of a verification and of its message, as proof of arrival",
    ),
    ("incident", "what went wrong, by payment; people's words about it go"),
    ("incident_open", "which incidents nobody has closed"),
    ("lane_slot", "numbers of lanes"),
    ("mail_outbox", "which case waits for people of the casino"),
    ("name_told", "which answer of a matcher people were told of last, by its number"),
    ("name_sweep", "which lists were matched"),
    ("payment_deadline", "by when a withdrawal was promised, and whether it was late"),
    ("payin", "PSPs' references of money that came without a request"),
    ("policy_proposal", "texts of policies"),
    ("policy_proposal_end", "texts of policies"),
    ("policy_version", "texts of policies"),
    ("psp_approval_told", "health of PSPs"),
    ("psp_day_volume", "sums of days"),
    ("psp_failing", "health of PSPs"),
    ("psp_health_level", "health of PSPs"),
    ("psp_health_told", "health of PSPs"),
    ("psp_volume_told", "how far sums of days were told"),
    ("record", "numbers of the log"),
    ("relay_cursor", "how far events are told"),
    ("request_nonce", "words that requests may use once"),
    ("review_approval", "which two people decided"),
    ("routing_switch", "switches of PSPs"),
    ("routing_switch_lift", "switches of PSPs"),
    ("routing_version", "texts of routing rules"),
    ("service_incident", "what went wrong with PSPs and vendors"),
    ("transition", "steps of states"),
    ("wallet", "the books"),
    ("wire", "calls to PSPs, by the hash of what was sent"),
    ("worker_heartbeat", "workers of instances"),
    ("webhook_secret", "keys of the casino's endpoints"),
];
/// What the lane empties with the decision to erase, and what only leads to what goes.
const WITH_OTHERS: [(&str, &str); 3] = [
    ("player", "emptied by the lane, in the commit of the decision"),
    ("webhook_delivery", "goes nowhere without its event and its tries"),
    ("webhook_endpoint", "addresses of the casino's own"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_emptied_of_people_or_has_a_reason_to_stay() {
    let world = World::new().await;
    let tables = "select relname::text from pg_class
        where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace";
    let tables: BTreeSet<String> = world.texts(tables).await.into_iter().collect();
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let steps = Step::ALL.iter().map(|step| step.told());
    for (table, why) in steps.chain(KEPT).chain(WITH_OTHERS) {
        told.entry(table).or_default().push(why);
    }
    for table in &tables {
        let whys = told.remove(table.as_str());
        assert!(
            whys.is_some(),
            "nobody has said whether {table} tells who a player was: write a step of \
             store/erase.rs that takes it out, or here why it may stay"
        );
    }
    assert!(told.is_empty(), "there are no such tables: {told:?}");
    world.close().await;
}

/// The page lists every step, in the same words.
#[test]
fn what_goes_is_told_to_people_table_by_table() {
    let page = include_str!("../../../docs/evidence.md");
    for (table, what) in Step::ALL.iter().map(|step| step.told()) {
        assert!(page.contains(&format!("| `{table}` | {what} |")), "{table}: {what}");
    }
}
