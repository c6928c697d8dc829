//! Secrets of PSP accounts change without a restart.
//!
//! An operator writes a new secret beside the old one (`password` and `password_next`), or a new file
//! in the place of the old, and sends SIGHUP or simply waits: the files are looked at every few
//! seconds. All accounts are then built anew from the configuration and exchanged at once. When
//! anything is wrong with any of them, the old ones stay, every fault is logged, and it is tried again
//! until it goes well: a certificate and its key may be written one after the other. What only a
//! restart changes (accounts, routes, limits) stays as it was.

use crate::clock::Clock;
use crate::config::{Config, ConfigFault, Profile, Variables, clients, modified};
use crate::routing::registry::PspRegistry;
use crate::shutdown::Shutdown;
use psp_contract::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What SIGHUP means to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// A service has no terminal: somebody sends it, to have the secrets read again.
    Reloads,
    /// The terminal of a process in the foreground was closed.
    Stops,
}

/// What a secret's age is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    psp: String,
    secret: String,
    since: Option<Timestamp>,
    file: Option<PathBuf>,
    /// Of the file, before the secret in use was read from it.
    modified: Option<SystemTime>,
}

/// The accounts' secrets as they were read last.
#[allow(missing_debug_implementations, reason = "it holds the PSP clients")]
pub struct Secrets {
    profile: Profile,
    variables: Variables,
    psps: Arc<PspRegistry>,
    known: Mutex<Vec<Known>>,
    /// What was wrong the last time: told once, and again when it is something else.
    told: Mutex<Vec<ConfigFault>>,
}

impl Secrets {
    /// `config` is what `psps` were built from.
    pub fn new(
        profile: Profile,
        variables: Variables,
        config: &Config,
        psps: Arc<PspRegistry>,
    ) -> Self {
        let known = Mutex::new(read_known(config));
        Self { profile, variables, psps, known, told: Mutex::default() }
    }

    /// Builds all accounts anew and exchanges them.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration; the accounts are as before.
    pub fn reload(&self) -> Result<(), Vec<ConfigFault>> {
        let loaded = Config::load_with(&self.profile, &self.variables).and_then(|config| {
            let sandbox = matches!(self.profile, Profile::Sandbox { .. });
            Ok((clients::psps(&config, sandbox)?, config))
        });
        let (psps, config) = loaded?;
        self.psps.swap(psps).map_err(|refused| {
            let message = refused.to_string();
            vec![ConfigFault { source: "psps".to_owned(), key: "psps".to_owned(), message }]
        })?;
        *self.lock() = read_known(&config);
        Ok(())
    }

    /// Reloads when a secret's file is not the one that the secret in use was read from. True: it was
    /// tried. After a refusal it is tried at every look, until it goes well.
    pub fn look(&self) -> bool {
        let is_other = |known: &Known| known.file.as_deref().and_then(modified) != known.modified;
        let changed = self.lock().iter().any(is_other);
        if changed {
            self.reload_and_tell(false);
        }
        changed
    }

    /// The age of every secret of which it is known: by its account and name.
    pub fn ages(&self, now: Timestamp) -> BTreeMap<(String, String), u32> {
        let known = self.lock();
        let aged = known.iter().filter_map(|known| {
            let of_file = known.modified.map(Timestamp::from);
            let seconds = (now - known.since.or(of_file)?).whole_seconds().max(0);
            let key = (known.psp.clone(), known.secret.clone());
            Some((key, u32::try_from(seconds).unwrap_or(u32::MAX)))
        });
        aged.collect()
    }

    fn reload_and_tell(&self, always: bool) {
        let faults = match self.reload() {
            Ok(()) => {
                metrics::counter!("psp_secrets_reloaded_total", "result" => "ok").increment(1);
                tracing::info!("the PSP accounts' secrets were read again");
                Vec::new()
            }
            Err(faults) => faults,
        };
        if !self.is_news(&faults) && !always || faults.is_empty() {
            return;
        }
        metrics::counter!("psp_secrets_reloaded_total", "result" => "refused").increment(1);
        for fault in faults {
            tracing::error!(%fault, "secrets were not exchanged: the old ones stay in use");
        }
    }

    /// Whether the last time something else was wrong.
    fn is_news(&self, faults: &[ConfigFault]) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *told != faults;
        faults.clone_into(&mut told);
        is_news
    }

    fn tell_ages(&self, now: Timestamp) {
        for ((psp, secret), age) in self.ages(now) {
            metrics::gauge!("psp_secret_age_seconds", "psp" => psp, "secret" => secret).set(age);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_known(config: &Config) -> Vec<Known> {
    let of = |account: &crate::config::PspAccount| -> Vec<Known> {
        let origins = account.origins.iter();
        origins
            .map(|(secret, origin)| Known {
                psp: account.id.clone(),
                secret: secret.clone(),
                since: origin.since.map(|day| day.midnight().assume_utc()),
                file: origin.file.clone(),
                modified: origin.modified,
            })
            .collect()
    };
    config.psps.iter().flat_map(of).collect()
}

/// Watches for changed files until the instance stops, and for SIGHUP where there is no terminal whose end
/// is told by it.
///
/// # Errors
/// When the process may not handle signals.
pub fn watch(
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    hangup: Hangup,
    shutdown: &Shutdown,
) -> std::io::Result<()> {
    let mut hangups = match hangup {
        Hangup::Reloads => Some(signal(SignalKind::hangup())?),
        Hangup::Stops => None,
    };
    let (secrets, stop) = (Arc::new(secrets), shutdown.clone());
    shutdown.spawn("secrets", async move {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            let told = tokio::select! {
                () = stop.requested() => return,
                () = next(&mut hangups) => true,
                _ = ticks.tick() => false,
            };
            let (secrets, now) = (secrets.clone(), clock.now());
            // Files and keys are read: no work for a thread that serves requests.
            let looked = tokio::task::spawn_blocking(move || {
                if told {
                    secrets.reload_and_tell(true);
                } else {
                    secrets.look();
                }
                secrets.tell_ages(now);
            });
            if let Err(error) = looked.await {
                tracing::error!(%error, "looking at the secrets failed");
            }
        }
    });
    Ok(())
}

async fn next(hangups: &mut Option<Signal>) {
    match hangups {
        Some(hangups) => drop(hangups.recv().await),
        None => std::future::pending().await,
    }
}
