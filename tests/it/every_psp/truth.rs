//! What the mocks say moved, held against what the service says: a pure comparison, so that it can be
//! shown to fail.

use super::super::harness::{Movement, World};
use interlock::domain::{OperatorId, PlayerId, PlayerKey};
use interlock::payments::facts::pseudonym;
use std::collections::{BTreeMap, BTreeSet};

/// An attempt as the service has it.
#[derive(Debug, Clone)]
pub struct Ours {
    /// Its digits, as a PSP knows it.
    pub attempt: String,
    /// The part of a withdrawal that it pays; a deposit has none.
    pub part: Option<String>,
    pub psp: String,
    pub status: String,
    pub minor: i64,
    pub currency: String,
    /// The player's digits, by which money comes to a permanent address.
    pub player: String,
}

/// A movement as a mock has it.
#[derive(Debug, Clone)]
pub struct Theirs {
    pub psp: String,
    pub movement: Movement,
}

impl Theirs {
    fn moved(&self) -> bool {
        self.movement.status == "succeeded"
    }

    fn is(&self, kind: &str) -> bool {
        self.movement.kind == kind
    }
}

pub async fn theirs(world: &World) -> Vec<Theirs> {
    let mut all = Vec::new();
    for psp in world.setup.accounts {
        let movements = world.mocks.movements(psp).await.into_iter();
        all.extend(movements.map(|movement| Theirs { psp: (*psp).to_owned(), movement }));
    }
    all
}

pub async fn ours(world: &World) -> Vec<Ours> {
    type Row = (uuid::Uuid, Option<uuid::Uuid>, String, String, i64, String, String, String);
    let rows: Vec<Row> = sqlx::query_as(
        "select attempt_id, part_id, psp, a.status, asked, a.currency, operator_id, player_id
         from attempt a join payment p using (payment_id)",
    )
    .fetch_all(&world.rows)
    .await
    .unwrap();
    let read = |(attempt, part, psp, status, minor, currency, operator, player): Row| {
        let operator = OperatorId::parse(&operator).unwrap();
        let key = PlayerKey { operator, player: PlayerId::parse(&player).unwrap() };
        Ours {
            attempt: attempt.simple().to_string(),
            part: part.map(|part| part.simple().to_string()),
            player: pseudonym(&key).simple().to_string(),
            psp,
            status,
            minor,
            currency,
        }
    };
    rows.into_iter().map(read).collect()
}

/// Everything that is not so, in plain sentences.
pub fn contradictions(ours: &[Ours], theirs: &[Theirs]) -> Vec<String> {
    let mut faults = twice(ours, theirs);
    faults.extend(movements_of_attempts(ours, theirs));
    faults.extend(to_addresses(ours, theirs));
    faults
}

/// Payouts that moved twice, and attempts with two movements.
fn twice(ours: &[Ours], theirs: &[Theirs]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut paid: BTreeMap<&str, Vec<&Theirs>> = BTreeMap::new();
    let mut of_attempt: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in theirs {
        let attempt = &*one.movement.client_reference;
        let known = ours.iter().find(|own| own.attempt == attempt && own.psp == one.psp);
        let Some(own) = known else {
            if one.is("payout") {
                faults.push(format!("{} paid what nobody asked it for: {one:?}", one.psp));
            }
            continue;
        };
        *of_attempt.entry((&own.psp, attempt)).or_default() += 1;
        if let (true, true, Some(part)) = (one.is("payout"), one.moved(), &own.part) {
            paid.entry(part).or_default().push(one);
        }
    }
    let twice = paid.into_iter().filter(|(_, by)| 1 < by.len());
    faults.extend(twice.map(|(part, by)| format!("part {part} was paid twice: {by:?}")));
    let many = of_attempt.into_iter().filter(|(_, count)| 1 < *count);
    faults.extend(many.map(|((psp, attempt), count)| {
        format!("{psp} has {count} movements of the one attempt {attempt}")
    }));
    faults
}

/// Where players have permanent addresses: a deposit there is no movement of one attempt's.
fn with_addresses<'a>(players: &BTreeSet<&str>, theirs: &'a [Theirs]) -> BTreeSet<&'a str> {
    let by_address =
        |one: &&Theirs| one.is("deposit") && players.contains(&*one.movement.client_reference);
    theirs.iter().filter(by_address).map(|one| &*one.psp).collect()
}

/// Whether each attempt moved money exactly when, and as much as, the service says, in its currency.
fn movements_of_attempts(ours: &[Ours], theirs: &[Theirs]) -> Vec<String> {
    let players: BTreeSet<&str> = ours.iter().map(|own| &*own.player).collect();
    let at_addresses = with_addresses(&players, theirs);
    let mut faults = Vec::new();
    for own in ours {
        if own.part.is_none() && at_addresses.contains(&*own.psp) {
            continue;
        }
        let of_it = |one: &&Theirs| {
            let same_money = one.movement.currency == own.currency;
            let same = one.psp == own.psp && one.movement.client_reference == own.attempt;
            same && same_money && one.moved()
        };
        let moved: i64 = theirs.iter().filter(of_it).map(|one| one.movement.minor).sum();
        let booked = if own.status == "succeeded" { own.minor } else { 0 };
        if moved != booked {
            faults.push(format!("{moved} moved and {booked} is booked: {own:?}"));
        }
    }
    faults
}

/// What came to players' permanent addresses, player by player.
fn to_addresses(ours: &[Ours], theirs: &[Theirs]) -> Vec<String> {
    let mut sums: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    let players: BTreeSet<&str> = ours.iter().map(|own| &*own.player).collect();
    for one in theirs.iter().filter(|one| one.is("deposit") && one.moved()) {
        if players.contains(&*one.movement.client_reference) {
            let key = (&*one.psp, &*one.movement.client_reference);
            sums.entry(key).or_default().0 += one.movement.minor;
        }
    }
    // Of a player to whose address nothing came, too.
    let at_addresses = with_addresses(&players, theirs);
    let booked = ours.iter().filter(|own| own.part.is_none() && own.status == "succeeded");
    for own in booked.filter(|own| at_addresses.contains(&*own.psp)) {
        sums.entry((&*own.psp, &*own.player)).or_default().1 += own.minor;
    }
    let unequal = sums.into_iter().filter(|(_, (moved, booked))| moved != booked);
    unequal
        .map(|(at, (moved, booked))| format!("{at:?}: {moved} came, {booked} is booked"))
        .collect()
}
