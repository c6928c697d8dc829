//! A service whose mocks and database outlive it: mocks in this process, one private cluster for
//! all tests, a database for each.

use super::api::{Api, Control};
use super::place::{Place, Variables};
use super::program::{Program, interlock};
use interlock::config::{Config, Profile, sandbox_keys};
use interlock::sandbox::cluster::{APP_ROLE, OWNER_ROLE, PrivateCluster};
use interlock::sandbox::{keys::SandboxKeys, mocks};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, PgPool};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Never dropped; its watchdog ends it with this process.
static CLUSTER: LazyLock<PrivateCluster> =
    LazyLock::new(|| PrivateCluster::start_temporary().unwrap());

/// A new database and its addresses for the application's role and the owner's.
pub fn database() -> (String, String) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("process_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let name = CLUSTER.create_database(&name, None).unwrap();
    (CLUSTER.url(&name, APP_ROLE), CLUSTER.url(&name, OWNER_ROLE))
}

/// The same, as a copy of a database that nobody is connected to.
pub fn copy_of(url: &str) -> (String, String) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let options: PgConnectOptions = url.parse().unwrap();
    let name = format!("copy_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let name = CLUSTER.create_database(&name, options.get_database()).unwrap();
    (CLUSTER.url(&name, APP_ROLE), CLUSTER.url(&name, OWNER_ROLE))
}

pub struct World {
    pub place: Place,
    pub variables: Variables,
    pub api: Api,
    pub control: Control,
    /// What the service may do to the database, and not more.
    pub rows: PgPool,
    mocks: Option<mock_psps::Running>,
}

impl World {
    pub async fn new() -> Self {
        Self::telling(None).await
    }

    /// `told`: where the PSPs send their webhooks, when not to the service.
    pub async fn telling(told: Option<String>) -> Self {
        let place = Place::new();
        let mut variables = place.variables();
        if let Some(url) = told {
            variables.insert("INTERLOCK__SERVER__PUBLIC_URL".to_owned(), url);
        }
        let (app, owner) = tokio::task::spawn_blocking(database).await.unwrap();
        variables.insert("DATABASE_URL".to_owned(), app.clone());
        variables.insert("DATABASE_OWNER_URL".to_owned(), owner);
        SandboxKeys::ensure(place.home(), &sandbox_keys()).unwrap();
        let profile = Profile::Sandbox { home: place.home().to_owned(), file: None };
        let config = Config::load_with(&profile, &variables).unwrap();
        let mocks = mock_psps::start(mocks::mock_config(&config, place.home()).unwrap()).await;
        Self {
            api: Api::at(place.api_url()),
            control: Control::at(place.control_url()),
            rows: PgPool::connect_lazy(&app).unwrap(),
            place,
            variables,
            mocks: Some(mocks.unwrap()),
        }
    }

    /// The service, ready.
    pub async fn serve(&self) -> Program {
        let mut program = self.launch();
        program.serves(self.place.api).await;
        program
    }

    /// The service, on its way.
    pub fn launch(&self) -> Program {
        let arguments = ["sandbox", "--mocks", "external"];
        Program::start(interlock(self.place.home(), &self.variables, &arguments))
    }

    /// A second instance on the same database, in a folder of its own with the same keys.
    pub async fn another(&self, place: &Place) -> Program {
        let mut variables = self.variables.clone();
        let home = place.home().to_str().unwrap().to_owned();
        variables.insert("INTERLOCK__SANDBOX__DIR".to_owned(), home);
        let listen = format!("127.0.0.1:{}", place.api);
        variables.insert("INTERLOCK__SERVER__LISTEN".to_owned(), listen);
        let webhooks_tls = format!("127.0.0.1:{}", place.webhooks_tls);
        variables.insert("INTERLOCK__SERVER__WEBHOOKS_TLS_LISTEN".to_owned(), webhooks_tls);
        variables.insert("INTERLOCK__INSTANCE__NAME".to_owned(), "second".to_owned());
        std::os::unix::fs::symlink(self.place.home().join("keys"), place.home().join("keys"))
            .unwrap();
        let arguments = ["sandbox", "--mocks", "external"];
        let mut program = Program::start(interlock(place.home(), &variables, &arguments));
        program.serves(place.api).await;
        program
    }

    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.rows).await.unwrap()
    }

    /// Re-checks the books with the program's own command.
    pub async fn proves(&self) {
        let said = super::program::run(self.place.home(), &self.variables, &["prove"]).await;
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    pub async fn end(mut self) {
        self.rows.close().await;
        if let Some(mocks) = self.mocks.take() {
            mocks.stop().await;
        }
    }
}
