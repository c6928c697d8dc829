//! A player's record, limits and sessions as they are sent.

use crate::access::token::TTL_MAX_S;
use crate::api::fields::{Fields, FromFields};
use crate::domain::country::is_country;
use crate::domain::{
    Currency, Exclusion, Kyc, KycStatus, Money, PlayerId, PlayerStatus, Timestamp,
};
use crate::screening::limits::Period;
use time::{Date, Duration};
use utoipa::ToSchema;

/// A whole record; what is left out is gone, but for the exclusion.
#[derive(Debug, Clone)]
pub struct PlayerBody {
    pub country: String,
    pub currency: Currency,
    pub full_name: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub date_of_birth: Date,
    pub national_id: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub address: Option<String>,
    pub locale: Option<String>,
    pub status: PlayerStatus,
    pub exclusion: Option<Exclusion>,
    pub kyc: Kyc,
}

impl FromFields for PlayerBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let unknown_country =
            ("country.unknown", "this is no ISO 3166 alpha-2 country code, in capitals: SE");
        let country = fields
            .parsed("country", unknown_country, |code| is_country(code).then(|| code.to_owned()));
        let currency = fields.currency("currency");
        let full_name = fields.line("full_name", 140);
        let given_name = fields.line_opt("given_name", 70);
        let family_name = fields.line_opt("family_name", 70);
        let date_of_birth = fields.date("date_of_birth");
        let national_id = fields.line_opt("national_id", 64);
        let email =
            fields.parsed_opt("email", ("email.malformed", "this is no e-mail address"), email);
        let phone = fields.line_opt("phone", 32);
        let address = fields.line_opt("address", 300);
        let bad_locale = ("locale.malformed", "a locale is a BCP 47 tag: sv-SE");
        let locale = fields.parsed_opt("locale", bad_locale, locale);
        let known = ("player.status_unknown", "a player is active, frozen or closed");
        let status = fields.parsed_opt("status", known, |text| {
            PlayerStatus::parse(text).filter(|status| *status != PlayerStatus::Erased)
        });
        let exclusion = fields.object_opt("exclusion");
        let kyc = fields.object("kyc");
        Some(Self {
            country: country?,
            currency: currency?,
            full_name: full_name?,
            given_name,
            family_name,
            date_of_birth: date_of_birth?,
            national_id,
            email,
            phone,
            address,
            locale,
            status: status.unwrap_or(PlayerStatus::Active),
            exclusion,
            kyc: kyc?,
        })
    }
}

impl FromFields for Exclusion {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let source = fields.line("source", 64);
        let from = fields.time("from");
        let until = fields.time_opt("until");
        let (source, from) = (source?, from?);
        if until.is_some_and(|until| until <= from) {
            fields.meaning("until", "exclusion.empty", "an exclusion ends after it begins");
        }
        Some(Self { source, from, until })
    }
}

impl FromFields for Kyc {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let known = ("kyc.status_unknown", "unverified, pending, verified or rejected");
        let status = fields.parsed("status", known, KycStatus::parse);
        let level = fields.integer("level", 0..=3).and_then(|level| i16::try_from(level).ok());
        let verified_at = fields.time_opt("verified_at");
        Some(Self { status: status?, level: level?, verified_at })
    }
}

fn email(text: &str) -> Option<String> {
    let plain = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let (local, host) = text.rsplit_once('@')?;
    (plain && !local.is_empty() && !host.is_empty()).then(|| text.to_owned())
}

fn locale(text: &str) -> Option<String> {
    let tag = |piece: &str| {
        (1..=8).contains(&piece.len()) && piece.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    (text.len() <= 35 && text.split('-').all(tag)).then(|| text.to_owned())
}

/// One wanted limit.
#[derive(Debug, Clone, Copy)]
pub struct LimitBody {
    pub period: Period,
    pub money: Money,
}

impl FromFields for LimitBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let kind = ("limit.kind_unknown", "limits are on deposits: kind is `deposit`");
        let kind = fields.parsed("kind", kind, |kind| (kind == "deposit").then_some(()));
        let period = ("limit.period_unknown", "a period is day, week or month");
        let period = fields.parsed("period", period, Period::parse);
        let money = fields.money("amount", "currency");
        // GET tells them, so a PUT of what was read brings them back.
        fields.ignore("effective_at");
        fields.ignore("pending");
        kind?;
        Some(Self { period: period?, money: money? })
    }
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct PlayerSessionBody {
    pub player: PlayerId,
    pub ttl: Duration,
}

impl FromFields for PlayerSessionBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let player = player_id(fields);
        let ttl_s = fields.integer("ttl_s", 1..=TTL_MAX_S);
        Some(Self { player: player?, ttl: Duration::seconds(ttl_s?) })
    }
}

const PLAYER_ID_FAULT: (&str, &str) =
    ("player.id_malformed", "a player's id has 1 to 64 visible ASCII characters");

/// The `player_id` of a body.
pub fn player_id(fields: &mut Fields<'_>) -> Option<PlayerId> {
    fields.parsed("player_id", PLAYER_ID_FAULT, PlayerId::parse)
}

/// The `player_id` of a filter.
pub fn player_id_opt(fields: &mut Fields<'_>) -> Option<PlayerId> {
    fields.parsed_opt("player_id", PLAYER_ID_FAULT, PlayerId::parse)
}

/// The whole record; what is left out is gone, but for `exclusion`.
#[derive(Debug, ToSchema)]
#[schema(as = PutPlayer)]
pub struct PlayerSchema {
    /// ISO 3166 alpha-2.
    #[schema(example = "SE")]
    pub country: String,
    #[schema(example = "SEK")]
    pub currency: String,
    #[schema(example = "Anna Andersson")]
    pub full_name: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    #[schema(example = "1990-12-31", format = Date)]
    pub date_of_birth: String,
    /// Letters and digits, with blanks or `-./+` between them; of Brazil the 11 digits of a CPF. What is recorded
    /// already may be sent again as it is.
    #[schema(example = "199012319876")]
    pub national_id: Option<String>,
    pub email: Option<String>,
    /// 6 to 15 digits, with a `+` before them and blanks or `-./()` between them or not; best as E.164 has it, which
    /// every PSP reads. What is recorded already may be sent again as it is.
    #[schema(example = "+46701234567")]
    pub phone: Option<String>,
    pub address: Option<String>,
    /// BCP 47.
    #[schema(example = "sv-SE")]
    pub locale: Option<String>,
    /// `active` (when left out), `frozen` or `closed`.
    pub status: Option<String>,
    /// Left out, the recorded one stays.
    pub exclusion: Option<ExclusionSchema>,
    pub kyc: KycSchema,
}

#[derive(Debug, ToSchema)]
#[schema(as = PutExclusion)]
pub struct ExclusionSchema {
    /// `self`, or the register that it stands in.
    pub source: String,
    #[schema(format = DateTime)]
    pub from: String,
    /// Null: without end.
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = PutKyc)]
pub struct KycSchema {
    /// `unverified`, `pending`, `verified` or `rejected`.
    #[schema(example = "verified")]
    pub status: String,
    #[schema(minimum = 0, maximum = 3, example = 2)]
    pub level: u8,
    #[schema(format = DateTime)]
    pub verified_at: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = PutLimit)]
pub struct LimitSchema {
    #[schema(example = "deposit")]
    pub kind: String,
    /// `day`, `week` or `month`.
    #[schema(example = "day")]
    pub period: String,
    #[schema(example = "1000.00")]
    pub amount: String,
    #[schema(example = "SEK")]
    pub currency: String,
}

#[derive(Debug, ToSchema)]
#[schema(as = NewPlayerSession)]
pub struct PlayerSessionSchema {
    #[schema(example = "p-1")]
    pub player_id: String,
    /// Seconds that the token lives.
    #[schema(minimum = 1, maximum = 900, example = 900)]
    pub ttl_s: u16,
}

/// A telephone number, with the country's code or without it, as people write them: 6 to 15 digits (the most that
/// E.164 has), and what stands between them.
pub fn is_phone(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = number.chars().all(|sign| sign.is_ascii_digit() || " -./()".contains(sign));
    (6..=15).contains(&digits) && is_plain
}

/// Letters and digits, with what stands between them. A number of Brazil's register of taxpayers (CPF) has 11
/// digits; no other country's shape is judged here.
pub fn is_national_id(text: &str, country: &str) -> bool {
    let signs = text.chars().filter(|sign| sign.is_alphanumeric()).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_plain = text.chars().all(|sign| sign.is_alphanumeric() || " -./+".contains(sign));
    is_plain && if country == "BR" { (signs, digits) == (11, 11) } else { 0 < signs }
}

/// A birth in the future, or before anybody alive, is a typing error.
pub fn is_plausible_birth(date: Date, now: Timestamp) -> bool {
    date <= now.date() && date.year() >= 1900
}
