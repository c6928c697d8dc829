//! Why a private cluster is not there: each message says what to do.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "no PostgreSQL server programs (postgres, initdb, psql) were found in PATH, \
         /usr/lib/postgresql/*/bin or Homebrew's folders. Install PostgreSQL 15 or newer (Debian, \
         Ubuntu: `apt-get install postgresql`), or set DATABASE_URL to a server of yours"
    )]
    NoPrograms,
    #[error(
        "PostgreSQL {newest} is too old, 15 or newer is needed. Install it \
         (https://www.postgresql.org/download/), or set DATABASE_URL to a server of yours"
    )]
    TooOld { newest: u32 },
    #[error(
        "the data in {data} was written by PostgreSQL {written_by}, whose programs are not \
         installed. Install that version, or move the folder away to start afresh"
    )]
    OtherMajor { data: PathBuf, written_by: u32 },
    #[error(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor \
         `nobody` to run it as. Start as an ordinary user"
    )]
    NoUser,
    #[error(
        "another sandbox{holder} uses {dir}. Stop it first, or give this one a folder of its own: \
         INTERLOCK__SANDBOX__DIR=/some/folder"
    )]
    InUse { dir: PathBuf, holder: String },
    #[error(
        "{path} belongs to somebody else. Remove it, or set INTERLOCK__SANDBOX__DIR to a folder \
         that the user {user} can enter from the root down"
    )]
    Foreign { path: PathBuf, user: String },
    #[error("{doing} {path}: {source}. Set INTERLOCK__SANDBOX__DIR to another folder if need be")]
    Folder { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("{program} could not be run: {source}")]
    Run { program: PathBuf, source: io::Error },
    #[error("{program} failed: {message}")]
    Failed { program: String, message: String },
    #[error("PostgreSQL did not start; the end of {log}:\n{tail}")]
    NotReady { log: PathBuf, tail: String },
    #[error(
        "a PostgreSQL server of an earlier run (pid {pid}) still uses {data} and cannot be ended. \
         End it with `kill -QUIT {pid}` and start again"
    )]
    Leftover { pid: i32, data: PathBuf },
    #[error(
        "{lock_file} notes the PostgreSQL server {pid}, which runs, and this system does not tell which data it \
         works on. If it is an earlier run's, end it with `kill -QUIT {pid}`; if it is another, remove the file. \
         Then start again"
    )]
    Unclear { pid: i32, lock_file: PathBuf },
    #[error(
        "PGOPTIONS is set, and would change every connection to the private database: unset it"
    )]
    Options,
    #[error(
        "PostgreSQL did not stop within its time and was killed; the next start recovers the data"
    )]
    Killed,
    #[error("`{0}` is no name for a database: [a-z][a-z0-9_]*, at most 63 characters")]
    DatabaseName(String),
}

impl ClusterError {
    pub(super) fn folder(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Folder { doing, path, source }
    }
}
