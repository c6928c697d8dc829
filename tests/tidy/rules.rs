//! The rules that are about words and sizes. Each looks at one file and names what it finds.

use super::layers::{layer_of, place_of};
use super::source::Source;

pub const FILE_LINES_MAX: usize = 400;
pub const FUNCTION_LINES_MAX: usize = 70;

/// Words that may stand in some rooms only: what, why, and the places where it is at home. Inline
/// modules of tests are free of them.
const AT_HOME: &[(&[&str], &str, &[&str])] = &[
    (
        &["OffsetDateTime::now_utc", "SystemTime::now", "Utc::now"],
        "take the time from a Clock",
        &["clock"],
    ),
    (
        &["std::env", "env::var", "env::vars", "env::var_os"],
        "the environment is read by config alone",
        &["config", "sandbox", "main"],
    ),
    (&["Uuid::now_v7", "Uuid::new_v4"], "ids are made in domain/ids", &["domain/ids"]),
    (
        &["tokio::spawn", "task::spawn"],
        "spawn through Shutdown, which knows every task and waits for it",
        &["shutdown"],
    ),
];

/// What the rooms that decide may not touch: they are pure.
const IMPURE: &[&str] = &[
    "async",
    "tokio",
    "axum",
    "reqwest",
    "tracing",
    "metrics",
    "Instant::now",
    "std::fs",
    "std::net",
    "std::env",
    "rand",
];

const FLOAT_FREE: &[&str] = &[
    "src/domain/",
    "src/ledger/",
    "src/book/",
    "src/decide/",
    "src/payments/",
    "psp-adapters/contract/",
];

/// In code, never; what was meant stands beside it.
const BANNED: &[(&str, &str)] = &[
    ("todo!", "write it, or leave the room empty"),
    ("unimplemented!", "write it, or leave the room empty"),
    ("dbg!", "use tracing"),
    ("allow(dead_code)", "remove what nobody uses"),
    ("#[ignore", "a test that is not run is no test"),
];

pub fn check(source: &Source) -> Vec<String> {
    let rules = [
        words_at_home,
        sql_in_the_store,
        pure_decisions,
        no_floats_near_money,
        no_banned_words,
        no_sleep_in_tests,
        sizes,
    ];
    rules.iter().flat_map(|rule| rule(source)).collect()
}

fn found(source: &Source, code: &str, word: &str, why: &str) -> Vec<String> {
    let lines = Source::lines_with(code, word);
    let message = |line: usize| format!("{}:{line}: `{word}`: {why}", source.path);
    lines.into_iter().map(message).collect()
}

fn words_at_home(source: &Source) -> Vec<String> {
    let Some(place) = place_of(&source.path).filter(|_| !source.is_test()) else {
        return Vec::new();
    };
    let lives = |home: &&str| place == **home || place.starts_with(&format!("{home}/"));
    let mut faults = Vec::new();
    for (words, why, homes) in AT_HOME {
        if !homes.iter().any(lives) {
            for word in *words {
                faults.extend(found(source, &source.shipped, word, why));
            }
        }
    }
    faults
}

fn sql_in_the_store(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") || source.path.starts_with("src/store") {
        return Vec::new();
    }
    found(source, &source.code, "sqlx", "SQL lives in src/store alone")
}

fn pure_decisions(source: &Source) -> Vec<String> {
    let decides = place_of(&source.path).and_then(|place| layer_of(&place));
    let contract = source.path.starts_with("psp-adapters/contract/src/");
    if !contract && decides.is_none_or(|(_, layer)| layer > 1) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for word in IMPURE {
        let why = "decisions are pure: no async, clock, chance, logging or I/O";
        faults.extend(found(source, &source.shipped, word, why));
    }
    let why = "JSON shapes belong to the edge that speaks them";
    faults.extend(found(source, &source.shipped, "Serialize", why));
    faults
}

fn no_floats_near_money(source: &Source) -> Vec<String> {
    if !FLOAT_FREE.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let float = |word| found(source, &source.code, word, "no floating point near money");
    [float("f32"), float("f64")].concat()
}

fn no_banned_words(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (word, why) in BANNED {
        faults.extend(found(source, &source.code, word, why));
    }
    // Stands in comments, which `code` does not have. Spelt in two, so as not to find itself.
    let unfinished = concat!("FIX", "ME");
    faults.extend(found(source, &source.text, unfinished, "fix it, or say why not"));
    faults
}

fn no_sleep_in_tests(source: &Source) -> Vec<String> {
    let why = "wait for the condition, or own the clock";
    let all = found(source, &source.code, "sleep(", why);
    if source.is_test() {
        return all;
    }
    let shipped = found(source, &source.shipped, "sleep(", why);
    all.into_iter().filter(|fault| !shipped.contains(fault)).collect()
}

fn sizes(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES_MAX {
        faults.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}", source.path));
    }
    for (line, name, length) in functions(&source.code) {
        if length > FUNCTION_LINES_MAX {
            faults.push(format!(
                "{}:{line}: fn {name} has {length} lines, at most {FUNCTION_LINES_MAX}",
                source.path
            ));
        }
    }
    faults
}

/// Line, name and length of every function, as clippy counts it: lines of the body that are neither
/// blank nor comments.
fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let starts_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = &code[at + 3..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(open) = body_at(rest).filter(|_| starts_word && !name.is_empty()) else {
            continue;
        };
        let body = &rest[open..open + super::source::block_bytes(&rest[open..])];
        let inner = body.lines().skip(1).filter(|line| !line.trim().is_empty()).count();
        let line = code[..at].matches('\n').count() + 1;
        functions.push((line, name, inner.saturating_sub(1)));
    }
    functions
}

/// Where the body opens; none for a function without one.
fn body_at(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => (),
        }
    }
    None
}
