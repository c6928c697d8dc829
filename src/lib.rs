pub mod clock;
pub mod shutdown;
pub mod telemetry;
