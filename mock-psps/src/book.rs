//! One PSP account's own books: what really moved, and the facts its API must remember (answers
//! by idempotency key, message ids, bank accounts).
//!
//! A booking is one closure under one lock and one appended line, so that a movement and the
//! answer to its idempotency key exist together or not at all, also after a kill.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
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

impl Shelf {
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

    pub(crate) fn put(&mut self, movement: Movement) {
        self.record(Record::Movement(movement));
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
                let file = File::open(path).with_context(|| format!("reading {path:?}"))?;
                for line in BufReader::new(file).lines() {
                    // A line cut off by a kill was never acknowledged to anyone.
                    let records: Vec<Record> = serde_json::from_str(&line?).unwrap_or_default();
                    records.into_iter().for_each(|record| shelf.apply(record));
                }
            }
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            // Ends a torn last line, so that the next record stands on a line of its own.
            file.write_all(b"\n")?;
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
