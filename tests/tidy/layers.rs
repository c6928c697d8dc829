//! Who may use whom: the table of the rooms of `src`, and the check that arrows only point down.

use super::source::Source;

/// The rooms of the service with their layers. A path is a room (`lane` is all of `src/lane`) or one
/// file of it (`routing/plan`); the longest that fits decides.
pub const ROOMS: &[(&str, u8)] = &[
    // 0: words.
    ("domain", 0),
    // 1: decisions, pure.
    ("ledger", 1),
    ("book", 1),
    ("decide", 1),
    ("payments/deposit_machine", 1),
    ("payments/withdrawal_machine", 1),
    ("payments/attempt_machine", 1),
    ("payments/part_machine", 1),
    ("payments/transition", 1),
    ("payments/test_data", 1),
    ("payments/facts", 1),
    ("payments/failover", 1),
    ("payments/resolution", 1),
    ("routing/rules", 1),
    ("routing/rules_text", 1),
    ("routing/plan", 1),
    ("routing/health", 1),
    ("routing/faults", 1),
    ("routing/score", 1),
    ("routing/switches", 1),
    // Pure, but for the verbs that read what is on record or publish.
    ("screening", 1),
    ("screening/replay", 3),
    ("screening/compare", 3),
    ("screening/backtest", 3),
    ("screening/pages", 3),
    ("reconciliation/matcher", 1),
    ("outbox/event", 1),
    ("outbox/schedule", 1),
    ("access/account", 1),
    ("evidence/audit", 1),
    ("evidence/canonical", 1),
    ("evidence/checkpoint", 1),
    ("evidence/examine", 1),
    ("evidence/line", 1),
    ("evidence/note", 1),
    ("evidence/tree", 1),
    // 2: durability, and the two things that everything above it is handed.
    ("lane", 2),
    ("store", 2),
    ("clock", 2),
    ("shutdown", 2),
    // What lanes and flows are handed of the policies.
    ("screening/shelf", 2),
    // 3: flows.
    ("access", 3),
    ("flows", 3),
    ("payments", 3),
    ("players", 3),
    ("routing", 3),
    ("reviews", 3),
    // The verbs of screening read and publish policies.
    ("screening/begin_screening", 3),
    ("screening/load_policies", 3),
    ("screening/propose_policy", 3),
    ("screening/publish_policy", 3),
    ("screening/refuse_policy", 3),
    ("webhooks", 3),
    ("outbox", 3),
    ("vendors", 3),
    // What cannot be read or recorded is told by all of them, and by the workers.
    ("unreadable", 3),
    ("evidence", 3),
    ("notify", 3),
    ("reconciliation", 3),
    // 4: edges.
    ("api", 4),
    ("console", 4),
    ("workers", 4),
    // 5: wiring.
    ("main", 5),
    ("app", 5),
    ("config", 5),
    ("telemetry", 5),
    ("sandbox", 5),
    ("demo", 5),
    ("bench", 5),
    ("cli", 5),
];

/// Rooms of one layer that may use each other; others of layer 4 may not (no edge knows another).
pub const EDGE: u8 = 4;

/// The layer of a place such as `payments/failover`, with the row of the table that says so.
pub fn layer_of(place: &str) -> Option<(&'static str, u8)> {
    let fits = |row: &&(&str, u8)| {
        let rest = place.strip_prefix(row.0);
        // `screening/limits` covers `screening/limits/window` and `screening/limits_window`.
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '_']))
    };
    let rows = ROOMS.iter().filter(fits);
    rows.max_by_key(|row| row.0.len()).copied()
}

/// `src/payments/failover.rs` is `payments/failover`, `src/lane/mod.rs` is `lane`. None for lib.rs,
/// which is the list of rooms, and for what lies outside of src.
pub fn place_of(path: &str) -> Option<String> {
    let place = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let place = place.strip_suffix("/mod").unwrap_or(place);
    // A file that holds a folder's tests belongs to the folder.
    let place = place.strip_suffix("/tests").unwrap_or(place);
    (place != "lib").then(|| place.to_owned())
}

/// What a file uses wrongly, and files that stand in no room.
pub fn check(source: &Source) -> Vec<String> {
    let Some(place) = place_of(&source.path) else {
        return Vec::new();
    };
    let Some((room, layer)) = layer_of(&place) else {
        let message = "stands in no room: add it to ROOMS in tests/tidy/layers.rs";
        return vec![format!("{}: {message}", source.path)];
    };
    let mut faults = Vec::new();
    for used in used_places(&source.shipped, &place) {
        let Some((other, below)) = layer_of(&used) else {
            continue;
        };
        let top = |place: &str| place.split('/').next().unwrap_or_default().to_owned();
        let foreign_edge = layer == EDGE && below == EDGE && top(room) != top(other);
        if layer < below || foreign_edge {
            faults.push(format!(
                "{}: {room} (layer {layer}) uses crate::{} ({other}, layer {below})",
                source.path,
                used.replace('/', "::"),
            ));
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

/// Every `crate::a::b` and `super::b` of a file, `use crate::{a::b, c}` taken apart, as `a/b`.
fn used_places(code: &str, place: &str) -> Vec<String> {
    let mut places = Vec::new();
    for (at, word) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let before = code[..at].chars().next_back();
        // `my_crate::` is something else, and of `super::super::` the first is the one to follow.
        let inside = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        if before.is_some_and(inside) {
            continue;
        }
        let (mut rest, mut base) = (&code[at..], place);
        while let Some(above) = rest.strip_prefix("super::") {
            base = base.rsplit_once('/').map_or("", |(parent, _)| parent);
            rest = above;
        }
        if word == "crate::" {
            (rest, base) = (&code[at + word.len()..], "");
        }
        expand(rest, base, &mut places);
    }
    places
}

fn expand(path: &str, prefix: &str, places: &mut Vec<String>) {
    let path = path.trim_start();
    if let Some(list) = path.strip_prefix('{') {
        let end = super::source::block_bytes(path).saturating_sub(2).min(list.len());
        for item in split_list(&list[..end]) {
            expand(item, prefix, places);
        }
        return;
    }
    let name: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if name.is_empty() {
        return;
    }
    let rest = path[name.len()..].trim_start();
    let own_item = name.chars().next().is_some_and(char::is_uppercase) || name == "self";
    let place = match (prefix, own_item) {
        (prefix, true) => prefix.to_owned(),
        ("", false) => name,
        (prefix, false) => format!("{prefix}/{name}"),
    };
    match rest.strip_prefix("::") {
        Some(rest) if !own_item => expand(rest, &place, places),
        _ => places.push(place),
    }
}

/// The items of a list between braces, split at the commas of its own level.
fn split_list(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0_usize, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => (),
        }
    }
    items.push(&list[start..]);
    items
}
