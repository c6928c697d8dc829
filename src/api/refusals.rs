//! From what flows say to what HTTP says: every refusal with its status and stable code.

use super::caller::player_not_found;
use super::extract::not_here;
use super::idempotency::key_reused;
use super::problem::Problem;
use crate::access::open_player_session::OpenSessionError;
use crate::decide::Refusal;
use crate::domain::{Direction, Timestamp};
use crate::lane::SubmitError;
use crate::lane::desk::DeskError;
use crate::outbox::event::FilterError;
use crate::payments::know_before_taking::TakeError;
use crate::payments::request_withdrawal::{DestinationError, RequestError};
use crate::payments::start_deposit::StartError;
use crate::reviews::decide_case::CaseError;
use crate::reviews::open_case::OpenError;
use crate::routing::lift_switch::LiftError;
use crate::routing::set_switch::SetError;
use crate::store::StoreError;
use crate::vendors::identity::receive::ReceiveError as MessageError;
use crate::webhooks::receive::ReceiveError;
use crate::webhooks::register_endpoint::RegisterEndpointError;
use crate::webhooks::rotate_secret::RotateSecretError;
use axum::http::StatusCode;
use psp_adapters::WebhookRefusal;
use psp_contract::PayerField;
use time::format_description::well_known::Rfc3339;

/// A refusal of the lane.
pub fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::PlayerUnknown => player_not_found(),
        Refusal::NotFound => not_here(),
        Refusal::KeyReused => key_reused(),
        Refusal::PlayerChanged | Refusal::Busy => busy(),
        Refusal::FieldLocked(field) => Problem::conflict(
            "player.field_locked",
            "After the first payment this field changes only through a review.",
        )
        .at(format!("/{field}")),
        Refusal::ReferenceTaken(payment) => reference_taken(payment.map(|id| id.to_string())),
        Refusal::InsufficientFunds { available } => Problem::unprocessable(
            "wallet.insufficient_funds",
            format!("The wallet does not cover it: {available} is available."),
        ),
        Refusal::CurrencyNotAllowed { .. } => {
            Problem::unprocessable("payment.currency_not_allowed", sentence(refusal))
                .at("/currency")
        }
        Refusal::PlayerNotActive => Problem::conflict(
            "player.not_active",
            "The player is excluded, frozen or closed: nothing is staked, and no bonus given. What is open is \
             played to its end by wins and voids.",
        ),
        Refusal::VoidImpossible => Problem::unprocessable(
            "wallet_entry.void_impossible",
            "`of` names no stake of this player and amount, or one that was voided before.",
        )
        .at("/of"),
        Refusal::NotCancellable { direction } => {
            let code = match direction {
                Direction::Deposit => "deposit.not_cancellable",
                Direction::Withdrawal => "withdrawal.not_cancellable",
            };
            let detail = "It is too late to cancel this payment, or it must not be: a PSP may have it already, it \
                 is over, or it is looked at. Read it: its status says where it stands.";
            Problem::conflict(code, detail)
        }
        Refusal::NotReturnable(why) => {
            Problem::conflict("deposit.not_returnable", format!("It cannot be returned: {why}."))
        }
        Refusal::ReviewConflict(why) => Problem::conflict("review.conflict", format!("{why}.")),
        Refusal::OutcomeImpossible(_) => {
            Problem::conflict("review.conflict", format!("{refusal}."))
        }
        Refusal::ReviewLocked { by, until } => Problem::conflict(
            "review.locked",
            format!("{by} works on this review until {}.", time(*until)),
        ),
        Refusal::SamePerson => Problem::conflict(
            "review.same_person",
            "Who proposed cannot approve, with whichever key: another person must.",
        ),
        Refusal::PlayerErased => Problem::conflict(
            "player.erased",
            "The data of this player was erased, and the id stays taken by what was booked under it: \
             a new relationship needs a new id.",
        ),
        Refusal::ErasureRefused(why) => {
            Problem::conflict("erasure.refused", format!("Nothing is erased: {why}."))
        }
        Refusal::LimitsInvalid(why) => Problem::unprocessable("limit.invalid", format!("{why}.")),
    }
}

fn reference_taken(payment: Option<String>) -> Problem {
    match payment {
        Some(id) => Problem::conflict(
            "payment.reference_taken",
            "This reference names another payment of this direction already.",
        )
        .payment(id),
        None => Problem::conflict(
            "wallet_entry.reference_taken",
            "This reference names another entry already.",
        ),
    }
}

fn busy() -> Problem {
    Problem::unavailable(
        "server.busy",
        "Too much is going on, or the database does not answer. Nothing was recorded; send the request again.",
        1,
    )
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refused(&refusal),
            SubmitError::Full | SubmitError::Busy => busy(),
            SubmitError::Failed => Problem::internal("recording a command", &error),
        }
    }
}

impl From<TakeError> for Problem {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Store(error) => error.into(),
            TakeError::Submit(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Repeat(_) | StoreError::TookTooLong(_) => {
                Problem::dependency("asking the database", &error)
            }
            _ => Problem::internal("asking the database", &error),
        }
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Full => busy(),
            DeskError::Failed => Problem::dependency("asking the database", &error),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Submit(error) => error.into(),
            StartError::FieldMissing(PayerField::DeviceIp) => Problem::unprocessable(
                "player.field_missing",
                "Every payment provider for this needs the address of the payer's device: send it \
                 as `device.ip` with the deposit.",
            )
            .at("/device/ip"),
            StartError::FieldMissing(field) => Problem::unprocessable(
                "player.field_missing",
                format!(
                    "Every payment provider for this needs the player's {}: PUT the player with it.",
                    field.name()
                ),
            )
            .at(format!("/{}", field.name())),
            StartError::Store(error) => error.into(),
            StartError::CurrencyNotAllowed { .. } => {
                Problem::unprocessable("payment.currency_not_allowed", sentence(&error))
                    .at("/currency")
            }
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Start(error) => error.into(),
            RequestError::Destination(why) => no_destination(why),
            RequestError::Owed(_) => Problem::unprocessable("wallet.owed", sentence(&error)),
        }
    }
}

/// It points to a field that was sent, or to none.
fn no_destination(why: DestinationError) -> Problem {
    use DestinationError as Why;
    const NOT_PAYABLE: &str = "destination.not_payable";
    let (code, pointer) = match why {
        Why::NoSource => ("destination.no_source", None),
        Why::SourceUnknown | Why::SourceUnpaid => {
            ("destination.source_unknown", Some("/destination"))
        }
        Why::CardByOther | Why::NotPayable => (NOT_PAYABLE, Some("/destination")),
        Why::TooLittle(_) | Why::TooMuch(_) => (NOT_PAYABLE, Some("/amount")),
        Why::PayerUntold | Why::NoWayBack => (NOT_PAYABLE, None),
    };
    let problem = Problem::unprocessable(code, sentence(&why));
    match pointer {
        Some(pointer) => problem.at(pointer),
        None => problem,
    }
}

impl From<OpenSessionError> for Problem {
    fn from(error: OpenSessionError) -> Self {
        match error {
            OpenSessionError::KeyReused => key_reused(),
            OpenSessionError::Record(error) => error.into(),
            OpenSessionError::Sign(_) => Problem::internal("opening a player's session", &error),
        }
    }
}

impl From<RegisterEndpointError> for Problem {
    fn from(error: RegisterEndpointError) -> Self {
        match error {
            RegisterEndpointError::Url(why) => {
                Problem::unprocessable("webhook.url_refused", sentence(&why)).at("/url")
            }
            RegisterEndpointError::Events(why @ FilterError::NotSent { .. }) => {
                Problem::unprocessable("webhook.event_not_sent", sentence(&why)).at("/events")
            }
            RegisterEndpointError::Events(why) => {
                Problem::unprocessable("webhook.events_unknown", sentence(&why)).at("/events")
            }
            RegisterEndpointError::KeyReused => key_reused(),
            RegisterEndpointError::TooMany => {
                Problem::conflict("webhook.too_many_endpoints", sentence(&error))
            }
            RegisterEndpointError::Store(error) => error.into(),
            RegisterEndpointError::Secret(_) => {
                Problem::internal("making a webhook endpoint", &error)
            }
        }
    }
}

impl From<RotateSecretError> for Problem {
    fn from(error: RotateSecretError) -> Self {
        match error {
            RotateSecretError::NotFound => not_here(),
            RotateSecretError::TooManyLive => {
                Problem::conflict("webhook.too_many_secrets", sentence(&error))
            }
            RotateSecretError::Store(error) => error.into(),
            RotateSecretError::Secret(_) => Problem::internal("rotating a secret", &error),
        }
    }
}

impl From<SetError> for Problem {
    fn from(error: SetError) -> Self {
        match error {
            SetError::Everything => Problem::unprocessable(
                "switch.names_nothing",
                "Name at least one of psp, country, direction and method: this would stop everything.",
            ),
            SetError::UnknownPsp => {
                Problem::unprocessable("switch.psp_unknown", sentence(&error)).at("/psp")
            }
            SetError::EndsTooSoon => {
                Problem::unprocessable("switch.ends_too_soon", sentence(&error)).at("/until")
            }
            SetError::NoEnd => Problem::unprocessable(
                "switch.end_missing",
                "Maintenance has an end: say until when, or set a kill switch instead.",
            )
            .at("/until"),
            SetError::TooManyPlanned => Problem::unprocessable(
                "switch.too_many_planned",
                "This operator has planned as many switches as there may be: lift some, or leave `from` \
                 out where it is for now.",
            )
            .at("/from"),
            SetError::KeyReused => Problem::unprocessable(
                "idempotency.key_reused",
                "This Idempotency-Key set another switch before.",
            ),
            SetError::Case(refusal) => refused(&refusal),
            SetError::Store(error) => error.into(),
        }
    }
}

impl From<LiftError> for Problem {
    fn from(error: LiftError) -> Self {
        match error {
            LiftError::Refused(refusal) => refused(&refusal),
            LiftError::Store(error) => error.into(),
        }
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::PlayerUnknown => player_not_found(),
            OpenError::KeyReused => key_reused(),
            OpenError::Refused(refusal) => refused(&refusal),
            OpenError::Store(error) => error.into(),
        }
    }
}

impl From<CaseError> for Problem {
    fn from(error: CaseError) -> Self {
        match error {
            CaseError::NotFound => not_here(),
            CaseError::Refused(refusal) => refused(&refusal),
            CaseError::KeyReused => key_reused(),
            CaseError::Submit(error) => error.into(),
            CaseError::Store(error) => error.into(),
        }
    }
}

impl From<MessageError> for Problem {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::UnknownVendor => not_here(),
            // Why a signature failed is told to nobody: whoever forges would learn from it.
            MessageError::Refused(_) => {
                Problem::unauthorized("webhook.not_verified", "The webhook is not verified.")
            }
            MessageError::Malformed => {
                Problem::bad_request("webhook.malformed", "The webhook cannot be read.")
            }
            MessageError::Store(error) => error.into(),
        }
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::UnknownAccount => not_here(),
            // Why a signature failed is told to nobody: whoever forges would learn from it.
            ReceiveError::Refused(refusal) => match refusal {
                WebhookRefusal::Invalid(_) | WebhookRefusal::Stale { .. } => {
                    Problem::unauthorized("webhook.not_verified", "The webhook is not verified.")
                }
                WebhookRefusal::TooLarge => Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "webhook.too_large",
                    "The webhook is too large.",
                ),
                WebhookRefusal::Malformed(_) => {
                    Problem::bad_request("webhook.malformed", "The webhook cannot be read.")
                }
                WebhookRefusal::KeysUnavailable => Problem::unavailable(
                    "webhook.keys_unavailable",
                    "The keys to verify it cannot be had right now. Send it again.",
                    5,
                ),
            },
            ReceiveError::Store(error) => error.into(),
        }
    }
}

fn time(at: Timestamp) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// An error's text as a sentence for people.
pub fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => text,
    }
}
