//! PSPs behind mutual TLS: who is let in, and what they answer. Efí and Swish, each through a client that
//! shows a certificate of the account's authority.

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

use crate::harness::{Account, World, digits, until, world_of};

const PIX_KEY: &str = "71cdf9ba-c695-4e3c-b010-abb521a3f1be";
const EFI: &str = "pix-efi-br";
const SWISH: &str = "swish-se";

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

struct Scene {
    w: World,
    authority: Authority,
    client: reqwest::Client,
    signer: PKey<Private>,
    token: String,
}

async fn scene_with(more: &[(&'static str, &str)]) -> Scene {
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
    let w = world_of(&accounts, None).await;
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

async fn scene() -> Scene {
    scene_with(&[]).await
}

impl Scene {
    async fn efi(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.w.base(EFI));
        let method = method.parse().unwrap();
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    fn charge(&self, amount: &str) -> Value {
        json!({"calendario": {"expiracao": 3600}, "valor": {"original": amount}, "chave": PIX_KEY,
            "devedor": {"cpf": "52998224725", "nome": "Ana Souza"}})
    }

    fn send_to(&self, key: &str, amount: &str) -> Value {
        json!({"valor": amount, "pagador": {"chave": PIX_KEY},
            "favorecido": {"chave": key, "cpf": "52998224725"}})
    }

    async fn swish(&self, method: &str, path: &str, body: Value) -> (u16, String, String) {
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

    fn payment(&self, amount: &str) -> Value {
        json!({"payeePaymentReference": "order7", "payeeAlias": "1231181189", "amount": amount,
            "callbackUrl": format!("{}/webhooks/{SWISH}", self.w.hook), "currency": "SEK",
            "message": "Deposit"})
    }

    fn payout(&self, id: &str) -> Value {
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

fn instruction() -> String {
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

#[tokio::test]
async fn a_charge_is_paid_on_a_page_that_any_browser_opens() {
    let s = scene().await;
    let txid = digits();
    let (status, charge) = s.efi("PUT", &format!("/v2/cob/{txid}"), s.charge("12.34")).await;
    assert_eq!((status, &charge["status"]), (201, &json!("ATIVA")));
    let code = charge["pixCopiaECola"].as_str().unwrap();
    let location = charge["location"].as_str().unwrap();
    assert!(code.contains(location) && code.contains("540512.34"), "{code}");
    let page = format!("http://{location}");
    let html = s.w.http.get(&page).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("12.34 BRL") && html.contains("Ana Souza"), "{html}");
    let approved = s.w.http.post(format!("{page}/approve")).send().await.unwrap();
    assert_eq!(approved.status(), 200);
    let told = s.w.until_told(EFI, 1, |it| it.path.ends_with("/pix")).await.remove(0).json();
    assert_eq!(
        (&told["pix"][0]["txid"], &told["pix"][0]["valor"]),
        (&json!(txid), &json!("12.34"))
    );
    let (_, paid) = s.efi("GET", &format!("/v2/cob/{txid}"), Value::Null).await;
    assert_eq!(paid["status"], "CONCLUIDA");
    assert_eq!(paid["pix"][0]["gnExtras"]["pagador"]["cpf"], "52998224725");
    // It goes back once, and a used id is refused.
    let e2eid = paid["pix"][0]["endToEndId"].as_str().unwrap();
    let back = format!("/v2/pix/{e2eid}/devolucao/{}", digits());
    assert_eq!(s.efi("PUT", &back, json!({"valor": "12.34"})).await.0, 201);
    let (status, refused) = s.efi("PUT", &back, json!({"valor": "12.34"})).await;
    assert_eq!(status, 400);
    assert!(refused["type"].as_str().unwrap().ends_with("/PixDevolucaoInvalida"));
    until("the return", || async {
        let (_, back) = s.efi("GET", &back, Value::Null).await;
        (back["status"] == "DEVOLVIDO").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_used_id_is_refused_and_books_nothing_more() {
    let s = scene().await;
    let (txid, id) = (digits(), digits());
    for (path, body, word) in [
        (format!("/v2/cob/{txid}"), s.charge("10.00"), "txid_duplicado"),
        (format!("/v3/gn/pix/{id}"), s.send_to("52998224725", "10.00"), "id_envio_duplicado"),
    ] {
        assert_eq!(s.efi("PUT", &path, body.clone()).await.0, 201);
        let (status, again) = s.efi("PUT", &path, body).await;
        assert_eq!((status, &again["nome"]), (409, &json!(word)));
    }
    s.w.complete(EFI, &txid, json!({"outcome": "succeeded"})).await;
    let (status, closed) = s.efi("PUT", &format!("/v2/cob/{txid}"), s.charge("10.00")).await;
    assert_eq!(status, 400);
    assert!(closed["type"].as_str().unwrap().ends_with("/CobOperacaoInvalida"));
    assert_eq!(s.w.movements(EFI).await.len(), 2);
}

#[tokio::test]
async fn money_goes_to_the_owner_of_a_key_only() {
    let s = scene().await;
    let send = async |key: &str, cpf: &str| {
        let mut body = s.send_to(key, "5.00");
        body["favorecido"]["cpf"] = cpf.into();
        let (status, said) = s.efi("PUT", &format!("/v3/gn/pix/{}", digits()), body).await;
        (status, said["nome"].as_str().unwrap_or_default().to_owned())
    };
    let foreign = (400, "chave_nao_pertence_ao_documento".to_owned());
    assert_eq!(send("ana@example.com", "52998224725").await.0, 201);
    assert_eq!(send("ana@example.com", "12345678909").await, foreign);
    assert_eq!(send("52998224725", "12345678909").await, foreign);
    assert_eq!(send("ana@example.com", "12345678900").await, (400, "valor_invalido".to_owned()));
}

/// The rules of Efí's own test environment, by the amount.
#[tokio::test]
async fn homologation_decides_by_the_amount() {
    let s = scene_with(&[("homologation", "true")]).await;
    for (amount, status, ends) in
        [("10.00", 201, "REALIZADO"), ("20.00", 201, "NAO_REALIZADO"), ("20.01", 422, "")]
    {
        let id = digits();
        let body = s.send_to("52998224725", amount);
        assert_eq!(s.efi("PUT", &format!("/v3/gn/pix/{id}"), body).await.0, status, "{amount}");
        let asked = format!("/v2/gn/pix/enviados/id-envio/{id}");
        let (_, sent) = s.efi("GET", &asked, Value::Null).await;
        assert_eq!(sent["status"].as_str().unwrap_or_default(), ends, "{amount}");
    }
}

#[tokio::test]
async fn a_swish_request_is_opened_by_its_token_and_told_unsigned() {
    let s = scene().await;
    let id = instruction();
    let path = format!("v2/paymentrequests/{id}");
    let (status, token, body) = s.swish("PUT", &path, s.payment("100.00")).await;
    assert_eq!((status, body.as_str()), (201, ""));
    let (status, _, said) = s.swish("PUT", &path, s.payment("100.00")).await;
    assert!(status == 422 && said.contains("RP09"), "{said}");
    let listed = s.w.control_get("/psps").await;
    let pages = listed[1]["pages_url"].as_str().unwrap();
    let app = format!("{pages}/paymentrequest?token={token}&callbackurl=https://casino.example/");
    let html = s.w.http.get(&app).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("100.00 SEK"), "{html}");
    let form = [("return_uri", "https://casino.example/")];
    let choose = s.w.http.post(format!("{pages}/app/{id}/approve")).form(&form);
    assert_eq!(choose.send().await.unwrap().status(), 303);
    let told = s.w.until_told(SWISH, 1, |it| it.json()["status"] == "PAID").await.remove(0);
    assert!(String::from_utf8_lossy(&told.body).contains("\"amount\":100.00"));
    let (_, _, asked) = s.swish("GET", &format!("v1/paymentrequests/{id}"), Value::Null).await;
    assert!(asked.contains("\"status\":\"PAID\"") && asked.contains("\"payerAlias\":\"467"));
}

#[tokio::test]
async fn what_swish_checks_of_a_request_is_refused_by_code() {
    let s = scene().await;
    for (field, value, code) in [
        ("callbackUrl", json!("http://casino.example/"), "RP03"),
        ("payerAlias", json!("12"), "BE18"),
        ("amount", json!("10.5"), "PA02"),
        ("amount", json!("0.00"), "AM06"),
        ("currency", json!("NOK"), "AM03"),
        ("message", json!("x".repeat(51)), "RP02"),
    ] {
        let mut body = s.payment("100.00");
        body[field] = value;
        let path = format!("v2/paymentrequests/{}", instruction());
        let (status, _, said) = s.swish("PUT", &path, body).await;
        assert!(status == 422 && said.contains(code), "{field}: {said}");
    }
    let small = format!("v2/paymentrequests/{}", digits());
    assert_eq!(s.swish("PUT", &small, s.payment("100.00")).await.0, 400);
    let mut pushed = s.payment("100.00");
    pushed["payerAlias"] = "46701234567".into();
    let path = || format!("v2/paymentrequests/{}", instruction());
    assert_eq!(s.swish("PUT", &path(), pushed.clone()).await.0, 201);
    let (status, _, said) = s.swish("PUT", &path(), pushed).await;
    assert!(status == 422 && said.contains("RP06"), "one open request a number: {said}");
    assert_eq!(s.w.movements(SWISH).await.len(), 1);
}

#[tokio::test]
async fn a_swish_payout_needs_the_signature_over_its_bytes() {
    let s = scene().await;
    let id = instruction();
    let good = s.payout(&id);
    let mut altered = good.clone();
    altered["payload"]["amount"] = "999.00".into();
    let mut once = good.clone();
    let mut signer = Signer::new(MessageDigest::sha512(), &s.signer).unwrap();
    let payload = good["payload"].to_string();
    let hashed_once = signer.sign_oneshot_to_vec(payload.as_bytes()).unwrap();
    once["signature"] = STANDARD.encode(hashed_once).into();
    for wrong in [altered, once] {
        assert_eq!(s.swish("POST", "v1/payouts", wrong).await.0, 422);
    }
    assert!(s.w.movements(SWISH).await.is_empty());
    assert_eq!(s.swish("POST", "v1/payouts", good.clone()).await.0, 201);
    let (status, _, said) = s.swish("POST", "v1/payouts", good).await;
    assert!(status == 422 && said.contains("RP09"), "{said}");
    s.w.until_told(SWISH, 1, |it| it.json()["status"] == "PAID").await;
    let debited = s.w.received_by(SWISH).into_iter().filter(|it| it.json()["status"] == "DEBITED");
    assert_eq!(debited.count(), 1, "first it leaves the merchant");
    assert_eq!(s.w.movements(SWISH).await.len(), 1);
    // The number belongs to whom it was first paid.
    let mut other = s.payout(&instruction());
    other["payload"]["payeeSSN"] = "198001011234".into();
    let digest = sha512(other["payload"].to_string().as_bytes());
    let mut signer = Signer::new(MessageDigest::sha512(), &s.signer).unwrap();
    other["signature"] = STANDARD.encode(signer.sign_oneshot_to_vec(&digest).unwrap()).into();
    let (status, _, said) = s.swish("POST", "v1/payouts", other).await;
    assert!(status == 422 && said.contains("VR02"), "{said}");
}
