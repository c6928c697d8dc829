//! Vendors, where they are asked what nobody should ask.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mock_psps::{MockConfig, MockVendor, Running};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};
use time::OffsetDateTime;

const ELLIPTIC: &str = "894f142d667e8cdaca6822ac173937af";

async fn vendors() -> (Running, reqwest::Client) {
    let vendor = |id: &str, settings: &[(&str, &str)]| MockVendor {
        id: id.to_owned(),
        port: 0,
        vendor: id.to_owned(),
        settings: settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    };
    let config = MockConfig {
        control_addr: ([127, 0, 0, 1], 0).into(),
        seed: 7,
        books_dir: None,
        accounts: Vec::new(),
        vendors: vec![
            vendor("limit_file", &[("token", "a token")]),
            vendor("sumsub", &[("app_token", "app"), ("secret_key", "secret")]),
            vendor("elliptic", &[("key", "key"), ("secret", ELLIPTIC)]),
        ],
    };
    let running = mock_psps::start(config).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    (running, http)
}

/// A question to the file of limits about one person: `reserve`, `commit`, `release`.
struct File<'a> {
    url: String,
    http: &'a reqwest::Client,
}

impl File<'_> {
    async fn ask(&self, id: &str, what: &str, amount: &str) -> (u16, Value) {
        let person = json!({ "full_name": "Erika Limited", "date_of_birth": "1990-12-31" });
        let body = json!({ "person": person, "amount": amount, "currency": "EUR" });
        let url = format!("{}/v1/reservations/{id}", self.url);
        let request = match what {
            "reserve" => self.http.put(url),
            _ => self.http.post(format!("{url}/{what}")),
        };
        let answer = request.bearer_auth("a token").json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// What is left of this month's 1,000.00.
    async fn left(&self) -> String {
        let (_, told) = self.ask("a-look", "reserve", "1000.01").await;
        assert_eq!(told["status"], "refused");
        told["remaining"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn money_that_came_after_a_refusal_counts_for_its_person() {
    let (running, http) = vendors().await;
    let file = File { url: running.vendors[0].base_url.clone(), http: &http };
    assert_eq!(file.ask("a", "reserve", "600.00").await.0, 200);
    assert_eq!(file.ask("b", "reserve", "600.00").await.1["status"], "refused");
    assert_eq!(file.left().await, "400.00");
    // The PSP took it all the same.
    assert_eq!(file.ask("b", "commit", "300.00").await.1["status"], "committed");
    assert_eq!(file.left().await, "100.00");
    // And where the commit comes first, the person is known from the reservation that comes late.
    assert_eq!(file.ask("c", "commit", "50.00").await.1["status"], "committed");
    assert_eq!(file.ask("c", "reserve", "50.00").await.1["status"], "committed");
    assert_eq!(file.left().await, "50.00");
    // What was refused and is asked for again may have room by now.
    assert_eq!(file.ask("d", "reserve", "600.00").await.1["status"], "refused");
    file.ask("a", "release", "600.00").await;
    assert_eq!(file.ask("d", "reserve", "600.00").await.1["status"], "reserved");
    assert_eq!(file.left().await, "50.00");
}

#[tokio::test]
async fn numbers_at_their_end_are_refused_and_end_nothing() {
    let (running, http) = vendors().await;
    let file = File { url: running.vendors[0].base_url.clone(), http: &http };
    let most = "92233720368547758.07";
    assert_eq!(file.ask("a", "reserve", "10.00").await.0, 200);
    assert_eq!(file.ask("b", "reserve", most).await.1["status"], "refused");
    for id in ["b", "c"] {
        assert_eq!(file.ask(id, "commit", most).await.1["status"], "committed");
    }
    for seconds in [i64::MAX.to_string(), i64::MIN.to_string(), i128::MAX.to_string()] {
        let url = format!("{}/resources/applicants/x/one", running.vendors[1].base_url);
        let request = http.get(url).header("x-app-access-ts", seconds);
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
}

/// As of the control: see there.
#[tokio::test]
async fn a_vendor_serves_this_machine_only() {
    let (running, http) = vendors().await;
    let url = format!("{}/v1/reservations/a", running.vendors[0].base_url);
    let status = async |name: &str, value: &str| {
        let request = http.put(&url).bearer_auth("a token").header(name, value);
        request.json(&json!({})).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("host", "evil.example").await, 403);
    assert_eq!(status("origin", "https://evil.example").await, 403);
    assert_eq!(status("host", "localhost:1").await, 400);
}

/// The answer to a question to Elliptic.
async fn elliptic(
    base_url: &str,
    http: &reqwest::Client,
    path: &str,
    body: &Value,
) -> (u16, Value) {
    let at = (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).to_string();
    let (path, body) = (format!("/v2{path}"), body.to_string());
    let key = PKey::hmac(&STANDARD.decode(ELLIPTIC).unwrap()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    signer.update(format!("{at}POST{path}{body}").as_bytes()).unwrap();
    let request = http.post(format!("{base_url}{path}")).header("x-access-key", "key");
    let request = request.header("x-access-sign", STANDARD.encode(signer.sign_to_vec().unwrap()));
    let answer = request.header("x-access-timestamp", at).body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A `MatchedElement` tells three worths, of which the first is the whole.
fn worths(element: &Value) -> [f64; 3] {
    ["contribution_value", "counterparty_value", "indirect_value"]
        .map(|name| element[name]["usd"].as_f64().unwrap())
}

#[tokio::test]
async fn elliptic_tells_its_rules_in_a_list_for_a_transaction_and_by_sides_for_a_wallet() {
    let (running, http) = vendors().await;
    let url = &running.vendors[2].base_url;
    for (tail, score, category, expected, own) in [
        ("bad001", json!(10.0), "Sanctioned Entity", [120.25, 0.0, 0.0], true),
        ("bad002", json!(8.5), "Thefts", [120.25, 0.0, 120.25], false),
        ("bad003", json!(2.4), "Gambling", [120.25, 120.25, 0.0], false),
        ("000000", json!(0.0), "Payment Processor", [120.25, 120.25, 0.0], false),
    ] {
        let address = format!("0x{:034}{tail}", 1);
        let subject = json!({
            "asset": "holistic", "blockchain": "holistic", "type": "transaction",
            "hash": format!("0xfeed{tail}"), "output_type": "address", "output_address": address,
        });
        let body =
            json!({ "subject": subject, "type": "source_of_funds", "customer_reference": "p" });
        let mut other = body.clone();
        other["subject"]["asset"] = json!("USDT");
        let refused = elliptic(url, &http, "/analyses/synchronous", &other).await;
        assert_eq!(refused.0, 400, "it is not documented");
        let (status, told) = elliptic(url, &http, "/analyses/synchronous", &body).await;
        assert_eq!((status, &told["risk_score"]), (200, &score), "{told}");
        assert!(told.get("risk_score_detail").is_none(), "a transaction has no sides");
        let element = &told["evaluation_detail"][0]["matched_elements"][0];
        assert_eq!((&element["category"], worths(element)), (&json!(category), expected));
        assert_eq!(element["contributions"][0]["is_screened_address"], own);
        assert_eq!(told["contributions"][0]["is_screened_address"], own);

        let subject = json!({
            "asset": "holistic", "blockchain": "holistic", "type": "address", "hash": address,
        });
        let body =
            json!({ "subject": subject, "type": "wallet_exposure", "customer_reference": "w" });
        let (status, told) = elliptic(url, &http, "/wallet/synchronous", &body).await;
        assert_eq!((status, &told["risk_score_detail"]["destination"]), (200, &score), "{told}");
        assert_eq!(told["evaluation_detail"]["source"], json!([]));
        assert_eq!(&told["evaluation_detail"]["destination"][0]["matched_elements"][0], element);
    }
}
