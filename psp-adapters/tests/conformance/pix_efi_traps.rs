//! Efí's own traps: ends that come in the first answer, payouts that come back in parts, and a Pix of nobody.

use crate::conformance::fixture::{Act, Call, Case, Fixture, Signed};
use crate::conformance::pix_efi::{
    E2EID, PATH, PixEfiFixture, RTRID, receive, returned, sent_back,
};
use crate::stands::pix_efi::PIX_KEY;
use crate::support::{attempt, drive, lookup, now, response};
use psp_contract::{Currency, HttpRequest, Money, NextAction, Outcome, Report, Status, Subject};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// It had gone to the scheme: what became of it is asked, and its creation's own answer licenses nobody
/// else to pay.
#[test]
fn a_payment_that_was_not_made_is_no_refusal_of_its_request() {
    let fixture = PixEfiFixture::new();
    for (act, id, expected) in
        [(Act::PayoutToPixKey, E2EID, Status::ACCEPTED), (Act::Return, RTRID, Status::ACCEPTED)]
    {
        let operation = fixture.operation(act).unwrap();
        let answer = |step: &str, request: &HttpRequest| {
            let fine = fixture.answer(act, Case::Accepted, step, request).unwrap();
            let text = String::from_utf8(fine.body).unwrap();
            Ok(response(fine.status, text.replace("EM_PROCESSAMENTO", "NAO_REALIZADO")))
        };
        let driven = drive(fixture.psp().adapter(), &operation, now(), None, answer);
        assert_eq!(driven.outcome, Outcome::Reported(Report::new(id, expected)), "{act:?}");
    }
}

/// A part that is on its way, or was refused, has brought nothing back.
#[test]
fn only_what_has_come_back_of_a_payout_is_told_as_returned() {
    let fixture = PixEfiFixture::new();
    let operation = fixture.operation(Act::AskPayout).unwrap();
    let told = |parts: &[(&str, &str, &str)]| {
        let answer = |step: &str, request: &HttpRequest| {
            let fine = fixture.answer(Act::AskPayout, Case::Succeeded, step, request).unwrap();
            let mut body: Value = serde_json::from_slice(&fine.body).unwrap();
            if step != "token" {
                body["devolucoes"] = sent_back(parts);
            }
            Ok(response(fine.status, body.to_string()))
        };
        match drive(fixture.psp().adapter(), &operation, now(), None, answer).outcome {
            Outcome::Reported(report) => report.status,
            other => panic!("{other:?}"),
        }
    };
    let brl = |minor| Money::new(minor, Currency::BRL);
    let open = [("D1", "4.00", "EM_PROCESSAMENTO"), ("D2", "6.50", "NAO_REALIZADO")];
    assert_eq!(told(&open), Status::Succeeded { money: brl(1050) });
    let one = [open[0], open[1], ("D3", "3.00", "DEVOLVIDO")];
    assert_eq!(told(&one), Status::Returned { money: brl(300) });
    let two = [one[0], one[2], ("D4", "1.50", "DEVOLVIDO")];
    assert_eq!(told(&two), Status::Returned { money: brl(450) });
}

/// Whoever sends a deposit back in Efí's own panel does so under an id of their own, and its nature is that
/// of any return: only our attempts' ids say that it was ours.
#[test]
fn what_somebody_sent_back_by_hand_is_taken_back_and_our_own_return_is_not() {
    let fixture = PixEfiFixture::new();
    let operation = fixture.operation(Act::AskDeposit).unwrap();
    let told = |back: &[Value]| {
        let answer = |step: &str, request: &HttpRequest| {
            let fine = fixture.answer(Act::AskDeposit, Case::Succeeded, step, request).unwrap();
            let mut body: Value = serde_json::from_slice(&fine.body).unwrap();
            if step != "token" {
                body["pix"][0]["devolucoes"] = back.into();
            }
            Ok(response(fine.status, body.to_string()))
        };
        match drive(fixture.psp().adapter(), &operation, now(), None, answer).outcome {
            Outcome::Reported(report) => report.status,
            other => panic!("{other:?}"),
        }
    };
    let brl = |minor| Money::new(minor, Currency::BRL);
    let ours = returned(&attempt(2).lower(), "4.00", "DEVOLVIDO", "ORIGINAL");
    let by_hand = returned("881", "3.00", "DEVOLVIDO", "ORIGINAL");
    let mut unnamed = returned("882", "2.50", "DEVOLVIDO", "ORIGINAL");
    unnamed.as_object_mut().unwrap().remove("natureza");
    // The mechanism of the scheme chooses its ids, and may choose one that looks like ours.
    let by_scheme = returned(&attempt(3).lower(), "1.00", "DEVOLVIDO", "MED_FRAUDE");
    let open = returned("883", "1.00", "EM_PROCESSAMENTO", "ORIGINAL");
    let refused = returned("884", "1.00", "NAO_REALIZADO", "ORIGINAL");
    let kept = [ours.clone(), open, refused];
    assert_eq!(told(&kept), Status::Succeeded { money: brl(1050) });
    for (back, minor) in [(&by_hand, 300), (&unnamed, 250), (&by_scheme, 100)] {
        let back = [kept.to_vec(), vec![back.clone()]].concat();
        assert_eq!(told(&back), Status::Reversed { money: brl(minor) });
    }
    assert_eq!(told(&[ours, by_hand, unnamed, by_scheme]), Status::Reversed { money: brl(650) });
}

/// Parts come back one by one, each under the id and the status of the Pix that was sent.
#[test]
fn each_part_that_comes_back_is_news_and_a_repeat_of_it_is_none() {
    let told = |parts: &[(&str, &str, &str)]| {
        let body = json!({"pix": [{"endToEndId": E2EID, "tipo": "DEVOLUCAO_RECEBIDA",
            "status": "REALIZADO", "valor": "10.50", "devolucoes": sent_back(parts),
            "gnExtras": {"idEnvio": attempt(1).lower()}}]});
        let call = Call::post(PATH, &[], body.to_string().into_bytes(), Signed::Nothing);
        let event = receive(&call).unwrap().into_inner().events.remove(0);
        assert_eq!((event.subject, event.attempt), (Some(Subject::Payout), Some(attempt(1))));
        event.event_id
    };
    let (first, second) = (("D1", "4.00", "DEVOLVIDO"), ("D2", "4.00", "DEVOLVIDO"));
    let ids = [told(&[first]), told(&[second]), told(&[first, second])];
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3, "{ids:?}");
    assert_eq!(told(&[first]), ids[0]);
    assert_ne!(told(&[("D1", "4.00", "EM_PROCESSAMENTO")]), ids[0]);
}

/// Money that came to our key without a charge of ours: known by its own id, asked about by it, and nobody's.
#[test]
fn a_pix_that_pays_no_charge_of_ours_is_named_by_its_own_id() {
    for txid in [None, Some("TheShopNextDoor2026112012030001")] {
        let mut pix = json!({"endToEndId": E2EID, "chave": PIX_KEY, "valor": "10.50"});
        if let Some(txid) = txid {
            pix["txid"] = txid.into();
        }
        let mut taken_back = pix.clone();
        taken_back["devolucoes"] = json!([returned("881", "10.50", "DEVOLVIDO", "MED_FRAUDE")]);
        let body = json!({"pix": [pix, taken_back]}).to_string().into_bytes();
        let events = receive(&Call::post(PATH, &[], body, Signed::Nothing)).unwrap();
        for event in events.into_inner().events {
            assert_eq!((event.attempt, event.psp_reference.as_deref()), (None, Some(E2EID)));
        }
    }
    let fixture = PixEfiFixture::new();
    let operation = lookup(Some(Subject::Deposit), E2EID);
    let asked = |step: &str, request: &HttpRequest, id: &str| {
        let token = json!({"access_token": "tkn", "expires_in": 3600}).to_string();
        if step == "token" {
            return Ok(response(200, token));
        }
        assert!(request.url.ends_with(&format!("/v2/pix/{E2EID}")), "{}", request.url);
        Ok(response(200, json!({"endToEndId": id, "valor": "10.50"}).to_string()))
    };
    let told = |id: &str| {
        let answer = |step: &str, request: &HttpRequest| asked(step, request, id);
        drive(fixture.psp().adapter(), &operation, now(), None, answer).outcome
    };
    assert_eq!(told(E2EID), Outcome::Reported(Report::new(E2EID, Status::Pending)));
    assert!(matches!(told("E1"), Outcome::Unknown(_)));
}

/// The published schema has a number, and the field's own example a text.
#[test]
fn a_charges_life_is_read_as_a_number_and_as_a_text() {
    let fixture = PixEfiFixture::new();
    let operation = fixture.operation(Act::Deposit).unwrap();
    for life in ["3600", r#""3600""#] {
        let answer = |step: &str, request: &HttpRequest| {
            let fine = fixture.answer(Act::Deposit, Case::Accepted, step, request).unwrap();
            let text = String::from_utf8(fine.body).unwrap();
            let told = text.replace(r#""expiracao":3600"#, &format!(r#""expiracao":{life}"#));
            Ok(response(fine.status, told))
        };
        match drive(fixture.psp().adapter(), &operation, now(), None, answer).outcome {
            Outcome::Reported(Report {
                status:
                    Status::Accepted {
                        next_action: Some(NextAction::QrCode { expires_at, .. }), ..
                    },
                ..
            }) => assert_eq!(expires_at, Some(now() + time::Duration::HOUR), "{life}"),
            other => panic!("{life}: {other:?}"),
        }
    }
}
