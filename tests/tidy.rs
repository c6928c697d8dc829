//! The house rules that a compiler does not know: layers, sizes, words and released migrations.
//!
//! The tables are data at the top of `tidy/layers.rs`, `tidy/rules.rs` and `tidy/tree.rs`. Each rule
//! has a control here: a bad snippet that it must find, so that a rule which has gone blind fails.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; clippy spares test functions only, not their helpers"
)]

#[path = "tidy/cases.rs"]
mod cases;
#[path = "tidy/incidents.rs"]
mod incidents;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/metrics.rs"]
mod metrics;
#[path = "tidy/packs.rs"]
mod packs;
#[path = "tidy/papers.rs"]
mod papers;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tree.rs"]
mod tree;

use source::Source;
use std::fs;
use std::path::{Path, PathBuf};

const SKIPPED: &[&str] = &["target", ".git", ".interlock", "node_modules"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file with one of these endings: its name from the root, and its text.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    let mut folders = vec![root().to_owned()];
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
            if entry.file_type().unwrap().is_dir() && !skipped {
                folders.push(entry.path());
            } else if entry
                .path()
                .extension()
                .is_some_and(|it| endings.iter().any(|end| it == *end))
            {
                paths.push(entry.path());
            }
        }
    }
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        (name.to_owned(), fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}

fn sources() -> Vec<Source> {
    files(&["rs"]).iter().map(|(path, text)| Source::new(path, text)).collect()
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_tree_is_tidy() {
    let sources = sources();
    let packages: Vec<&str> = sources.iter().map(Source::package).collect();
    for package in ["interlock", "psp-adapters", "psp-adapters/contract", "mock-psps"] {
        assert!(packages.contains(&package), "{package} was not looked at");
    }
    assert_none(&sources.iter().flat_map(rules::check).collect::<Vec<_>>());
}

#[test]
fn arrows_only_point_down() {
    assert_none(&sources().iter().flat_map(layers::check).collect::<Vec<_>>());
}

#[test]
fn mocks_and_adapters_do_not_know_each_other() {
    let mut faults = Vec::new();
    for package in tree::packages_apart() {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        faults.extend(tree::check_manifest(package, &manifest));
    }
    assert_none(&faults);
}

#[test]
fn released_migrations_are_unchanged() {
    assert_none(&tree::check_migrations(&root().join("migrations")));
}

#[test]
fn people_are_told_what_to_do_about_every_incident() {
    let guide = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    assert_none(&incidents::check(&incidents::raised(&sources()), &incidents::told(&guide)));
}

#[test]
fn the_pages_say_of_every_incident_what_it_means() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let explained = incidents::explained(&read("src/console/incident_words.rs"));
    let told = incidents::told(&read("docs/operations.md"));
    assert!(40 <= told.len(), "{told:?}");
    assert_none(&incidents::check_pages(&explained, &told));
}

#[test]
fn control_an_incident_that_the_pages_do_not_explain_is_caught() {
    let explained = incidents::explained("f(\"payout.odd\");\n#[cfg(test)] \"payout.test\"");
    let told = incidents::told("\n## Incidents\n\n| `payout.even` | What. | Do. |\n");
    let faults = incidents::check_pages(&explained, &told);
    assert!(faults.len() == 2 && faults[0].contains("payout.even"), "{faults:#?}");
    assert!(faults[1].contains("payout.odd"), "{faults:#?}");
}

#[test]
fn every_kind_of_case_of_a_payment_can_be_asked_for_and_is_explained() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let known = cases::known(&read("src/book/review.rs"));
    let asked = cases::asked(&sources());
    assert!(5 <= asked.len(), "{asked:?}");
    assert_none(&cases::check(&known, &asked, &read("docs/reviews.md")));
}

#[test]
fn a_kind_of_case_that_nobody_knows_or_explains_is_found() {
    let source = Source::new("src/decide/x.rs", "ask_people(book, id, None, \"odd\", ctx);");
    let asked = cases::asked(&[source]);
    let known = cases::known("const PAYMENT_KINDS: [&str; 1] = [\"even\"];");
    assert_eq!(cases::check(&known, &asked, "`even` is this").len(), 1);
    assert_eq!(cases::check(&known, &known, "nothing").len(), 1);
}

#[test]
fn every_market_looks_for_names_wherever_money_moves() {
    let policies = files(&["toml"]);
    let policies = policies.iter().filter(|(name, _)| name.starts_with("config/policies/"));
    let checked: Vec<_> = policies.map(|(name, text)| packs::check(name, text)).collect();
    assert!(8 <= checked.len(), "{}", checked.len());
    assert_none(&checked.concat());
}

#[test]
fn control_a_market_that_pays_out_without_a_look_at_names_is_found() {
    let rule = |at: &str| format!("[[rules]]\nid = \"sanctions_pep\"\nat = [{at}]\n");
    let all = "\"account.event\", \"deposit.pre\", \"deposit.post\", \"withdrawal.request\"";
    assert_eq!(packs::check("XX", &rule(all)), ["XX looks for no names at withdrawal.pre_payout"]);
    assert_eq!(packs::check("XX", "market = \"XX\"").len(), 1);
    assert!(packs::check("XX", "shared = true").is_empty());
}

#[test]
fn control_an_incident_without_a_row_and_a_row_without_an_incident_are_caught() {
    let words = "\"deposit.not_taken\" \"deposit.overpaid\" \"deposit.succeeded\" \"deposit.underpaid\" \
                 \"name_unresolved\" \"withdrawal.moved_late\"";
    let raises = format!("fn f() {{ raise(\"payout.odd\", \"not.known\"); }} // {words}\n");
    let source = Source::new("src/decide/x.rs", &format!("{raises}/// \"payout.comment\"\n"));
    let raised = incidents::raised(&[source, Source::new("src/api/x.rs", "\"payout.api\"")]);
    let guide =
        "\n## Incidents\n\n| `payout.odd`, `kyc_gone` | What. | Do. |\n\n## Else\n| `x` | y |";
    let told = incidents::told(guide);
    let faults = incidents::check(&raised, &told);
    assert!(faults.len() == 1 && faults[0].contains("kyc_gone"), "{faults:#?}");
    let faults = incidents::check(&raised, &incidents::told(&guide.replace("odd", "even")));
    assert!(faults.len() == 3 && faults[0].contains("payout.odd"), "{faults:#?}");
}

#[test]
fn people_are_told_what_to_watch_of_every_metric() {
    let guide = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    assert_none(&metrics::check(&metrics::counted(&sources()), &metrics::told(&guide)));
}

#[test]
fn control_a_metric_without_a_row_and_a_row_without_a_metric_are_caught() {
    let counts = "// “äöü”\nfn f() { metrics::counter!(\n    \"a_total\", \"psp\" => p); }\n\
                  // metrics::gauge!(\"b_comment\")\n\
                  #[cfg(test)]\nmod tests { fn f() { metrics::histogram!(\"c_test\"); } }\n";
    let test = Source::new("src/api/tests/x.rs", "fn f() { metrics::gauge!(\"d_test\"); }");
    let counted = metrics::counted(&[Source::new("src/lane/x.rs", counts), test]);
    let guide = "\n| Metric | Labels |\n|---|---|\n| `a_total`, `e_total` | `psp` |\n\n| `f` | x |";
    let faults = metrics::check(&counted, &metrics::told(guide));
    assert!(faults.len() == 1 && faults[0].contains("e_total"), "{faults:#?}");
    let faults = metrics::check(&counted, &metrics::told(&guide.replace("a_t", "x_t")));
    assert!(faults.len() == 3 && faults[0].contains("a_total is counted"), "{faults:#?}");
}

#[test]
fn nothing_refers_to_papers_outside() {
    // What a released migration says stays as it was released.
    let read = files(&["rs", "md", "toml", "sh", "sql"]);
    let read: Vec<_> = read.iter().filter(|(path, _)| !path.starts_with("migrations/")).collect();
    for path in ["README.md", "docs/psps.md", "Cargo.toml", "scripts/setup.sh"] {
        assert!(read.iter().any(|(it, _)| it == path), "{path} was not looked at");
    }
    assert_none(
        &read.iter().flat_map(|(path, text)| papers::check(path, text)).collect::<Vec<_>>(),
    );
}

#[test]
fn control_a_paper_outside_is_caught() {
    let refers = format!("//! Words.\n//! As {}/psps.md says.\n", "reference");
    let faults = papers::check("src/x.rs", &refers);
    assert!(faults.len() == 1 && faults[0].starts_with("src/x.rs:2 "), "{faults:#?}");
    assert_none(&papers::check(
        "src/x.rs",
        "//! The PSP's reference, `/psps/{id}`; docs/psps.md.\n",
    ));
}

/// Every rule, over one file that does not exist.
fn faults_of(path: &str, text: &str) -> Vec<String> {
    let source = Source::new(path, text);
    [layers::check(&source), rules::check(&source)].concat()
}

#[track_caller]
fn caught(path: &str, text: &str, expected: &str) {
    let faults = faults_of(path, text);
    assert!(
        faults.len() == 1 && faults[0].contains(expected),
        "expected one fault with `{expected}`, got {faults:#?}"
    );
}

#[track_caller]
fn passes(path: &str, text: &str) {
    assert_none(&faults_of(path, text));
}

#[test]
fn control_an_arrow_that_points_up_is_caught() {
    caught("src/lane/batch.rs", "use crate::api::Problem;", "uses crate::api");
    caught("src/ledger/entry.rs", "fn f() { crate::store::load(); }", "uses crate::store");
    caught(
        "src/payments/failover.rs",
        "use super::start_deposit::x;",
        "crate::payments::start_deposit",
    );
    caught(
        "src/routing/plan.rs",
        "use crate::{domain::Id, routing::{rules::R, registry::X}};",
        "crate::routing::registry",
    );
    caught("src/decide/deposit.rs", "use crate::clock::Clock;", "uses crate::clock");
    caught("src/domain/ids.rs", "use crate::ledger::Entry;", "uses crate::ledger");
    caught("src/api/problem.rs", "use crate::console::Page;", "uses crate::console");
    caught("src/novelty.rs", "", "stands in no room");
}

#[test]
fn control_an_arrow_that_points_down_passes() {
    passes(
        "src/api/deposits.rs",
        "use crate::{payments::start_deposit, store::read_models, clock::Clock};",
    );
    passes("src/payments/start_deposit.rs", "use super::failover::next; use crate::lane::Lane;");
    passes("src/routing/plan.rs", "use super::rules::R; use crate::domain::Id;");
    passes("src/app.rs", "use crate::{api, console, workers, config};");
    passes("src/lane/mod.rs", "// crate::api is not used\nconst S: &str = \"crate::api\";");
    passes("src/lane/mod.rs", "#[cfg(test)]\nmod tests { use crate::sandbox::cluster; }");
}

#[test]
fn control_words_away_from_home_are_caught() {
    caught("src/payments/expire.rs", "fn f() { OffsetDateTime::now_utc(); }", "Clock");
    caught("src/workers/driver.rs", "fn f() { std::env::args(); }", "environment");
    caught("src/lane/batch.rs", "fn f() { Uuid::now_v7(); }", "domain/ids");
    caught("src/api/deposits.rs", "fn f() { tokio::spawn(x); }", "Shutdown");
    caught("src/lane/batch.rs", "use sqlx::PgConnection;", "src/store");
    passes("src/clock.rs", "fn f() { OffsetDateTime::now_utc(); }");
    passes("src/config/mod.rs", "fn f() { std::env::vars(); }");
    passes("src/domain/ids.rs", "fn f() { Uuid::now_v7(); }");
    passes("src/store/tx.rs", "use sqlx::PgConnection;");
}

#[test]
fn control_impure_decisions_are_caught() {
    caught("src/decide/deposit.rs", "async fn f() {}", "pure");
    caught("src/outbox/event.rs", "fn f() { tracing::info!(); }", "pure");
    caught("src/ledger/entry.rs", "#[derive(Serialize)] struct E;", "edge");
    caught("psp-adapters/contract/src/x.rs", "#[derive(serde::Serialize)] struct E;", "edge");
    passes("src/outbox/publish.rs", "async fn f() { tracing::info!(); }");
}

#[test]
fn control_floats_near_money_are_caught() {
    caught("src/ledger/entry.rs", "fn f(x: f64) {}", "floating");
    caught(
        "src/payments/start_deposit.rs",
        "#[cfg(test)]\nmod tests { const X: f32 = 1.0; }",
        "floating",
    );
    caught("psp-adapters/contract/src/money.rs", "fn f() -> f64 {}", "floating");
    passes("src/ledger/entry.rs", "// f64 is not used\nfn f64_free() {}");
}

#[test]
fn control_banned_words_are_caught() {
    for word in ["todo!()", "unimplemented!()", "dbg!(x)"] {
        caught("mock-psps/src/x.rs", &format!("fn f() {{ {word} }}"), "`");
    }
    caught("src/lane/mod.rs", "#[allow(dead_code)]\nfn f() {}", "nobody uses");
    caught("tests/x.rs", "#[ignore = \"slow\"]\nfn f() {}", "no test");
    caught("src/lane/mod.rs", concat!("// FIX", "ME: later"), "fix it");
    passes("src/lane/mod.rs", "const S: &str = \"todo!() dbg!()\"; // todo!() 'x' r#\"dbg!()\"#");
}

#[test]
fn control_sleeps_in_tests_are_caught() {
    caught("tests/it/x.rs", "fn f() { thread::sleep(D); }", "clock");
    caught("src/lane/mod.rs", "#[cfg(test)]\nmod tests { fn f() { sleep(D); } }", "clock");
    passes("src/lane/mod.rs", "fn f() { sleep(D); }");
}

#[test]
fn control_sizes_are_caught() {
    let lines = |count: usize| "    f();\n".repeat(count);
    let function = |count: usize| format!("fn long(\n    x: [u8; 3],\n) {{\n{}}}\n", lines(count));
    caught("src/lane/mod.rs", &function(71), "fn long has 71 lines");
    passes("src/lane/mod.rs", &function(70));
    passes("src/lane/mod.rs", &function(70).replace("{\n", "{\n\n    // why\n\n"));
    caught("tests/x.rs", &"\n".repeat(401), "401 lines");
    passes("tests/x.rs", &"\n".repeat(400));
}

#[test]
fn control_a_package_that_knows_too_much_is_caught() {
    let mocks = "[dependencies]\npsp-contract.workspace = true\n";
    assert_eq!(tree::check_manifest("mock-psps", mocks).len(), 1);
    let adapters = "[dependencies]\nmock-psps.workspace = true\n";
    assert_eq!(tree::check_manifest("psp-adapters", adapters).len(), 1);
    let tested = "[dev-dependencies]\nmock-psps.workspace = true\n";
    assert_none(&tree::check_manifest("psp-adapters", tested));
}

#[test]
fn control_a_changed_migration_is_caught() {
    let template = std::env::temp_dir().join("interlock-tidy-XXXXXX");
    let folder = nix::unistd::mkdtemp(&template).unwrap();
    fs::write(folder.join("0001_a.sql"), "select 1;\n").unwrap();
    assert_none(&tree::check_migrations(&folder));
    let released = "4a45092ccf992ea92250053a80b931b787924ba61648f420555511b84f10ab6c  0001_a.sql\n";
    fs::write(folder.join("CHECKSUMS"), released).unwrap();
    assert_none(&tree::check_migrations(&folder));
    fs::write(folder.join("0001_a.sql"), "select 2;\n").unwrap();
    assert!(tree::check_migrations(&folder)[0].contains("has changed"));
    fs::remove_file(folder.join("0001_a.sql")).unwrap();
    assert!(tree::check_migrations(&folder)[0].contains("is gone"));
    fs::remove_dir_all(&folder).unwrap();
}
