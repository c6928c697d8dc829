//! L3, what shows afterwards that everything was right.
//!
//! Today: the nightly proof of the books, and incidents that people close. The decision log's tree, its checkpoints and the offline
//! verifier will live here.

pub mod close_incident;
pub mod prove_books;
