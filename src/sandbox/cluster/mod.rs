//! A PostgreSQL cluster that belongs to this process: the sandbox's, or a test's.
//!
//! It is made from the system's PostgreSQL programs, listens on a unix socket only, in a folder that
//! only its own user may enter, and keeps `fsync` on: what the sandbox shows about durability and
//! speed is true, and what tests prove about it too. PostgreSQL refuses to run as root, so that root
//! starts it as `postgres` or `nobody`.
//!
//! It never outlives us. [`PrivateCluster::stop`] and dropping end it in order. When we are killed,
//! the [`watchdog`] ends it, because its standard input closes with us. And should that be killed as
//! well, the next start finds the leftovers and ends them ([`leftovers`]).
//!
//! All calls block, for at most about a minute: from async code use `spawn_blocking`.

mod error;
mod folders;
mod leftovers;
mod programs;
mod provision;
mod server;
mod user;
mod watchdog;

pub use error::ClusterError;

use folders::{Folders, Lock};
use programs::Programs;
use server::Server;
use std::path::Path;
use user::ServerUser;
use watchdog::Watchdog;

/// The role that owns the database and runs migrations.
pub const OWNER_ROLE: &str = "interlock_owner";
/// The role that the service runs as: no owner, no superuser.
pub const APP_ROLE: &str = "interlock_app";
/// The database that every cluster has.
pub const DATABASE: &str = "interlock";

/// A running cluster. Dropping it stops it.
#[derive(Debug)]
pub struct PrivateCluster {
    server: Server,
    watchdog: Watchdog,
    folders: Folders,
    user: ServerUser,
    programs: Programs,
    temporary: bool,
    _lock: Lock,
}

impl PrivateCluster {
    /// Starts the cluster that lives in `dir`, and makes it first where there is none. It finds the
    /// data of the time before, also after a crash.
    ///
    /// When the server's user cannot enter `dir` (below a home of mode 0700, say), the cluster lives
    /// in a folder of `/var/lib` that is named after `dir`, and a warning in the log says so.
    ///
    /// # Errors
    /// Each says in one message what is wrong and what to do.
    pub fn start(dir: &Path) -> Result<Self, ClusterError> {
        Self::start_in(dir, false)
    }

    /// Starts a new cluster for tests in a folder of its own, which is removed with it, even when
    /// this process is killed or keeps the cluster in a static that is never dropped.
    ///
    /// # Errors
    /// As [`PrivateCluster::start`].
    pub fn start_temporary() -> Result<Self, ClusterError> {
        Self::start_in(&folders::temporary()?, true)
    }

    fn start_in(dir: &Path, temporary: bool) -> Result<Self, ClusterError> {
        // Unlike what else the environment may say of databases, it is added to what an address says.
        if std::env::var_os("PGOPTIONS").is_some_and(|options| !options.is_empty()) {
            return Err(ClusterError::Options);
        }
        let user = ServerUser::choose()?;
        let folders = Folders::settle(dir, &user)?;
        let lock = folders.lock()?;
        let programs = Programs::find(folders.data_major()?)?;
        leftovers::end(&folders.data)?;
        if !folders.has_data() {
            provision::init(&programs, &user, &folders, temporary)?;
        }
        let server = Server::launch(&programs, &user, &folders, temporary)?;
        let cluster = Self {
            watchdog: Watchdog::over(server.pid(), temporary.then_some(&*folders.home))?,
            server,
            folders,
            user,
            programs,
            temporary,
            _lock: lock,
        };
        provision::roles_and_database(&cluster.admin())?;
        Ok(cluster)
    }

    /// Where the cluster lives, which may be a fallback, see [`PrivateCluster::start`].
    pub fn dir(&self) -> &Path {
        &self.folders.home
    }

    /// The major version of the server.
    pub fn version(&self) -> u32 {
        self.programs.major
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Whether the server process is there. It may end by itself: disk full, killed by somebody.
    pub fn is_running(&mut self) -> bool {
        self.server.is_running()
    }

    /// For [`APP_ROLE`] and the database that every cluster has.
    pub fn app_url(&self) -> String {
        self.url(DATABASE, APP_ROLE)
    }

    /// For [`OWNER_ROLE`] and the database that every cluster has.
    pub fn owner_url(&self) -> String {
        self.url(DATABASE, OWNER_ROLE)
    }

    /// For any database and role of this cluster, whatever PGPORT and PGSSLMODE say.
    pub fn url(&self, database: &str, role: &str) -> String {
        let folder = self.folders.socket.as_os_str().as_encoded_bytes();
        let folder: String = url::form_urlencoded::byte_serialize(folder).collect();
        // A plus is no space to PostgreSQL's own programs.
        let folder = folder.replace('+', "%20");
        format!("postgres:///{database}?host={folder}&port=5432&user={role}&sslmode=disable")
    }

    /// Makes a database that [`OWNER_ROLE`] owns, empty or as a copy of `template`, and returns its
    /// name for [`PrivateCluster::url`]. Nobody may be connected to the template meanwhile.
    ///
    /// # Errors
    /// A name that is not `[a-z][a-z0-9_]*`, a name that is taken, a template that is missing or in
    /// use.
    pub fn create_database(
        &self,
        name: &str,
        template: Option<&str>,
    ) -> Result<String, ClusterError> {
        provision::create_database(&self.admin(), name, template)?;
        Ok(name.to_owned())
    }

    /// Removes a database and ends the connections to it.
    ///
    /// # Errors
    /// A name that no database has.
    pub fn drop_database(&self, name: &str) -> Result<(), ClusterError> {
        provision::drop_database(&self.admin(), name)
    }

    /// Stops in order: open connections are ended, a checkpoint is written, the process is gone
    /// when this returns.
    ///
    /// # Errors
    /// When the server had to be killed, which the next start recovers from.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), ClusterError> {
        let ended = self.server.stop();
        self.watchdog.dismiss();
        if self.temporary {
            self.folders.remove();
        }
        ended
    }

    fn admin(&self) -> provision::Admin<'_> {
        provision::Admin { programs: &self.programs, user: &self.user, folders: &self.folders }
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!("{error}");
        }
    }
}
