//! A headless Chromium, driven through chromedriver.
//!
//! As root the browser runs as `nobody`, with a home of its own. Where a container forbids its
//! sandbox, it runs without: then it shows pages of ours only.

use super::place::free_port;
use super::wait::{PATIENCE, try_until};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid, User};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use thirtyfour::prelude::*;
use tokio::process::{Child, Command};

const FLAGS: [&str; 9] = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1000,900",
];

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A browser with the process that drives it; both go with it.
pub struct Browser {
    driver: Option<WebDriver>,
    child: Child,
    group: Pid,
    home: PathBuf,
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = names.iter().flat_map(|name| folders.iter().map(move |one| one.join(name)));
    places.into_iter().find(|place| place.is_file())
}

impl Browser {
    pub async fn open() -> Self {
        let driver = find(&["chromedriver"]).expect("chromedriver: scripts/setup.sh test");
        let chromium = find(&NAMES).expect("chromium: scripts/setup.sh test");
        let lower = Uid::effective().is_root().then(|| User::from_name("nobody").ok().flatten());
        let lower = lower.flatten();
        let home = nix::unistd::mkdtemp(&std::env::temp_dir().join("interlock-web-XXXXXX"));
        let home = home.unwrap();
        fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
        let port = free_port();
        let mut command = Command::new(driver);
        command
            .arg(format!("--port={port}"))
            .env("HOME", &home)
            .env("TMPDIR", &home)
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(user) = &lower {
            chown(&home, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let child = command.spawn().unwrap();
        let group = Pid::from_raw(child.id().unwrap().try_into().unwrap());
        let mut browser = Self { driver: None, child, group, home };
        for sandboxed in [true, false] {
            if let Some(driver) = browser.session(port, &chromium, sandboxed).await {
                browser.driver = Some(driver);
                return browser;
            }
        }
        panic!("chromedriver could not start {}", chromium.display());
    }

    async fn session(&self, port: u16, chromium: &Path, sandboxed: bool) -> Option<WebDriver> {
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(chromium.to_str().unwrap()).unwrap();
        for flag in FLAGS {
            wanted.add_arg(flag).unwrap();
        }
        let data = self.home.join(if sandboxed { "data" } else { "data-open" });
        wanted.add_arg(&format!("--user-data-dir={}", data.display())).unwrap();
        if !sandboxed {
            wanted.add_arg("--no-sandbox").unwrap();
        }
        let url = format!("http://127.0.0.1:{port}");
        let started = try_until(PATIENCE, || async {
            // Until it listens there is nobody to answer; then its answer counts.
            let there = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
            there.is_ok().then_some(())
        });
        started.await.expect("chromedriver listens");
        WebDriver::new(&url, wanted).await.ok()
    }

    pub fn page(&self) -> &WebDriver {
        self.driver.as_ref().unwrap()
    }

    /// The element with this id, once it is there.
    pub async fn element(&self, id: &str) -> WebElement {
        let found = try_until(PATIENCE, || async { self.page().find(By::Id(id)).await.ok() });
        match found.await {
            Some(element) => element,
            None => panic!("no #{id} in:\n{}", self.page().source().await.unwrap()),
        }
    }

    pub async fn text(&self, id: &str) -> String {
        self.element(id).await.text().await.unwrap()
    }

    /// Keeps what the page looks like, for people. Where it may not write there, it goes on without.
    pub async fn keep(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        let png = self.page().screenshot_as_png().await.unwrap();
        let file = folder.join(format!("{name}.png"));
        let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, png));
        if let Err(error) = kept {
            eprintln!("{} is not kept: {error}", file.display());
        }
    }

    pub async fn close(mut self) {
        if let Some(driver) = self.driver.take() {
            driver.quit().await.unwrap();
        }
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its own group: the driver and the browsers that it started.
        let _ = killpg(self.group, Signal::SIGKILL);
        let _ = fs::remove_dir_all(&self.home);
    }
}
