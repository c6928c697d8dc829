//! What a version says otherwise than another, rule by rule and parameter by parameter, in words.

use super::said::{Entries, Said, SaidRule, Value};

/// The differences, one a line; none when both say the same.
pub fn diff(before: &Said, after: &Said) -> Vec<String> {
    let mut lines = changes("", &before.head, &after.head);
    for old in &before.rules {
        if find(after, &old.id).is_none() {
            lines.push(format!("- rule {}: {}", old.id, terms(old)));
        }
    }
    for new in &after.rules {
        match find(before, &new.id) {
            None => lines.push(format!("+ rule {}: {}", new.id, terms(new))),
            Some(old) => {
                lines.extend(changes(&format!("rule {}: ", new.id), &old.entries, &new.entries));
            }
        }
    }
    lines
}

fn find<'a>(said: &'a Said, id: &str) -> Option<&'a SaidRule> {
    said.rules.iter().find(|rule| rule.id == id)
}

/// Everything that a rule says, on one line.
fn terms(rule: &SaidRule) -> String {
    let entries = rule.entries.iter().filter(|(key, _)| key.as_str() != "id");
    let terms: Vec<String> = entries.map(|(key, value)| format!("{key} = {value}")).collect();
    terms.join("; ")
}

fn changes(prefix: &str, before: &Entries, after: &Entries) -> Vec<String> {
    let mut lines = Vec::new();
    let gone = before.iter().filter(|(key, _)| !after.contains_key(*key));
    lines.extend(gone.map(|(key, value)| format!("~ {prefix}{key} {value} is gone")));
    for (key, new) in after {
        match before.get(key) {
            None => lines.push(format!("~ {prefix}{key} {new} is new")),
            Some(old) if old != new => lines.push(change(prefix, key, old, new)),
            Some(_) => {}
        }
    }
    lines
}

fn change(prefix: &str, key: &str, old: &Value, new: &Value) -> String {
    let (Value::Many(olds), Value::Many(news)) = (old, new) else {
        return format!("~ {prefix}{key} was {old} and becomes {new}");
    };
    let missing = |of: &[String], from: &[String]| {
        let found: Vec<String> = of.iter().filter(|it| !from.contains(it)).cloned().collect();
        found.join(", ")
    };
    let (less, more) = (missing(olds, news), missing(news, olds));
    match (less.is_empty(), more.is_empty()) {
        (true, true) => format!("~ {prefix}{key} has another order: {new}"),
        (true, false) => format!("~ {prefix}{key} gains {more}"),
        (false, true) => format!("~ {prefix}{key} loses {less}"),
        (false, false) => format!("~ {prefix}{key} loses {less} and gains {more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::file::Library;
    use crate::screening::test_data::POLICY;

    #[track_caller]
    fn check(change: impl Fn(&str) -> String, expected: &[&str]) {
        let of = |text: &str| Said::read(text, &Library::default());
        assert_eq!(diff(&of(POLICY), &of(&change(POLICY))), expected);
    }

    #[test]
    fn a_comment_is_no_difference() {
        check(|text| format!("# why\n{text}"), &[]);
    }

    #[test]
    fn each_parameter_that_changes_is_told_with_what_it_was() {
        let change = |text: &str| {
            text.replace("rise_delay_hours = 72", "rise_delay_hours = 24")
                .replace("deposit.SEK = \"10000.00\"", "deposit.SEK = \"5000.00\"")
                .replace("[\"bank_transfer\"]", "[\"card\"]")
                .replace("[\"SEK\", \"EUR\"]", "[\"SEK\"]")
        };
        check(
            change,
            &[
                "~ currencies loses EUR",
                "~ player_limits.rise_delay_hours was 72 and becomes 24",
                "~ rule method.allowed: allowed loses bank_transfer and gains card",
                "~ rule amount.max: deposit.SEK was 10000.00 and becomes 5000.00",
            ],
        );
    }

    #[test]
    fn a_rule_that_comes_or_goes_is_told_whole() {
        let change = |text: &str| text.replace("id = \"dual_approval\"", "id = \"four_eyes\"");
        check(
            change,
            &[
                "- rule dual_approval: effect = review; from_eur = 1000.00; source = test; \
                 source_date = 2026-01-01",
                "+ rule four_eyes: effect = review; from_eur = 1000.00; source = test; \
                 source_date = 2026-01-01",
            ],
        );
    }
}
