//! PSP adapters: codecs without I/O, and the one transport that sends what they say.
//!
//! The service hands a [`psp_contract::Operation`] to a [`Psp`], one configured account. The account's
//! [`Adapter`] turns it into an [`Exchange`], which says as data what is to be sent and reads what came
//! back; the [`Transport`] sends it once and classifies every failure. What comes out is one
//! [`psp_contract::Outcome`], and a [`WireRecord`] for each HTTP request that was really made.
//!
//! Two rules decide everything here:
//!
//! - A payment may go to another PSP only when its request *provably* never arrived or was *definitely*
//!   refused. So each adapter lists the codes that are definite; a code that is in no list, an answer
//!   that cannot be read or verified, and an answer about another amount are all unknown.
//! - Nothing but [`Verified`] leaves a webhook, and only a verified signature makes one.
//!
//! Reading order: [`adapter`] (what an adapter is), `plan` (what an operation is for one), [`transport`]
//! (what "not sent" means), [`identity`] (client certificates), [`psp`] (driving a plan), [`webhook`],
//! [`signature`]. Then what adapters are made of, most of it by the name of `prelude`: `api` (where requests
//! go and what they carry), `json` (strict trees, read by need and written by `object!`), `answer` (what an answer tells, or the operation ends with instead), `token`, `form`,
//! `statement` (settlement tables, row by row), `bank` (accounts that are paid), `payer` (who paid), `letters` (names in plain ones), `common` (references, names, refusals),
//! `coins`, `pix` and `br_code` (what the PSPs of one kind share). Then the adapters, one folder a PSP, each
//! with its wire format, its mapping into our words, and its webhooks. [`registry`] builds accounts from
//! configuration and refuses what could not work.

pub mod adapter;
mod adyen;
mod answer;
mod api;
mod bank;
mod br_code;
mod coins;
mod coinspaid;
mod common;
mod fireblocks;
mod form;
pub mod identity;
mod json;
mod letters;
mod mercadopago;
mod nuvei;
mod payer;
mod paysafe;
mod pix;
mod pix_efi;
mod plan;
mod prelude;
pub mod psp;
pub mod registry;
pub mod signature;
mod statement;
mod swish;
mod token;
pub mod transport;
mod truelayer;
mod trustly;
pub mod webhook;

pub use adapter::{Adapter, CachedToken, Input, Step};
pub use identity::TlsIdentity;
pub use plan::{Exchange, Plan};
pub use psp::{Performed, Psp, WireRecord};
pub use registry::{ConfigFault, PspAccount, adapters, build};
pub use signature::WebhookKeys;
pub use statement::Statement;
pub use transport::{Transport, TransportConfig, TransportError};
pub use webhook::{
    RawWebhook, Received, Untold, Verified, WEBHOOK_BYTES_MAX, WebhookBatch, WebhookEvent,
    WebhookRefusal, WebhookReply,
};
