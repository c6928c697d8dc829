//! Connections: a pool for reading and for what is no money state, and single connections that
//! lanes own.

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Postgres, Transaction};
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The connection that a lane owns.
pub type LaneConnection = PgConnection;

/// What can go wrong with the database, for those who must tell apart what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database could not be reached or did not answer")]
    Unavailable(#[source] sqlx::Error),
    /// 40001, 40P01, a lock that took too long: the same work may simply be done again.
    #[error("the database asked for the transaction to be repeated")]
    Repeat(#[source] sqlx::Error),
    /// 57014: a statement had no time left. What it read or waited for may be less another time.
    #[error("the database gave up a statement that took too long")]
    TookTooLong(#[source] sqlx::Error),
    /// A constraint said no. Its name is the sentence that would be broken.
    #[error("the constraint {constraint} refused")]
    Constraint {
        constraint: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("the database refused")]
    Other(#[source] sqlx::Error),
    #[error("a stored row cannot be read: {0}")]
    Corrupt(String),
    /// What a batch books on one account of the house is more than a number holds.
    #[error("what is booked on {account} in {currency} at once is more than can be counted")]
    Overflow { account: String, currency: String },
    /// Another lane wrote the same key, reference or first record at the same moment: decide again
    /// on what is there now.
    #[error("another lane wrote the same row first")]
    Raced,
    /// The slot has another holder: whatever this lane decided is void.
    #[error("the lane's slot was taken over by another instance")]
    FenceLost,
}

/// Classes of codes by which the server says that it had not the means or the time (53, 57, 58), and nothing
/// of the statement itself.
const OF_THE_SERVER: [&str; 3] = ["53", "57", "58"];

impl StoreError {
    /// Whether the same work may succeed at another time.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unavailable(_)
            | Self::Repeat(_)
            | Self::TookTooLong(_)
            | Self::Raced
            | Self::FenceLost => true,
            Self::Constraint { .. } | Self::Corrupt(_) | Self::Overflow { .. } => false,
            Self::Other(error) => {
                let code = error.as_database_error().and_then(|error| error.code());
                code.is_some_and(|code| OF_THE_SERVER.iter().any(|class| code.starts_with(class)))
            }
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                    StoreError::Corrupt(error.to_string())
                }
                other => StoreError::Unavailable(other),
            };
        };
        let code = database.code().map(|code| code.into_owned()).unwrap_or_default();
        let constraint = database.constraint().map(str::to_owned);
        match (code.as_str(), constraint) {
            ("40001" | "40P01" | "55P03", _) => StoreError::Repeat(error),
            ("57014", _) => StoreError::TookTooLong(error),
            // 25P03: the server ended the connection, for the transaction had stood still for too long.
            ("57P01" | "57P02" | "57P03" | "25006" | "25P03", _) => StoreError::Unavailable(error),
            (code, _) if code.starts_with("08") => StoreError::Unavailable(error),
            (code, Some(constraint)) if code.starts_with("23") => {
                StoreError::Constraint { constraint, source: error }
            }
            _ => StoreError::Other(error),
        }
    }
}

/// Whatever a statement of the service wants, it finds by key. While a table is new or has grown
/// since it was last analysed, the planner believes it to be small and would read all of it, every
/// time; compiling such a statement would cost more than running it.
const BY_KEY: [(&str, &str); 2] = [("enable_seqscan", "off"), ("jit", "off")];

/// What the log has of rows beside lanes is their text, and so are the times in it
/// (`outside_row` of the schema).
const TIMES: [(&str, &str); 1] = [("timezone", "UTC")];

/// An instance that stands still inside a transaction of the pool (its host is frozen or cut off) keeps what it
/// has locked: a slot's cursor, an endpoint's row, on which the webhooks of every casino wait. The server ends
/// it after this long; nothing of ours rests inside a transaction for more than a moment.
const STANDS_STILL: [(&str, &str); 1] = [("idle_in_transaction_session_timeout", "15s")];

/// A pooled connection that nobody used for so long is tested before it is used.
const RESTED: Duration = Duration::from_secs(5);
/// A connection that does not answer a test within this is thrown away: a new one costs little.
const TEST_MAX: Duration = Duration::from_secs(2);
/// How long a connection may take to open.
const OPENING_MAX: Duration = Duration::from_secs(5);

/// The database as the service sees it. Cheap to clone: every request does so some times.
#[derive(Debug, Clone)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    options: PgConnectOptions,
    url: secrecy::SecretString,
}

impl Db {
    /// Opens the pool; connects once, so that a wrong address is told at start.
    pub async fn connect(url: &str, connections_max: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("interlock")
            .log_statements(tracing::log::LevelFilter::Trace)
            .options(BY_KEY)
            .options(TIMES)
            .options(STANDS_STILL);
        let pool = pool_options(connections_max, true).connect_with(options.clone()).await?;
        Ok(Self(Arc::new(Inner { pool, options, url: url.into() })))
    }

    /// The address, for those who keep a connection of their own.
    pub fn url(&self) -> &str {
        use secrecy::ExposeSecret;
        self.0.url.expose_secret()
    }

    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// A connection of a lane's own. It gives up a statement or an idle transaction after 5 s, so
    /// that a lane never holds a player's lock for longer.
    pub async fn lane_connection(&self) -> Result<PgConnection, StoreError> {
        let options = self.0.options.clone().application_name("interlock-lane").options([
            ("statement_timeout", "5000"),
            ("idle_in_transaction_session_timeout", "5000"),
            ("tcp_user_timeout", "5000"),
            ("plan_cache_mode", "force_generic_plan"),
            // A batch names its rows: joining them by anything but the index reads a whole table.
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
        ]);
        within(OPENING_MAX, async { Ok(PgConnection::connect_with(&options).await?) }).await
    }

    /// As [`Db::lane_connection`]; its commits do not wait for the disk. For what may be forgotten.
    pub async fn hasty_connection(&self) -> Result<PgConnection, StoreError> {
        let mut connection = self.lane_connection().await?;
        connection.execute("set synchronous_commit = off").await?;
        Ok(connection)
    }

    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

/// Work with the database that must not wait for ever.
///
/// The server ends what takes it too long; a host that vanished ends nothing, and a connection to it is
/// silent for good where nothing of ours is still to be acknowledged. Work that is cut off leaves its
/// connection in the middle of an answer: it must not be used again.
pub async fn within<T>(
    most: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let silent = || {
        let said = format!("the database said nothing for {most:?}");
        std::io::Error::new(std::io::ErrorKind::TimedOut, said)
    };
    let done = tokio::time::timeout(most, work).await;
    done.unwrap_or_else(|_| Err(StoreError::Unavailable(silent().into())))
}

/// The pool's settings.
///
/// `guarded`: sqlx 0.9.0 can hand out a connection that is still inside a transaction when a
/// `begin()` was cancelled, and then loses what was written on it. A connection whose transaction
/// is older than its statement is therefore thrown away when it comes back. The control test runs
/// without the guard and must lose rows.
pub fn pool_options(connections_max: u32, guarded: bool) -> PgPoolOptions {
    let options = PgPoolOptions::new()
        .max_connections(connections_max)
        // A connection is tested when it comes back, so that one which was used a moment ago needs
        // no test before it is used again.
        .test_before_acquire(false)
        .before_acquire(|connection, met| {
            Box::pin(async move {
                if met.idle_for < RESTED {
                    return Ok(true);
                }
                let tested = tokio::time::timeout(TEST_MAX, connection.ping()).await;
                Ok(matches!(tested, Ok(Ok(()))))
            })
        })
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(300));
    if !guarded {
        return options;
    }
    options.after_release(|connection, _| {
        Box::pin(async move {
            let asked = connection.fetch_one("select now() = statement_timestamp()");
            match within(TEST_MAX, async { Ok(asked.await?) }).await {
                Ok(row) => Ok(sqlx::Row::try_get(&row, 0).unwrap_or(false)),
                // Closed without a word to the server, which may not be there.
                Err(StoreError::Unavailable(error)) => Err(error),
                Err(_) => Ok(false),
            }
        })
    })
}

/// Opens a lane's transaction. Each of its statements may take as long as `statement_max`, where one is
/// given, else as long as the connection lets it.
pub async fn begin(
    connection: &mut LaneConnection,
    statement_max: Option<Duration>,
) -> Result<(), StoreError> {
    let Some(most) = statement_max else {
        connection.execute("begin").await?;
        return Ok(());
    };
    let both = format!("begin; set local statement_timeout = {}", most.as_millis().max(1));
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(both))).await?;
    Ok(())
}

/// Ends it, durably. An error means that we do not know whether it was.
pub async fn commit(connection: &mut LaneConnection) -> Result<(), StoreError> {
    connection.execute("commit").await?;
    Ok(())
}

/// Takes it back.
pub async fn roll_back(connection: &mut LaneConnection) -> Result<(), StoreError> {
    connection.execute("rollback").await?;
    Ok(())
}

/// Reads that belong together, as of one moment: without it, each statement sees what was committed before itself,
/// and a payment of before stands beside attempts of after.
pub async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    Ok(pool.begin_with("begin isolation level repeatable read read only").await?)
}
