pub mod book;
pub mod decide;
pub mod domain;
pub mod ledger;
pub mod payments;
pub mod routing;
pub mod screening;
pub mod store;
