//! How much one key, one player and one address may ask.

use super::problem::Problem;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// Requests a second; bursts of one second's worth.
#[derive(Debug, Clone, Copy)]
pub struct RateSettings {
    pub per_key: NonZeroU32,
    pub per_player: NonZeroU32,
    /// None: addresses are not limited.
    pub per_address: Option<NonZeroU32>,
    /// Loopback is not limited by address: the sandbox.
    pub loopback_is_free: bool,
}

/// Webhooks a second of one account that anybody could have sent: of one caller, and of all. Where one is
/// turned away, the PSP sends it again, and what it is about is asked about all the same.
const UNPROVEN_OF_CALLER: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const UNPROVEN_OF_ALL: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);
/// Webhooks a second that one account may sign, from wherever: twice what a busy PSP sends. To find a forged
/// signature costs a processor up to a third of a millisecond, and anybody may send one.
const SIGNED_OF_ACCOUNT: NonZeroU32 = NonZeroU32::MIN.saturating_add(1_999);

/// The counters of this instance.
#[derive(Debug)]
pub struct RateLimits {
    settings: RateSettings,
    keys: Counter<String>,
    players: Counter<String>,
    addresses: Option<Counter<IpAddr>>,
    unproven: Counter<(String, IpAddr)>,
    unproven_of_all: Counter<String>,
    signed: Counter<String>,
}

#[derive(Debug)]
struct Counter<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    asked: AtomicU32,
}

/// After so many questions the counters of those that went quiet are forgotten.
const FORGET_EVERY: u32 = 4_096;

impl<K: Hash + Eq + Clone> Counter<K> {
    fn new(per_second: NonZeroU32) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_second(per_second)),
            asked: AtomicU32::new(0),
        }
    }

    fn check(&self, key: &K) -> Result<(), Problem> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|early| {
            let wait = early.wait_time_from(DefaultClock::default().now());
            Problem::too_many(wait.as_secs() + 1)
        })
    }
}

impl RateLimits {
    pub fn new(settings: RateSettings) -> Self {
        Self {
            settings,
            keys: Counter::new(settings.per_key),
            players: Counter::new(settings.per_player),
            addresses: settings.per_address.map(Counter::new),
            unproven: Counter::new(UNPROVEN_OF_CALLER),
            unproven_of_all: Counter::new(UNPROVEN_OF_ALL),
            signed: Counter::new(SIGNED_OF_ACCOUNT),
        }
    }

    /// # Errors
    /// 429 with `retry-after`.
    pub fn check_key(&self, key_id: &str) -> Result<(), Problem> {
        self.keys.check(&key_id.to_owned())
    }

    /// # Errors
    /// 429 with `retry-after`.
    pub fn check_player(&self, operator: &str, player: &str) -> Result<(), Problem> {
        self.players.check(&format!("{operator} {player}"))
    }

    /// # Errors
    /// 429 with `retry-after`.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Problem> {
        match &self.addresses {
            Some(addresses) if !self.is_free(address) => addresses.check(&address_group(address)),
            _ => Ok(()),
        }
    }

    /// Of an account whose webhooks prove nothing. `account` is one that there is.
    ///
    /// # Errors
    /// 429 with `retry-after`.
    pub fn check_unproven(&self, account: &str, address: IpAddr) -> Result<(), Problem> {
        if self.is_free(address) {
            return Ok(());
        }
        self.unproven.check(&(account.to_owned(), address_group(address)))?;
        self.unproven_of_all.check(&account.to_owned())
    }

    /// Of an account whose webhooks are signed. `account` is one that there is.
    ///
    /// # Errors
    /// 429 with `retry-after`.
    pub fn check_signed(&self, account: &str) -> Result<(), Problem> {
        self.signed.check(&account.to_owned())
    }

    const fn is_free(&self, address: IpAddr) -> bool {
        self.settings.loopback_is_free && address.is_loopback()
    }
}

/// One household of IPv6 has 2^64 addresses: its prefix counts.
fn address_group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::from([s[0], s[1], s[2], s[3], 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_second: u32, loopback_is_free: bool) -> RateLimits {
        let per_second = NonZeroU32::new(per_second).unwrap();
        RateLimits::new(RateSettings {
            per_key: per_second,
            per_player: per_second,
            per_address: Some(per_second),
            loopback_is_free,
        })
    }

    #[test]
    fn each_key_has_its_own_budget() {
        let limits = limits(2, true);
        assert!(limits.check_key("a").is_ok());
        assert!(limits.check_key("a").is_ok());
        let problem = limits.check_key("a").unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.code()), (429, "request.rate_limited"));
        assert!(limits.check_key("b").is_ok());
    }

    #[test]
    fn loopback_is_free_in_the_sandbox_alone() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let (sandbox, production) = (limits(1, true), limits(1, false));
        assert!((0..9).all(|_| sandbox.check_address(loopback).is_ok()));
        assert!(production.check_address(loopback).is_ok());
        assert!(production.check_address(loopback).is_err());
    }

    #[test]
    fn webhooks_that_prove_nothing_are_counted_by_account_and_caller() {
        let limits = limits(1, true);
        let of = |account: &str, last: u8| {
            limits.check_unproven(account, IpAddr::from([192, 0, 2, last])).is_ok()
        };
        let loud = (0..60).filter(|_| of("swish-se", 1)).count();
        assert!((20..60).contains(&loud), "{loud}");
        assert!(of("swish-se", 2), "another caller of the same account");
        assert!(of("swish-no", 1), "another account");
        let all = (0..=255).flat_map(|last| [last; 4]).filter(|last| of("swish-se", *last)).count();
        assert!(all < 1_000, "the account has an end too: {all}");
        let loopback = IpAddr::from([127, 0, 0, 1]);
        assert!((0..500).all(|_| limits.check_unproven("swish-se", loopback).is_ok()));
    }

    #[test]
    fn signed_webhooks_of_one_account_have_an_end_and_another_account_does_not_feel_it() {
        let limits = limits(1, true);
        let of =
            |account: &str| (0..20_000).filter(|_| limits.check_signed(account).is_ok()).count();
        assert!((2_000..20_000).contains(&of("adyen-eu")));
        assert!(limits.check_signed("trustly-se").is_ok(), "another account");
    }

    #[test]
    fn an_ipv6_network_shares_one_budget() {
        let limits = limits(1, false);
        assert!(limits.check_address("2001:db8::1".parse().unwrap()).is_ok());
        assert!(limits.check_address("2001:db8::2".parse().unwrap()).is_err());
        assert!(limits.check_address("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }
}
