use super::*;
use crate::screening::test_data::POLICY;

fn rule(lines: &str) -> String {
    format!("\n[[rules]]\n{lines}\nsource = \"test\"\nsource_date = \"2026-01-01\"\n")
}

#[track_caller]
fn check_text(text: &str, expected: &[&str]) {
    let found = check("2026-01.toml", text, &Library::default());
    let faults = found.err().unwrap_or_default();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told, expected);
}

#[track_caller]
fn check_added(lines: &str, expected: &[&str]) {
    check_text(&format!("{POLICY}{}", rule(lines)), expected);
}

#[test]
fn a_sound_policy_has_no_fault() {
    check_text(POLICY, &[]);
}

#[test]
fn a_weaker_rule_of_the_same_kind_is_never_reached() {
    check_added(
        "id = \"amount.more\"\nkind = \"amount.max\"\neffect = \"review\"\ndeposit.SEK = \"10001.00\"",
        &["2026-01.toml:80: amount.more never changes an outcome: whatever it finds, amount.max \
           (line 47) finds too"],
    );
    // A tighter threshold, a worse effect or another checkpoint each make it a rule of its own.
    check_added(
        "id = \"amount.more\"\nkind = \"amount.max\"\neffect = \"review\"\ndeposit.SEK = \"9999.00\"",
        &[],
    );
    check_added(
        "id = \"four_eyes\"\nkind = \"dual_approval\"\neffect = \"hold\"\nfrom_eur = \"5000.00\"",
        &[],
    );
}

#[test]
fn the_weaker_one_is_named_wherever_it_stands() {
    check_added(
        "id = \"four_eyes\"\nkind = \"dual_approval\"\neffect = \"hold\"\nfrom_eur = \"500.00\"",
        &["2026-01.toml:55: dual_approval never changes an outcome: whatever it finds, four_eyes \
           (line 80) finds too"],
    );
}

#[test]
fn a_rule_on_trial_beside_the_same_one_in_force_records_nothing_new() {
    check_added(
        "id = \"kyc.trial\"\nkind = \"kyc.level\"\neffect = \"deny\"\nonly_records = true\n\
         deposit_min = 1\nwithdrawal_min = 1",
        &[
            "2026-01.toml:80: kyc.trial only records what kyc.level (line 31) finds and acts on anyway",
        ],
    );
}

#[test]
fn bounds_that_leave_nothing_are_a_contradiction() {
    check_text(
        &POLICY.replacen("deposit.SEK = \"10000.00\"", "deposit.SEK = \"99.99\"", 1),
        &[
            "2026-01.toml:47: amount.max and amount.min (line 39) leave no deposit in SEK: at least \
           100.00 SEK, at most 99.99 SEK",
        ],
    );
}

#[test]
fn lists_of_methods_must_have_one_in_common() {
    check_added(
        "id = \"method.cards\"\nkind = \"method.allowed\"\neffect = \"deny\"\nallowed = [\"card\"]",
        &["2026-01.toml:80: method.cards leaves no method that the rules before it leave"],
    );
}

#[test]
fn a_bound_in_a_foreign_currency_is_never_asked_about() {
    check_added(
        "id = \"amount.gbp\"\nkind = \"amount.max\"\neffect = \"review\"\ndeposit.GBP = \"1.00\"",
        &["2026-01.toml:80: amount.gbp bounds GBP, which is no currency of this market"],
    );
}

#[test]
fn nobodys_withdrawal_is_denied_for_what_they_cannot_put_right() {
    check_text(
        &POLICY.replacen(
            "id = \"dual_approval\"\neffect = \"review\"",
            "id = \"dual_approval\"\neffect = \"deny\"",
            1,
        ),
        &[
            "2026-01.toml:55: dual_approval denies at withdrawal.request: a withdrawal is denied only \
           for what the player can put right; use review or hold, or leave the checkpoint out",
        ],
    );
}

/// The same market, with one rule in a version of its own.
#[test]
fn what_is_included_counts_as_if_it_stood_here_and_is_part_of_the_hash() {
    let shared = |threshold: &str| {
        format!(
            "shared = true\nmarket = \"EU-x\"\nversion = \"EU-x-1\"\n\
             effective_from = \"2026-01-01T00:00:00Z\"\n{}",
            rule(&format!(
                "id = \"four_eyes\"\nkind = \"dual_approval\"\neffect = \"hold\"\nfrom_eur = \"{threshold}\""
            ))
        )
    };
    let including = POLICY.replacen("currencies", "include = [\"EU-x-1\"]\ncurrencies", 1);
    let read = |text: &str| {
        let library = Library::new([("EU/EU-x-1.toml", text)]);
        check("2026-01.toml", &including, &library)
    };
    let (text, other) = (shared("5000.00"), shared("6000.00"));
    let (one, two) = (read(&text).expect("sound"), read(&other).expect("sound"));
    let last = one.rules.last().expect("the included rule");
    assert_eq!((&*last.id, last.number), ("four_eyes", 29));
    assert_ne!(one.sha256, two.sha256);
    assert_eq!(one.sha256, read(&format!("# why\n{text}")).expect("sound").sha256);
    // It is weaker than the market's own in the other direction: told where it stands.
    let faults = read(&text.replacen("\"hold\"", "\"review\"", 1)).expect_err("shadowed");
    assert_eq!((faults[0].file.as_str(), faults[0].line), ("EU/EU-x-1.toml", 6));
    let faults = check("2026-01.toml", &including, &Library::default()).expect_err("not known");
    assert_eq!(faults[0].to_string(), "2026-01.toml:5: include names `EU-x-1`, which is not known");
}
