//! How long one decision takes: the whole plan of a payment, by both strategies, among 6 PSPs in 50 buckets, with
//! 50 calls in flight at each PSP. One of them fails and one has just been trusted again.
//!
//! Only what [`plan`] does is timed: the service adds the wait for the lock on health, and what it asks of the
//! payer and the instrument.

use interlock::domain::{Currency, Direction, Method, Money, OperatorId, PersonId, Timestamp};
use interlock::routing::health::{Bucket, Health, HealthRules, Micros, Permit, SECOND};
use interlock::routing::plan::{Habits, Known, Request, Volumes, plan};
use interlock::routing::rules::{Fee, Scoring, Strategy, Terms};
use interlock::routing::switches::{Scope, Switch, SwitchKind};
use interlock::routing::{PspAccount, RouteRule, RoutingRules};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use uuid::Uuid;

const PSPS: [&str; 6] = ["psp-a", "psp-b", "psp-c", "psp-d", "psp-e", "psp-f"];
const FAILING: &str = "psp-e";
const JUST_TRUSTED: &str = "psp-f";
const BUCKETS: u8 = 50;
const IN_FLIGHT: usize = 50;
/// Five hundred payments a second, each PSP called once in six of them.
const PACE: Micros = SECOND / 500;
/// So few calls leave the PSP that has just been trusted where it is.
const EPISODE: usize = 150;
const EPISODES: usize = 400;
const DIRECTION: Direction = Direction::Deposit;

fn country(number: u8) -> String {
    format!("{}{}", char::from(b'A' + number / 26), char::from(b'A' + number % 26))
}

fn operator() -> OperatorId {
    OperatorId::trusted("op_demo")
}

fn accounts() -> Vec<PspAccount> {
    let account = |id: &&str| PspAccount {
        id: (*id).to_owned(),
        operators: vec![operator()],
        countries: (0..BUCKETS).map(country).collect(),
        currencies: vec![Currency::EUR],
        methods: vec![Method::BankTransfer],
        deposits: Some(BTreeMap::from([(Currency::EUR, (500, 1_000_000))])),
        payouts: None,
        deposit_fee: Fee { bps: 90, fixed_minor: BTreeMap::from([(Currency::EUR, 10)]) },
        payout_fee: Fee::default(),
    };
    PSPS.iter().map(account).collect()
}

/// A route for each bucket, and an agreement with each PSP.
fn rules(strategy: &Strategy) -> RoutingRules {
    let route = |number| RouteRule {
        direction: DIRECTION,
        country: country(number),
        method: Method::BankTransfer,
        currency: Currency::EUR,
        order: PSPS.map(str::to_owned).to_vec(),
        strategy: strategy.clone(),
        first_deposit: Vec::new(),
    };
    let terms = |psp: &&str| Terms {
        psp: (*psp).to_owned(),
        direction: DIRECTION,
        currency: Currency::EUR,
        cap_minor: Some(1_000_000_000),
        commitment_minor: Some(100_000_000),
    };
    RoutingRules {
        version: "bench".to_owned(),
        routes: (0..BUCKETS).map(route).collect(),
        terms: PSPS.iter().map(terms).collect(),
    }
}

/// Switches of other markets, as they lie about.
fn switches(now: Timestamp) -> Vec<Switch> {
    let switch = |psp: &&str| Switch {
        id: Uuid::nil(),
        operator: operator(),
        kind: SwitchKind::Kill,
        scope: Scope {
            psp: Some((*psp).to_owned()),
            country: Some("ZZ".to_owned()),
            ..Scope::default()
        },
        reason: "settlements are late".to_owned(),
        set_by: PersonId::trusted("p_a"),
        set_at: now,
        from: now,
        until: None,
        review: None,
        lift_proposed: None,
        lifted: None,
    };
    PSPS.iter().map(switch).collect()
}

/// The PSPs with what is in flight at each.
#[derive(Clone)]
struct Scene {
    health: Health,
    buckets: Vec<Bucket>,
    open: Vec<VecDeque<(u64, Micros)>>,
    now: Micros,
    calls: u64,
}

impl Scene {
    fn new() -> Self {
        let bucket = |number| Bucket {
            direction: DIRECTION,
            country: country(number),
            method: Method::BankTransfer,
            currency: Currency::EUR,
        };
        let mut scene = Self {
            health: Health::new(HealthRules::default(), 1),
            buckets: (0..BUCKETS).map(bucket).collect(),
            open: vec![VecDeque::new(); PSPS.len()],
            now: 0,
            calls: 0,
        };
        for bucket in &scene.buckets {
            scene.health.rank(bucket, &PSPS, 0);
        }
        (0..20_000).for_each(|round| scene.step(round, true));
        for (psp, is_ill) in [(FAILING, true), (JUST_TRUSTED, true), (JUST_TRUSTED, false)] {
            for _ in 0..100 {
                if scene.health.is_failing(psp, DIRECTION) == is_ill {
                    break;
                }
                scene.now += PACE;
                scene.calls += 1;
                let call = (scene.calls, scene.now);
                scene.health.sent(&scene.buckets[0], psp, call.0, call.1);
                scene.health.answered(psp, DIRECTION, call, scene.now, Some(is_ill));
            }
        }
        scene.open.iter_mut().for_each(VecDeque::clear);
        // Nobody answers before each has its calls in flight.
        (0..IN_FLIGHT * PSPS.len()).for_each(|round| scene.step(round, false));
        scene.is_as_said();
        scene
    }

    /// What the header says holds; else another thing would be measured.
    fn is_as_said(&self) {
        assert!(self.open.iter().all(|calls| calls.len() == IN_FLIGHT), "calls in flight");
        for psp in PSPS {
            let permit = self.health.permit(psp, DIRECTION, self.now);
            match psp {
                FAILING => assert!(self.health.is_failing(psp, DIRECTION), "{psp}: {permit:?}"),
                JUST_TRUSTED => assert!(
                    matches!(permit, Permit::Share(share) if share <= 0.0),
                    "{psp}: {permit:?}"
                ),
                _ => assert_eq!(permit, Permit::Yes, "{psp}"),
            }
        }
    }

    /// A PSP is called, and its oldest call comes to its end when there are enough.
    fn step(&mut self, round: usize, learns: bool) {
        let at = round % PSPS.len();
        let (psp, bucket) = (PSPS[at], &self.buckets[round % self.buckets.len()]);
        self.now += PACE;
        self.calls += 1;
        self.health.sent(bucket, psp, self.calls, self.now);
        self.open[at].push_back((self.calls, self.now));
        if self.open[at].len() <= IN_FLIGHT {
            return;
        }
        let Some(oldest) = self.open[at].pop_front() else { return };
        let fails = psp == FAILING && !learns;
        self.health.answered(psp, DIRECTION, oldest, self.now, Some(fails));
        if !fails {
            self.health.decided(bucket, psp, oldest.1, self.now, !round.is_multiple_of(8));
        }
        self.health.look(self.now);
    }
}

pub fn measure() {
    let scene = Scene::new();
    let now = Timestamp::UNIX_EPOCH + time::Duration::days(20_000);
    let (accounts, switches, habits) = (accounts(), switches(now), Habits::default());
    let carried = |psp: &&str| (((*psp).to_owned(), DIRECTION, Currency::EUR), 50_000_000);
    let volumes: Volumes = PSPS.iter().map(carried).collect();
    let scoring = Scoring {
        fee_percent: 100,
        tie_bps: 50,
        commitment_bps: 100,
        sticky_bps: 100,
        ..Scoring::default()
    };
    for (name, strategy) in
        [("ranked", Strategy::Ranked), ("adaptive", Strategy::Adaptive(scoring))]
    {
        let rules = rules(&strategy);
        let known = Known {
            rules: &rules,
            accounts: &accounts,
            switches: &switches,
            volumes: &volumes,
            habits: &habits,
            now,
        };
        let mut took = Vec::with_capacity(EPISODES * EPISODE);
        for _ in 0..EPISODES {
            let mut scene = scene.clone();
            for round in 0..EPISODE {
                took.push(one_plan(&mut scene, &known, round));
                scene.step(round, false);
            }
            scene.is_as_said();
        }
        tell(name, took);
    }
}

fn one_plan(scene: &mut Scene, known: &Known<'_>, round: usize) -> Duration {
    let Scene { health, buckets, now, .. } = scene;
    let bucket = &buckets[round % buckets.len()];
    let request = Request {
        operator: operator(),
        direction: DIRECTION,
        country: bucket.country.clone(),
        method: bucket.method,
        money: Money::new(10_000, bucket.currency),
    };
    let began_at = Instant::now();
    let route = plan(&request, known, |psps| health.rank(bucket, psps, *now), |_| None);
    let took = began_at.elapsed();
    assert_eq!(route.ranked().count(), PSPS.len(), "everybody may be asked");
    took
}

fn tell(name: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took[took.len() * share / 1_000].as_secs_f64() * 1e6;
    println!(
        "One plan by a route that is {name}, 6 PSPs, 50 buckets, 50 calls in flight at each: \
         p50 {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs",
        at(500),
        at(990),
        at(999)
    );
}
