//! Properties that hold for every sequence of events, not only for those somebody thought of.

#[path = "properties/machines.rs"]
mod machines;
