//! A validator between an adapter and a mock: it holds every request and every answer against the
//! OpenAPI file that the PSP publishes, and says which field of which of the two is wrong.
//!
//! The files are no part of the project: they are read from `specs` in the folder that `INTERLOCK_SHARED`
//! names, without which these tests are passed over (docs/psps.md), and mended in a temporary copy; `programs/mend_spec.js` says what is wrong with them and why.

use crate::oracles::oracle::{here, installed, node};
use crate::support;
use psp_contract::{HttpRequest, HttpResponse};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Reading a large description takes seconds, and on a busy machine many.
const PATIENCE: Duration = Duration::from_secs(180);
/// What the validator's own answers begin their `type` with.
const ITS_ERRORS: &str = "https://stoplight.io/prism/errors";

/// A published description, and what of it is used.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    pub file: &'static str,
    /// What stands before the paths at the mock.
    pub base: &'static str,
    pub paths: &'static [&'static str],
}

pub struct Prism {
    // Killed when the test drops it.
    _process: Child,
    mended: PathBuf,
    pub url: String,
    client: reqwest::Client,
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.mended);
    }
}

/// The description as the validator can read it.
async fn mend(description: &Description, published: &PathBuf) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{}-{number}.json", description.file, std::process::id());
    let mended = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut command = node(&installed().unwrap());
    command.arg(here().join("programs/mend_spec.js")).arg(published).arg(description.base);
    let output = command.args(description.paths).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(&mended, output.stdout).unwrap();
    mended
}

async fn listening(command: &mut Command) -> (Child, String) {
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, url)) = line.split_once("listening on ") {
                return url.trim().to_owned();
            }
        }
        panic!("the validator ended");
    };
    let url = tokio::time::timeout(PATIENCE, ready).await.expect("the validator does not start");
    // Whatever else it says must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, url)
}

impl Prism {
    /// Before a server: what passes is a request and an answer as described. None, and a word about it,
    /// where the oracles or the descriptions are not there.
    pub async fn before(upstream: &str, description: &Description) -> Option<Self> {
        Self::start("proxy", Some(upstream), description).await
    }

    /// In the place of a server: takes requests as described.
    pub async fn instead(description: &Description) -> Option<Self> {
        Self::start("mock", None, description).await
    }

    async fn start(mode: &str, upstream: Option<&str>, description: &Description) -> Option<Self> {
        let installed = installed()?;
        let published = support::shared("specs")?.join(description.file);
        let mended = mend(description, &published).await;
        let mut command = node(&installed);
        command.arg(installed.join("node/node_modules/@stoplight/prism-cli/dist/index.js"));
        command.arg(mode).arg(&mended).args(upstream);
        command.args(["--errors", "--host", "127.0.0.1", "--port", "0"]);
        let (process, url) = listening(&mut command).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Some(Self { _process: process, mended, url, client })
    }

    /// Sends a request; the error is what the validator found, with the request or with the answer.
    pub async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        let method = request.method.as_str().parse().unwrap();
        let mut sent = self.client.request(method, &request.url).body(request.body.clone());
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        let answer = sent.send().await.unwrap();
        let status = answer.status().as_u16();
        let headers = answer.headers().iter();
        let headers =
            headers.map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned())).collect();
        let body = answer.bytes().await.unwrap().to_vec();
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        if told["type"].as_str().is_some_and(|it| it.starts_with(ITS_ERRORS)) {
            return Err(format!("{} {}: {told}", request.method.as_str(), request.url));
        }
        Ok(HttpResponse { status, headers, body })
    }
}

/// The validator itself: it passes what is described and names what is not, in both directions.
mod controls {
    use super::{Description, Prism};
    use axum::Json;
    use psp_contract::{HttpRequest, Method};
    use serde_json::{Value, json};

    const CHECKOUT: Description =
        Description { file: "adyen-checkout-v71.json", base: "/v71", paths: &["/payments"] };

    fn request(prism: &Prism, body: &Value) -> HttpRequest {
        HttpRequest {
            method: Method::Post,
            url: format!("{}/v71/payments", prism.url),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("x-api-key", "key".to_owned()),
            ],
            body: body.to_string().into_bytes(),
            moves_money: true,
            long_answer: false,
        }
    }

    /// A server that answers with what it was asked to in `metadata.answer`.
    async fn parrot() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = async |Json(asked): Json<Value>| {
            let answer = asked["metadata"]["answer"].as_str().unwrap();
            Json(serde_json::from_str::<Value>(answer).unwrap())
        };
        let router = axum::Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    #[tokio::test]
    async fn a_field_that_is_missing_or_wrong_is_named() {
        let Some(prism) = Prism::before(&parrot().await, &CHECKOUT).await else { return };
        let honest = json!({
            "amount": {"value": 1050, "currency": "EUR"}, "merchantAccount": "Casino",
            "paymentMethod": {"type": "scheme"}, "reference": "r-1",
            "returnUrl": "https://casino.test/back",
            "metadata": {"answer": r#"{"resultCode":"Authorised","pspReference":"P1"}"#},
        });
        let answer = prism.send(&request(&prism, &honest)).await.unwrap();
        assert_eq!(answer.status, 200);

        let mut lacking = honest.clone();
        lacking.as_object_mut().unwrap().remove("reference");
        let violation = prism.send(&request(&prism, &lacking)).await.unwrap_err();
        assert!(violation.contains("required property 'reference'"), "{violation}");

        let mut wrong = honest;
        wrong["metadata"]["answer"] = r#"{"resultCode":"Authorized"}"#.into();
        let violation = prism.send(&request(&prism, &wrong)).await.unwrap_err();
        assert!(violation.contains("VIOLATIONS"), "{violation}");
        assert!(violation.contains("resultCode"), "{violation}");
    }
}
