//! Each attack on a batch is named, at the record that it hit.

use super::super::canonical::Object;
use super::super::line::{Rows, line};
use super::super::tree::Frontier;
use super::*;
use time::macros::datetime;

struct Sealed {
    before: Frontier,
    checkpoint: Checkpoint,
    places: Vec<Place>,
    list: Vec<Hash>,
    lines: Vec<Option<Vec<u8>>>,
}

/// Nine records of two slots, after three others.
fn sealed() -> Sealed {
    let numbers = [(0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (2, 3), (2, 4), (2, 5), (2, 6)];
    let places: Vec<Place> = numbers.map(|(slot, seq)| Place { slot, seq }).to_vec();
    let text = |place: &Place| {
        let kind = hex::encode(leaf_hash(place.to_string().as_bytes()));
        let record = Some(Object::default().with("kind", kind));
        line(*place, Rows { record, ..Rows::default() }).map(String::into_bytes)
    };
    let lines: Vec<Option<Vec<u8>>> = places.iter().map(text).collect();
    let list: Vec<Hash> = lines.iter().flatten().map(|it| leaf_hash(it)).collect();
    let before = Frontier::default().with(&[[1; 32], [2; 32], [3; 32]]);
    let checkpoint = Checkpoint {
        origin: "log.example/one".to_owned(),
        size: 12,
        root: before.clone().with(&list).root(),
        after: 3,
        at: datetime!(2026-11-21 06:40 UTC),
        heads: [(0, 6), (2, 6)].into(),
    };
    Sealed { before, checkpoint, places, list, lines }
}

impl Sealed {
    fn examined(&self, with_list: bool) -> Examined {
        let list = with_list.then_some(self.list.as_slice());
        let Self { checkpoint, places, lines, .. } = self;
        examine(&self.before, &Batch { checkpoint, places, list, lines })
    }

    #[track_caller]
    fn is_named(&self, leaf: u64, fault: Fault) {
        let place = self.places[usize::try_from(leaf - 3).unwrap()];
        assert_eq!(self.examined(true).bad, Some(Bad { leaf, place, fault }));
    }
}

#[test]
fn what_was_not_touched_is_proven() {
    let sealed = sealed();
    for with_list in [true, false] {
        let examined = sealed.examined(with_list);
        assert_eq!(examined.bad, None);
        assert_eq!(examined.frontier.unwrap().root(), sealed.checkpoint.root);
    }
}

#[test]
fn a_flipped_bit_of_any_byte_names_its_record() {
    for index in 0..9 {
        let length = sealed().lines[index].as_ref().unwrap().len();
        for at in 0..length {
            let mut sealed = sealed();
            sealed.lines[index].as_mut().unwrap()[at] ^= 1;
            let bad = sealed.examined(true).bad.unwrap();
            assert_eq!(bad.leaf, 3 + index as u64, "byte {at}");
            assert_eq!(bad.fault, Fault::Edited, "byte {at}");
        }
    }
}

#[test]
fn a_record_that_is_gone_is_missing() {
    for index in 0..9 {
        let mut from_database = sealed();
        from_database.lines[index] = None;
        from_database.is_named(3 + index as u64, Fault::Missing);
        let mut from_file = sealed();
        from_file.lines.remove(index);
        // What comes after the batch moves up.
        let next = line(
            Place { slot: 0, seq: 7 },
            Rows { record: Some(Object::default()), ..Rows::default() },
        );
        from_file.lines.push(next.map(String::into_bytes));
        from_file.is_named(3 + index as u64, Fault::Missing);
    }
}

#[test]
fn a_file_that_was_cut_lacks_the_first_record_after_the_cut() {
    let mut cut = sealed();
    cut.lines.truncate(4);
    cut.is_named(7, Fault::Missing);
}

#[test]
fn records_that_changed_places_are_out_of_order() {
    let mut in_the_file = sealed();
    in_the_file.lines.swap(1, 6);
    in_the_file.is_named(4, Fault::OutOfOrder(Place { slot: 2, seq: 4 }));
    let mut renamed = sealed();
    let lines = renamed.lines.clone();
    for (at, from) in [(1, 6), (6, 1)] {
        let line = std::str::from_utf8(lines[from].as_ref().unwrap()).unwrap();
        renamed.lines[at] = renumbered(line, renamed.places[at]).map(String::into_bytes);
    }
    renamed.is_named(4, Fault::OutOfOrder(Place { slot: 2, seq: 4 }));
}

#[test]
fn a_line_too_many_is_named_where_it_stands() {
    let mut inside = sealed();
    inside.lines.insert(2, Some(b"{}".to_vec()));
    inside.is_named(5, Fault::Inserted);
}

#[test]
fn a_forged_list_is_not_believed() {
    let mut list = sealed();
    list.list[5] = [0; 32];
    list.is_named(8, Fault::ListEdited);
    let mut both = sealed();
    let line = both.lines[5].as_mut().unwrap();
    let at = line.len() / 2;
    line[at] ^= 1;
    both.list[5] = leaf_hash(line);
    both.is_named(3, Fault::InRange(Place { slot: 2, seq: 6 }));
    both.lines[7] = None;
    both.is_named(10, Fault::Missing);
}
