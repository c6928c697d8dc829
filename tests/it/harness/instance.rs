//! One instance of the service: lanes, flows and workers on a runtime of its own, so that it can be
//! killed in the middle of anything.

use super::house::House;
use super::mocks::{Mocks, sandbox};
use super::pace::stretched;
use super::render::PlainRender;
use super::world::Setup;
use interlock::app::parts::{self, Patience};
use interlock::app::{edge, psps, words, workers};
use interlock::clock::Clock;
use interlock::config::{Config, Variables, variable_of};
use interlock::domain::ids::SystemIds;
use interlock::flows::Flows;
use interlock::notify::mail::Mailer;
use interlock::outbox::live::Live;
use interlock::screening::file;
use interlock::screening::signals::Hook;
use interlock::store::Db;
use interlock::webhooks::client::WebhookClient;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub struct Instance {
    pub name: String,
    pub flows: Flows,
    runtime: Option<Runtime>,
    crew: TaskTracker,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// How long a vendor has that is asked about coins.
const VENDOR_DEADLINE: Duration = Duration::from_millis(1_500);

/// The sandbox's configuration with this test's ports.
fn configure(house: &House, mocks: &Mocks, name: &str, public_url: &str, setup: &Setup) -> Config {
    let mut variables = Variables::new();
    let mut set = |key: &str, value: String| variables.insert(variable_of(key), value);
    set("server.public_url", public_url.to_owned());
    set("instance.name", name.to_owned());
    set("database.lanes", setup.lanes.to_string());
    set("routing.health.faults_to_trip", setup.faults_to_trip.to_string());
    set("routing.health.silent_calls", setup.faults_to_trip.to_string());
    for psp in setup.accounts {
        let key = format!("psps.{}.base_url", psp.replace('-', "_"));
        let replaced = setup.base_urls.iter().find(|(id, _)| id == psp);
        set(&key, replaced.map_or_else(|| mocks.base_url(psp), |(_, url)| url.clone()));
    }
    for vendor in ["chainalysis", "elliptic", "trm"] {
        set(&format!("vendors.{vendor}.base_url"), mocks.vendor_url(vendor));
        let patience = stretched(VENDOR_DEADLINE).as_millis().to_string();
        set(&format!("vendors.{vendor}.call_timeout_ms"), patience);
    }
    set("vendors.chainalysis.settings.sanctions_url", mocks.vendor_url("chainalysis"));
    for vendor in setup.vendors {
        let key = format!("checks.{}.base_url", vendor.replace('-', "_"));
        set(&key, mocks.vendor_url(vendor));
    }
    for (key, value) in &setup.settings {
        set(key, value.clone());
    }
    let mut config = sandbox(house, &variables);
    config.checks.retain(|vendor| setup.vendors.contains(&vendor.id.as_str()));
    for vendor in &mut config.checks {
        vendor.deadline = stretched(vendor.deadline);
    }
    if let Some(only) = setup.analyst {
        for vendor in &mut config.vendors {
            let hooks = [Hook::KytDeposit, Hook::KytWithdrawal];
            vendor.hooks = if vendor.id == only { hooks.to_vec() } else { Vec::new() };
        }
    }
    rewrite(&mut config, setup);
    for route in &mut config.routing.routes {
        route.order.sort_by_key(|id| setup.first != Some(id.as_str()));
    }
    config
}

/// The kinds of rules by which a policy asks registers, files of limits and matchers of names.
const QUESTIONS: [&str; 3] = ["excluded.register_answer", "limit.cross_operator", "sanctions_pep"];

/// A policy without its questions about players and cards: what is asked is then what the test's own rules
/// ask.
fn without_questions(text: &str) -> String {
    let asks = |rule: &&str| {
        let id = rule.lines().find_map(|line| line.strip_prefix("id = ")).unwrap_or_default();
        QUESTIONS.contains(&id.trim_matches('"'))
    };
    let rules: Vec<&str> = text.split("[[rules]]\n").filter(|rule| !asks(rule)).collect();
    let of_cards =
        |line: &&str| ["card_funding", "on_untold"].iter().any(|it| line.starts_with(it));
    let text = rules.join("[[rules]]\n");
    text.split_inclusive('\n').filter(|line| !of_cards(line)).collect()
}

/// Changes the policies of the countries that tests play in before they are published.
fn rewrite(config: &mut Config, setup: &Setup) {
    let markets = &mut config.markets;
    for (file, text) in &mut markets.files {
        if !setup.shipped {
            *text = without_questions(text);
        }
        if !["DE-", "GB-", "SE-"].iter().any(|country| file.contains(country)) {
            continue;
        }
        if let Some(terms) = setup.limit_terms {
            let (from, to) =
                (text.find("[calendar]").unwrap(), text.find("[withdrawals]").unwrap());
            text.replace_range(from..to, terms);
        }
        *text = format!("{text}\n{}", setup.rules);
    }
    let (versions, faults) = file::read_all(&markets.files);
    assert_eq!(faults, []);
    markets.versions = versions;
}

impl Instance {
    pub async fn start(
        house: &House,
        mocks: &Mocks,
        (name, public_url, url): (&str, &str, &str),
        clock: Arc<dyn Clock>,
        setup: &Setup,
    ) -> Self {
        let config = configure(house, mocks, name, public_url, setup);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (crew, tasks) = (TaskTracker::new(), TaskTracker::new());
        let shutdown = CancellationToken::new();
        let building =
            build(config, url.to_owned(), clock, on_this_machine(setup.patience), tasks.clone());
        let (flows, deliveries, mailer) = runtime.spawn(building).await.unwrap();
        let instance =
            Self { name: name.to_owned(), flows, runtime: Some(runtime), crew, tasks, shutdown };
        if setup.workers {
            let crew = workers::Crew {
                instance: name.into(),
                ids: Arc::new(SystemIds),
                live: Arc::new(Live::default()),
                deliveries,
                mailer: Arc::new(mailer),
                shutdown: instance.shutdown.clone(),
                cut: CancellationToken::new(),
                tasks: instance.crew.clone(),
                driven: workers::Driven::default(),
            };
            let flows = instance.flows.clone();
            let started = async move {
                workers::start_routing(&flows, &crew);
                workers::start(&flows, &crew);
            };
            instance.run(started).await;
        }
        instance
    }

    pub fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.as_ref().unwrap().handle().clone()
    }

    /// Runs work of this instance; the work dies with it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        self.handle().spawn(work).await.unwrap()
    }

    /// Stops in order: workers, what they started, then the lanes.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        self.crew.close();
        self.crew.wait().await;
        drop(self.flows);
        self.tasks.close();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.tasks.wait()).await;
        let runtime = self.runtime.take().unwrap();
        runtime.shutdown_background();
        ended.expect("everything that was begun comes to an end");
    }

    /// Ends it as a crash would: nothing is finished, nothing is said.
    pub fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// What an unhurried machine has, on this one.
fn on_this_machine(patience: Patience) -> Patience {
    Patience {
        psp_deadline: stretched(patience.psp_deadline),
        attempt_lease: stretched(patience.attempt_lease),
        slot_lease: stretched(patience.slot_lease),
    }
}

async fn build(
    config: Config,
    url: String,
    clock: Arc<dyn Clock>,
    patience: Patience,
    tasks: TaskTracker,
) -> (Flows, WebhookClient, Mailer) {
    let world = parts::World {
        db: Db::connect(&url, config.database.pool_max).await.unwrap(),
        psps: Arc::new(psps::registry(&config, true).unwrap()),
        clock,
        ids: Arc::new(SystemIds),
        render: Arc::new(PlainRender),
    };
    let flows = parts::flows(&config, world, patience, &tasks).await.unwrap();
    let mailer = Mailer::new(&config.mail.from, &words::mail_transport(&config)).unwrap();
    (flows, edge::deliveries(&config).unwrap(), mailer)
}
