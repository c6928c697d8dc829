//! Ports: taken at once and by name, so that a port that somebody else has is one clear message.

use std::io;
use std::net::{SocketAddr, TcpListener};
use url::Url;

#[derive(Debug, thiserror::Error)]
pub enum PortError {
    #[error(
        "port {} of {} for {purpose} is taken by another program. Stop that one, or choose another \
         address: {}",
        .address.port(), .address.ip(), .setting.with(*.address, *.free)
    )]
    Taken { purpose: String, address: SocketAddr, setting: Setting, free: u16 },
    #[error(
        "listening on {address} for {purpose}: {source}. To change it: {}",
        .setting.with(*.address, .address.port())
    )]
    Other { purpose: String, address: SocketAddr, setting: Setting, source: io::Error },
}

/// Everything that cannot be listened on, told at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", told(.0))]
pub struct PortsError(Vec<PortError>);

/// One as it is; of several the variables as lines that can be copied.
fn told(errors: &[PortError]) -> String {
    if let [one] = errors {
        return one.to_string();
    }
    let line = |error: &PortError| match error {
        PortError::Taken { purpose, address, setting, free } => {
            format!("\n  {}  # {address} for {purpose}", setting.with(*address, *free))
        }
        other @ PortError::Other { .. } => format!("\n  # {other}"),
    };
    let lines: String = errors.iter().map(line).collect();
    let count = errors.len();
    format!(
        "{count} ports are taken, by another sandbox perhaps. Stop it, or set all of these variables:{lines}"
    )
}

/// Who is about to listen where.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub purpose: String,
    pub address: SocketAddr,
    pub setting: Setting,
}

/// Which setting holds an address, and what of it.
#[derive(Debug, Clone)]
pub enum Setting {
    /// `server.listen`: host and port.
    Address { key: String },
    /// A URL, of which scheme and path stay.
    Url { key: String, url: Box<Url> },
    /// The port alone.
    Port { key: String },
}

impl Setting {
    /// The variable that moves the setting to another port, and its value.
    pub fn variable(&self, address: SocketAddr, port: u16) -> (String, String) {
        let (key, value) = match self {
            Self::Address { key } => (key, format!("{}:{port}", address.ip())),
            Self::Port { key } => (key, port.to_string()),
            Self::Url { key, url } => {
                let path = url.path().trim_end_matches('/');
                (key, format!("{}://{}:{port}{path}", url.scheme(), address.ip()))
            }
        };
        (crate::config::variable_of(key), value)
    }

    fn with(&self, address: SocketAddr, port: u16) -> String {
        let (variable, value) = self.variable(address, port);
        format!("{variable}={value}")
    }
}

/// Listens on an address. `purpose` is a word for people ("the API"), `key` the configuration key
/// that holds the address ("server.listen").
///
/// The listener is non-blocking, ready for `tokio::net::TcpListener::from_std`.
///
/// # Errors
/// A port that is taken, an address that this machine does not have, a port below 1024.
pub fn listen(purpose: &str, address: SocketAddr, key: &str) -> Result<TcpListener, PortError> {
    bind(purpose, address, Setting::Address { key: key.to_owned() })
}

/// Says which of these ports are taken. Whoever serves there binds them right afterwards.
///
/// # Errors
/// As [`listen`], for all of them.
pub fn check_free(wanted: Vec<Wanted>) -> Result<(), PortsError> {
    let mut errors = Vec::new();
    // Kept until all are told, so that no free port is offered twice.
    let mut offered = Vec::new();
    for Wanted { purpose, address, setting } in wanted {
        match bind(&purpose, address, setting) {
            Ok(_) => {}
            Err(PortError::Taken { purpose, address, setting, free: _ }) => {
                let listener = free_port(address);
                let free = port_of(listener.as_ref());
                offered.extend(listener);
                errors.push(PortError::Taken { purpose, address, setting, free });
            }
            Err(other) => errors.push(other),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(PortsError(errors)) }
}

fn bind(purpose: &str, address: SocketAddr, setting: Setting) -> Result<TcpListener, PortError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| {
        let purpose = purpose.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                let free = port_of(free_port(address).as_ref());
                PortError::Taken { purpose, address, setting, free }
            }
            _ => PortError::Other { purpose, address, setting, source },
        }
    })
}

fn free_port(address: SocketAddr) -> Option<TcpListener> {
    TcpListener::bind(SocketAddr::new(address.ip(), 0)).ok()
}

/// 0, which lets the system choose, where there is none.
fn port_of(listener: Option<&TcpListener>) -> u16 {
    listener.and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_the_way_out() {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = first.local_addr().unwrap();
        let error = listen("the API", address, "server.listen").unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("port {} of 127.0.0.1 for the API", address.port())));
        assert!(text.contains("INTERLOCK__SERVER__LISTEN=127.0.0.1:"), "{text}");
    }

    #[test]
    fn the_way_out_of_a_url_keeps_its_path_and_of_a_port_is_a_port() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let told = |setting| {
            let purpose = "a mock".to_owned();
            check_free(vec![Wanted { purpose, address, setting }]).unwrap_err().to_string()
        };
        let key = "vendors.elliptic.base_url".to_owned();
        let url: Url = format!("http://127.0.0.1:{}/v2", address.port()).parse().unwrap();
        let text = told(Setting::Url { key, url: Box::new(url) });
        let (_, url) = text.split_once("INTERLOCK__VENDORS__ELLIPTIC__BASE_URL=").expect("named");
        let url: Url = url.parse().unwrap();
        assert_eq!((url.scheme(), url.path()), ("http", "/v2"));
        assert!(url.port().is_some_and(|port| port != address.port()), "{url}");
        let text = told(Setting::Port { key: "psps.x.sandbox.settings.pages_port".to_owned() });
        let (_, port) = text.split_once("__PAGES_PORT=").expect("named");
        assert!(port.parse::<u16>().is_ok(), "{text}");
    }

    #[test]
    fn all_taken_ports_are_told_at_once_with_free_ones_that_differ() {
        let taken: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let wanted = taken.iter().enumerate().map(|(number, listener)| Wanted {
            purpose: "a mock".to_owned(),
            address: listener.local_addr().unwrap(),
            setting: Setting::Port { key: format!("mock.m{number}") },
        });
        let text = check_free(wanted.collect()).unwrap_err().to_string();
        assert!(text.starts_with("3 ports are taken"), "{text}");
        let free = |number: usize| {
            let (_, port) = text.split_once(&format!("  INTERLOCK__MOCK__M{number}=")).unwrap();
            port.split(' ').next().unwrap().parse::<u16>().unwrap()
        };
        let offered = std::collections::BTreeSet::from([free(0), free(1), free(2)]);
        assert_eq!(offered.len(), 3, "{text}");
    }

    #[test]
    fn an_address_of_another_machine_is_no_taken_port() {
        let elsewhere = "192.0.2.1:8080".parse().unwrap();
        let error = listen("the API", elsewhere, "server.listen").unwrap_err();
        assert!(matches!(error, PortError::Other { .. }), "{error}");
    }
}
