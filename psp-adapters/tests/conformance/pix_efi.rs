//! Efí's side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::stands::Stand;
use crate::stands::pix_efi::{PIX_KEY, PixEfiBr};
use crate::support::pki::{CLIENT, STRANGER};
use crate::support::{attempt, deposit, inquiry, now, payout, portable, psp, refund, response, to};
use psp_adapters::{Psp, WebhookRefusal};
use psp_contract::{
    HttpRequest, HttpResponse, InquiryBy, Money, Operation, Outcome, Status, Subject,
};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

pub struct PixEfiFixture {
    psp: Psp,
}

pub const E2EID: &str = "E09089356202011251226APIff82f2e5";
pub const RTRID: &str = "D12345678202009091000abcde123456";
pub const PATH: &str = "/webhooks/pix-efi-br/pix";

/// A QR code that leads to a charge, closed by the checksum of the central bank's manual.
fn code(amount: &str) -> String {
    let field = |tag: &str, value: &str| format!("{tag}{:02}{value}", value.len());
    let location = "pix.example.com/qr/v2/2353c790eefb1";
    let account = format!("{}{}", field("00", "br.gov.bcb.pix"), field("25", location));
    let body = [
        field("00", "01"),
        field("01", "12"),
        field("26", &account),
        field("52", "0000"),
        field("53", "986"),
        field("54", amount),
        field("58", "BR"),
        field("59", "Interlock Casino"),
        field("60", "SAO PAULO"),
        field("62", &field("05", "***")),
        "6304".to_owned(),
    ]
    .concat();
    let mut crc = 0xFFFF_u16;
    for byte in body.bytes() {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    format!("{body}{crc:04X}")
}

fn charge(amount: &str, status: &str, back: Option<Value>) -> Value {
    let txid = attempt(1).lower();
    let made = now().format(&Rfc3339).unwrap();
    let mut charge = json!({
        "calendario": {"criacao": made, "expiracao": 3600}, "txid": txid, "revisao": 0,
        "loc": {"id": 7, "location": "pix.example.com/qr/v2/x", "tipoCob": "cob"},
        "location": "pix.example.com/qr/v2/x", "status": status,
        "valor": {"original": amount}, "chave": PIX_KEY, "pixCopiaECola": code(amount),
    });
    if status == "CONCLUIDA" {
        let mut pix = json!({"endToEndId": E2EID, "txid": txid, "valor": amount,
            "horario": "2026-11-18T10:00:00.000Z",
            "gnExtras": {"pagador": {"nome": "Erika Mustermann", "cpf": "52998224725"}}});
        if let Some(back) = back {
            pix["devolucoes"] = json!([back]);
        }
        charge["pix"] = json!([pix]);
    }
    charge
}

pub fn returned(id: &str, amount: &str, status: &str, nature: &str) -> Value {
    json!({"id": id, "rtrId": RTRID, "valor": amount, "natureza": nature, "status": status,
        "horario": {"solicitacao": "2026-11-18T10:00:00.000Z"}})
}

impl PixEfiFixture {
    pub fn new() -> Self {
        Self { psp: psp(PixEfiBr.account("https://pix.test")) }
    }

    fn body(act: Act, case: Case) -> Option<Value> {
        let amount = if case == Case::OtherAmount { "10.51" } else { "10.50" };
        let ours = attempt(1).lower();
        let created = matches!(case, Case::Accepted | Case::OtherAmount);
        let state = |done: &'static str| {
            Some(match case {
                Case::Pending => "EM_PROCESSAMENTO",
                Case::Succeeded | Case::OtherAmount => done,
                Case::Failed => "NAO_REALIZADO",
                Case::Unlisted => "DANCANDO",
                _ => return None,
            })
        };
        match act {
            Act::Deposit => created.then(|| charge(amount, "ATIVA", None)),
            Act::PayoutToPixKey => created.then(|| {
                json!({"idEnvio": ours, "e2eId": E2EID, "valor": amount,
                    "horario": {"solicitacao": "2026-11-18T10:00:00.000Z"},
                    "status": "EM_PROCESSAMENTO"})
            }),
            Act::Return => created.then(|| returned(&ours, amount, "EM_PROCESSAMENTO", "ORIGINAL")),
            Act::Cancel => (case == Case::Accepted)
                .then(|| charge(amount, "REMOVIDA_PELO_USUARIO_RECEBEDOR", None)),
            Act::AskDeposit | Act::AskDepositByOurs => Some(match case {
                Case::Pending => charge(amount, "ATIVA", None),
                Case::Succeeded | Case::OtherAmount => charge(amount, "CONCLUIDA", None),
                Case::CameBack => {
                    let back = returned("1", "10.50", "DEVOLVIDO", "MED_FRAUDE");
                    charge("10.50", "CONCLUIDA", Some(back))
                }
                Case::Unlisted => charge(amount, "DANCANDO", None),
                _ => return None,
            }),
            Act::AskPayout | Act::AskPayoutByOurs => {
                let status = if case == Case::CameBack { "REALIZADO" } else { state("REALIZADO")? };
                let mut sent = json!({"endToEndId": E2EID, "idEnvio": ours, "valor": amount,
                    "chave": PIX_KEY, "status": status});
                if case == Case::CameBack {
                    sent["devolucoes"] = sent_back(&[(RTRID, "10.50", "DEVOLVIDO")]);
                }
                Some(sent)
            }
            Act::AskReturn | Act::AskReturnByOurs => {
                if case == Case::NotFound {
                    return Some(charge("10.50", "CONCLUIDA", None));
                }
                let back = returned(&ours, amount, state("DEVOLVIDO")?, "ORIGINAL");
                Some(charge("10.50", "CONCLUIDA", Some(back)))
            }
            _ => None,
        }
    }

    fn efi(status: u16, name: &str) -> HttpResponse {
        response(status, json!({"nome": name, "mensagem": "…"}).to_string())
    }

    fn bank(status: u16, name: &str) -> HttpResponse {
        let kind = format!("https://pix.bcb.gov.br/api/v2/error/{name}");
        let body = json!({"type": kind, "title": "…", "status": status, "detail": "…"});
        response(status, body.to_string())
    }
}

impl Fixture for PixEfiFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn money(&self) -> Money {
        PixEfiBr.money()
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (self.money(), attempt(1));
        let txid = ours.lower();
        let ask = |subject, by| {
            let mut question = inquiry(subject, ours, money, by);
            if let Operation::Inquire(question) = &mut question {
                question.deposit_psp_reference = Some(txid.clone());
            }
            question
        };
        let by = |id: &str| InquiryBy::PspReference(id.to_owned());
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::PayoutToPixKey => payout(ours, money, to(portable("pix_key").0)),
            Act::Return => refund(ours, money, &txid),
            Act::Cancel => Operation::CancelDeposit { attempt: ours, psp_reference: txid },
            Act::AskDeposit => ask(Subject::Deposit, by(&txid)),
            Act::AskPayout => ask(Subject::Payout, by(E2EID)),
            Act::AskReturn => ask(Subject::Return, by(RTRID)),
            Act::AskDepositByOurs => ask(Subject::Deposit, InquiryBy::OurReference),
            Act::AskPayoutByOurs => ask(Subject::Payout, InquiryBy::OurReference),
            Act::AskReturnByOurs => ask(Subject::Return, InquiryBy::OurReference),
            _ => return None,
        })
    }

    fn answer(
        &self,
        act: Act,
        case: Case,
        step: &str,
        request: &HttpRequest,
    ) -> Option<HttpResponse> {
        if step == "token" {
            assert!(request.url.ends_with("/oauth/token"));
            let token = json!({"access_token": "tkn", "expires_in": 3600, "token_type": "Bearer"});
            return Some(response(200, token.to_string()));
        }
        if step == "find_deposit" {
            return Some(response(200, charge("10.50", "CONCLUIDA", None).to_string()));
        }
        let fine = Self::body(act, Case::Accepted).or_else(|| Self::body(act, Case::Succeeded))?;
        if let Some(common) = common_answer(case, fine.to_string().as_bytes()) {
            return Some(common);
        }
        match case {
            Case::Refused if act.asks() => Some(Self::efi(401, "nao_autorizado")),
            Case::Refused => Some(Self::efi(400, "valor_invalido")),
            Case::Duplicate => match act {
                Act::Deposit => Some(Self::bank(400, "CobOperacaoInvalida")),
                Act::Return => Some(Self::bank(400, "PixDevolucaoInvalida")),
                Act::PayoutToPixKey => Some(Self::efi(409, "id_envio_duplicado")),
                _ => None,
            },
            Case::Unlisted if !act.asks() => Some(Self::efi(400, "nunca_visto")),
            Case::NotFound if matches!(act, Act::AskReturn | Act::AskReturnByOurs) => {
                Some(response(200, Self::body(act, case)?.to_string()))
            }
            Case::NotFound if act.asks() => Some(Self::bank(404, "PixEnviadoNaoEncontrado")),
            _ => Self::body(act, case).map(|body| response(200, body.to_string())),
        }
    }

    fn differs(&self, act: Act, case: Case) -> Option<(&'static str, &'static str)> {
        let asks_deposit = matches!(act, Act::AskDeposit | Act::AskDepositByOurs);
        (asks_deposit && case == Case::CameBack)
            .then_some(("reversed", "MED_FRAUDE: the scheme's special mechanism took it back"))
    }

    fn next_action(&self) -> &'static str {
        "qr code"
    }

    fn tells_other_amounts(&self) -> bool {
        true
    }

    fn is_thin(&self) -> bool {
        true
    }

    fn webhook(&self, news: News) -> Option<Call> {
        let ours = attempt(1).lower();
        let sent = |status: &str| {
            json!({"endToEndId": E2EID, "chave": PIX_KEY, "tipo": "SOLICITACAO", "status": status,
                "valor": "10.50", "horario": "2021-03-04T20:39:47.000Z",
                "gnExtras": {"idEnvio": ours}})
        };
        let pix = match news {
            News::DepositSucceeded => json!({"endToEndId": E2EID, "txid": ours, "chave": PIX_KEY,
                "valor": "10.50", "horario": "2020-12-21T13:40:34.000Z"}),
            News::PayoutSucceeded => sent("REALIZADO"),
            News::PayoutFailed => sent("NAO_REALIZADO"),
            News::DepositApproved | News::Payin => return None,
        };
        let body = json!({"pix": [pix]}).to_string().into_bytes();
        let mut call = Call::post(PATH, &[], body, Signed::Nothing);
        call.peer_certificate = Some(CLIENT.certificate.to_der().unwrap());
        Some(call)
    }

    fn foreign_webhook(&self) -> Option<Call> {
        None
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["a client secret", "tkn", "PRIVATE KEY"]
    }
}

pub fn receive(
    call: &Call,
) -> Result<psp_adapters::Verified<psp_adapters::WebhookBatch>, WebhookRefusal> {
    let fixture = PixEfiFixture::new();
    fixture.psp.adapter().verify_webhook(&call.raw(), &fixture.keys())
}

#[test]
fn a_certificate_of_another_issuer_is_turned_away() {
    let mut call = PixEfiFixture::new().webhook(News::DepositSucceeded).unwrap();
    assert!(receive(&call).is_ok());
    call.peer_certificate = Some(STRANGER.certificate.to_der().unwrap());
    assert!(matches!(receive(&call), Err(WebhookRefusal::Invalid(_))));
    call.peer_certificate = Some(b"no certificate".to_vec());
    assert!(matches!(receive(&call), Err(WebhookRefusal::Invalid(_))));
}

#[test]
fn a_batch_names_every_payment_in_it() {
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|number| attempt(number).lower());
    let body = json!({"pix": [
        {"endToEndId": "E1", "txid": first, "valor": "1.00"},
        {"endToEndId": "E2", "tipo": "SOLICITACAO", "status": "REALIZADO", "valor": "1.00",
            "gnExtras": {"idEnvio": second}},
        {"endToEndId": "E3", "txid": first, "valor": "1.00", "devolucoes": [
            returned(&third, "1.00", "DEVOLVIDO", "ORIGINAL"),
            returned("881", "1.00", "DEVOLVIDO", "MED_FRAUDE"),
            returned(&fourth, "1.00", "DEVOLVIDO", "MED_FRAUDE")]},
    ]});
    let call = Call::post(PATH, &[], body.to_string().into_bytes(), Signed::Nothing);
    let events = receive(&call).unwrap().into_inner().events;
    let told: Vec<_> = events.iter().map(|it| (it.subject.unwrap(), it.attempt.unwrap())).collect();
    let expected = [
        (Subject::Deposit, attempt(1)),
        (Subject::Payout, attempt(2)),
        (Subject::Return, attempt(3)),
        (Subject::Deposit, attempt(1)),
        (Subject::Deposit, attempt(1)),
    ];
    assert_eq!(told, expected);
    let ids: std::collections::BTreeSet<_> = events.iter().map(|it| &it.event_id).collect();
    assert_eq!(ids.len(), events.len());
}

#[test]
fn the_call_of_a_registration_is_answered_and_says_nothing() {
    let body = br#"{"evento":"teste_webhook","data_criacao":"2026-11-18"}"#.to_vec();
    let call = Call::post("/webhooks/pix-efi-br", &[], body, Signed::Nothing);
    assert!(receive(&call).unwrap().into_inner().events.is_empty());
}

fn deposit_answered(charge: &Value) -> Outcome {
    let fixture = PixEfiFixture::new();
    let operation = fixture.operation(Act::Deposit).unwrap();
    let driven =
        crate::support::drive(fixture.psp.adapter(), &operation, now(), None, |step, _| {
            let token = json!({"access_token": "tkn", "expires_in": 3600}).to_string();
            Ok(response(200, if step == "token" { token } else { charge.to_string() }))
        });
    driven.outcome
}

#[test]
fn a_qr_code_that_asks_for_something_else_never_reaches_the_payer() {
    let good = charge("10.50", "ATIVA", None);
    assert!(matches!(deposit_answered(&good), Outcome::Reported(_)));
    for (code, why) in [(code("10.51"), "mismatch"), ("0002".to_owned(), "unreadable")] {
        let mut charge = good.clone();
        charge["pixCopiaECola"] = code.into();
        match deposit_answered(&charge) {
            Outcome::Unknown(unknown) => assert_eq!(unknown.code(), why),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_active_charge_whose_time_is_over_has_expired() {
    let fixture = PixEfiFixture::new();
    let operation = fixture.operation(Act::AskDeposit).unwrap();
    for (minutes, expected) in [(60, Status::Pending), (71, Status::Expired)] {
        let later = now() + time::Duration::minutes(minutes);
        let driven = crate::support::drive(
            fixture.psp.adapter(),
            &operation,
            later,
            None,
            |step, request| {
                Ok(fixture.answer(Act::AskDeposit, Case::Pending, step, request).unwrap())
            },
        );
        match driven.outcome {
            Outcome::Reported(report) => assert_eq!(report.status, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_payout_names_the_cpf_of_the_player_and_needs_one() {
    let fixture = PixEfiFixture::new();
    let mut operation = fixture.operation(Act::PayoutToPixKey).unwrap();
    let sent = |operation: &Operation| {
        let driven = crate::support::drive(
            fixture.psp.adapter(),
            operation,
            now(),
            None,
            |step, request| {
                let answer = fixture.answer(Act::PayoutToPixKey, Case::Accepted, step, request);
                Ok(answer.unwrap())
            },
        );
        driven.requests.last().map(|(_, request)| request.body.clone())
    };
    let body: Value = serde_json::from_slice(&sent(&operation).unwrap()).unwrap();
    assert_eq!(body["favorecido"], json!({"chave": "52998224725", "cpf": "52998224725"}));
    if let Operation::CreatePayout(payout) = &mut operation {
        payout.payer.national_id = None;
    }
    assert_eq!(sent(&operation), None);
}

/// What has come back of a payout: each part with its id, amount and status.
pub fn sent_back(parts: &[(&str, &str, &str)]) -> Value {
    let part = |(id, amount, status): &(&str, &str, &str)| {
        json!({"rtrId": id, "valor": amount, "status": status,
            "horario": {"solicitacao": "2026-11-18T10:00:00.000Z"}})
    };
    parts.iter().map(part).collect()
}
