//! What vendors that know people find: scripted by the last word of a name, by a rule of the control
//! API, or by a list that was changed. And the books of a file of limits.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use time::{Month, OffsetDateTime};

use super::rules::{Fault, Plan};
use super::script::Finding;
use crate::{clock, money};

/// Who somebody is to a register or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Person {
    Nobody,
    /// In a register.
    Excluded,
    /// A register cannot tell who that is.
    Unrecognised,
    /// The very entry of a sanctions list.
    Sanctioned,
    /// Like an entry of a sanctions list.
    Similar,
    /// A politically exposed person.
    Exposed,
    /// An entry that the matcher has no score for.
    Unscored,
    /// Nobody to a register; a file of limits keeps the law's own limit for them.
    Limited,
}

/// The script of a name, by its last word: `Erika Excluded`.
pub(super) fn of_name(name: &str) -> Person {
    match last_word(name).as_str() {
        "excluded" => Person::Excluded,
        "unrecognised" => Person::Unrecognised,
        "sanctioned" => Person::Sanctioned,
        "similar" => Person::Similar,
        "exposed" => Person::Exposed,
        "unscored" => Person::Unscored,
        "limited" => Person::Limited,
        _ => Person::Nobody,
    }
}

/// What goes wrong with questions about a name, by its last word: `Erika Late`.
pub(super) fn fault_of_name(name: &str) -> Option<Fault> {
    Some(match last_word(name).as_str() {
        "late" => Fault::Late,
        "ratelimited" => Fault::Http429,
        "malformed" => Fault::MalformedBody,
        "badsignature" => Fault::BadSignature,
        _ => return None,
    })
}

fn last_word(name: &str) -> String {
    name.rsplit(' ').next().unwrap_or_default().to_lowercase()
}

/// Whether an answer about this name is never ready: `Erika Pending`.
pub(super) fn is_pending(name: &str, plan: &Plan) -> bool {
    plan.pending().is_some() || last_word(name) == "pending"
}

/// What a rule of the control API says of everybody, where it says something; else the name.
pub(super) fn found(name: &str, plan: &Plan, severe: Person, high: Person) -> Person {
    match plan.finding() {
        Some(Finding::Severe) => severe,
        Some(Finding::High) => high,
        Some(Finding::NoScore) => Person::Unscored,
        _ => of_name(name),
    }
}

/// The JSON of `POST /vendors/{id}/lists`: the lists change, and hold these names besides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListRequest {
    #[serde(default)]
    add: Vec<String>,
}

#[derive(Clone, Debug)]
struct Reservation {
    person: String,
    minor: i64,
    currency: String,
    state: &'static str,
    created_at: OffsetDateTime,
}

#[derive(Default)]
struct Books {
    lists: u32,
    added: Vec<String>,
    reservations: BTreeMap<String, Reservation>,
    /// What is taken and not given back. Kept as a sum: an integrator's load test gives one name to
    /// everybody, and adding up all that is theirs for every deposit would be the slowest thing in it.
    used: BTreeMap<Purse, i64>,
}

/// A person's room of one calendar month in one currency.
type Purse = (String, String, i32, Month);

impl Reservation {
    fn purse(&self) -> Purse {
        let at = self.created_at;
        (self.person.clone(), self.currency.clone(), at.year(), at.month())
    }

    fn takes(&self) -> i64 {
        if matches!(self.state, "reserved" | "committed") { self.minor } else { 0 }
    }
}

impl Books {
    /// Of what ended before anybody was named: now it is known whose it is.
    fn name(&mut self, id: &str, person: &str) {
        let nameless = |one: &&mut Reservation| one.person.is_empty();
        let Some(known) = self.reservations.get_mut(id).filter(nameless) else {
            return;
        };
        let takes = known.takes();
        let used = self.used.entry(known.purse()).or_default();
        *used = used.saturating_sub(takes);
        known.person = person.to_owned();
        let used = self.used.entry(known.purse()).or_default();
        *used = used.saturating_add(takes);
    }
}

/// What such a vendor keeps.
#[derive(Default)]
pub(crate) struct People(Mutex<Books>);

impl People {
    pub(crate) fn change_lists(&self, request: ListRequest) -> Value {
        let mut books = self.lock();
        books.lists += 1;
        books.added.extend(request.add.iter().map(|name| name.to_lowercase()));
        json!({ "lists": books.lists })
    }

    /// How often the lists have changed.
    pub(super) fn lists(&self) -> u32 {
        self.lock().lists
    }

    pub(super) fn was_added(&self, name: &str) -> bool {
        self.lock().added.contains(&name.to_lowercase())
    }

    /// Every reservation: what really was taken and given back.
    pub(crate) fn reservations(&self) -> Vec<Value> {
        let books = self.lock();
        let view = |(id, one): (&String, &Reservation)| {
            let amount = money::format(one.minor, money::decimals(&one.currency));
            json!({ "reference": id, "amount": amount, "currency": one.currency,
                "status": one.state, "created_at": clock::millis(one.created_at) })
        };
        let taken = books.reservations.iter().filter(|(_, one)| one.state != "refused");
        taken.map(view).collect()
    }

    pub(super) fn clear(&self) {
        *self.lock() = Books::default();
    }

    /// Takes room within `most` of this calendar month. The state of the reservation afterwards, and
    /// what is left.
    pub(super) fn reserve(
        &self,
        id: &str,
        person: &str,
        (minor, currency): (i64, &str),
        most: i64,
    ) -> (&'static str, i64) {
        let mut books = self.lock();
        let reservation = Reservation {
            person: person.to_owned(),
            minor,
            currency: currency.to_owned(),
            state: "reserved",
            created_at: clock::now(),
        };
        books.name(id, person);
        let purse = reservation.purse();
        let used = books.used.get(&purse).copied().unwrap_or_default();
        let left = most.saturating_sub(used);
        let known = books.reservations.get(id).filter(|known| known.state != "refused");
        if let Some(known) = known {
            return (known.state, left);
        }
        if left < minor {
            // Kept, because its money may come all the same, and is this person's then.
            let refused = Reservation { state: "refused", ..reservation };
            books.reservations.insert(id.to_owned(), refused);
            return ("refused", left);
        }
        books.reservations.insert(id.to_owned(), reservation);
        books.used.insert(purse, used + minor);
        ("reserved", left - minor)
    }

    /// Ends a reservation. A commit counts whatever was before, for money that came has come; a
    /// release of an id that was never seen is kept, so that its reservation comes too late.
    pub(super) fn end(&self, id: &str, came: Option<(i64, &str)>) -> &'static str {
        let mut guard = self.lock();
        let books = &mut *guard;
        let entry = books.reservations.entry(id.to_owned()).or_insert_with(|| Reservation {
            person: String::new(),
            minor: 0,
            currency: came.map_or("EUR", |(_, currency)| currency).to_owned(),
            state: "released",
            created_at: clock::now(),
        });
        let used = books.used.entry(entry.purse()).or_default();
        *used = used.saturating_sub(entry.takes());
        match came {
            Some((minor, currency)) => {
                entry.minor = minor;
                entry.currency = currency.to_owned();
                entry.state = "committed";
            }
            None if entry.state != "committed" => entry.state = "released",
            None => {}
        }
        let used = books.used.entry(entry.purse()).or_default();
        *used = used.saturating_add(entry.takes());
        entry.state
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
