pub mod domain;
pub mod payments;
pub mod routing;
pub mod screening;
