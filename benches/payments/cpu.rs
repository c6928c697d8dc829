//! Who used the processors, read from `/proc`.

use std::fs;
use std::time::Duration;

/// The unit of `/proc/*/stat` on every Linux: a hundredth of a second.
const TICK: Duration = Duration::from_millis(10);

/// The numbers of `/proc/<pid>/stat` behind the program's name, which may hold spaces itself:
/// `[state, ppid, …]`.
fn numbers(pid: u32) -> Option<Vec<u64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(|word| word.parse().unwrap_or(0)).collect())
}

fn sum(numbers: &[u64], fields: std::ops::Range<usize>) -> Duration {
    let ticks: u64 = numbers.get(fields).unwrap_or_default().iter().sum();
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// What a process used itself.
pub fn of_process(pid: u32) -> Duration {
    numbers(pid).map_or(Duration::ZERO, |found| sum(&found, 11..13))
}

/// What a process used itself, its children that are gone, and those that still run.
pub fn of_family(pid: u32) -> Duration {
    let own = numbers(pid).map_or(Duration::ZERO, |found| sum(&found, 11..15));
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter_map(numbers).filter(|found| found.get(1) == Some(&u64::from(pid)));
    children.fold(own, |total, found| total + sum(&found, 11..13))
}

/// What the whole machine used, waiting for disks left out.
pub fn of_machine() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> =
        first.split_whitespace().skip(1).map(|word| word.parse().unwrap_or(0)).collect();
    // user nice system (idle iowait) irq softirq; guests are counted in user already.
    sum(&ticks, 0..3) + sum(&ticks, 5..7)
}

/// Processors of this machine.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |found| u32::try_from(found.get()).unwrap_or(1))
}
