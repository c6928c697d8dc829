//! The world of one test.

use super::books;
use super::clock::MovableClock;
use super::front::Front;
use super::house::{House, house};
use super::instance::Instance;
use super::mocks::{ACCOUNTS, Mocks};
use super::pace;
use super::proxy::Proxy;
use super::wait::{for_a_moment, try_eventually};
use interlock::app::parts::Patience;
use interlock::clock::Clock;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How often a test moves the clock on before it gives up, and how long workers get each time.
const LATER_STEPS_MAX: u32 = 40;
const LOOK_BETWEEN: Duration = Duration::from_millis(1_200);
/// From a commit to the call that it allows, and most calls' answers, on an unhurried machine.
const CALLS_BEGIN: Duration = Duration::from_millis(1_500);

/// What a test wants otherwise than most do.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Lanes of each instance.
    pub lanes: usize,
    pub workers: bool,
    /// High where a test wants the same PSP to fail often, and to be silent.
    pub faults_to_trip: u32,
    /// On an unhurried machine.
    pub patience: Patience,
    /// The PSP accounts that have a mock here.
    pub accounts: &'static [&'static str],
    /// The screening vendors that have a mock here; the others are not configured.
    pub vendors: &'static [&'static str],
    /// The policies are those that come with the program, to the letter. Else they ask nobody about
    /// players, and only [`Setup::rules`] do.
    pub shipped: bool,
    /// Rules that are added to the policies of Germany, Great Britain and Sweden, in TOML.
    pub rules: String,
    /// The account that every route with it asks first.
    pub first: Option<&'static str>,
    /// PSP accounts that are not the mocks' but a server of the test's own.
    pub base_urls: Vec<(String, String)>,
    /// The one vendor that is asked about coins, both ways. None: as in the sandbox.
    pub analyst: Option<&'static str>,
    /// Mocks that tell what is not true, whose books therefore are no judge of ours.
    pub liars: Vec<&'static str>,
    /// Between the service and the database there is a [`Proxy`].
    pub proxy: bool,
    /// How every market wants players' own limits to work here; none: as its policy says.
    pub limit_terms: Option<&'static str>,
    /// Other settings, by their keys.
    pub settings: Vec<(&'static str, String)>,
    /// Run by the database's owner before the service starts: a guard is taken away.
    pub sabotage: Option<&'static str>,
}

impl Default for Setup {
    fn default() -> Self {
        let patience = Patience {
            psp_deadline: Duration::from_secs(4),
            attempt_lease: Duration::from_secs(6),
            slot_lease: Duration::from_secs(2),
        };
        Self {
            lanes: 2,
            workers: true,
            faults_to_trip: 1_000,
            patience,
            accounts: ACCOUNTS,
            vendors: &[],
            shipped: false,
            rules: String::new(),
            first: None,
            base_urls: Vec::new(),
            analyst: None,
            liars: Vec::new(),
            proxy: false,
            limit_terms: None,
            settings: Vec::new(),
            sabotage: None,
        }
    }
}

pub struct World {
    pub house: &'static House,
    pub database: String,
    /// As the database's owner: for looking, and for what the service itself may not do.
    pub rows: PgPool,
    pub mocks: Mocks,
    pub clock: Arc<MovableClock>,
    pub instances: Vec<Instance>,
    pub setup: Setup,
    pub proxy: Option<Proxy>,
    front: Front,
    started: usize,
    closed: bool,
}

impl World {
    /// One instance with workers.
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let house = house().await;
        let database = house.database().await;
        let options = PgPoolOptions::new().max_connections(4);
        let rows = options.connect(&house.owner_url(&database)).await.unwrap();
        pace::take(&rows).await;
        if let Some(sql) = setup.sabotage {
            sqlx::raw_sql(sql).execute(&rows).await.unwrap();
        }
        let front = Front::open().await;
        let mocks = Mocks::start(house, &front.url, (setup.accounts, setup.vendors)).await;
        let clock = Arc::new(MovableClock::default());
        let folder = house.home.join(format!("proxy-{database}"));
        let proxy = setup.proxy.then(|| Proxy::open(&house.socket_folder(), folder));
        let mut world = Self {
            house,
            database,
            rows,
            mocks,
            clock,
            instances: Vec::new(),
            setup,
            proxy,
            front,
            started: 0,
            closed: false,
        };
        world.start_instance().await;
        world
    }

    /// Another instance on the same database.
    pub async fn start_instance(&mut self) {
        self.started += 1;
        self.start_named(format!("instance-{}", self.started)).await;
    }

    /// An instance under a name of its own, or under that of one that ended.
    pub async fn start_named(&mut self, name: String) {
        let url = match &self.proxy {
            Some(proxy) => self.house.app_url_through(&proxy.folder, &self.database),
            None => self.house.app_url(&self.database),
        };
        let names = (name.as_str(), self.front.url.as_str(), url.as_str());
        let clock = self.clock.clone();
        let instance = Instance::start(self.house, &self.mocks, names, clock, &self.setup).await;
        let entry = (name, instance.handle(), instance.flows.clone());
        self.front.desk.lock().unwrap().push(entry);
        self.instances.push(instance);
    }

    /// Moves the clock on, step by step, until there is what is looked for. Workers look in between.
    pub async fn later<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        step: Duration,
        mut look: impl FnMut() -> F,
    ) -> T {
        for _ in 0..LATER_STEPS_MAX {
            self.move_on(step).await;
            if let Some(found) = try_eventually(LOOK_BETWEEN, &mut look).await {
                return found;
            }
        }
        panic!("not within {LATER_STEPS_MAX} steps of {step:?}: {what}");
    }

    /// It is later now, for the PSPs too, and every worker looks at once.
    pub async fn move_on(&self, step: Duration) {
        self.let_calls_begin().await;
        self.mocks.set_clock(self.clock.ahead() + step).await;
        self.clock.advance(step);
        for bell in self.instances.iter().map(|instance| &instance.flows.nudges) {
            bell.attempts.notify_one();
            bell.payouts.notify_one();
            bell.inbox.notify_one();
            bell.checks.notify_one();
            bell.reviews.notify_one();
            bell.mail.notify_one();
            bell.screenings.notify_one();
            bell.identity.notify_one();
        }
    }

    /// What was recorded a moment ago is sent first: a clock that moves in between is a machine that stood
    /// still for so long, which sends nothing any more.
    async fn let_calls_begin(&self) {
        if !self.setup.workers {
            return;
        }
        let waiting =
            "select (select count(*) from payment where status = 'approved' and due_at <= $1)
                         + (select count(*) from attempt
                            where status in ('prepared', 'in_flight') and $2 < first_sent_at)";
        let begun_by = pace::stretched(CALLS_BEGIN);
        let none = || async {
            let now = self.clock.now();
            let counted = sqlx::query_scalar::<_, i64>(waiting).bind(now).bind(now - begun_by);
            (counted.fetch_one(&self.rows).await.ok()? == 0).then_some(())
        };
        for_a_moment(begun_by, none).await;
    }

    pub fn one(&self) -> &Instance {
        &self.instances[0]
    }

    /// Ends an instance as a crash would.
    pub fn kill(&mut self, index: usize) {
        let instance = self.instances.remove(index);
        self.front.desk.lock().unwrap().retain(|(name, _, _)| *name != instance.name);
        instance.kill();
    }

    /// Ends an instance in order.
    pub async fn stop(&mut self, index: usize) {
        let instance = self.instances.remove(index);
        self.front.desk.lock().unwrap().retain(|(name, _, _)| *name != instance.name);
        instance.stop().await;
    }

    /// Ends everything and closes the books: no money was made or lost, nothing is stranded.
    pub async fn close(mut self) {
        books::agree_with_mocks(&self).await;
        books::all_is_seen(&self).await;
        while !self.instances.is_empty() {
            self.stop(0).await;
        }
        books::close(&self).await;
        self.rows.close().await;
        self.closed = true;
    }

    /// Waits until the books of each mock and ours are equal.
    pub async fn agrees_with_mocks(&self) {
        books::agree_with_mocks(self).await;
    }

    /// Ends a world whose books cannot close, because the test made it so.
    pub fn leave_open(mut self) {
        self.closed = true;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for instance in self.instances.drain(..) {
            instance.kill();
        }
        assert!(self.closed || std::thread::panicking(), "a test ends by closing the books");
        self.house.forget(std::mem::take(&mut self.database));
    }
}
