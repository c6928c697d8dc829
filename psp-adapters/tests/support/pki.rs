//! A certificate authority of the tests, and what it signs.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use std::sync::LazyLock;

/// A certificate with its key.
pub struct Signed {
    pub certificate: X509,
    pub key: PKey<Private>,
    pub certificate_pem: String,
    pub private_pem: String,
}

pub struct Ca(Signed);

fn text(pem: Vec<u8>) -> String {
    String::from_utf8(pem).unwrap()
}

fn begin(name: &str, days: u32) -> (X509Builder, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject.build()).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(days).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    (builder, key)
}

fn signed(certificate: X509, key: PKey<Private>) -> Signed {
    Signed {
        certificate_pem: text(certificate.to_pem().unwrap()),
        private_pem: text(key.private_key_to_pem_pkcs8().unwrap()),
        certificate,
        key,
    }
}

impl Ca {
    pub fn new(name: &str) -> Self {
        let (mut builder, key) = begin(name, 30);
        let subject = {
            let mut name_builder = X509NameBuilder::new().unwrap();
            name_builder.append_entry_by_text("CN", name).unwrap();
            name_builder.build()
        };
        builder.set_issuer_name(&subject).unwrap();
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap();
        builder.append_extension(usage).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self(signed(builder.build(), key))
    }

    pub fn pem(&self) -> &str {
        &self.0.certificate_pem
    }

    /// A certificate for 127.0.0.1, for servers and clients alike.
    pub fn issue(&self, name: &str) -> Signed {
        let (mut builder, key) = begin(name, 30);
        builder.set_issuer_name(self.0.certificate.subject_name()).unwrap();
        let usage = ExtendedKeyUsage::new().server_auth().client_auth().build().unwrap();
        builder.append_extension(usage).unwrap();
        let context = builder.x509v3_context(Some(&self.0.certificate), None);
        let names = SubjectAlternativeName::new().ip("127.0.0.1").dns("localhost").build(&context);
        builder.append_extension(names.unwrap()).unwrap();
        builder.sign(&self.0.key, MessageDigest::sha256()).unwrap();
        signed(builder.build(), key)
    }
}

/// The sandbox's own authority, what it signed for us and for the PSPs, and a stranger.
pub static CA: LazyLock<Ca> = LazyLock::new(|| Ca::new("tests"));
pub static CLIENT: LazyLock<Signed> = LazyLock::new(|| CA.issue("casino"));
pub static SERVER: LazyLock<Signed> = LazyLock::new(|| CA.issue("psp"));
pub static OTHER_CA: LazyLock<Ca> = LazyLock::new(|| Ca::new("others"));
pub static STRANGER: LazyLock<Signed> = LazyLock::new(|| OTHER_CA.issue("stranger"));
