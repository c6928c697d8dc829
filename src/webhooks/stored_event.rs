//! The JSON form of a verified event in the inbox. Only what was verified is ever written here, so
//! reading it back needs no second verification; the form is the inbox's own.

use super::stored_payin::{self, StoredPayer, StoredPayin, read_payer, write_payer};
use crate::store::{StoreError, json};
use psp_adapters::{Untold, WebhookEvent};
use psp_contract::{
    AttemptRef, Decline, DeclineClass, Money, NextAction, Report, Status, Subject, Timestamp,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct StoredEvent {
    event_id: String,
    kind: String,
    attempt: Option<String>,
    psp_reference: Option<String>,
    subject: Option<String>,
    report: Option<StoredReport>,
    if_deposit: Option<StoredReport>,
    // Absent in rows of a release that knew no payins.
    #[serde(default)]
    payin: Option<StoredPayin>,
    #[serde(with = "time::serde::rfc3339::option", default)]
    occurred_at: Option<Timestamp>,
    hint_only: bool,
    // Absent where it is nothing, and in rows of a release that knew no such thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    untold: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredReport {
    psp_reference: Option<String>,
    status: StoredStatus,
    payer: Option<StoredPayer>,
    // Absent in rows of a release that could not look an attempt up.
    #[serde(default)]
    attempt: Option<String>,
    // That a success is a dispute won. Absent where it is not, and in rows of a release that told no
    // difference, so that both releases read each other's rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    won: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum StoredStatus {
    Accepted {
        redirect: Option<String>,
        #[serde(with = "time::serde::rfc3339::option", default)]
        expires_at: Option<Timestamp>,
    },
    Pending,
    AwaitsCompletion,
    Succeeded {
        minor: i64,
        currency: String,
    },
    Declined {
        class: String,
        code: String,
        retry_elsewhere: bool,
        irreversible: bool,
    },
    Expired,
    Cancelled,
    Returned {
        minor: i64,
        currency: String,
    },
    Reversed {
        minor: i64,
        currency: String,
    },
}

/// Renders an event for the inbox.
pub fn write(event: &WebhookEvent) -> String {
    json::text(&StoredEvent {
        event_id: event.event_id.clone(),
        kind: event.kind.clone(),
        attempt: event.attempt.map(|attempt| attempt.lower()),
        psp_reference: event.psp_reference.clone(),
        subject: event.subject.map(|subject| subject_text(subject).to_owned()),
        report: event.report.as_ref().map(write_report),
        if_deposit: event.if_deposit.as_ref().map(write_report),
        payin: event.payin.as_ref().map(stored_payin::write),
        occurred_at: event.occurred_at,
        hint_only: event.hint_only,
        untold: event.untold.map(|untold| untold_text(untold).to_owned()),
    })
}

/// Reads an event back.
pub fn read(text: &str) -> Result<WebhookEvent, StoreError> {
    let stored: StoredEvent = json::read(text, "inbox event")?;
    Ok(WebhookEvent {
        event_id: stored.event_id,
        kind: stored.kind,
        attempt: stored.attempt.as_deref().and_then(AttemptRef::parse),
        psp_reference: stored.psp_reference,
        subject: stored.subject.as_deref().map(read_subject).transpose()?,
        report: stored.report.map(read_report).transpose()?,
        if_deposit: stored.if_deposit.map(read_report).transpose()?,
        payin: stored.payin.map(stored_payin::read).transpose()?,
        occurred_at: stored.occurred_at,
        hint_only: stored.hint_only,
        untold: stored.untold.as_deref().map(read_untold).transpose()?,
    })
}

const fn untold_text(untold: Untold) -> &'static str {
    match untold {
        Untold::TakenBack => "taken_back",
        Untold::Unread => "unread",
    }
}

fn read_untold(text: &str) -> Result<Untold, StoreError> {
    [Untold::TakenBack, Untold::Unread]
        .into_iter()
        .find(|untold| untold_text(*untold) == text)
        .ok_or_else(|| StoreError::Corrupt(format!("untold {text}")))
}

const fn subject_text(subject: Subject) -> &'static str {
    match subject {
        Subject::Deposit => "deposit",
        Subject::Payout => "payout",
        Subject::Return => "return",
    }
}

fn read_subject(text: &str) -> Result<Subject, StoreError> {
    [Subject::Deposit, Subject::Payout, Subject::Return]
        .into_iter()
        .find(|subject| subject_text(*subject) == text)
        .ok_or_else(|| StoreError::Corrupt(format!("subject {text}")))
}

fn write_report(report: &Report) -> StoredReport {
    let code = |money: Money| money.currency.code().to_owned();
    let status = match &report.status {
        Status::Accepted { next_action, expires_at } => StoredStatus::Accepted {
            // A webhook tells no payer what to do, but for where to go on.
            redirect: match next_action {
                Some(NextAction::Redirect { url }) => Some(url.clone()),
                _ => None,
            },
            expires_at: *expires_at,
        },
        Status::Pending => StoredStatus::Pending,
        Status::AwaitsCompletion => StoredStatus::AwaitsCompletion,
        Status::Succeeded { money } | Status::Won { money } => {
            StoredStatus::Succeeded { minor: money.minor, currency: code(*money) }
        }
        Status::Declined(decline) => StoredStatus::Declined {
            class: class_text(decline.class).to_owned(),
            code: decline.code.clone(),
            retry_elsewhere: decline.retry_elsewhere,
            irreversible: decline.irreversible,
        },
        Status::Expired => StoredStatus::Expired,
        Status::Cancelled => StoredStatus::Cancelled,
        Status::Returned { money } => {
            StoredStatus::Returned { minor: money.minor, currency: code(*money) }
        }
        Status::Reversed { money } => {
            StoredStatus::Reversed { minor: money.minor, currency: code(*money) }
        }
    };
    let payer = report.payer.as_ref().map(write_payer);
    let attempt = report.attempt.map(|attempt| attempt.lower());
    let won = matches!(report.status, Status::Won { .. });
    StoredReport { psp_reference: report.psp_reference.clone(), status, payer, attempt, won }
}

fn read_report(stored: StoredReport) -> Result<Report, StoreError> {
    let money = |minor, code: &str| Ok::<_, StoreError>(Money::new(minor, json::currency(code)?));
    let status = match stored.status {
        StoredStatus::Accepted { redirect, expires_at } => Status::Accepted {
            next_action: redirect.map(|url| NextAction::Redirect { url }),
            expires_at,
        },
        StoredStatus::Pending => Status::Pending,
        StoredStatus::AwaitsCompletion => Status::AwaitsCompletion,
        StoredStatus::Succeeded { minor, currency } if stored.won => {
            Status::Won { money: money(minor, &currency)? }
        }
        StoredStatus::Succeeded { minor, currency } => {
            Status::Succeeded { money: money(minor, &currency)? }
        }
        StoredStatus::Declined { class, code, retry_elsewhere, irreversible } => {
            Status::Declined(Decline {
                class: read_class(&class)?,
                code,
                retry_elsewhere,
                irreversible,
            })
        }
        StoredStatus::Expired => Status::Expired,
        StoredStatus::Cancelled => Status::Cancelled,
        StoredStatus::Returned { minor, currency } => {
            Status::Returned { money: money(minor, &currency)? }
        }
        StoredStatus::Reversed { minor, currency } => {
            Status::Reversed { money: money(minor, &currency)? }
        }
    };
    let payer = stored.payer.map(read_payer);
    let attempt = stored.attempt.as_deref().and_then(AttemptRef::parse);
    Ok(Report { psp_reference: stored.psp_reference, status, payer, attempt })
}

const CLASSES: [(DeclineClass, &str); 8] = [
    (DeclineClass::PlayerFixable, "player_fixable"),
    (DeclineClass::AccountInvalid, "account_invalid"),
    (DeclineClass::Limit, "limit"),
    (DeclineClass::Compliance, "compliance"),
    (DeclineClass::MerchantFunds, "merchant_funds"),
    (DeclineClass::Configuration, "configuration"),
    (DeclineClass::Unsupported, "unsupported"),
    (DeclineClass::PspFault, "psp_fault"),
];

fn class_text(class: DeclineClass) -> &'static str {
    CLASSES.iter().find(|(known, _)| *known == class).map_or("psp_fault", |(_, text)| text)
}

fn read_class(text: &str) -> Result<DeclineClass, StoreError> {
    CLASSES
        .iter()
        .find(|(_, known)| *known == text)
        .map(|(class, _)| *class)
        .ok_or_else(|| StoreError::Corrupt(format!("decline class {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    fn stored(status: Status) -> String {
        let report = Some(Report::new("8825", status));
        let event = WebhookEvent {
            event_id: "8825:CHARGEBACK_REVERSED:true".to_owned(),
            kind: "CHARGEBACK_REVERSED".to_owned(),
            attempt: None,
            psp_reference: None,
            subject: Some(Subject::Deposit),
            report,
            if_deposit: None,
            payin: None,
            occurred_at: None,
            hint_only: false,
            untold: None,
        };
        write(&event)
    }

    /// Two releases may share an inbox, and a new one finds what an older one left there.
    #[test]
    fn a_dispute_won_is_read_back_and_an_older_release_reads_it_as_the_success_that_it_knows() {
        let money = Money::new(1050, Currency::EUR);
        let status = |text: &str| read(text).expect("a stored event").report.map(|it| it.status);
        let won = stored(Status::Won { money });
        assert_eq!(status(&won), Some(Status::Won { money }));
        // As a release writes it that knows no such word, and as it reads this one's.
        let succeeded = stored(Status::Succeeded { money });
        assert!(!succeeded.contains("won"), "{succeeded}");
        assert_eq!(status(&succeeded), Some(Status::Succeeded { money }));
        assert_eq!(won.replace(r#","won":true"#, ""), succeeded);
    }

    #[test]
    fn what_asking_may_not_show_is_read_back() {
        let plain = stored(Status::Pending);
        assert!(!plain.contains("untold"), "{plain}");
        let mut event = read(&plain).expect("a stored event");
        for untold in [None, Some(Untold::TakenBack), Some(Untold::Unread)] {
            event.untold = untold;
            assert_eq!(read(&write(&event)).expect("a stored event").untold, untold);
        }
    }
}
