//! `sign` and `call`: an API request with its signature, for people at a shell.

use super::database::running;
use crate::api::sign::{SignedRequest, headers};
use crate::clock::{Clock, SystemClock};
use crate::domain::Ids;
use crate::domain::ids::SystemIds;
use anyhow::Context;
use clap::Args;
use reqwest::StatusCode;
use std::process::ExitCode;
use url::{Host, Url};

/// A request and the key that signs it.
#[derive(Debug, Args)]
pub struct Request {
    /// GET, POST, PUT or DELETE.
    pub method: String,
    /// The path with its query, `/v1/deposits?limit=2`.
    pub path: String,
    /// The body, byte for byte; none: empty.
    pub body: Option<String>,
    /// The API key's id.
    #[arg(long, default_value = "sk_sandbox", env = "INTERLOCK_KEY")]
    pub key: String,
    /// The key's secret; in the sandbox it equals the id.
    #[arg(long, env = "INTERLOCK_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// Where the API is; the running sandbox unless said.
    #[arg(long, env = "INTERLOCK_URL")]
    pub url: Option<String>,
    /// The idempotency key of a `call`; a fresh one unless said.
    #[arg(long)]
    pub idempotency_key: Option<String>,
}

/// Where an operator's commands go, and by whose key.
#[derive(Debug, Args)]
pub struct Operator {
    /// The API key's id; it must be a person's, with the scope `operate`.
    #[arg(long, default_value = "sk_operator", env = "INTERLOCK_OPERATOR_KEY")]
    key: String,
    /// The key's secret; in the sandbox it equals the id.
    #[arg(long, env = "INTERLOCK_OPERATOR_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Where the API is; the running sandbox unless said.
    #[arg(long, env = "INTERLOCK_URL")]
    url: Option<String>,
    /// Print the answer as it came, for programs.
    #[arg(long)]
    pub json: bool,
}

impl Operator {
    pub fn request(self, method: &str, path: String, body: Option<String>) -> Request {
        let Self { key, secret, url, json: _ } = self;
        Request { method: method.to_owned(), path, body, key, secret, url, idempotency_key: None }
    }
}

impl Request {
    fn signed(&self) -> [(&'static str, String); 4] {
        let timestamp = SystemClock.now().unix_timestamp().to_string();
        let nonce = SystemIds.next().simple().to_string();
        let method = self.method.to_ascii_uppercase();
        let request = SignedRequest {
            timestamp: &timestamp,
            nonce: &nonce,
            method: &method,
            path_and_query: &self.path,
            body: self.body.as_deref().unwrap_or_default().as_bytes(),
        };
        let secret = self.secret.as_ref().unwrap_or(&self.key);
        headers(&self.key, secret.as_bytes(), &request)
    }
}

/// Prints the headers, a line each, as curl's `-H` takes them.
pub fn sign(request: &Request) -> ExitCode {
    for (name, value) in request.signed() {
        println!("{name}: {value}");
    }
    ExitCode::SUCCESS
}

/// Sends the request and prints status and body. Exit code 1 when it was refused.
pub async fn call(request: Request) -> anyhow::Result<ExitCode> {
    let (status, body) = send(request).await?;
    eprintln!("{status}");
    println!("{body}");
    Ok(exit_code(status))
}

pub fn exit_code(status: StatusCode) -> ExitCode {
    if status.is_success() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Sends the request and gives status and body.
pub async fn send(request: Request) -> anyhow::Result<(StatusCode, String)> {
    anyhow::ensure!(
        request.path.starts_with('/'),
        "`{}` is no path: it begins with `/`, as /v1/deposits does",
        request.path
    );
    let url = match &request.url {
        Some(url) => url.clone(),
        None => {
            running()?.context("no API: pass --url, or start a sandbox with `make run`")?.api_url
        }
    };
    let method = request.method.to_ascii_uppercase();
    let target = format!("{}{}", url.trim_end_matches('/'), request.path);
    let client = reqwest::Client::builder();
    // A proxy of the environment leads elsewhere, and knows no service of this machine.
    let here = request.url.is_none() || is_loopback(&url);
    let client = if here { client.no_proxy() } else { client };
    let client = client.build().context("building the HTTP client")?;
    let method = reqwest::Method::from_bytes(method.as_bytes()).context("the method")?;
    let mut call = client.request(method.clone(), &target);
    for (name, value) in request.signed() {
        call = call.header(name, value);
    }
    if method == reqwest::Method::POST {
        let fresh = || SystemIds.next().simple().to_string();
        call =
            call.header("idempotency-key", request.idempotency_key.clone().unwrap_or_else(fresh));
    }
    if let Some(body) = &request.body {
        call = call.header("content-type", "application/json").body(body.clone());
    }
    let response = call.send().await.with_context(|| format!("calling {target}"))?;
    let status = response.status();
    let body = response.text().await.context("reading the answer")?;
    Ok((status, body))
}

fn is_loopback(url: &str) -> bool {
    let url = Url::parse(url);
    match url.as_ref().ok().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_known() {
        for url in ["http://127.0.0.1:8080", "http://localhost:1/x", "http://[::1]:8080"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["https://pay.casino.example", "http://10.0.0.5", "http://localhost.example", "x"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
