//! Nothing refers to papers that are no part of the repository: whoever reads it could not look them up.

/// How such papers were named. Written apart, so that this file does not name them.
const OUTSIDE: &[&str] = &[
    concat!("reference/", "psps"),
    concat!("reference/", "reliability"),
    concat!("reliability ", "reference"),
    concat!("DESIGN", " §"),
    concat!("DESIGN", ".md"),
    concat!("CONTRACT", " §"),
    concat!("CONTRACT", ".md"),
    concat!("../", "shared/"),
];

/// The lines of a file that refer to one.
pub fn check(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    let named = |line: &str| OUTSIDE.iter().find(|paper| line.contains(**paper));
    let faults = lines.filter_map(|(index, line)| named(line).map(|paper| (index + 1, paper)));
    let fault = |(line, paper): (usize, &&str)| {
        format!(
            "{path}:{line} refers to `{paper}`, which is no part of the repository: say what it means \
             in words, or name a page of ours (docs/psps.md, an invariant of README.md)"
        )
    };
    faults.map(fault).collect()
}
