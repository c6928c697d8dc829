//! A national register of excluded people, as a client.

use super::link::Link;
use super::wire::register as wire;
use crate::domain::{Player, Timestamp};
use crate::screening::hooks::{HookFailure, RegisterAnswer};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// One register and the countries whose players it knows.
#[derive(Debug)]
pub struct Register {
    pub id: String,
    pub countries: Vec<String>,
    pub link: Link,
    pub token: SecretString,
}

impl Register {
    /// Asks about a player; the answer with the hash of the bytes that it was read from.
    ///
    /// # Errors
    /// No answer that can be used.
    pub async fn ask(
        &self,
        player: &Player,
        request_id: &str,
        now: Timestamp,
    ) -> Result<(RegisterAnswer, [u8; 32]), HookFailure> {
        let question = wire::question(self.link.base_url(), &self.token, request_id, player);
        let told = self.link.ask(question, self.link.deadline()).await?;
        let answer = wire::answer(&told.body, request_id, now);
        let answer = answer.map_err(|_| HookFailure::Unreadable)?;
        Ok((answer, Sha256::digest(&told.body).into()))
    }
}
