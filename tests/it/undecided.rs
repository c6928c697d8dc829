//! O12 and O13 of `outcomes` end to end: the PSP itself does not know, or says that the reference was used before.
//! No mock speaks so, so the PSP here is a server of the test's own.

use super::harness::{Setup, World, gbp};
use interlock::domain::AttemptStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TOKEN: &str = r#"{"access_token":"t","expires_in":3600,"token_type":"Bearer"}"#;

/// What TrueLayer would say to a payout, and how often it was asked for one.
struct Undecided {
    url: String,
    asked: Arc<AtomicUsize>,
}

async fn undecided(status: &'static str, problem: &'static str) -> Undecided {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = asked.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let counting = counting.clone();
            tokio::spawn(async move { answer(socket, status, problem, &counting).await });
        }
    });
    Undecided { url, asked }
}

/// Answers one request a connection.
async fn answer(mut socket: TcpStream, status: &str, problem: &str, asked: &AtomicUsize) {
    let mut head = Vec::new();
    let mut buffer = [0; 4_096];
    let whole = loop {
        let read = socket.read(&mut buffer).await.unwrap_or(0);
        head.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&head).into_owned();
        let length = text.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1).and_then(|rest| {
            rest.split("\r\n").next().and_then(|number| number.parse::<usize>().ok())
        });
        let done = text.split_once("\r\n\r\n");
        if read == 0 || done.is_some_and(|(_, body)| length.unwrap_or(0) <= body.len()) {
            break text;
        }
    };
    let (status, body) = if whole.contains("/connect/token") {
        ("200 OK", TOKEN.to_owned())
    } else if whole.starts_with("POST") && whole.contains("payouts") {
        asked.fetch_add(1, Ordering::SeqCst);
        let body = format!(
            r#"{{"type":"https://docs.truelayer.com/docs/error-types#{problem}","title":"x","status":409,"trace_id":"t"}}"#
        );
        (status, body)
    } else {
        ("404 Not Found", "{}".to_owned())
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    let _ = socket.write_all(answer.as_bytes()).await;
}

/// The payout stays unknown and held, nobody else is asked, and people can settle it.
async fn stays_unknown(status: &'static str, problem: &'static str) {
    let psp = undecided(status, problem).await;
    let base_urls = vec![("truelayer-gb".to_owned(), psp.url.clone())];
    let world = World::with(Setup { base_urls, ..Setup::default() }).await;
    let player = world.player("GB").await;
    world.win(&player, interlock::domain::Currency::GBP, 1_000).await;
    let withdrawal = world.withdraw(&player, gbp(900)).await;
    let unknown = world.attempt_is(withdrawal.id, 1, AttemptStatus::Unknown).await;
    assert_eq!(unknown.status.as_str(), "processing");
    assert_eq!(unknown.attempts.len(), 1, "nobody else is asked");
    assert_eq!(world.wallet(&player).await.held, 900);
    assert!(0 < psp.asked.load(Ordering::SeqCst));
    assert!(world.mocks.movements("trustly-gb").await.is_empty());
    let step = std::time::Duration::from_secs(3_700);
    let asked = || async { world.reviews(&withdrawal).await.pop() };
    world.later("people are asked", step, asked).await;
    world.two_people(&withdrawal, "resolve_unpaid").await;
    let next = world.payment(withdrawal.id).await;
    assert_eq!(next.attempts[0].status, AttemptStatus::NotSent);
    super::harness::eventually("it went on", super::harness::SOON, || async {
        let status = world.payment(withdrawal.id).await.status;
        ["paid", "failed"].contains(&status.as_str()).then_some(())
    })
    .await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o12_a_psp_that_does_not_know_leaves_the_payout_unknown() {
    stays_unknown("409 Conflict", "concurrency-conflict").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o13_a_reference_that_was_used_before_leaves_the_payout_unknown() {
    stays_unknown("422 Unprocessable Entity", "idempotency-key-reuse").await;
}
