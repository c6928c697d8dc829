//! The attack list of the reliability reference, on every adapter's webhooks: each must end in a refusal.

use crate::fixture::{Call, Fixture, News};
use crate::fixtures;
use crate::support::attempt;
use psp_adapters::{Verified, WebhookBatch, WebhookRefusal};
use psp_contract::{Status, Subject};

type Received = Result<Verified<WebhookBatch>, WebhookRefusal>;

fn receive(fixture: &dyn Fixture, call: &Call) -> Received {
    fixture.psp().adapter().verify_webhook(&call.raw(), &fixture.keys())
}

#[track_caller]
fn refused(fixture: &dyn Fixture, call: &Call, what: &str) -> WebhookRefusal {
    match receive(fixture, call) {
        Ok(_) => panic!("{}: {what} was accepted", fixture.psp().adapter_name()),
        Err(refusal) => {
            assert!((400..500).contains(&refusal.status()), "{what}: {refusal:?}");
            refusal
        }
    }
}

#[test]
fn genuine_news_is_understood() {
    for fixture in fixtures() {
        let fixture = fixture.as_ref();
        let one = |news| receive(fixture, &fixture.webhook(news)).unwrap().into_inner();
        let deposit = one(News::DepositSucceeded);
        let [event] = &deposit.events[..] else { panic!("one event") };
        assert_eq!(event.attempt, Some(attempt(1)));
        assert!(!event.event_id.is_empty() && event.psp_reference.is_some());
        let report = event.report_for(Subject::Deposit).unwrap();
        assert!(matches!(report.status, Status::Succeeded { money } if money.minor == 1050));
        let paid = one(News::PayoutSucceeded);
        let report = paid.events[0].report_for(Subject::Payout).unwrap();
        assert!(matches!(report.status, Status::Succeeded { money } if money.minor == 1050));
        assert_eq!(paid.events[0].report_for(Subject::Deposit), None);
        let failed = one(News::PayoutFailed);
        let report = failed.events[0].report_for(Subject::Payout).unwrap();
        assert!(matches!(report.status, Status::Declined(_)));
        let tells_time = fixture.psp().capabilities().webhook.has_timestamp;
        assert_eq!(deposit.fresh, tells_time);
    }
}

#[test]
fn a_reply_is_the_same_for_a_duplicate() {
    for fixture in fixtures() {
        let call = fixture.webhook(News::DepositSucceeded);
        let reply = || {
            let verified = receive(fixture.as_ref(), &call).unwrap();
            fixture.psp().reply(&verified)
        };
        let first = reply();
        assert_eq!(first.status, 200);
        assert_eq!(first, reply());
    }
}

#[test]
fn no_byte_of_the_body_may_change() {
    for fixture in fixtures() {
        let genuine = fixture.webhook(News::DepositSucceeded);
        for at in 0..genuine.body.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut call = genuine.clone();
                call.body[at] ^= bit;
                let Ok(verified) = receive(fixture.as_ref(), &call) else {
                    continue;
                };
                // Trustly signs data and not bytes: an unsigned part of the envelope may differ, what
                // is told may not.
                assert!(fixture.signature_is_in_body(), "byte {at} of {:?}", call.body);
                let genuine = receive(fixture.as_ref(), &genuine).unwrap().into_inner();
                assert_eq!(verified.into_inner(), genuine, "byte {at}");
            }
        }
    }
}

#[test]
fn no_byte_of_a_signed_header_may_change() {
    for fixture in fixtures().iter().filter(|it| !it.signature_is_in_body()) {
        let genuine = fixture.webhook(News::DepositSucceeded);
        for (number, (name, value)) in genuine.headers.iter().enumerate() {
            for at in 0..value.len() {
                let mut call = genuine.clone();
                let mut bytes = value.clone().into_bytes();
                bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
                call.headers[number].1 = String::from_utf8(bytes).unwrap();
                refused(fixture.as_ref(), &call, &format!("byte {at} of {name}"));
            }
        }
    }
}

#[test]
fn headers_must_be_there_exactly_once() {
    for fixture in fixtures().iter().filter(|it| !it.signature_is_in_body()) {
        let genuine = fixture.webhook(News::DepositSucceeded);
        for number in 0..genuine.headers.len() {
            let mut missing = genuine.clone();
            let header = missing.headers.remove(number);
            refused(fixture.as_ref(), &missing, "a missing header");
            let mut twice = genuine.clone();
            twice.headers.push(header.clone());
            refused(fixture.as_ref(), &twice, "a header twice");
            let mut twice = genuine.clone();
            twice.headers.insert(0, (header.0.to_uppercase(), "other".to_owned()));
            refused(fixture.as_ref(), &twice, "a header twice in other case");
            for value in ["", "..", "a..b", " ", "\0", &"x".repeat(65_536)] {
                let mut call = genuine.clone();
                call.headers[number].1 = value.to_owned();
                refused(fixture.as_ref(), &call, "a header with nonsense");
            }
            for (left, right) in [("", ", "), (" ", ""), ("", "\r\nx: y"), ("", "\n "), ("", "=")] {
                let mut call = genuine.clone();
                call.headers[number].1 = format!("{left}{}{right}", header.1);
                refused(fixture.as_ref(), &call, "a header with something around it");
            }
        }
    }
}

#[test]
fn nobody_elses_key_is_good() {
    for fixture in fixtures() {
        refused(fixture.as_ref(), &fixture.foreign_webhook(), "another's key");
    }
}

#[test]
fn method_and_path_are_part_of_it() {
    for fixture in fixtures() {
        let genuine = fixture.webhook(News::DepositSucceeded);
        for method in ["GET", "PUT", "post", ""] {
            let mut call = genuine.clone();
            call.method = method.to_owned();
            refused(fixture.as_ref(), &call, method);
        }
        for change in ["?x=1", "?"] {
            let mut call = genuine.clone();
            call.path.push_str(change);
            refused(fixture.as_ref(), &call, change);
        }
        if fixture.signature_is_in_body() {
            continue;
        }
        for path in [
            "/",
            "//webhooks/truelayer-gb",
            "/webhooks/truelayer-gb/",
            "/webhooks/TrueLayer-gb",
            "/webhooks/%74ruelayer-gb",
            "/webhooks/truelayer-gb;x",
            "/webhooks/../webhooks/truelayer-gb",
        ] {
            let mut call = genuine.clone();
            call.path = path.to_owned();
            refused(fixture.as_ref(), &call, path);
        }
    }
}

#[test]
fn bodies_that_are_not_one_strict_document_are_refused() {
    for fixture in fixtures() {
        let genuine = fixture.webhook(News::DepositSucceeded);
        let text = String::from_utf8(genuine.body.clone()).unwrap();
        let doubled = text.replacen(r#""amount"#, r#""amount":"1","amount"#, 1);
        let bomb = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for body in [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            format!("\u{feff}{text}"),
            format!("{text}{text}"),
            format!("{text}x"),
            text[..text.len() - 1].to_owned(),
            text.replacen('{', "{\"type\":\"x\",\"method\":\"x\",", 1),
            text.replacen(r#""EUR""#, r#""EUR\u0000""#, 1),
            text.replacen(r#""EUR""#, r#""\ud800""#, 1),
            text.replacen(r#""EUR""#, "1e400", 1),
            text.replacen(r#""EUR""#, &bomb, 1),
            doubled,
            bomb,
        ] {
            assert_ne!(body, text);
            let call = Call { body: body.into_bytes(), ..genuine.clone() };
            refused(fixture.as_ref(), &call, "a body that is not strict");
        }
        let call = Call { body: b"\xff\xfe\x00".to_vec(), ..genuine.clone() };
        refused(fixture.as_ref(), &call, "no UTF-8");
    }
}

#[test]
fn old_and_future_webhooks_are_stale_where_time_is_signed() {
    for fixture in fixtures() {
        let capability = fixture.psp().capabilities().webhook.clone();
        let tolerance = i64::try_from(capability.tolerance.as_secs()).unwrap();
        for (secs, fine) in [(tolerance, true), (tolerance + 1, false), (86_400, false)] {
            for sign in [1, -1] {
                let mut call = fixture.webhook(News::DepositSucceeded);
                call.received_at += time::Duration::seconds(sign * secs);
                if fine || !capability.has_timestamp {
                    receive(fixture.as_ref(), &call).unwrap();
                    continue;
                }
                match refused(fixture.as_ref(), &call, "a stale webhook") {
                    WebhookRefusal::Stale { attempt: named, psp_reference } => {
                        assert_eq!(named, Some(attempt(1)));
                        assert!(psp_reference.is_some());
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}
