//! The client certificate of an account, for PSPs that know their merchants by one.
//!
//! Every account can have one; it is made of the secrets `tls_client_certificate_pem` (the certificate and
//! what stands between it and the PSP's root), `tls_client_key_pem`, and `tls_ca_pem` where the PSP's
//! server is signed by nobody that the system trusts.

use crate::registry::Reader;
use openssl::pkey::PKey;
use openssl::x509::X509;
use secrecy::{ExposeSecret, SecretString};

const CERTIFICATE: &str = "tls_client_certificate_pem";
const KEY: &str = "tls_client_key_pem";
const CA: &str = "tls_ca_pem";

/// A certificate, its key, and a root beside those of the system.
#[derive(Debug, Clone)]
pub struct TlsIdentity {
    certificate_pem: SecretString,
    key_pem: SecretString,
    ca_pem: Option<SecretString>,
}

impl TlsIdentity {
    /// Checks that the certificate and the key are readable and belong together: a handshake that fails
    /// for it would only say that the PSP hung up.
    ///
    /// # Errors
    /// The secret that is at fault, and what is wrong with it.
    pub fn new(
        certificate_pem: SecretString,
        key_pem: SecretString,
        ca_pem: Option<SecretString>,
    ) -> Result<Self, (&'static str, &'static str)> {
        let chain = X509::stack_from_pem(certificate_pem.expose_secret().as_bytes());
        let leaf = chain.ok().and_then(|chain| chain.into_iter().next());
        let leaf = leaf.ok_or((CERTIFICATE, "is no certificate in PEM"))?;
        let key = PKey::private_key_from_pem(key_pem.expose_secret().as_bytes())
            .map_err(|_| (KEY, "is no private key in PEM"))?;
        if !leaf.public_key().is_ok_and(|public| public.public_eq(&key)) {
            return Err((KEY, "does not belong to the certificate"));
        }
        if let Some(ca) = &ca_pem {
            let roots = X509::stack_from_pem(ca.expose_secret().as_bytes());
            if !roots.is_ok_and(|roots| !roots.is_empty()) {
                return Err((CA, "is no certificate in PEM"));
            }
        }
        Ok(Self { certificate_pem, key_pem, ca_pem })
    }

    /// Both in one text, as TLS libraries read them.
    pub(crate) fn identity_pem(&self) -> SecretString {
        let parts = [&self.certificate_pem, &self.key_pem].map(ExposeSecret::expose_secret);
        SecretString::from(parts.join("\n"))
    }

    pub(crate) fn ca_pem(&self) -> Option<&SecretString> {
        self.ca_pem.as_ref()
    }
}

/// The account's identity, when it has one; what is wrong with it becomes the account's faults.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<TlsIdentity> {
    if !reader.has_secret(CERTIFICATE) && !reader.has_secret(KEY) {
        if reader.has_secret(CA) {
            reader.fault(format!("secrets.{CA}"), "is there without a client certificate");
        }
        return None;
    }
    let (certificate, key) = (reader.secret(CERTIFICATE, 1), reader.secret(KEY, 1));
    if certificate.expose_secret().is_empty() || key.expose_secret().is_empty() {
        return None;
    }
    let ca = reader.has_secret(CA).then(|| reader.secret(CA, 1));
    match TlsIdentity::new(certificate, key, ca) {
        Ok(identity) => Some(identity),
        Err((secret, reason)) => {
            reader.fault(format!("secrets.{secret}"), reason);
            None
        }
    }
}

/// For adapters whose PSP serves nobody without one.
pub(crate) fn require(reader: &mut Reader<'_>) {
    if !reader.has_secret(CERTIFICATE) && !reader.has_secret(KEY) {
        reader.fault(format!("secrets.{CERTIFICATE}"), "is missing: this PSP wants mutual TLS");
    }
}
