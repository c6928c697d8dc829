//! The rules that are about the tree as a whole: who depends on whom, and what was released.

use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use toml::Table;

/// Package, section of its manifest, and what must not stand there. The mocks re-implement each wire
/// format, so that one misreading cannot cancel itself out.
const APART: &[(&str, &str, &[&str])] = &[
    ("mock-psps", "dependencies", &["psp-adapters", "psp-contract", "interlock"]),
    ("mock-psps", "dev-dependencies", &["psp-adapters", "psp-contract", "interlock"]),
    ("psp-adapters", "dependencies", &["mock-psps", "interlock", "sqlx"]),
    ("psp-adapters", "dev-dependencies", &["interlock"]),
    (
        "psp-adapters/contract",
        "dependencies",
        &["mock-psps", "psp-adapters", "interlock", "tokio", "reqwest", "sqlx", "axum"],
    ),
];

pub fn check_manifest(package: &str, manifest: &str) -> Vec<String> {
    let table: Table = match manifest.parse() {
        Ok(table) => table,
        Err(error) => return vec![format!("{package}/Cargo.toml: {error}")],
    };
    let mut faults = Vec::new();
    for (_, section, apart) in APART.iter().filter(|(name, ..)| *name == package) {
        let named = table.get(*section).and_then(toml::Value::as_table);
        for name in apart.iter().filter(|name| named.is_some_and(|own| own.contains_key(**name))) {
            faults.push(format!("{package}/Cargo.toml: {section}: {name} must not be there"));
        }
    }
    faults
}

pub fn packages_apart() -> BTreeSet<&'static str> {
    APART.iter().map(|(package, ..)| *package).collect()
}

/// Each line of `CHECKSUMS` is a SHA-256 in hex and a file's name. A migration that is listed was
/// released: databases have run it, and it must stay as it is.
pub fn check_migrations(folder: &Path) -> Vec<String> {
    let Ok(list) = fs::read_to_string(folder.join("CHECKSUMS")) else {
        return Vec::new();
    };
    let lines = list.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| check_checksum(folder, line)).collect()
}

fn check_checksum(folder: &Path, line: &str) -> Option<String> {
    let Some((expected, name)) = line.split_once(char::is_whitespace) else {
        return Some(format!("migrations/CHECKSUMS: `{line}` is no checksum with a name"));
    };
    let name = name.trim().trim_start_matches('*');
    match fs::read(folder.join(name)) {
        Err(error) => Some(format!("migrations/{name} was released and is gone: {error}")),
        Ok(bytes) if hex::encode(Sha256::digest(&bytes)) != expected => Some(format!(
            "migrations/{name} was released and has changed: undo that and write a new one"
        )),
        Ok(_) => None,
    }
}
