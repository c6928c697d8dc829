//! PSPs behind mutual TLS: who is let in. Efí and Swish, each through a client that shows a certificate of
//! the account's authority; what they answer, their own files tell.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::sha512;
use openssl::sign::Signer;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name, X509NameBuilder};
use serde_json::{Value, json};

use crate::harness::{Account, World, digits, world_of};

pub const PIX_KEY: &str = "71cdf9ba-c695-4e3c-b010-abb521a3f1be";
pub const EFI: &str = "pix-efi-br";
pub const SWISH: &str = "swish-se";

fn name(text: &str) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
    builder.build()
}

fn certificate(of: &str, key: &PKey<Private>, by: Option<(&X509, &PKey<Private>)>) -> X509 {
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name(of)).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    match by {
        None => {
            builder.set_issuer_name(&name(of)).unwrap();
            builder.append_extension(BasicConstraints::new().ca().build().unwrap()).unwrap();
            builder.sign(key, MessageDigest::sha256()).unwrap();
        }
        Some((ca, ca_key)) => {
            builder.set_issuer_name(ca.subject_name()).unwrap();
            let context = builder.x509v3_context(Some(ca), None);
            let names = SubjectAlternativeName::new().ip("127.0.0.1").build(&context).unwrap();
            builder.append_extension(names).unwrap();
            builder.sign(ca_key, MessageDigest::sha256()).unwrap();
        }
    }
    builder.build()
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn text(pem: Vec<u8>) -> String {
    String::from_utf8(pem).unwrap()
}

/// An authority that signs for both sides of one test.
struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    fn new() -> Self {
        let key = key();
        Self { certificate: certificate("authority", &key, None), key }
    }

    fn pem(&self) -> String {
        text(self.certificate.to_pem().unwrap())
    }

    /// A certificate and its key, in PEM.
    fn issue(&self, to: &str) -> (String, String) {
        let key = key();
        let certificate = certificate(to, &key, Some((&self.certificate, &self.key)));
        let private = text(key.private_key_to_pem_pkcs8().unwrap());
        (text(certificate.to_pem().unwrap()), private)
    }

    fn client(&self, shown: Option<(String, String)>) -> reqwest::Client {
        let roots = reqwest::Certificate::from_pem_bundle(self.pem().as_bytes()).unwrap();
        let mut builder = reqwest::Client::builder().no_proxy().tls_certs_merge(roots);
        if let Some((certificate, key)) = shown {
            let identity = format!("{certificate}\n{key}");
            builder = builder.identity(reqwest::Identity::from_pem(identity.as_bytes()).unwrap());
        }
        builder.build().unwrap()
    }
}

pub struct Scene {
    pub w: World,
    authority: Authority,
    client: reqwest::Client,
    pub signer: PKey<Private>,
    token: String,
}

pub async fn scene_with(more: &[(&'static str, &str)]) -> Scene {
    scene_in(more, None).await
}

/// With books that survive.
pub async fn scene_in(
    more: &[(&'static str, &str)],
    books_dir: Option<std::path::PathBuf>,
) -> Scene {
    let authority = Authority::new();
    let signer = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let (certificate, private) = authority.issue("psp");
    let tls = [
        ("server_certificate_pem", certificate),
        ("server_private_key_pem", private),
        ("client_ca_pem", authority.pem()),
        ("pages_port", "0".to_owned()),
    ];
    let settings = |own: &[(&'static str, &str)]| {
        let own = own.iter().map(|(key, value)| (*key, (*value).to_owned()));
        own.chain(tls.clone()).collect::<Vec<_>>()
    };
    let signing = text(signer.public_key_to_pem().unwrap());
    let mut efi = vec![("client_id", "client"), ("client_secret", "secret"), ("pix_key", PIX_KEY)];
    efi.extend(more);
    let swish = [
        ("payee_alias", "1231181189"),
        ("signing_public_key_pem", &*signing),
        ("signing_certificate_serial", "4512B3"),
    ];
    let accounts = [
        Account { id: EFI, psp: "pix_efi", currency: "BRL", settings: settings(&efi) },
        Account { id: SWISH, psp: "swish", currency: "SEK", settings: settings(&swish) },
    ];
    let w = world_of(&accounts, books_dir).await;
    let client = authority.client(Some(authority.issue("merchant")));
    let mut scene = Scene { w, authority, client, signer, token: String::new() };
    let request = scene
        .client
        .post(format!("{}/oauth/token", scene.w.base(EFI)))
        .basic_auth("client", Some("secret"))
        .json(&json!({"grant_type": "client_credentials"}));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    scene.token = answer["access_token"].as_str().unwrap().to_owned();
    scene
}

pub async fn scene() -> Scene {
    scene_with(&[]).await
}

impl Scene {
    /// Asks to be notified at an address that Efí need not try first.
    pub async fn register(&self, url: &str) -> u16 {
        let path = format!("{}/v2/webhook/{PIX_KEY}", self.w.base(EFI));
        let request = self.client.put(path).bearer_auth(&self.token);
        let request = request.header("x-skip-mtls-checking", "true");
        request.json(&json!({"webhookUrl": url})).send().await.unwrap().status().as_u16()
    }

    pub async fn efi(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.w.base(EFI));
        let method = method.parse().unwrap();
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub fn charge(&self, amount: &str) -> Value {
        json!({"calendario": {"expiracao": 3600}, "valor": {"original": amount}, "chave": PIX_KEY,
            "devedor": {"cpf": "52998224725", "nome": "Ana Souza"}})
    }

    pub fn send_to(&self, key: &str, amount: &str) -> Value {
        json!({"valor": amount, "pagador": {"chave": PIX_KEY},
            "favorecido": {"chave": key, "cpf": "52998224725"}})
    }

    pub async fn swish(&self, method: &str, path: &str, body: Value) -> (u16, String, String) {
        let url = format!("{}/swish-cpcapi/api/{path}", self.w.base(SWISH));
        let mut request = self.client.request(method.parse().unwrap(), url);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let token = answer.headers().get("paymentrequesttoken").cloned();
        let token = token.map_or(String::new(), |token| token.to_str().unwrap().to_owned());
        (answer.status().as_u16(), token, answer.text().await.unwrap())
    }

    pub fn payment(&self, amount: &str) -> Value {
        json!({"payeePaymentReference": "order7", "payeeAlias": "1231181189", "amount": amount,
            "callbackUrl": format!("{}/webhooks/{SWISH}", self.w.hook), "currency": "SEK",
            "message": "Deposit"})
    }

    pub fn payout(&self, id: &str) -> Value {
        let payload = json!({"payoutInstructionUUID": id, "payerPaymentReference": "order8",
            "payerAlias": "1231181189", "payeeAlias": "46701234567", "payeeSSN": "199001011234",
            "amount": "100.00", "currency": "SEK", "payoutType": "PAYOUT", "message": "Payout",
            "instructionDate": "2026-11-20T12:00:00Z", "signingCertificateSerialNumber": "4512B3"});
        let mut signer = Signer::new(MessageDigest::sha512(), &self.signer).unwrap();
        let digest = sha512(payload.to_string().as_bytes());
        let signature = STANDARD.encode(signer.sign_oneshot_to_vec(&digest).unwrap());
        let url = format!("{}/webhooks/{SWISH}", self.w.hook);
        json!({"payload": payload, "callbackUrl": url, "signature": signature})
    }
}

pub fn instruction() -> String {
    digits().to_ascii_uppercase()
}

#[tokio::test]
async fn nobody_is_served_without_a_certificate_of_the_account() {
    let s = scene().await;
    let stranger = Authority::new().issue("stranger");
    for id in [EFI, SWISH] {
        let url = format!("{}/oauth/token", s.w.base(id));
        assert!(url.starts_with("https://"));
        for shown in [None, Some(stranger.clone())] {
            assert!(s.authority.client(shown).post(&url).send().await.is_err(), "{id}");
        }
        assert!(s.client.post(&url).send().await.is_ok(), "{id}");
    }
}

#[tokio::test]
async fn resets_and_a_closed_port_work_over_tls_as_well() {
    let s = scene().await;
    let path = format!("/v2/cob/{}", digits());
    s.w.fault(EFI, "create_deposit", "connection_reset_after_accept", 1).await;
    let url = format!("{}{path}", s.w.base(EFI));
    let request = s.client.put(&url).bearer_auth(&s.token).json(&s.charge("10.00"));
    assert!(request.send().await.unwrap_err().is_request());
    assert_eq!(s.w.movements(EFI).await.len(), 1);
    s.w.control(&format!("/psps/{EFI}/listener"), json!({"up": false})).await;
    assert!(s.client.get(&url).send().await.unwrap_err().is_connect());
    s.w.control(&format!("/psps/{EFI}/listener"), json!({"up": true})).await;
    assert_eq!(s.efi("GET", &path, Value::Null).await.0, 200);
}
