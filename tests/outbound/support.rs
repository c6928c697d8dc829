//! A scene: one operator, its slots, its endpoints, and a clock that the test owns.

use interlock::clock::{Clock, TestClock};
use interlock::domain::ids::SystemIds;
use interlock::domain::{EndpointId, EventId, Ids, OperatorId, PaymentId};
use interlock::outbox::publish::publish_within;
use interlock::store::deliveries::{self, Delivery};
use interlock::webhooks::client::WebhookClient;
use interlock::webhooks::deliver::{Delivered, Outbound, deliver};
use interlock::webhooks::guard::{GuardedNames, Reach, SystemNames};
use interlock::webhooks::register_endpoint::{RegisterEndpoint, register_endpoint};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;
use time::macros::datetime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub struct Scene {
    pub pool: PgPool,
    pub operator: OperatorId,
    pub slot: i16,
    pub clock: Arc<TestClock>,
    pub outbound: Outbound,
}

pub struct Endpoint {
    pub id: EndpointId,
    pub secret: String,
}

/// Connections to a database of its own: workers look at everything there is, so tests that share
/// tables would do each other's work by the wrong clock.
pub async fn pool() -> PgPool {
    let url = crate::cluster::database().await;
    let options: PgConnectOptions = url.parse().expect("a database URL");
    PgPoolOptions::new()
        .max_connections(6)
        .connect_with(options)
        .await
        .expect("the database answers")
}

impl Scene {
    pub async fn new() -> Self {
        Self::with_timeout(Duration::from_secs(15)).await
    }

    /// Another operator at the same tables.
    pub async fn stranger(&self) -> Self {
        let operator = new_operator();
        let slot = new_slot(&self.pool).await;
        Self {
            pool: self.pool.clone(),
            operator,
            slot,
            clock: self.clock.clone(),
            outbound: self.outbound.clone(),
        }
    }

    pub async fn with_timeout(timeout: Duration) -> Self {
        let pool = pool().await;
        let clock = Arc::new(TestClock::at(datetime!(2026-03-01 12:00 UTC)));
        let names = Arc::new(SystemNames);
        let client = WebhookClient::with_timeout(names, Reach::PublicAndLoopback, timeout);
        let outbound = Outbound {
            pool: pool.clone(),
            client: client.unwrap(),
            clock: clock.clone(),
            ids: Arc::new(SystemIds),
            shutdown: CancellationToken::new(),
        };
        let operator = new_operator();
        let slot = new_slot(&pool).await;
        Self { pool, operator, slot, clock, outbound }
    }

    pub fn names(&self) -> GuardedNames {
        GuardedNames::new(Arc::new(SystemNames), Reach::PublicAndLoopback)
    }

    pub async fn endpoint(&self, url: &str, events: &[&str]) -> Endpoint {
        let events: Vec<String> = events.iter().map(|e| (*e).to_owned()).collect();
        let request = RegisterEndpoint {
            operator: &self.operator,
            url,
            events: &events,
            idempotency_key: &Uuid::new_v4().to_string(),
        };
        let now = self.clock.now();
        let names = self.names();
        let made = register_endpoint(&self.pool, &names, &SystemIds, request, now).await.unwrap();
        Endpoint { id: made.id, secret: made.secret.expose_secret().to_owned() }
    }

    /// Commits one event of a payment, as a lane would.
    pub async fn event(&self, payment: PaymentId, sequence: i64, kind: &str) -> EventId {
        self.event_in(self.slot, payment, sequence, kind).await
    }

    pub async fn event_in(
        &self,
        slot: i16,
        payment: PaymentId,
        sequence: i64,
        kind: &str,
    ) -> EventId {
        let event_id = SystemIds.next();
        let mut tx = self.pool.begin().await.unwrap();
        let seq: i64 =
            sqlx::query_scalar("update lane_slot set seq = seq + 1 where slot = $1 returning seq")
                .bind(slot)
                .fetch_one(&mut *tx)
                .await
                .unwrap();
        sqlx::query(
            "insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
             values ($1, $2, 'test', $3, 'p-1', $4)",
        )
        .bind(slot)
        .bind(seq)
        .bind(self.operator.as_str())
        .bind(self.clock.now())
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "insert into outbox_event (slot, seq, n, event_id, operator_id, player_id, subject,
               payment_id, payment_sequence, kind, data, created_at)
             values ($1, $2, 0, $3, $4, 'p-1', $5, $6, $7, $8, $9, $10)",
        )
        .bind(slot)
        .bind(seq)
        .bind(event_id)
        .bind(self.operator.as_str())
        .bind(payment.to_string())
        .bind(payment.uuid)
        .bind(sequence)
        .bind(kind)
        .bind(serde_json::json!({"id": payment.to_string(), "amount": "100.00", "step": sequence}))
        .bind(self.clock.now())
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        EventId(event_id)
    }

    /// Passes on all that there is, however long this machine takes for it.
    pub async fn publish(&self) {
        let patience = Duration::from_secs(60);
        publish_within(&self.pool, &SystemIds, patience, self.clock.now()).await.unwrap();
    }

    pub async fn deliver(&self, endpoint: &Endpoint) -> Delivered {
        deliver(&self.outbound, endpoint.id).await.unwrap()
    }

    /// Delivers until nothing is due.
    pub async fn deliver_all(&self, endpoint: &Endpoint) -> u64 {
        let mut delivered = 0;
        loop {
            let round = self.deliver(endpoint).await;
            delivered += round.delivered;
            if round.claimed == 0 {
                return delivered;
            }
        }
    }

    /// Newest first.
    pub async fn log(&self, endpoint: &Endpoint) -> Vec<Delivery> {
        deliveries::list(&self.pool, &self.operator, endpoint.id, None, 1_000).await.unwrap()
    }

    pub async fn count(&self, sql: &'static str, endpoint: &Endpoint) -> i64 {
        sqlx::query_scalar(sql).bind(endpoint.id.0).fetch_one(&self.pool).await.unwrap()
    }
}

/// A slot that nobody else in this test writes to.
pub async fn new_slot(pool: &PgPool) -> i16 {
    sqlx::query_scalar(
        "update lane_slot set holder = 'test'
         where slot = (select min(slot) from lane_slot where holder is null) returning slot",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

fn new_operator() -> OperatorId {
    OperatorId::parse(&format!("op_{}", SystemIds.next().simple())).unwrap()
}

pub fn deposit() -> PaymentId {
    PaymentId::deposit(SystemIds.next())
}

/// Waits until something holds that others in the database bring about.
pub async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it comes about");
}

impl Scene {
    /// Sessions of this scene's database that wait for another one's lock.
    pub async fn blocked(&self) -> i64 {
        let blocked = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        sqlx::query_scalar(blocked).fetch_one(&self.pool).await.unwrap()
    }

    /// Does something while the endpoint is being disabled: what it writes must not wait for ever.
    pub async fn while_disabled(&self, endpoint: &Endpoint, doing: impl Future<Output = ()>) {
        let waits = "select count(*) from webhook_delivery
            where endpoint_id = $1 and status = 'pending'";
        let mut disabling = self.pool.begin().await.unwrap();
        let disable = "update webhook_endpoint set status = 'disabled', disabled_reason = 'test'
            where endpoint_id = $1";
        sqlx::query(disable).bind(endpoint.id.0).execute(&mut *disabling).await.unwrap();
        let disabled = async {
            until(async || self.blocked().await > 0 || self.count(waits, endpoint).await > 0).await;
            disabling.commit().await.unwrap();
        };
        tokio::join!(doing, disabled);
        assert_eq!(self.count(waits, endpoint).await, 0);
    }
}
