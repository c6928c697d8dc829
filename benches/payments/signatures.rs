//! What the PSPs' own signature schemes cost the service: RSA-2048 with SHA-1 (Trustly) and ECDSA
//! on P-521 (TrueLayer), each over a body of usual size, in a loop of their own.

use crate::cpu;
use anyhow::{Result, anyhow, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::{Signer, Verifier};
use std::time::Duration;

const BODY: &[u8] = &[b'x'; 1_024];
const TIME: Duration = Duration::from_millis(250);

/// Processor time of one signature and of one verification.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub sign: Duration,
    pub verify: Duration,
}

fn one(mut work: impl FnMut() -> Result<()>) -> Result<Duration> {
    let own = std::process::id();
    let (started, mut count) = (cpu::of_process(own), 0_u32);
    // What other programs take of the processor must not count as the signature's.
    while cpu::of_process(own).saturating_sub(started) < TIME {
        for _ in 0..20 {
            work()?;
        }
        count += 20;
    }
    Ok(cpu::of_process(own).saturating_sub(started) / count)
}

pub fn rsa_sha1() -> Result<Cost> {
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let public = PKey::public_key_from_pem(&key.public_key_to_pem()?)?;
    let signature = Signer::new(MessageDigest::sha1(), &key)?.sign_oneshot_to_vec(BODY)?;
    let sign = one(|| {
        Signer::new(MessageDigest::sha1(), &key)?.sign_oneshot_to_vec(BODY)?;
        Ok(())
    })?;
    let verify = one(|| {
        let valid =
            Verifier::new(MessageDigest::sha1(), &public)?.verify_oneshot(&signature, BODY)?;
        ensure!(valid, "a signature verifies");
        Ok(())
    })?;
    Ok(Cost { sign, verify })
}

pub fn es512() -> Result<Cost> {
    let broken = |_| anyhow!("the library refused a key of its own");
    let random = SystemRandom::new();
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P521_SHA512_FIXED_SIGNING, &random).map_err(broken)?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P521_SHA512_FIXED_SIGNING, pkcs8.as_ref())?;
    let signature = key.sign(&random, BODY).map_err(broken)?;
    let sign = one(|| key.sign(&random, BODY).map(drop).map_err(broken))?;
    let point = key.public_key().as_ref();
    let verify = one(|| {
        UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point)
            .verify(BODY, signature.as_ref())
            .map_err(broken)
    })?;
    Ok(Cost { sign, verify })
}
