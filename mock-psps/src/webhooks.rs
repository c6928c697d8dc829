//! The courier: carries an account's notifications to the merchant, in order, again and again
//! until they are acknowledged, and spoils them where a fault rule says so.
//!
//! First attempts of one movement follow each other; what fails is repeated on its own, so a
//! late repeat may overtake nothing but is never lost. A spoiled notification that the merchant
//! refuses is followed by the honest one, as a PSP's retry would be.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

use crate::book::{Entry, Kind};
use crate::clock;
use crate::config::MockAccount;
use crate::faults::Fault;
use crate::psp::{Notice, Psp, Twist};
use crate::tls;

const RETRY_AFTER_MS: [u64; 9] = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000];
const ATTEMPTS_MAX: usize = 60;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a notification waits to be overtaken before it goes anyway.
const REORDER_WAIT: Duration = Duration::from_secs(2);
/// Notices by their id: null once they were acknowledged.
const NOTICES: &str = "notice";
const STALE_AGE_S: i64 = 3_600;

/// A notice that nobody has acknowledged, as the books keep it.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The order in which they were given out.
    number: usize,
    kind: Kind,
    reference: String,
    event: String,
    /// Whether the address begins where this account is notified: then it goes to where that is by now.
    at_home: bool,
    url: String,
    data: Value,
}

struct Parcel {
    notice: Notice,
    kind: Kind,
    /// Told when the first attempt is over.
    tried: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Desk {
    /// A movement's waiting parcels; present while its worker runs.
    lanes: HashMap<String, VecDeque<Parcel>>,
    /// The last notice given out for a movement, for resends.
    last: HashMap<String, Notice>,
}

pub(crate) struct Courier {
    client: reqwest::Client,
    /// Somebody else's: a forged notification comes without the PSP's certificate.
    stranger: reqwest::Client,
    /// Where the account is notified when no request names another address.
    home: String,
    desk: Mutex<Desk>,
    arrived: Notify,
}

impl Courier {
    pub(crate) fn new(account: &MockAccount) -> anyhow::Result<Self> {
        let builder = || {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(ANSWER_TIMEOUT)
        };
        Ok(Self {
            client: tls::client(builder(), account, true)?,
            stranger: tls::client(builder(), account, false)?,
            home: account.webhook_url.clone(),
            desk: Mutex::default(),
            arrived: Notify::new(),
        })
    }

    /// Whether an address refuses callers without the PSP's certificate and serves those with it.
    pub(crate) async fn is_guarded(&self, url: &str) -> bool {
        let call = |client: &reqwest::Client| {
            client.post(url).json(&json!({ "evento": "teste_webhook" })).send()
        };
        let stranger = call(&self.stranger).await;
        let refused = stranger.map_or(true, |answer| matches!(answer.status().as_u16(), 401 | 403));
        let friend = call(&self.client).await;
        refused && friend.is_ok_and(|answer| answer.status().is_success())
    }

    /// Forgets what waits and what was sent.
    pub(crate) fn forget(&self) {
        *self.desk() = Desk::default();
    }

    pub(crate) fn last(&self, reference: &str) -> Option<Notice> {
        self.desk().last.get(reference).cloned()
    }

    /// Takes the next parcel of a lane; an empty lane is closed if the worker says so.
    fn next(&self, reference: &str, close: bool) -> Option<Parcel> {
        let mut desk = self.desk();
        let parcel = desk.lanes.get_mut(reference)?.pop_front();
        if parcel.is_none() && close {
            desk.lanes.remove(reference);
        }
        parcel
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what the merchant is to hear inside of the booking that it tells of, until it is acknowledged.
pub(crate) fn keep(psp: &Psp, entry: &mut Entry<'_>, kind: Kind, notices: &[Notice]) {
    for notice in notices {
        let suffix = notice.url.strip_prefix(&psp.courier.home);
        let suffix = suffix.filter(|_| !psp.courier.home.is_empty());
        let kept = Kept {
            number: entry.facts_kept(),
            kind,
            reference: notice.reference.clone(),
            event: notice.event.clone().into_owned(),
            at_home: suffix.is_some(),
            url: suffix.unwrap_or(&notice.url).to_owned(),
            data: notice.data.clone(),
        };
        entry.put_fact(NOTICES, &notice.id, json!(kept));
    }
}

/// Hands notices of one movement, which its booking has kept, to the courier. The receiver hears when the
/// first attempt of the last of them is over.
pub(crate) fn send(psp: &Arc<Psp>, kind: Kind, notices: Vec<Notice>) -> oneshot::Receiver<()> {
    let (tried, over) = oneshot::channel();
    let mut tried = Some(tried);
    let count = notices.len();
    for (index, notice) in notices.into_iter().enumerate() {
        let reference = notice.reference.clone();
        let tried = if index + 1 == count { tried.take() } else { None };
        let fresh = {
            let mut desk = psp.courier.desk();
            desk.last.insert(reference.clone(), notice.clone());
            let fresh = !desk.lanes.contains_key(&reference);
            let lane = desk.lanes.entry(reference.clone()).or_default();
            lane.push_back(Parcel { notice, kind, tried });
            fresh
        };
        psp.courier.arrived.notify_waiters();
        if fresh {
            let owner = psp.clone();
            psp.spawn(async move { work_lane(owner, reference).await });
        }
    }
    over
}

async fn work_lane(psp: Arc<Psp>, reference: String) {
    while let Some(parcel) = psp.courier.next(&reference, true) {
        let plan = psp.faults.draw_for_delivery(parcel.kind);
        let delay = plan.delay_or(2_000);
        match plan.fault {
            Some(Fault::WebhookReorder) => {
                if let Some(overtaker) = await_overtaker(&psp, &reference).await {
                    deliver(&psp, overtaker, Twist::default()).await;
                }
                deliver(&psp, parcel, Twist::default()).await;
            }
            Some(Fault::WebhookDelay) => {
                let owner = psp.clone();
                psp.spawn(async move {
                    tokio::time::sleep(delay).await;
                    deliver(&owner, parcel, Twist::default()).await;
                });
            }
            // Lost for good: not even a restart brings it back.
            Some(Fault::WebhookDrop) => settle(&psp, &parcel.notice),
            Some(Fault::WebhookDuplicate) => {
                let again =
                    Parcel { tried: None, notice: parcel.notice.clone(), kind: parcel.kind };
                deliver(&psp, again, Twist::default()).await;
                deliver(&psp, parcel, Twist::default()).await;
            }
            other => deliver(&psp, parcel, twist_of(other)).await,
        }
    }
}

fn twist_of(fault: Option<Fault>) -> Twist {
    let honest = Twist::default();
    match fault {
        Some(Fault::WebhookBadSignature) => Twist { bad_signature: true, ..honest },
        Some(Fault::WebhookStale) => Twist { age_s: STALE_AGE_S, ..honest },
        Some(Fault::WebhookWrongAmount) => Twist { wrong_amount: true, ..honest },
        Some(Fault::WebhookWrongCurrency) => Twist { wrong_currency: true, ..honest },
        _ => honest,
    }
}

/// Waits for another notice of the same movement, so that it can go first.
async fn await_overtaker(psp: &Psp, reference: &str) -> Option<Parcel> {
    let wait = async {
        loop {
            let arrived = psp.courier.arrived.notified();
            tokio::pin!(arrived);
            // Listening starts before looking, so that no arrival falls in between.
            arrived.as_mut().enable();
            let waiting = psp.courier.next(reference, false);
            if waiting.is_some() {
                return waiting;
            }
            arrived.await;
        }
    };
    tokio::time::timeout(REORDER_WAIT, wait).await.ok().flatten()
}

/// The first attempt; what fails goes on by itself.
async fn deliver(psp: &Arc<Psp>, parcel: Parcel, twist: Twist) {
    let delivered = attempt(psp, &parcel.notice, &twist).await.accepted;
    if let Some(tried) = parcel.tried {
        let _ = tried.send(());
    }
    if delivered {
        settle(psp, &parcel.notice);
    } else {
        let owner = psp.clone();
        let notice = parcel.notice;
        psp.spawn(async move { retry(&owner, &notice).await });
    }
}

/// Remembers, also over a restart, that a notice needs no more attempts.
fn settle(psp: &Psp, notice: &Notice) {
    psp.book.enter(|entry| entry.put_fact(NOTICES, &notice.id, Value::Null));
}

/// Takes up again, after a restart, what the merchant has not acknowledged yet, in the order of then.
pub(crate) fn resume(psp: &Arc<Psp>) {
    let kept = psp.book.facts(NOTICES).into_iter().filter_map(|(id, kept)| {
        let kept: Kept = serde_json::from_value(kept).ok()?;
        Some((kept.number, id, kept))
    });
    let mut kept: Vec<_> = kept.collect();
    kept.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
    for (_, id, kept) in kept {
        let home = if kept.at_home { psp.courier.home.as_str() } else { "" };
        let notice = Notice {
            reference: kept.reference,
            event: kept.event.into(),
            id,
            url: format!("{home}{}", kept.url),
            data: kept.data,
        };
        drop(send(psp, kept.kind, vec![notice]));
    }
}

async fn retry(psp: &Psp, notice: &Notice) {
    for round in 0..ATTEMPTS_MAX {
        let wait_ms = RETRY_AFTER_MS[round.min(RETRY_AFTER_MS.len() - 1)];
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        if attempt(psp, notice, &Twist::default()).await.accepted {
            return settle(psp, notice);
        }
    }
    tracing::warn!(psp.id = %psp.id, event = %notice.event, "a notification was given up");
}

/// What the merchant said to one delivery.
pub(crate) struct Attempt {
    pub(crate) status: Option<u16>,
    pub(crate) accepted: bool,
}

async fn attempt(psp: &Psp, notice: &Notice, twist: &Twist) -> Attempt {
    let sent = psp.dialect.sign(notice, twist, clock::aged(twist.age_s));
    let client = if twist.bad_signature { &psp.courier.stranger } else { &psp.courier.client };
    let mut request = client.post(&sent.url).body(sent.body.clone());
    for (name, value) in &sent.headers {
        request = request.header(*name, value);
    }
    let Ok(answer) = request.send().await else {
        return Attempt { status: None, accepted: false };
    };
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap_or_default();
    Attempt { status: Some(status), accepted: psp.dialect.acknowledged(&sent, status, &body) }
}

/// Sends the last notice of a movement again, or its present state if nothing was sent yet, and
/// reports each answer. No retries: the caller wants to see what happens to this very message.
pub(crate) async fn resend(psp: &Psp, reference: &str, times: u32, twist: Twist) -> Option<Value> {
    let movement = psp.book.find(reference)?;
    let notice = psp.courier.last(reference).or_else(|| psp.dialect.present(&movement))?;
    let mut answers = Vec::new();
    for _ in 0..times {
        let answer = attempt(psp, &notice, &twist).await;
        answers.push(json!({ "status": answer.status, "accepted": answer.accepted }));
    }
    Some(json!({ "event": notice.event, "event_id": notice.id, "answers": answers }))
}
