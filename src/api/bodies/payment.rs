//! Deposits and withdrawals as they are asked for, and the filters of their lists.

use super::destination::{DestinationBody, DestinationSchema};
use super::instrument::{InstrumentBody, InstrumentSchema};
use super::player::{player_id, player_id_opt};
use super::wallet::{REFERENCE_FAULT, reference_text};
use crate::api::extract::Page;
use crate::api::fields::{Fields, FromFields};
use crate::domain::{Direction, Method, Money, PaymentStatus, PlayerId};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};

/// A deposit that a backend or a player asks for.
#[derive(Debug, Clone)]
pub struct DepositBody {
    pub player: PlayerId,
    pub money: Money,
    pub method: Method,
    pub return_url: String,
    pub reference: Option<String>,
    /// What the player chose to pay with.
    pub instrument: Option<InstrumentBody>,
    /// The payer's device. A player's own connection counts for more.
    pub device: Option<Device>,
    /// A JSON object, in its one spelling.
    pub metadata: Option<String>,
}

/// The payer's device as the backend saw it.
#[derive(Debug, Clone, Default)]
pub struct Device {
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// A withdrawal that a backend or a player asks for.
#[derive(Debug, Clone)]
pub struct WithdrawalBody {
    pub player: PlayerId,
    pub money: Money,
    pub method: Method,
    pub reference: Option<String>,
    /// None: the closed loop decides.
    pub destination: Option<DestinationBody>,
    pub metadata: Option<String>,
}

/// A deposit, or a piece of it, that goes back to its source.
#[derive(Debug, Clone)]
pub struct ReturnBody {
    /// In the deposit's currency; None: all of it.
    pub amount: Option<String>,
    pub reason: String,
}

/// What the payer came back with.
#[derive(Debug)]
pub struct ContinueBody {
    pub query: String,
}

/// A PSP's result may be long: Adyen's has up to 20,000 characters.
const QUERY_LEN_MAX: usize = 32_000;

impl FromFields for ContinueBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let fault = (
            "query.malformed",
            "the query of the page that the payer came back to, as it is: at most 32000 visible \
             ASCII characters",
        );
        let query = fields.parsed("query", fault, |text| {
            let fits = text.len() <= QUERY_LEN_MAX && text.bytes().all(|it| it.is_ascii_graphic());
            fits.then(|| text.to_owned())
        });
        Some(Self { query: query? })
    }
}

impl FromFields for DepositBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let player = player_id(fields);
        let money = fields.money("amount", "currency");
        let method = method(fields);
        let fault = (
            "return_url.malformed",
            "a return_url is an absolute URL of at most 2048 visible ASCII characters, without a backslash and \
             without a user, its host written as it is meant",
        );
        let return_url = fields.parsed("return_url", fault, absolute_url);
        let reference = fields.parsed_opt("reference", REFERENCE_FAULT, reference_text);
        let instrument = fields.object_opt("instrument");
        let device = fields.object_opt("device");
        let metadata = fields.metadata_opt("metadata");
        Some(Self {
            player: player?,
            money: money?,
            method: method?,
            return_url: return_url?,
            reference,
            instrument,
            device,
            metadata,
        })
    }
}

impl FromFields for WithdrawalBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let player = player_id(fields);
        let money = fields.money("amount", "currency");
        let method = method(fields);
        let reference = fields.parsed_opt("reference", REFERENCE_FAULT, reference_text);
        let destination = fields.object_opt("destination");
        let metadata = fields.metadata_opt("metadata");
        Some(Self {
            player: player?,
            money: money?,
            method: method?,
            reference,
            destination,
            metadata,
        })
    }
}

impl FromFields for Device {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let fault = ("device.ip_malformed", "this is no IP address");
        Some(Self {
            ip: fields.parsed_opt("ip", fault, |text| text.parse().ok()),
            user_agent: fields.line_opt("user_agent", 1024),
        })
    }
}

impl FromFields for ReturnBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        // What it is worth is judged in the deposit's currency, once that is known.
        let amount = fields.text_opt("amount");
        let reason = fields.line("reason", 500);
        Some(Self { amount, reason: reason? })
    }
}

fn method(fields: &mut Fields<'_>) -> Option<Method> {
    let known = (
        "payment.method_unknown",
        "a method is bank_transfer, card, e_wallet, interac, pix or crypto",
    );
    fields.parsed("method", known, |text| text.parse().ok())
}

/// A PSP gets the text as it is, and reads it by its own lights. So the parser may repair nothing: neither drop a
/// tab, nor turn a backslash, nor find the host elsewhere than where anybody reads it.
fn absolute_url(text: &str) -> Option<String> {
    let is_plain = text.bytes().all(|it| it.is_ascii_graphic() && it != b'\\');
    let url = (is_plain && text.len() <= 2048).then(|| url::Url::parse(text).ok())??;
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let port = authority.strip_prefix(url.host_str()?)?;
    let is_port = |it: &str| !it.is_empty() && it.bytes().all(|digit| digit.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then(|| text.to_owned())
}

/// Which payments of a direction are wanted.
#[derive(Debug, Clone)]
pub struct PaymentFilter {
    pub player: Option<PlayerId>,
    pub statuses: Vec<PaymentStatus>,
    pub reference: Option<String>,
    pub psp_reference: Option<String>,
    pub page: Page,
}

/// A filter that knows its direction.
#[derive(Debug, Clone)]
pub struct DepositFilter(pub PaymentFilter);

/// A filter that knows its direction.
#[derive(Debug, Clone)]
pub struct WithdrawalFilter(pub PaymentFilter);

impl FromFields for DepositFilter {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        filter(fields, Direction::Deposit, "deposits").map(Self)
    }
}

impl FromFields for WithdrawalFilter {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        filter(fields, Direction::Withdrawal, "withdrawals").map(Self)
    }
}

const fn statuses_known(direction: Direction) -> &'static str {
    match direction {
        Direction::Deposit => {
            "statuses of deposits, with commas between: screening, in_review, processing, action_required, \
             succeeded, blocked, failed, expired, cancelled, returned, reversed"
        }
        Direction::Withdrawal => {
            "statuses of withdrawals, with commas between: screening, in_review, approved, processing, paid, \
             paid_in_part, failed, rejected, cancelled, blocked, returned"
        }
    }
}

fn filter(fields: &mut Fields<'_>, direction: Direction, list: &str) -> Option<PaymentFilter> {
    let player = player_id_opt(fields);
    let known = ("payment.status_unknown", statuses_known(direction));
    let statuses = fields.parsed_opt("status", known, |text| {
        let words = text.split(',');
        words.map(|word| PaymentStatus::parse(direction, word).ok()).collect::<Option<Vec<_>>>()
    });
    let reference = fields.parsed_opt("reference", REFERENCE_FAULT, reference_text);
    Some(PaymentFilter {
        player,
        statuses: statuses.unwrap_or_default(),
        reference,
        psp_reference: fields.line_opt("psp_reference", 200),
        page: Page::read(fields, list)?,
    })
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PaymentParams {
    pub player_id: Option<String>,
    /// One status, or several with commas between.
    pub status: Option<String>,
    /// The casino's own reference.
    pub reference: Option<String>,
    /// A PSP's reference of one of its attempts; not with a player's token.
    pub psp_reference: Option<String>,
    /// 1 to 200, 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
    /// `next` of the page before.
    pub after: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = NewDeposit)]
pub struct DepositSchema {
    #[schema(example = "p-1")]
    pub player_id: String,
    #[schema(example = "100.00")]
    pub amount: String,
    #[schema(example = "SEK")]
    pub currency: String,
    /// `bank_transfer`, `card`, `e_wallet`, `interac`, `pix` or `crypto`.
    #[schema(example = "bank_transfer")]
    pub method: String,
    /// https, and a host on the operator's list; visible ASCII characters without a backslash.
    #[schema(example = "https://casino.example/return")]
    pub return_url: String,
    /// The casino's own, unique per operator and direction for ever; not with a player's token.
    pub reference: Option<String>,
    /// For the methods `card` and `crypto`.
    pub instrument: Option<InstrumentSchema>,
    pub device: Option<DeviceSchema>,
    /// At most 4096 bytes, without personal data; not with a player's token. A number has at most 40 characters.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = Device)]
pub struct DeviceSchema {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = NewWithdrawal)]
pub struct WithdrawalSchema {
    #[schema(example = "p-1")]
    pub player_id: String,
    #[schema(example = "100.00")]
    pub amount: String,
    #[schema(example = "SEK")]
    pub currency: String,
    #[schema(example = "bank_transfer")]
    pub method: String,
    /// The casino's own, unique per operator and direction for ever; not with a player's token.
    pub reference: Option<String>,
    /// Left out, the money goes back to where deposits came from.
    pub destination: Option<DestinationSchema>,
    /// At most 4096 bytes, without personal data; not with a player's token. A number has at most 40 characters.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = NewReturn)]
pub struct ReturnSchema {
    /// In the deposit's currency; left out, all that its other returns leave of it.
    pub amount: Option<String>,
    pub reason: String,
}

#[derive(Debug, ToSchema)]
#[schema(as = PayerReturn)]
pub struct ContinueSchema {
    /// The query of the page that the payer came back to, as it is, with or without its `?`.
    #[schema(example = "session=7&redirectResult=X6XtfGC3%21Y2pBmY3oS")]
    pub query: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DepositStatus, WithdrawalStatus};

    #[test]
    fn an_unknown_status_is_told_all_there_are() {
        for (direction, all) in [
            (
                Direction::Deposit,
                DepositStatus::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
            ),
            (
                Direction::Withdrawal,
                WithdrawalStatus::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
            ),
        ] {
            let (_, told) = statuses_known(direction).split_once(": ").unwrap();
            let mut told: Vec<_> = told.split(", ").collect();
            let mut all = all;
            told.sort_unstable();
            all.sort_unstable();
            assert_eq!(told, all);
        }
    }

    #[test]
    fn a_return_url_leads_where_anybody_reads_that_it_leads() {
        for good in [
            "https://casino.example/back?x=1#y",
            "https://Casino.example:8443",
            "http://127.0.0.1:3000/",
            "http://[::1]:8080/?a=//b@c",
        ] {
            assert_eq!(absolute_url(good).as_deref(), Some(good));
        }
        for bad in [
            "https://casino.example/\0",
            "https://casino.example/\t",
            " https://casino.example/",
            "https://casino.example/å",
            r"https://casino.example\@evil.example/",
            r"https:\\casino.example/",
            "https:casino.example/",
            "https:///casino.example/",
            "https://casino%2Eexample/",
            "https://@casino.example/",
            "https://user@casino.example/",
            "https://casino.example:/",
            "https:x://casino.example/",
            "/back",
            "javascript:alert(1)",
        ] {
            assert_eq!(absolute_url(bad), None, "{bad:?}");
        }
        let long = |length: usize| format!("https://casino.example/{:x<1$}", "", length - 23);
        assert!(absolute_url(&long(2048)).is_some());
        assert_eq!(absolute_url(&long(2049)), None);
    }
}
