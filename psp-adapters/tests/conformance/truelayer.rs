//! TrueLayer's side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::support::truelayer_side::{jwks, sign};
use crate::support::{
    FOREIGN_EC, MERCHANT_ACCOUNT, Pair, WEBHOOK_EC, WEBHOOK_KID, attempt, deposit, drive, eur, gbp,
    inquiry, now, payout, psp, refund, response, token, truelayer_account,
};
use psp_adapters::{Psp, Untold, WebhookKeys};
use psp_contract::{
    Currency, Destination, HttpRequest, HttpResponse, InquiryBy, Money, NotSent, Operation,
    Outcome, Portable, Subject,
};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

pub struct TrueLayerFixture {
    psp: Psp,
}

const ID: &str = "ecad2b93-efe9-4f25-b82d-920248a9c1ad";
const JKU: &str = "https://truelayer.test/.well-known/jwks";

impl TrueLayerFixture {
    pub fn new() -> Self {
        Self { psp: psp(truelayer_account("https://truelayer.test")) }
    }

    fn body(act: Act, case: Case) -> Option<Value> {
        if act == Act::Cancel {
            return (case == Case::Accepted).then(|| json!({}));
        }
        if !act.asks() {
            let body = json!({"id": ID, "resource_token": "eyJ.token", "user": {"id": "u"}});
            return (case == Case::Accepted).then_some(body);
        }
        let deposit = act == Act::AskDeposit;
        let (status, reason) = match case {
            Case::Accepted => (if deposit { "authorization_required" } else { "pending" }, None),
            Case::Pending if deposit => ("executed", None),
            Case::Pending => ("authorized", None),
            Case::Succeeded | Case::OtherAmount => {
                (if deposit { "settled" } else { "executed" }, None)
            }
            Case::Failed if deposit => ("failed", Some("authorization_failed")),
            Case::Failed => ("failed", Some("insufficient_funds")),
            Case::CameBack if !deposit => ("failed", Some("returned")),
            Case::Unlisted => ("dancing", None),
            _ => return None,
        };
        let amount = if case == Case::OtherAmount { 1051 } else { 1050 };
        Some(json!({"id": ID, "amount_in_minor": amount, "currency": "EUR", "status": status,
            "failure_reason": reason, "metadata": {"reference": attempt(1).lower()}}))
    }
}

fn problem(status: u16, kind: &str) -> HttpResponse {
    let body = json!({"type": format!("https://docs.truelayer.com/docs/error-types#{kind}"),
        "title": "x", "status": status, "trace_id": "t", "detail": "d"});
    response(status, body.to_string())
}

impl Fixture for TrueLayerFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (eur(1050), attempt(1));
        let holder_name = "Erika Mustermann".to_owned();
        let to = |portable| Destination { token: None, portable: Some(portable) };
        let ask = |subject| inquiry(subject, ours, money, InquiryBy::PspReference(ID.to_owned()));
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::PayoutByToken => payout(ours, money, token(ID)),
            Act::PayoutToIban => {
                let iban = "DE89370400440532013000".to_owned();
                payout(ours, money, to(Portable::Iban { iban, holder_name }))
            }
            Act::PayoutToUkAccount => {
                let (sort_code, account_number) = ("04-06-68".to_owned(), "00000871".to_owned());
                let account = Portable::UkAccount { sort_code, account_number, holder_name };
                payout(ours, gbp(1050), to(account))
            }
            Act::Return => refund(ours, money, ID),
            Act::Cancel => Operation::CancelDeposit { attempt: ours, psp_reference: ID.to_owned() },
            Act::AskDeposit => ask(Subject::Deposit),
            Act::AskPayout => ask(Subject::Payout),
            Act::AskReturn => ask(Subject::Return),
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
            assert!(request.url.ends_with("/connect/token"));
            let token = json!({"access_token": "tkn", "expires_in": 3600, "token_type": "Bearer"});
            return Some(response(200, token.to_string()));
        }
        let fine = Self::body(act, Case::Accepted)?.to_string();
        if let Some(common) = common_answer(case, fine.as_bytes()) {
            return Some(common);
        }
        match case {
            Case::Refused => Some(problem(403, "forbidden")),
            Case::Duplicate => Some(problem(422, "idempotency-key-reuse")),
            Case::Unlisted if !act.asks() => Some(problem(418, "teapot")),
            Case::NotFound if act.asks() => Some(problem(404, "not-found")),
            _ => {
                let status = if act.asks() { 200 } else { 202 };
                Self::body(act, case).map(|body| response(status, body.to_string()))
            }
        }
    }

    fn webhook(&self, news: News) -> Option<Call> {
        called(&WEBHOOK_EC, news)
    }

    fn foreign_webhook(&self) -> Option<Call> {
        called(&FOREIGN_EC, News::DepositSucceeded)
    }

    fn keys(&self) -> WebhookKeys {
        WebhookKeys::parse(jwks(&WEBHOOK_EC, WEBHOOK_KID).as_bytes()).unwrap()
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["client secret"]
    }
}

fn called(pair: &Pair, news: News) -> Option<Call> {
    let (kind, id) = match news {
        News::DepositSucceeded => ("payment_settled", "payment_id"),
        News::PayoutSucceeded => ("payout_executed", "payout_id"),
        News::PayoutFailed => ("payout_failed", "payout_id"),
        News::DepositApproved | News::Payin => return None,
    };
    let mut body = json!({"type": kind, "event_version": 1, "event_id": "b8d4dda0-ff2c-4d77-a6da-4615e4bad941",
        "metadata": {"reference": attempt(1).lower()}, "amount_in_minor": 1050, "currency": "EUR",
        "merchant_account_id": MERCHANT_ACCOUNT, "failure_reason": "insufficient_funds",
        "payment_source": {"id": "src-1", "account_holder_name": "E. M.",
            "account_identifiers": [{"type": "iban", "iban": "DE89370400440532013000"}]}});
    body[id] = ID.into();
    Some(posted(pair, &body))
}

fn posted(pair: &Pair, body: &Value) -> Call {
    let body = body.to_string().into_bytes();
    let path = "/webhooks/truelayer-gb";
    let stamp = now().format(&Rfc3339).unwrap();
    let signature = sign(pair, WEBHOOK_KID, JKU, path, &stamp, &body);
    let headers = [
        ("content-type", "application/json"),
        ("x-tl-webhook-timestamp", &stamp),
        ("tl-signature", &signature),
    ];
    Call::post(path, &headers, body, Signed::Body)
}

/// Whether a GET shows it is documented nowhere, so it must not get lost when it does not.
#[test]
fn a_reversal_is_a_hint_that_people_hear_of_unless_it_is_told_again() {
    let fixture = TrueLayerFixture::new();
    for (kind, untold) in [("payment_reversed", Some(Untold::TakenBack)), ("payment_failed", None)]
    {
        let body = json!({"type": kind, "event_version": 1, "event_id": "e-1", "payment_id": ID,
            "reversed_at": "2026-11-18T11:06:40Z", "metadata": {"reference": attempt(1).lower()}});
        let call = posted(&WEBHOOK_EC, &body);
        let adapter = fixture.psp().adapter();
        let verified = adapter.verify_webhook(&call.raw(), &fixture.keys()).unwrap();
        let event = verified.into_inner().events.remove(0);
        assert_eq!((event.untold, event.attempt), (untold, Some(attempt(1))), "{kind}");
        assert_eq!(event.hint_only && event.report.is_none(), untold.is_some(), "{kind}");
    }
}

/// Its zloty accounts only pay out.
#[test]
fn what_truelayer_would_refuse_is_not_sent() {
    let fixture = TrueLayerFixture::new();
    let is_sent = |money: Money| {
        let operation = deposit(attempt(1), money);
        let driven = drive(fixture.psp().adapter(), &operation, now(), None, |step, request| {
            Ok(fixture.answer(Act::Deposit, Case::Accepted, step, request).unwrap())
        });
        driven.outcome != Outcome::NotSent(NotSent::NotExpressible)
    };
    assert!(is_sent(eur(1050)));
    assert!(!is_sent(Money::new(1050, Currency::PLN)));
}
