#![allow(clippy::unwrap_used, reason = "tests may")]

use super::*;
use secrecy::SecretString;
use url::form_urlencoded;

const SECRET: &str = "THE_SECRET_KEY";
const OURS: &str = "0190000000007000800000000000000a";

fn nuvei() -> Nuvei {
    Nuvei {
        api_url: "https://nuvei.test/ppp/api/v1".to_owned(),
        notify_url: "https://casino.test/webhooks/nuvei-ca".to_owned(),
        merchant_id: "77".to_owned(),
        merchant_site_id: "19".to_owned(),
        secrets: vec![SecretString::from(SECRET), SecretString::from("the next one")],
        payment_method: "apmgw_Interac_eTransfer".to_owned(),
        page_url: String::new(),
        is_card: false,
    }
}

const NAMES: [&str; 6] =
    ["totalAmount", "currency", "responseTimeStamp", "PPP_TransactionID", "Status", "productId"];

fn body(values: &[&str; 6], kind: &str, checksum: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(NAMES.iter().zip(values));
    form.append_pair("transactionType", kind).append_pair("advanceResponseChecksum", checksum);
    form.finish()
}

fn checksum(secret: &str, values: &[&str; 6]) -> String {
    hex::encode(sha256(format!("{secret}{}", values.concat()).as_bytes()))
}

fn received(method: &str, query: &str, body: &str) -> Result<WebhookEvent, WebhookRefusal> {
    let path = format!("/webhooks/nuvei-ca{query}");
    let raw = RawWebhook {
        method,
        path_and_query: &path,
        headers: &[],
        body: body.as_bytes(),
        peer_certificate: None,
        received_at: Timestamp::UNIX_EPOCH,
    };
    verify(&nuvei(), &raw).map(|verified| verified.into_inner().events.remove(0))
}

/// From the test of Nuvei's own plug-in for SAP Commerce (`NuveiValidateChecksumAspectTest`).
const VECTOR: [&str; 6] = ["115", "USD", "2020-03-14.16:22:34", "3453459", "APPROVED", "NA"];
const VECTOR_CHECKSUM: &str = "aaa9ad16c8ed9f172dff505e4eeb8929b9c77cfed3e38127d55d42e33a70c762";

#[test]
fn nuveis_own_vector_verifies_and_without_our_reference_it_is_a_hint() {
    let event = received("POST", "", &body(&VECTOR, "Sale", VECTOR_CHECKSUM)).unwrap();
    assert!(event.hint_only && event.report.is_none(), "{event:?}");
    let other = VECTOR_CHECKSUM.replacen('a', "b", 1);
    let refusal = received("POST", "", &body(&VECTOR, "Sale", &other)).unwrap_err();
    assert!(matches!(refusal, WebhookRefusal::Invalid(_)));
}

#[test]
fn no_other_cut_of_the_same_text_is_believed() {
    let genuine = ["1150.50", "USD", "2020-03-14.16:22:34", "3453459", "APPROVED", OURS];
    let text = genuine.concat();
    let told = checksum(SECRET, &genuine);
    let honest = received("POST", "", &body(&genuine, "Sale", &told)).unwrap();
    let ends: Vec<usize> = genuine
        .iter()
        .scan(0, |end, value| {
            *end += value.len();
            Some(*end)
        })
        .collect();
    let mut tried = 0;
    // Every way to move one boundary anywhere, and each of its neighbours by up to three.
    for moved in 0..5 {
        for at in 0..=text.len() {
            for near in -3..=3_isize {
                let mut cuts = ends.clone();
                cuts[moved] = at;
                if moved < 4 {
                    cuts[moved + 1] = cuts[moved + 1].saturating_add_signed(near);
                }
                if cuts == ends || !cuts.is_sorted() || cuts[4] > text.len() {
                    continue;
                }
                let mut from = 0;
                let values: Vec<&str> = cuts
                    .iter()
                    .map(|to| {
                        let value = &text[from..*to];
                        from = *to;
                        value
                    })
                    .collect();
                let values: [&str; 6] = values.try_into().unwrap();
                assert_eq!(checksum(SECRET, &values), told, "the very weakness");
                let refusal = received("POST", "", &body(&values, "Sale", &told)).unwrap_err();
                assert!(matches!(refusal, WebhookRefusal::Malformed(_)), "{values:?}");
                tried += 1;
            }
        }
    }
    assert!(200 < tried, "{tried}");
    assert!(honest.report.is_some());
}

/// Times are told by the second, and a sale may be voided within its own.
#[test]
fn what_is_told_of_a_sale_within_its_second_is_no_repeat_of_it() {
    let told = checksum(SECRET, &VECTOR);
    let id = |body: &str| received("POST", "", body).unwrap().event_id;
    let of = |kind: &str| id(&body(&VECTOR, kind, &told));
    let ids: std::collections::BTreeSet<String> = TYPES.into_iter().map(of).collect();
    assert_eq!(ids.len(), TYPES.len());
    for kind in TYPES {
        let more = format!("{}&TransactionID=9&email=a%40b", body(&VECTOR, kind, &told));
        assert_eq!(id(&more), of(kind), "only its type counts of what is not covered");
    }
}

#[test]
fn what_the_payers_browser_saw_cannot_pay_another_deposit() {
    let values = ["10.50", "CAD", "2026-11-18.22:13:20", "9169303", "APPROVED", OURS];
    let told = checksum(SECRET, &values);
    let genuine = body(&values, "Sale", &told);
    let event = received("POST", "", &genuine).unwrap();
    assert_eq!(event.attempt, AttemptRef::parse(OURS));
    let another = "0190000000007000800000000000000b";
    let copy = format!("{genuine}&clientUniqueId={another}&merchant_unique_id={another}");
    assert_eq!(received("POST", "", &copy).unwrap(), event);
    let renamed = genuine.replace(OURS, another);
    assert!(matches!(received("POST", "", &renamed), Err(WebhookRefusal::Invalid(_))));
    // What kind of payment it is, nobody signs: it may make us ask, and no more.
    let charged = received("POST", "", &body(&values, "Chargeback", &told)).unwrap();
    assert!(charged.hint_only && charged.report.is_none());
}

#[test]
fn a_query_tells_the_same_as_a_form_and_either_live_secret_may_sign() {
    let values = ["10.50", "CAD", "2026-11-18.22:13:20", "9169303", "APPROVED", OURS];
    let form = body(&values, "Sale", &checksum(SECRET, &values));
    let posted = received("POST", "", &form).unwrap();
    assert_eq!(received("GET", &format!("?{form}"), "").unwrap(), posted);
    let next = body(&values, "Sale", &checksum("the next one", &values));
    assert_eq!(received("POST", "", &next).unwrap(), posted);
    let twice = format!("{form}&Status=DECLINED");
    assert!(received("POST", "", &twice).is_err());
    assert!(received("POST", &format!("?{form}"), "").is_err());
}

fn withdrawal(pairs: &[(&str, &str)]) -> String {
    let written: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let checksum = hex::encode(sha256(format!("{}{SECRET}", written.join("&")).as_bytes()));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs).append_pair("checksum", &checksum);
    form.finish()
}

fn of_withdrawal(reference: &str, status: &str, order: &str) -> String {
    withdrawal(&[
        ("merchantId", "77"),
        ("merchantSiteId", "19"),
        ("wdRequestId", "5"),
        ("merchantWDRequestId", reference),
        ("wdRequestStatus", status),
        ("wdOrderStatus", order),
        ("amount", "10.50"),
        ("currency", "CAD"),
    ])
}

/// The word that a withdrawal's notification is answered with.
fn answer(reference: &str, status: &str, order: &str) -> String {
    let form = of_withdrawal(reference, status, order);
    let raw = RawWebhook {
        method: "POST",
        path_and_query: "/webhooks/nuvei-ca",
        headers: &[],
        body: form.as_bytes(),
        peer_certificate: None,
        received_at: Timestamp::UNIX_EPOCH,
    };
    let verified = verify(&nuvei(), &raw).unwrap();
    String::from_utf8(reply(verified.get()).body).unwrap()
}

#[test]
fn only_a_withdrawal_of_ours_is_approved_and_only_where_it_is_asked() {
    assert_eq!(answer(OURS, "Pending", "Pending"), "Approve");
    assert_eq!(answer("began-in-the-control-panel", "Pending", "Pending"), "Postpone");
    assert_eq!(answer(OURS, "Approved", "Settled"), "");
}

/// Nuvei's pages and its own libraries do not spell all words alike, and no page lists all of them.
#[test]
fn every_word_of_a_withdrawal_is_heard() {
    let told = |status, order| received("POST", "", &of_withdrawal(OURS, status, order)).unwrap();
    let said = |status, order| {
        let event = told(status, order);
        assert_eq!(event.hint_only, event.report.is_none(), "{status} {order}");
        event.report_for(Subject::Payout).map(|report| report.status.clone())
    };
    for (status, order) in [("Pending", "InProgress"), ("InProgress", ""), ("Approved", "Pending")]
    {
        assert_eq!(said(status, order), Some(Status::Pending), "{status} {order}");
    }
    for status in ["Declined", "Cancelled", "Canceled"] {
        let is_declined = matches!(said(status, status), Some(Status::Declined(_)));
        assert!(is_declined, "{status}");
    }
    for (status, order) in [("Approved", "Canceled"), ("Approved", "Dancing"), ("Dancing", "")] {
        assert_eq!(said(status, order), None, "{status} {order}");
        assert_eq!(told(status, order).attempt, AttemptRef::parse(OURS), "it is asked about");
    }
}

#[test]
fn a_payout_that_is_told_as_a_payment_is_a_hint_about_a_payout() {
    let values = ["10.50", "CAD", "2026-11-18.22:13:20", "9169303", "APPROVED", "NA"];
    let form = |kind| {
        let form = body(&values, kind, &checksum(SECRET, &values));
        received("POST", "", &format!("{form}&clientUniqueId={OURS}")).unwrap()
    };
    for (kind, subject) in [
        ("Payout", Some(Subject::Payout)),
        ("Credit", None),
        ("Modification", None),
        ("InitAuth3D", None),
        ("Void", Some(Subject::Deposit)),
    ] {
        let event = form(kind);
        assert_eq!(event.subject, subject, "{kind}");
        assert!(event.hint_only && event.report.is_none(), "{kind}");
        assert_eq!(event.attempt, AttemptRef::parse(OURS), "{kind}");
    }
    assert_eq!(form("Chargeback").untold, Some(Untold::TakenBack));
    // A type is not covered: two words that nobody knows are one notification.
    assert_eq!(form("InitAuth3D"), form("Dancing"));
}

#[test]
fn what_a_notification_may_leave_out_costs_no_refusal() {
    let values = ["10.50", "CAD", "2026-11-18.22:13:20", "9169303", "APPROVED", OURS];
    let genuine = body(&values, "Sale", &checksum(SECRET, &values));
    let small = genuine.replace("Status=", "status=");
    assert_eq!(received("POST", "", &small).unwrap(), received("POST", "", &genuine).unwrap());
    for hashed in ["", "NA"] {
        let values = [&values[..5], &[hashed]].concat();
        let told = checksum(SECRET, &<[&str; 6]>::try_from(values).unwrap());
        let form = genuine.replace(&format!("&productId={OURS}"), "");
        let form = form.replace(&checksum(SECRET, &self::of(OURS)), &told);
        let event = received("POST", "", &form).unwrap();
        assert!(event.hint_only && event.report.is_none() && event.attempt.is_none(), "{hashed}");
    }
    // Who drops what is covered is refused.
    let dropped = genuine.replace(&format!("&productId={OURS}"), "");
    assert!(matches!(received("POST", "", &dropped), Err(WebhookRefusal::Invalid(_))));
}

const fn of(product: &str) -> [&str; 6] {
    ["10.50", "CAD", "2026-11-18.22:13:20", "9169303", "APPROVED", product]
}

/// As a third party's connector reads it.
const PANEL_EVENT: &str = r#"{"EventType":"Chargeback","Chargeback":{"Type":"Chargeback",
    "ReportedAmount":"10.50","ReportedCurrency":"CAD","DisputeId":"1"},"TransactionDetails":
    {"TransactionId":7110000,"ClientUniqueId":"0190000000007000800000000000000a"}}"#;

#[test]
fn an_event_of_the_control_panel_is_for_people() {
    let checksum = |body: &str| hex::encode(sha256(format!("{SECRET}{body}").as_bytes()));
    let told = |body: &str, checksum: String| {
        let headers = [("checksum".to_owned(), checksum)];
        let raw = RawWebhook {
            method: "POST",
            path_and_query: "/webhooks/nuvei-ca",
            headers: &headers,
            body: body.as_bytes(),
            peer_certificate: None,
            received_at: Timestamp::UNIX_EPOCH,
        };
        verify(&nuvei(), &raw).map(|verified| verified.into_inner().events.remove(0))
    };
    let event = told(PANEL_EVENT, checksum(PANEL_EVENT)).unwrap();
    assert_eq!((event.attempt, event.untold), (AttemptRef::parse(OURS), Some(Untold::Unread)));
    assert!(event.hint_only && event.report.is_none(), "{event:?}");
    assert_eq!(told(PANEL_EVENT, checksum(PANEL_EVENT).to_uppercase()).unwrap(), event);
    let another = PANEL_EVENT.replace("0a\"", "0b\"");
    assert_ne!(another, PANEL_EVENT);
    let forged = told(&another, checksum(PANEL_EVENT));
    assert!(matches!(forged, Err(WebhookRefusal::Invalid(_))), "{forged:?}");
    assert!(matches!(received("POST", "", PANEL_EVENT), Err(WebhookRefusal::Invalid(_))));
}

#[test]
fn a_withdrawals_fields_cannot_be_merged_under_the_same_checksum() {
    let pairs = [
        ("merchantId", "77"),
        ("merchantSiteId", "19"),
        ("wdRequestId", "5"),
        ("merchantWDRequestId", OURS),
        ("wdRequestStatus", "Approved"),
        ("wdOrderStatus", "Settled"),
        ("reason", "none"),
        ("amount", "10.50"),
        ("currency", "CAD"),
    ];
    let event = received("POST", "", &withdrawal(&pairs)).unwrap();
    let said = event.report_for(Subject::Payout).unwrap();
    assert_eq!(said.status, Status::Succeeded { money: Money::new(1050, Currency::CAD) });
    let merged = [
        ("merchantId", "77"),
        ("merchantSiteId", "19&wdRequestId=5"),
        ("merchantWDRequestId", OURS),
        ("wdRequestStatus", "Approved"),
        ("wdOrderStatus", "Settled"),
        ("reason", "none"),
        ("amount", "10.50"),
        ("currency", "CAD"),
    ];
    let refusal = received("POST", "", &withdrawal(&merged)).unwrap_err();
    assert!(matches!(refusal, WebhookRefusal::Malformed(_)));
}
