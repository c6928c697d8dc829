//! What a worker's claim took. The claim is committed before its rows are read, so one row that this release
//! cannot read must not cost the others their turn: it is told of, and is due again when its lease ends.

use super::StoreError;

/// Rows that are claimed for a while.
#[derive(Debug)]
pub struct Claimed<T> {
    pub rows: Vec<T>,
    pub unreadable: Vec<Unreadable>,
}

/// A row that a release wrote which knows more than this one, or that was damaged.
#[derive(Debug)]
pub struct Unreadable {
    /// Which row, in words that name nobody.
    pub what: String,
    pub error: StoreError,
}

impl<T> Claimed<T> {
    /// Reads each row for itself.
    pub(super) fn read<R>(
        rows: Vec<R>,
        what: impl Fn(&R) -> String,
        read: impl Fn(R) -> Result<T, StoreError>,
    ) -> Self {
        let mut claimed = Self { rows: Vec::with_capacity(rows.len()), unreadable: Vec::new() };
        for row in rows {
            let what = what(&row);
            match read(row) {
                Ok(row) => claimed.rows.push(row),
                Err(error) => claimed.unreadable.push(Unreadable { what, error }),
            }
        }
        claimed
    }

    /// How many were taken, read or not.
    pub fn taken(&self) -> usize {
        self.rows.len() + self.unreadable.len()
    }
}
