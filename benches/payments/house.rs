//! The service's rooms as the sandbox wires them, on a database of ours and on free ports.

use anyhow::{Result, anyhow};
use interlock::app::parts::{Patience, World, flows};
use interlock::app::psps::registry;
use interlock::book::{Payment, Viewer};
use interlock::clock::SystemClock;
use interlock::config::{Config, ConfigFault, Profile, Variables, sandbox_accounts};
use interlock::decide::{Answer, Refusal};
use interlock::domain::ids::SystemIds;
use interlock::flows::Flows;
use interlock::lane::Render;
use interlock::sandbox::keys::SandboxKeys;
use interlock::store::Db;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The accounts that are measured, their country and currency.
pub const MEASURED: [(&str, &str, &str); 2] =
    [("truelayer-gb", "GB", "GBP"), ("trustly-de", "DE", "EUR")];

/// Where everything listens: by account, and the service itself under `service`.
pub type Ports = BTreeMap<String, u16>;

/// Ports that are free now, a different one for each.
pub fn free_ports() -> Result<Ports> {
    let names = sandbox_accounts().into_iter().map(|(id, _)| id);
    let bound: Vec<_> = names
        .chain(["service".to_owned(), "control".to_owned()])
        .map(|name| Ok((name, std::net::TcpListener::bind("127.0.0.1:0")?)))
        .collect::<Result<_>>()?;
    bound.into_iter().map(|(name, listener)| Ok((name, listener.local_addr()?.port()))).collect()
}

/// The sandbox's configuration with these ports; its keys are made where they are missing.
pub fn config(home: &Path, ports: &Ports) -> Result<Config> {
    let accounts = sandbox_accounts();
    SandboxKeys::ensure(home, accounts.iter().map(|(id, adapter)| (&**id, &**adapter)))?;
    let mut variables = Variables::new();
    for (name, port) in ports {
        let key = name.replace('-', "_").to_uppercase();
        let (key, value) = match name.as_str() {
            "service" => ("SERVER__PUBLIC_URL".to_owned(), format!("http://127.0.0.1:{port}")),
            "control" => ("SANDBOX__CONTROL_LISTEN".to_owned(), format!("127.0.0.1:{port}")),
            _ => (format!("PSPS__{key}__BASE_URL"), format!("http://127.0.0.1:{port}")),
        };
        variables.insert(format!("INTERLOCK__{key}"), value);
    }
    variables.insert("INTERLOCK__INSTANCE__NAME".to_owned(), "bench".to_owned());
    let profile = Profile::Sandbox { home: home.to_owned(), file: None };
    Config::load_with(&profile, &variables).map_err(|faults| all_of(&faults))
}

fn all_of(faults: &[ConfigFault]) -> anyhow::Error {
    let texts = faults.iter().map(|fault| format!("{}: {}", fault.key, fault.message));
    anyhow!(texts.collect::<Vec<_>>().join("; "))
}

/// Lanes and flows with `lanes` lanes.
pub async fn open(
    mut config: Config,
    url: &str,
    lanes: usize,
    tasks: &TaskTracker,
) -> Result<Flows> {
    config.database.lanes = lanes;
    let psps = registry(&config, true).map_err(|faults| all_of(&faults))?;
    let world = World {
        db: Db::connect(url, config.database.pool_max).await?,
        psps: Arc::new(psps),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        render: Arc::new(BenchRender),
    };
    Ok(flows(&config, world, Patience::default(), tasks).await?)
}

/// Answers and events of about the size that the API renders.
#[derive(Debug)]
struct BenchRender;

fn view(payment: &Payment) -> Value {
    let attempts = payment.attempts.iter().map(|attempt| {
        json!({
            "id": attempt.id.to_string(), "number": attempt.number, "psp": attempt.psp,
            "status": attempt.status.as_str(),
            "error": attempt.error.as_ref().map(|error| error.code.clone()),
            "started_at": attempt.first_sent_at.to_string(),
            "ended_at": attempt.ended_at.map(|at| at.to_string()),
        })
    });
    let candidates = payment.route.candidates.iter().map(
        |candidate| json!({"psp": candidate.psp, "rank": candidate.rank, "reason": candidate.reason}),
    );
    json!({
        "id": payment.id.to_string(), "direction": payment.direction().as_str(),
        "status": payment.status.as_str(), "player_id": payment.player.player.as_str(),
        "amount": payment.money.major(), "currency": payment.currency().code(),
        "country": payment.country, "method": payment.method.as_str(), "origin": "request",
        "reference": payment.reference, "received": payment.received.map(|money| money.major()),
        "credited": payment.credited.map(|money| money.major()), "fee": null,
        "next_action": payment.next_action.as_ref().map(|_| json!({"type": "redirect"})),
        "reasons": [], "attempts": attempts.collect::<Vec<_>>(),
        "route": {"version": payment.route.version, "candidates": candidates.collect::<Vec<_>>()},
        "created_at": payment.created_at.to_string(), "updated_at": payment.updated_at.to_string(),
        "metadata": {},
    })
}

impl Render for BenchRender {
    fn answer(&self, answer: &Answer, viewer: Viewer) -> (u16, Vec<u8>) {
        match answer {
            Answer::Payment(payment) => self.payment(payment, viewer),
            _ => (201, b"{}".to_vec()),
        }
    }

    fn refusal(&self, refusal: &Refusal, _: Viewer) -> (u16, Vec<u8>) {
        (422, json!({"code": refusal.code()}).to_string().into_bytes())
    }

    fn payment(&self, payment: &Payment, _: Viewer) -> (u16, Vec<u8>) {
        (201, view(payment).to_string().into_bytes())
    }

    fn event(&self, payment: &Payment) -> String {
        view(payment).to_string()
    }
}
