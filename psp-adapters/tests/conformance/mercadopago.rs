//! Mercado Pago's side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::stands::Stand;
use crate::stands::mercadopago::{ACCESS_TOKEN, MercadoPagoBr, PAYOUT_KEY, WEBHOOK_SECRET};
use crate::support::{
    attempt, deposit, drive, inquiry, lookup, now, payout, portable, psp, refund, response, to,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::{Signer, Verifier};
use psp_adapters::{Psp, WebhookEvent, WebhookRefusal};
use psp_contract::{
    HttpRequest, HttpResponse, InquiryBy, Money, Operation, Outcome, Status, Subject, Unknown,
};
use serde_json::{Value, json};

pub struct MercadoPagoFixture {
    psp: Psp,
}

const PAYMENT: &str = "20359978123";
const PAYOUT: &str = "1108917506-01GGTH198RP0K71H133EK9BJAT";

impl MercadoPagoFixture {
    pub fn new() -> Self {
        Self { psp: psp(MercadoPagoBr.account("https://mercadopago.test")) }
    }

    fn payment(act: Act, case: Case) -> Option<Value> {
        let (status, detail) = match case {
            Case::Accepted => ("pending", "pending_waiting_transfer"),
            Case::OtherAmount if !act.asks() => ("pending", "pending_waiting_transfer"),
            Case::Pending if act.asks() => ("in_process", "pending_review_manual"),
            Case::Succeeded | Case::OtherAmount if act.asks() => ("approved", "accredited"),
            Case::Failed => ("rejected", "rejected_by_bank"),
            Case::CameBack if act.asks() => ("refunded", "refunded"),
            Case::Unlisted if act.asks() => ("dancing", "x"),
            _ => return None,
        };
        // The sheet's trap: an amount is a number, and `10.50` is written `10.5`.
        let amount = if case == Case::OtherAmount { json!(10.51) } else { json!(10.5) };
        Some(json!({"id": 20_359_978_123_i64, "status": status, "status_detail": detail,
            "transaction_amount": amount, "currency_id": "BRL",
            "external_reference": attempt(1).lower(), "payment_method_id": "pix",
            "point_of_interaction": {"type": "OPENPLATFORM", "transaction_data": {
                "qr_code": "00020126580014br.gov.bcb.pix", "bank_info": {"payer": {
                    "account_holder_name": "Erika Mustermann",
                    "identification": {"type": "CPF", "number": "52998224725"}}}}}}))
    }

    fn payout(act: Act, case: Case) -> Option<Value> {
        let (status, detail) = match case {
            Case::Accepted => ("new", ""),
            Case::OtherAmount if !act.asks() => ("new", ""),
            Case::Pending => ("in_process", "pending_bank"),
            Case::Succeeded | Case::OtherAmount => ("processed", "approved"),
            Case::Failed => ("rejected", "insufficient_funds"),
            Case::CameBack => ("refunded", "refunded"),
            Case::Unlisted if act.asks() => ("dancing", ""),
            _ => return None,
        };
        let case = if case == Case::Pending && !act.asks() { return None } else { case };
        let amount = if case == Case::OtherAmount { json!(10.51) } else { json!(10.5) };
        let mut body = Self::payout_in(status, detail);
        body["transaction"]["total_amount"] = amount;
        Some(body)
    }

    fn payout_in(status: &str, detail: &str) -> Value {
        json!({"id": PAYOUT, "status": status, "external_reference": attempt(1).lower(),
            "transaction": {"total_amount": 10.5, "from": {"accounts": [{"amount": "10,50"}]},
                "to": {"accounts": [{"amount": "10,50", "status_detail": detail}]}}})
    }

    fn body(act: Act, case: Case) -> Option<Value> {
        match act {
            Act::PayoutToPixKey | Act::AskPayout => Self::payout(act, case),
            Act::Cancel => (case == Case::Accepted)
                .then(|| json!({"id": 20_359_978_123_i64, "status": "cancelled"})),
            Act::Return | Act::AskReturn => {
                let status = match case {
                    Case::Accepted => "in_process",
                    Case::Succeeded | Case::OtherAmount => "approved",
                    Case::Failed => "rejected",
                    Case::Unlisted if act.asks() => "dancing",
                    _ => return None,
                };
                let amount = if case == Case::OtherAmount { json!(10.51) } else { json!(10.5) };
                Some(json!({"id": 1_009_042_015, "payment_id": 20_359_978_123_i64,
                    "amount": amount, "status": status}))
            }
            Act::AskDepositByOurs if case == Case::NotFound => Some(json!({"results": []})),
            Act::AskDepositByOurs => Some(json!({"results": [Self::payment(act, case)?]})),
            // Whose it is, is asked; how much it is was never said.
            Act::Lookup if case == Case::OtherAmount => None,
            _ => Self::payment(act, case),
        }
    }
}

fn refusal(status: u16, error: &str) -> HttpResponse {
    let body = json!({"message": "m", "error": error, "status": status, "cause": []});
    response(status, body.to_string())
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}

/// What Mercado Pago checks of a payout before it reads it.
fn check_payout(request: &HttpRequest) {
    assert_eq!(header(request, "x-enforce-signature"), Some("true"));
    let signature = STANDARD.decode(header(request, "x-signature").unwrap()).unwrap();
    let mut verifier = Verifier::new_without_digest(&PAYOUT_KEY.key).unwrap();
    assert!(verifier.verify_oneshot(&signature, &request.body).unwrap());
}

impl Fixture for MercadoPagoFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn money(&self) -> Money {
        MercadoPagoBr.money()
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (self.money(), attempt(1));
        let by = |id: &str| InquiryBy::PspReference(id.to_owned());
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::PayoutToPixKey => payout(ours, money, to(portable("pix_key").0)),
            Act::Return => refund(ours, money, PAYMENT),
            Act::Cancel => {
                Operation::CancelDeposit { attempt: ours, psp_reference: PAYMENT.to_owned() }
            }
            Act::AskDeposit => inquiry(Subject::Deposit, ours, money, by(PAYMENT)),
            Act::AskDepositByOurs => {
                inquiry(Subject::Deposit, ours, money, InquiryBy::OurReference)
            }
            Act::AskPayout => inquiry(Subject::Payout, ours, money, by(PAYOUT)),
            Act::AskReturn => inquiry(Subject::Return, ours, money, by("1009042015")),
            Act::Lookup => lookup(None, PAYMENT),
            _ => return None,
        })
    }

    fn answer(&self, act: Act, case: Case, _: &str, request: &HttpRequest) -> Option<HttpResponse> {
        let token = format!("Bearer {ACCESS_TOKEN}");
        assert_eq!(header(request, "authorization"), Some(token.as_str()));
        if act == Act::PayoutToPixKey {
            check_payout(request);
        }
        let good = if act.asks() { Case::Succeeded } else { Case::Accepted };
        if let Some(common) = common_answer(case, Self::body(act, good)?.to_string().as_bytes()) {
            return Some(common);
        }
        match case {
            Case::Refused => Some(refusal(403, "forbidden")),
            Case::Duplicate => Some(refusal(409, "idempotency_key_already_used")),
            Case::Unlisted if !act.asks() => Some(refusal(418, "teapot")),
            Case::NotFound if act.asks() && act != Act::AskDepositByOurs => {
                Some(refusal(404, "not_found"))
            }
            _ => {
                let status = match act {
                    Act::Deposit | Act::Return => 201,
                    Act::PayoutToPixKey => 202,
                    _ => 200,
                };
                Self::body(act, case).map(|body| response(status, body.to_string()))
            }
        }
    }

    fn differs(&self, act: Act, case: Case) -> Option<(&'static str, &'static str)> {
        (act == Act::AskPayout && case == Case::Unlisted).then_some((
            "pending",
            "the lists differ by country, and a payout is asked by its id only",
        ))
    }

    fn next_action(&self) -> &'static str {
        "qr code"
    }

    fn is_thin(&self) -> bool {
        true
    }

    fn webhook(&self, news: News) -> Option<Call> {
        match news {
            News::DepositSucceeded => Some(notified(WEBHOOK_SECRET, PAYMENT, 1_000)),
            // Some of its time stamps are in seconds.
            News::PayoutSucceeded => Some(notified(WEBHOOK_SECRET, PAYOUT, 1)),
            News::PayoutFailed | News::DepositApproved | News::Payin => None,
        }
    }

    fn foreign_webhook(&self) -> Option<Call> {
        Some(notified("another secret of some length", PAYMENT, 1_000))
    }

    fn secrets(&self) -> &'static [&'static str] {
        &[ACCESS_TOKEN, WEBHOOK_SECRET]
    }
}

/// What a payout in this state is, by its creation's own answer and when it is asked about.
fn told_in(status: &str, detail: &str) -> [Status; 2] {
    let fixture = MercadoPagoFixture::new();
    let body = MercadoPagoFixture::payout_in(status, detail).to_string();
    [(Act::PayoutToPixKey, 202), (Act::AskPayout, 200)].map(|(act, code)| {
        let operation = fixture.operation(act).unwrap();
        let driven = drive(fixture.psp().adapter(), &operation, now(), None, |_, _| {
            Ok(response(code, body.clone()))
        });
        match driven.outcome {
            Outcome::Reported(report) => {
                assert_eq!(report.psp_reference.as_deref(), Some(PAYOUT), "{status} {detail}");
                report.status
            }
            other => panic!("{status} {detail}: {other:?}"),
        }
    })
}

/// `approved` without a detail is documented as created and not yet processed.
#[test]
fn a_payout_is_paid_only_where_its_account_says_so() {
    let money = MercadoPagoBr.money();
    for status in ["approved", "processed"] {
        let paid = Status::Succeeded { money };
        assert_eq!(told_in(status, "approved"), [paid.clone(), paid], "{status}");
    }
    for (status, detail) in
        [("success", "accredited"), ("success", ""), ("processed", "accredited")]
    {
        let paid = Status::Succeeded { money };
        assert_eq!(told_in(status, detail), [paid.clone(), paid], "{status} {detail}");
    }
    for (status, detail) in [
        ("approved", ""),
        ("approved", "dancing"),
        ("processed", ""),
        ("dancing", "approved"),
        ("approved", "accredited"),
    ] {
        assert_eq!(
            told_in(status, detail),
            [Status::ACCEPTED, Status::Pending],
            "{status} {detail}"
        );
    }
    let [_, returned] = told_in("success", "refunded");
    assert_eq!(returned, Status::Returned { money });
    assert_eq!(told_in("created", ""), [Status::ACCEPTED, Status::ACCEPTED]);
}

/// An error comes after it was taken, and its creation's own answer licenses nobody else to pay.
#[test]
fn a_payout_in_error_is_no_refusal_of_its_request() {
    let [created, asked] = told_in("error", "failed");
    assert_eq!(created, Status::ACCEPTED);
    assert!(matches!(asked, Status::Declined(it) if !it.irreversible));
    let [rejected, _] = told_in("rejected", "by_bank");
    assert!(matches!(rejected, Status::Declined(_)), "{rejected:?}");
}

/// What its creation's refusal is, where the first cause has this code.
fn refused_by(act: Act, status: u16, error: &str, cause: &Value) -> Outcome {
    let fixture = MercadoPagoFixture::new();
    let body = json!({"message": "m", "error": error, "status": status, "cause": [cause]});
    let operation = fixture.operation(act).unwrap();
    let driven = drive(fixture.psp().adapter(), &operation, now(), None, |_, _| {
        Ok(response(status, body.to_string()))
    });
    driven.outcome
}

/// From the reference pages of a payout's creation and of a payment's.
#[test]
fn a_bad_request_that_says_nothing_of_what_was_done_is_no_refusal() {
    let none = json!({});
    for act in [Act::Deposit, Act::PayoutToPixKey, Act::Return] {
        for error in ["Many Requests", "Rate Limit", "too_many_requests", "rate_limit"] {
            let outcome = refused_by(act, 400, error, &none);
            assert_eq!(outcome, Outcome::Unknown(Unknown::Throttled), "{act:?} {error}");
        }
        for code in [json!(2001), json!("2001")] {
            let outcome = refused_by(act, 400, "bad_request", &json!({"code": code}));
            let again = Outcome::Unknown(Unknown::DuplicateReference);
            assert_eq!(outcome, again, "{act:?} {code}");
        }
        let locked = refused_by(act, 424, "Resource locked", &none);
        assert_eq!(locked, Outcome::Unknown(Unknown::UnlistedCode), "{act:?}");
        for (error, code) in [("Invalid amount", 2002), ("Compliance not processed", 0)] {
            let outcome = refused_by(act, 400, error, &json!({"code": code}));
            let is_refusal = matches!(&outcome, Outcome::Reported(report)
                if matches!(report.status, Status::Declined(_)));
            assert!(is_refusal, "{act:?} {error}: {outcome:?}");
        }
    }
}

/// By default a refund that Pix has not answered yet is told by a 400, as a refused one is.
#[test]
fn a_refund_asks_to_be_told_that_it_is_under_way() {
    let fixture = MercadoPagoFixture::new();
    let operation = fixture.operation(Act::Return).unwrap();
    let driven =
        drive(fixture.psp().adapter(), &operation, now(), None, |_, _| Ok(response(500, "")));
    let (_, request) = driven.requests.first().unwrap();
    assert_eq!(header(request, "x-render-in-process-refunds"), Some("true"));
}

/// The id of a chargeback's notice is a case's, and its body names the payment.
#[test]
fn a_chargeback_is_a_hint_about_its_payment() {
    let fixture = MercadoPagoFixture::new();
    let received = |data: Value| -> Result<WebhookEvent, WebhookRefusal> {
        let body = json!({"actions": ["changed_case_status"], "api_version": "v1",
            "data": data, "type": "topic_chargebacks_wh"});
        let call = signed(WEBHOOK_SECRET, ("217001178", "topic_chargebacks_wh"), &body, 1);
        let verified = fixture.psp().adapter().verify_webhook(&call.raw(), &fixture.keys())?;
        Ok(verified.into_inner().events.remove(0))
    };
    let event = received(json!({"id": 217_001_178, "payment_id": 20_359_978_123_i64})).unwrap();
    assert_eq!(event.psp_reference.as_deref(), Some(PAYMENT));
    assert_eq!(event.subject, Some(Subject::Deposit));
    assert!(event.hint_only && event.report.is_none());
    for data in [json!({"id": 217_001_178}), json!({"id": 1, "payment_id": "1/refunds"})] {
        assert!(matches!(received(data), Err(WebhookRefusal::Malformed(_))));
    }
}

fn notified(secret: &str, id: &str, units_per_second: i64) -> Call {
    let kind = if id == PAYMENT { "payment" } else { "transaction_intent" };
    // The body's own id is another one: it is the query's that counts.
    let body = json!({"action": "x.updated", "api_version": "v1", "data": {"id": "999999999"},
        "id": 103_686_918_006_i64, "live_mode": true, "type": kind, "user_id": 44_444});
    signed(secret, (id, kind), &body, units_per_second)
}

fn signed(secret: &str, (id, kind): (&str, &str), body: &Value, units_per_second: i64) -> Call {
    let stamp = now().unix_timestamp() * units_per_second;
    let request_id = "2066ca19-c6f1-498a-be75-1923005edd06";
    let manifest = format!("id:{id};request-id:{request_id};ts:{stamp};");
    let key = PKey::hmac(secret.as_bytes()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let mac = hex::encode(signer.sign_oneshot_to_vec(manifest.as_bytes()).unwrap());
    let path = format!("/webhooks/mercadopago-br?data.id={id}&type={kind}");
    let headers = [("x-request-id", request_id), ("x-signature", &format!("ts={stamp},v1={mac}"))];
    Call::post(&path, &headers, body.to_string().into_bytes(), Signed::Query)
}
