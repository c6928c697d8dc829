use super::*;
use crate::api::views::payment_event::{event_data, event_data_for_player};
use crate::book::Way;
use crate::domain::Timestamp;
use crate::domain::{
    AttemptId, AttemptStatus, Currency, DecisionId, DepositStatus, Method, Money, OperatorId,
    Origin, PartId, PartStatus, PaymentStatus, PlayerId, PlayerKey, WithdrawalStatus,
};
use serde_json::{Value, json};
use std::sync::Arc;
use time::macros::datetime;
use uuid::Uuid;

const AT: Timestamp = datetime!(2026-03-01 12:00:00.25 UTC);

fn attempt(part: Option<PartId>) -> Attempt {
    Attempt {
        id: AttemptId(Uuid::from_u128(2)),
        part,
        number: 1,
        psp: "trustly-se".to_owned(),
        status: AttemptStatus::Declined,
        asked: Money::new(10_000, Currency::SEK),
        error: Some(AttemptError { code: "616".to_owned(), retryable: true }),
        psp_reference: Some("secret-at-psp".to_owned()),
        was_accepted: false,
        first_sent_at: AT,
        ended_at: Some(AT),
        lease: None,
        due_at: None,
        expires_at: None,
        inquiries: 0,
        last_inquiry_at: None,
        last_ledger_at: None,
        misses: 0,
        first_missed_at: None,
        last_missed_at: None,
        paged: false,
        cancel: None,
        completion: None,
        kept_news: None,
    }
}

fn reason(code: &str, audience: Audience) -> Reason {
    Reason { rule: Some("limits.player".to_owned()), audience, ..Reason::new(code, "Because.") }
}

fn deposit() -> Payment {
    Payment {
        id: PaymentId::deposit(Uuid::from_u128(1)),
        player: PlayerKey {
            operator: OperatorId::trusted("op_demo"),
            player: PlayerId::trusted("p-1"),
        },
        status: PaymentStatus::Deposit(DepositStatus::ActionRequired),
        origin: Origin::Request,
        money: Money::new(10_000, Currency::SEK),
        fee: None,
        country: "SE".to_owned(),
        method: Method::BankTransfer,
        reference: None,
        return_url: None,
        payer: psp_contract::Payer::default().into(),
        received: None,
        credited: None,
        suspended: None,
        next_action: Some(NextAction::Redirect { url: "https://bank.example/x".to_owned() }),
        action_told: true,
        reasons: vec![
            reason("limit.near", Audience::Player),
            reason("route.moved", Audience::Operator),
            reason("aml.hit", Audience::Compliance),
        ],
        route: Arc::new(Route {
            version: "r1".to_owned(),
            candidates: vec![Candidate {
                psp: "swish-se".to_owned(),
                rank: None,
                reason: "below its minimum of 50.00 SEK".to_owned(),
            }],
        }),
        metadata: r#"{"order": 7}"#.to_owned(),
        decision: DecisionId(Uuid::from_u128(3)),
        event_sequence: 2,
        answer_owed: None,
        due_at: None,
        source: None,
        returns: None,
        instrument: None,
        parts: Vec::new(),
        attempts: vec![attempt(None)],
        created_at: AT,
        updated_at: AT,
    }
}

/// What the plans of all parts as one do not tell.
fn plan_of_the_part() -> Route {
    let candidate = |psp: &str, rank, reason: &str| {
        let (psp, reason) = (psp.to_owned(), reason.to_owned());
        Candidate { psp, rank, reason }
    };
    Route {
        version: "r1".to_owned(),
        candidates: vec![
            candidate("trustly-se", Some(1), "first choice of the route"),
            candidate("swish-se", None, "cannot pay this instrument"),
        ],
    }
}

fn withdrawal() -> Payment {
    let part = PartId(Uuid::from_u128(9));
    Payment {
        id: PaymentId::withdrawal(Uuid::from_u128(1)),
        status: PaymentStatus::Withdrawal(WithdrawalStatus::Processing),
        next_action: None,
        parts: vec![Part {
            id: part,
            number: 1,
            money: Money::new(10_000, Currency::SEK),
            instrument: Instrument {
                masked: "SE** **** 0001".to_owned(),
                holder_name: Some("Anna Andersson".to_owned()),
                source_deposit: Some(Uuid::from_u128(1)),
                ..Instrument::default()
            },
            status: PartStatus::Processing,
            held_minor: 10_000,
            way: Some(Arc::new(Way { method: Method::BankTransfer, route: plan_of_the_part() })),
        }],
        attempts: vec![attempt(Some(part))],
        ..deposit()
    }
}

fn told(viewer: Viewer, payment: &Payment) -> Value {
    serde_json::from_slice(&render(viewer, payment)).unwrap()
}

#[test]
fn a_backend_sees_the_payment_of_the_contract() {
    let zeros = "0".repeat(31);
    let expected = json!({
        "id": format!("dep_{zeros}1"), "direction": "deposit", "status": "action_required",
        "player_id": "p-1", "amount": "100.00", "currency": "SEK", "country": "SE",
        "method": "bank_transfer", "origin": "request", "reference": null, "received": null,
        "credited": null, "fee": null,
        "next_action": {"type": "redirect", "url": "https://bank.example/x"},
        "reasons": [
            {"code": "limit.near", "message": "Because.", "rule": "limits.player"},
            {"code": "route.moved", "message": "Because.", "rule": "limits.player"},
        ],
        "attempts": [{
            "id": format!("att_{zeros}2"), "number": 1, "psp": "trustly-se", "status": "declined",
            "error": {"code": "616", "retryable": true},
            "started_at": "2026-03-01T12:00:00.25Z", "ended_at": "2026-03-01T12:00:00.25Z",
        }],
        "route": {"version": "r1", "candidates": [
            {"psp": "swish-se", "rank": null, "reason": "below its minimum of 50.00 SEK"},
        ]},
        "created_at": "2026-03-01T12:00:00.25Z", "updated_at": "2026-03-01T12:00:00.25Z",
        "metadata": {"order": 7},
    });
    assert_eq!(told(Viewer::Backend, &deposit()), expected);
}

#[test]
fn a_player_sees_no_route_psp_error_or_rule() {
    for payment in [deposit(), withdrawal()] {
        let text = told(Viewer::Player, &payment).to_string();
        for hidden in ["trustly", "swish", "616", "route", "\"rule\"", "aml.hit"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        assert!(text.contains("limit.near"), "{text}");
        let event = event_data_for_player(&event_data(&payment));
        for hidden in ["trustly", "swish", "616", "route", "\"rule\"", "aml.hit"] {
            assert!(!event.contains(hidden), "{hidden} in {event}");
        }
    }
}

#[test]
fn nobody_sees_what_only_compliance_may_know_or_an_open_destination() {
    for payment in [deposit(), withdrawal()] {
        let text = told(Viewer::Backend, &payment).to_string();
        for hidden in ["aml.hit", "Andersson", "secret-at-psp"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
}

#[test]
fn a_withdrawal_tells_its_parts_and_all_attempts() {
    let value = told(Viewer::Backend, &withdrawal());
    assert_eq!(value["parts"][0]["destination"]["masked"], "SE** **** 0001");
    assert_eq!(value["parts"][0]["attempts"], value["attempts"]);
    assert_eq!(value["attempts"].as_array().map(Vec::len), Some(1));
    let own = json!({"version": "r1", "candidates": [
        {"psp": "trustly-se", "rank": 1, "reason": "first choice of the route"},
        {"psp": "swish-se", "rank": null, "reason": "cannot pay this instrument"},
    ]});
    assert_eq!(value["parts"][0]["route"], own);
    assert_ne!(value["route"], own, "that one is of all parts");
}

#[test]
fn an_event_tells_of_the_next_action_only_its_type() {
    let value: Value = serde_json::from_str(&event_data(&deposit())).unwrap();
    assert_eq!(value["next_action"], json!({"type": "redirect"}));
    assert_eq!(value["metadata"], json!({"order": 7}));
}

#[test]
fn an_event_without_an_action_is_the_snapshot_that_get_tells() {
    let mut payment = deposit();
    payment.next_action = None;
    payment.metadata = "{}".to_owned();
    assert_eq!(event_data(&payment).into_bytes(), render(Viewer::Backend, &payment));
}

#[test]
fn an_event_names_an_action_by_the_type_that_get_tells() {
    let (text, at) = (|| "t".to_owned(), Some(AT));
    let actions = [
        NextAction::Redirect { url: text() },
        NextAction::QrCode { payload: text(), expires_at: at },
        NextAction::AppLink { url: text(), token: None },
        NextAction::CryptoTransfer {
            address: text(),
            network: text(),
            asset: text(),
            asset_amount: text(),
            expires_at: at,
        },
    ];
    for action in actions {
        let payment = Payment { next_action: Some(action), ..deposit() };
        let event: Value = serde_json::from_str(&event_data(&payment)).unwrap();
        let whole = told(Viewer::Backend, &payment);
        assert_eq!(event["next_action"], json!({"type": whole["next_action"]["type"]}));
    }
}

#[test]
fn an_event_tells_metadata_as_it_came_whatever_its_numbers() {
    let metadata = r#"{"d":1.10,"n":12345678901234567890123,"x":1e400}"#;
    let end = format!(",\"metadata\":{metadata}}}");
    for next_action in [deposit().next_action, None] {
        for payment in [deposit(), withdrawal()] {
            let payment = Payment {
                next_action: next_action.clone(),
                metadata: metadata.to_owned(),
                ..payment
            };
            let event = event_data(&payment);
            assert!(event.ends_with(&end), "{event}");
            assert!(event.contains(&payment.id.to_string()), "{event}");
            let for_player = event_data_for_player(&event);
            assert!(for_player.ends_with(&end), "{for_player}");
            assert!(for_player.contains(&payment.id.to_string()), "{for_player}");
        }
    }
}

#[test]
fn a_rejected_withdrawal_says_so_and_tells_nobody_to_wait() {
    let remedy = Some("wait for the review".to_owned());
    let waited = |status| Payment {
        status: PaymentStatus::Withdrawal(status),
        reasons: vec![Reason {
            remedy: remedy.clone(),
            ..reason("review.dual_approval", Audience::Operator)
        }],
        ..withdrawal()
    };
    let codes = |viewer, status| {
        let told = told(viewer, &waited(status));
        let text = told["reasons"].to_string();
        let reasons = told["reasons"].as_array().unwrap();
        let codes = reasons.iter().map(|it| it["code"].as_str().unwrap().to_owned());
        (codes.collect::<Vec<_>>(), text.contains("wait for"))
    };
    let (waits, rejected) = (WithdrawalStatus::InReview, WithdrawalStatus::Rejected);
    assert_eq!(codes(Viewer::Backend, waits), (vec!["review.dual_approval".to_owned()], true));
    for gone_on in
        [WithdrawalStatus::Approved, WithdrawalStatus::Processing, WithdrawalStatus::Paid]
    {
        let told = codes(Viewer::Backend, gone_on);
        assert_eq!(told, (vec!["review.dual_approval".to_owned()], false), "{gone_on}");
    }
    let both = vec!["withdrawal.rejected".to_owned(), "review.dual_approval".to_owned()];
    assert_eq!(codes(Viewer::Backend, rejected), (both, false));
    assert_eq!(codes(Viewer::Player, rejected), (vec!["withdrawal.rejected".to_owned()], false));
    assert!(event_data(&waited(rejected)).contains("withdrawal.rejected"));
}
