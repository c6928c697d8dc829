//! How long one decision takes: 6 PSPs in each of 50 buckets, with 50 calls in flight at each PSP.

use interlock::domain::{Currency, Direction, Method};
use interlock::routing::health::{Bucket, Health, HealthRules, SECOND};
use std::time::Instant;

pub fn measure() {
    let country = |number: u8| {
        format!("{}{}", char::from(b'A' + number / 26), char::from(b'A' + number % 26))
    };
    let buckets: Vec<Bucket> = (0..50_u8)
        .map(|number| Bucket {
            direction: Direction::Deposit,
            country: country(number),
            method: Method::BankTransfer,
            currency: Currency::EUR,
        })
        .collect();
    let psps = ["psp-a", "psp-b", "psp-c", "psp-d", "psp-e", "psp-f"];
    let mut health = Health::new(HealthRules::default(), 1);
    let (mut now, mut call) = (0, 0_u64);
    let mut took = Vec::new();
    for round in 0..40_000_usize {
        let bucket = &buckets[round % buckets.len()];
        now += SECOND / 500;
        let started = Instant::now();
        let places = health.rank(bucket, &psps, now);
        took.push(started.elapsed().as_nanos());
        let psp = psps[places[0].psp];
        call += 1;
        health.sent(bucket, psp, call, now);
        health.answered(psp, bucket.direction, (call, now), now + SECOND / 2, Some(false));
        health.decided(bucket, psp, now, now + SECOND / 2, round % 8 != 0);
        health.look(now);
    }
    took.sort_unstable();
    let at = |share: usize| took[took.len() * share / 1_000] as f64 / 1_000.0;
    println!(
        "One decision among 6 PSPs, 50 buckets: p50 {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs",
        at(500),
        at(990),
        at(999)
    );
}
