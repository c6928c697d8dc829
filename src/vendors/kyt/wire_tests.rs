//! The wires against the shapes that the vendors document: what is read, and what is refused.

use super::chainalysis::Chainalysis;
use super::elliptic::Elliptic;
use super::trm::Trm;
use super::*;
use psp_contract::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-21 07:00 UTC);
const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";

fn question(hook: Hook) -> Question {
    Question {
        hook,
        reference: "0192f0c28a7d7c9ab1e4aa00bb11cc22".to_owned(),
        player: "p-1".to_owned(),
        network: "ethereum".to_owned(),
        asset: "USDT".to_owned(),
        amount: "50.000000".to_owned(),
        usd: Some("50.00".to_owned()),
        address: ADDRESS.to_owned(),
        transaction: (hook == Hook::KytDeposit).then(|| "0xfeed".to_owned()),
        at: NOW,
    }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn chainalysis() -> Chainalysis {
    Chainalysis {
        base_url: "https://api.example".to_owned(),
        api_key: SecretString::from("key"),
        sanctions: None,
    }
}

fn elliptic() -> Elliptic {
    Elliptic {
        base_url: "https://aml.example/v2".to_owned(),
        key: "key".to_owned(),
        secret: SecretString::from("894f142d667e8cdaca6822ac173937af"),
    }
}

fn trm() -> Trm {
    Trm { base_url: "https://trm.example".to_owned(), api_key: SecretString::from("key") }
}

fn sent(step: Step) -> HttpRequest {
    match step {
        Step::Send(request) => request,
        other => panic!("nothing is sent: {other:?}"),
    }
}

fn found(step: Step) -> Found {
    match step {
        Step::Found(found) => found,
        other => panic!("nothing is found: {other:?}"),
    }
}

#[track_caller]
fn is_unusable(step: &Step) {
    assert!(matches!(step, Step::Unusable(_)), "{step:?}");
}

/// One answer with one field changed or (null with `gone`) left out.
fn changed(whole: &Value, field: &str, to: Option<Value>) -> Value {
    let mut body = whole.clone();
    let object = body.as_object_mut().expect("an object");
    match to {
        Some(value) => object.insert(field.to_owned(), value),
        None => object.remove(field),
    };
    body
}

fn registered(updated_at: &Value) -> Value {
    json!({
        "updatedAt": updated_at, "asset": "USDT", "assetId": null, "network": "ETHEREUM",
        "transferReference": format!("0xfeed:{ADDRESS}"), "tx": "0xfeed", "idx": 0,
        "usdAmount": null, "assetAmount": null, "timestamp": null, "outputAddress": ADDRESS,
        "externalId": "e1",
    })
}

#[test]
fn chainalysis_registers_polls_and_reads_exposure_and_alerts() {
    let (wire, question) = (chainalysis(), question(Hook::KytDeposit));
    let request = sent(wire.step(&question, None, &[], NOW));
    assert_eq!(request.url, "https://api.example/api/kyt/v2/users/p-1/transfers");
    assert!(request.headers.contains(&("token", "key".to_owned())));
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(body["transferReference"], format!("0xfeed:{ADDRESS}"));
    let taken = answer(202, &registered(&Value::Null));
    let summary = sent(wire.step(&question, None, std::slice::from_ref(&taken), NOW));
    assert_eq!(summary.url, "https://api.example/api/kyt/v2/transfers/e1");
    let pending = wire.step(&question, None, &[taken.clone(), taken.clone()], NOW);
    assert!(matches!(pending, Step::Pending { request_id } if request_id == "e1"));
    let done = answer(200, &registered(&json!("2026-11-21T07:00:05Z")));
    let exposures = answer(200, &json!({"direct": {"name": "A casino", "categoryId": 16}}));
    let alert = json!({
        "alertLevel": "SEVERE", "service": "A mixer", "externalId": "a1", "alertAmount": 120.25,
        "exposureType": "INDIRECT", "categoryId": 13,
    });
    let alerts = answer(200, &json!({"alerts": [alert]}));
    // Asked again by its id, in a later look.
    let answers = [done.clone(), exposures.clone(), alerts];
    let read = found(wire.step(&question, Some("e1"), &answers, NOW));
    assert_eq!((read.request_id.as_str(), read.risk), ("e1", Some(Risk::Severe)));
    let kinds: Vec<_> = read.signals.iter().map(|it| (it.category.as_str(), it.direct)).collect();
    assert_eq!(kinds, [("mixing", Some(false)), ("gambling", Some(true))]);
    assert_eq!(read.signals[0].amount.map(|amount| amount.minor), Some(12_025));
    let none = answer(200, &json!({"alerts": []}));
    let nobody = answer(200, &json!({"direct": {"name": null, "categoryId": null}}));
    let read = found(wire.step(&question, Some("e1"), &[done.clone(), nobody, none.clone()], NOW));
    assert_eq!(read.risk, None, "a counterparty that nobody knows has no score");
    let read = found(wire.step(&question, Some("e1"), &[done, exposures, none], NOW));
    assert_eq!(read.risk, Some(Risk::None));
}

#[test]
fn chainalysis_answers_that_are_otherwise_are_unusable() {
    let (wire, question) = (chainalysis(), question(Hook::KytDeposit));
    let sound = registered(&Value::Null);
    for (field, to) in [
        ("transferReference", Some(json!("0xother:0x1"))),
        ("asset", Some(json!("BTC"))),
        ("network", Some(json!("TRON"))),
        ("externalId", Some(json!("../e1"))),
        ("externalId", None),
    ] {
        is_unusable(&wire.step(&question, None, &[answer(202, &changed(&sound, field, to))], NOW));
    }
    is_unusable(&wire.step(&question, None, &[answer(403, &sound)], NOW));
    let done = answer(200, &registered(&json!("2026-11-21T07:00:05Z")));
    let exposures = answer(200, &json!({"direct": null}));
    let alert = json!({
        "alertLevel": "SEVERE", "service": "x", "externalId": "a1", "alertAmount": 1,
        "exposureType": "DIRECT", "categoryId": 3,
    });
    for (field, to) in [
        ("alertLevel", Some(json!("EXTREME"))),
        ("alertLevel", None),
        ("exposureType", Some(json!("SIDEWAYS"))),
    ] {
        let alerts = answer(200, &json!({"alerts": [changed(&alert, field, to)]}));
        let answers = [done.clone(), exposures.clone(), alerts];
        is_unusable(&wire.step(&question, Some("e1"), &answers, NOW));
    }
    is_unusable(&wire.step(&question, Some("e2"), &[done], NOW));
}

#[test]
fn chainalysis_asks_the_list_of_sanctioned_addresses_before_a_withdrawal() {
    let sanctions = Some(("https://list.example".to_owned(), SecretString::from("free")));
    let wire = Chainalysis { sanctions, ..chainalysis() };
    let question = question(Hook::KytWithdrawal);
    let summary = json!({
        "updatedAt": "2026-11-21T07:00:05Z", "asset": "USDT", "network": "ETHEREUM",
        "address": ADDRESS, "attemptIdentifier": question.reference, "externalId": "e1",
    });
    let exposures = json!({"direct": {"name": "x", "categoryId": 21}});
    let high = json!({"customAddresses": [], "chainalysisIdentifications": []});
    let mut answers =
        vec![answer(200, &summary), answer(200, &exposures), answer(200, &json!({"alerts": []}))];
    answers.push(answer(200, &high));
    let request = sent(wire.step(&question, Some("e1"), &answers, NOW));
    assert_eq!(request.url, format!("https://list.example/api/v1/address/{ADDRESS}"));
    let listed = json!({"identifications": [{"category": "sanctions", "name": "x"}]});
    let with = |answer| [answers.clone(), vec![answer]].concat();
    let read = found(wire.step(&question, Some("e1"), &with(answer(200, &listed)), NOW));
    assert_eq!(read.risk, Some(Risk::Severe));
    // A list that refuses, in HTML perhaps, is no list without this address.
    is_unusable(&wire.step(&question, Some("e1"), &with(answer(403, &json!("<html>"))), NOW));
}

#[test]
fn elliptic_reads_scores_rules_and_the_null_that_is_no_zero() {
    let (wire, question) = (elliptic(), question(Hook::KytWithdrawal));
    let request = sent(wire.step(&question, None, &[], NOW));
    assert_eq!(
        (request.method, request.url.as_str()),
        (Method::Post, "https://aml.example/v2/wallet/synchronous")
    );
    let fired = json!({
        "rule_id": "r1", "rule_name": "Sanctions", "rule_type": "exposure", "risk_score": 10,
        "rule_history_id": "h1", "matched_behaviors": [],
        "matched_elements": [{
            "category": "Sanctioned Entity", "contribution_percentage": 1, "contributions": [],
            "contribution_value": {"usd": 5.5},
        }],
    });
    let sound = json!({
        "id": "a1", "process_status": "complete", "subject": {"hash": ADDRESS}, "risk_score": 10,
        "evaluation_detail": {"source": [], "destination": [fired]}, "updated_at": "t1",
    });
    let read = |body: &Value| wire.step(&question, None, &[answer(200, body)], NOW);
    let whole = found(read(&sound));
    assert_eq!((whole.risk, whole.score.as_deref()), (Some(Risk::Severe), Some("10")));
    assert_eq!(whole.signals[0].category, "sanctions");
    assert_eq!(whole.signals[0].direct, None, "what is not told stays untold");
    for score in [Some(Value::Null), None] {
        let silent = found(read(&changed(&sound, "risk_score", score)));
        assert_eq!((silent.risk, silent.score), (None, None), "no low risk");
        assert_eq!(silent.signals, whole.signals);
    }
    let running = read(&changed(&sound, "process_status", Some(json!("running"))));
    assert!(matches!(running, Step::Pending { request_id } if request_id == "a1"));
    for (field, to) in [
        ("evaluation_detail", Some(json!("none"))),
        ("risk_score", Some(json!("high"))),
        ("risk_score", Some(json!(11))),
        ("process_status", Some(json!("error"))),
        ("process_status", Some(json!("paused"))),
        ("subject", Some(json!({"hash": "0x1"}))),
        ("id", None),
    ] {
        is_unusable(&read(&changed(&sound, field, to)));
    }
    is_unusable(&wire.step(&question, Some("a2"), &[answer(200, &sound)], NOW));
}

/// An analysis of a transaction, whose one rule matched one element.
fn analysed(element: &Value) -> Value {
    let fired = json!({
        "rule_id": "r1", "rule_name": "Illicit", "rule_type": "exposure", "risk_score": 9.038007,
        "rule_history_id": "h1", "matched_elements": [element],
    });
    json!({
        "id": "a1", "process_status": "complete", "subject": {"hash": "0xfeed"},
        "risk_score": 9.038007, "evaluation_detail": [fired], "updated_at": "t1",
    })
}

/// In US dollars: the whole, what is one hop away, and what is more. One of -1 is not told.
type Worths = (f64, f64, f64);

/// Whether a signal is direct, and its cents.
type Read = (Option<bool>, Option<i64>);

/// As told for a transaction.
fn element(category: &str, (whole, near, far): Worths, own: bool) -> Value {
    let mut element = json!({
        "category": category, "category_id": "0a52f7a2-5da8-4256-b230-df0da6f8449b",
        "contribution_percentage": 1,
        "contributions": [
            {"entity": "one", "entity_id": "e1", "is_screened_address": false, "min_number_of_hops": 2},
            {"entity": "two", "entity_id": "e2", "is_screened_address": own},
        ],
    });
    let shares =
        [("contribution_value", whole), ("counterparty_value", near), ("indirect_value", far)];
    for (name, usd) in shares.into_iter().filter(|(_, usd)| 0.0 <= *usd) {
        element[name] = json!({ "usd": usd });
    }
    element
}

#[test]
fn elliptic_is_asked_about_all_chains_at_once_but_for_those_that_it_knows_alone() {
    for hook in [Hook::KytDeposit, Hook::KytWithdrawal] {
        for (asset, network, expected) in [
            ("USDT", "ethereum", ["holistic", "holistic"]),
            ("BTC", "bitcoin", ["holistic", "holistic"]),
            ("BCH", "bitcoincash", ["BCH", "bitcoin_cash"]),
            ("ZEC", "zcash", ["ZEC", "zcash"]),
            ("ZEN", "horizen", ["ZEN", "horizen"]),
        ] {
            let (asset, network) = (asset.to_owned(), network.to_owned());
            let question = Question { asset, network, ..question(hook) };
            let request = sent(elliptic().step(&question, None, &[], NOW));
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            let subject = ["asset", "blockchain"].map(|name| body["subject"][name].clone());
            assert_eq!(subject, expected);
            let is_deposit = hook == Hook::KytDeposit;
            assert_eq!(body["subject"].get("output_address").is_some(), is_deposit);
        }
    }
}

#[test]
fn elliptic_tells_the_rules_of_a_transaction_in_a_list_and_what_they_matched_in_shares() {
    let (wire, question) = (elliptic(), question(Hook::KytDeposit));
    let read = |body: &Value| wire.step(&question, None, &[answer(200, body)], NOW);
    let (direct, indirect) = (Some(true), Some(false));
    let rows: [(&str, Worths, bool, &[Read]); 14] = [
        ("Mixer", (120.25, 120.25, 0.0), false, &[(direct, Some(12_025))]),
        ("Mixer", (120.25, 0.0, 120.25), false, &[(indirect, Some(12_025))]),
        (
            "Mixer",
            (383.83838, 83.83838, 300.0),
            false,
            &[(direct, Some(8_384)), (indirect, Some(30_000))],
        ),
        // What nobody tells of stays untold.
        ("Mixer", (120.25, -1.0, -1.0), false, &[(None, Some(12_025))]),
        ("Mixer", (120.25, -1.0, 20.25), false, &[(indirect, Some(2_025)), (None, Some(10_000))]),
        ("Mixer", (-1.0, -1.0, 20.25), false, &[(indirect, Some(2_025)), (None, None)]),
        ("Mixer", (-1.0, -1.0, -1.0), false, &[(None, None)]),
        // Nothing that was matched goes without a signal.
        ("Mixer", (0.0, 0.0, 0.0), false, &[(None, Some(0))]),
        ("Mixer", (120.25, 0.0, 0.0), false, &[(None, Some(12_025))]),
        ("Mixer", (120.25, 0.0, 0.0), true, &[(direct, Some(12_025))]),
        ("Mixer", (1e28, 7e28, 7e28), false, &[(direct, None), (indirect, None)]),
        // Whom an exchange paid is nobody whom an exchange keeps.
        ("Exchange", (120.25, 100.0, 20.25), false, &[(None, Some(12_025))]),
        ("Exchange", (120.25, 0.0, 0.0), true, &[(direct, Some(12_025))]),
        ("Exchange", (120.25, 20.25, 0.0), true, &[(direct, Some(2_025)), (direct, Some(10_000))]),
    ];
    for (category, shares, own, expected) in rows {
        let told = found(read(&analysed(&element(category, shares, own))));
        assert_eq!((told.risk, told.score.as_deref()), (Some(Risk::Severe), Some("9.038007")));
        let of = |it: &Signal| (it.direct, it.amount.map(|amount| amount.minor));
        let signals: Vec<_> = told.signals.iter().map(of).collect();
        assert_eq!(signals, expected, "{category} {shares:?} {own}");
        let is_own = |it: &Signal| it.code == category && it.rule_ref.as_deref() == Some("h1");
        assert!(told.signals.iter().all(is_own));
    }
    let sound = analysed(&element("Mixer", (1.0, 1.0, 0.0), false));
    let bare = json!([{"rule_id": "r1", "risk_score": 1, "matched_behaviors": []}]);
    let told = found(read(&changed(&sound, "evaluation_detail", Some(bare))));
    assert_eq!(told.signals.len(), 1, "a rule need have no name");
    for to in [None, Some(Value::Null), Some(json!("none")), Some(json!([{"rule_name": "x"}]))] {
        is_unusable(&read(&changed(&sound, "evaluation_detail", to)));
    }
    // It has no score yet.
    let running = changed(&sound, "process_status", Some(json!("running")));
    let running = read(&changed(&running, "risk_score", None));
    assert!(matches!(running, Step::Pending { request_id } if request_id == "a1"));
}

#[test]
fn trm_screens_addresses_and_comes_back_for_transfers() {
    let (wire, goes_out) = (trm(), question(Hook::KytWithdrawal));
    let request = sent(wire.step(&goes_out, None, &[], NOW));
    assert!(request.headers.contains(&("authorization", "Basic a2V5OmtleQ==".to_owned())));
    let indicator = json!({
        "category": "Mixer", "categoryId": "1", "categoryRiskScoreLevel": 10,
        "categoryRiskScoreLevelLabel": "High", "riskType": "OWNERSHIP", "totalVolumeUsd": "1.5",
    });
    let body = |indicator: Value| json!([{"address": ADDRESS, "chain": "ethereum", "addressRiskIndicators": [indicator], "entities": []}]);
    let read = |body: &Value| wire.step(&goes_out, None, &[answer(201, body)], NOW);
    let whole = found(read(&body(indicator.clone())));
    assert_eq!((whole.risk, whole.signals[0].category.as_str()), (Some(Risk::High), "mixing"));
    let nothing = json!([{"address": ADDRESS, "chain": "ethereum", "addressRiskIndicators": [], "entities": []}]);
    assert_eq!(found(read(&nothing)).risk, None, "nothing known is no score");
    is_unusable(&read(&json!([])));
    is_unusable(&read(&changed(&nothing[0], "address", Some(json!("0x1")))));
    let unknown = changed(&indicator, "categoryRiskScoreLevel", Some(json!(7)));
    is_unusable(&read(&body(unknown)));

    let comes_in = question(Hook::KytDeposit);
    let told = json!({
        "uuid": "u1", "externalId": comes_in.reference, "onchainReference": "0xfeed",
        "destinationAddress": ADDRESS, "screenStatus": "PROCESSING", "riskScoreLevel": null, "alerts": [],
    });
    let again = sent(wire.step(&comes_in, None, &[answer(201, &told)], NOW));
    assert_eq!(again.url, "https://trm.example/public/v2/tm/transfers/u1");
    let pending = wire.step(&comes_in, Some("u1"), &[answer(200, &told)], NOW);
    assert!(matches!(pending, Step::Pending { request_id } if request_id == "u1"));
    let done = changed(&told, "screenStatus", Some(json!("SUCCEEDED")));
    let low = changed(&done, "riskScoreLevel", Some(json!(1)));
    let read = |body: &Value| wire.step(&comes_in, Some("u1"), &[answer(200, body)], NOW);
    assert_eq!(found(read(&low)).risk, Some(Risk::Low));
    assert_eq!(found(read(&done)).risk, None);
    for (field, to) in [
        ("screenStatus", json!("FAILED")),
        ("riskScoreLevel", json!(3)),
        ("externalId", json!("other")),
        ("onchainReference", json!("0xother")),
        ("uuid", json!("u2")),
    ] {
        is_unusable(&read(&changed(&low, field, Some(to))));
    }
}

#[test]
fn a_deposit_whose_transaction_nobody_told_cannot_be_asked_about() {
    let question = Question { transaction: None, ..question(Hook::KytDeposit) };
    let wires: [&dyn Wire; 3] = [&chainalysis(), &elliptic(), &trm()];
    for wire in wires {
        is_unusable(&wire.step(&question, None, &[], NOW));
    }
}
