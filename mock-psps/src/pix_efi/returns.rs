//! Received Pix, and what was sent back of them (`devolucao`).

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both};
use super::problem::Problem;
use super::{amount, end_to_end_id, is_id};
use crate::book::{Kind, Movement, Status};
use crate::faults::{Answer, Call};
use crate::psp::Psp;
use crate::scenario;
use crate::server::Connection;
use crate::{clock, ids, money};

/// A Pix that paid a charge.
pub(super) fn pix(m: &Movement, returns: &[Movement]) -> Value {
    let mut pix = json!({
        "endToEndId": m.text("e2eid"),
        "txid": m.text("txid"),
        "chave": m.text("chave"),
        "valor": money::format(m.amount_minor, 2),
        "horario": clock::millis(m.settled_at.unwrap_or(m.changed_at)),
    });
    if let Some(payer) = &m.payer {
        let mut told = json!({ "nome": payer.name, "codigoBanco": "00416968" });
        if let Some(cpf) = &payer.tax_id {
            told["cpf"] = cpf.clone().into();
        }
        pix["gnExtras"] = json!({ "pagador": told });
    }
    let mut back: Vec<Value> = returns.iter().map(devolution).collect();
    if matches!(m.status, Status::ChargedBack | Status::Returned) {
        back.push(taken_back(m));
    }
    if !back.is_empty() {
        pix["devolucoes"] = back.into();
    }
    pix
}

/// What the payer's bank took back, through the scheme's special mechanism where it was fraud.
fn taken_back(m: &Movement) -> Value {
    let nature = if m.status == Status::ChargedBack { "MED_FRAUDE" } else { "ORIGINAL" };
    let back = ids::derived_uuid(&["med", &m.reference]).replace('-', "");
    json!({
        "id": ids::derived_digits(&["med", &m.reference], 12),
        "rtrId": format!("D{}", &back[..31]),
        "valor": money::format(m.amount_minor, 2),
        "natureza": nature,
        "horario": { "solicitacao": clock::millis(m.changed_at) },
        "status": "DEVOLVIDO",
    })
}

/// One return as it is shown.
pub(super) fn devolution(m: &Movement) -> Value {
    let (status, reason) = match m.status {
        Status::Pending => ("EM_PROCESSAMENTO", None),
        Status::Succeeded => ("DEVOLVIDO", None),
        _ => ("NAO_REALIZADO", Some("Saldo insuficiente para realizar a devolução.")),
    };
    let mut view = json!({
        "id": m.text("id"),
        "rtrId": m.reference,
        "valor": money::format(m.amount_minor, 2),
        "natureza": "ORIGINAL",
        "horario": { "solicitacao": clock::millis(m.created_at) },
        "status": status,
    });
    if let Some(reason) = reason {
        view["motivo"] = reason.into();
    }
    view
}

pub(super) fn of_deposit(psp: &Psp, txid: &str) -> Vec<Movement> {
    let movements = psp.book.movements();
    movements.into_iter().filter(|m| m.kind == Kind::Refund && m.text("txid") == txid).collect()
}

fn paid_by(psp: &Psp, e2eid: &str) -> Result<Movement, Problem> {
    let movements = psp.book.movements();
    let found = movements
        .into_iter()
        .find(|m| m.kind == Kind::Deposit && m.settled_at.is_some() && m.text("e2eid") == e2eid);
    let text = "Pix não encontrado para o e2eid informado.";
    found.ok_or_else(|| Problem::missing("PixNaoEncontrado", text))
}

pub(super) async fn received(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(e2eid): Path<String>,
    headers: HeaderMap,
) -> Response {
    api::admitted(both, connection, Call::Query, headers, move |psp, _, _| async move {
        let movement = paid_by(&psp, &e2eid)?;
        let returns = of_deposit(&psp, &movement.reference);
        Ok(Answer::json(StatusCode::OK, &pix(&movement, &returns)))
    })
    .await
}

fn invalid(detail: &str) -> Problem {
    Problem::bank(StatusCode::BAD_REQUEST, "PixDevolucaoInvalida", "Devolução inválida.", detail)
}

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((e2eid, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    api::admitted(both, connection, Call::CreateRefund, headers, move |psp, _, plan| async move {
        let body = api::json_body(&body)?;
        let deposit = paid_by(&psp, &e2eid)?;
        let amount_minor = amount(&body["valor"])
            .filter(|_| is_id(&id, 1, 35))
            .ok_or_else(|| invalid("O campo devolucao.valor não respeita o schema."))?;
        let movement = psp.book.enter(|entry| {
            let earlier: Vec<&Movement> = entry
                .movements()
                .iter()
                .filter(|m| m.kind == Kind::Refund && m.text("txid") == deposit.reference)
                .collect();
            if earlier.iter().any(|m| m.text("id") == id) {
                return Err(invalid("O id já foi utilizado por outra requisição de devolução."));
            }
            let kept = |m: &&&Movement| matches!(m.status, Status::Pending | Status::Succeeded);
            let gone: i64 = earlier.iter().filter(kept).map(|m| m.amount_minor).sum();
            if deposit.status != Status::Succeeded || amount_minor > deposit.amount_minor - gone {
                return Err(invalid("A devolução excederia o valor do pix originário."));
            }
            let movement = draft(&deposit, &e2eid, &id, amount_minor);
            entry.put(movement.clone());
            Ok(movement)
        })?;
        scenario::booked(&psp, &movement, &plan).await;
        Ok(Answer::json(StatusCode::CREATED, &devolution(&movement)))
    })
    .await
}

fn draft(deposit: &Movement, e2eid: &str, id: &str, amount_minor: i64) -> Movement {
    let now = clock::now();
    Movement {
        reference: end_to_end_id('D', now),
        client_reference: ids::client_reference(id),
        kind: Kind::Refund,
        amount_minor,
        currency: deposit.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: deposit.payer.clone(),
        wire: json!({
            "id": id, "txid": deposit.reference, "e2eid": e2eid, "chave": deposit.text("chave"),
            "valor": money::format(deposit.amount_minor, 2),
            "horario": clock::millis(deposit.settled_at.unwrap_or(now)),
        }),
    }
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((e2eid, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    api::admitted(both, connection, Call::Query, headers, move |psp, _, _| async move {
        let deposit = paid_by(&psp, &e2eid)?;
        let returns = of_deposit(&psp, &deposit.reference);
        let found = returns.iter().find(|m| m.text("id") == id);
        let text = "Devolução não encontrada para o e2eid e id informados.";
        let found = found.ok_or_else(|| Problem::missing("PixDevolucaoNaoEncontrada", text))?;
        Ok(Answer::json(StatusCode::OK, &devolution(found)))
    })
    .await
}
