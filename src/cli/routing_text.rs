//! Switches and health in words, for an operator at a shell.

use serde_json::Value;
use std::fmt::Write as _;

fn text<'a>(of: &'a Value, field: &str) -> &'a str {
    of[field].as_str().unwrap_or_default()
}

fn rows<'a>(of: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    of[field].as_array().into_iter().flatten()
}

/// `kill sw_…: trustly-se, withdrawal, from 2026-11-21T05:21:53Z until it is lifted, by person_ada: why`
pub fn switch(switch: &Value) -> String {
    let named = ["psp", "country", "direction", "method"].map(|field| text(switch, field));
    let scope: Vec<&str> = named.into_iter().filter(|name| !name.is_empty()).collect();
    let until = match text(switch, "until") {
        "" => "it is lifted",
        until => until,
    };
    let mut line = format!(
        "{} {}: {}, from {} until {until}, by {}: {}\n",
        text(switch, "kind"),
        text(switch, "id"),
        scope.join(", "),
        text(switch, "from"),
        text(switch, "set_by"),
        text(switch, "reason"),
    );
    let said = |field: &str| {
        let said = switch.get(field).filter(|said| said.is_object())?;
        Some(format!("{} by {}: {}", text(said, "at"), text(said, "by"), text(said, "reason")))
    };
    if let Some(proposed) = said("lift_proposed") {
        let _ = writeln!(line, "  lifting proposed {proposed}");
    }
    if let Some(lifted) = said("lifted") {
        let _ = writeln!(line, "  lifted {lifted}");
    } else if said("lift_proposed").is_some() {
        let case = text(switch, "review_id");
        let _ = writeln!(line, "  still off: another person lifts it too, or approves in {case}");
    } else if !text(switch, "review_id").is_empty() {
        let _ = writeln!(line, "  another person decides in {}", text(switch, "review_id"));
    }
    line
}

pub fn switches(list: &Value) -> String {
    let lines: String = rows(list, "data").map(switch).collect();
    if lines.is_empty() { "Nothing is switched off.\n".to_owned() } else { lines }
}

/// A line an account and direction, and one below it for each kind of payment that it has had.
pub fn health(health: &Value) -> String {
    let mut table = format!("Routing rules {}\n\n", text(health, "version"));
    for psp in rows(health, "psps") {
        let off = rows(psp, "switched_off").map(|switch| text(switch, "id"));
        let off: Vec<&str> = off.collect();
        let off = if off.is_empty() { String::new() } else { format!("off: {}", off.join(", ")) };
        let (name, direction) = (text(psp, "psp"), text(psp, "direction"));
        let line = format!("{name:<20} {direction:<11} {:<9} {off}", text(psp, "state"));
        let _ = writeln!(table, "{}", line.trim_end());
        for level in rows(psp, "approvals") {
            let kind = ["country", "method", "currency"].map(|field| text(level, field)).join(" ");
            let bps = level["usual_bps"].as_i64().unwrap_or_default();
            let fallen = if level["fallen"] == true { ", which fell: others first" } else { "" };
            let _ = writeln!(
                table,
                "  {kind}: {}.{:02} % approved, known by {} outcomes{fallen}",
                bps / 100,
                bps % 100,
                level["outcomes"],
            );
        }
    }
    table
}

/// What the API says of a request that it refused.
pub fn refusal(status: u16, problem: &Value) -> String {
    match (text(problem, "title"), text(problem, "detail")) {
        ("", "") => format!("refused with {status}, without a word: is this the API's address?"),
        (title, "") => format!("{status}: {title}"),
        (title, detail) => format!("{status}: {title}: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn off() -> Value {
        json!({
            "id": "sw_1", "kind": "kill", "psp": "trustly-se", "country": null,
            "direction": "withdrawal", "method": null, "reason": "settlements are late",
            "set_by": "person_ada", "set_at": "2026-11-21T05:00:00Z",
            "from": "2026-11-21T05:00:00Z", "until": null, "lifted": null,
        })
    }

    #[test]
    fn a_switch_says_what_it_stops_since_when_and_why() {
        let told = "kill sw_1: trustly-se, withdrawal, from 2026-11-21T05:00:00Z until it is lifted, \
                    by person_ada: settlements are late\n";
        assert_eq!(switch(&off()), told);
        let mut lifted = off();
        lifted["lifted"] =
            json!({ "by": "person_bo", "at": "2026-11-21T06:00:00Z", "reason": "ok" });
        assert!(switch(&lifted).ends_with("\n  lifted 2026-11-21T06:00:00Z by person_bo: ok\n"));
        let mut proposed = off();
        proposed["review_id"] = json!("rev_1");
        proposed["lift_proposed"] =
            json!({ "by": "person_bo", "at": "2026-11-21T06:00:00Z", "reason": "settled" });
        assert_eq!(
            switch(&proposed).strip_prefix(told),
            Some(
                "  lifting proposed 2026-11-21T06:00:00Z by person_bo: settled\n  \
                 still off: another person lifts it too, or approves in rev_1\n"
            )
        );
        assert_eq!(switches(&json!({ "data": [] })), "Nothing is switched off.\n");
        assert_eq!(switches(&json!({ "data": [off(), off()] })), told.repeat(2));
    }

    #[test]
    fn health_is_a_line_an_account_and_direction() {
        let level = json!({
            "country": "SE", "method": "swish", "currency": "SEK", "usual_bps": 8405,
            "outcomes": 210, "fallen": true,
        });
        let psps = json!([
            { "psp": "trustly-se", "direction": "withdrawal", "state": "well",
              "switched_off": [off()], "approvals": [] },
            { "psp": "swish-se", "direction": "deposit", "state": "doubtful",
              "switched_off": [], "approvals": [level] },
        ]);
        let told = "Routing rules v7\n\n\
                    trustly-se           withdrawal  well      off: sw_1\n\
                    swish-se             deposit     doubtful\n  \
                    SE swish SEK: 84.05 % approved, known by 210 outcomes, which fell: others first\n";
        assert_eq!(health(&json!({ "version": "v7", "psps": psps })), told);
    }

    #[test]
    fn a_refusal_is_told_as_the_api_tells_it() {
        let problem = json!({ "title": "Forbidden", "detail": "the key is no person's" });
        assert_eq!(refusal(403, &problem), "403: Forbidden: the key is no person's");
        assert!(refusal(502, &Value::Null).contains("is this the API's address?"));
    }
}
