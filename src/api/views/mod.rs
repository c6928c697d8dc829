//! The JSON of the API. Inner types are never serialised: each shape is written down here, once.
//!
//! Reading order: [`money`], [`payment`], [`payment_event`], [`player`], [`wallet`], [`decision`], [`review`],
//! [`policy`], [`incident`], [`routing`], [`endpoint`].

pub mod decision;
pub mod endpoint;
pub mod incident;
pub mod money;
pub mod payment;
pub mod payment_event;
pub mod player;
pub mod policy;
pub mod review;
pub mod routing;
pub mod time;
pub mod wallet;

use super::extract::Cursor;
use serde::Serialize;
use utoipa::ToSchema;

/// A slice of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListView<T> {
    pub data: Vec<T>,
    /// Hand it back as `after` for the next slice; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

impl<T> ListView<T> {
    /// Cuts one more row than was asked for into a page and its cursor.
    pub fn cut<R>(
        list: &str,
        limit: u32,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> String,
        view: impl Fn(R) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| Cursor::new(position(row)).seal(list));
        Self { data: rows.into_iter().map(view).collect(), next }
    }
}
