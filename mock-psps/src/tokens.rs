//! Access tokens that a PSP has given out. They die with the process, as they would when a token server
//! restarts, and when their time is over.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::{clock, ids};

/// What a token's answer says of its life.
pub(crate) const LIFE_S: i64 = 3_600;

#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, OffsetDateTime>>);

impl Tokens {
    /// A new one.
    pub(crate) fn give(&self) -> String {
        let token = format!("{}{}", ids::uuid(), ids::uuid()).replace('-', "");
        let now = clock::now();
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, ends_at| now < *ends_at);
        tokens.insert(token.clone(), now + Duration::seconds(LIFE_S));
        token
    }

    /// Whether it was given out and its time is not over.
    pub(crate) fn knows(&self, token: &str) -> bool {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(token).is_some_and(|ends_at| clock::now() < *ends_at)
    }
}
