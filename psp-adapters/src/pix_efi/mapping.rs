//! Efí's answers in our words.

use crate::br_code::BrCode;
use crate::pix;
use crate::prelude::*;

/// A payment made in the last second of a charge is told a little later.
const EXPIRY_GRACE: time::Duration = time::Duration::minutes(10);

/// The word of a refusal: the last part of a problem's `type`, or Efí's own `nome`.
fn word(body: &Json) -> Option<String> {
    let name = |key| body.str(key).map(str::to_owned);
    name("nome").or_else(|| problem(body)).or_else(|| name("error"))
}

/// Refusals before anything was accepted, from Efí's and the central bank's lists.
/// Every word for "this id was used" may mean that the first use was accepted.
fn refused(response: &HttpResponse) -> Stop {
    const STATUSES: [u16; 6] = [400, 401, 403, 404, 409, 422];
    refused_by_word(response, &STATUSES, word, |status, word| match (status, word) {
        (
            _,
            "id_envio_duplicado"
            | "txid_duplicado"
            | "CobOperacaoInvalida"
            | "PixDevolucaoInvalida",
        ) => Err(Unknown::DuplicateReference),
        (401 | 403, _) => Ok(DeclineClass::Configuration),
        (400, "documento_bloqueado" | "chave_invalida") => Ok(DeclineClass::Configuration),
        (400, "RequisicaoInvalida" | "valor_invalido") => Ok(DeclineClass::Unsupported),
        // The key is somebody else's: no PSP should pay it.
        (400, "chave_nao_pertence_ao_documento") => Ok(DeclineClass::AccountInvalid),
        (404, "NaoEncontrado" | "PixNaoEncontrado") => Ok(DeclineClass::Unsupported),
        (422, "pagamento_negado") => Ok(DeclineClass::Compliance),
        (status, _) => Err(undecided(status)),
    })
}

/// A refused question says nothing about the payment, unless it says that there is none.
fn inquiry_refused(response: &HttpResponse) -> Stop {
    match (response.status, Json::parse(&response.body).as_ref().and_then(word)) {
        (404, Some(_)) => Outcome::NotFound.into(),
        (400, Some(word)) if word.ends_with("_nao_encontrado") => Outcome::NotFound.into(),
        (400, Some(word)) if word.ends_with("_nao_encontrada") => Outcome::NotFound.into(),
        (404, None) => Unknown::Unreadable.into(),
        (status, _) => undecided(status).into(),
    }
}

/// `"37.00"`, always in reais.
fn money(body: &Json, key: &str) -> Result<Money, Unknown> {
    Money::parse(body.need_str(key)?, Currency::BRL).map_err(|_| Unknown::Unreadable)
}

fn id<'a>(body: &'a Json, key: &str) -> Result<&'a str, Unknown> {
    need_id(body, key, path_word)
}

/// The body of a creation's answer, with our id under this name and the amount that was asked for.
fn created(
    response: &HttpResponse,
    (name, ours): (&str, &str),
    amount: &str,
    asked: Money,
) -> Told<Json> {
    let body = good(response, &[200, 201], refused)?;
    let same_id = body.need_str(name)? == ours;
    must_match(money(&body, amount)? == asked && same_id)?;
    Ok(body)
}

/// When a charge can no longer be paid.
fn expiry(body: &Json) -> Option<Timestamp> {
    // A number, by the schema and its examples; by the example of the field itself a text.
    let life = time::Duration::seconds(body.word("calendario/expiracao")?.parse().ok()?);
    body.time("calendario/criacao")?.checked_add(life)
}

/// `{txid, status: "ATIVA", valor, pixCopiaECola, …}`: the payer scans or copies the code.
pub(super) fn charge_created(response: &HttpResponse, deposit: &DepositRequest) -> Told {
    let txid = deposit.attempt.lower();
    let body = created(response, ("txid", &txid), "valor/original", deposit.money)?;
    if body.str("status") != Some("ATIVA") {
        return Err(Unknown::UnlistedCode.into());
    }
    let code = body.need_str("pixCopiaECola")?;
    let asks_for = BrCode::parse(code).ok_or(Unknown::Unreadable)?.amount;
    let same = |text| Money::parse(text, Currency::BRL) == Ok(deposit.money);
    must_match(asks_for.is_none_or(same))?;
    let expires_at = expiry(&body);
    let next = NextAction::QrCode { payload: code.to_owned(), expires_at };
    Ok(Report::new(&*txid, Status::next(next, expires_at)))
}

/// `{idEnvio, e2eId, valor, status}`.
pub(super) fn payout_created(response: &HttpResponse, payout: &PayoutRequest) -> Told {
    let ours = payout.attempt.lower();
    let body = created(response, ("idEnvio", &ours), "valor", payout.money)?;
    first_state(&body, id(&body, "e2eId")?, "REALIZADO")
}

/// `{id, rtrId, valor, status}`.
pub(super) fn return_created(response: &HttpResponse, back: &ReturnRequest) -> Told {
    let ours = back.attempt.lower();
    let body = created(response, ("id", &ours), "valor", back.money)?;
    first_state(&body, id(&body, "rtrId")?, "DEVOLVIDO")
}

fn first_state(body: &Json, reference: &str, done: &str) -> Told {
    let status = match body.need_str("status")? {
        // That it is done already, an inquiry tells with its amount; and that it is not, because it had gone
        // to the scheme and is no refusal of the request.
        "EM_PROCESSAMENTO" | "NAO_REALIZADO" => Status::ACCEPTED,
        status if status == done => Status::ACCEPTED,
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    Ok(Report::new(reference, status))
}

/// A payment that was accepted and did not arrive. It had gone to the scheme, so it is never a licence to
/// pay elsewhere by itself.
fn not_done(body: &Json) -> Status {
    let code = body.word("gnExtras/erro/codigo");
    let account = code.as_deref().is_some_and(|code| code.starts_with("AC"));
    let class = if account { DeclineClass::AccountInvalid } else { DeclineClass::PspFault };
    Status::Declined(decline(class, code.as_deref().unwrap_or("NAO_REALIZADO")))
}

/// The charge was taken back; a payment that was quicker still arrives, and is adopted.
pub(super) fn charge_cancelled(response: &HttpResponse, txid: &String) -> Told {
    match good(response, &[200], inquiry_refused)?.str("status") {
        Some("REMOVIDA_PELO_USUARIO_RECEBEDOR") => Ok(Report::new(&**txid, Status::Cancelled)),
        _ => Err(Unknown::Unreadable.into()),
    }
}

/// The end-to-end id of the Pix that paid a charge, for its return. Without one nothing is sent back.
pub(super) fn paid_by(response: &HttpResponse, txid: &str) -> Option<String> {
    let body = charge_told(response, txid).ok()?;
    match body.list("pix") {
        [pix] => id(pix, "endToEndId").ok().map(str::to_owned),
        _ => None,
    }
}

/// `GET /v2/cob/{txid}`.
fn charge_told(response: &HttpResponse, txid: &str) -> Told<Json> {
    let body = good(response, &[200], inquiry_refused)?;
    must_match(body.str("txid") == Some(txid))?;
    Ok(body)
}

/// The sum of some amounts; none when one cannot be read, or there is none.
fn sum<'a>(items: impl Iterator<Item = &'a Json>) -> Result<Money, Unknown> {
    let mut sum: Option<Money> = None;
    for item in items {
        let money = money(item, "valor")?;
        let told = sum.map_or(Some(money), |sum| sum.checked_add(money));
        sum = Some(told.ok_or(Unknown::Unreadable)?);
    }
    sum.ok_or(Unknown::Unreadable)
}

pub(super) fn charge_state(response: &HttpResponse, (txid, now): &(String, Timestamp)) -> Told {
    let body = charge_told(response, txid)?;
    let status = match body.need_str("status")? {
        // An active charge whose time is over stays active, and can be paid no more.
        "ATIVA" => match expiry(&body) {
            Some(expiry) if expiry + EXPIRY_GRACE < *now => Status::Expired,
            _ => Status::Pending,
        },
        "REMOVIDA_PELO_USUARIO_RECEBEDOR" => Status::Cancelled,
        "REMOVIDA_PELO_PSP" => Status::Expired,
        "CONCLUIDA" => return paid(txid, body.list("pix")),
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    Ok(Report::new(&**txid, status))
}

/// Whether we sent it back ourselves: neither the scheme's special mechanism (`MED_…`) nor somebody by hand.
pub(super) fn we_returned(back: &Json) -> bool {
    let by_scheme = back.str("natureza").is_some_and(|nature| nature.starts_with("MED"));
    !by_scheme && back.attempt("id").is_some()
}

/// What arrived, all of it. What has gone back otherwise than as a return of ours was taken back.
fn paid(txid: &str, arrived: &[Json]) -> Told {
    let back = arrived.iter().flat_map(|pix| pix.list("devolucoes"));
    let back = back.filter(|back| back.str("status") == Some("DEVOLVIDO"));
    let mut taken = back.filter(|back| !we_returned(back)).peekable();
    let status = match taken.peek() {
        Some(_) => Status::Reversed { money: sum(taken)? },
        None => Status::Succeeded { money: sum(arrived.iter())? },
    };
    let payer = arrived.first().and_then(|pix| pix.get("gnExtras/pagador")).map(payer);
    Ok(Report { payer, ..Report::new(txid, status) })
}

/// `{nome, cpf, codigoBanco}`: a CPF that is not masked is a Pix key, too, and the one that Efí compares.
fn payer(told: &Json) -> PayerProof {
    pix::payer(told.word("nome"), told.word("cpf").and_then(|text| pix::cpf(&text)))
}

/// `GET /v2/gn/pix/enviados/…`.
pub(super) fn payout_state(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    let body = good(response, &[200], inquiry_refused)?;
    let (reference, money) = (id(&body, "endToEndId")?, money(&body, "valor")?);
    let asked = match &inquiry.by {
        InquiryBy::PspReference(id) => id == reference,
        _ => true,
    };
    must_match(asked && body.str("idEnvio") == Some(&inquiry.attempt.lower()))?;
    // One that is on its way, or did not succeed, has brought nothing back.
    let back = body.list("devolucoes").iter();
    let mut back = back.filter(|back| back.str("status") == Some("DEVOLVIDO")).peekable();
    let status = match body.need_str("status")? {
        "EM_PROCESSAMENTO" => Status::Pending,
        "REALIZADO" if back.peek().is_none() => Status::Succeeded { money },
        "REALIZADO" => Status::Returned { money: sum(back)? },
        "NAO_REALIZADO" => not_done(&body),
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    Ok(Report::new(reference, status))
}

/// A Pix by its end-to-end id, and whose it is where we sent it. One that came is known by its charge, whose
/// id its notification would have told.
pub(super) fn found(response: &HttpResponse, lookup: &Lookup) -> Told {
    let body = good(response, &[200], inquiry_refused)?;
    let reference = id(&body, "endToEndId")?;
    must_match(reference == lookup.psp_reference)?;
    let attempt = body.attempt("idEnvio");
    Ok(Report { attempt, ..Report::new(reference, Status::Pending) })
}

/// A return among those of the Pix that paid its deposit.
pub(super) fn return_state(response: &HttpResponse, (txid, ours): &(String, String)) -> Told {
    let body = charge_told(response, txid)?;
    let mut told = body.list("pix").iter().flat_map(|pix| pix.list("devolucoes"));
    let back = told.find(|back| back.str("id") == Some(ours)).ok_or(Outcome::NotFound)?;
    let (reference, money) = (id(back, "rtrId")?, money(back, "valor")?);
    let status = match back.need_str("status")? {
        "EM_PROCESSAMENTO" => Status::Pending,
        "DEVOLVIDO" => Status::Succeeded { money },
        "NAO_REALIZADO" => not_done(back),
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    Ok(Report::new(reference, status))
}
