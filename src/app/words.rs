//! Configuration becomes the words of the rooms below. What cannot be said there was refused when
//! the configuration was read.

use crate::config::{self, Config, Direction as ConfigDirection, Range};
use crate::decide::erasure::Retention;
use crate::decide::four_eyes::ReviewTerms;
use crate::domain::{Currency, Direction, Method, OperatorId, PersonId};
use crate::evidence::note::Signer;
use crate::evidence::seal::Sealing;
use crate::notify::mail::{SmtpSecurity, SmtpServer, Transport};
use crate::reviews::ReviewRules;
use crate::routing::health::HealthRules;
use crate::routing::rules::{
    Bounds, Fee, PspAccount, RouteRule, RoutingRules, Scoring, Strategy, Terms,
};
use crate::screening::policy::FxTable;
use anyhow::Context;
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};

fn method(text: &str) -> Option<Method> {
    text.parse().ok()
}

/// The first two people of compliance that there are keys for.
pub fn officers(config: &Config) -> Option<[PersonId; 2]> {
    let of_compliance = |key: &&config::ApiKey| key.scopes.contains(&config::Scope::Compliance);
    let mut people = config
        .api_keys
        .iter()
        .filter(of_compliance)
        .filter_map(|key| key.person_id.as_deref().map(PersonId::trusted));
    let first = people.next()?;
    let second = people.find(|person| *person != first)?;
    Some([first, second])
}

fn bounds(ranges: &BTreeMap<Currency, Range>) -> Bounds {
    ranges.iter().map(|(code, range)| (*code, (range.min.minor, range.max.minor))).collect()
}

/// How this instance seals the log; none where the configuration has no key or no folder.
///
/// # Errors
/// When the key is none.
pub fn sealing(config: &Config) -> anyhow::Result<Option<Sealing>> {
    let config::Evidence { name, key_pem, folder, every_records, every } = &config.evidence;
    let (Some(key_pem), Some(folder)) = (key_pem, folder) else { return Ok(None) };
    let signer = Signer::from_pem(name, key_pem.expose_secret()).context("evidence.key")?;
    Ok(Some(Sealing {
        signer,
        folder: folder.clone(),
        holder: config.instance.name.clone(),
        every_records: *every_records,
        every: *every,
    }))
}

pub fn fx(config: &Config) -> FxTable {
    FxTable {
        source: config.fx.source.clone(),
        date: config.fx.date,
        eur_per_unit: config.fx.eur_per_unit.clone(),
        age_max_days: config.fx.age_max_days,
    }
}

const fn direction(direction: ConfigDirection) -> Direction {
    match direction {
        ConfigDirection::Deposit => Direction::Deposit,
        ConfigDirection::Withdrawal => Direction::Withdrawal,
    }
}

fn scoring(set: &config::Scoring) -> Scoring {
    Scoring {
        priority: set.priority.clone(),
        weight_bps: set.weight_bps.clone(),
        fee_percent: set.fee_percent,
        tie_bps: set.tie_bps,
        commitment_bps: set.commitment_bps,
        sticky_bps: set.sticky_bps,
        seen_instrument_bps: set.seen_instrument_bps,
    }
}

pub fn routing(config: &Config) -> RoutingRules {
    let routes = config.routing.routes.iter().filter_map(|route| {
        Some(RouteRule {
            direction: direction(route.direction),
            country: route.country.clone(),
            method: method(&route.method)?,
            currency: route.currency,
            order: route.order.clone(),
            strategy: route
                .scoring
                .as_ref()
                .map_or(Strategy::Ranked, |set| Strategy::Adaptive(scoring(set))),
            first_deposit: route.first_deposit.clone(),
        })
    });
    let terms = config.routing.terms.iter().map(|terms| Terms {
        psp: terms.psp.clone(),
        direction: direction(terms.direction),
        currency: terms.currency,
        cap_minor: terms.daily_cap.map(|cap| cap.minor),
        commitment_minor: terms.daily_commitment.map(|promised| promised.minor),
    });
    RoutingRules {
        version: config.routing.version.clone(),
        routes: routes.collect(),
        terms: terms.collect(),
    }
}

/// The rules of health, with what the configuration says of them.
pub fn health(config: &Config) -> HealthRules {
    let set = config.routing.health;
    HealthRules::tripping_at(set.faults_to_trip, set.silent_calls)
}

/// The accounts as routing sees them: each belongs to the operators that the file names.
/// PSP accounts whose webhooks come with a client certificate.
pub fn certified(config: &Config) -> BTreeSet<String> {
    let shown = config.psps.iter().filter(|account| config.shows_certificate(account));
    shown.map(|account| account.id.clone()).collect()
}

pub fn accounts(config: &Config) -> Vec<PspAccount> {
    let bounds_or_none = |ranges: &BTreeMap<Currency, Range>| {
        if ranges.is_empty() { None } else { Some(bounds(ranges)) }
    };
    config
        .psps
        .iter()
        .map(|account| PspAccount {
            id: account.id.clone(),
            operators: config
                .operators
                .iter()
                .filter(|operator| account.operators.include(&operator.id))
                .map(|operator| OperatorId::trusted(&operator.id))
                .collect(),
            countries: account.countries.clone(),
            currencies: account.currencies.clone(),
            methods: method(&account.method).into_iter().collect(),
            deposits: bounds_or_none(&account.deposit),
            payouts: bounds_or_none(&account.payout),
            deposit_fee: fee(&account.fee.deposit),
            payout_fee: fee(&account.fee.payout),
        })
        .collect()
}

fn fee(fee: &config::DirectionFee) -> Fee {
    let fixed = fee.fixed.iter().map(|(currency, money)| (*currency, money.minor));
    Fee { bps: i64::from(fee.bps), fixed_minor: fixed.collect() }
}

/// How people decide.
pub fn reviews(config: &Config) -> ReviewRules {
    let set = &config.reviews;
    let is_off = matches!(config.mail.transport, config::MailTransport::Off);
    ReviewRules {
        terms: ReviewTerms {
            approvals_needed: set.approvals_needed,
            lock: set.lock,
            due: set.due,
            info: set.info,
            proposal_life: set.proposal_life,
            escalate_every: set.escalate_every,
            retention: Retention(config.retention.clone()),
        },
        escalate_to: if is_off { Vec::new() } else { set.escalate_to.clone() },
    }
}

/// How letters go out.
pub fn mail_transport(config: &Config) -> Transport {
    match &config.mail.transport {
        config::MailTransport::Unsaid | config::MailTransport::Off => Transport::Off,
        config::MailTransport::Folder(folder) => Transport::Folder(folder.clone()),
        config::MailTransport::Smtp(smtp) => Transport::Smtp(SmtpServer {
            host: smtp.host.clone(),
            port: smtp.port,
            security: match smtp.security {
                config::SmtpSecurity::Tls => SmtpSecurity::Tls,
                config::SmtpSecurity::StartTls => SmtpSecurity::StartTls,
                config::SmtpSecurity::Plain => SmtpSecurity::Plain,
            },
            user: smtp.user.clone(),
        }),
    }
}
