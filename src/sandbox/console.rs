//! The sandbox's people of the console. Everybody knows their passwords; a second factor they may set up.

use crate::access::account::{Account, Role};
use crate::access::add_account::{AddAccountError, add_account};
use crate::domain::{OperatorId, PersonId};
use crate::flows::Flows;
use crate::store::console_accounts;
use anyhow::Context as _;
use secrecy::SecretString;

/// The operator whose console it is.
const OPERATOR: &str = "op_demo";

/// Somebody who may sign in.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub email: &'static str,
    pub password: &'static str,
    name: &'static str,
    /// The same as of the API keys of that human.
    person: &'static str,
    roles: &'static [Role],
}

impl Sample {
    /// For people.
    pub fn roles(&self) -> String {
        self.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(",")
    }
}

pub const PEOPLE: [Sample; 4] = [
    Sample {
        email: "officer.a@sandbox.test",
        password: "officer-a-sandbox",
        name: "Officer A",
        person: "person_officer_a",
        roles: &[Role::Officer, Role::Approver],
    },
    Sample {
        email: "officer.b@sandbox.test",
        password: "officer-b-sandbox",
        name: "Officer B",
        person: "person_officer_b",
        roles: &[Role::Officer, Role::Approver],
    },
    Sample {
        email: "operator@sandbox.test",
        password: "operator-sandbox",
        name: "Operator",
        person: "person_operator",
        roles: &[Role::Operator],
    },
    Sample {
        email: "admin@sandbox.test",
        password: "admin-sandbox-1",
        name: "Admin",
        person: "person_admin",
        roles: &[Role::Admin],
    },
];

/// Adds whoever is missing.
///
/// # Errors
/// When the database fails.
pub async fn register(flows: &Flows) -> anyhow::Result<()> {
    for sample in PEOPLE {
        let doing = || format!("adding the console's account {}", sample.email);
        let pool = flows.db.pool();
        if console_accounts::by_email(pool, sample.email).await.with_context(doing)?.is_some() {
            continue;
        }
        let account = Account {
            id: flows.ids.next(),
            operator: OperatorId::trusted(OPERATOR),
            person: PersonId::trusted(sample.person),
            email: sample.email.to_owned(),
            name: sample.name.to_owned(),
            roles: sample.roles.to_vec(),
            has_totp: false,
            disabled_at: None,
        };
        let (ids, password) = (flows.ids.as_ref(), SecretString::from(sample.password));
        match add_account(pool, ids, &account, &password, flows.clock.now()).await {
            // Another instance of the sandbox was quicker.
            Ok(()) | Err(AddAccountError::Taken) => {}
            Err(error) => return Err(error).with_context(doing),
        }
    }
    Ok(())
}
