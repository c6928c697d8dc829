//! What one more PSP costs, counted: the lines of each adapter's folder without comments, blank lines and
//! tests. `cargo test -p psp-adapters --test adapters -- sizes --nocapture` prints them.
//!
//! What is the same for all stands in the machine around the adapters and is counted for none; so an
//! adapter that grows says either something of its PSP's own, or something that belongs there.

use std::fs;
use std::path::Path;

const LARGEST: usize = 900;
const MEDIAN: usize = 500;

/// An adapter's name, its lines, and how many of them are imports.
type Size = (String, usize, usize);

/// The lines of a file that are neither blank nor comments, up to its tests.
fn code(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).collect()
}

/// Those of a `use`, which may go over several lines.
fn imports(code: &[&str]) -> usize {
    let mut inside = false;
    let mut count = 0;
    for line in code {
        inside |= line.starts_with("use ");
        count += usize::from(inside);
        inside &= !line.ends_with(';');
    }
    count
}

fn size(folder: &Path) -> Option<Size> {
    let files = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
    let files = files.filter(|path| !path.to_string_lossy().ends_with("_tests.rs"));
    let texts: Vec<String> = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    if !texts.iter().any(|text| text.contains("impl Adapter for")) {
        return None;
    }
    let files: Vec<Vec<&str>> = texts.iter().map(|text| code(text)).collect();
    let name = folder.file_name()?.to_string_lossy().into_owned();
    let lines = files.iter().map(Vec::len).sum();
    Some((name, lines, files.iter().map(|code| imports(code)).sum()))
}

fn sizes() -> Vec<Size> {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut sizes: Vec<Size> = folders.filter_map(|folder| size(&folder)).collect();
    sizes.sort_by_key(|(_, lines, _)| *lines);
    sizes
}

/// Twice the median, so that it is a whole number.
fn twice_median(sizes: &[usize]) -> usize {
    let (half, odd) = (sizes.len() / 2, sizes.len() % 2);
    sizes[half] + sizes[half + odd - 1]
}

#[test]
fn the_largest_adapter_and_the_median_stay_small() {
    let sizes = sizes();
    assert_eq!(sizes.len(), psp_adapters::adapters().count(), "an adapter is not counted");
    println!("lines imports adapter");
    for (name, lines, imports) in &sizes {
        println!("{lines:5} {imports:7} {name}");
    }
    let lines: Vec<usize> = sizes.iter().map(|(_, lines, _)| *lines).collect();
    let median = twice_median(&lines);
    println!("median {}.{}", median / 2, 5 * (median % 2));
    let (name, largest, _) = sizes.last().unwrap();
    assert!(*largest < LARGEST, "{name} has {largest} lines");
    assert!(median < 2 * MEDIAN, "the median is {}.{}", median / 2, 5 * (median % 2));
}

#[test]
fn code_is_counted_and_nothing_else() {
    let text = "//! Story.\nuse a::{\n    b,\n};\n\n/// Why.\nfn c() {} // d\n#[cfg(test)]\nmod t;";
    let lines = code(text);
    assert_eq!(lines, ["use a::{", "b,", "};", "fn c() {} // d"]);
    assert_eq!(imports(&lines), 3);
    assert_eq!((twice_median(&[1, 2, 4, 9]), twice_median(&[1, 2, 9])), (6, 4));
}
