use super::*;
use crate::screening::test_data::POLICY;

#[track_caller]
fn check(change: impl Fn(&str) -> String, expected: &[&str]) {
    let faults = read("2026-01.toml", &change(POLICY)).expect_err("a fault");
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told, expected);
}

#[test]
fn every_fault_is_told_with_its_line() {
    let broken = |sound: &str| {
        sound
            .replace("rise_delay_hours = 72", "rise_delay_hours = \"72\"")
            .replace("[\"bank_transfer\"]", "[\"cheque\"]")
            .replace("from_eur = \"1000.00\"", "from_eur = \"1000.005\"")
    };
    check(
        broken,
        &[
            "2026-01.toml:8: rise_delay_hours must be a whole number from 0 to 8760",
            "2026-01.toml:27: allowed has `cheque`, which must be a method, \"card\"",
            "2026-01.toml:27: allowed is missing or empty: nobody could pay",
            "2026-01.toml:58: from_eur is `1000.005`: the amount has more decimals than the currency",
        ],
    );
}

#[test]
fn what_nobody_knows_is_no_rule_that_silently_does_not_apply() {
    let misspelt = |sound: &str| {
        sound
            .replace("deposit_min = 1", "deposit_mni = 1")
            .replace("\"amount.max\"", "\"amount.most\"")
    };
    check(
        misspelt,
        &[
            "2026-01.toml:31: deposit_min is missing: a whole number from 0 to 3",
            "2026-01.toml:34: deposit_mni is no setting that exists here",
            "2026-01.toml:48: id `amount.most` is no rule",
        ],
    );
}

#[test]
fn a_rule_needs_a_source_an_effect_and_a_place_where_it_can_run() {
    let broken = |sound: &str| {
        sound.replacen(
            "id = \"payer.name\"\neffect = \"review\"\nsource = \"test\"\n",
            "id = \"payer.name\"\neffect = \"approve\"\nat = [\"withdrawal.request\", \"never\"]\n",
            1,
        )
    };
    check(
        broken,
        &[
            "2026-01.toml:62: source is missing",
            "2026-01.toml:64: effect is approve, which no hit may mean: use only_records = true",
            "2026-01.toml:65: at has `never`, which is no checkpoint",
            "2026-01.toml:65: at has `withdrawal.request`, where this rule cannot run",
            "2026-01.toml:65: at is empty: the rule would never run",
        ],
    );
}

#[test]
fn a_version_is_its_files_name_and_a_file_that_is_no_toml_says_where() {
    let faults = read("other.toml", POLICY).expect_err("another name");
    assert_eq!(
        faults[0].to_string(),
        "other.toml:3: version must be the file's name without .toml"
    );
    let faults = read("2026-01.toml", "market = \"SE\"\nversion =").expect_err("no TOML");
    assert_eq!((faults.len(), faults[0].line), (1, 2));
}

#[test]
fn comments_may_be_corrected_and_numbers_may_not() {
    let of = |text: &str| read("2026-01.toml", text).expect("sound").sha256;
    let commented = POLICY.replace("[player_limits]", "# as the law says\n[player_limits]");
    assert_eq!(of(&commented), of(POLICY));
    assert_ne!(of(&POLICY.replace("rise_delay_hours = 72", "rise_delay_hours = 71")), of(POLICY));
}

#[test]
fn two_versions_of_one_market_do_not_come_into_force_at_once() {
    let second = POLICY.replace("version = \"2026-01\"", "version = \"2026-02\"");
    let files =
        [("2026-01.toml".to_owned(), POLICY.to_owned()), ("2026-02.toml".to_owned(), second)];
    let (policies, faults) = read_all(&files);
    assert_eq!((policies.len(), faults.len()), (2, 1));
}
