pub mod clock;
pub mod config;
pub mod sandbox;
pub mod shutdown;
pub mod telemetry;
