//! Charges: a QR code that is paid once.

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both};
use super::br_code::{BrCode, Target};
use super::problem::Problem;
use super::{PixEfi, amount, cpf_is_valid, is_id, returns};
use crate::book::{Kind, Movement, Payer, Status};
use crate::faults::{Answer, Call, Fault};
use crate::psp::Psp;
use crate::scenario::{self, Completion, Outcome};
use crate::server::Connection;
use crate::{clock, ids, money};

const HOMOLOGATION_CONFIRMS_UP_TO_MINOR: i64 = 10_00;

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(txid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    api::admitted(
        both,
        connection,
        Call::CreateDeposit,
        headers,
        move |psp, efi, plan| async move {
            if plan.is(Fault::DeclineHard) {
                let text = "O documento desta conta tem bloqueios que impedem a emissão";
                return Err(Problem::efi(StatusCode::BAD_REQUEST, "documento_bloqueado", text));
            }
            let movement = draft(&efi, &txid, &api::json_body(&body)?)?;
            psp.book.enter(|entry| {
                match entry.movement(&txid).map(|known| known.status) {
                    None => entry.put(movement.clone()),
                    Some(Status::Pending) => {
                        let text = "Campo txid informado já foi utilizado em outra cobrança";
                        return Err(Problem::efi(StatusCode::CONFLICT, "txid_duplicado", text));
                    }
                    Some(_) => return Err(not_active()),
                }
                Ok(())
            })?;
            let answer = Answer::json(StatusCode::CREATED, &view(&efi, &movement, &[]));
            let confirms = efi.homologation
                && movement.amount_minor <= HOMOLOGATION_CONFIRMS_UP_TO_MINOR
                && plan.fault.is_none();
            if confirms {
                let done = Completion::plain(Outcome::Succeeded);
                drop(scenario::complete(&psp, &txid, &done));
            } else {
                scenario::booked(&psp, &movement, &plan).await;
            }
            Ok(answer)
        },
    )
    .await
}

fn not_active() -> Problem {
    let detail =
        "A cobrança já existe, não está no status ATIVA, e a presente requisição busca alterá-la.";
    Problem::bank(StatusCode::BAD_REQUEST, "CobOperacaoInvalida", "Cobrança inválida.", detail)
}

fn draft(efi: &PixEfi, txid: &str, body: &Value) -> Result<Movement, Problem> {
    if !is_id(txid, 26, 35) {
        return Err(Problem::invalid("Campo txid deve respeitar o padrão ^[a-zA-Z0-9]{26,35}$"));
    }
    let amount_minor = amount(&body["valor"]["original"]).ok_or_else(|| {
        Problem::invalid("Campo valor.original deve ter duas casas decimais e ser maior que zero")
    })?;
    let life_s = match &body["calendario"]["expiracao"] {
        Value::Null => Some(86_400),
        seconds => seconds.as_i64().filter(|seconds| *seconds > 0),
    };
    let life_s = life_s
        .ok_or_else(|| Problem::invalid("Campo calendario.expiracao deve ser maior que zero"))?;
    if body["chave"] != efi.pix_key.as_str() {
        return Err(Problem::foreign_key());
    }
    let debtor = &body["devedor"];
    if !debtor.is_null() {
        let cpf = debtor["cpf"].as_str().unwrap_or_default();
        if !cpf_is_valid(cpf) {
            return Err(Problem::invalid("Documento CPF em devedor.cpf é inválido"));
        }
        if debtor["nome"].as_str().unwrap_or_default().is_empty() {
            return Err(Problem::invalid("Campo devedor.nome é obrigatório"));
        }
    }
    let payer = debtor["nome"].as_str().map(|name| Payer {
        name: name.to_owned(),
        iban: None,
        tax_id: debtor["cpf"].as_str().map(str::to_owned),
    });
    let now = clock::now();
    Ok(Movement {
        reference: txid.to_owned(),
        client_reference: ids::client_reference(txid),
        kind: Kind::Deposit,
        amount_minor,
        currency: efi.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer,
        wire: json!({
            "txid": txid, "original": money::format(amount_minor, 2), "chave": efi.pix_key,
            "expiracao": life_s, "devedor": debtor,
            "solicitacaoPagador": body["solicitacaoPagador"], "e2eid": "",
            "location": format!("{}/qr/v2/{txid}", efi.pages_host),
        }),
    })
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(txid): Path<String>,
    headers: HeaderMap,
) -> Response {
    api::admitted(both, connection, Call::Query, headers, move |psp, efi, _| async move {
        let movement = find(&psp, &txid)?;
        let returns = returns::of_deposit(&psp, &txid);
        Ok(Answer::json(StatusCode::OK, &view(&efi, &movement, &returns)))
    })
    .await
}

/// The only revision that this mock knows: the receiver takes the charge back.
pub(super) async fn revise(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(txid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    api::admitted(both, connection, Call::Other, headers, move |psp, efi, _| async move {
        find(&psp, &txid)?;
        if api::json_body(&body)?["status"] != "REMOVIDA_PELO_USUARIO_RECEBEDOR" {
            return Err(Problem::invalid("Campo status é inválido"));
        }
        let done = Completion::plain(Outcome::Cancelled);
        let (movement, _) = scenario::complete(&psp, &txid, &done).map_err(|_| not_active())?;
        Ok(Answer::json(StatusCode::OK, &view(&efi, &movement, &[])))
    })
    .await
}

pub(super) fn find(psp: &Psp, txid: &str) -> Result<Movement, Problem> {
    let movement = psp.book.find(txid).filter(|movement| movement.kind == Kind::Deposit);
    let text = "Cobrança não encontrada para o txid informado.";
    movement.ok_or_else(|| Problem::missing("CobNaoEncontrado", text))
}

/// A charge as GET shows it; with the Pix that paid it, once it is paid.
fn view(efi: &PixEfi, m: &Movement, returns: &[Movement]) -> Value {
    let status = match m.status {
        Status::Pending => "ATIVA",
        Status::Succeeded | Status::Returned | Status::ChargedBack => "CONCLUIDA",
        Status::Declined | Status::Expired => "REMOVIDA_PELO_PSP",
        Status::Cancelled => "REMOVIDA_PELO_USUARIO_RECEBEDOR",
    };
    let code = BrCode {
        target: Target::Location(m.text("location")),
        name: &efi.merchant_name,
        city: &efi.merchant_city,
        amount: m.text("original"),
        txid: "***",
    };
    let created = clock::millis(m.created_at);
    let number: u64 = ids::derived_digits(&["loc", &m.reference], 9).parse().unwrap_or(1);
    let mut view = json!({
        "calendario": { "criacao": created, "expiracao": m.wire["expiracao"] },
        "txid": m.reference,
        "revisao": 0,
        "loc": {
            "id": number, "txid": m.reference, "location": m.text("location"), "tipoCob": "cob",
            "criacao": created,
        },
        "location": m.text("location"),
        "status": status,
        "valor": { "original": m.text("original") },
        "chave": m.text("chave"),
        "pixCopiaECola": code.text(),
    });
    for name in ["devedor", "solicitacaoPagador"] {
        if !m.wire[name].is_null() {
            view[name] = m.wire[name].clone();
        }
    }
    if status == "CONCLUIDA" {
        view["pix"] = json!([returns::pix(m, returns)]);
    }
    view
}
