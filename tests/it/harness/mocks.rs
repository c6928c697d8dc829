//! The mock PSPs of one test, and a client of their control API.

use super::house::House;
use interlock::config::{Config, Profile, Variables, knows_people, variable_of};
use interlock::sandbox::mocks::mock_config;
use mock_psps::{MockConfig, Running};
use serde_json::{Value, json};
use std::time::Duration;

/// Mocks of PSP accounts of the sandbox, on free ports.
pub struct Mocks {
    pub running: Running,
    client: reqwest::Client,
}

/// One movement as the mock's own books have it.
#[derive(Debug, Clone)]
pub struct Movement {
    pub reference: String,
    pub client_reference: String,
    pub kind: String,
    /// In the currency's own minor unit, as the control API writes all its decimals.
    pub minor: i64,
    pub currency: String,
    pub status: String,
}

/// What most tests play with.
pub const ACCOUNTS: &[&str] = &["trustly-de", "truelayer-de", "trustly-gb", "truelayer-gb"];

/// Everybody whom the shipped policies ask about players.
pub const CHECKS: &[&str] = &[
    "register-se",
    "register-gb",
    "register-de",
    "register-nl",
    "limit-file-de",
    "watchman",
    "yente",
];

impl Mocks {
    pub async fn start(house: &House, public_url: &str, who: (&[&str], &[&str])) -> Self {
        let running = mock_psps::start(config(house, public_url, who)).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20));
        Self { running, client: client.build().unwrap() }
    }

    pub fn base_url(&self, psp: &str) -> String {
        let found = self.running.psps.iter().find(|running| running.id == psp);
        found.unwrap().base_url.clone()
    }

    /// Where a vendor is, with what its adapter wants behind it.
    pub fn vendor_url(&self, vendor: &str) -> String {
        let found = self.running.vendors.iter().find(|running| running.id == vendor);
        let base_url = found.unwrap().base_url.clone();
        match vendor {
            "elliptic" => format!("{base_url}/v2"),
            "onfido" => format!("{base_url}/v3.6"),
            _ => base_url,
        }
    }

    /// From now on a vendor does this.
    pub async fn vendor_fault(&self, vendor: &str, rule: Value) {
        self.post(&format!("/vendors/{vendor}/faults"), &rule).await;
    }

    pub async fn clear_vendor_faults(&self, vendor: &str) {
        let url = format!("{}/vendors/{vendor}/faults", self.running.control_url);
        assert!(self.client.delete(url).send().await.unwrap().status().is_success());
    }

    pub async fn vendor_listener(&self, vendor: &str, up: bool) {
        self.post(&format!("/vendors/{vendor}/listener"), &json!({"up": up})).await;
    }

    /// What a vendor was asked about.
    pub async fn cases(&self, vendor: &str) -> Vec<Value> {
        let url = format!("{}/vendors/{vendor}/cases", self.running.control_url);
        let answer: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        answer.as_array().unwrap().clone()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, text) = self.try_post(path, body).await;
        assert!((200..300).contains(&status), "{path} {body}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn try_post(&self, path: &str, body: &Value) -> (u16, String) {
        let url = format!("{}{path}", self.running.control_url);
        let answer = self.client.post(url).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The next `times` calls (all, when None) of an operation go wrong so.
    pub async fn fault(&self, psp: &str, operation: &str, fault: &str, times: Option<u64>) {
        self.fault_with(psp, json!({"operation": operation, "fault": fault, "times": times})).await;
    }

    pub async fn fault_with(&self, psp: &str, rule: Value) {
        self.post(&format!("/psps/{psp}/faults"), &rule).await;
    }

    /// A rule that could never fire.
    pub async fn refuses_fault(&self, psp: &str, rule: Value) {
        let (status, text) = self.try_post(&format!("/psps/{psp}/faults"), &rule).await;
        assert_eq!(status, 422, "{rule}: {text}");
    }

    pub async fn clear_faults(&self, psp: &str) {
        let url = format!("{}/psps/{psp}/faults", self.running.control_url);
        assert!(self.client.delete(url).send().await.unwrap().status().is_success());
    }

    /// Whether a rule is still waiting for a call or a notification to spoil.
    pub async fn has_faults(&self, psp: &str) -> bool {
        let url = format!("{}/psps/{psp}/faults", self.running.control_url);
        let rules: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        !rules.as_array().unwrap().is_empty()
    }

    /// How many calls the one rule still has to spoil.
    pub async fn faults_left(&self, psp: &str) -> u64 {
        let url = format!("{}/psps/{psp}/faults", self.running.control_url);
        let rules: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        rules[0]["times"].as_u64().unwrap()
    }

    /// How far the PSPs' clocks are ahead of the machine's.
    pub async fn set_clock(&self, ahead: Duration) {
        self.post("/clock", &json!({"ahead_s": ahead.as_secs()})).await;
    }

    pub async fn listener(&self, psp: &str, up: bool) {
        self.post(&format!("/psps/{psp}/listener"), &json!({"up": up})).await;
    }

    /// Completes by itself after a while, or (`None`) never.
    pub async fn auto(&self, psp: &str, after_ms: Option<u64>, outcome: &str) {
        let body = json!({"complete_after_ms": after_ms, "outcome": outcome});
        self.post(&format!("/psps/{psp}/auto"), &body).await;
    }

    pub async fn complete(&self, psp: &str, reference: &str, body: Value) {
        self.post(&format!("/psps/{psp}/movements/{reference}/complete"), &body).await;
    }

    /// A payer completes a movement, if it is still theirs to complete: it may be over by now.
    pub async fn complete_if_open(&self, psp: &str, reference: &str) {
        let path = format!("/psps/{psp}/movements/{reference}/complete");
        let (status, text) = self.try_post(&path, &json!({"outcome": "succeeded"})).await;
        assert!(status == 200 || status == 409, "{path}: {status} {text}");
    }

    /// A payer opens the page that they are sent to.
    pub async fn visit(&self, url: &str) {
        let page = self.client.get(url).send().await.unwrap();
        assert!(page.status().is_success(), "{url}: {}", page.status());
    }

    /// Pays as a payer would.
    pub async fn payin(&self, psp: &str, body: Value) {
        self.post(&format!("/psps/{psp}/payins"), &body).await;
    }

    /// Sends the newest notification again and tells how each was answered.
    pub async fn resend(&self, psp: &str, body: Value) -> Vec<u64> {
        let told = self.post(&format!("/psps/{psp}/webhooks/resend"), &body).await;
        let answers = told["answers"].as_array().unwrap().iter();
        answers.map(|answer| answer["status"].as_u64().unwrap_or(0)).collect()
    }

    pub async fn movements(&self, psp: &str) -> Vec<Movement> {
        let url = format!("{}/psps/{psp}/movements", self.running.control_url);
        let answer: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
        answer
            .as_array()
            .unwrap()
            .iter()
            .map(|it| Movement {
                reference: text(it, "reference"),
                client_reference: text(it, "client_reference").to_lowercase(),
                kind: text(it, "kind"),
                minor: text(it, "amount").replace('.', "").parse().unwrap(),
                currency: text(it, "currency"),
                status: text(it, "status"),
            })
            .collect()
    }

    /// A matcher's lists change, and hold these names besides.
    pub async fn change_lists(&self, vendor: &str, added: &[&str]) {
        self.post(&format!("/vendors/{vendor}/lists"), &json!({"add": added})).await;
    }

    /// Somebody goes through the pages of a vendor of identity. What the vendor calls it.
    pub async fn verify_identity(&self, vendor: &str, body: Value) -> String {
        let told = self.post(&format!("/vendors/{vendor}/applicants"), &body).await;
        told["reference"].as_str().unwrap().to_owned()
    }

    /// A vendor of identity decides, or decides anew.
    pub async fn decide_identity(&self, vendor: &str, reference: &str, body: Value) {
        self.post(&format!("/vendors/{vendor}/applicants/{reference}/complete"), &body).await;
    }

    /// All messages about a verification once more; how each was answered.
    pub async fn resend_identity(&self, vendor: &str, body: Value) -> Vec<u64> {
        let told = self.post(&format!("/vendors/{vendor}/webhooks/resend"), &body).await;
        let answers = told["answers"].as_array().unwrap().iter();
        answers.map(|answer| answer["status"].as_u64().unwrap_or(0)).collect()
    }

    /// The state of every reservation that a file of limits knows, by its reference.
    pub async fn reservations(&self, vendor: &str) -> Vec<(String, String)> {
        let url = format!("{}/vendors/{vendor}/movements", self.running.control_url);
        let answer: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
        let all = answer.as_array().unwrap().iter();
        all.map(|it| (text(it, "reference"), text(it, "status"))).collect()
    }

    /// The movement that an attempt made at its PSP, when it made one.
    pub async fn movement_of(&self, psp: &str, attempt: uuid::Uuid) -> Option<Movement> {
        let digits = attempt.simple().to_string();
        let movements = self.movements(psp).await;
        movements.into_iter().find(|movement| movement.client_reference == digits)
    }
}

/// The sandbox's configuration under these variables. All webhooks come to the one front of a test: what
/// a client certificate adds is tested with whole processes.
pub fn sandbox(house: &House, variables: &Variables) -> Config {
    let profile = Profile::Sandbox { home: house.home.clone(), file: None };
    let mut variables = variables.clone();
    variables.insert(variable_of("server.webhooks_tls_listen"), String::new());
    Config::load_with(&profile, &variables).unwrap()
}

/// The sandbox's own mocks, but on free ports and with books in memory.
fn config(house: &House, public_url: &str, (accounts, vendors): (&[&str], &[&str])) -> MockConfig {
    let public = Variables::from([(variable_of("server.public_url"), public_url.to_owned())]);
    let mut mocks = mock_config(&sandbox(house, &public), &house.home).unwrap();
    mocks.accounts.retain(|account| accounts.contains(&account.id.as_str()));
    mocks.vendors.retain(|one| !knows_people(&one.vendor) || vendors.contains(&one.id.as_str()));
    for account in &mut mocks.accounts {
        account.port = 0;
        // Tests move the service's clock, and PSPs stay where they are.
        account.settings.insert("token_skew_s".to_owned(), "31536000".to_owned());
        account.settings.entry("pages_port".to_owned()).and_modify(|port| "0".clone_into(port));
    }
    for vendor in &mut mocks.vendors {
        vendor.port = 0;
        vendor.settings.insert("skew_ms".to_owned(), "31536000000".to_owned());
    }
    MockConfig { control_addr: ([127, 0, 0, 1], 0).into(), seed: 7, books_dir: None, ..mocks }
}
