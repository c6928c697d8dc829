//! What the scripts decide, with programs that only say what they were asked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Says what it is asked, and fails where the variable of that name says so.
const CARGO: &str = "#!/bin/sh\necho \"cargo $*\"\ncase $1 in fmt) exit \"$FMT\";; clippy) exit \"$CLIPPY\";; esac\n";
const RUSTC: &str = "#!/bin/sh\necho \"rustc $RUST (of a test)\"\n";

/// A folder of programs that stand before all others, removed with it.
struct Programs(PathBuf);

impl Programs {
    fn new() -> Self {
        let template = std::env::temp_dir().join("interlock-scripts-XXXXXX");
        let folder = nix::unistd::mkdtemp(&template).unwrap();
        for (name, text) in [("cargo", CARGO), ("rustc", RUSTC), ("shellcheck", "#!/bin/sh\n")] {
            let file = folder.join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    fn lint(&self, rust: &str, fmt: &str, clippy: &str) -> Output {
        let path = std::env::var("PATH").unwrap();
        Command::new("bash")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lint.sh"))
            .env("PATH", format!("{}:{path}", self.0.display()))
            .envs([("RUST", rust), ("FMT", fmt), ("CLIPPY", clippy)])
            .output()
            .unwrap()
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_only_a_newer_rust_minds_fails_nothing() {
    let programs = Programs::new();
    let script = include_str!("../../scripts/lint.sh");
    let (_, ours) = script.split_once("clean_with=").unwrap();
    let ours = format!("{}.0", ours.lines().next().unwrap());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = programs.lint(&ours, "0", "0");
    assert!(said.status.success(), "{said:?}");
    assert!(text(&said.stdout).contains("-- -D warnings"), "{said:?}");
    assert!(!programs.lint(&ours, "1", "0").status.success(), "formatted otherwise");

    let said = programs.lint("1.999.0", "1", "0");
    assert!(said.status.success(), "{said:?}");
    assert!(!text(&said.stdout).contains("-D warnings"), "{said:?}");
    assert!(text(&said.stderr).contains("this is Rust 1.999.0"), "{said:?}");
    assert!(
        !programs.lint("1.999.0", "0", "101").status.success(),
        "an error is one with every Rust"
    );
}
