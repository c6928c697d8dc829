//! Every attack that we know of, on every adapter's webhooks: each must end in a refusal,
//! or, where the PSP signs nothing, in a hint that makes us ask.

use crate::conformance::fixture::{Call, Fixture, News, Signed, calls};
use crate::conformance::fixtures;
use crate::support::attempt;
use psp_adapters::{Verified, WebhookBatch, WebhookEvent, WebhookRefusal};
use psp_contract::{Status, Subject, WebhookAuthenticity};

type Received = Result<Verified<WebhookBatch>, WebhookRefusal>;

fn receive(fixture: &dyn Fixture, call: &Call) -> Received {
    fixture.psp().adapter().verify_webhook(&call.raw(), &fixture.keys())
}

fn events(fixture: &dyn Fixture, call: &Call) -> Vec<WebhookEvent> {
    receive(fixture, call).unwrap().into_inner().events
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

/// What a webhook that was tampered with may come to: a refusal, or no more than was told before.
#[track_caller]
fn refused_or_told_the_same(fixture: &dyn Fixture, genuine: &Call, call: &Call, what: &str) {
    let Ok(verified) = receive(fixture, call) else {
        return;
    };
    let told = verified.into_inner().events;
    let context = format!("{} {what}", fixture.psp().adapter_name());
    let named = |events: &[WebhookEvent]| -> Vec<_> {
        events.iter().map(|it| (it.psp_reference.clone(), it.attempt)).collect()
    };
    match genuine.signed {
        Signed::Body => panic!("{context} was accepted"),
        // A payment's type is not covered: with another it is a question about the same payment, and comes
        // in nobody's place.
        Signed::Fields if told.iter().all(|it| it.kind == "payment_other") => {
            let honest = events(fixture, genuine);
            assert!(told.iter().all(is_hint), "{context}: {told:?}");
            assert_eq!(named(&told), named(&honest), "{context}");
            assert!(told.iter().zip(&honest).all(|(it, its)| it.event_id != its.event_id));
        }
        Signed::Fields => assert_eq!(told, events(fixture, genuine), "{context}"),
        Signed::Query => {
            assert!(told.iter().all(is_hint), "{context}: {told:?}");
            assert_eq!(named(&told), named(&events(fixture, genuine)), "{context}");
        }
        Signed::Nothing => assert!(told.iter().all(is_hint), "{context}: {told:?}"),
    }
}

/// Whether an event can move nothing: neither money nor the state of a payment.
fn is_hint(event: &WebhookEvent) -> bool {
    event.hint_only && event.report.is_none() && event.if_deposit.is_none() && event.payin.is_none()
}

#[test]
fn genuine_news_is_understood() {
    for fixture in fixtures() {
        let (fixture, name) = (fixture.as_ref(), fixture.psp().adapter_name());
        assert!(!calls(fixture).is_empty(), "{name} tells nothing by itself");
        let money = fixture.money();
        for news in News::ALL {
            let Some(call) = fixture.webhook(news) else {
                continue;
            };
            let batch = receive(fixture, &call).unwrap().into_inner();
            let [event] = &batch.events[..] else { panic!("{name} {news:?}: one event") };
            assert!(!event.event_id.is_empty(), "{name} {news:?}");
            let tells_time = fixture.psp().capabilities().webhook.has_timestamp;
            assert_eq!(batch.fresh, tells_time && call.signed != Signed::Nothing, "{name}");
            if fixture.is_thin() {
                assert!(is_hint(event), "{name} {news:?}: {event:?}");
                assert!(event.psp_reference.is_some() || event.attempt.is_some(), "{name}");
                continue;
            }
            if news == News::Payin {
                let payin = event.payin.as_ref().unwrap();
                assert!(payin.money == money && payin.confirmed && event.attempt.is_none());
                continue;
            }
            assert!(event.attempt == Some(attempt(1)), "{name} {news:?}: {event:?}");
            assert!(event.psp_reference.is_some(), "{name} {news:?}");
            let told = |subject| event.report_for(subject).map(|report| report.status.clone());
            let (deposit, payout) = (told(Subject::Deposit), told(Subject::Payout));
            let success = Some(Status::Succeeded { money });
            match news {
                News::DepositApproved => assert_eq!(deposit, Some(Status::AwaitsCompletion)),
                News::DepositSucceeded => assert_eq!(deposit, success, "{name}"),
                News::PayoutSucceeded => assert_eq!((deposit, payout), (None, success), "{name}"),
                _ => assert!(matches!(payout, Some(Status::Declined(_))), "{name}: {payout:?}"),
            }
        }
    }
}

#[test]
fn what_nobody_signed_is_only_a_hint() {
    for fixture in fixtures() {
        let authenticity = fixture.psp().capabilities().webhook.authenticity;
        for mut call in calls(fixture.as_ref()) {
            call.peer_certificate = None;
            match authenticity {
                WebhookAuthenticity::Signature => assert_ne!(call.signed, Signed::Nothing),
                WebhookAuthenticity::MutualTls | WebhookAuthenticity::Unsigned => {
                    assert!(events(fixture.as_ref(), &call).iter().all(is_hint));
                }
            }
        }
    }
}

#[test]
fn a_reply_is_the_same_for_a_duplicate() {
    for fixture in fixtures() {
        for call in calls(fixture.as_ref()) {
            let reply = || {
                let verified = receive(fixture.as_ref(), &call).unwrap();
                fixture.psp().reply(&verified)
            };
            let first = reply();
            assert!((200..300).contains(&first.status));
            assert_eq!(first, reply());
            assert_eq!(events(fixture.as_ref(), &call), events(fixture.as_ref(), &call));
        }
    }
}

#[test]
fn no_byte_of_the_body_may_change() {
    for fixture in fixtures() {
        for genuine in calls(fixture.as_ref()) {
            for at in 0..genuine.body.len() {
                for bit in [0x01, 0x20, 0x80] {
                    let mut call = genuine.clone();
                    call.body[at] ^= bit;
                    let what = format!("byte {at} of the body");
                    refused_or_told_the_same(fixture.as_ref(), &genuine, &call, &what);
                }
            }
        }
    }
}

#[test]
fn no_byte_of_the_query_may_change() {
    for fixture in fixtures() {
        for genuine in calls(fixture.as_ref()) {
            let Some((path, query)) = genuine.path.split_once('?') else {
                continue;
            };
            for at in 0..query.len() {
                for byte in ["x", "1", "&", "=", "%"] {
                    let mut call = genuine.clone();
                    call.path = format!("{path}?{}{byte}{}", &query[..at], &query[at + 1..]);
                    let what = format!("byte {at} of the query");
                    refused_or_told_the_same(fixture.as_ref(), &genuine, &call, &what);
                }
            }
            for (left, right) in [(query, "&data.id=1"), ("data.id=1&", query), ("", "")] {
                let mut call = genuine.clone();
                call.path = format!("{path}?{left}{right}");
                refused_or_told_the_same(fixture.as_ref(), &genuine, &call, "another query");
            }
        }
    }
}

#[test]
fn no_byte_of_a_signed_header_may_change() {
    for fixture in fixtures() {
        for genuine in calls(fixture.as_ref()).into_iter().filter(Call::signed_by_header) {
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
}

#[test]
fn headers_must_be_there_exactly_once() {
    for fixture in fixtures() {
        for genuine in calls(fixture.as_ref()).into_iter().filter(Call::signed_by_header) {
            for number in 0..genuine.headers.len() {
                wrong_headers(fixture.as_ref(), &genuine, number);
            }
        }
    }
}

fn wrong_headers(fixture: &dyn Fixture, genuine: &Call, number: usize) {
    let mut missing = genuine.clone();
    let header = missing.headers.remove(number);
    refused(fixture, &missing, "a missing header");
    let mut twice = genuine.clone();
    twice.headers.push(header.clone());
    refused(fixture, &twice, "a header twice");
    let mut twice = genuine.clone();
    twice.headers.insert(0, (header.0.to_uppercase(), "other".to_owned()));
    refused(fixture, &twice, "a header twice in other case");
    for value in ["", "..", "a..b", " ", "\0", &"x".repeat(65_536)] {
        let mut call = genuine.clone();
        call.headers[number].1 = value.to_owned();
        refused(fixture, &call, "a header with nonsense");
    }
    for (left, right) in [("", ", "), (" ", ""), ("", "\r\nx: y"), ("", "\n "), ("", "=")] {
        let mut call = genuine.clone();
        call.headers[number].1 = format!("{left}{}{right}", header.1);
        refused(fixture, &call, "a header with something around it");
    }
}

#[test]
fn nobody_elses_key_is_good() {
    for fixture in fixtures() {
        let authenticity = fixture.psp().capabilities().webhook.authenticity;
        let foreign = fixture.foreign_webhook();
        assert_eq!(foreign.is_some(), authenticity == WebhookAuthenticity::Signature);
        if let Some(call) = foreign {
            refused(fixture.as_ref(), &call, "another's key");
        }
    }
}

#[test]
fn method_and_path_are_part_of_it() {
    for fixture in fixtures() {
        for genuine in calls(fixture.as_ref()) {
            for method in ["GET", "PUT", "post", ""] {
                // Some PSPs send the same fields as a form or as a query.
                if genuine.path.contains('?') && method == "GET" {
                    continue;
                }
                let mut call = genuine.clone();
                call.method = method.to_owned();
                refused(fixture.as_ref(), &call, method);
            }
            let (path, query) = match genuine.path.split_once('?') {
                Some((path, query)) => (path, format!("?{query}")),
                None => (genuine.path.as_str(), String::new()),
            };
            let name = path.rsplit('/').next().unwrap();
            for other in [
                "/".to_owned(),
                format!("/{path}"),
                format!("{path}/"),
                path.replace(name, &name.to_uppercase()),
                path.replace(name, &format!("%{:02x}{}", name.as_bytes()[0], &name[1..])),
                format!("{path};x"),
                format!("/webhooks/..{path}"),
            ] {
                let mut call = genuine.clone();
                call.path = format!("{other}{query}");
                refused(fixture.as_ref(), &call, &call.path);
            }
            if query.is_empty() {
                for change in ["?x=1", "?"] {
                    let mut call = genuine.clone();
                    call.path.push_str(change);
                    refused(fixture.as_ref(), &call, change);
                }
            }
        }
    }
}

#[test]
fn bodies_that_are_not_one_strict_document_are_refused() {
    for fixture in fixtures() {
        for genuine in calls(fixture.as_ref()) {
            let text = String::from_utf8(genuine.body.clone()).unwrap();
            // Forms are no documents: their fields are attacked by the byte above.
            if !text.starts_with('{') {
                continue;
            }
            let first_key = &text[1..=text.find(':').unwrap()];
            let doubled = text.replacen('{', &format!("{{{first_key}\"x\","), 1);
            let bomb = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            let value =
                |value: &str| text.replacen(first_key, &format!("\"new\":{value},{first_key}"), 1);
            for body in [
                String::new(),
                "null".to_owned(),
                "[]".to_owned(),
                format!("\u{feff}{text}"),
                format!("{text}{text}"),
                format!("{text}x"),
                text[..text.len() - 1].to_owned(),
                value(r#""a\u0000""#),
                value(r#""\ud800""#),
                value("01"),
                value(&bomb),
                doubled,
                bomb.clone(),
            ] {
                assert_ne!(body, text);
                let call = Call { body: body.into_bytes(), ..genuine.clone() };
                refused(fixture.as_ref(), &call, "a body that is not strict");
            }
            let call = Call { body: b"\xff\xfe\x00".to_vec(), ..genuine.clone() };
            refused(fixture.as_ref(), &call, "no UTF-8");
        }
    }
}

#[test]
fn old_and_future_webhooks_are_stale_where_time_is_signed() {
    for fixture in fixtures() {
        let capability = fixture.psp().capabilities().webhook.clone();
        let tolerance = i64::try_from(capability.tolerance.as_secs()).unwrap();
        for genuine in calls(fixture.as_ref()) {
            let event = events(fixture.as_ref(), &genuine).remove(0);
            for (secs, fine) in [(tolerance, true), (tolerance + 1, false), (86_400, false)] {
                for sign in [1, -1] {
                    let mut call = genuine.clone();
                    call.received_at += time::Duration::seconds(sign * secs);
                    if fine || !capability.has_timestamp {
                        receive(fixture.as_ref(), &call).unwrap();
                        continue;
                    }
                    match refused(fixture.as_ref(), &call, "a stale webhook") {
                        WebhookRefusal::Stale { attempt, psp_reference } => {
                            assert_eq!(attempt, event.attempt);
                            assert!(psp_reference.is_some());
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
    }
}
