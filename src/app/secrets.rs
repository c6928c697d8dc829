//! Secrets of PSP accounts change without a restart.
//!
//! An operator writes a new secret beside the old one (`password` and `password_next`), or a new file
//! in the place of the old, and sends SIGHUP or simply waits: the files are looked at every few
//! seconds. All accounts are then built anew from the configuration and exchanged at once. When
//! anything is wrong with any of them, the old ones stay and every fault is logged. What only a
//! restart changes (accounts, routes, limits) stays as it was.

use crate::clock::Clock;
use crate::config::{Config, ConfigFault, Profile, Variables, clients};
use crate::routing::registry::PspRegistry;
use crate::shutdown::Shutdown;
use psp_contract::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What a secret's age is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    psp: String,
    secret: String,
    since: Option<Timestamp>,
    file: Option<PathBuf>,
    /// Of the file, when it was looked at last.
    modified: Option<SystemTime>,
}

/// The accounts' secrets as they were read last.
#[allow(missing_debug_implementations, reason = "it holds the PSP clients")]
pub struct Secrets {
    profile: Profile,
    variables: Variables,
    psps: Arc<PspRegistry>,
    known: Mutex<Vec<Known>>,
}

impl Secrets {
    /// `config` is what `psps` were built from.
    pub fn new(
        profile: Profile,
        variables: Variables,
        config: &Config,
        psps: Arc<PspRegistry>,
    ) -> Self {
        Self { profile, variables, psps, known: Mutex::new(read_known(config)) }
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
        // Whatever came of it, these files have been looked at: a broken one is told once.
        self.note_files();
        let (psps, config) = loaded?;
        self.psps.swap(psps).map_err(|refused| {
            let message = refused.to_string();
            vec![ConfigFault { source: "psps".to_owned(), key: "psps".to_owned(), message }]
        })?;
        *self.lock() = read_known(&config);
        Ok(())
    }

    /// Reloads when a secret's file has changed. True: it was tried.
    pub fn look(&self) -> bool {
        let changed =
            self.lock().iter().any(|known| modified(known.file.as_ref()) != known.modified);
        if changed {
            self.reload_and_tell();
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

    fn reload_and_tell(&self) {
        match self.reload() {
            Ok(()) => {
                metrics::counter!("psp_secrets_reloaded_total", "result" => "ok").increment(1);
                tracing::info!("the PSP accounts' secrets were read again");
            }
            Err(faults) => {
                metrics::counter!("psp_secrets_reloaded_total", "result" => "refused").increment(1);
                for fault in faults {
                    tracing::error!(%fault, "secrets were not exchanged: the old ones stay in use");
                }
            }
        }
    }

    fn tell_ages(&self, now: Timestamp) {
        for ((psp, secret), age) in self.ages(now) {
            metrics::gauge!("psp_secret_age_seconds", "psp" => psp, "secret" => secret).set(age);
        }
    }

    fn note_files(&self) {
        for known in self.lock().iter_mut() {
            known.modified = modified(known.file.as_ref());
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
                modified: modified(origin.file.as_ref()),
            })
            .collect()
    };
    config.psps.iter().flat_map(of).collect()
}

fn modified(file: Option<&PathBuf>) -> Option<SystemTime> {
    std::fs::metadata(file?).and_then(|found| found.modified()).ok()
}

/// Watches for SIGHUP and for changed files until the instance stops.
///
/// # Errors
/// When the process may not handle signals.
pub fn watch(secrets: Secrets, clock: Arc<dyn Clock>, shutdown: &Shutdown) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let (secrets, stop) = (Arc::new(secrets), shutdown.clone());
    shutdown.spawn("secrets", async move {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            let told = tokio::select! {
                () = stop.requested() => return,
                _ = hangup.recv() => true,
                _ = ticks.tick() => false,
            };
            let (secrets, now) = (secrets.clone(), clock.now());
            // Files and keys are read: no work for a thread that serves requests.
            let looked = tokio::task::spawn_blocking(move || {
                if told {
                    secrets.reload_and_tell();
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
