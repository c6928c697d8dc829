//! What all tests of a run share: the cluster, the migrated template, the keys.

use super::wait::eventually;
use interlock::config::sandbox_keys;
use interlock::sandbox::cluster::{APP_ROLE, OWNER_ROLE, PrivateCluster};
use interlock::sandbox::keys::SandboxKeys;
use interlock::store::migrate;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

const TEMPLATE: &str = "template_it";
/// So many databases of tests that are over may wait to be dropped.
const OVER_MAX: usize = 4;

pub struct House {
    cluster: PrivateCluster,
    /// The sandbox's folder: its keys are made once.
    pub home: PathBuf,
    databases: AtomicU32,
    over: Mutex<Vec<String>>,
    /// Its files are in memory.
    in_memory: bool,
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
    let in_memory = in_memory(&home);
    House { cluster, home, databases: AtomicU32::new(0), over: Mutex::default(), in_memory }
}

#[cfg(target_os = "linux")]
fn in_memory(folder: &Path) -> bool {
    use nix::sys::statfs::{TMPFS_MAGIC, statfs};
    statfs(folder).is_ok_and(|it| it.filesystem_type() == TMPFS_MAGIC)
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &Path) -> bool {
    false
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

    /// Gives back the memory of a database whose test is over. On a disk there is room for all of them until the
    /// cluster goes, and every drop is a checkpoint, for which the other tests would wait.
    pub fn forget(&'static self, database: String) {
        if self.in_memory {
            self.drop_later(database);
        }
    }

    /// Several at a time, beside the tests.
    fn drop_later(&'static self, database: String) {
        let mut over = self.over.lock().unwrap();
        over.push(database);
        if over.len() < OVER_MAX {
            return;
        }
        let names = std::mem::take(&mut *over);
        std::thread::spawn(move || {
            for name in names {
                // What stays goes with the cluster.
                let _ = self.cluster.drop_database(&name);
            }
        });
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

#[tokio::test(flavor = "multi_thread")]
async fn databases_of_tests_that_are_over_are_dropped() {
    let house = house().await;
    let mut names = Vec::new();
    for _ in 0..OVER_MAX {
        names.push(house.database().await);
    }
    // As many of nobody's after them: whatever other tests drop meanwhile, none of ours is left waiting.
    let nobodys = std::iter::repeat_n("nobodys".to_owned(), OVER_MAX);
    names.iter().cloned().chain(nobodys).for_each(|name| house.drop_later(name));
    let pool = sqlx::PgPool::connect(&house.owner_url(interlock::sandbox::cluster::DATABASE))
        .await
        .unwrap();
    let left = async || {
        let left = "select count(*) from pg_database where datname = any($1)";
        let left = sqlx::query_scalar::<_, i64>(left).bind(&names).fetch_one(&pool).await.unwrap();
        (left == 0).then_some(())
    };
    eventually("they are dropped", Duration::from_secs(60), left).await;
    pool.close().await;
}
