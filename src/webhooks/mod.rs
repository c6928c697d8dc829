pub mod process;
pub mod receive;
pub mod stored_event;
