//! Mock screening vendors: each on its own port, with the cases that it was asked about and every bad
//! thing that such a vendor does.
//!
//! What a vendor finds is scripted twice over. By address: the last six digits of a `0x` address say
//! what is behind it ([`script`]), so that an integrator needs no control call. And by rule, through the
//! control API, for everybody or for one player, address or reference.
//!
//! The same question finds the same case: a vendor that is told twice of one transfer has one case with
//! two questions, and `GET /vendors/{id}/cases` shows both numbers.

mod chainalysis;
mod door;
mod elliptic;
pub(crate) mod identity;
mod limit_file;
mod onfido;
mod people;
mod register;
mod rules;
mod script;
mod sumsub;
mod trm;
mod veriff;
mod watchman;
mod yente;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use axum::Router;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::clock::{self, Offset};
use crate::config::MockVendor;
use crate::server::Gate;
use crate::{ids, local, loopback};

use self::identity::Identity;
use self::people::People;
use self::rules::{Fault, Plan, Rules};
use self::script::Finding;

type Routes = fn(Arc<Vendor>) -> Router;

const VENDORS: &[(&str, Routes)] = &[
    ("chainalysis", chainalysis::routes),
    ("elliptic", elliptic::routes),
    ("limit_file", limit_file::routes),
    ("onfido", onfido::routes),
    ("register", register::routes),
    ("sumsub", sumsub::routes),
    ("trm", trm::routes),
    ("veriff", veriff::routes),
    ("watchman", watchman::routes),
    ("yente", yente::routes),
];

/// The names that [`MockVendor::vendor`] may have.
pub fn mock_vendors() -> impl Iterator<Item = &'static str> {
    VENDORS.iter().map(|(name, _)| *name)
}

/// Something that a vendor was asked to look at.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    id: String,
    /// What the customer calls it.
    reference: String,
    address: String,
    /// The request, and what the vendor keeps of it.
    wire: Value,
    finding: Finding,
    asked: u64,
    polled: u64,
    created_at: OffsetDateTime,
    /// None: never.
    ready_at: Option<OffsetDateTime>,
}

impl Case {
    fn is_ready(&self) -> bool {
        self.ready_at.is_some_and(|at| at <= clock::now())
    }

    fn view(&self) -> Value {
        json!({
            "id": self.id, "reference": self.reference, "address": self.address,
            "finding": self.finding.as_str(), "asked": self.asked, "polled": self.polled,
            "ready": self.is_ready(), "created_at": clock::millis(self.created_at),
        })
    }
}

pub(crate) struct Vendor {
    pub(crate) id: String,
    kind: String,
    settings: BTreeMap<String, String>,
    pub(crate) rules: Rules,
    cases: Mutex<Vec<Case>>,
    /// Of vendors that know people.
    pub(crate) people: People,
    /// Of vendors of identity.
    pub(crate) identity: Identity,
    gate: Gate,
}

impl Vendor {
    pub(crate) async fn open(
        account: &MockVendor,
        seed: u64,
        clock: &Offset,
    ) -> anyhow::Result<Arc<Self>> {
        let known = VENDORS.iter().find(|(name, _)| *name == account.vendor);
        let (_, routes) =
            known.with_context(|| format!("there is no mock of {}", account.vendor))?;
        let vendor = Arc::new(Self {
            id: account.id.clone(),
            kind: account.vendor.clone(),
            settings: account.settings.clone(),
            rules: Rules::new(seed, &account.id),
            cases: Mutex::default(),
            people: People::default(),
            identity: Identity::default(),
            gate: loopback(account.port).await?,
        });
        let served = local::only(clock.around(routes(vendor.clone())));
        vendor.gate.open(served).await?;
        Ok(vendor)
    }

    pub(crate) fn base_url(&self) -> String {
        self.gate.base_url()
    }

    pub(crate) async fn is_up(&self) -> bool {
        self.gate.is_up().await
    }

    pub(crate) async fn switch(&self, up: bool) -> io::Result<()> {
        if up {
            return self.gate.up().await;
        }
        self.gate.down().await;
        Ok(())
    }

    /// Forgets rules, and with `books` the cases too.
    pub(crate) fn reset(&self, books: bool) {
        self.rules.reset();
        if books {
            self.cases().clear();
            self.people.clear();
            self.identity.clear();
        }
    }

    pub(crate) fn case_views(&self) -> Vec<Value> {
        self.cases().iter().map(Case::view).collect()
    }

    fn setting(&self, key: &str) -> &str {
        self.settings.get(key).map(String::as_str).unwrap_or_default()
    }

    /// The case of a reference, opened where it is new, with the question counted.
    fn ask(&self, reference: &str, address: &str, wire: Value, plan: &Plan) -> Case {
        let mut cases = self.cases();
        if let Some(known) = cases.iter_mut().find(|case| case.reference == reference) {
            known.asked += 1;
            return known.clone();
        }
        let scripted = script::of_address(address);
        let finding = plan.finding().or(scripted.finding).unwrap_or(Finding::Clean);
        let now = clock::now();
        let waits = plan.pending().or(scripted.pending);
        let case = Case {
            id: ids::derived_uuid(&[&self.kind, reference]),
            reference: reference.to_owned(),
            address: address.to_owned(),
            wire,
            finding,
            asked: 1,
            polled: 0,
            created_at: now,
            ready_at: match waits {
                None => Some(now),
                Some(after) => after.and_then(|after| now.checked_add(after)),
            },
        };
        cases.push(case.clone());
        case
    }

    /// The case of an id, with the look counted.
    fn look_up(&self, id: &str) -> Option<Case> {
        let mut cases = self.cases();
        let case = cases.iter_mut().find(|case| case.id == id)?;
        case.polled += 1;
        Some(case.clone())
    }

    fn peek(&self, id: &str) -> Option<Case> {
        self.cases().iter().find(|case| case.id == id).cloned()
    }

    fn cases(&self) -> MutexGuard<'_, Vec<Case>> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a scripted or ruled case is pending. The inner None: for ever.
type Waits = Option<Option<Duration>>;
