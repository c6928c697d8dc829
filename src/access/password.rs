//! Passwords: Argon2id with the library's defaults (19 MiB, two passes), a salt of its own each.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};

/// The shortest password that anybody may have.
pub const LENGTH_MIN: usize = 12;

/// What is compared with where there is no account, so that an answer takes as long as with one.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mtc2FsdA$\
    CnvIV6NdSJaxTl4QoWnCdd5PZWZVPK64A8pzdqUjU8E";

/// The PHC form of a password.
///
/// # Errors
/// When the system gives no randomness.
pub fn hash(password: &SecretString) -> Result<String, Error> {
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| Error::Internal)?;
    let hash: PasswordHash =
        Argon2::default().hash_password_with_salt(password.expose_secret().as_bytes(), &salt)?;
    Ok(hash.to_string())
}

/// Whether it is the password. `stored` none: nobody's, which it never is, after the same work.
pub fn is_right(password: &SecretString, stored: Option<&str>) -> bool {
    let password = password.expose_secret().as_bytes();
    let Ok(hash) = PasswordHash::new(stored.unwrap_or(NOBODYS)) else {
        return false;
    };
    let matches = Argon2::default().verify_password(password, &hash).is_ok();
    matches && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_password_alone_opens() {
        let password = SecretString::from("correct horse battery");
        let stored = hash(&password).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(is_right(&password, Some(&stored)));
        assert!(!is_right(&SecretString::from("correct horse batterx"), Some(&stored)));
        assert!(!is_right(&password, Some("no hash")));
        assert_ne!(stored, hash(&password).unwrap(), "each has a salt of its own");
    }

    #[test]
    fn where_there_is_no_account_the_same_work_is_done_in_vain() {
        let hash = PasswordHash::new(NOBODYS).unwrap();
        assert_eq!(hash.algorithm.as_str(), "argon2id");
        assert!(!is_right(&SecretString::from("anything"), None));
    }
}
