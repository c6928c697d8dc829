//! The canonical line of one record: everything that a lane wrote for good under one number.
//!
//! `attestations`, `decisions`, `entries`, `erasures`, `events`, `hold_moves`, `incidents`, `payins`, `player_versions`,
//! `record`, `transitions`, `wires` and `witnesses` are the rows of the tables of those names, each with its
//! columns but for `slot` and `seq`, which stand once. What an event told is there as its hash, what was
//! known of a player as a commitment that tells nothing once its salt is gone, and a row of a table
//! without numbers as both.

use super::canonical::Object;
use super::checkpoint::Place;

/// The version of the form. A line says which one it has.
pub const FORM: i64 = 1;

/// What hangs on one number, as the store reads it.
#[derive(Debug, Default)]
pub struct Rows {
    /// None: there is no such record.
    pub record: Option<Object>,
    pub entries: Vec<Object>,
    pub hold_moves: Vec<Object>,
    pub transitions: Vec<Object>,
    pub events: Vec<Object>,
    pub decisions: Vec<Object>,
    pub incidents: Vec<Object>,
    pub wires: Vec<Object>,
    pub player_versions: Vec<Object>,
    pub payins: Vec<Object>,
    pub attestations: Vec<Object>,
    pub erasures: Vec<Object>,
    pub witnesses: Vec<Object>,
}

/// The line; none where the record is missing.
pub fn line(place: Place, rows: Rows) -> Option<String> {
    let record = rows.record?;
    let object = Object::default()
        .with("attestations", rows.attestations)
        .with("decisions", rows.decisions)
        .with("entries", rows.entries)
        .with("erasures", rows.erasures)
        .with("events", rows.events)
        .with("hold_moves", rows.hold_moves)
        .with("incidents", rows.incidents)
        .with("payins", rows.payins)
        .with("player_versions", rows.player_versions)
        .with("record", record)
        .with("seq", place.seq)
        .with("slot", place.slot)
        .with("transitions", rows.transitions)
        .with("v", FORM)
        .with("wires", rows.wires)
        .with("witnesses", rows.witnesses);
    Some(object.text())
}

/// Inside a text every quotation mark is escaped, so that this stands in no line but at its number.
const SEQ: &str = ",\"seq\":";
const SLOT: &str = ",\"slot\":";

/// Where the number of a line stands, and what it is.
fn number(line: &str) -> Option<(std::ops::Range<usize>, Place)> {
    let start = line.find(SEQ)? + SEQ.len();
    let (seq, rest) = line[start..].split_once(SLOT)?;
    let slot = &rest[..rest.find(|c: char| !c.is_ascii_digit())?];
    let end = line.len() - rest.len() + slot.len();
    Some((start..end, Place { slot: slot.parse().ok()?, seq: seq.parse().ok()? }))
}

/// The number that a line bears.
pub fn place_of(line: &str) -> Option<Place> {
    number(line).map(|(_, place)| place)
}

/// The line as it would be under another number.
pub fn renumbered(line: &str, place: Place) -> Option<String> {
    let (range, _) = number(line)?;
    let (before, after) = (&line[..range.start], &line[range.end..]);
    Some(format!("{before}{}{SLOT}{}{after}", place.seq, place.slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_bears_its_number_and_can_be_moved() {
        let place = Place { slot: 3, seq: 41 };
        let trap = "\",\"seq\":9,\"slot\":9,".to_owned();
        let entries = vec![Object::default().with("reference", trap)];
        let record = Some(Object::default().with("kind", "start_deposit".to_owned()));
        let text = line(place, Rows { record, entries, ..Rows::default() }).unwrap();
        assert_eq!(place_of(&text), Some(place));
        let other = Place { slot: 0, seq: 7 };
        let moved = renumbered(&text, other).unwrap();
        assert_eq!(moved, text.replace(",\"seq\":41,\"slot\":3,", ",\"seq\":7,\"slot\":0,"));
        assert_eq!(place_of(&moved), Some(other));
        assert_eq!(renumbered(&moved, place), Some(text));
    }

    #[test]
    fn a_record_that_is_missing_has_no_line() {
        let entries = vec![Object::default()];
        let rows = Rows { entries, ..Rows::default() };
        assert_eq!(line(Place { slot: 0, seq: 1 }, rows), None);
    }
}
