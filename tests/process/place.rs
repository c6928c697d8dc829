//! Where one test lives: its folder and its ports.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use toml::{Table, Value};

/// Ports below those that the system hands out for outgoing connections, so that nobody gets one
/// between our look and the service's start.
const FIRST: u16 = 20_000;
const SPAN: u16 = 12_000;

/// A port that nobody listens on. Two runs of the tests at once begin in different places.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 600).unwrap() * 20;
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (start + step) % SPAN;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Variables for the process under test.
pub type Variables = BTreeMap<String, String>;

/// A folder that goes with the test, and the ports of a whole house.
pub struct Place {
    folder: PathBuf,
    pub api: u16,
    pub control: u16,
    pub webhooks_tls: u16,
    /// What moves the mocks away from the ports of the sandbox that a person may be running.
    moved: Variables,
}

/// The variables that give every address of the sandbox's accounts and vendors, pages for people
/// included, a port of its own.
fn moved() -> Variables {
    let psps: Table = include_str!("../../config/psps.toml").parse().unwrap();
    let checks: Table = include_str!("../../config/checks.toml").parse().unwrap();
    let sandbox: Table = include_str!("../../config/sandbox.toml").parse().unwrap();
    let (mut ports, mut moved) = (BTreeMap::new(), Variables::new());
    for (list, accounts) in [("PSPS", &psps["psps"]), ("CHECKS", &checks["checks"])] {
        for account in accounts.as_array().unwrap() {
            let id = account["id"].as_str().unwrap().replace('-', "_").to_uppercase();
            move_ports(account, &format!("INTERLOCK__{list}__{id}"), &mut ports, &mut moved);
        }
    }
    move_ports(&sandbox["vendors"], "INTERLOCK__VENDORS", &mut ports, &mut moved);
    moved
}

fn move_ports(at: &Value, name: &str, ports: &mut BTreeMap<u16, u16>, moved: &mut Variables) {
    for (key, value) in at.as_table().into_iter().flatten() {
        let name = format!("{name}__{}", key.to_uppercase());
        let Some(text) = value.as_str() else {
            move_ports(value, &name, ports, moved);
            continue;
        };
        let after = text.split_once("://127.0.0.1:").map(|(_, after)| after);
        let after = after.or_else(|| key.ends_with("_port").then_some(text));
        let digits = after.map(|it| it.split(|c: char| !c.is_ascii_digit()).next().unwrap());
        if let Some(port) = digits.and_then(|digits| digits.parse().ok()) {
            let free = ports.entry(port).or_insert_with(free_port);
            moved.insert(name, text.replace(&port.to_string(), &free.to_string()));
        }
    }
}

impl Place {
    pub fn new() -> Self {
        let template = std::env::temp_dir().join("interlock-process-XXXXXX");
        let folder = nix::unistd::mkdtemp(&template).unwrap();
        // PostgreSQL does not run as root: its user must be able to pass.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        Self {
            folder,
            api: free_port(),
            control: free_port(),
            webhooks_tls: free_port(),
            moved: moved(),
        }
    }

    /// The sandbox's folder.
    pub fn home(&self) -> &Path {
        &self.folder
    }

    /// What makes a sandbox live here.
    pub fn variables(&self) -> Variables {
        let mut variables = Variables::from([
            ("INTERLOCK__SANDBOX__DIR".to_owned(), self.folder.to_str().unwrap().to_owned()),
            ("INTERLOCK__SERVER__LISTEN".to_owned(), format!("127.0.0.1:{}", self.api)),
            ("INTERLOCK__SERVER__PUBLIC_URL".to_owned(), self.api_url()),
            (
                "INTERLOCK__SANDBOX__CONTROL_LISTEN".to_owned(),
                format!("127.0.0.1:{}", self.control),
            ),
        ]);
        variables.extend(self.moved.clone());
        let webhooks_tls = format!("127.0.0.1:{}", self.webhooks_tls);
        let public = format!("https://{webhooks_tls}");
        variables.insert("INTERLOCK__SERVER__WEBHOOKS_TLS_LISTEN".to_owned(), webhooks_tls);
        variables.insert("INTERLOCK__SERVER__WEBHOOKS_TLS_PUBLIC_URL".to_owned(), public);
        variables
    }

    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api)
    }

    pub fn control_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.control)
    }

    /// The pid of the PostgreSQL server that runs in the folder, if one does.
    pub fn postgres(&self) -> Option<nix::unistd::Pid> {
        let text = fs::read_to_string(self.folder.join("pg/data/postmaster.pid")).ok()?;
        let pid = nix::unistd::Pid::from_raw(text.lines().next()?.trim().parse().ok()?);
        nix::sys::signal::kill(pid, None).is_ok().then_some(pid)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // After a kill the server's watchdog stops it; its folder must not go before.
        let end = Instant::now() + Duration::from_secs(15);
        while self.postgres().is_some() && Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
