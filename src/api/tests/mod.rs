//! The edge over a small router with fakes behind it: everything that is decided before a handler.

mod admission;
mod bodies;
mod document;
mod layers;
mod support;
