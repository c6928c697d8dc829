//! How a letter goes out: over SMTP, into a folder where people of a sandbox can read it, or not at all.

use crate::store::mail_outbox::ClaimedMail;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;
use std::time::Duration;

/// Longer than this no server is waited for, from the connection to its last word.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where letters go.
#[derive(Debug, Clone)]
pub enum Transport {
    Off,
    /// One `.eml` file a letter.
    Folder(PathBuf),
    Smtp(SmtpServer),
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub security: SmtpSecurity,
    pub user: Option<(String, SecretString)>,
}

/// How the way to the mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS by STARTTLS; without it nothing is sent.
    StartTls,
    /// In plain: for a server on this machine.
    Plain,
}

/// Why a letter did not go out. No address stands in it.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("letters are switched off")]
    Off,
    #[error("an address of the letter cannot be one")]
    Address(#[source] lettre::address::AddressError),
    #[error("the letter cannot be written")]
    Message(#[source] lettre::error::Error),
    #[error("the mail server did not take it")]
    Smtp(#[source] lettre::transport::smtp::Error),
    #[error("the mail server did not answer in time")]
    Late,
    #[error("the folder did not take it")]
    Folder(#[source] std::io::Error),
}

/// Sends letters.
pub struct Mailer {
    from: String,
    /// Of the ids of letters.
    domain: String,
    way: Way,
    timeout: Duration,
}

enum Way {
    Off,
    Folder(PathBuf),
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mailer {
    /// # Errors
    /// When the sender's address or the server's name cannot be one.
    pub fn new(from: &str, transport: &Transport) -> Result<Self, MailError> {
        Self::with_timeout(from, transport, TIMEOUT)
    }

    /// As [`Self::new`], with another time that a letter may take.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_timeout(
        from: &str,
        transport: &Transport,
        timeout: Duration,
    ) -> Result<Self, MailError> {
        let mailbox: Mailbox = from.parse().map_err(MailError::Address)?;
        let domain = mailbox.email.domain().to_owned();
        let way = match transport {
            Transport::Off => Way::Off,
            Transport::Folder(folder) => Way::Folder(folder.clone()),
            Transport::Smtp(server) => Way::Smtp(Box::new(smtp(server)?)),
        };
        Ok(Self { from: from.to_owned(), domain, way, timeout })
    }

    /// How long one letter may take.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether letters go anywhere.
    pub const fn is_on(&self) -> bool {
        !matches!(self.way, Way::Off)
    }

    /// Hands one letter over. Sent twice it has the same id, by which the reader's program can tell.
    pub async fn send(&self, mail: &ClaimedMail) -> Result<(), MailError> {
        let message = Message::builder()
            .from(self.from.parse().map_err(MailError::Address)?)
            .to(mail.recipient.parse().map_err(MailError::Address)?)
            .message_id(Some(format!("<{}@{}>", mail.id.simple(), self.domain)))
            .date(mail.created_at.into())
            .subject(&mail.subject)
            .header(header::ContentType::TEXT_PLAIN)
            .body(mail.body.clone())
            .map_err(MailError::Message)?;
        match &self.way {
            Way::Off => Err(MailError::Off),
            Way::Folder(folder) => {
                tokio::fs::create_dir_all(folder).await.map_err(MailError::Folder)?;
                let name = folder.join(format!("{}.eml", mail.id.simple()));
                // Whoever reads the folder finds whole letters only.
                let part = name.with_extension("part");
                tokio::fs::write(&part, message.formatted()).await.map_err(MailError::Folder)?;
                tokio::fs::rename(&part, &name).await.map_err(MailError::Folder)
            }
            // Each letter has a connection of its own: one that is cut in the middle of a sentence is of
            // use to no other.
            Way::Smtp(smtp) => match tokio::time::timeout(self.timeout, smtp.send(message)).await {
                Ok(sent) => sent.map(|_| ()).map_err(MailError::Smtp),
                Err(_) => Err(MailError::Late),
            },
        }
    }
}

fn smtp(server: &SmtpServer) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let host = server.host.as_str();
    let builder = match server.security {
        SmtpSecurity::Tls => {
            AsyncSmtpTransport::<Tokio1Executor>::relay(host).map_err(MailError::Smtp)?
        }
        SmtpSecurity::StartTls => {
            AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host).map_err(MailError::Smtp)?
        }
        SmtpSecurity::Plain => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host),
    };
    let builder = builder.port(server.port).timeout(Some(TIMEOUT));
    let builder = match &server.user {
        Some((user, password)) => {
            builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()))
        }
        None => builder,
    };
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    /// It takes the connection, and never says a word.
    #[tokio::test]
    async fn a_silent_mail_server_is_not_waited_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = SmtpServer {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
            security: SmtpSecurity::Plain,
            user: None,
        };
        let (from, patience) = ("interlock@casino.example", Duration::from_millis(200));
        let mailer = Mailer::with_timeout(from, &Transport::Smtp(server), patience).unwrap();
        let mail = ClaimedMail {
            id: uuid::Uuid::nil(),
            recipient: "ann@casino.example".to_owned(),
            subject: "a case waits".to_owned(),
            body: "read it".to_owned(),
            created_at: datetime!(2026-03-01 12:00 UTC),
            tries: 1,
        };
        let sent = tokio::time::timeout(TIMEOUT, mailer.send(&mail)).await;
        sent.expect("it is given up in time").expect_err("nobody took it");
    }
}
