//! One private PostgreSQL for a test binary, and a migrated database of its own for every scene.

use interlock::sandbox::cluster::{APP_ROLE, OWNER_ROLE, PrivateCluster};
use interlock::store::migrate;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::{Mutex, OnceCell};

const TEMPLATE: &str = "template_scene";

struct Cluster {
    server: PrivateCluster,
    made: AtomicU32,
    /// A template can be copied only while nobody is connected to it, also no other copy.
    copying: Mutex<()>,
}

async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER
        .get_or_init(|| async {
            let started = tokio::task::spawn_blocking(|| {
                let server = PrivateCluster::start_temporary().unwrap();
                server.create_database(TEMPLATE, None).unwrap();
                server
            });
            let server = started.await.unwrap();
            migrate::migrate(&server.url(TEMPLATE, OWNER_ROLE), "sandbox").await.unwrap();
            Cluster { server, made: AtomicU32::new(0), copying: Mutex::new(()) }
        })
        .await
}

/// A new database, migrated and empty: its address for the application's role.
pub async fn database() -> String {
    let cluster = cluster().await;
    let name = format!("scene_{}", cluster.made.fetch_add(1, Ordering::Relaxed));
    let copying = cluster.copying.lock().await;
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
    for _ in 0..100 {
        // The connection that migrated the template may take a moment to be gone.
        tick.tick().await;
        let wanted = name.clone();
        let made = tokio::task::spawn_blocking(move || {
            cluster.server.create_database(&wanted, Some(TEMPLATE)).is_ok()
        });
        if made.await.unwrap() {
            drop(copying);
            return cluster.server.url(&name, APP_ROLE);
        }
    }
    panic!("no database could be made from the template");
}
