//! What the tests share: keys, accounts, operations, and a driver that needs no network.

pub mod crypto_side;
pub mod pki;
pub mod truelayer_side;
pub mod trustly_side;

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use psp_adapters::{
    Adapter, CachedToken, Input, Psp, PspAccount, Step, Transport, TransportConfig, build,
};
use psp_contract::{
    AttemptRef, CompletionRequest, Currency, DepositRequest, Destination, HttpRequest,
    HttpResponse, Inquiry, InquiryBy, Instrument, Lookup, Money, Operation, Outcome, Payer,
    PayoutRequest, Portable, ReturnRequest, Subject, Timestamp, TransportFailure,
};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

pub const KID: &str = "7a3b1c5e-0000-4000-8000-000000000001";
pub const WEBHOOK_KID: &str = "7a3b1c5e-0000-4000-8000-000000000002";
pub const MERCHANT_ACCOUNT: &str = "ab8d4058-ee8c-4a10-a996-2c1f1a0c0000";

/// A key pair in PEM.
pub struct Pair {
    pub key: PKey<Private>,
    pub private_pem: String,
    pub public_pem: String,
}

pub fn pair(key: PKey<Private>) -> Pair {
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap();
    Pair {
        private_pem: text(key.private_key_to_pem_pkcs8().unwrap()),
        public_pem: text(key.public_key_to_pem().unwrap()),
        key,
    }
}

pub fn rsa() -> Pair {
    pair(PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
}

pub fn p521() -> Pair {
    let group = EcGroup::from_curve_name(Nid::SECP521R1).unwrap();
    pair(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
}

pub static MERCHANT_RSA: LazyLock<Pair> = LazyLock::new(rsa);
pub static TRUSTLY_RSA: LazyLock<Pair> = LazyLock::new(rsa);
pub static TRUSTLY_RSA_NEXT: LazyLock<Pair> = LazyLock::new(rsa);
pub static FOREIGN_RSA: LazyLock<Pair> = LazyLock::new(rsa);
pub static CLIENT_EC: LazyLock<Pair> = LazyLock::new(p521);
pub static WEBHOOK_EC: LazyLock<Pair> = LazyLock::new(p521);
pub static FOREIGN_EC: LazyLock<Pair> = LazyLock::new(p521);

pub fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretString> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretString::from(*value))).collect()
}

pub fn trustly_account(base_url: &str) -> PspAccount {
    PspAccount {
        id: "trustly-de".to_owned(),
        adapter: "trustly".to_owned(),
        method: "bank_transfer".to_owned(),
        base_url: base_url.to_owned(),
        notify_url: "http://127.0.0.1:9/webhooks/trustly-de".to_owned(),
        settings: texts(&[("username", "casino")]),
        secrets: secrets(&[
            ("password", "correct horse"),
            ("merchant_private_key_pem", &MERCHANT_RSA.private_pem),
            ("trustly_public_key_pem", &TRUSTLY_RSA.public_pem),
            ("trustly_public_key_pem_next", &TRUSTLY_RSA_NEXT.public_pem),
        ]),
    }
}

pub fn truelayer_account(base_url: &str) -> PspAccount {
    PspAccount {
        id: "truelayer-gb".to_owned(),
        adapter: "truelayer".to_owned(),
        method: "bank_transfer".to_owned(),
        base_url: base_url.to_owned(),
        notify_url: "http://127.0.0.1:9/webhooks/truelayer-gb".to_owned(),
        settings: texts(&[
            ("client_id", "casino"),
            ("merchant_account_id", MERCHANT_ACCOUNT),
            ("signing_kid", KID),
            ("hosted_page_url", &format!("{base_url}/payments")),
            ("webhook_jku", &format!("{base_url}/.well-known/jwks")),
        ]),
        secrets: secrets(&[
            ("client_secret", "a client secret of some length"),
            ("signing_private_key_pem", &CLIENT_EC.private_pem),
        ]),
    }
}

/// One for a test program: its TLS roots are read once.
pub fn transport() -> Transport {
    static TRANSPORT: LazyLock<Transport> = LazyLock::new(new_transport);
    TRANSPORT.clone()
}

/// One of its own, for tests with a runtime: pooled connections belong to the runtime that made them.
pub fn new_transport() -> Transport {
    Transport::new(&TransportConfig {
        connect_timeout: Duration::from_secs(2),
        allow_plain_http_loopback: true,
        ..TransportConfig::default()
    })
    .unwrap()
}

pub fn psp(account: PspAccount) -> Psp {
    build(account, &transport()).unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::from_unix_timestamp(1_795_000_000).unwrap()
}

pub fn attempt(number: u128) -> AttemptRef {
    AttemptRef::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
}

pub fn payer() -> Payer {
    Payer {
        player_reference: "p-7f3a".to_owned(),
        player_uuid: Uuid::from_u128(0x6ba7_b810_9dad_51d1_80b4_00c0_4fd4_30c8),
        full_name: "Erika Mustermann".to_owned(),
        date_of_birth: Some("1990-12-31".to_owned()),
        email: Some("erika@example.test".to_owned()),
        locale: Some("de-DE".to_owned()),
        ip: Some("203.0.113.7".to_owned()),
        ..Payer::default()
    }
}

/// The country that a currency is tested in.
fn country(currency: Currency) -> String {
    let code = match currency {
        Currency::GBP => "GB",
        Currency::SEK => "SE",
        Currency::BRL => "BR",
        Currency::CAD => "CA",
        _ => "DE",
    };
    code.to_owned()
}

/// A Brazilian has a CPF, a Swede a mobile phone: their methods need them.
fn payer_in(currency: Currency) -> Payer {
    match currency {
        Currency::BRL => Payer { national_id: Some("52998224725".to_owned()), ..payer() },
        Currency::SEK => Payer {
            national_id: Some("199001011234".to_owned()),
            phone: Some("46701234567".to_owned()),
            ..payer()
        },
        _ => payer(),
    }
}

pub fn deposit(attempt: AttemptRef, money: Money) -> Operation {
    deposit_with(attempt, money, None)
}

pub fn deposit_with(
    attempt: AttemptRef,
    money: Money,
    instrument: Option<Instrument>,
) -> Operation {
    Operation::CreateDeposit(DepositRequest {
        attempt,
        money,
        country: country(money.currency),
        payer: payer_in(money.currency),
        return_url: "https://casino.test/back?x=1&y=ö".to_owned(),
        instrument,
    })
}

/// The second call of a deposit that its payer has approved.
pub fn completion(attempt: AttemptRef, money: Money) -> Operation {
    Operation::CompleteDeposit(CompletionRequest {
        attempt,
        money,
        payer: payer_in(money.currency),
        brought: None,
    })
}

/// What the payer brought back from the issuer's page.
pub fn brought(attempt: AttemptRef, money: Money, brought: &str) -> Operation {
    Operation::CompleteDeposit(CompletionRequest {
        attempt,
        money,
        payer: payer_in(money.currency),
        brought: Some(brought.to_owned()),
    })
}

pub fn lookup(subject: Option<Subject>, psp_reference: &str) -> Operation {
    Operation::Lookup(Lookup { subject, psp_reference: psp_reference.to_owned() })
}

pub fn payout(attempt: AttemptRef, money: Money, destination: Destination) -> Operation {
    Operation::CreatePayout(PayoutRequest {
        attempt,
        money,
        country: country(money.currency),
        payer: payer_in(money.currency),
        destination,
    })
}

pub fn refund(attempt: AttemptRef, money: Money, deposit: &str) -> Operation {
    Operation::ReturnDeposit(ReturnRequest {
        attempt,
        deposit_psp_reference: deposit.to_owned(),
        money,
    })
}

pub fn inquiry(subject: Subject, attempt: AttemptRef, money: Money, by: InquiryBy) -> Operation {
    Operation::Inquire(Inquiry {
        subject,
        attempt,
        by,
        money,
        first_sent_at: now(),
        deposit_psp_reference: Some("dep-1".to_owned()),
    })
}

/// One good example of every kind of account, with a currency that it holds.
pub fn portable(kind: &str) -> (Portable, Currency) {
    let holder_name = "Erika Mustermann".to_owned();
    match kind {
        "iban" => {
            let iban = "DE89370400440532013000".to_owned();
            (Portable::Iban { iban, holder_name }, Currency::EUR)
        }
        "uk_account" => {
            let (sort_code, account_number) = ("040668".to_owned(), "00000871".to_owned());
            (Portable::UkAccount { sort_code, account_number, holder_name }, Currency::GBP)
        }
        "pix_key" => (Portable::PixKey { key: "52998224725".to_owned() }, Currency::BRL),
        "crypto_address" => {
            let address = "0x52908400098527886E0F7030069857D2E4169EE7".to_owned();
            let (network, asset) = ("ethereum".to_owned(), "USDT".to_owned());
            (Portable::CryptoAddress { network, asset, address, tag: None }, Currency::USDT)
        }
        "phone" => {
            (Portable::Phone { number: "46701234567".to_owned(), holder_name }, Currency::SEK)
        }
        "email" => {
            let address = "erika@example.test".to_owned();
            (Portable::Email { address, holder_name }, Currency::CAD)
        }
        other => panic!("no account of the kind {other}"),
    }
}

pub fn to(portable: Portable) -> Destination {
    Destination { token: None, portable: Some(portable) }
}

pub fn token(value: &str) -> Destination {
    Destination { token: Some(value.to_owned()), portable: None }
}

pub const fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub const fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

/// An answer without headers.
pub fn response(status: u16, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.into() }
}

/// What an exchange came to, with every request that it wanted.
pub struct Driven {
    pub outcome: Outcome,
    pub requests: Vec<(&'static str, HttpRequest)>,
}

/// Drives an exchange with answers instead of a network.
pub fn drive(
    adapter: &dyn Adapter,
    operation: &Operation,
    now: Timestamp,
    token: Option<CachedToken>,
    mut answer: impl FnMut(&'static str, &HttpRequest) -> Result<HttpResponse, TransportFailure>,
) -> Driven {
    let mut exchange = adapter.exchange(operation, now);
    let mut input = Input::Start { token };
    let mut requests = Vec::new();
    for _ in 0..16 {
        input = match exchange.step(input) {
            Step::Send(step, request) => {
                let answered = answer(step, &request);
                requests.push((step, request));
                match answered {
                    Ok(response) => Input::Response(response),
                    Err(failure) => Input::Failed(failure),
                }
            }
            Step::Remember(_) | Step::Forget => Input::Remembered,
            Step::Done(outcome) => return Driven { outcome, requests },
        };
    }
    panic!("an exchange without an end");
}

/// The folder of the published vectors. None, and a word about it, when it is not there.
pub fn vectors(folder: &str) -> Option<PathBuf> {
    shared(&format!("vectors/{folder}"))
}

/// A folder of the published material that is no part of the project. None, and a word about it, when it
/// is not there.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("INTERLOCK_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there (INTERLOCK_SHARED names its root)", path.display());
    None
}

/// Leaves an issuer's page at Adyen's mock so, and says what the payer brings back.
pub async fn leaves(page: &str, choice: &str) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let left = client.build().unwrap().post(format!("{page}/{choice}")).send().await.unwrap();
    let back = url::Url::parse(left.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!(back.query_pairs().next().unwrap().0, "x", "the page's own query stays");
    let found = back.query_pairs().find(|(name, _)| name == "redirectResult");
    found.unwrap().1.into_owned()
}
