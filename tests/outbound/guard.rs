//! The guard against requests to places that are not public.

use crate::guard_urls::{ACCEPTED, REFUSED};
use crate::support::Scene;
use interlock::clock::Clock;
use interlock::domain::ids::SystemIds;
use interlock::webhooks::client::{NoAnswer, SignedRequest, WebhookClient};
use interlock::webhooks::guard::{GuardedNames, Names, Reach, UrlRefused};
use interlock::webhooks::register_endpoint::{
    RegisterEndpoint, RegisterEndpointError, register_endpoint,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

#[test]
fn nothing_that_is_not_public_passes_the_first_net() {
    assert!(REFUSED.len() >= 80, "{}", REFUSED.len());
    let passed: Vec<&&str> =
        REFUSED.iter().filter(|url| Reach::Public.check_url(url).is_ok()).collect();
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn public_places_pass() {
    for url in ACCEPTED {
        assert!(Reach::Public.check_url(url).is_ok(), "{url}: {:?}", Reach::Public.check_url(url));
    }
}

#[test]
fn a_refusal_names_its_reason() {
    let refused = |url: &str| Reach::Public.check_url(url).unwrap_err();
    assert_eq!(refused("http://casino.example/"), UrlRefused::NotHttps);
    assert_eq!(refused("https://u@casino.example/"), UrlRefused::HasUserinfo);
    assert_eq!(refused("https://casino.example:22/"), UrlRefused::PortDenied { port: 22 });
    let address = "169.254.169.254".parse().unwrap();
    assert_eq!(refused("https://0xa9fea9fe/"), UrlRefused::AddressDenied { address });
    assert_eq!(refused(&format!("https://a.example/{}", "x".repeat(2_048))), UrlRefused::Malformed);
}

#[test]
fn the_sandbox_adds_http_and_loopback_and_nothing_else() {
    let sandbox = Reach::PublicAndLoopback;
    for url in ["http://127.0.0.1:3000/", "http://localhost:3000/", "http://[::1]:3000/"] {
        assert!(sandbox.check_url(url).is_ok(), "{url}");
    }
    for url in [
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://db.internal/",
        "http://127.0.0.1:5432/",
        "http://router/",
    ] {
        assert!(sandbox.check_url(url).is_err(), "{url}");
    }
}

/// A name whose answers a test writes; the last one stays.
#[derive(Debug)]
struct Changing(Mutex<VecDeque<Vec<IpAddr>>>);

impl Changing {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|a| a.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }

    fn answer(&self) -> Vec<IpAddr> {
        let mut answers = self.0.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    }
}

impl Names for Changing {
    fn look_up(
        &self,
        _host: String,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let answer = self.answer();
        Box::pin(async move { Ok(answer) })
    }
}

/// The same names without the guard: what the control uses.
struct Unguarded(Arc<Changing>);

impl Resolve for Unguarded {
    fn resolve(&self, _name: Name) -> Resolving {
        let answer = self.0.answer();
        Box::pin(async move {
            let sockets = answer.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

/// A port on loopback that counts who comes.
async fn inside() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let visitors = Arc::new(AtomicUsize::new(0));
    let count = visitors.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, visitors)
}

fn request(url: &str) -> SignedRequest {
    SignedRequest {
        url: Reach::Public.check_url(url).unwrap(),
        event_id: "evt_1".to_owned(),
        timestamp: 1,
        signature: "v1,x".to_owned(),
        body: b"{}".to_vec(),
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_after_the_check_reaches_nothing() {
    let (port, visitors) = inside().await;
    let url = format!("https://rebind.casino.example:{port}/");
    let answers: &[&[&str]] = &[&["8.8.8.8"], &["127.0.0.1"]];

    // At registration the name is public, so the endpoint is made.
    let scene = Scene::new().await;
    let names = Changing::new(answers);
    let guard = GuardedNames::new(names.clone(), Reach::Public);
    let events = ["*".to_owned()];
    let request_to_register = RegisterEndpoint {
        operator: &scene.operator,
        url: &url,
        events: &events,
        idempotency_key: "k",
    };
    let now = scene.clock.now();
    let made = register_endpoint(&scene.pool, &guard, &SystemIds, request_to_register, now).await;
    assert!(made.is_ok());
    // At delivery it says loopback.
    let client = WebhookClient::new(names, Reach::Public).unwrap();
    assert_eq!(client.post(request(&url)).await, Err(NoAnswer::AddressRefused));
    assert_eq!(visitors.load(Ordering::SeqCst), 0);

    // The control: check first and connect by name afterwards, as one would without the guard.
    let names = Changing::new(answers);
    let checked = GuardedNames::new(names.clone(), Reach::Public);
    assert!(checked.look_up("rebind.casino.example".to_owned()).await.is_ok());
    let naive = reqwest::Client::builder()
        .dns_resolver(Unguarded(names))
        .timeout(Duration::from_secs(2))
        .no_proxy()
        .build()
        .unwrap();
    let _ = naive.post(&url).send().await;
    assert!(visitors.load(Ordering::SeqCst) > 0, "without the guard it connects");
}

#[tokio::test]
async fn one_inner_address_among_public_ones_refuses_them_all() {
    let (port, visitors) = inside().await;
    let url = format!("https://mixed.casino.example:{port}/");
    for inner in ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fd00::1"]
    {
        let names = Changing::new(&[&["8.8.8.8", inner]]);
        let client = WebhookClient::new(names.clone(), Reach::Public).unwrap();
        assert_eq!(client.post(request(&url)).await, Err(NoAnswer::AddressRefused), "{inner}");
        let scene = Scene::new().await;
        let guard = GuardedNames::new(names, Reach::Public);
        let events = ["*".to_owned()];
        let to_register = RegisterEndpoint {
            operator: &scene.operator,
            url: &url,
            events: &events,
            idempotency_key: "k",
        };
        let now = scene.clock.now();
        let made = register_endpoint(&scene.pool, &guard, &SystemIds, to_register, now).await;
        let Err(RegisterEndpointError::Url(refusal)) = made else { panic!("{inner}: {made:?}") };
        // What our resolver sees is not the casino's to know.
        let told = refusal.to_string();
        assert!(told.contains("mixed.casino.example") && !told.contains(inner), "{told}");
    }
    assert_eq!(visitors.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_without_an_address_is_a_failed_try() {
    let client = WebhookClient::new(Changing::new(&[&[]]), Reach::Public).unwrap();
    let answer = client.post(request("https://nowhere.casino.example/")).await;
    assert_eq!(answer, Err(NoAnswer::NameUnresolved));
}
