//! Efí's notifications: a batch at `{notify_url}/pix`, authenticated by the connection's client certificate
//! and by nothing else.
//!
//! The certificate shows who called, not that the bytes are Efí's at this moment; so whatever they say is
//! only a reason to ask (`WebhookProof::Hint`). A certificate that was shown and is not issued by the pinned
//! root (secret `webhook_client_ca_pem`) is turned away. Where nobody checks one, in front of us or here, a
//! call is a hint as any other.

use super::{PixEfi, mapping::we_returned};
use crate::prelude::*;
use openssl::x509::{X509, X509VerifyResult};

/// More events than Efí has any reason to put into one call.
const EVENTS_MAX: usize = 500;

/// Who may have issued the certificate of a caller: the root of now, and the next while it is changed.
pub(super) struct PinnedIssuers(Vec<X509>);

impl PinnedIssuers {
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let mut issuers = Vec::new();
        if reader.has_secret("webhook_client_ca_pem") {
            for secret in reader.live_secrets("webhook_client_ca_pem", 1) {
                match X509::stack_from_pem(secret.expose_secret().as_bytes()) {
                    Ok(chain) if !chain.is_empty() => issuers.extend(chain),
                    _ => reader.fault("secrets.webhook_client_ca_pem", "is no certificate in PEM"),
                }
            }
        }
        Self(issuers)
    }

    /// The dates of a certificate and its chain are the listener's to check.
    fn issued(&self, certificate: &[u8]) -> bool {
        let Ok(leaf) = X509::from_der(certificate) else {
            return false;
        };
        self.0.iter().any(|issuer| {
            let signed = issuer.public_key().and_then(|key| leaf.verify(&key)).unwrap_or(false);
            signed && issuer.issued(&leaf) == X509VerifyResult::OK
        })
    }
}

pub(super) fn verify(efi: &PixEfi, raw: &RawWebhook<'_>) -> Received {
    // It adds this to the address that it was given.
    let path = raw.path_and_query.strip_suffix("/pix").unwrap_or(raw.path_and_query);
    RawWebhook { path_and_query: path, ..*raw }.must_be_posted_to(&efi.notify_url)?;
    let issuers = &efi.webhook_issuers;
    let is_anothers = |certificate| !issuers.0.is_empty() && !issuers.issued(certificate);
    if raw.peer_certificate.is_some_and(is_anothers) {
        return Err(WebhookRefusal::Invalid("another's client certificate"));
    }
    let body = raw.json()?;
    let Some(batch) = body.get("pix").and_then(Json::items) else {
        // What Efí sends when an address is registered.
        return match body.str("evento") {
            Some(_) => Ok(Verified::hints(Vec::new())),
            None => Err(WebhookRefusal::Malformed("no batch of Pix")),
        };
    };
    let events: Option<Vec<Vec<WebhookEvent>>> = batch.iter().map(events).collect();
    let events = events.ok_or(WebhookRefusal::Malformed("a Pix without an end-to-end id"))?;
    let events = events.concat();
    if EVENTS_MAX < events.len() {
        return Err(WebhookRefusal::Malformed("more than one call carries"));
    }
    Ok(Verified::hints(events))
}

/// What came back of a Pix comes in parts, each told under the Pix's own id and status: which ones this
/// notification tells of, in few characters.
fn parts(pix: &Json) -> String {
    let told =
        pix.list("devolucoes").iter().flat_map(|back| [back.str("rtrId"), back.str("status")]);
    let told: Vec<&str> = told.map(Option::unwrap_or_default).collect();
    hex::encode(&sha256(told.join(" ").as_bytes())[..16])
}

/// One entry of the batch: what was received, what was sent, or what was sent back of it.
fn events(pix: &Json) -> Option<Vec<WebhookEvent>> {
    let e2eid = pix.word("endToEndId")?;
    let txid = pix.str("txid");
    // A Pix to our key that pays no charge of ours is known by its end-to-end id alone.
    let is_ours = |txid: &&str| AttemptRef::parse(txid).is_some();
    let received = Some(txid.filter(is_ours).unwrap_or(&e2eid).to_owned());
    let event =
        |kind: &str, subject, reference: Option<&str>, psp_reference, state: &str| WebhookEvent {
            attempt: reference.and_then(AttemptRef::parse),
            psp_reference,
            subject: Some(subject),
            occurred_at: pix.time("horario"),
            ..WebhookEvent::new(format!("{e2eid}:{kind}:{state}"), kind)
        };
    let state = pix.str("status").unwrap_or("recebido");
    let our_id = pix.str("gnExtras/idEnvio");
    if our_id.is_some() || pix.get("tipo").is_some() {
        let came_back = pix.str("tipo").is_some_and(|kind| kind.starts_with("DEVOLUCAO"));
        let kind = if came_back { "devolucao_recebida" } else { "envio" };
        let state = if came_back { format!("{state}:{}", parts(pix)) } else { state.to_owned() };
        return Some(vec![event(kind, Subject::Payout, our_id, Some(e2eid.clone()), &state)]);
    }
    let back = pix.list("devolucoes");
    if back.is_empty() {
        return Some(vec![event("pix", Subject::Deposit, txid, received, state)]);
    }
    let told = back.iter().map(|back| {
        let id = back.str("id").unwrap_or_default();
        let state = format!("{id}:{}", back.str("status").unwrap_or_default());
        if we_returned(back) {
            event("devolucao", Subject::Return, Some(id), back.word("rtrId"), &state)
        } else {
            // None of ours: the scheme took the deposit back, or somebody at Efí did.
            event("devolucao", Subject::Deposit, txid, received.clone(), &state)
        }
    });
    Some(told.collect())
}
