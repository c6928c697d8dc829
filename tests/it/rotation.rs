//! Secrets change while the service runs: no restart, and never half of them.

use super::harness::*;
use interlock::app::secrets::Secrets;
use interlock::config::{Config, Profile, Variables, clients};
use interlock::routing::registry::PspRegistry;
use interlock::sandbox::keys::SandboxKeys;
use openssl::base64;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use psp_adapters::{RawWebhook, WebhookRefusal};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

const ACCOUNT: &str = "trustly-de";

/// A sandbox's folder whose keys may be changed, and a service's accounts built from it.
struct Place {
    home: PathBuf,
    psps: Arc<PspRegistry>,
    secrets: Secrets,
    /// Every written file is younger than the one before, however fast the test is.
    written: u64,
}

impl Place {
    async fn new(name: &str) -> Self {
        let house = house().await;
        let home = house.home.parent().unwrap().join(name);
        copy(&house.home.join("keys"), &home.join("keys"));
        let profile = Profile::Sandbox { home: home.clone(), file: Some(home.join("my.toml")) };
        let place = |config: &Config| {
            let psps = clients::psps(config, true).unwrap();
            Arc::new(PspRegistry::new(psps))
        };
        fs::write(home.join("my.toml"), "").unwrap();
        let config = Config::load_with(&profile, &Variables::new()).unwrap();
        let psps = place(&config);
        let secrets = Secrets::new(profile, Variables::new(), &config, psps.clone());
        Self { home, psps, secrets, written: 0 }
    }

    fn public_key(&self) -> PathBuf {
        SandboxKeys::at(&self.home).public(ACCOUNT, "trustly")
    }

    fn private_key(&self) -> PKey<Private> {
        let pem = fs::read(SandboxKeys::at(&self.home).private(ACCOUNT, "trustly")).unwrap();
        PKey::private_key_from_pem(&pem).unwrap()
    }

    fn write(&mut self, path: &Path, text: &[u8]) {
        fs::write(path, text).unwrap();
        self.written += 1;
        #[allow(clippy::disallowed_methods, reason = "files carry the machine's time")]
        let later = SystemTime::now() + Duration::from_secs(60 * self.written);
        File::options().write(true).open(path).unwrap().set_modified(later).unwrap();
    }

    async fn hears(&self, key: &PKey<Private>) -> bool {
        let psp = self.psps.get(ACCOUNT).unwrap();
        let body = notification(key);
        let raw = RawWebhook {
            method: "POST",
            path_and_query: "/webhooks/trustly-de",
            headers: &[("content-type".to_owned(), "application/json".to_owned())],
            body: &body,
            peer_certificate: None,
            received_at: OffsetDateTime::UNIX_EPOCH,
        };
        match psp.verify_webhook(&raw).await {
            Ok(_) => true,
            Err(WebhookRefusal::Invalid(_)) => false,
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A cancellation as Trustly signs one: RSA and SHA-1 over method, uuid and the fields in order.
fn notification(key: &PKey<Private>) -> Vec<u8> {
    let (uuid, data) = (
        "258a2184-2842-b485-25ca-293525152425",
        [
            ("enduserid", "p"),
            ("messageid", "0198f3c2a1b27c3d8e4f5a6b7c8d9e0f"),
            ("notificationid", "9876543210"),
            ("orderid", "1234567890"),
            ("timestamp", "2026-11-20 12:00:00.000000+00"),
        ],
    );
    let plain: String = data.iter().map(|(name, value)| format!("{name}{value}")).collect();
    let mut signer = Signer::new(MessageDigest::sha1(), key).unwrap();
    let text = format!("cancel{uuid}{plain}");
    let signature = base64::encode_block(&signer.sign_oneshot_to_vec(text.as_bytes()).unwrap());
    let fields: Vec<String> =
        data.iter().map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
    let data = fields.join(",");
    let params = format!(r#""signature":"{signature}","uuid":"{uuid}","data":{{{data}}}"#);
    format!(r#"{{"method":"cancel","params":{{{params}}},"version":"1.1"}}"#).into_bytes()
}

fn new_key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_key_is_taken_without_a_restart_and_the_retired_one_refused() {
    let mut place = Place::new("rotation").await;
    let (old, next) = (place.private_key(), new_key());
    assert!(place.hears(&old).await);
    assert!(!place.hears(&next).await, "nobody has told of it yet");

    // Both are live while the PSP changes over.
    let beside = place.home.join("next.pem");
    place.write(&beside, &next.public_key_to_pem().unwrap());
    let psps = include_str!("../../config/psps.toml").replacen(
        "trustly_public_key_pem =",
        "trustly_public_key_pem_next = { file = \"next.pem\", since = \"2026-11-20\" }\n\
         trustly_public_key_pem =",
        1,
    );
    fs::write(place.home.join("psps.toml"), psps).unwrap();
    fs::write(place.home.join("my.toml"), "[files]\npsps = 'psps.toml'\n").unwrap();
    assert!(!place.secrets.look(), "no secret's file has changed yet");
    place.secrets.reload().unwrap();
    assert!(place.hears(&old).await && place.hears(&next).await);
    let now = time::macros::datetime!(2026-11-21 0:00 UTC);
    let age = (ACCOUNT.to_owned(), "trustly_public_key_pem_next".to_owned());
    assert_eq!(place.secrets.ages(now)[&age], 24 * 60 * 60);

    // The old key's file is overwritten with the new key: seen without a signal.
    let path = place.public_key();
    place.write(&path, &next.public_key_to_pem().unwrap());
    assert!(place.secrets.look());
    assert!(place.hears(&next).await);
    assert!(!place.hears(&old).await, "the retired key is refused");
    assert!(!place.secrets.look(), "it is looked at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_secret_changes_nothing_and_every_fault_is_told() {
    let mut place = Place::new("rotation-broken").await;
    let old = place.private_key();
    let before = place.psps.get(ACCOUNT).unwrap();
    let keys = SandboxKeys::at(&place.home);
    for path in [keys.public(ACCOUNT, "trustly"), keys.private("truelayer-gb", "signing")] {
        place.write(&path, b"no key");
    }
    let faults = place.secrets.reload().unwrap_err();
    let told: Vec<String> = faults.iter().map(|fault| fault.key.clone()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|key| key.ends_with("secrets.trustly_public_key_pem")), "{told:?}");
    assert!(told.iter().any(|key| key.ends_with("secrets.signing_private_key_pem")), "{told:?}");
    assert!(place.hears(&old).await);
    assert!(Arc::ptr_eq(&before, &place.psps.get(ACCOUNT).unwrap()), "the old client stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_of_one_rotation_may_come_one_after_the_other() {
    let mut place = Place::new("rotation-pair").await;
    let before = place.psps.get("swish-se").unwrap();
    let keys = SandboxKeys::at(&place.home);
    let (key, certificate) =
        (keys.private("swish-se", "client"), keys.certificate("swish-se", "client"));
    let new_key = fs::read(keys.private("pix-efi-br", "client")).unwrap();
    let new_certificate = fs::read(keys.certificate("pix-efi-br", "client")).unwrap();
    // The key alone does not belong to the certificate, and the look in between finds that.
    place.write(&key, &new_key);
    assert!(place.secrets.look());
    assert!(Arc::ptr_eq(&before, &place.psps.get("swish-se").unwrap()), "the old client stays");
    // It is looked at again although nothing has changed: what was refused may be whole by now.
    assert!(place.secrets.look());
    // As when the other file was written while the configuration was read: its time tells nothing new.
    let time = fs::metadata(&certificate).unwrap().modified().unwrap();
    fs::write(&certificate, &new_certificate).unwrap();
    File::options().write(true).open(&certificate).unwrap().set_modified(time).unwrap();
    assert!(place.secrets.look());
    assert!(!Arc::ptr_eq(&before, &place.psps.get("swish-se").unwrap()), "both are in use");
    assert!(!place.secrets.look(), "and it is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_after_it_was_read_is_seen_at_the_first_look() {
    let mut place = Place::new("rotation-early").await;
    let profile =
        Profile::Sandbox { home: place.home.clone(), file: Some(place.home.join("my.toml")) };
    let config = Config::load_with(&profile, &Variables::new()).unwrap();
    let next = new_key();
    let path = place.public_key();
    // Between the load of the configuration and the first of whoever watches.
    place.write(&path, &next.public_key_to_pem().unwrap());
    place.secrets = Secrets::new(profile, Variables::new(), &config, place.psps.clone());
    assert!(place.secrets.look());
    assert!(place.hears(&next).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_keeps_its_client() {
    let place = Place::new("rotation-calls").await;
    let held = place.psps.get(ACCOUNT).unwrap();
    place.secrets.reload().unwrap();
    assert!(!Arc::ptr_eq(&held, &place.psps.get(ACCOUNT).unwrap()), "the clients are new");
    assert_eq!(held.account_id(), ACCOUNT, "and the old one still works for who holds it");
}
