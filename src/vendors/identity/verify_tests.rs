use super::*;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

const BODY: &[u8] = br#"{"applicantId":"5cb56e8e0a975a35f333cb83","type":"applicantReviewed"}"#;
const CURRENT: &str = "current-secret-of-the-tests";
const NEXT: &str = "next-secret-of-the-tests";

fn keys() -> Keys {
    Keys { current: CURRENT.to_owned().into(), next: Some(NEXT.to_owned().into()) }
}

/// Signed by another library than the one that verifies.
fn hmac(digest: MessageDigest, secret: &str, body: &[u8]) -> String {
    // OpenSSL takes no empty key; one of a zero byte is the same after padding.
    let key = if secret.is_empty() { "\0" } else { secret };
    let key = PKey::hmac(key.as_bytes()).unwrap();
    hex::encode(Signer::new(digest, &key).unwrap().sign_oneshot_to_vec(body).unwrap())
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn told(scheme: Scheme, pairs: &[(&str, &str)], body: &[u8]) -> Option<Refused> {
    verify(scheme, &keys(), &headers(pairs), body).err()
}

#[test]
fn sumsub_is_believed_by_two_algorithms_and_no_other() {
    let of = |digest| hmac(digest, CURRENT, BODY);
    let (sha1, sha256, sha512) =
        (of(MessageDigest::sha1()), of(MessageDigest::sha256()), of(MessageDigest::sha512()));
    let sumsub = |digest: &str, alg: &str, body: &[u8]| {
        told(Scheme::Sumsub, &[("x-payload-digest", digest), ("x-payload-digest-alg", alg)], body)
    };
    let next = hmac(MessageDigest::sha512(), NEXT, BODY);
    assert_eq!(sumsub(&sha256, "HMAC_SHA256_HEX", BODY), None);
    assert_eq!(sumsub(&sha512, "HMAC_SHA512_HEX", BODY), None);
    assert_eq!(sumsub(&next, "HMAC_SHA512_HEX", BODY), None, "the second secret");
    for (digest, alg, refused) in [
        (&sha1, "HMAC_SHA1_HEX", Refused::Algorithm),
        (&sha256, "HMAC_SHA1_HEX", Refused::Algorithm),
        (&sha256, "hmac_sha256_hex", Refused::Algorithm),
        (&sha256, "", Refused::Algorithm),
        (&sha1, "HMAC_SHA256_HEX", Refused::BadSignature),
        (&sha256, "HMAC_SHA512_HEX", Refused::BadSignature),
        (&sha512, "HMAC_SHA256_HEX", Refused::BadSignature),
    ] {
        assert_eq!(sumsub(digest, alg, BODY), Some(refused), "{alg}");
    }
    let alone = told(Scheme::Sumsub, &[("x-payload-digest", &sha256)], BODY);
    assert_eq!(alone, Some(Refused::Algorithm), "no algorithm is named");
}

#[test]
fn each_vendors_signature_is_of_these_bytes_and_of_a_live_secret() {
    for (scheme, name) in [
        (Scheme::Sumsub, "x-payload-digest"),
        (Scheme::Onfido, "x-sha2-signature"),
        (Scheme::Veriff, "x-hmac-signature"),
    ] {
        let told = |signature: &str, body: &[u8]| {
            let algorithm = ("x-payload-digest-alg", "HMAC_SHA256_HEX");
            told(scheme, &[(name, signature), algorithm], body)
        };
        let by = |secret: &str| hmac(MessageDigest::sha256(), secret, BODY);
        let good = by(CURRENT);
        assert_eq!(told(&good, BODY), None, "{scheme:?}");
        assert_eq!(told(&by(NEXT), BODY), None, "{scheme:?}: the second secret");
        let mut changed = BODY.to_vec();
        changed[2] ^= 1;
        let (first, rest) = good.split_at(1);
        let other = if first == "0" { "1" } else { "0" };
        for (signature, body) in [
            (good.clone(), changed.as_slice()),
            (good.clone(), &BODY[..BODY.len() - 1]),
            (format!("{other}{rest}"), BODY),
            (good[..62].to_owned(), BODY),
            (format!("{good}00"), BODY),
            (by("another secret"), BODY),
            (by(""), BODY),
            (String::new(), BODY),
            ("no hex".to_owned(), BODY),
        ] {
            assert_eq!(told(&signature, body), Some(Refused::BadSignature), "{scheme:?}");
        }
        let nothing = super::verify(scheme, &keys(), &[], BODY).err();
        assert_eq!(nothing, Some(Refused::Unsigned), "{scheme:?}");
        let twice = [(name, good.as_str()), (name, good.as_str())];
        let twice = super::verify(scheme, &keys(), &headers(&twice), BODY).err();
        assert_eq!(twice, Some(Refused::Ambiguous), "{scheme:?}");
    }
}

#[test]
fn veriffs_older_signature_alone_is_none() {
    use sha2::Digest;
    let legacy = Sha256::new().chain_update(BODY).chain_update(CURRENT).finalize();
    let legacy = hex::encode(legacy);
    let alone = told(Scheme::Veriff, &[("x-signature", &legacy)], BODY);
    assert_eq!(alone, Some(Refused::Unsigned));
    let in_place = told(Scheme::Veriff, &[("x-hmac-signature", &legacy)], BODY);
    assert_eq!(in_place, Some(Refused::BadSignature));
    let good = hmac(MessageDigest::sha256(), CURRENT, BODY);
    let beside = [("x-signature", legacy.as_str()), ("x-hmac-signature", good.as_str())];
    assert_eq!(told(Scheme::Veriff, &beside, BODY), None, "the control");
}

#[test]
fn an_empty_secret_verifies_nothing() {
    let keys = Keys { current: String::new().into(), next: None };
    let signature = hmac(MessageDigest::sha256(), "", BODY);
    let headers = headers(&[("x-sha2-signature", &signature)]);
    let told = verify(Scheme::Onfido, &keys, &headers, BODY).err();
    assert_eq!(told, Some(Refused::BadSignature));
}
