//! What all tests of a run share: the cluster, the migrated template, the keys.

use super::wait::eventually;
use interlock::config::sandbox_keys;
use interlock::sandbox::cluster::{APP_ROLE, OWNER_ROLE, PrivateCluster};
use interlock::sandbox::keys::SandboxKeys;
use interlock::store::migrate;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

const TEMPLATE: &str = "template_it";

pub struct House {
    cluster: PrivateCluster,
    /// The sandbox's folder: its keys are made once.
    pub home: PathBuf,
    databases: AtomicU32,
}

/// The house of this run; the first test builds it.
pub async fn house() -> &'static House {
    static HOUSE: OnceCell<House> = OnceCell::const_new();
    HOUSE.get_or_init(build).await
}

async fn build() -> House {
    let (cluster, home) = tokio::task::spawn_blocking(|| {
        let cluster = PrivateCluster::start_temporary().unwrap();
        let home = cluster.dir().join("house");
        SandboxKeys::ensure(&home, &sandbox_keys()).unwrap();
        cluster.create_database(TEMPLATE, None).unwrap();
        (cluster, home)
    })
    .await
    .unwrap();
    migrate::migrate(&cluster.url(TEMPLATE, OWNER_ROLE), "sandbox").await.unwrap();
    House { cluster, home, databases: AtomicU32::new(0) }
}

impl House {
    /// A new database, migrated and empty.
    pub async fn database(&'static self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("it_{number}");
        // The connection that migrated the template may take a moment to be gone.
        eventually("a database is made from the template", Duration::from_secs(20), || async {
            let name = name.clone();
            let made = tokio::task::spawn_blocking(move || {
                self.cluster.create_database(&name, Some(TEMPLATE)).ok()
            });
            made.await.unwrap()
        })
        .await
    }

    pub fn app_url(&self, database: &str) -> String {
        self.cluster.url(database, APP_ROLE)
    }

    /// As [`House::app_url`], through another socket folder.
    pub fn app_url_through(&self, folder: &Path, database: &str) -> String {
        let folder = folder.display();
        format!("postgres:///{database}?host={folder}&port=5432&user={APP_ROLE}&sslmode=disable")
    }

    /// Where the server's socket is.
    pub fn socket_folder(&self) -> PathBuf {
        let url = url::Url::parse(&self.cluster.app_url()).unwrap();
        let host = url.query_pairs().find(|(name, _)| name == "host").unwrap();
        PathBuf::from(host.1.into_owned())
    }

    pub fn owner_url(&self, database: &str) -> String {
        self.cluster.url(database, OWNER_ROLE)
    }

    /// For what only an operator with all rights can do to a server.
    pub fn superuser_url(&self, database: &str) -> String {
        self.cluster.url(database, "postgres")
    }
}
