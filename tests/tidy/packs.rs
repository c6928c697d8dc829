//! The policies that come with the program: who may be on a list is looked for at every payment. That is what holds a
//! player's money while people say whether an entry is them: their case alone holds nothing.

use toml::{Table, Value};

const KIND: &str = "sanctions_pep";
/// Where a market looks: when a list changes, and wherever money may move.
const WHERE: [&str; 5] =
    ["account.event", "deposit.pre", "deposit.post", "withdrawal.request", "withdrawal.pre_payout"];

/// What is missing in one policy. A shared one governs no market by itself.
pub fn check(name: &str, text: &str) -> Vec<String> {
    let policy: Table = match text.parse() {
        Ok(policy) => policy,
        Err(error) => return vec![format!("{name}: {error}")],
    };
    if policy.get("shared").and_then(Value::as_bool) == Some(true) {
        return Vec::new();
    }
    let rules = policy.get("rules").and_then(Value::as_array).into_iter().flatten();
    let of_kind = |rule: &&Value| {
        let named = |key| rule.get(key).and_then(Value::as_str);
        named("kind").or_else(|| named("id")) == Some(KIND)
    };
    let found: Vec<&Value> = rules.filter(of_kind).collect();
    if found.is_empty() {
        return vec![format!("{name} has no rule {KIND}")];
    }
    let looks = |at: &&str| {
        found.iter().any(|rule| {
            let listed = rule.get("at").and_then(Value::as_array).into_iter().flatten();
            listed.filter_map(Value::as_str).any(|listed| listed == *at)
        })
    };
    let missing = WHERE.iter().filter(|at| !looks(at));
    missing.map(|at| format!("{name} looks for no names at {at}")).collect()
}
