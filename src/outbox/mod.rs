//! The outbox: every event is committed with the fact it tells, numbered per payment, and kept.
//!
//! [`event`] has the words, [`schedule`] the ladder of a delivery and the health of an endpoint
//! (both pure), [`publish`] passes events on to webhooks, and [`live`] tells open streams of
//! server-sent events that there is something new to read.

pub mod event;
pub mod live;
pub mod publish;
pub mod schedule;
