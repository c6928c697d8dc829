//! Logs and metrics of the process, set up once and first of all.
//!
//! Logs go to standard error, so that what a command prints stays clean on standard output. Metrics
//! are kept by a recorder and rendered by our own `/metrics` route: the exporter's listener is not
//! built in.
//!
//! Personal data and secrets never reach either of them; ids do.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{Layer, layer::SubscriberExt, registry, util::SubscriberInitExt};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line, for people in front of a sandbox.
    Human,
    /// One JSON object a line, for machines.
    Json,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("telemetry.filter is no log filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logging was set up twice")]
    Twice(#[from] TryInitError),
    #[error("setting up the recorder of metrics")]
    Metrics(#[from] BuildError),
}

/// Bounds of every histogram that counts seconds, from half a millisecond to the ten seconds that
/// no money request exceeds. The targets of speed (1 to 100 ms) lie where they are densest.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.003, 0.005, 0.010, 0.015, 0.025, 0.050, 0.100, 0.250, 1.0, 4.0, 10.0];

/// How often the recorder must fold what it gathered, see [`PrometheusHandle::run_upkeep`].
pub const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Starts logging for the whole process. `filter` reads like `info,interlock::lane=debug`.
///
/// # Errors
/// A filter that does not parse, or a second call.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(filter)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // What cannot be written cannot be told of either: to tell of it ends the task that logs.
    let lines = lines.log_internal_errors(false);
    let lines = match format {
        LogFormat::Human => lines.with_target(false).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    };
    registry().with(lines.with_filter(filter)).try_init()?;
    Ok(())
}

/// Whether [`start_logging`] would accept this filter.
///
/// # Errors
/// What is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), TelemetryError> {
    EnvFilter::try_new(filter)?;
    Ok(())
}

/// Starts recording metrics for the whole process. Render the handle on `/metrics`, and call its
/// `run_upkeep` every [`UPKEEP_INTERVAL`]: without that histograms grow for ever.
///
/// # Errors
/// A second call.
pub fn start_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS)?;
    Ok(builder.install_recorder()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_does_not_parse_is_refused() {
        assert!(check_filter("info,interlock::lane=debug").is_ok());
        let refused = check_filter("interlock=loudly").unwrap_err();
        assert!(refused.to_string().starts_with("telemetry.filter"));
    }

    #[test]
    fn durations_are_rendered_as_histograms() {
        let handle = start_metrics().unwrap();
        metrics::histogram!("test_wait_seconds").record(0.004);
        handle.run_upkeep();
        let text = handle.render();
        assert!(text.contains(r#"test_wait_seconds_bucket{le="0.005"} 1"#), "{text}");
        assert!(matches!(start_metrics(), Err(TelemetryError::Metrics(_))));
    }
}
