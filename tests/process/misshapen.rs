//! What is wrong with a webhook however well it is signed: its bytes, its shape, its way here.

use super::attacks::{Attack, attack};
use super::raw::Message;

/// Every seventh byte with its lowest bit turned, up to `end`.
pub fn flips(message: &Message, end: usize) -> Vec<Attack> {
    let places = (0..end).step_by(7);
    places
        .map(|at| {
            let mut changed = message.clone();
            changed.body[at] ^= 1;
            attack(format!("body, byte {at} turned"), &changed)
        })
        .collect()
}

/// What is wrong with any webhook, however well it is signed.
pub fn misshapen(good: &Message) -> Vec<Attack> {
    let mut all = Vec::new();
    let text = String::from_utf8(good.body.clone()).unwrap();
    let depth = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (name, body) in [
        ("empty", String::new()),
        ("BOM", format!("\u{feff}{text}")),
        ("two documents", format!("{text}{text}")),
        ("a byte more", format!("{text}x")),
        ("NUL at the end", format!("{text}\0")),
        ("a byte less", text[..text.len() - 1].to_owned()),
        ("a list", format!("[{text}]")),
        ("deep", text.replacen('{', &format!("{{\"x\":{depth},"), 1)),
        ("a key twice", text.replacen('{', "{\"method\":\"x\",\"type\":\"x\",", 1)),
        ("one byte too many", format!("{text}{}", " ".repeat(262_145 - text.len()))),
    ] {
        all.push(attack(format!("body: {name}"), &good.clone().saying(body)));
    }
    for method in ["GET", "PUT", "DELETE", "PATCH", "post", "TRACE"] {
        all.push(attack(format!("method {method}"), &good.clone().by(method)));
    }
    let overridden = good.clone().by("GET").with("x-http-method-override", "POST");
    all.push(attack("method override", &overridden));
    for encoding in ["gzip", "deflate", "br", "identity, gzip"] {
        let message = good.clone().with("content-encoding", encoding);
        all.push(attack(format!("encoding {encoding}"), &message));
    }
    all.extend(paths(good));
    all.extend(framings(good));
    all
}

fn paths(good: &Message) -> Vec<Attack> {
    let account = good.target.strip_prefix("/webhooks/").unwrap();
    let (first, rest) = account.split_at(1);
    let encoded = format!("%{:02x}{rest}", first.as_bytes()[0]);
    let spellings = [
        format!("//webhooks/{account}"),
        format!("/webhooks//{account}"),
        format!("/webhooks/{account}/"),
        format!("/webhooks/{account}/more"),
        format!("/webhooks/{account};x"),
        format!("/webhooks/{account}."),
        format!("/webhooks/{account}?x=1"),
        format!("/webhooks/{account}?"),
        format!("/webhooks/{account}%00"),
        format!("/webhooks/{account}%2f"),
        format!("/webhooks/{encoded}"),
        format!("/webhooks/%25{}", &encoded[1..]),
        format!("/webhooks/../webhooks/{account}"),
        format!("/webhooks/./{account}"),
        format!("/%77ebhooks/{account}"),
        format!("/WEBHOOKS/{account}"),
        format!("/webhooks/{}", account.to_uppercase()),
        "/webhooks/".to_owned(),
        "/webhooks/nobody".to_owned(),
        "/webhooks/trustly-gb".to_owned(),
        "/webhooks/truelayer-gb".to_owned(),
    ];
    spellings.iter().map(|path| attack(format!("path {path}"), &good.clone().at(path))).collect()
}

/// Lies about where the body ends.
fn framings(good: &Message) -> Vec<Attack> {
    let honest = good.body.len();
    let (short, long) = ((honest - 5).to_string(), (honest + 5).to_string());
    let honest = honest.to_string();
    let lies: [&[(&str, &str)]; 9] = [
        &[("content-length", &short)],
        &[("content-length", &long)],
        &[("content-length", "-1")],
        &[("content-length", "1e3")],
        &[("content-length", "99999999999999999999")],
        &[("content-length", "1073741824")],
        &[("content-length", &honest), ("content-length", "0")],
        &[("content-length", &honest), ("transfer-encoding", "chunked")],
        &[("transfer-encoding", "gzip, chunked")],
    ];
    let lie = |framing: &&[(&str, &str)]| Attack {
        name: format!("framing {framing:?}"),
        bytes: good.bytes_framed(framing),
    };
    lies.iter().map(lie).collect()
}
