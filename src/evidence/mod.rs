//! L3, what shows afterwards that everything was right.
//!
//! Today: the nightly proof of the books. The decision log's tree, its checkpoints and the offline
//! verifier will live here.

pub mod prove_books;
