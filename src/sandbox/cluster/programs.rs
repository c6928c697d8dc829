//! Where the system keeps PostgreSQL's programs. scripts/setup.sh looks in the same places.

use super::ClusterError;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version that the service supports.
const OLDEST: u32 = 15;

#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub major: u32,
    pub postgres: PathBuf,
    pub initdb: PathBuf,
    pub psql: PathBuf,
}

impl Programs {
    /// The newest that is installed, or the version that wrote the data.
    pub fn find(written_by: Option<(u32, PathBuf)>) -> Result<Self, ClusterError> {
        Self::choose(installed(&candidate_folders()), written_by)
    }

    fn choose(
        mut installed: BTreeMap<u32, Programs>,
        written_by: Option<(u32, PathBuf)>,
    ) -> Result<Self, ClusterError> {
        if let Some((major, data)) = written_by {
            return installed
                .remove(&major)
                .ok_or(ClusterError::OtherMajor { data, written_by: major });
        }
        match installed.pop_last() {
            None => Err(ClusterError::NoPrograms),
            Some((newest, _)) if newest < OLDEST => Err(ClusterError::TooOld { newest }),
            Some((_, programs)) => Ok(programs),
        }
    }
}

fn candidate_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for (parent, prefix, suffix) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/usr/local", "pgsql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        folders.extend(named.map(|entry| entry.path().join(suffix)));
    }
    folders
}

/// By major version; the first folder that has a version wins.
fn installed(folders: &[PathBuf]) -> BTreeMap<u32, Programs> {
    let mut found = BTreeMap::new();
    for folder in folders.iter().filter(|folder| folder.is_absolute()) {
        let postgres = folder.join("postgres");
        if !postgres.is_file() {
            continue;
        }
        // Links lead to the folder where all of the programs are: Debian puts only some of them
        // into PATH, and initdb insists on finding its neighbours.
        let Ok(postgres) = postgres.canonicalize() else {
            continue;
        };
        let Some(folder) = postgres.parent().map(Path::to_owned) else {
            continue;
        };
        let (initdb, psql) = (folder.join("initdb"), folder.join("psql"));
        if let (true, true, Some(major)) = (initdb.is_file(), psql.is_file(), major_of(&postgres)) {
            found.entry(major).or_insert(Programs { major, postgres, initdb, psql });
        }
    }
    found
}

fn major_of(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)` is 15, `… 18beta1` is 18.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn having(majors: &[u32]) -> BTreeMap<u32, Programs> {
        let at = |major: &u32, name: &str| PathBuf::from(format!("/pg/{major}/{name}"));
        let programs = |major: &u32| Programs {
            major: *major,
            postgres: at(major, "postgres"),
            initdb: at(major, "initdb"),
            psql: at(major, "psql"),
        };
        majors.iter().map(|major| (*major, programs(major))).collect()
    }

    #[test]
    fn version_texts_are_read() {
        let debian = "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n";
        assert_eq!(parse_major(debian), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("something else"), None);
    }

    #[test]
    fn the_newest_is_taken_unless_there_is_data() {
        let data = || Some((16, PathBuf::from("/data")));
        let chosen = |majors: &[u32], data| Programs::choose(having(majors), data);
        assert_eq!(chosen(&[15, 17, 16], None).unwrap().major, 17);
        assert_eq!(chosen(&[15, 17, 16], data()).unwrap().major, 16);
        assert!(matches!(chosen(&[], None), Err(ClusterError::NoPrograms)));
        assert!(matches!(chosen(&[13, 14], None), Err(ClusterError::TooOld { newest: 14 })));
        assert!(matches!(
            chosen(&[15, 17], data()),
            Err(ClusterError::OtherMajor { written_by: 16, .. })
        ));
    }
}
