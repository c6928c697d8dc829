//! Payouts: a payload that the merchant signs. SHA-512 of the payload's bytes as they were sent, signed
//! with RSA and SHA-512 once more.

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use openssl::hash::MessageDigest;
use openssl::sha::sha512;
use openssl::sign::Verifier;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::api::{self, Both, Created, Refusal};
use super::{OWNERS, Swish, is_instruction, view};
use crate::book::{Kind, Movement, Payer, Status};
use crate::faults::{Call, Fault};
use crate::scenario;
use crate::server::Connection;
use crate::{clock, ids};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed<'a> {
    #[serde(borrow)]
    payload: &'a RawValue,
    callback_url: String,
    signature: String,
}

impl Swish {
    fn signed_by_merchant(&self, payload: &str, signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else {
            return false;
        };
        let digest = sha512(payload.as_bytes());
        Verifier::new(MessageDigest::sha512(), &self.signing_key)
            .and_then(|mut verifier| verifier.verify_oneshot(&signature, &digest))
            .unwrap_or(false)
    }
}

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    api::creating(both, connection, Call::CreatePayout, move |psp, swish, plan| async move {
        let movement = draft(&swish, &body)?;
        if plan.is(Fault::DeclineHard) {
            return Err(Refusal::code("ACMT07"));
        }
        psp.book.enter(|entry| {
            if entry.movement(&movement.reference).is_some() {
                return Err(Refusal::code("RP09"));
            }
            let (number, ssn) = (movement.text("payeeAlias"), movement.text("payeeSSN"));
            match entry.fact(OWNERS, number) {
                Some(owner) if *owner != ssn => return Err(Refusal::code("VR02")),
                Some(_) => {}
                None => {
                    let (number, ssn) = (number.to_owned(), ssn.to_owned());
                    entry.put_fact(OWNERS, &number, ssn.into());
                }
            }
            entry.put(movement.clone());
            Ok(())
        })?;
        scenario::booked(&psp, &movement, &plan).await;
        let base = format!("{}/swish-cpcapi/api/v1/payouts", swish.base_url);
        Ok(Created { location: format!("{base}/{}", movement.reference), token: None })
    })
    .await
}

fn draft(swish: &Swish, body: &[u8]) -> Result<Movement, Refusal> {
    let malformed = |_| Refusal::plain(StatusCode::BAD_REQUEST);
    let signed: Signed<'_> = serde_json::from_slice(body).map_err(malformed)?;
    let payload: Value = serde_json::from_str(signed.payload.get()).map_err(malformed)?;
    let text = |name: &str| payload[name].as_str().unwrap_or_default();
    if !swish.signed_by_merchant(signed.payload.get(), &signed.signature)
        || text("signingCertificateSerialNumber") != swish.signing_serial
    {
        return Err(Refusal::code("PA01"));
    }
    let url = api::callback_url(Some(&signed.callback_url))?;
    let id = text("payoutInstructionUUID");
    let ssn = text("payeeSSN");
    let dated = time::OffsetDateTime::parse(
        text("instructionDate"),
        &time::format_description::well_known::Rfc3339,
    );
    let is_ssn = ssn.len() == 12 && ssn.bytes().all(|b| b.is_ascii_digit());
    if !is_instruction(id) || text("payoutType") != "PAYOUT" || dated.is_err() || !is_ssn {
        return Err(Refusal::code("PA01"));
    }
    if !api::is_reference(text("payerPaymentReference")) {
        return Err(Refusal::code("FF08"));
    }
    if text("payerAlias") != swish.payee_alias {
        return Err(Refusal::plain(StatusCode::FORBIDDEN));
    }
    if !api::is_alias(text("payeeAlias")) {
        return Err(Refusal::code("BE18"));
    }
    let amount_minor = api::amount(payload["amount"].as_str())?;
    if text("currency") != swish.currency {
        return Err(Refusal::code("AM03"));
    }
    if !api::is_message(text("message")) {
        return Err(Refusal::code("RP02"));
    }
    let now = clock::now();
    Ok(Movement {
        reference: id.to_owned(),
        client_reference: ids::client_reference(id),
        kind: Kind::Payout,
        amount_minor,
        currency: swish.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: Some(Payer { name: "Mock Payee".to_owned(), ..Payer::default() }),
        wire: json!({
            "payerPaymentReference": text("payerPaymentReference"), "callbackUrl": url,
            "payerAlias": swish.payee_alias, "payeeAlias": text("payeeAlias"), "payeeSSN": ssn,
            "message": text("message"), "paymentReference": super::upper_uuid(),
        }),
    })
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
) -> Response {
    api::answering(both, connection, Call::Query, move |psp, _| {
        let movement = psp.book.find(&id).filter(|m| m.kind == Kind::Payout);
        Ok(view::text(&view::resource(&movement.ok_or_else(Refusal::missing)?)))
    })
    .await
}
