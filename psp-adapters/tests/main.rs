//! The adapters, seen from outside: one program, so that what its rooms share is built and read once.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod against_mocks;
mod conformance;
mod crypto;
mod oracles;
mod paysafe;
mod sizes;
mod stands;
mod support;
mod transport;
mod transport_http2;
mod transport_mtls;
mod vectors;
