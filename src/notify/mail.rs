//! How a letter goes out: over SMTP, into a folder where people of a sandbox can read it, or not at all.

use crate::store::mail_outbox::ClaimedMail;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
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
    /// The kind of fault, with the server's code. What it said is left out: a refusal repeats the address.
    #[error("the mail server did not take it: {0}")]
    Smtp(String),
    #[error("the mail server did not answer in time")]
    Late,
    #[error("the folder did not take it")]
    Folder(#[source] std::io::Error),
}

impl From<lettre::transport::smtp::Error> for MailError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        if let Some(code) = error.status() {
            return Self::Smtp(format!("it answered {code}"));
        }
        let kind = match &error {
            it if it.is_tls() => "TLS failed",
            it if it.is_response() => "its answer cannot be read",
            it if it.is_client() => "it cannot do what a letter needs",
            _ => "no connection",
        };
        let mut cause = error.source();
        while let Some(it) = cause {
            if let Some(io) = it.downcast_ref::<std::io::Error>() {
                return Self::Smtp(format!("{kind}, {}", io.kind()));
            }
            cause = it.source();
        }
        Self::Smtp(kind.to_owned())
    }
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
                Ok(sent) => sent.map(|_| ()).map_err(MailError::from),
                Err(_) => Err(MailError::Late),
            },
        }
    }
}

fn smtp(server: &SmtpServer) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let host = server.host.as_str();
    let builder = match server.security {
        SmtpSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host)?,
        SmtpSecurity::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host)?,
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

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    fn mailer(listener: &TcpListener, patience: Duration) -> Mailer {
        let server = SmtpServer {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
            security: SmtpSecurity::Plain,
            user: None,
        };
        let from = "interlock@casino.example";
        Mailer::with_timeout(from, &Transport::Smtp(server), patience).unwrap()
    }

    fn mail() -> ClaimedMail {
        ClaimedMail {
            id: uuid::Uuid::nil(),
            recipient: "ann@casino.example".to_owned(),
            subject: "a case waits".to_owned(),
            body: "read it".to_owned(),
            created_at: datetime!(2026-03-01 12:00 UTC),
            tries: 1,
        }
    }

    /// It takes the connection, and never says a word.
    #[tokio::test]
    async fn a_silent_mail_server_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mailer = mailer(&listener, Duration::from_millis(200));
        let sent = tokio::time::timeout(TIMEOUT, mailer.send(&mail())).await;
        sent.expect("it is given up in time").expect_err("nobody took it");
    }

    #[tokio::test]
    async fn a_refusal_tells_its_code_and_nobodys_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mailer = mailer(&listener, TIMEOUT);
        let refusing = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"220 tiny\r\n").await.unwrap();
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = match line.strip_prefix("RCPT TO:") {
                    Some(address) => format!("550 5.1.1 {address}: nobody of that name\r\n"),
                    None => "250 ok\r\n".to_owned(),
                };
                // The client may be gone by now.
                let _ = write.write_all(answer.as_bytes()).await;
            }
        });
        let error = mailer.send(&mail()).await.expect_err("it is refused");
        let debugged = format!("{error:?}");
        let told = format!("{debugged} {:#}", anyhow::Error::from(error));
        assert!(told.contains("it answered 550") && !told.contains("ann"), "{told}");
        refusing.await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_as_that() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mailer = mailer(&listener, TIMEOUT);
        drop(listener);
        let error = mailer.send(&mail()).await.expect_err("nobody is there");
        assert!(error.to_string().ends_with("no connection, connection refused"), "{error}");
    }
}
