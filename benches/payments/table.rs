//! Numbers for people: medians, percentiles, Markdown.

use crate::stand::Statement;
use std::time::Duration;

/// The middle of some numbers.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The middle and the 99th of a hundred, in milliseconds.
pub fn p50_p99(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    (at(50), at(99))
}

/// Microseconds of something, each.
pub fn micros_each(used: Duration, count: usize) -> f64 {
    used.as_secs_f64() * 1e6 / count.max(1) as f64
}

/// Of something, each.
pub fn each(used: i64, count: usize) -> f64 {
    used as f64 / count.max(1) as f64
}

pub fn heading(title: &str, columns: &[&str]) {
    println!("\n### {title}\n");
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
}

pub fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// What the database was asked for each of something, the most costly first.
pub fn statements(title: &str, count: usize, list: &[Statement]) {
    heading(title, &["calls each", "µs each", "WAL B each", "statement"]);
    for one in list.iter().take(45) {
        let micros = one.millis * 1e3 / count.max(1) as f64;
        row(&[
            format!("{:.4}", each(one.calls, count)),
            format!("{micros:.0}"),
            format!("{:.0}", each(one.wal_bytes, count)),
            format!("`{}`", one.text.replace('|', "∣")),
        ]);
    }
}
