//! The listener for PSPs that authenticate their webhooks by a client certificate alone.

use super::support::Scene;
use interlock::app::webhooks_tls::serve;
use interlock::config::tls::acceptor;
use interlock::sandbox::keys::{KeyKind, KeyOf, SandboxKeys};
use interlock::sandbox::mocks::mock_config;
use interlock::shutdown::Shutdown;
use serde_json::{Value, json};
use std::time::Duration;

/// Serves the scene's API there; the address, without a slash at the end.
fn listen(scene: &Scene, servers: &Shutdown) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let tls = scene.config.server.webhooks_tls.as_ref().unwrap();
    serve(listener, acceptor(tls).unwrap(), scene.router.clone(), servers).unwrap();
    url
}

/// A caller that trusts the sandbox's authority and shows this certificate with its key.
fn caller(scene: &Scene, shown: Option<(String, String)>) -> reqwest::Client {
    let ca = scene.key("interlock/ca.certificate.pem");
    let roots = reqwest::Certificate::from_pem_bundle(ca.as_bytes()).unwrap();
    let mut builder = reqwest::Client::builder().no_proxy().tls_certs_merge(roots);
    builder = builder.timeout(Duration::from_secs(10));
    if let Some((certificate, key)) = shown {
        let identity = reqwest::Identity::from_pem(format!("{certificate}\n{key}").as_bytes());
        builder = builder.identity(identity.unwrap());
    }
    builder.build().unwrap()
}

fn efi(scene: &Scene, name: &str) -> Option<(String, String)> {
    let file = |kind: &str| scene.key(&format!("pix-efi-br/{name}.{kind}.pem"));
    Some((file("certificate"), file("private")))
}

/// A certificate of another sandbox's authority, in every other way the same.
fn foreign() -> Option<(String, String)> {
    let home = std::env::temp_dir().join(format!("interlock-foreign-{}", uuid::Uuid::new_v4()));
    let key = KeyOf {
        account: "pix-efi-br".to_owned(),
        name: "webhook".to_owned(),
        kind: KeyKind::TlsClient,
    };
    let keys = SandboxKeys::ensure(&home, &[key]).unwrap();
    let read = |path| std::fs::read_to_string(path).unwrap();
    let shown = (
        read(keys.certificate("pix-efi-br", "webhook")),
        read(keys.private("pix-efi-br", "webhook")),
    );
    std::fs::remove_dir_all(home).unwrap();
    Some(shown)
}

#[tokio::test]
async fn only_a_caller_with_the_right_certificate_is_heard() {
    let (scene, servers) = (Scene::new().await, Shutdown::new());
    let url = format!("{}/webhooks/pix-efi-br/pix", listen(&scene, &servers));
    let batch = json!({"pix": [{"endToEndId": "E09089356202011251226APIff82f2e5",
        "txid": "0190000000007000800000000000beef", "valor": "10.50"}]});
    let call = async |shown| caller(&scene, shown).post(&url).json(&batch).send().await;
    let refused = [call(None).await, call(foreign()).await];
    for answer in refused {
        let error = answer.unwrap_err();
        assert!(!error.is_timeout() && error.status().is_none(), "{error:?}");
    }
    let heard = call(efi(&scene, "webhook")).await.unwrap();
    assert_eq!((heard.status().as_u16(), heard.text().await.unwrap()), (200, "200".to_owned()));
    // Nor does anybody get around the certificate.
    let open = format!("http://{}/webhooks/pix-efi-br/pix", scene.address);
    let around = caller(&scene, None).post(open).json(&batch).send().await.unwrap();
    assert_eq!(around.status(), 401);
    // Over HTTP it is the same door with the same checks.
    let lost = caller(&scene, efi(&scene, "webhook"));
    let lost = lost.post(url.replace("pix-efi-br", "nobody")).json(&batch).send().await.unwrap();
    assert_eq!(lost.status(), 404);
}

#[tokio::test]
async fn a_handshake_that_nobody_finishes_holds_up_nobody() {
    let (scene, servers) = (Scene::new().await, Shutdown::new());
    let url = listen(&scene, &servers);
    let address = url.trim_start_matches("https://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    let batch = json!({"pix": []});
    let heard = caller(&scene, efi(&scene, "webhook"));
    let heard = heard.post(format!("{url}/webhooks/pix-efi-br/pix")).json(&batch).send().await;
    assert_eq!(heard.unwrap().status(), 200);
    drop(silent);
}

/// A server that anybody may call, and that answers everything with 200.
async fn open_server(scene: &Scene) -> String {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let pem = |name: &str| scene.key(&format!("pix-efi-br/server.{name}.pem"));
    let chain = vec![CertificateDer::from_pem_slice(pem("certificate").as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pem("private").as_bytes()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/webhooks", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

/// Efí calls an address without its certificate before it registers it, and expects a refusal.
#[tokio::test]
async fn the_listener_can_be_registered_and_an_open_address_cannot() {
    let (scene, servers) = (Scene::new().await, Shutdown::new());
    let url = format!("{}/webhooks/pix-efi-br", listen(&scene, &servers));
    let plain = format!("http://{}/webhooks/pix-efi-br", scene.address);
    let open = open_server(&scene).await;
    let mut mocks = mock_config(&scene.config, scene.home()).unwrap();
    mocks.control_addr = ([127, 0, 0, 1], 0).into();
    mocks.books_dir = None;
    mocks.accounts.retain(|account| account.id == "pix-efi-br");
    mocks.vendors.clear();
    for account in &mut mocks.accounts {
        account.port = 0;
        account.settings.insert("pages_port".to_owned(), "0".to_owned());
    }
    let running = mock_psps::start(mocks).await.unwrap();
    let base = running.psps[0].base_url.clone();
    let merchant = caller(&scene, efi(&scene, "client"));
    let token = merchant
        .post(format!("{base}/oauth/token"))
        .basic_auth("Client_Id_sandbox_br", Some("sandbox-client-secret-br"))
        .json(&json!({"grant_type": "client_credentials"}));
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let key =
        &scene.config.psps.iter().find(|psp| psp.id == "pix-efi-br").unwrap().settings["pix_key"];
    let register = async |url: &str| {
        let request = merchant.put(format!("{base}/v2/webhook/{key}")).bearer_auth(token);
        request.json(&json!({"webhookUrl": url})).send().await.unwrap().status().as_u16()
    };
    assert_eq!(register(&plain).await, 400);
    assert_eq!(register(&open).await, 400);
    assert_eq!(register(&url).await, 201);
    running.stop().await;
}
