//! `console`: the accounts of people who sign in. Passwords are made here and printed once.

use super::database;
use crate::access::account::{Account, Role};
use crate::access::add_account::{add_account, disable_account, enable_account, reset_account};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Profile};
use crate::domain::ids::SystemIds;
use crate::domain::{Ids, OperatorId, PersonId};
use crate::sandbox;
use crate::store::{Db, migrate};
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum Console {
    /// Add somebody: `console add --operator op_x --person person_ada --email ada@casino.example --name "Ada" --role officer`.
    Add {
        #[arg(long)]
        operator: String,
        /// The human being: the same as in API keys of theirs. Four eyes are two of these.
        #[arg(long)]
        person: String,
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// viewer, officer, approver, operator or admin; several with commas.
        #[arg(long, value_delimiter = ',', required = true)]
        role: Vec<String>,
        /// The service's configuration file, which says what operators there are; the sandbox's own unless said.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Give somebody another password and take the second factor away, for whoever lost them.
    Reset {
        #[arg(long)]
        email: String,
    },
    /// Let somebody in no more; sessions end at once.
    Disable {
        #[arg(long)]
        email: String,
    },
    /// Let somebody in again who was disabled, with the password and second factor that they had.
    Enable {
        #[arg(long)]
        email: String,
    },
}

/// Runs one of them on the named database, else the running sandbox's.
pub async fn console(command: Console) -> anyhow::Result<ExitCode> {
    let db = Db::connect(&database::app_url()?, 1).await.context("connecting to the database")?;
    let (pool, ids, now) = (db.pool(), SystemIds, SystemClock.now());
    let is_there = match command {
        Console::Add { operator, person, email, name, role, config } => {
            check_operator(&db, &operator, config).await?;
            let account = Account {
                id: ids.next(),
                operator: OperatorId::parse(&operator)
                    .with_context(|| format!("{operator} is no operator's id"))?,
                person: PersonId::parse(&person)
                    .with_context(|| format!("{person} is no person's id"))?,
                email: email.trim().to_lowercase(),
                name,
                roles: roles(&role)?,
                has_totp: false,
                disabled_at: None,
            };
            let password = new_password()?;
            add_account(pool, &ids, &account, &password, now).await?;
            tell(&account.email, &password);
            true
        }
        Console::Reset { email } => {
            let password = new_password()?;
            let is_there = reset_account(pool, &ids, &email, &password, now).await?;
            if is_there {
                tell(&email, &password);
            }
            is_there
        }
        Console::Disable { email } => {
            let is_there = disable_account(pool, &ids, &email, now).await?;
            if is_there {
                println!("{email} is let in no more");
            }
            is_there
        }
        Console::Enable { email } => {
            let is_there = enable_account(pool, &ids, &email, now).await?;
            if is_there {
                println!("{email} is let in again");
            }
            is_there
        }
    };
    if !is_there {
        eprintln!("there is no such account that could be changed");
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whoever belongs to an operator that the service does not have sees nobody's payments, and switches off nobody's.
async fn check_operator(db: &Db, operator: &str, config: Option<PathBuf>) -> anyhow::Result<()> {
    let environment = migrate::environment(db.pool()).await.context("reading the environment")?;
    let profile = match environment.as_str() {
        "sandbox" => {
            let home = sandbox::home().context("finding the sandbox's folder")?;
            Profile::Sandbox { home, file: config }
        }
        _ if config.is_none() => bail!(
            "name the service's configuration with --config: it says whether there is an operator {operator}"
        ),
        _ => Profile::Production { file: config },
    };
    let known = Config::operators(&profile);
    if !known.iter().any(|known| known == operator) {
        bail!("{operator} is none of the operators of the configuration: {}", known.join(", "));
    }
    Ok(())
}

fn roles(words: &[String]) -> anyhow::Result<Vec<Role>> {
    let mut roles = Vec::new();
    for word in words {
        match Role::parse(word.trim()) {
            Some(role) => roles.push(role),
            None => bail!("{word} is no role: viewer, officer, approver, operator or admin"),
        }
    }
    roles.sort();
    roles.dedup();
    Ok(roles)
}

/// 144 bits.
fn new_password() -> anyhow::Result<SecretString> {
    let mut bytes = [0; 18];
    aws_lc_rs::rand::fill(&mut bytes).ok().context("the system gives no randomness")?;
    Ok(BASE64.encode(bytes).into())
}

fn tell(email: &str, password: &SecretString) {
    println!("{email} signs in at /console with this password, which is shown once:");
    println!("{}", password.expose_secret());
}
