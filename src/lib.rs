pub mod domain;
pub mod payments;
