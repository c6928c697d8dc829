//! Nuvei's side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::stands::Stand;
use crate::stands::nuvei::{MERCHANT, NuveiCa, SECRET, SITE};
use crate::support::{
    attempt, deposit, drive, inquiry, now, payout, portable, psp, refund, response, to, token,
};
use openssl::sha::sha256;
use psp_adapters::{Psp, PspAccount};
use psp_contract::{
    HttpRequest, HttpResponse, InquiryBy, Money, Operation, Outcome, Status, Subject,
    TransportFailure, Unknown,
};
use serde_json::{Value, json};
use std::time::Duration;
use url::form_urlencoded;

/// An account of either kind: Interac's opens a payment, the cards' a page.
pub struct NuveiFixture {
    psp: Psp,
    is_card: bool,
}

const ID: &str = "7110000000001884667";

impl NuveiFixture {
    pub fn new(method: &str) -> Self {
        let account =
            PspAccount { method: method.to_owned(), ..NuveiCa.account("https://nuvei.test") };
        Self { psp: psp(account), is_card: method == "card" }
    }

    fn shows_a_page(&self, act: Act) -> bool {
        self.is_card && act == Act::Deposit
    }

    /// What a good answer has beside its envelope.
    fn fields(act: Act, case: Case) -> Option<Value> {
        let ours = attempt(1).lower();
        if !act.asks() {
            let status = match (act, case) {
                (Act::Deposit, Case::Accepted) => "REDIRECT",
                (_, Case::Accepted) => "PENDING",
                (_, Case::Unlisted) => "DANCING",
                (_, Case::Failed) => "DECLINED",
                _ => return None,
            };
            return Some(json!({"transactionId": ID, "transactionStatus": status,
                "clientUniqueId": ours, "gwErrorCode": 0,
                "paymentOption": {"redirectUrl": "https://nuvei.test/interac?x=1"}}));
        }
        let (status, amount) = match case {
            Case::Pending => ("PENDING", "10.50"),
            Case::Succeeded => ("APPROVED", "10.50"),
            Case::OtherAmount => ("APPROVED", "10.51"),
            Case::Failed => ("DECLINED", "10.50"),
            Case::CameBack if act != Act::AskDeposit => ("REVERSED", "10.50"),
            Case::Unlisted => ("DANCING", "10.50"),
            _ => return None,
        };
        if act == Act::AskPayoutByOurs {
            return Some(json!({"transactionId": ID, "transactionStatus": status,
                "clientUniqueId": ours, "amount": amount, "currency": "CAD"}));
        }
        let kind = if act == Act::AskReturnByOurs { "Credit" } else { "Sale" };
        let details = json!({"transactionId": ID, "transactionStatus": status,
            "transactionType": kind, "processedAmount": amount, "processedCurrency": "CAD"});
        Some(json!({"clientUniqueId": ours, "transactionDetails": details}))
    }
}

fn envelope(request: &HttpRequest, fields: Value) -> HttpResponse {
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    let mut body = json!({"internalRequestId": 7424, "status": "SUCCESS", "errCode": 0,
        "reason": "", "merchantId": MERCHANT, "merchantSiteId": SITE, "version": "1.0",
        "clientRequestId": sent["clientRequestId"]});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    response(200, body.to_string())
}

fn error(request: &HttpRequest, code: i64, reason: &str) -> HttpResponse {
    envelope(request, json!({"status": "ERROR", "errCode": code, "reason": reason}))
}

impl Fixture for NuveiFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn money(&self) -> Money {
        NuveiCa.money()
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (self.money(), attempt(1));
        let by_ours = |subject| inquiry(subject, ours, money, InquiryBy::OurReference);
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::PayoutByToken => payout(ours, money, token("162176")),
            Act::PayoutToEmail if !self.is_card => payout(ours, money, to(portable("email").0)),
            Act::Return => refund(ours, money, ID),
            Act::AskDeposit => {
                inquiry(Subject::Deposit, ours, money, InquiryBy::PspReference(ID.to_owned()))
            }
            Act::AskDepositByOurs => by_ours(Subject::Deposit),
            Act::AskPayoutByOurs => by_ours(Subject::Payout),
            Act::AskReturnByOurs => by_ours(Subject::Return),
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
        // A page is an address that nobody answers for: there is a session or there is none.
        if self.shows_a_page(act) && case != Case::Accepted {
            return None;
        }
        if step == "session" {
            return Some(envelope(request, json!({"sessionToken": "e8c7b6dd-2a90-4348"})));
        }
        let fine = Self::fields(act, Case::Succeeded).or_else(|| Self::fields(act, Case::Accepted));
        let fine = envelope(request, fine?);
        if let Some(common) = common_answer(case, &fine.body) {
            return Some(common);
        }
        match case {
            Case::Refused => Some(error(request, 1019, "Validation Error")),
            // Which code a repeat has is not documented; this is the worst that it could have.
            Case::Duplicate => Some(error(request, 1019, "clientRequestId was used before")),
            Case::NotFound if act.asks() => Some(error(request, 9146, "No transaction details")),
            _ => Self::fields(act, case).map(|fields| envelope(request, fields)),
        }
    }

    fn moves_money(&self, act: Act) -> bool {
        act.moves_money() && !self.shows_a_page(act)
    }

    fn tells_other_amounts(&self) -> bool {
        true
    }

    fn webhook(&self, news: News) -> Option<Call> {
        called(SECRET, news)
    }

    fn foreign_webhook(&self) -> Option<Call> {
        called("another merchant's secret", News::DepositSucceeded)
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["merchant secret"]
    }
}

/// What the details of a transaction of this type and status tell, asked this long after the request.
fn details(act: Act, kind: Option<&str>, status: &str, after: Duration) -> Outcome {
    let fixture = NuveiFixture::new("card");
    let mut operation = fixture.operation(act).unwrap();
    if let Operation::Inquire(inquiry) = &mut operation {
        inquiry.first_sent_at = now() - after;
    }
    let driven = drive(fixture.psp().adapter(), &operation, now(), None, |_, request| {
        let mut fields = NuveiFixture::fields(act, Case::Succeeded).unwrap();
        fields["transactionDetails"]["transactionType"] = kind.into();
        fields["transactionDetails"]["transactionStatus"] = status.into();
        fields["paymentOption"] = json!({"userPaymentOptionId": "8811",
            "card": {"last4Digits": "1111", "cardType": "Debit"}});
        Ok(envelope(request, fields))
    });
    driven.outcome
}

fn approved(act: Act, kind: Option<&str>) -> Outcome {
    details(act, kind, "APPROVED", Duration::ZERO)
}

/// Each step has an id and a card of its own, which are not the sale's: neither is the deposit's before there
/// is a sale.
#[test]
fn only_the_sale_lends_its_id_and_its_card() {
    let told = |kind, status| {
        let outcome = details(Act::AskDepositByOurs, Some(kind), status, Duration::ZERO);
        let Outcome::Reported(report) = outcome else { panic!("{kind} {status}: {outcome:?}") };
        (report.psp_reference.is_some(), report.payer.is_some())
    };
    for kind in ["Sale", "Settle"] {
        assert_eq!(told(kind, "APPROVED"), (true, true), "{kind}");
        assert_eq!(told(kind, "DECLINED"), (false, false), "{kind}");
    }
    for kind in ["InitAuth3D", "Auth3D", "Auth", "Void", "Chargeback", "Credit"] {
        assert_eq!(told(kind, "APPROVED"), (false, false), "{kind}");
    }
}

/// A deposit that is known by our reference is sent back by the sale's id, or not at all.
#[test]
fn only_a_sale_is_sent_back() {
    for (kind, sends) in [("Sale", true), ("Settle", true), ("Auth3D", false), ("Void", false)] {
        let fixture = NuveiFixture::new("card");
        let back = refund(attempt(2), fixture.money(), &attempt(1).lower());
        let mut named = None;
        drive(fixture.psp().adapter(), &back, now(), None, |step, request| {
            let sent: Value = serde_json::from_slice(&request.body).unwrap();
            if step != "find_deposit" {
                named = sent["relatedTransactionId"].as_str().map(str::to_owned);
                return Err(TransportFailure::Unknown(Unknown::ReadTimeout));
            }
            let mut fields = NuveiFixture::fields(Act::AskDeposit, Case::Succeeded).unwrap();
            fields["transactionDetails"]["transactionType"] = kind.into();
            Ok(envelope(request, fields))
        });
        assert_eq!(named.as_deref(), sends.then_some(ID), "{kind}");
    }
}

/// The page stays open for another card while our session lasts; afterwards nobody comes back to it.
#[test]
fn a_step_at_the_issuer_is_waited_for_as_long_as_the_session() {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    for kind in ["InitAuth3D", "Auth3D", "Auth"] {
        for status in ["APPROVED", "DECLINED"] {
            for (after, expected) in [(69, Status::Pending), (71, Status::Expired)] {
                let outcome = details(Act::AskDeposit, Some(kind), status, minutes(after));
                let Outcome::Reported(report) = outcome else { panic!("{kind}: {outcome:?}") };
                assert_eq!(report.status, expected, "{kind} {status} after {after} minutes");
            }
        }
    }
    // What no page of Nuvei's lists among the steps, and a sale, do not end by our clock.
    let later = |kind| details(Act::AskDeposit, kind, "APPROVED", minutes(10_000));
    let status = |outcome| match outcome {
        Outcome::Reported(report) => report.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(later(Some("Modification"))), Status::Pending);
    assert_eq!(status(later(Some("Sale"))), Status::Succeeded { money: NuveiCa.money() });
}

/// A sale that was voided on Nuvei's pages is told in no other way. Of a return nobody can say what a void
/// took back.
#[test]
fn a_voided_sale_is_money_taken_back() {
    let money = NuveiCa.money();
    for act in [Act::AskDeposit, Act::AskDepositByOurs] {
        match approved(act, Some("Void")) {
            Outcome::Reported(report) => assert_eq!(report.status, Status::Reversed { money }),
            other => panic!("{act:?}: {other:?}"),
        }
    }
    let of_return = approved(Act::AskReturnByOurs, Some("Void"));
    assert_eq!(of_return, Outcome::Unknown(Unknown::PspUndecided));
}

/// A payer who is at the issuer's has transactions under our reference, all of them approved, and has paid
/// nothing.
#[test]
fn an_approved_step_of_no_money_is_neither_a_deposit_nor_a_return() {
    let asks = [Act::AskDeposit, Act::AskDepositByOurs, Act::AskReturnByOurs];
    let steps = ["InitAuth3D", "Auth3D", "Auth", "Modification", "Payout", "Dance"];
    let told = |act, kind| match approved(act, kind) {
        Outcome::Reported(report) => report.status,
        other => panic!("{act:?} {kind:?}: {other:?}"),
    };
    for act in asks {
        for kind in steps.map(Some).into_iter().chain([None]) {
            assert_eq!(told(act, kind), Status::Pending, "{act:?} {kind:?}");
        }
    }
    let money = NuveiCa.money();
    for (act, kind, other) in [
        (Act::AskDeposit, "Sale", "Credit"),
        (Act::AskDepositByOurs, "Settle", "Credit"),
        (Act::AskReturnByOurs, "Credit", "Sale"),
    ] {
        assert_eq!(told(act, Some(kind)), Status::Succeeded { money }, "{act:?} {kind}");
        assert_eq!(told(act, Some(other)), Status::Pending, "{act:?} {other}");
    }
    assert_eq!(told(Act::AskDeposit, Some("Chargeback")), Status::Reversed { money });
}

/// The form of a payment's notification; the secret stands before the six values.
pub fn payment_form(secret: &str, pairs: &[(&str, &str)]) -> Vec<u8> {
    let value = |name: &str| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| *value)
    };
    let covered = ["totalAmount", "currency", "responseTimeStamp", "PPP_TransactionID", "Status"];
    let text = format!("{secret}{}{}", covered.map(value).concat(), value("productId"));
    form(pairs, "advanceResponseChecksum", &text)
}

fn form(pairs: &[(&str, &str)], name: &str, text: &str) -> Vec<u8> {
    let checksum = hex::encode(sha256(text.as_bytes()));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs).append_pair(name, &checksum);
    form.finish().into_bytes()
}

fn called(secret: &str, news: News) -> Option<Call> {
    let ours = attempt(1).lower();
    let (request, order) = match news {
        News::DepositSucceeded => {
            let pairs = [
                ("ppp_status", "OK"),
                ("Status", "APPROVED"),
                ("totalAmount", "10.50"),
                ("currency", "CAD"),
                ("responseTimeStamp", "2026-11-18.22:13:20"),
                ("PPP_TransactionID", "9169303"),
                ("TransactionID", ID),
                ("productId", &ours),
                ("clientUniqueId", &ours),
                ("transactionType", "Sale"),
            ];
            return Some(posted(payment_form(secret, &pairs)));
        }
        News::PayoutSucceeded => ("Approved", "Settled"),
        News::PayoutFailed => ("Declined", "Declined"),
        News::DepositApproved | News::Payin => return None,
    };
    let pairs = [
        ("merchantId", MERCHANT),
        ("merchantSiteId", SITE),
        ("wdRequestId", "84216"),
        ("merchantWDRequestId", &ours),
        ("wdRequestStatus", request),
        ("wdOrderStatus", order),
        ("TransactionID", ID),
        ("amount", "10.50"),
        ("currency", "CAD"),
    ];
    let written: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Some(posted(form(&pairs, "checksum", &format!("{}{secret}", written.join("&")))))
}

fn posted(body: Vec<u8>) -> Call {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    Call::post("/webhooks/nuvei-ca", &headers, body, Signed::Fields)
}
