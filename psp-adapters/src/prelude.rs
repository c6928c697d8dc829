//! The words that every adapter is written in: the contract's, and those of the machine around it.
//!
//! What only one kind of PSP needs (coins, Pix, forms, settlement tables, certain signatures) is named by
//! the adapters that need it.

pub(crate) use crate::adapter::Adapter;
pub(crate) use crate::answer::{
    Stop, Told, found, good, json, must_match, need_id, only, problem, redirect, refused_by_word,
    repeats, undecided,
};
pub(crate) use crate::api::Api;
pub(crate) use crate::common::{
    after, compact, decline, from_millis, given, made_at, names, path_id, path_word, rfc3339,
    two_names,
};
pub(crate) use crate::json::{Json, object};
pub(crate) use crate::plan::{Plan, Reads};
pub(crate) use crate::registry::{Reader, Written};
pub(crate) use crate::signature::{HmacKeys, WebhookKeys, derived_uuid, sha256};
pub(crate) use crate::webhook::{
    Echo, RawWebhook, Received, UNVERIFIED, Untold, Verified, WebhookBatch, WebhookEvent,
    WebhookRefusal, WebhookReply,
};
pub(crate) use psp_contract::*;
pub(crate) use secrecy::{ExposeSecret, SecretString};
pub(crate) use std::sync::Arc;
pub(crate) use time::format_description::well_known::Rfc3339;
