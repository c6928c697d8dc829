//! Ports: taken at once and by name, so that a port that somebody else has is one clear message.

use std::io;
use std::net::{SocketAddr, TcpListener};

#[derive(Debug, thiserror::Error)]
pub enum PortError {
    #[error(
        "port {} of {} for {purpose} is taken by another program. Stop that one, or choose another \
         address: {setting}{}:{}",
        .address.port(), .address.ip(), .address.ip(), free_suggestion(*.address)
    )]
    Taken { purpose: String, address: SocketAddr, setting: String },
    #[error("listening on {address} for {purpose}: {source}. To change it: {setting}host:port")]
    Other { purpose: String, address: SocketAddr, setting: String, source: io::Error },
}

/// Listens on an address. `purpose` is a word for people ("the API"), `key` the configuration key
/// that holds the address ("server.listen").
///
/// The listener is non-blocking, ready for `tokio::net::TcpListener::from_std`.
///
/// # Errors
/// A port that is taken, an address that this machine does not have, a port below 1024.
pub fn listen(purpose: &str, address: SocketAddr, key: &str) -> Result<TcpListener, PortError> {
    bind(purpose, address, format!("{}=", crate::config::variable_of(key)))
}

/// Says so when the port of a mock PSP account, or of their control API, is taken. Whoever serves
/// there binds it right afterwards.
///
/// # Errors
/// As [`listen`].
pub fn check_free(purpose: &str, address: SocketAddr, setting: String) -> Result<(), PortError> {
    bind(purpose, address, setting).map(drop)
}

fn bind(purpose: &str, address: SocketAddr, setting: String) -> Result<TcpListener, PortError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| {
        let purpose = purpose.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => PortError::Taken { purpose, address, setting },
            _ => PortError::Other { purpose, address, setting, source },
        }
    })
}

/// A port that is free now, or 0, which lets the system choose.
fn free_suggestion(address: SocketAddr) -> u16 {
    let free = TcpListener::bind(SocketAddr::new(address.ip(), 0));
    free.and_then(|listener| listener.local_addr()).map_or(0, |address| address.port())
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
    fn an_address_of_another_machine_is_no_taken_port() {
        let elsewhere = "192.0.2.1:8080".parse().unwrap();
        let error = listen("the API", elsewhere, "server.listen").unwrap_err();
        assert!(matches!(error, PortError::Other { .. }), "{error}");
    }
}
