//! Paysafe's own traps: what a duplicate, a spent handle and a lost second call may mean, and the two
//! readings of its webhook key.

use crate::stands::Stand;
use crate::stands::paysafe::PaysafeCa;
use crate::support::{
    attempt, completion, deposit, drive, inquiry, now, payout, portable, psp, refund, response,
    secrets, to, transport,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use psp_adapters::{PspAccount, RawWebhook, WebhookKeys, WebhookRefusal, build};
use psp_contract::{
    HttpResponse, InquiryBy, NotSent, Operation, Outcome, Report, Status, Subject,
    TransportFailure, Unknown,
};
use serde_json::{Value, json};

fn account() -> PspAccount {
    PaysafeCa.account("https://paysafe.test")
}

fn handle(status: &str, kind: &str) -> Value {
    json!({"id": "h-1", "merchantRefNum": attempt(1).lower(), "paymentHandleToken": "PHx",
        "transactionType": kind, "amount": 1050, "currencyCode": "CAD", "status": status})
}

fn list(name: &str, records: &[Value]) -> HttpResponse {
    response(200, json!({"meta": {}, name: records}).to_string())
}

fn error(status: u16, code: &str) -> HttpResponse {
    response(status, json!({"error": {"code": code, "message": "x"}}).to_string())
}

/// What an operation comes to when its steps are answered so, and the steps that it took.
fn outcome(
    operation: &Operation,
    mut answer: impl FnMut(&str) -> HttpResponse,
) -> (Outcome, Vec<&'static str>) {
    let psp = psp(account());
    let driven = drive(psp.adapter(), operation, now(), None, |step, _| Ok(answer(step)));
    (driven.outcome, driven.requests.into_iter().map(|(step, _)| step).collect())
}

fn complete() -> Operation {
    completion(attempt(1), PaysafeCa.money())
}

fn pay_out() -> Operation {
    payout(attempt(1), PaysafeCa.money(), to(portable("email").0))
}

#[test]
fn what_speaks_of_a_repeat_is_never_a_refusal() {
    for (status, code) in [(409, "5031"), (402, "3044"), (402, "3417"), (400, "5283")] {
        let (told, _) = outcome(&complete(), |step| match step {
            "find_handle" => list("paymentHandles", &[handle("PAYABLE", "PAYMENT")]),
            _ => error(status, code),
        });
        assert_eq!(told, Outcome::Unknown(Unknown::DuplicateReference), "{status} {code}");
        let (told, _) = outcome(&pay_out(), |step| match step {
            "payout_handle" => response(201, handle("PAYABLE", "STANDALONE_CREDIT").to_string()),
            _ => error(status, code),
        });
        assert_eq!(told, Outcome::Unknown(Unknown::DuplicateReference), "{status} {code}");
    }
    // Paysafe's own trouble comes with a decline's status, too.
    let (told, _) = outcome(&complete(), |step| match step {
        "find_handle" => list("paymentHandles", &[handle("PAYABLE", "PAYMENT")]),
        _ => error(402, "1007"),
    });
    assert_eq!(told, Outcome::Unknown(Unknown::PspUndecided));
}

/// What kind of name `consumerId` is, is a field of Interac's alone.
#[test]
fn only_interac_is_told_what_kind_of_name_its_payer_has() {
    let wallet = |name: &str| {
        let mut account = PspAccount { method: "e_wallet".to_owned(), ..account() };
        account.settings.insert("payment_type".to_owned(), name.to_owned());
        account
    };
    let by_mail = json!({"consumerId": "erika@example.test"});
    let typed = json!({"consumerId": "erika@example.test", "type": "EMAIL"});
    for (account, key, expected) in [
        (account(), "interacEtransfer", &typed),
        (wallet("SKRILL"), "skrill", &by_mail),
        (wallet("NETELLER"), "neteller", &by_mail),
    ] {
        let psp = psp(account);
        let asked = deposit(attempt(1), PaysafeCa.money());
        let driven = drive(psp.adapter(), &asked, now(), None, |_, _| Ok(error(401, "5279")));
        let sent: Value = serde_json::from_slice(&driven.requests[0].1.body).unwrap();
        assert_eq!(&sent[key], expected, "{key}");
    }
}

#[test]
fn a_handle_that_was_spent_is_not_spent_again() {
    let (told, steps) =
        outcome(&complete(), |_| list("paymentHandles", &[handle("COMPLETED", "PAYMENT")]));
    assert_eq!(told, Outcome::Unknown(Unknown::DuplicateReference));
    assert_eq!(steps, ["find_handle"]);
}

#[test]
fn what_is_not_payable_is_not_asked_for() {
    for (status, expected) in [
        ("INITIATED", Outcome::NotSent(NotSent::PreparationFailed)),
        ("DANCING", Outcome::NotSent(NotSent::PreparationFailed)),
    ] {
        let (told, steps) =
            outcome(&complete(), |_| list("paymentHandles", &[handle(status, "PAYMENT")]));
        assert_eq!((told, steps), (expected, vec!["find_handle"]), "{status}");
    }
    let (told, _) =
        outcome(&complete(), |_| list("paymentHandles", &[handle("EXPIRED", "PAYMENT")]));
    assert!(matches!(told, Outcome::Reported(report) if report.status == Status::Expired));
    // A handle of another amount is another handle: it would take other money.
    let mut other = handle("PAYABLE", "PAYMENT");
    other["amount"] = 999.into();
    let (told, steps) = outcome(&complete(), |_| list("paymentHandles", &[other.clone()]));
    assert_eq!((told, steps), (Outcome::Unknown(Unknown::Mismatch), vec!["find_handle"]));
}

#[test]
fn a_payout_cut_off_between_its_two_calls_goes_on_with_the_same_handle() {
    let (told, steps) = outcome(&pay_out(), |step| match step {
        "payout_handle" => error(409, "5031"),
        "find_handle" => list("paymentHandles", &[handle("PAYABLE", "STANDALONE_CREDIT")]),
        _ => response(201, handle("PENDING", "STANDALONE_CREDIT").to_string()),
    });
    assert!(matches!(told, Outcome::Reported(_)), "{told:?}");
    assert_eq!(steps, ["payout_handle", "find_handle", "create_payout"]);
    // The handle is not to be found: somebody was here before, and nobody knows how far.
    let (told, _) = outcome(&pay_out(), |step| match step {
        "payout_handle" => error(409, "5031"),
        _ => list("paymentHandles", &[]),
    });
    assert_eq!(told, Outcome::Unknown(Unknown::DuplicateReference));
}

/// A payout or a refund that failed in Paysafe's books is no refusal of the request: no list says that it
/// was never paid. A payment that failed is one, and its payer may try elsewhere.
#[test]
fn a_payout_that_failed_as_it_was_made_licenses_no_other() {
    for state in ["FAILED", "ERROR"] {
        let (told, _) = outcome(&pay_out(), |step| match step {
            "payout_handle" => response(201, handle("PAYABLE", "STANDALONE_CREDIT").to_string()),
            _ => response(201, handle(state, "STANDALONE_CREDIT").to_string()),
        });
        assert_eq!(told, Outcome::Reported(Report::new("h-1", Status::ACCEPTED)), "{state}");
        let back = refund(attempt(1), PaysafeCa.money(), "h-0");
        let (told, _) = outcome(&back, |step| match step {
            "find_deposit" => response(200, handle("COMPLETED", "PAYMENT").to_string()),
            "find_settlement" => list("settlements", &[handle("COMPLETED", "PAYMENT")]),
            _ => response(201, handle(state, "").to_string()),
        });
        assert_eq!(told, Outcome::Reported(Report::new("h-1", Status::ACCEPTED)), "{state}");
        let (told, _) = outcome(&complete(), |step| match step {
            "find_handle" => list("paymentHandles", &[handle("PAYABLE", "PAYMENT")]),
            _ => response(201, handle(state, "PAYMENT").to_string()),
        });
        let refused =
            matches!(&told, Outcome::Reported(it) if matches!(it.status, Status::Declined(_)));
        assert!(refused, "{state}: {told:?}");
    }
}

/// A webhook that is quicker than our answer names the payment, and no handle has its id.
#[test]
fn a_deposit_that_is_known_by_its_payments_id_goes_back_too() {
    let back = refund(attempt(2), PaysafeCa.money(), "p-1");
    let gives_back = |payment: HttpResponse| {
        let mut payment = Some(payment);
        outcome(&back, |step| match step {
            "find_deposit" => error(404, "5269"),
            "find_payment" => payment.take().unwrap(),
            "find_settlement" => list("settlements", &[handle("COMPLETED", "PAYMENT")]),
            _ => {
                let mut refund = handle("PENDING", "");
                refund["merchantRefNum"] = attempt(2).lower().into();
                response(201, refund.to_string())
            }
        })
    };
    let (told, steps) = gives_back(response(200, handle("COMPLETED", "PAYMENT").to_string()));
    assert_eq!(told, Outcome::Reported(Report::new("h-1", Status::ACCEPTED)));
    assert_eq!(steps, ["find_deposit", "find_payment", "find_settlement", "return_deposit"]);
    let (told, steps) = gives_back(error(404, "5269"));
    assert_eq!(told, Outcome::NotSent(NotSent::PreparationFailed));
    assert_eq!(steps, ["find_deposit", "find_payment"]);
    // A handle that cannot be asked about is no handle that is not there.
    let (told, steps) = outcome(&back, |_| error(503, "1000"));
    assert_eq!((told, steps), (Outcome::NotSent(NotSent::PreparationFailed), vec!["find_deposit"]));
}

#[test]
fn a_second_call_whose_answer_is_lost_is_unknown() {
    let psp = psp(account());
    let driven = drive(psp.adapter(), &complete(), now(), None, |step, request| match step {
        "find_handle" => Ok(list("paymentHandles", &[handle("PAYABLE", "PAYMENT")])),
        _ => {
            assert!(request.moves_money);
            let sent: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!((&sent["dupCheck"], &sent["settleWithAuth"]), (&json!(true), &json!(true)));
            assert_eq!(sent["merchantRefNum"], json!(attempt(1).lower()));
            Err(TransportFailure::Unknown(Unknown::ReadTimeout))
        }
    });
    assert_eq!(driven.outcome, Outcome::Unknown(Unknown::ReadTimeout));
}

#[test]
fn a_failed_try_beside_a_success_does_not_hide_it() {
    let ask = inquiry(Subject::Deposit, attempt(1), PaysafeCa.money(), InquiryBy::OurReference);
    let records = |states: &[&str]| -> Vec<Value> {
        states.iter().map(|state| handle(state, "PAYMENT")).collect()
    };
    let (told, _) = outcome(&ask, |_| list("payments", &records(&["FAILED", "COMPLETED"])));
    assert!(
        matches!(told, Outcome::Reported(report) if matches!(report.status, Status::Succeeded { .. }))
    );
    let (told, _) = outcome(&ask, |_| list("payments", &records(&["COMPLETED", "COMPLETED"])));
    assert_eq!(told, Outcome::Unknown(Unknown::Mismatch));
}

fn signed(key: &[u8], body: &[u8]) -> String {
    let key = PKey::hmac(key).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    STANDARD.encode(signer.sign_oneshot_to_vec(body).unwrap())
}

fn received(encoding: &str, key: &[u8]) -> Result<(), WebhookRefusal> {
    let mut account = account();
    account.settings.insert("webhook_key_encoding".to_owned(), encoding.to_owned());
    account.secrets.extend(secrets(&[("webhook_key", "MDEyMzQ1Njc4OWFiY2RlZg==")]));
    account.secrets.remove("webhook_key_next");
    let psp = build(account, &transport()).unwrap();
    let payload = handle("PAYABLE", "PAYMENT");
    let event = "PAYMENT_HANDLE_PAYABLE";
    let body = json!({"eventType": event, "payload": payload}).to_string().into_bytes();
    let headers = [("signature".to_owned(), signed(key, &body))];
    let raw = RawWebhook {
        method: "POST",
        path_and_query: "/webhooks/paysafe-ca",
        headers: &headers,
        body: &body,
        peer_certificate: None,
        received_at: now(),
    };
    psp.adapter().verify_webhook(&raw, &WebhookKeys::default()).map(drop)
}

#[test]
fn the_webhook_key_is_read_as_the_account_has_it() {
    let (text, decoded) = (b"MDEyMzQ1Njc4OWFiY2RlZg==".as_slice(), b"0123456789abcdef".as_slice());
    assert_eq!(received("text", text), Ok(()));
    assert_eq!(received("base64", decoded), Ok(()));
    assert!(matches!(received("text", decoded), Err(WebhookRefusal::Invalid(_))));
    assert!(matches!(received("base64", text), Err(WebhookRefusal::Invalid(_))));
}

#[test]
fn an_account_that_could_not_work_is_refused_with_every_fault_told() {
    let mut account = account();
    account.method = "card".to_owned();
    account.settings.insert("payment_type".to_owned(), "SKRILL".to_owned());
    account.settings.insert("webhook_key_encoding".to_owned(), "rot13".to_owned());
    account.secrets.clear();
    let faults = build(account, &transport()).unwrap_err();
    let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    for key in [
        "settings.payment_type",
        "settings.webhook_key_encoding",
        "secrets.api_password",
        "secrets.webhook_key",
    ] {
        assert!(keys.contains(&key), "{keys:?}");
    }
}
