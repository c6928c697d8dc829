//! The guard against server-side request forgery: a casino names a URL and we send a request there
//! from inside our network, so the URL must not reach anything that is not public.
//!
//! Two nets. [`Reach::check_url`] judges the URL as the `url` crate parsed it, so that `0x7f.1`,
//! `2130706433` or `[::ffff:a00:1]` are the addresses they mean. [`GuardedNames`] is the resolver
//! *of the connection itself*: whatever a name says at that moment is checked, and the socket is
//! opened to exactly the addresses that passed. There is no second look-up between the check and
//! the connection, so a name that changes its mind (DNS rebinding) gains nothing. One forbidden
//! address among several refuses them all: a receiver has no honest reason to mix them.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

const URL_CHARS_MAX: usize = 2_048;
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Ports of services that are no web servers and would take the bytes of a request for their own:
/// remote shells, mail, name service, file shares, databases, cluster control.
const DENIED_PORTS: [u16; 29] = [
    0, 20, 21, 22, 23, 25, 53, 110, 111, 135, 139, 143, 389, 445, 465, 514, 587, 636, 993, 995,
    2375, 2376, 2379, 3306, 5432, 6379, 9200, 11211, 27017,
];

/// Where deliveries may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Production: https to public addresses.
    Public,
    /// The sandbox: also plain http, and this machine's own loopback, so that a developer's
    /// receiver on localhost gets its events.
    PublicAndLoopback,
}

/// Why a URL cannot be an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    #[error("the URL is not a valid absolute URL of at most {URL_CHARS_MAX} characters")]
    Malformed,
    #[error("the URL must begin with https://")]
    NotHttps,
    #[error("the URL must not hold a user name or password: deliveries are signed instead")]
    HasUserinfo,
    #[error("the URL must not hold a fragment: it would never be sent")]
    HasFragment,
    #[error("port {port} is not open to webhooks: use 443 or another port of a web server")]
    PortDenied { port: u16 },
    #[error("the URL leads to {address}, which is not a public address")]
    AddressDenied { address: IpAddr },
    #[error("the host name {host} is not a public name")]
    NameDenied { host: String },
    /// Without the address: what our resolver sees inside our network is not the caller's to know.
    #[error("the host name {host} leads to an address that is not public")]
    NameLeadsInside { host: String },
}

/// A URL that passed the first net.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedUrl(Url);

impl CheckedUrl {
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl Reach {
    /// Judges everything that the text alone tells.
    pub fn check_url(self, text: &str) -> Result<CheckedUrl, UrlRefused> {
        let clean = text.bytes().all(|b| (0x21..=0x7e).contains(&b));
        // The parser drops tabs and line feeds and repairs back-slashes; who sends those is not
        // mistaken but trying something.
        if text.len() > URL_CHARS_MAX || !clean || text.contains('\\') {
            return Err(UrlRefused::Malformed);
        }
        let url = Url::parse(text).map_err(|_| UrlRefused::Malformed)?;
        match (url.scheme(), self) {
            ("https", _) | ("http", Self::PublicAndLoopback) => (),
            _ => return Err(UrlRefused::NotHttps),
        }
        let authority = text.split_once("//").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or("");
        // `https://@host/` parses to an empty user name: look at the text as well.
        if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
            return Err(UrlRefused::HasUserinfo);
        }
        if url.fragment().is_some() {
            return Err(UrlRefused::HasFragment);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if DENIED_PORTS.contains(&port) {
            return Err(UrlRefused::PortDenied { port });
        }
        match url.host() {
            None => return Err(UrlRefused::Malformed),
            Some(Host::Ipv4(v4)) => self.check_literal(v4.into())?,
            Some(Host::Ipv6(v6)) => self.check_literal(v6.into())?,
            Some(Host::Domain(name)) => self.check_name(name)?,
        }
        Ok(CheckedUrl(url))
    }

    fn check_literal(self, address: IpAddr) -> Result<(), UrlRefused> {
        if self.allows(address) { Ok(()) } else { Err(UrlRefused::AddressDenied { address }) }
    }

    /// Names that can only mean something inside a network are refused before they are looked up.
    fn check_name(self, name: &str) -> Result<(), UrlRefused> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let top = bare.rsplit('.').next().unwrap_or("");
        let refused = match top {
            "localhost" => self == Self::Public,
            "local" | "internal" | "intranet" | "lan" | "home" | "corp" | "arpa" | "onion"
            | "localdomain" | "" => true,
            // `https://router/`: resolved by the search list of whoever asks.
            _ => !bare.contains('.'),
        };
        if refused {
            let host = name.chars().take(253).collect();
            Err(UrlRefused::NameDenied { host })
        } else {
            Ok(())
        }
    }

    /// True when a connection to this address leaves for the public internet (or, in the sandbox,
    /// stays on this machine).
    pub fn allows(self, address: IpAddr) -> bool {
        let loopback = self == Self::PublicAndLoopback && address.is_loopback();
        loopback
            || match address {
                IpAddr::V4(v4) => is_public_v4(v4),
                IpAddr::V6(v6) => is_public_v6(v6),
            }
    }
}

/// Not in any block of the IANA special-purpose registry, nor a cloud's metadata service.
fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, d] = v4.octets();
    let special = match a {
        0 | 10 | 127 | 224..=255 => true, // this network, private, loopback, multicast, reserved
        100 => (64..128).contains(&b),    // carrier-grade NAT, and a cloud's metadata in it
        169 => b == 254,                  // link-local, and most clouds' metadata in it
        172 => (16..32).contains(&b),     // private
        192 => {
            b == 168 // private
                || (b == 0 && (c == 0 || c == 2)) // protocol assignments, documentation
                || (b == 88 && c == 99) // 6to4 relays
        }
        198 => b == 18 || b == 19 || (b == 51 && c == 100), // benchmarking, documentation
        203 => b == 0 && c == 113,                          // documentation
        168 => (b, c, d) == (63, 129, 16), // a cloud's host agent, though the block is public
        _ => false,
    };
    !special
}

/// Global unicast only, without the blocks that carry an IPv4 address or are set apart.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let s = v6.segments();
    // Everything outside 2000::/3 is loopback, unspecified, v4-mapped, NAT64, unique local,
    // link-local, site-local, multicast, discard-only or unassigned.
    let global = s[0] & 0xe000 == 0x2000;
    let special = match s[0] {
        // Protocol assignments (Teredo and benchmarking among them), documentation.
        0x2001 => s[1] < 0x0200 || s[1] == 0x0db8,
        0x2002 => true,          // 6to4: an IPv4 address in disguise
        0x3fff => s[1] < 0x1000, // documentation
        _ => false,
    };
    global && !special
}

/// What a name resolves to. The system's resolver in production, a table in tests.
pub trait Names: fmt::Debug + Send + Sync {
    fn look_up(
        &self,
        host: String,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up(
        &self,
        host: String,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|socket| socket.ip()).collect())
        })
    }
}

/// Why a name gave no address to connect to.
#[derive(Debug, thiserror::Error)]
pub enum NameRefused {
    #[error("the host name could not be resolved")]
    Unresolved(#[source] Option<io::Error>),
    #[error("the host name leads to {address}, which is not a public address")]
    AddressDenied { address: IpAddr },
}

/// The resolver that a connection uses: it hands on checked addresses or nothing.
#[derive(Debug, Clone)]
pub struct GuardedNames {
    names: Arc<dyn Names>,
    reach: Reach,
}

impl GuardedNames {
    pub fn new(names: Arc<dyn Names>, reach: Reach) -> Self {
        Self { names, reach }
    }

    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Every address of a host, all of them checked.
    pub async fn look_up(&self, host: String) -> Result<Vec<IpAddr>, NameRefused> {
        let answer = tokio::time::timeout(RESOLVE_TIMEOUT, self.names.look_up(host)).await;
        let addresses = match answer {
            Ok(Ok(addresses)) if !addresses.is_empty() => addresses,
            Ok(Ok(_)) | Err(_) => return Err(NameRefused::Unresolved(None)),
            Ok(Err(cause)) => return Err(NameRefused::Unresolved(Some(cause))),
        };
        match addresses.iter().find(|a| !self.reach.allows(**a)) {
            Some(address) => Err(NameRefused::AddressDenied { address: *address }),
            None => Ok(addresses),
        }
    }
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.look_up(name.as_str().to_owned()).await?;
            let sockets = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}
