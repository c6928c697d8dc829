//! How people work on reviews, and how letters reach them.

use super::reader::Section;
use super::secret::Secrets;
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;

/// Terms of every review.
#[derive(Debug, Clone)]
pub struct Reviews {
    /// Beside the proposer.
    pub approvals_needed: i16,
    pub lock: Duration,
    pub due: Duration,
    pub info: Duration,
    pub proposal_life: Duration,
    pub escalate_every: Duration,
    /// Addresses; the first reminder goes to the first.
    pub escalate_to: Vec<String>,
}

impl Reviews {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let minutes = |key: &str, most: i64| -> Duration {
            Duration::from_secs(section.number::<u64>(key, 1, most) * MINUTE)
        };
        let hours = |key: &str| -> Duration {
            Duration::from_secs(section.number::<u64>(key, 1, 24 * 90) * HOUR)
        };
        let escalate_to = section.texts("escalate_to");
        for address in &escalate_to {
            if address.parse::<lettre::Address>().is_err() {
                section.fault("escalate_to", format!("`{address}` is no e-mail address"));
            }
        }
        Self {
            approvals_needed: section.number("approvals_needed", 1, 5),
            lock: minutes("lock_minutes", 24 * 60),
            due: hours("due_hours"),
            info: hours("info_hours"),
            proposal_life: hours("proposal_hours"),
            escalate_every: hours("escalate_every_hours"),
            escalate_to,
        }
    }
}

/// How letters go out.
#[derive(Debug, Clone)]
pub struct Mail {
    pub transport: MailTransport,
    pub from: String,
}

#[derive(Debug, Clone)]
pub enum MailTransport {
    /// Nothing was said: a production configuration must say something.
    Unsaid,
    Off,
    Folder(PathBuf),
    Smtp(Smtp),
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: SmtpSecurity,
    pub user: Option<(String, SecretString)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    Tls,
    StartTls,
    Plain,
}

impl Mail {
    pub(super) fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        let from = section.text("from");
        if from.parse::<lettre::message::Mailbox>().is_err() {
            section.fault("from", "must be an address, `Interlock <interlock@casino.example>`");
        }
        let smtp = Smtp::read(section, secrets);
        let folder = section.opt_text("folder");
        let transport = match section.opt_text("transport").as_deref() {
            None => MailTransport::Unsaid,
            Some("off") => MailTransport::Off,
            Some("smtp") => {
                if smtp.host.is_empty() {
                    section.fault("smtp_host", "is missing: mail.transport is smtp");
                }
                MailTransport::Smtp(smtp)
            }
            Some("folder") => match folder {
                // Beside the sandbox's own things, wherever these are.
                Some(folder) => MailTransport::Folder(secrets.beside_generated(&folder)),
                None => {
                    section.fault("folder", "is missing: mail.transport is folder");
                    MailTransport::Off
                }
            },
            Some(_) => {
                section.fault("transport", "must be smtp, folder or off");
                MailTransport::Off
            }
        };
        Self { transport, from }
    }
}

impl Smtp {
    fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        let security = match section.text("smtp_security").as_str() {
            "tls" => SmtpSecurity::Tls,
            "starttls" => SmtpSecurity::StartTls,
            "plain" => SmtpSecurity::Plain,
            other => {
                if !other.is_empty() {
                    section.fault("smtp_security", "must be tls, starttls or plain");
                }
                SmtpSecurity::Tls
            }
        };
        let password = secrets.flat(section, "smtp_password");
        let user = section.opt_text("smtp_user");
        if user.is_some() && password.is_none() {
            let message = "is missing: smtp_user needs smtp_password_env or smtp_password_file";
            section.fault("smtp_password", message);
        }
        Self {
            host: section.opt_text("smtp_host").unwrap_or_default(),
            port: section.number("smtp_port", 1, 65_535),
            security,
            user: user.zip(password),
        }
    }
}
