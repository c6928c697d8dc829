//! Sending: Efí's own extension. A `cpf` beside the favoured key makes Efí check whose key it is.

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both};
use super::problem::Problem;
use super::{OWNERS, PixEfi, amount, cpf_is_valid, end_to_end_id, is_id, masked_cpf};
use crate::book::{Entry, Kind, Movement, Payer, Status};
use crate::faults::{Answer, Call, Fault, Plan};
use crate::psp::Psp;
use crate::scenario::{self, Completion, Outcome};
use crate::server::Connection;
use crate::{clock, ids, money, pix_keys};

const HOMOLOGATION_CONFIRMS_UP_TO_MINOR: i64 = 10_00;
const HOMOLOGATION_REFUSES_ABOVE_MINOR: i64 = 20_00;

fn denied() -> Problem {
    let text = "Pagamento negado por análises";
    Problem::efi(StatusCode::UNPROCESSABLE_ENTITY, "pagamento_negado", text)
}

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    api::admitted(both, connection, Call::CreatePayout, headers, move |psp, efi, plan| async move {
        let movement = draft(&efi, &id, &api::json_body(&body)?)?;
        let refused = efi.homologation && HOMOLOGATION_REFUSES_ABOVE_MINOR < movement.amount_minor;
        if refused || plan.is(Fault::DeclineHard) {
            return Err(denied());
        }
        psp.book.enter(|entry| {
            let taken = |m: &Movement| m.kind == Kind::Payout && m.text("idEnvio") == id;
            if entry.movements().iter().any(taken) {
                let text = "O id de envio informado já foi utilizado em outro pagamento";
                return Err(Problem::efi(StatusCode::CONFLICT, "id_envio_duplicado", text));
            }
            check_owner(entry, &movement)?;
            entry.put(movement.clone());
            Ok(())
        })?;
        set_off(&psp, &efi, &movement, &plan).await;
        // As it stands by now: the scheme may have been quicker than the answer.
        let movement = psp.book.find(&movement.reference).unwrap_or(movement);
        let view = json!({
            "idEnvio": id,
            "e2eId": movement.reference,
            "valor": money::format(movement.amount_minor, 2),
            "horario": { "solicitacao": clock::millis(movement.created_at) },
            "status": status(&movement),
        });
        Ok(Answer::json(StatusCode::CREATED, &view))
    })
    .await
}

async fn set_off(psp: &std::sync::Arc<Psp>, efi: &PixEfi, movement: &Movement, plan: &Plan) {
    if !efi.homologation || plan.fault.is_some() {
        return scenario::booked(psp, movement, plan).await;
    }
    let outcome = if movement.amount_minor <= HOMOLOGATION_CONFIRMS_UP_TO_MINOR {
        Outcome::Succeeded
    } else {
        Outcome::Declined
    };
    drop(scenario::complete(psp, &movement.reference, &Completion::plain(outcome)));
}

/// A key that is a CPF is its own; any other belongs to whom it was first paid as.
fn check_owner(entry: &mut Entry<'_>, movement: &Movement) -> Result<(), Problem> {
    let (key, cpf) = (movement.text("favorecido"), movement.text("cpf"));
    let known = entry.fact(OWNERS, key).and_then(Value::as_str).map(str::to_owned);
    let owner = if cpf_is_valid(key) { Some(key.to_owned()) } else { known };
    match owner {
        _ if cpf.is_empty() => Ok(()),
        None => {
            entry.put_fact(OWNERS, key, cpf.into());
            Ok(())
        }
        Some(owner) if owner == cpf => Ok(()),
        Some(_) => {
            let text = "O cpf do favorecido é diferente do documento em posse da chave";
            Err(Problem::efi(StatusCode::BAD_REQUEST, "chave_nao_pertence_ao_documento", text))
        }
    }
}

fn draft(efi: &PixEfi, id: &str, body: &Value) -> Result<Movement, Problem> {
    if !is_id(id, 1, 35) {
        return Err(Problem::invalid("Campo idEnvio deve respeitar o padrão ^[a-zA-Z0-9]{1,35}$"));
    }
    let amount_minor = amount(&body["valor"])
        .ok_or_else(|| Problem::invalid("Campo valor deve ser maior que zero"))?;
    if body["pagador"]["chave"] != efi.pix_key.as_str() {
        return Err(Problem::foreign_key());
    }
    let favoured = &body["favorecido"];
    let key = favoured["chave"].as_str().filter(|key| pix_keys::kind(key).is_some());
    let key = key.ok_or_else(|| Problem::invalid("Campo favorecido.chave é inválido"))?;
    let cpf = favoured["cpf"].as_str().unwrap_or_default();
    if !cpf.is_empty() && !cpf_is_valid(cpf) {
        return Err(Problem::invalid("Documento CPF em favorecido.cpf é inválido"));
    }
    let now = clock::now();
    Ok(Movement {
        reference: end_to_end_id('E', now),
        client_reference: ids::client_reference(id),
        kind: Kind::Payout,
        amount_minor,
        currency: efi.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: Some(Payer {
            name: "Favorecido".to_owned(),
            iban: None,
            tax_id: (!cpf.is_empty()).then(|| cpf.to_owned()),
        }),
        wire: json!({
            "idEnvio": id, "chave": efi.pix_key, "favorecido": key, "cpf": cpf,
            "infoPagador": body["pagador"]["infoPagador"],
        }),
    })
}

fn missing() -> Problem {
    Problem::missing("PixEnviadoNaoEncontrado", "Pix enviado não encontrado.")
}

pub(super) async fn read_by_our_id(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    api::admitted(both, connection, Call::Query, headers, move |psp, _, _| async move {
        let movements = psp.book.movements();
        let ours = |m: &&Movement| m.kind == Kind::Payout && m.text("idEnvio") == id;
        let found = movements.iter().find(ours).ok_or_else(missing)?;
        Ok(Answer::json(StatusCode::OK, &view(found)))
    })
    .await
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(e2eid): Path<String>,
    headers: HeaderMap,
) -> Response {
    api::admitted(both, connection, Call::Query, headers, move |psp, _, _| async move {
        let found = psp.book.find(&e2eid).filter(|m| m.kind == Kind::Payout);
        Ok(Answer::json(StatusCode::OK, &view(&found.ok_or_else(missing)?)))
    })
    .await
}

pub(super) fn status(m: &Movement) -> &'static str {
    match m.status {
        Status::Pending => "EM_PROCESSAMENTO",
        Status::Succeeded | Status::Returned | Status::ChargedBack => "REALIZADO",
        Status::Declined | Status::Expired | Status::Cancelled => "NAO_REALIZADO",
    }
}

/// What came back of a payment that had arrived.
pub(super) fn came_back(m: &Movement) -> Option<Value> {
    (m.status == Status::Returned).then(|| {
        let id = ids::derived_uuid(&["back", &m.reference]).replace('-', "");
        json!([{
            "rtrId": format!("D{}", &id[..31]),
            "valor": money::format(m.amount_minor, 2),
            "horario": { "solicitacao": clock::millis(m.changed_at) },
            "status": "DEVOLVIDO",
        }])
    })
}

fn view(m: &Movement) -> Value {
    let mut times = json!({ "solicitacao": clock::millis(m.created_at) });
    if let Some(settled_at) = m.settled_at {
        times["liquidacao"] = clock::millis(settled_at).into();
    }
    let mut view = json!({
        "endToEndId": m.reference,
        "idEnvio": m.text("idEnvio"),
        "valor": money::format(m.amount_minor, 2),
        "chave": m.text("chave"),
        "status": status(m),
        "horario": times,
        "favorecido": {
            "chave": m.text("favorecido"),
            "identificacao": { "nome": "Favorecido", "cpf": masked_cpf(m.text("cpf")) },
        },
    });
    if !m.wire["infoPagador"].is_null() {
        view["infoPagador"] = m.wire["infoPagador"].clone();
    }
    if let Some(back) = came_back(m) {
        view["devolucoes"] = back;
    }
    view
}
