//! PSPs and answers for the tests of this room.

use psp_contract::{
    Capabilities, Charset, Decline, DeclineClass, DepositCapability, IdempotencyCapability,
    InquiryCapability, KeyReplay, Outcome, PayoutCapability, ReferenceRule, Report, Status,
    WebhookAuthenticity, WebhookCapability, WebhookProof, WebhookReplyKind,
};
use std::time::Duration;

/// A PSP that can be asked by our reference and replays the answer of a key for an hour.
pub fn capabilities(needs_our_answer: bool) -> Capabilities {
    let inquiry = InquiryCapability {
        by_our_reference: true,
        by_psp_reference: true,
        by_ledger: false,
        of_arrivals: false,
        min_interval: Duration::from_secs(5),
        ledger_min_interval: Duration::from_secs(900),
        not_found_quiet: Duration::from_secs(60),
    };
    Capabilities {
        deposit: Some(DepositCapability {
            needs_our_answer,
            needs_completion: false,
            payer_brings: None,
            can_cancel: true,
            any_amount: false,
            wins_like_success: false,
            session_life: Duration::from_secs(1800),
        }),
        payout: Some(PayoutCapability {
            portable_iban: true,
            portable_uk_account: false,
            portable_pix_key: false,
            portable_crypto: false,
            portable_phone: false,
            portable_email: false,
            same_owner_check: false,
            by_token: true,
            success_reversible: true,
        }),
        return_deposit: true,
        unsolicited_deposits: false,
        deposit_inquiry: inquiry.clone(),
        payout_inquiry: inquiry.clone(),
        return_inquiry: inquiry,
        idempotency: IdempotencyCapability {
            reference: ReferenceRule { len_min: 1, len_max: 64, charset: Charset::Alphanumeric },
            replay: KeyReplay::SameAnswer,
            key_life: Duration::from_secs(6 * 3600),
            margin: Duration::from_secs(3600),
        },
        webhook: WebhookCapability {
            authenticity: WebhookAuthenticity::Signature,
            proof: WebhookProof::Everything,
            batch: false,
            reply: WebhookReplyKind::Plain,
            has_timestamp: true,
            tolerance: Duration::from_secs(300),
        },
    }
}

pub fn report(status: Status) -> Outcome {
    Outcome::Reported(Report {
        psp_reference: Some("psp-1".to_owned()),
        status,
        payer: None,
        attempt: None,
    })
}

pub fn decline(class: DeclineClass, retry_elsewhere: bool, irreversible: bool) -> Decline {
    Decline { class, code: "code".to_owned(), retry_elsewhere, irreversible }
}
