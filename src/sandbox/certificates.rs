//! The sandbox's own certificate authority, and what it signs.
//!
//! PSPs that know their merchants by a client certificate need three things that a sandbox has nobody to ask
//! for: a certificate of ours, one of theirs, and an authority that both trust. They are made at the first
//! start and signed anew when they would expire within thirty days. Files as those of the other keys:
//! `<name>.certificate.pem` beside `<name>.private.pem`, mode 0600, the authority's in `interlock/`.

use super::keys::KeyError;
use super::keys::files::{read_key, read_or_none, write_new};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder, X509VerifyResult};
use std::path::Path;

const CA_DAYS: u32 = 3_650;
const LEAF_DAYS: u32 = 365;
/// What would expire within so many days is signed anew.
const RENEW_DAYS: u32 = 30;

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    /// A server on this machine.
    Server,
}

/// The authority, with its key.
pub(super) struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    /// Reads the authority, or makes one where there is none that is good for a while.
    pub fn ensure(private: &Path, certificate: &Path) -> Result<Self, KeyError> {
        let key = ensure_key(private)?;
        let known = read_or_none(certificate)?.and_then(|pem| X509::from_pem(&pem).ok());
        let good = |known: &X509| belongs(known, &key) && is_fresh(known);
        if let Some(certificate) = known.filter(good) {
            return Ok(Self { certificate, key });
        }
        let made = authority(&key)?;
        write_new(certificate, &made.to_pem()?)?;
        Ok(Self { certificate: made, key })
    }

    /// Has a certificate of this role, signed by this authority, beside its key.
    pub fn ensure_leaf(
        &self,
        name: &str,
        role: Role,
        private: &Path,
        certificate: &Path,
    ) -> Result<(), KeyError> {
        let key = ensure_key(private)?;
        let known = read_or_none(certificate)?.and_then(|pem| X509::from_pem(&pem).ok());
        let good = |known: &X509| belongs(known, &key) && is_fresh(known) && self.signed(known);
        if known.is_some_and(|known| good(&known)) {
            return Ok(());
        }
        let made = self.leaf(name, role, &key)?;
        write_new(certificate, &made.to_pem()?)
    }

    fn signed(&self, leaf: &X509) -> bool {
        self.certificate.issued(leaf) == X509VerifyResult::OK
            && leaf.verify(&self.key).unwrap_or(false)
    }

    fn leaf(&self, name: &str, role: Role, key: &PKey<Private>) -> Result<X509, ErrorStack> {
        let mut builder = begin(name, LEAF_DAYS, key)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        let usage = KeyUsage::new().critical().digital_signature().build()?;
        builder.append_extension(usage)?;
        let mut extended = ExtendedKeyUsage::new();
        match role {
            Role::Client => extended.client_auth(),
            Role::Server => extended.server_auth(),
        };
        builder.append_extension(extended.build()?)?;
        if role == Role::Server {
            let context = builder.x509v3_context(Some(&self.certificate), None);
            let mut names = SubjectAlternativeName::new();
            let names = names.ip("127.0.0.1").ip("::1").dns("localhost").build(&context)?;
            builder.append_extension(names)?;
        }
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

fn authority(key: &PKey<Private>) -> Result<X509, ErrorStack> {
    let mut builder = begin("Interlock sandbox authority", CA_DAYS, key)?;
    builder.set_issuer_name(&*subject("Interlock sandbox authority")?)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build()?;
    builder.append_extension(usage)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

fn begin(name: &str, days: u32, key: &PKey<Private>) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509Builder::new()?;
    // Version 3, counted from 0.
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&*subject(name)?)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(days)?)?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

fn subject(name: &str) -> Result<X509Name, ErrorStack> {
    let mut builder = X509NameBuilder::new()?;
    builder.append_entry_by_nid(Nid::ORGANIZATIONNAME, "Interlock sandbox")?;
    builder.append_entry_by_nid(Nid::COMMONNAME, name)?;
    Ok(builder.build())
}

fn ensure_key(private: &Path) -> Result<PKey<Private>, KeyError> {
    match read_key(private)? {
        Some(key) => Ok(key),
        None => {
            let key = new_key()?;
            write_new(private, &key.private_key_to_pem_pkcs8()?)?;
            Ok(key)
        }
    }
}

/// P-256, which every TLS stack of PSPs takes.
pub(super) fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn belongs(certificate: &X509, key: &PKey<Private>) -> bool {
    certificate.public_key().is_ok_and(|public| public.public_eq(key))
}

fn is_fresh(certificate: &X509) -> bool {
    let until: &Asn1TimeRef = certificate.not_after();
    Asn1Time::days_from_now(RENEW_DAYS).is_ok_and(|soon| &*soon < until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let template = std::env::temp_dir().join("interlock-certificates-XXXXXX");
            Self(nix::unistd::mkdtemp(&template).unwrap())
        }

        fn files(&self, name: &str) -> (PathBuf, PathBuf) {
            let file = |kind: &str| self.0.join(format!("{name}.{kind}.pem"));
            (file("private"), file("certificate"))
        }

        fn authority(&self) -> Authority {
            let (private, certificate) = self.files("ca");
            Authority::ensure(&private, &certificate).unwrap()
        }

        fn leaf(&self, authority: &Authority, role: Role) -> X509 {
            let (private, certificate) = self.files("leaf");
            authority.ensure_leaf("a PSP", role, &private, &certificate).unwrap();
            X509::from_pem(&fs::read(certificate).unwrap()).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn serial(certificate: &X509) -> Vec<u8> {
        certificate.serial_number().to_bn().unwrap().to_vec()
    }

    #[test]
    fn certificates_are_made_once_signed_and_kept_private() {
        let folder = Folder::new();
        let authority = folder.authority();
        let leaf = folder.leaf(&authority, Role::Server);
        assert!(authority.signed(&leaf));
        let names = leaf.subject_alt_names().unwrap();
        assert!(names.iter().any(|name| name.ipaddress() == Some(&[127, 0, 0, 1])));
        let again = folder.leaf(&folder.authority(), Role::Server);
        assert_eq!(serial(&leaf), serial(&again));
        for name in ["ca", "leaf"] {
            let (private, certificate) = folder.files(name);
            for path in [private, certificate] {
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            }
        }
    }

    #[test]
    fn what_would_expire_soon_or_is_another_authoritys_is_signed_anew() {
        let folder = Folder::new();
        let authority = folder.authority();
        let first = folder.leaf(&authority, Role::Client);
        let (private, certificate) = folder.files("leaf");
        let key = read_key(&private).unwrap().unwrap();
        for (days, kept) in [(RENEW_DAYS, false), (RENEW_DAYS + 1, true)] {
            let mut builder = begin("a PSP", days, &key).unwrap();
            builder.set_issuer_name(authority.certificate.subject_name()).unwrap();
            builder.sign(&authority.key, MessageDigest::sha256()).unwrap();
            let aging = builder.build();
            fs::write(&certificate, aging.to_pem().unwrap()).unwrap();
            let after = folder.leaf(&authority, Role::Client);
            assert_eq!(serial(&after) == serial(&aging), kept, "{days} days");
        }
        fs::remove_file(folder.files("ca").0).unwrap();
        let other = folder.authority();
        assert!(!other.signed(&first));
        assert!(other.signed(&folder.leaf(&other, Role::Client)));
    }
}
