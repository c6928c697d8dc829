//! Cases as people open and work on them.

use super::player::{is_national_id, player_id, player_id_opt};
use crate::api::extract::Page;
use crate::api::fields::{Fields, FromFields};
use crate::api::problem::Problem;
use crate::book::{Adjustment, CaseKind, CasePayload, PAYMENT_KINDS, PlayerFields};
use crate::domain::country::is_country;
use crate::domain::{Currency, Money, PersonId, PlayerId, Timestamp};
use crate::screening::attestation::{AttestationKind, AttestationTerms};
use time::Date;
use time::format_description::well_known::Iso8601;
use utoipa::{IntoParams, ToSchema};

/// A case to be opened.
#[derive(Debug, Clone)]
pub struct CaseBody {
    pub kind: CaseKind,
    pub player: PlayerId,
    pub note: String,
    pub priority: i16,
    pub payload: PayloadBody,
}

impl FromFields for CaseBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let known = (
            "review.kind_unknown",
            "kind is manual_adjustment, attestation, exclusion_end, player_fields or erasure",
        );
        let kind = fields.parsed("kind", known, |text| {
            let by_service = [CaseKind::KillSwitch, CaseKind::Policy, CaseKind::NameMatch];
            CaseKind::parse(text).filter(|kind| !by_service.contains(kind))
        });
        let player = player_id(fields);
        let note = fields.line("note", 2000);
        let priority = fields.integer_opt("priority", 1..=3).and_then(|it| i16::try_from(it).ok());
        let payload = fields.object_opt("payload").unwrap_or_default();
        let (kind, player, note) = (kind?, player?, note?);
        Some(Self { kind, player, note, priority: priority.unwrap_or(2), payload })
    }
}

/// What is to be done: which of the fields stand, the case's kind decides.
#[derive(Debug, Clone, Default)]
pub struct PayloadBody {
    entry: Option<Adjustment>,
    /// The player is to be excluded.
    excludes: bool,
    money: Option<Money>,
    attestation: Option<AttestationKind>,
    reference: Option<String>,
    valid_until: Option<Timestamp>,
    fields: PlayerFields,
}

impl FromFields for PayloadBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let entry = ("adjustment.entry_unknown", "entry is credit, debit, write_off or taken_back");
        let attests = (
            "attestation.kind_unknown",
            "attestation is affordability, limit_contact, source_of_funds, enhanced_due_diligence, \
             proof_of_control, closed_loop_exception or name_exception",
        );
        let country =
            ("country.unknown", "this is no ISO 3166 alpha-2 country code, in capitals: SE");
        let day = ("date.malformed", "a date is a day of the calendar, written 1990-12-31");
        let code = (
            "currency.unknown",
            "this is no ISO 4217 code of a currency, in capitals, and not BTC, ETH, USDT or USDC",
        );
        let entry = fields.parsed_opt("entry", entry, Adjustment::parse);
        let measure = ("measure.unknown", "measure is exclude");
        let measure =
            fields.parsed_opt("measure", measure, |text| (text == "exclude").then_some(()));
        let currency = fields.parsed_opt("currency", code, |text| text.parse::<Currency>().ok());
        let money = fields.amount_opt("amount", currency);
        Some(Self {
            entry,
            excludes: measure.is_some(),
            money,
            attestation: fields.parsed_opt("attestation", attests, AttestationKind::parse),
            reference: fields.line_opt("reference", 200),
            valid_until: fields.time_opt("valid_until"),
            fields: PlayerFields {
                country: fields
                    .parsed_opt("country", country, |it| is_country(it).then(|| it.to_owned())),
                date_of_birth: fields.parsed_opt("date_of_birth", day, date),
                national_id: national_id(fields),
            },
        })
    }
}

/// Of whichever country: the record's, or the one that is proposed beside it.
fn national_id(fields: &mut Fields<'_>) -> Option<String> {
    let id = fields.line_opt("national_id", 64)?;
    let fits = is_national_id(&id, "");
    if !fits {
        let detail = "a national id has letters and digits, and between them blanks, `-`, `.`, `/` or `+` alone";
        fields.meaning("national_id", "national_id.malformed", detail);
    }
    fits.then_some(id)
}

fn date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| Date::parse(text, &Iso8601::DATE).ok())?
}

impl PayloadBody {
    /// As a case of this kind means it.
    ///
    /// # Errors
    /// 422 with the field that is missing, or that means nothing there.
    pub fn for_kind(self, kind: CaseKind) -> Result<CasePayload, Problem> {
        let is = |wanted| kind == wanted;
        let attests = is(CaseKind::Attestation) || (is(CaseKind::NameMatch) && !self.excludes);
        let strange = [
            ("measure", self.excludes && !is(CaseKind::NameMatch)),
            ("entry", self.entry.is_some() && !is(CaseKind::ManualAdjustment)),
            ("attestation", self.attestation.is_some() && !attests),
            ("reference", self.reference.is_some() && !attests),
            ("valid_until", self.valid_until.is_some() && !attests),
            (
                "amount",
                self.money.is_some()
                    && !is(CaseKind::ManualAdjustment)
                    && !is(CaseKind::Attestation),
            ),
            ("country", self.fields.country.is_some() && !is(CaseKind::PlayerFields)),
            ("date_of_birth", self.fields.date_of_birth.is_some() && !is(CaseKind::PlayerFields)),
            ("national_id", self.fields.national_id.is_some() && !is(CaseKind::PlayerFields)),
        ];
        if let Some((field, _)) = strange.into_iter().find(|(_, is_strange)| *is_strange) {
            let detail = format!("A case of the kind {} takes no {field}.", kind.as_str());
            return Err(Problem::unprocessable("review.payload_strange", detail)
                .at(format!("/payload/{field}")));
        }
        match kind {
            CaseKind::ManualAdjustment => Ok(CasePayload::Adjustment {
                entry: needed(self.entry, "entry")?,
                money: needed(self.money, "amount")?,
            }),
            CaseKind::NameMatch if self.excludes => Ok(CasePayload::Exclusion),
            CaseKind::Attestation | CaseKind::NameMatch => {
                let terms = AttestationTerms {
                    kind: needed(self.attestation, "attestation")?,
                    reference: needed(self.reference, "reference")?,
                    amount: self.money,
                    valid_until: self.valid_until,
                };
                // Of whom: the record says so when it is proposed.
                Ok(CasePayload::Attestation(terms, None))
            }
            // Which one: the record says so when it is proposed.
            CaseKind::ExclusionEnd => Ok(CasePayload::ExclusionEnd(None)),
            CaseKind::PlayerFields => Ok(CasePayload::PlayerFields(self.fields)),
            CaseKind::Erasure => Ok(CasePayload::Erasure),
            CaseKind::KillSwitch | CaseKind::Policy => Err(Problem::unprocessable(
                "review.payload_strange",
                "A case of the service takes no payload.",
            )
            .at("/payload")),
        }
    }
}

fn needed<T>(value: Option<T>, field: &str) -> Result<T, Problem> {
    value.ok_or_else(|| {
        Problem::unprocessable("review.payload_missing", format!("The payload needs {field}."))
            .at(format!("/payload/{field}"))
    })
}

/// To whom a case is given.
#[derive(Debug, Clone)]
pub struct AssignBody {
    pub to: Option<PersonId>,
}

impl FromFields for AssignBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let to = fields.parsed_opt("person_id", PERSON_FAULT, PersonId::parse);
        Some(Self { to })
    }
}

const PERSON_FAULT: (&str, &str) =
    ("person.id_malformed", "a person's id has 1 to 64 visible ASCII characters");

/// A note, or what came of a request for information.
#[derive(Debug, Clone)]
pub struct TextBody {
    pub text: String,
}

impl FromFields for TextBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.line("text", 2000).map(|text| Self { text })
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct RequestInfoBody {
    pub text: String,
    pub until: Option<Timestamp>,
}

impl FromFields for RequestInfoBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let until = fields.time_opt("until");
        fields.line("text", 2000).map(|text| Self { text, until })
    }
}

const KIND_FAULT: (&str, &str) = (
    "review.kind_unknown",
    "there is no such kind of review; of payments there are deposit_review, deposit_hold, withdrawal_review, \
     withdrawal_hold, awaiting_vendor, money_in, return, wallet_owed, outcome_unknown, payout_stuck, \
     paid_twice and psp_unconfigured, of players manual_adjustment, attestation, exclusion_end, player_fields, name_match and \
     erasure, of the service kill_switch and policy",
);

fn review_kind(text: &str) -> Option<String> {
    let is_known = PAYMENT_KINDS.contains(&text) || CaseKind::parse(text).is_some();
    is_known.then(|| text.to_owned())
}

/// Which reviews are wanted.
#[derive(Debug, Clone)]
pub struct ReviewQuery {
    /// None: open and closed.
    pub open: Option<bool>,
    pub kind: Option<String>,
    pub assigned_to: Option<PersonId>,
    pub player: Option<PlayerId>,
    pub due_before: Option<Timestamp>,
    pub page: Page,
}

impl FromFields for ReviewQuery {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let known = ("review.open_unknown", "open is true or false");
        let open = fields.parsed_opt("open", known, |text| text.parse().ok());
        let kind = fields.parsed_opt("kind", KIND_FAULT, review_kind);
        let assigned_to = fields.parsed_opt("assigned_to", PERSON_FAULT, PersonId::parse);
        let player = player_id_opt(fields);
        let due_before = fields.time_opt("due_before");
        let page = Page::read(fields, "reviews")?;
        Some(Self { open, kind, assigned_to, player, due_before, page })
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReviewParams {
    /// `true` or `false`; left out, both.
    pub open: Option<bool>,
    /// Why it was opened: `withdrawal_review`, `payout_stuck`, `manual_adjustment`, …
    pub kind: Option<String>,
    /// A person's id.
    pub assigned_to: Option<String>,
    pub player_id: Option<String>,
    /// Those that are to be decided before this time.
    #[param(format = DateTime)]
    pub due_before: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
    pub after: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = OpenReview)]
pub struct CaseSchema {
    /// `manual_adjustment`, `attestation`, `exclusion_end`, `player_fields` or `erasure`.
    #[schema(example = "manual_adjustment")]
    pub kind: String,
    #[schema(example = "p-1")]
    pub player_id: String,
    /// Why, 1 to 2000 characters: the note of the proposal that the case begins with.
    #[schema(example = "A jackpot of 3 March was paid to another player.")]
    pub note: String,
    /// 1 is the most urgent, 3 the least; 2 unless said.
    #[schema(minimum = 1, maximum = 3)]
    pub priority: Option<u8>,
    pub payload: Option<PayloadSchema>,
}

#[derive(Debug, ToSchema)]
#[schema(as = ReviewPayload)]
pub struct PayloadSchema {
    /// `manual_adjustment`: `credit` or `debit` the player's cash, `write_off` what they owe, or book
    /// what was `taken_back` of a deposit (cash first, the rest is owed).
    #[schema(example = "credit")]
    pub entry: Option<String>,
    /// `name_match`: `exclude` the player; without it the payload is the `name_exception`.
    #[schema(example = "exclude")]
    pub measure: Option<String>,
    /// `manual_adjustment`; `attestation`: up to how much it holds.
    #[schema(example = "100.00")]
    pub amount: Option<String>,
    #[schema(example = "EUR")]
    pub currency: Option<String>,
    /// `attestation`: `affordability`, `limit_contact`, `source_of_funds`, `enhanced_due_diligence`,
    /// `proof_of_control`, `closed_loop_exception` or `name_exception`.
    pub attestation: Option<String>,
    /// `attestation`: what it is about or rests on, without personal data.
    pub reference: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<String>,
    /// `player_fields`, this and the next two: the new values.
    pub country: Option<String>,
    #[schema(value_type = Option<String>, format = Date)]
    pub date_of_birth: Option<String>,
    pub national_id: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = AssignReview)]
pub struct AssignSchema {
    /// Null: to nobody.
    #[schema(required)]
    pub person_id: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = ReviewText)]
pub struct TextSchema {
    /// 1 to 2000 characters.
    pub text: String,
}

#[derive(Debug, ToSchema)]
#[schema(as = RequestInfo)]
pub struct RequestInfoSchema {
    /// What is asked for, 1 to 2000 characters.
    #[schema(example = "Three months of bank statements.")]
    pub text: String,
    /// By when it must have come, at most 30 days ahead; the configuration's `reviews.info_hours` unless said.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<String>,
}
