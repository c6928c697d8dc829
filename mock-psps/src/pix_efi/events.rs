//! Notifications: batches at `{url}/pix`, and where they are registered.
//!
//! Nothing in them is signed. A forged one comes from somebody without Efí's certificate and tells of a
//! payment under another end-to-end id.

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both};
use super::problem::Problem;
use super::{PixEfi, returns, sends};
use crate::book::{Kind, Movement, Status};
use crate::faults::{Answer, Call};
use crate::psp::{Notice, Outgoing, Step, Twist};
use crate::server::Connection;
use crate::{clock, ids, money};

pub(super) fn notices(efi: &PixEfi, m: &Movement, step: Step) -> Vec<Notice> {
    let told = match (m.kind, step.to) {
        (_, Status::Pending) => None,
        (Kind::Deposit, Status::Succeeded) => Some(("pix", returns::pix(m, &[]))),
        (Kind::Deposit, Status::Returned | Status::ChargedBack) => {
            Some(("devolucao", returns::pix(m, &[])))
        }
        // A charge that ends unpaid is not announced.
        (Kind::Deposit, _) => None,
        (Kind::Payout, Status::Returned | Status::ChargedBack) => {
            let mut sent = sent(m, "DEVOLUCAO_RECEBIDA");
            sent["devolucoes"] = sends::came_back(m).unwrap_or_default();
            Some(("devolucao_recebida", sent))
        }
        (Kind::Payout, _) => Some(("envio", sent(m, "SOLICITACAO"))),
        (Kind::Refund, _) => Some(("devolucao", refunded(m))),
    };
    told.map(|(event, pix)| notice(efi, m, event, &pix)).into_iter().collect()
}

pub(super) fn present(efi: &PixEfi, m: &Movement) -> Option<Notice> {
    let from = match m.status {
        Status::Returned | Status::ChargedBack => Status::Succeeded,
        _ => Status::Pending,
    };
    notices(efi, m, Step { from, to: m.status }).pop()
}

fn notice(efi: &PixEfi, m: &Movement, event: &'static str, pix: &Value) -> Notice {
    // Derived, so that it is the same after a restart.
    let at = clock::trustly(m.changed_at);
    Notice {
        reference: m.reference.clone(),
        event: event.into(),
        id: ids::derived_uuid(&["event", &m.reference, event, &at]),
        url: format!("{}/pix", efi.webhook_url().trim_end_matches('/')),
        data: json!({ "pix": [pix] }),
    }
}

fn sent(m: &Movement, kind: &str) -> Value {
    let status = sends::status(m);
    let mut extras = json!({ "idEnvio": m.text("idEnvio") });
    if status == "NAO_REALIZADO" {
        extras["erro"] = json!({
            "codigo": "AC03", "origem": "PSP do usuário recebedor",
            "motivo": "Número da agência e/ou conta transacional do usuário recebedor inexistente ou inválido",
        });
    }
    json!({
        "endToEndId": m.reference,
        "chave": m.text("chave"),
        "tipo": kind,
        "status": status,
        "valor": money::format(m.amount_minor, 2),
        "horario": m.settled_at.map(clock::millis),
        "gnExtras": extras,
    })
}

fn refunded(m: &Movement) -> Value {
    json!({
        "endToEndId": m.text("e2eid"),
        "txid": m.text("txid"),
        "chave": m.text("chave"),
        "valor": m.text("valor"),
        "horario": m.text("horario"),
        "devolucoes": [returns::devolution(m)],
    })
}

/// The currency of Pix is not on its wire, and neither is a time of sending.
pub(super) fn outgoing(notice: &Notice, twist: &Twist) -> Outgoing {
    let mut data = notice.data.clone();
    let pix = &mut data["pix"][0];
    if twist.wrong_amount {
        let minor = pix["valor"].as_str().and_then(|text| money::parse(text, 2)).unwrap_or(0);
        pix["valor"] = money::format(minor.saturating_add(10_000), 2).into();
    }
    if twist.bad_signature {
        pix["endToEndId"] = format!("E{}", &ids::uuid().replace('-', "")[..31]).into();
    }
    Outgoing {
        url: notice.url.clone(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: data.to_string(),
    }
}

/// `PUT /v2/webhook/{chave}`: the address is called without the certificate first, and must refuse.
pub(super) async fn register(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let skips = headers.get("x-skip-mtls-checking").is_some_and(|value| value == "true");
    api::admitted(both, connection, Call::Other, headers, move |psp, efi, _| async move {
        let body = api::json_body(&body)?;
        let url = body["webhookUrl"].as_str().unwrap_or_default();
        if key != efi.pix_key {
            return Err(Problem::foreign_key());
        }
        if !url.starts_with("https://") {
            let text = "A URL do webhook deve usar o protocolo HTTPS";
            return Err(Problem::invalid(text));
        }
        if !skips && !psp.courier.is_guarded(url).await {
            let text = "A autenticação de TLS mútuo não está configurada na URL informada";
            return Err(Problem::efi(StatusCode::BAD_REQUEST, "webhook_invalido", text));
        }
        efi.notify_at(&psp, url);
        Ok(Answer::json(StatusCode::CREATED, &json!({ "webhookUrl": url })))
    })
    .await
}

pub(super) async fn registered(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    api::admitted(both, connection, Call::Query, headers, move |_, efi, _| async move {
        let url = efi.webhook_url();
        if key != efi.pix_key || url.is_empty() {
            let text = "Webhook não encontrado para a chave informada.";
            return Err(Problem::missing("WebhookNaoEncontrado", text));
        }
        let view =
            json!({ "webhookUrl": url, "chave": key, "criacao": clock::millis(clock::now()) });
        Ok(Answer::json(StatusCode::OK, &view))
    })
    .await
}

pub(super) async fn unregister(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    api::admitted(both, connection, Call::Other, headers, move |psp, efi, _| async move {
        if key != efi.pix_key {
            return Err(Problem::denied());
        }
        efi.notify_at(&psp, "");
        Ok(Answer {
            status: StatusCode::NO_CONTENT,
            content_type: "application/json",
            body: String::new(),
        })
    })
    .await
}
