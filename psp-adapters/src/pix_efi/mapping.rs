//! Efí's answers in our words.

use super::wire::{cpf, path_id};
use crate::br_code::BrCode;
use crate::json::Json;
use psp_contract::{
    Currency, Decline, DeclineClass, DepositRequest, HttpResponse, Inquiry, InquiryBy, Money,
    NextAction, Outcome, PayerProof, Portable, Report, Status, Timestamp, Unknown,
};
use time::format_description::well_known::Rfc3339;

/// A payment made in the last second of a charge is told a little later.
const EXPIRY_GRACE: time::Duration = time::Duration::minutes(10);

fn reported(psp_reference: &str, status: Status, payer: Option<PayerProof>) -> Outcome {
    let psp_reference = Some(psp_reference.to_owned());
    Outcome::Reported(Report { psp_reference, status, payer, attempt: None })
}

const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };

/// The word of a refusal: the last part of a problem's `type`, or Efí's own `nome`.
fn word(response: &HttpResponse) -> Option<String> {
    let body = Json::parse(&response.body)?;
    let kind = body.str("nome").or_else(|| body.str("type")).or_else(|| body.str("error"))?;
    Some(kind.rsplit(['#', '/']).next().unwrap_or(kind).to_owned())
}

/// Refusals before anything was accepted, from Efí's and the central bank's lists (`reference/psps.md`
/// §3.6). None for everything else.
fn definite(status: u16, word: &str) -> Option<Decline> {
    let (class, retry_elsewhere) = match (status, word) {
        (401 | 403, _) => (DeclineClass::Configuration, true),
        (400, "documento_bloqueado" | "chave_invalida") => (DeclineClass::Configuration, true),
        (400, "RequisicaoInvalida" | "valor_invalido") => (DeclineClass::Unsupported, true),
        // The key is somebody else's: no PSP should pay it.
        (400, "chave_nao_pertence_ao_documento") => (DeclineClass::AccountInvalid, false),
        (404, "NaoEncontrado" | "PixNaoEncontrado") => (DeclineClass::Unsupported, true),
        (422, "pagamento_negado") => (DeclineClass::Compliance, false),
        _ => return None,
    };
    Some(Decline { class, code: word.to_owned(), retry_elsewhere, irreversible: false })
}

/// Statuses that say nothing definite.
const fn undecided(status: u16) -> Unknown {
    match status {
        409 => Unknown::PspUndecided,
        423 | 429 => Unknown::Throttled,
        500..=599 => Unknown::ServerError,
        _ => Unknown::UnlistedCode,
    }
}

/// A request that could move money was refused. Every word for "this id was used" may mean that the first
/// use was accepted.
fn refused(response: &HttpResponse) -> Outcome {
    let status = response.status;
    if !matches!(status, 400 | 401 | 403 | 404 | 409 | 422) {
        return Outcome::Unknown(undecided(status));
    }
    let Some(word) = word(response) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    Outcome::Unknown(match word.as_str() {
        "id_envio_duplicado"
        | "txid_duplicado"
        | "CobOperacaoInvalida"
        | "PixDevolucaoInvalida" => Unknown::DuplicateReference,
        word => match definite(status, word) {
            Some(decline) => {
                let status = Status::Declined(decline);
                return Outcome::Reported(Report {
                    psp_reference: None,
                    status,
                    payer: None,
                    attempt: None,
                });
            }
            None => undecided(status),
        },
    })
}

/// A refused question says nothing about the payment, unless it says that there is none.
fn inquiry_refused(response: &HttpResponse) -> Outcome {
    match (response.status, word(response)) {
        (404, Some(_)) => Outcome::NotFound,
        (400, Some(word)) if word.ends_with("_nao_encontrado") => Outcome::NotFound,
        (400, Some(word)) if word.ends_with("_nao_encontrada") => Outcome::NotFound,
        (404, None) => Outcome::Unknown(Unknown::Unreadable),
        (status, _) => Outcome::Unknown(undecided(status)),
    }
}

/// `"37.00"`, always in reais.
fn money(body: &Json, key: &str) -> Option<Money> {
    Money::parse(body.str(key)?, Currency::BRL).ok()
}

/// The body of a creation's answer. Where it repeats the amount it must be what was asked for.
fn created(
    response: &HttpResponse,
    id: (&str, &str),
    told: impl FnOnce(&Json) -> Option<Money>,
    asked: Money,
) -> Result<Json, Box<Outcome>> {
    let unknown = |why| Box::new(Outcome::Unknown(why));
    if !matches!(response.status, 200 | 201) {
        return Err(Box::new(refused(response)));
    }
    let body = Json::parse(&response.body).ok_or_else(|| unknown(Unknown::Unreadable))?;
    match (body.str(id.0), told(&body)) {
        (Some(name), Some(told)) if name == id.1 && told == asked => Ok(body),
        (Some(_), Some(_)) => Err(unknown(Unknown::Mismatch)),
        _ => Err(unknown(Unknown::Unreadable)),
    }
}

fn original(body: &Json) -> Option<Money> {
    money(body.get("valor")?, "original")
}

/// When a charge can no longer be paid.
fn expiry(body: &Json) -> Option<Timestamp> {
    let calendar = body.get("calendario")?;
    let made = Timestamp::parse(calendar.str("criacao")?, &Rfc3339).ok()?;
    made.checked_add(time::Duration::seconds(calendar.int("expiracao")?))
}

/// `{txid, status: "ATIVA", valor, pixCopiaECola, …}`: the payer scans or copies the code.
pub(super) fn charge_created(response: &HttpResponse, deposit: &DepositRequest) -> Outcome {
    let txid = deposit.attempt.lower();
    let body = match created(response, ("txid", &txid), original, deposit.money) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    if body.str("status") != Some("ATIVA") {
        return Outcome::Unknown(Unknown::UnlistedCode);
    }
    let code = body.str("pixCopiaECola").unwrap_or_default();
    let Some(read) = BrCode::parse(code) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let asks_for = read.amount.map(|text| Money::parse(text, Currency::BRL).ok());
    if asks_for.is_some_and(|amount| amount != Some(deposit.money)) {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    let expires_at = expiry(&body);
    let next_action = Some(NextAction::QrCode { payload: code.to_owned(), expires_at });
    reported(&txid, Status::Accepted { next_action, expires_at }, None)
}

/// `{idEnvio, e2eId, valor, status}`.
pub(super) fn payout_created(response: &HttpResponse, id: &str, asked: Money) -> Outcome {
    match created(response, ("idEnvio", id), |body| money(body, "valor"), asked) {
        Ok(body) => outgoing_created(&body, "e2eId", "REALIZADO"),
        Err(outcome) => *outcome,
    }
}

/// `{id, rtrId, valor, status}`.
pub(super) fn return_created(response: &HttpResponse, id: &str, asked: Money) -> Outcome {
    match created(response, ("id", id), |body| money(body, "valor"), asked) {
        Ok(body) => outgoing_created(&body, "rtrId", "DEVOLVIDO"),
        Err(outcome) => *outcome,
    }
}

fn outgoing_created(body: &Json, reference: &str, done: &str) -> Outcome {
    let Some(reference) = body.str(reference).and_then(path_id) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    match body.str("status") {
        // That it is done already, an inquiry tells with its amount.
        Some(status) if status == "EM_PROCESSAMENTO" || status == done => {
            reported(reference, ACCEPTED, None)
        }
        Some("NAO_REALIZADO") => reported(reference, Status::Declined(not_done(body)), None),
        Some(_) => Outcome::Unknown(Unknown::UnlistedCode),
        None => Outcome::Unknown(Unknown::Unreadable),
    }
}

/// A payment that was accepted and did not arrive. It had gone to the scheme, so it is never a licence to
/// pay elsewhere by itself.
fn not_done(body: &Json) -> Decline {
    let code = body.get("gnExtras").and_then(|extras| extras.get("erro")?.word("codigo"));
    let account = code.as_deref().is_some_and(|code| code.starts_with("AC"));
    let class = if account { DeclineClass::AccountInvalid } else { DeclineClass::PspFault };
    Decline {
        class,
        code: code.unwrap_or_else(|| "NAO_REALIZADO".to_owned()),
        retry_elsewhere: !account,
        irreversible: false,
    }
}

/// The charge was taken back; a payment that was quicker still arrives, and is adopted.
pub(super) fn charge_cancelled(response: &HttpResponse, txid: &str) -> Outcome {
    let body = Json::parse(&response.body);
    let status = body.as_ref().and_then(|body| body.str("status"));
    match (response.status, status) {
        (200, Some("REMOVIDA_PELO_USUARIO_RECEBEDOR")) => reported(txid, Status::Cancelled, None),
        (200, _) => Outcome::Unknown(Unknown::Unreadable),
        _ => inquiry_refused(response),
    }
}

/// The end-to-end id of the Pix that paid a charge, for its return. Without one nothing is sent back.
pub(super) fn paid_by(response: &HttpResponse, txid: &str) -> Option<String> {
    let body = Json::parse(&response.body).filter(|_| response.status == 200);
    let body = body.filter(|body| body.str("txid") == Some(txid));
    let e2eid = body.as_ref().and_then(|body| {
        let [pix] = body.get("pix")?.items()? else { return None };
        path_id(pix.str("endToEndId")?)
    });
    e2eid.map(str::to_owned)
}

fn read(response: &HttpResponse, txid: &str) -> Result<Json, Box<Outcome>> {
    let unknown = |why| Box::new(Outcome::Unknown(why));
    if response.status != 200 {
        return Err(Box::new(inquiry_refused(response)));
    }
    let body = Json::parse(&response.body).ok_or_else(|| unknown(Unknown::Unreadable))?;
    if body.str("txid") == Some(txid) { Ok(body) } else { Err(unknown(Unknown::Mismatch)) }
}

/// The sum of some amounts; none when one cannot be read, or there is none.
fn sum<'a>(items: impl Iterator<Item = &'a Json>) -> Option<Money> {
    let mut minor: Option<i64> = None;
    for item in items {
        minor = Some(minor.unwrap_or(0).checked_add(money(item, "valor")?.minor)?);
    }
    minor.map(|minor| Money::new(minor, Currency::BRL))
}

/// `GET /v2/cob/{txid}`.
pub(super) fn charge_state(response: &HttpResponse, txid: &str, now: Timestamp) -> Outcome {
    let body = match read(response, txid) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let status = match body.str("status") {
        // An active charge whose time is over stays active, and can be paid no more.
        Some("ATIVA") => match expiry(&body) {
            Some(expiry) if expiry + EXPIRY_GRACE < now => Status::Expired,
            _ => Status::Pending,
        },
        Some("REMOVIDA_PELO_USUARIO_RECEBEDOR") => Status::Cancelled,
        Some("REMOVIDA_PELO_PSP") => Status::Expired,
        Some("CONCLUIDA") => {
            let arrived = body.get("pix").and_then(Json::items).unwrap_or_default();
            return paid(txid, arrived);
        }
        Some(_) => return Outcome::Unknown(Unknown::UnlistedCode),
        None => return Outcome::Unknown(Unknown::Unreadable),
    };
    reported(txid, status, None)
}

/// What arrived, all of it. What the scheme's special mechanism took back (`MED_…`) is no return of ours.
fn paid(txid: &str, arrived: &[Json]) -> Outcome {
    let taken = arrived
        .iter()
        .flat_map(|pix| pix.get("devolucoes").and_then(Json::items).unwrap_or_default())
        .filter(|back| back.str("natureza").is_some_and(|nature| nature.starts_with("MED")))
        .filter(|back| back.str("status") == Some("DEVOLVIDO"));
    let mut taken = taken.peekable();
    let reversed = taken.peek().is_some();
    let amount = if reversed { sum(taken) } else { sum(arrived.iter()) };
    let Some(money) = amount else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let status = if reversed { Status::Reversed { money } } else { Status::Succeeded { money } };
    let payer = arrived.first().and_then(|pix| pix.get("gnExtras")?.get("pagador")).map(payer);
    reported(txid, status, payer)
}

/// `{nome, cpf, codigoBanco}`: a CPF that is not masked is a Pix key, too, and the one that Efí compares.
fn payer(told: &Json) -> PayerProof {
    let tax_id = told.word("cpf").and_then(|text| cpf(&text));
    let masked = tax_id
        .as_ref()
        .and_then(|cpf| Some(format!("***.{}.{}-**", cpf.get(3..6)?, cpf.get(6..9)?)));
    PayerProof {
        holder_name: told.word("nome"),
        portable: tax_id.clone().map(|key| Portable::PixKey { key }),
        tax_id,
        token: None,
        masked,
    }
}

/// `GET /v2/gn/pix/enviados/…`.
pub(super) fn payout_state(response: &HttpResponse, inquiry: &Inquiry) -> Outcome {
    if response.status != 200 {
        return inquiry_refused(response);
    }
    let Some(body) = Json::parse(&response.body) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let (Some(reference), Some(money)) =
        (body.str("endToEndId").and_then(path_id), money(&body, "valor"))
    else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let asked = match &inquiry.by {
        InquiryBy::PspReference(id) => id == reference,
        _ => true,
    };
    if !asked || body.str("idEnvio") != Some(&inquiry.attempt.lower()) {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    let back = body.get("devolucoes").and_then(Json::items).unwrap_or_default();
    let status = match body.str("status") {
        Some("EM_PROCESSAMENTO") => Status::Pending,
        Some("REALIZADO") if back.is_empty() => Status::Succeeded { money },
        Some("REALIZADO") => match sum(back.iter()) {
            Some(money) => Status::Returned { money },
            None => return Outcome::Unknown(Unknown::Unreadable),
        },
        Some("NAO_REALIZADO") => Status::Declined(not_done(&body)),
        Some(_) => return Outcome::Unknown(Unknown::UnlistedCode),
        None => return Outcome::Unknown(Unknown::Unreadable),
    };
    reported(reference, status, None)
}

/// A return among those of the Pix that paid its deposit.
pub(super) fn return_state(response: &HttpResponse, txid: &str, inquiry: &Inquiry) -> Outcome {
    let body = match read(response, txid) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let id = inquiry.attempt.lower();
    let arrived = body.get("pix").and_then(Json::items).unwrap_or_default();
    let found = arrived
        .iter()
        .flat_map(|pix| pix.get("devolucoes").and_then(Json::items).unwrap_or_default())
        .find(|back| back.str("id") == Some(&id));
    let Some(back) = found else {
        return Outcome::NotFound;
    };
    let (Some(reference), Some(money)) =
        (back.str("rtrId").and_then(path_id), money(back, "valor"))
    else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let status = match back.str("status") {
        Some("EM_PROCESSAMENTO") => Status::Pending,
        Some("DEVOLVIDO") => Status::Succeeded { money },
        Some("NAO_REALIZADO") => Status::Declined(not_done(back)),
        Some(_) => return Outcome::Unknown(Unknown::UnlistedCode),
        None => return Outcome::Unknown(Unknown::Unreadable),
    };
    reported(reference, status, None)
}
