//! What is made inside a cluster: its data folder, its two roles, its databases.

use super::folders::{Folders, make_theirs};
use super::programs::Programs;
use super::user::ServerUser;
use super::{APP_ROLE, ClusterError, DATABASE, OWNER_ROLE};
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// The superuser of the cluster, for this module alone.
const SUPERUSER: &str = "postgres";

/// What it takes to run psql as superuser. (psql and not a connection of our own: sqlx belongs to
/// the store.)
#[derive(Debug, Clone, Copy)]
pub(super) struct Admin<'a> {
    pub programs: &'a Programs,
    pub user: &'a ServerUser,
    pub folders: &'a Folders,
}

/// Makes the data folder. Whole or not at all: an initdb that was interrupted leaves a folder under
/// another name, which the next one removes.
pub(super) fn init(
    programs: &Programs,
    user: &ServerUser,
    folders: &Folders,
    temporary: bool,
) -> Result<(), ClusterError> {
    let unfinished = folders.home.join("data.unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(ClusterError::folder("removing", &unfinished))?;
    }
    make_theirs(&unfinished, user)?;
    let mut command = user.command(&programs.initdb);
    command
        .arg("-D")
        .arg(&unfinished)
        .args(["--username", SUPERUSER])
        // Who reaches the socket has passed its folder, which only the server's user can enter.
        .args(["--auth", "trust", "--encoding", "UTF8", "--locale", "C"]);
    if temporary {
        command.arg("--no-sync");
    }
    let program = programs.initdb.clone();
    let output = command.output().map_err(|source| ClusterError::Run { program, source })?;
    check("initdb", &output)?;
    // An empty folder of that name, left by somebody tidying up, would be in the way.
    let _ = fs::remove_dir(&folders.data);
    fs::rename(&unfinished, &folders.data).map_err(ClusterError::folder("making", &folders.data))
}

/// Makes the two roles and the database where they are missing.
pub(super) fn roles_and_database(admin: &Admin<'_>) -> Result<(), ClusterError> {
    let mut sql = String::new();
    for role in [OWNER_ROLE, APP_ROLE] {
        sql += &format!(
            "select 'create role {role} login nosuperuser nocreatedb nocreaterole noreplication'\n\
             where not exists (select from pg_roles where rolname = '{role}') \\gexec\n"
        );
    }
    sql += &format!(
        "select 'create database {DATABASE} owner {OWNER_ROLE}'\n\
         where not exists (select from pg_database where datname = '{DATABASE}') \\gexec\n"
    );
    psql(admin, &sql)
}

pub(super) fn create_database(
    admin: &Admin<'_>,
    name: &str,
    template: Option<&str>,
) -> Result<(), ClusterError> {
    let name = checked(name)?;
    let template = checked(template.unwrap_or("template1"))?;
    psql(admin, &format!("create database {name} template {template} owner {OWNER_ROLE};"))
}

pub(super) fn drop_database(admin: &Admin<'_>, name: &str) -> Result<(), ClusterError> {
    let name = checked(name)?;
    psql(admin, &format!("drop database {name} with (force);"))
}

/// Only names that need no quotes, so that none can be forgotten.
fn checked(name: &str) -> Result<&str, ClusterError> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest = bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if first && rest && name.len() <= 63 {
        Ok(name)
    } else {
        Err(ClusterError::DatabaseName(name.to_owned()))
    }
}

fn psql(admin: &Admin<'_>, sql: &str) -> Result<(), ClusterError> {
    let program = &admin.programs.psql;
    let mut command = admin.user.command(program);
    command
        .arg("--host")
        .arg(&admin.folders.socket)
        .args(["--port", "5432", "--username", SUPERUSER, "--dbname", "postgres"])
        .args(["--no-psqlrc", "--quiet", "--no-password", "--set", "ON_ERROR_STOP=1"])
        // Its own input, so that `\gexec` works, which `--command` does not know.
        .args(["--file", "-"]);
    let output = run_with_input(&mut command, sql)
        .map_err(|source| ClusterError::Run { program: program.clone(), source })?;
    check("psql", &output)
}

fn run_with_input(command: &mut Command, input: &str) -> std::io::Result<Output> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // When it ended early, its message says more than the broken pipe.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

fn check(program: &str, output: &Output) -> Result<(), ClusterError> {
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ClusterError::Failed { program: program.to_owned(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_without_quotes_pass() {
        for name in ["interlock", "it_0042", "a"] {
            assert_eq!(checked(name).unwrap(), name);
        }
        for name in ["", "1a", "A", "a-b", "a;drop", "a\"b", &"a".repeat(64)] {
            assert!(checked(name).is_err(), "{name}");
        }
    }
}
