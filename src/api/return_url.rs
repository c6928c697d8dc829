//! Where a payer's browser may be sent afterwards: an open redirect would lend our payment pages
//! to whoever forges one.

use super::problem::Problem;
use crate::domain::OperatorId;
use std::collections::BTreeMap;
use url::{Host, Url};

/// https and a host on the operator's list; a loopback host that is listed (the sandbox) may be
/// plain http.
///
/// # Errors
/// 422 `payment.return_url_not_allowed`.
pub fn check(
    hosts: &BTreeMap<OperatorId, Vec<String>>,
    operator: &OperatorId,
    text: &str,
) -> Result<(), Problem> {
    let listed = hosts.get(operator).map_or(&[][..], Vec::as_slice);
    let allowed = Url::parse(text).is_ok_and(|url| {
        let host = url.host_str().unwrap_or("").trim_matches(['[', ']']);
        let on_list = listed.iter().any(|known| known.trim_matches(['[', ']']) == host);
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        on_list && secure
    });
    if allowed {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "payment.return_url_not_allowed",
        "A return_url is https and its host is on the operator's list.",
    )
    .at("/return_url"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_over_https_and_loopback_plainly() {
        let demo = OperatorId::trusted("op_demo");
        let names = ["casino.example", "127.0.0.1", "localhost", "[::1]"];
        let hosts = BTreeMap::from([(demo.clone(), names.map(str::to_owned).to_vec())]);
        for good in [
            "https://casino.example/back?x=1",
            "http://127.0.0.1:3000/",
            "http://localhost/",
            "http://[::1]:8080/",
        ] {
            assert!(check(&hosts, &demo, good).is_ok(), "{good}");
        }
        for bad in [
            "http://casino.example/",
            "https://evil.example/",
            "https://casino.example.evil.example/",
            "https://casino.example@evil.example/",
            "javascript:alert(1)",
            "ftp://127.0.0.1/",
        ] {
            assert!(check(&hosts, &demo, bad).is_err(), "{bad}");
        }
        let other = OperatorId::trusted("op_other");
        assert!(check(&hosts, &other, "https://casino.example/").is_err());
    }
}
