//! Keys that a sandbox makes at its first start and keeps.
//!
//! The mock PSPs sign with one half and the service checks with the other, as with a real PSP. Each
//! pair is two files, `<name>.private.pem` (PKCS#8, mode 0600) and `<name>.public.pem`, in a folder
//! of the account that it belongs to. A pair for TLS has a third, `<name>.certificate.pem`, signed by the
//! sandbox's own authority (`certificates`).

use super::certificates::{self, Authority, Role};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder that the player tokens' key is in, beside those of the accounts.
const HOUSE: &str = "interlock";

/// What kind of key a pair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Rsa2048,
    EcP521,
    Ed25519,
    /// A key with a certificate that shows who calls.
    TlsClient,
    /// A key with a certificate of a server on this machine.
    TlsServer,
}

impl KeyKind {
    /// Whether a certificate of the sandbox's own authority belongs to it.
    pub fn has_certificate(self) -> bool {
        self.role().is_some()
    }

    /// What its certificate is for, when it has one.
    fn role(self) -> Option<Role> {
        match self {
            Self::TlsClient => Some(Role::Client),
            Self::TlsServer => Some(Role::Server),
            Self::Rsa2048 | Self::EcP521 | Self::Ed25519 => None,
        }
    }

    /// As the configuration writes it.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "rsa2048" => Some(Self::Rsa2048),
            "p521" => Some(Self::EcP521),
            "ed25519" => Some(Self::Ed25519),
            "tls_client" => Some(Self::TlsClient),
            "tls_server" => Some(Self::TlsServer),
            _ => None,
        }
    }
}

/// A pair of keys that an account needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOf {
    /// The PSP account's id.
    pub account: String,
    pub name: String,
    pub kind: KeyKind,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{doing} {path}: {source}")]
    File { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("{path} is no private key; remove it to have a new one made: {source}")]
    Unreadable { path: PathBuf, source: ErrorStack },
    #[error("making a key: {0}")]
    Making(#[from] ErrorStack),
}

/// The sandbox's keys, all there.
#[derive(Debug, Clone)]
pub struct SandboxKeys {
    folder: PathBuf,
}

impl SandboxKeys {
    /// Makes what is missing in `<home>/keys` and leaves what is there.
    ///
    /// # Errors
    /// A folder that cannot be written, a key file that holds no key.
    pub fn ensure(home: &Path, needed: &[KeyOf]) -> Result<Self, KeyError> {
        let keys = Self::at(home);
        // Mocks and service may be started at once, each to make them: the second finds the first one's.
        let _held = files::lock(&keys.folder)?;
        ensure_pair(
            &keys.player_token_key(),
            &keys.public(HOUSE, "player-token"),
            KeyKind::Ed25519,
        )?;
        ensure_pair(
            &keys.private(HOUSE, "evidence"),
            &keys.public(HOUSE, "evidence"),
            KeyKind::Ed25519,
        )?;
        for KeyOf { account, name, kind } in needed {
            ensure_pair(&keys.private(account, name), &keys.public(account, name), *kind)?;
        }
        keys.ensure_certificates(needed)?;
        Ok(keys)
    }

    /// One authority for all: ours, every mock's, and the certificate of our own listener.
    fn ensure_certificates(&self, needed: &[KeyOf]) -> Result<(), KeyError> {
        let with_role = |key: &KeyOf| Some((key.clone(), key.kind.role()?));
        let wanted: Vec<_> = needed.iter().filter_map(with_role).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let authority = Authority::ensure(&self.private(HOUSE, "ca"), &self.ca_certificate())?;
        for (key, role) in wanted {
            let (private, certificate) =
                (self.private(&key.account, &key.name), self.certificate(&key.account, &key.name));
            let name = format!("{} {}", key.account, key.name);
            authority.ensure_leaf(&name, role, &private, &certificate)?;
        }
        let (private, certificate) =
            (self.private(HOUSE, "webhooks"), self.certificate(HOUSE, "webhooks"));
        authority.ensure_leaf("Interlock webhooks", Role::Server, &private, &certificate)
    }

    /// The keys of a sandbox's folder, without looking whether they are there.
    pub fn at(home: &Path) -> Self {
        Self { folder: home.join("keys") }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The Ed25519 key that signs players' tokens.
    pub fn player_token_key(&self) -> PathBuf {
        self.private(HOUSE, "player-token")
    }

    /// `private("trustly-de", "merchant")`
    pub fn private(&self, account: &str, name: &str) -> PathBuf {
        self.folder.join(account).join(format!("{name}.private.pem"))
    }

    pub fn public(&self, account: &str, name: &str) -> PathBuf {
        self.folder.join(account).join(format!("{name}.public.pem"))
    }

    pub fn certificate(&self, account: &str, name: &str) -> PathBuf {
        self.folder.join(account).join(format!("{name}.certificate.pem"))
    }

    /// The certificate of the authority that signs all others.
    pub fn ca_certificate(&self) -> PathBuf {
        self.certificate(HOUSE, "ca")
    }
}

fn ensure_pair(private: &Path, public: &Path, kind: KeyKind) -> Result<(), KeyError> {
    let key = match files::read_key(private)? {
        Some(key) => key,
        None => {
            let key = generate(kind)?;
            files::write_new(private, &key.private_key_to_pem_pkcs8()?)?;
            key
        }
    };
    // Always from the private half: the two files can never belong to different pairs.
    let pem = key.public_key_to_pem()?;
    match fs::read(public) {
        Ok(there) if there == pem => Ok(()),
        _ => files::write_new(public, &pem),
    }
}

fn generate(kind: KeyKind) -> Result<PKey<Private>, ErrorStack> {
    match kind {
        KeyKind::Rsa2048 => PKey::from_rsa(Rsa::generate(2048)?),
        KeyKind::EcP521 => {
            let group = EcGroup::from_curve_name(Nid::SECP521R1)?;
            PKey::from_ec_key(EcKey::generate(&group)?)
        }
        KeyKind::Ed25519 => PKey::generate_ed25519(),
        KeyKind::TlsClient | KeyKind::TlsServer => certificates::new_key(),
    }
}

/// Reading and writing PEM files.
pub(super) mod files {
    use super::KeyError;
    use openssl::pkey::{PKey, Private};
    use std::fs::{self, DirBuilder, File, OpenOptions};
    use std::io::{self, Write};
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    use std::path::Path;

    /// A file's bytes; none where there is no such file.
    pub(in crate::sandbox) fn read_or_none(path: &Path) -> Result<Option<Vec<u8>>, KeyError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(file_error("reading", path)(source)),
        }
    }

    pub(in crate::sandbox) fn read_key(path: &Path) -> Result<Option<PKey<Private>>, KeyError> {
        let Some(pem) = read_or_none(path)? else {
            return Ok(None);
        };
        let key = PKey::private_key_from_pem(&pem);
        key.map(Some).map_err(|source| KeyError::Unreadable { path: path.to_owned(), source })
    }

    /// Nobody else makes keys in this folder as long as the file is held, nor after a crash of its holder.
    pub(super) fn lock(folder: &Path) -> Result<File, KeyError> {
        make_folder(folder)?;
        let held = File::open(folder).and_then(|file| file.lock().map(|()| file));
        held.map_err(file_error("locking", folder))
    }

    fn make_folder(folder: &Path) -> Result<(), KeyError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(file_error("making", folder))
    }

    /// Whole or not at all: a half-written key would stop every later start.
    pub(in crate::sandbox) fn write_new(path: &Path, pem: &[u8]) -> Result<(), KeyError> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let unfinished = path.with_extension("unfinished");
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)
            .and_then(|mut file| file.write_all(pem).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&unfinished, path));
        written.map_err(file_error("writing", path))
    }

    fn file_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
        let path = path.to_owned();
        move |source| KeyError::File { doing, path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;

    fn needed() -> Vec<KeyOf> {
        [
            ("trustly-de", "merchant", KeyKind::Rsa2048),
            ("trustly-de", "trustly", KeyKind::Rsa2048),
            ("truelayer-gb", "signing", KeyKind::EcP521),
            ("truelayer-gb", "webhook", KeyKind::EcP521),
        ]
        .map(|(account, name, kind)| KeyOf {
            account: account.to_owned(),
            name: name.to_owned(),
            kind,
        })
        .to_vec()
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let template = std::env::temp_dir().join("interlock-keys-XXXXXX");
            Self(nix::unistd::mkdtemp(&template).unwrap())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let home = Folder::new();
        let keys = SandboxKeys::ensure(&home.0, &needed()).unwrap();
        let made = [
            (keys.private("trustly-de", "merchant"), 2048),
            (keys.private("trustly-de", "trustly"), 2048),
            (keys.private("truelayer-gb", "signing"), 521),
            (keys.private("truelayer-gb", "webhook"), 521),
            (keys.player_token_key(), 256),
        ];
        let first: Vec<Vec<u8>> = made.iter().map(|(path, _)| fs::read(path).unwrap()).collect();
        for ((path, bits), pem) in made.iter().zip(&first) {
            assert_eq!(PKey::private_key_from_pem(pem).unwrap().bits(), *bits);
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }

        SandboxKeys::ensure(&home.0, &needed()).unwrap();
        for ((path, _), pem) in made.iter().zip(&first) {
            assert_eq!(&fs::read(path).unwrap(), pem, "{} changed", path.display());
        }
    }

    /// Each would else go on with keys of its own in its memory, of which a file keeps one.
    #[test]
    fn keys_that_many_make_at_once_are_one_and_the_same() {
        let home = Folder::new();
        let at_once = Barrier::new(8);
        let make = || {
            at_once.wait();
            let keys = SandboxKeys::ensure(&home.0, &needed()).unwrap();
            let private = needed().into_iter().map(|key| keys.private(&key.account, &key.name));
            private.map(|path| fs::read(path).unwrap()).collect::<Vec<_>>()
        };
        let made: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(made.iter().all(|it| *it == made[0]));
    }

    #[test]
    fn a_public_half_that_is_lost_is_made_from_the_private_one() {
        let home = Folder::new();
        let keys = SandboxKeys::ensure(&home.0, &needed()).unwrap();
        let public = keys.public("truelayer-gb", "webhook");
        let before = fs::read(&public).unwrap();
        fs::remove_file(&public).unwrap();
        SandboxKeys::ensure(&home.0, &needed()).unwrap();
        assert_eq!(fs::read(&public).unwrap(), before);
    }

    #[test]
    fn a_file_that_holds_no_key_is_named() {
        let home = Folder::new();
        let keys = SandboxKeys::ensure(&home.0, &needed()).unwrap();
        let broken = keys.private("trustly-de", "merchant");
        fs::write(&broken, "not a key").unwrap();
        let error = SandboxKeys::ensure(&home.0, &needed()).unwrap_err();
        assert!(error.to_string().contains("merchant.private.pem"), "{error}");
    }
}
