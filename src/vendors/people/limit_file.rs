//! A market's file of limits over all operators, as a client.

use super::link::Link;
use super::wire::limit_file as wire;
use crate::domain::{Money, Player};
use crate::screening::hooks::{FileAnswer, HookFailure};
use secrecy::SecretString;
use uuid::Uuid;

/// One file and the countries whose players it knows.
#[derive(Debug)]
pub struct LimitFile {
    pub id: String,
    pub countries: Vec<String>,
    pub link: Link,
    pub token: SecretString,
}

impl LimitFile {
    /// Asks for room. Without an answer the room may be taken or not.
    ///
    /// # Errors
    /// No answer that can be used.
    pub async fn reserve(
        &self,
        deposit: Uuid,
        player: &Player,
        money: Money,
    ) -> Result<FileAnswer, HookFailure> {
        let request = wire::reserve(self.link.base_url(), &self.token, deposit, player, money);
        let told = self.link.send(request, self.link.deadline()).await?;
        match told.status {
            200 | 201 | 409 => wire::reserved((told.status, &told.body), deposit, money)
                .map_err(|_| HookFailure::Unreadable),
            _ => Err(HookFailure::Refused),
        }
    }

    /// Says that the money came.
    ///
    /// # Errors
    /// The file did not say that it has taken it.
    pub async fn commit(&self, deposit: Uuid, money: Money) -> Result<(), HookFailure> {
        let request = wire::commit(self.link.base_url(), &self.token, deposit, money);
        self.settled(request, deposit, "committed").await
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// The file did not say that it has taken it.
    pub async fn release(&self, deposit: Uuid) -> Result<(), HookFailure> {
        let request = wire::release(self.link.base_url(), &self.token, deposit);
        self.settled(Some(request), deposit, "released").await
    }

    async fn settled(
        &self,
        request: Option<psp_contract::HttpRequest>,
        deposit: Uuid,
        state: &str,
    ) -> Result<(), HookFailure> {
        let told = self.link.ask(request, self.link.deadline()).await?;
        let taken = wire::settled(&told.body, deposit, state);
        if taken { Ok(()) } else { Err(HookFailure::Unreadable) }
    }
}
