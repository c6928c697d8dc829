//! What a verifier makes of checkpoints that are damaged, missing, foreign or forged.

use super::super::note::Signer;
use super::*;
use aws_lc_rs::signature::Ed25519KeyPair;
use time::macros::datetime;

fn signer() -> Signer {
    let pair = Ed25519KeyPair::generate().unwrap();
    Signer::from_pkcs8("log.example", pair.to_pkcs8().unwrap().as_ref()).unwrap()
}

fn checkpoint(after: u64, heads: &[(i16, i64)]) -> Checkpoint {
    let heads: Heads = heads.iter().copied().collect();
    Checkpoint {
        origin: "log.example/one".to_owned(),
        size: super::super::checkpoint::size_of(&heads),
        root: [9; 32],
        after,
        at: datetime!(2026-11-21 06:40 UTC),
        heads,
    }
}

/// Three checkpoints of sizes 2, 5 and 9.
fn three() -> [Checkpoint; 3] {
    [checkpoint(0, &[(0, 2)]), checkpoint(2, &[(0, 3), (1, 2)]), checkpoint(5, &[(0, 5), (1, 4)])]
}

fn walk(signer: &Signer, notes: &[String]) -> Walk {
    let mut chain = Chain::new(signer.verifier().clone().into());
    for note in notes {
        chain.add(note, "here");
    }
    chain.walk()
}

fn sizes(walk: &Walk) -> Vec<Vec<u64>> {
    walk.stretches.iter().map(|stretch| stretch.sizes.clone()).collect()
}

#[test]
fn a_whole_chain_is_walked_in_its_order_wherever_its_parts_come_from() {
    let signer = signer();
    let [one, two, three] = three().map(|it| signer.sign(&it.text()));
    let walk = walk(&signer, &[three, one.clone(), two, one]);
    assert_eq!(walk.faults, Vec::<String>::new());
    assert_eq!(sizes(&walk), [[2], [5], [9]]);
    let places: Vec<_> = walk.stretches[1].places().iter().map(|it| (it.slot, it.seq)).collect();
    assert_eq!(places, [(0, 3), (1, 1), (1, 2)]);
}

#[test]
fn what_a_damaged_checkpoint_covers_is_left_to_the_next_one() {
    let signer = signer();
    let [one, two, three] = three().map(|it| signer.sign(&it.text()));
    let damaged = two.replace(".example ", ".example AA");
    let walk = walk(&signer, &[one, damaged, three]);
    assert_eq!(sizes(&walk), [vec![2], vec![5, 9]]);
    assert_eq!(walk.faults.len(), 1, "{:?}", walk.faults);
}

#[test]
fn a_damaged_last_checkpoint_proves_nothing() {
    let signer = signer();
    let [one, two, _] = three().map(|it| signer.sign(&it.text()));
    let forged = two.replace("CQkJ", "CQkK");
    let walk = walk(&signer, &[one, forged]);
    assert_eq!(sizes(&walk), [[2]]);
    assert!(walk.faults[0].contains("begin with slot 0 seq 3, slot 1 seq 1"), "{:?}", walk.faults);
}

#[test]
fn a_newer_checkpoint_shows_that_the_log_was_cut() {
    let signer = signer();
    let [one, _, three] = three().map(|it| signer.sign(&it.text()));
    let walk = walk(&signer, &[one, three]);
    assert_eq!(sizes(&walk), [[2]]);
    let told = "truncated: nothing goes on from leaf 2";
    assert!(walk.faults[0].starts_with(told), "{:?}", walk.faults);
    assert!(walk.faults[0].ends_with("slot 0 seq 3, slot 1 seq 1"), "{:?}", walk.faults);
}

#[test]
fn two_histories_under_one_key_are_told() {
    let signer = signer();
    let [one, two, _] = three();
    let other = Checkpoint { root: [8; 32], ..two.clone() };
    let notes = [one, two, other].map(|it| signer.sign(&it.text()));
    let walk = walk(&signer, &notes);
    assert!(walk.faults[0].contains("two histories"), "{:?}", walk.faults);
}

#[test]
fn a_sound_checkpoint_that_the_chain_goes_past_is_told() {
    let signer = signer();
    let notes = three().map(|it| signer.sign(&it.text()));
    // Kept from the history before the database was set back and went on otherwise.
    let kept = checkpoint(3, &[(0, 4)]);
    let walk = walk(&signer, &[&[signer.sign(&kept.text())], &notes[..]].concat());
    assert_eq!(sizes(&walk), [[2], [5], [9]]);
    let told = "the signed checkpoint of size 4 after 3 is not on this chain: \
                the key has signed two histories";
    assert_eq!(walk.faults, [told]);
}

/// Whoever can write rows can make a damaged one that leads past a sound one; the key is not to blame.
#[test]
fn a_damaged_checkpoint_that_leads_past_a_sound_one_accuses_no_key() {
    let signer = signer();
    let [_, two, three] = three().map(|it| signer.sign(&it.text()));
    let past = signer.sign(&checkpoint(0, &[(0, 3), (1, 2)]).text());
    let walk = walk(&signer, &[past.replace(".example ", ".example AA"), two, three]);
    assert_eq!(sizes(&walk), [[5, 9]]);
    let placed =
        "the signed checkpoint of size 5 after 2 cannot be placed, for one beside it is damaged";
    assert!(walk.faults.iter().any(|fault| fault == placed), "{:?}", walk.faults);
    assert!(!walk.faults.iter().any(|fault| fault.contains("two histories")), "{:?}", walk.faults);
}

#[test]
fn another_logs_and_another_keys_checkpoints_do_not_count() {
    let (signer, stranger) = (signer(), signer());
    let [one, two, _] = three();
    let foreign = Checkpoint { origin: "log.example/two".to_owned(), ..two.clone() };
    let notes =
        [signer.sign(&one.text()), signer.sign(&foreign.text()), stranger.sign(&two.text())];
    let walk = walk(&signer, &notes);
    assert_eq!(sizes(&walk), [[2]]);
    assert!(walk.faults.iter().any(|it| it.contains("another log")), "{:?}", walk.faults);
    assert!(
        walk.faults.iter().any(|it| it.contains("not signed by this key")),
        "{:?}",
        walk.faults
    );
}
