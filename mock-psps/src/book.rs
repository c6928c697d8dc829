//! One PSP account's own books: what really moved, and the facts its API must remember (answers
//! by idempotency key, message ids, bank accounts).
//!
//! A booking is one closure under one lock and one appended line, so that a movement and the
//! answer to its idempotency key exist together or not at all, also after a kill.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Deposit,
    Payout,
    Refund,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Payout => "payout",
            Self::Refund => "refund",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    Succeeded,
    Declined,
    Expired,
    Cancelled,
    Returned,
    ChargedBack,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
            Self::ChargedBack => "charged_back",
        }
    }

    /// Whether money can still come for it: nobody has paid, though some have said that nobody would.
    pub(crate) fn may_be_paid(self) -> bool {
        matches!(self, Self::Pending | Self::Declined | Self::Expired | Self::Cancelled)
    }

    /// Whether the books may go from one state to the other. A success may follow a refusal,
    /// because banks do that; nothing undoes a success but a return or a charge-back, and nothing a
    /// charge-back but a dispute that the merchant wins.
    pub(crate) fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Pending, Self::Succeeded | Self::Declined | Self::Expired | Self::Cancelled) => {
                true
            }
            (Self::Declined | Self::Expired | Self::Cancelled, Self::Succeeded) => true,
            (Self::Succeeded, Self::Returned | Self::ChargedBack) => true,
            (Self::ChargedBack, Self::Succeeded) => true,
            (_, _) => false,
        }
    }
}

/// Who pays or is paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payer {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) iban: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tax_id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Movement {
    /// The PSP's own id.
    pub(crate) reference: String,
    /// The caller's attempt, as 32 lower-case hex digits.
    pub(crate) client_reference: String,
    pub(crate) kind: Kind,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) status: Status,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When the status last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) changed_at: OffsetDateTime,
    /// When it first succeeded: the day of its statement row.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) settled_at: Option<OffsetDateTime>,
    /// The PSP's word for why it failed.
    pub(crate) code: Option<String>,
    pub(crate) payer: Option<Payer>,
    /// What this PSP's wire format needs to speak of the movement again.
    pub(crate) wire: Value,
}

impl Movement {
    /// A text of the request, by name; empty when absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.wire.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Movement(Movement),
    Fact { table: String, key: String, value: Value },
}

#[derive(Default)]
struct Shelf {
    movements: Vec<Movement>,
    by_reference: HashMap<String, usize>,
    facts: HashMap<(String, String), Value>,
    file: Option<File>,
}

/// Written when books are opened: it ends a torn last line, and the empty line after it says that this was a
/// run's last one.
const END_OF_RUN: &[u8] = b"\n\n";

impl Shelf {
    /// What former runs have written. The last line of a run may be cut off, also inside of a character: it
    /// was never acknowledged to anyone. Any other that cannot be read is a loss that nobody may overlook.
    fn read(&mut self, kept: &[u8]) -> anyhow::Result<()> {
        let mut lines = kept.split(|byte| *byte == b'\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let ends_a_run = lines.peek().is_none_or(|(_, next)| next.is_empty());
            match serde_json::from_slice::<Vec<Record>>(line) {
                Ok(records) => records.into_iter().for_each(|record| self.apply(record)),
                Err(_) if line.is_empty() || ends_a_run => {}
                Err(error) => anyhow::bail!(
                    "line {} of these books cannot be read ({error}), and more was written after it; \
                     repair the line, or move the file away to begin with empty books",
                    index + 1
                ),
            }
        }
        Ok(())
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Movement(movement) => match self.by_reference.get(&movement.reference) {
                Some(&index) => self.movements[index] = movement,
                None => {
                    let index = self.movements.len();
                    self.by_reference.insert(movement.reference.clone(), index);
                    self.movements.push(movement);
                }
            },
            Record::Fact { table, key, value } => {
                self.facts.insert((table, key), value);
            }
        }
    }
}

/// The view of the books inside one booking.
pub(crate) struct Entry<'a> {
    shelf: &'a mut Shelf,
    written: Vec<String>,
}

impl Entry<'_> {
    pub(crate) fn movement(&self, reference: &str) -> Option<&Movement> {
        self.shelf.by_reference.get(reference).map(|&index| &self.shelf.movements[index])
    }

    pub(crate) fn movements(&self) -> &[Movement] {
        &self.shelf.movements
    }

    /// Keeps a movement, or what has become of it. What came of one is never written over another.
    pub(crate) fn put(&mut self, movement: Movement) {
        let known = self.movement(&movement.reference);
        let same = known.is_none_or(|known| known.created_at == movement.created_at);
        assert!(same, "two movements have the reference {}", movement.reference);
        self.record(Record::Movement(movement));
    }

    /// Keeps a new movement, unless its reference has been given away: then another is to be drawn.
    #[must_use]
    pub(crate) fn add(&mut self, movement: &Movement) -> bool {
        let free = self.movement(&movement.reference).is_none();
        if free {
            self.put(movement.clone());
        }
        free
    }

    /// How many facts are kept: none is ever taken away, so what comes later finds more.
    pub(crate) fn facts_kept(&self) -> usize {
        self.shelf.facts.len()
    }

    pub(crate) fn fact(&self, table: &str, key: &str) -> Option<&Value> {
        self.shelf.facts.get(&(table.to_owned(), key.to_owned()))
    }

    pub(crate) fn put_fact(&mut self, table: &str, key: &str, value: Value) {
        self.record(Record::Fact { table: table.to_owned(), key: key.to_owned(), value });
    }

    fn record(&mut self, record: Record) {
        if let Ok(text) = serde_json::to_string(&record) {
            self.written.push(text);
        }
        self.shelf.apply(record);
    }
}

pub(crate) struct Book {
    shelf: Mutex<Shelf>,
}

impl Book {
    /// Opens the books, reading what a former run has written.
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let mut shelf = Shelf::default();
        if let Some(path) = path {
            if path.exists() {
                let kept = std::fs::read(path).with_context(|| format!("reading {path:?}"))?;
                shelf.read(&kept).with_context(|| format!("reading {path:?}"))?;
            }
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.write_all(END_OF_RUN)?;
            shelf.file = Some(file);
        }
        Ok(Self { shelf: Mutex::new(shelf) })
    }

    /// One booking: everything that `work` puts is kept together.
    pub(crate) fn enter<R>(&self, work: impl FnOnce(&mut Entry<'_>) -> R) -> R {
        let mut shelf = self.lock();
        let mut entry = Entry { shelf: &mut shelf, written: Vec::new() };
        let result = work(&mut entry);
        let written = std::mem::take(&mut entry.written);
        if let (Some(file), false) = (shelf.file.as_mut(), written.is_empty()) {
            let line = format!("[{}]\n", written.join(","));
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::error!(%error, "the mock's books could not be written");
            }
        }
        result
    }

    pub(crate) fn movements(&self) -> Vec<Movement> {
        self.lock().movements.clone()
    }

    pub(crate) fn find(&self, reference: &str) -> Option<Movement> {
        let shelf = self.lock();
        shelf.by_reference.get(reference).map(|&index| shelf.movements[index].clone())
    }

    pub(crate) fn fact(&self, table: &str, key: &str) -> Option<Value> {
        self.lock().facts.get(&(table.to_owned(), key.to_owned())).cloned()
    }

    /// All facts of a table, by key.
    pub(crate) fn facts(&self, table: &str) -> Vec<(String, Value)> {
        let shelf = self.lock();
        let of_table = shelf.facts.iter().filter(|((name, _), _)| name == table);
        let mut facts: Vec<_> =
            of_table.map(|((_, key), value)| (key.clone(), value.clone())).collect();
        facts.sort_by(|(left, _), (right, _)| left.cmp(right));
        facts
    }

    /// Forgets everything, on disk too.
    pub(crate) fn clear(&self) {
        let mut shelf = self.lock();
        let file = shelf.file.take();
        if let Some(error) = file.as_ref().and_then(|file| file.set_len(0).err()) {
            tracing::error!(%error, "the mock's books could not be cleared");
        }
        *shelf = Shelf { file, ..Shelf::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::{Book, END_OF_RUN, Kind, Movement, Shelf, Status};
    use serde_json::{Value, json};

    fn line(name: &str) -> Vec<u8> {
        let fact = json!([{ "fact": { "table": "t", "key": name, "value": "Zoë" } }]);
        format!("{fact}\n").into_bytes()
    }

    fn read(parts: &[&[u8]]) -> Result<usize, String> {
        let mut shelf = Shelf::default();
        let told = shelf.read(&parts.concat()).map(|()| shelf.facts.len());
        told.map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_last_line_of_a_run_may_be_cut_off() {
        let (a, b) = (line("a"), line("b"));
        // Inside of the ë, and inside of the brackets.
        let middle = b.iter().position(|byte| *byte == 0xc3).unwrap();
        for torn in [&b[..=middle], &b[..5], &b[..b.len() - 2]] {
            assert_eq!(read(&[&a, torn]), Ok(1));
            assert_eq!(read(&[&a, torn, END_OF_RUN, &a, &b, END_OF_RUN]), Ok(2));
            let told = read(&[&a, torn, b"\n", &b]).unwrap_err();
            assert!(told.starts_with("line 2 of these books cannot be read"), "{told}");
        }
        // A line that had everything but its end.
        assert_eq!(read(&[&a, &b[..b.len() - 1], END_OF_RUN, &a]), Ok(2));
    }

    fn movement(client_reference: &str) -> Movement {
        let now = crate::clock::now();
        Movement {
            reference: "1".to_owned(),
            client_reference: client_reference.to_owned(),
            kind: Kind::Payout,
            amount_minor: 1,
            currency: "EUR".to_owned(),
            status: Status::Pending,
            created_at: now,
            changed_at: now,
            settled_at: None,
            code: None,
            payer: None,
            wire: Value::Null,
        }
    }

    #[test]
    fn no_movement_is_written_over_another() {
        let book = Book::open(None).unwrap();
        let (first, second) = (movement("a"), movement("b"));
        assert!(book.enter(|entry| entry.add(&first)));
        assert!(!book.enter(|entry| entry.add(&second)), "its reference is taken");
        let put = |movement: Movement| book.enter(|entry| entry.put(movement));
        put(Movement { status: Status::Succeeded, ..first });
        let other = std::panic::AssertUnwindSafe(|| put(second));
        assert!(std::panic::catch_unwind(other).is_err());
        let kept = book.movements();
        assert_eq!((kept.len(), kept[0].client_reference.as_str()), (1, "a"));
        assert_eq!(kept[0].status, Status::Succeeded);
    }

    #[test]
    fn books_with_a_hole_are_not_opened() {
        let path = std::env::temp_dir().join(format!("mock-book-{}.jsonl", crate::ids::uuid()));
        std::fs::write(&path, [&line("a")[..7], b"\n", &line("b")].concat()).unwrap();
        let told = format!("{:#}", Book::open(Some(&path)).err().unwrap());
        assert!(told.contains("line 1") && told.contains("mock-book-"), "{told}");
        std::fs::write(&path, line("a")).unwrap();
        for _ in 0..3 {
            let book = Book::open(Some(&path)).unwrap();
            book.enter(|entry| entry.put_fact("t", "b", json!(1)));
            assert_eq!(book.facts("t").len(), 2);
        }
        std::fs::remove_file(path).unwrap();
    }
}
