//! Vendors, where they are asked what nobody should ask.

use mock_psps::{MockConfig, MockVendor, Running};
use serde_json::{Value, json};

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
