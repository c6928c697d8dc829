//! How the PSPs do, and what is switched off: the page of the operator on call.

use super::given::{Asked, Sent};
use super::page::{self, Frame};
use super::session::Signed;
use super::{Console, words};
use crate::domain::{Direction, Method, SwitchId, Timestamp, country};
use crate::routing::describe_health::{PspState, Standing, describe_health};
use crate::routing::health::{Bucket, Level};
use crate::routing::lift_switch::{Lift, LiftError, lift_switch};
use crate::routing::set_switch::{SetError, SwitchOrder, set_switch};
use crate::routing::switches::{Scope, Switch, SwitchKind};
use crate::store::switches::{self, SwitchFilter};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// Switches that the page shows: those that are on, then the newest.
const SHOWN: i64 = 50;
/// The longest reason.
const REASON_MAX: usize = 500;

#[derive(Debug)]
struct PspRow {
    psp: String,
    direction: &'static str,
    standing: &'static str,
    means: &'static str,
    /// How often payments are approved there, a line a kind.
    approvals: Vec<String>,
    switched_off: String,
}

impl PspRow {
    fn of(state: PspState) -> Self {
        let (standing, means) = match state.standing {
            Standing::Well => ("well", ""),
            Standing::Doubtful => ("doubtful", "faults of its own: some payments ask others first"),
            Standing::Failing => ("failing", "too many faults of its own: others are asked first"),
            Standing::Probing => {
                ("probing", "a payment now and then looks whether it is well again")
            }
        };
        let switched: Vec<String> = state.switches.iter().map(Switch::text).collect();
        Self {
            psp: state.psp,
            direction: state.direction.as_str(),
            standing,
            means,
            approvals: state.levels.iter().map(approval).collect(),
            switched_off: switched.join("; "),
        }
    }
}

/// `DE bank_transfer EUR: 84.05 %, known by 210 outcomes`
fn approval(level: &Level) -> String {
    let Bucket { country, method, currency, .. } = &level.bucket;
    let bps = level.approved_ppm / 100;
    let (percent, rest, method) = (bps / 100, bps % 100, method.as_str());
    let fallen = if level.demoted { ", which fell: others first" } else { "" };
    let outcomes = level.outcomes;
    format!(
        "{country} {method} {currency}: {percent}.{rest:02} %, known by {outcomes} outcomes{fallen}"
    )
}

#[derive(Debug)]
struct SwitchRow {
    id: String,
    kind: &'static str,
    scope: String,
    reason: String,
    set: String,
    from: String,
    until: String,
    /// Who proposed to lift it, when and why.
    proposed: Option<String>,
    /// Who lifted it, when and why.
    lifted: Option<String>,
    is_over: bool,
}

impl SwitchRow {
    fn of(switch: &Switch, now: Timestamp) -> Self {
        let Scope { psp, country, direction, method } = &switch.scope;
        let named = [
            psp.clone(),
            country.clone(),
            direction.map(|direction| direction.as_str().to_owned()),
            method.map(|method| method.as_str().to_owned()),
        ];
        let (proposed, lifted) = (switch.lift_proposed.as_ref(), switch.lifted.as_ref());
        Self {
            id: SwitchId(switch.id).to_string(),
            kind: switch.kind.as_str(),
            scope: named.into_iter().flatten().collect::<Vec<_>>().join(", "),
            reason: switch.reason.clone(),
            set: format!("{}, {}", switch.set_by, words::time(switch.set_at)),
            from: words::time(switch.from),
            until: switch.until.map_or_else(|| "it is lifted".to_owned(), words::time),
            proposed: proposed.map(|p| format!("{}, {}: {}", p.by, words::time(p.at), p.reason)),
            lifted: lifted.map(|l| format!("{}, {}: {}", l.by, words::time(l.at), l.reason)),
            is_over: lifted.is_some() || switch.until.is_some_and(|until| until <= now),
        }
    }
}

#[derive(Template)]
#[template(path = "routing.html")]
struct RoutingPage {
    frame: Frame,
    version: String,
    psps: Vec<PspRow>,
    switches: Vec<SwitchRow>,
    accounts: Vec<String>,
    methods: Vec<&'static str>,
    may_operate: bool,
    /// Makes a form that is sent twice one switch.
    once: String,
    said: Option<&'static str>,
    fault: Option<String>,
    form: SwitchForm,
}

/// What the page says after a form: a word of the address, so that loading it again sends nothing again.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SaidQuery {
    said: String,
}

fn said(word: &str) -> Option<&'static str> {
    match word {
        "set" => Some("It is switched off, here at once and on every instance within a second."),
        "planned" => Some(
            "It is planned: it is on until the time that you gave, and then switched off on every instance.",
        ),
        "lifted" => Some("It is lifted."),
        "proposed" => Some("It is still off: another person must lift it too."),
        "over" => Some("It was lifted before, or has ended."),
        _ => None,
    }
}

pub async fn show(
    State(console): State<Console>,
    signed: Signed,
    Asked(query): Asked<SaidQuery>,
) -> Result<Response, Response> {
    let page = RoutingPage { said: said(&query.said), ..read(&console, &signed).await? };
    Ok(page::html(&page))
}

async fn read(console: &Console, signed: &Signed) -> Result<RoutingPage, Response> {
    let (flows, operator) = (&console.flows, &signed.account.operator);
    let now = flows.clock.now();
    let filter = SwitchFilter {
        operator: Some(operator),
        id: None,
        before: None,
        limit: Some(SHOWN),
        on_at: None,
        on_first: Some(now),
    };
    let found = switches::list(flows.db.pool(), &filter).await;
    let found = found.map_err(|error| page::unavailable(&error))?;
    let own = flows.accounts.iter().filter(|account| account.serves_operator(operator));
    Ok(RoutingPage {
        frame: Frame::of(signed, "routing"),
        version: flows.routing.version.clone(),
        psps: describe_health(flows, operator).into_iter().map(PspRow::of).collect(),
        switches: found.iter().map(|switch| SwitchRow::of(switch, now)).collect(),
        accounts: own.map(|account| account.id.clone()).collect(),
        methods: Method::ALL.iter().map(|method| method.as_str()).collect(),
        may_operate: signed.account.may_operate(),
        once: flows.ids.next().simple().to_string(),
        said: None,
        fault: None,
        form: SwitchForm::default(),
    })
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SwitchForm {
    form_word: String,
    once: String,
    kind: String,
    psp: String,
    country: String,
    direction: String,
    method: String,
    reason: String,
    from: String,
    until: String,
}

impl SwitchForm {
    /// What the form orders, or what is wrong with it.
    fn order(&self, signed: &Signed) -> Result<SwitchOrder, String> {
        let kind = SwitchKind::parse(&self.kind).ok_or("Choose what it is.")?;
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let country = given(&self.country).map(|text| text.to_uppercase());
        if country.as_deref().is_some_and(|code| !country::is_country(code)) {
            return Err("There is no country of this code: two letters, such as SE.".to_owned());
        }
        let direction = given(&self.direction).map(|text| text.parse::<Direction>());
        let method = given(&self.method).map(|text| text.parse::<Method>());
        let reason = given(&self.reason)
            .ok_or("Say why: the reason is shown with every payment that it keeps away.")?;
        if REASON_MAX < reason.chars().count() {
            return Err(format!("The reason has at most {REASON_MAX} characters."));
        }
        let at = |text: &str, name: &str| match given(text) {
            None => Ok(None),
            Some(text) => words::parse_time(&text).map(Some).ok_or_else(|| {
                format!("{name}: write a date and a time, such as 2026-11-21T10:00.")
            }),
        };
        Ok(SwitchOrder {
            operator: signed.account.operator.clone(),
            person: signed.account.person.clone(),
            kind,
            scope: Scope {
                psp: given(&self.psp),
                country,
                direction: direction.transpose().map_err(|_| "There is no such direction.")?,
                method: method.transpose().map_err(|_| "There is no such method.")?,
            },
            reason,
            from: at(&self.from, "From")?,
            until: at(&self.until, "Until")?,
        })
    }
}

pub async fn set(
    State(console): State<Console>,
    signed: Signed,
    Sent(form): Sent<SwitchForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_operates()?;
    let order = match form.order(&signed) {
        Ok(order) => order,
        Err(fault) => return Err(again(&console, &signed, form, fault).await),
    };
    let (flows, key) = (console.flows.clone(), format!("console-{}", form.once));
    let work = async move { set_switch(&flows, order, &key).await };
    match console.tasks.spawn("switch off", work).await {
        Ok(Ok((switch, _))) => Ok(to(became(&switch, console.flows.clock.now()))),
        Ok(Err(SetError::Store(error))) => Err(page::unavailable(&error)),
        Ok(Err(error)) => {
            Err(again(&console, &signed, form, format!("Nothing was changed: {error}.")).await)
        }
        Err(error) => Err(page::unavailable(&error)),
    }
}

/// What became of a switch that was set, now or by an earlier sending of the form.
fn became(switch: &Switch, now: Timestamp) -> &'static str {
    let is_over = switch.lifted.is_some() || switch.until.is_some_and(|until| until <= now);
    match (switch.is_on(now), is_over) {
        (true, _) => "set",
        (_, true) => "over",
        _ => "planned",
    }
}

/// The page, with a word of what became of the form.
fn to(word: &str) -> Response {
    Redirect::to(&format!("/console/routing?said={word}")).into_response()
}

/// The page with what is wrong and with what was typed.
async fn again(console: &Console, signed: &Signed, form: SwitchForm, fault: String) -> Response {
    match read(console, signed).await {
        Ok(page) => {
            let page = RoutingPage { fault: Some(fault), form, ..page };
            page::told(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(response) => response,
    }
}

#[derive(Debug, Deserialize)]
pub struct LiftForm {
    form_word: String,
    reason: String,
}

pub async fn lift(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<LiftForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_operates()?;
    let Some(SwitchId(id)) = SwitchId::parse(&id) else {
        return Err(page::not_found().await);
    };
    let reason = form.reason.trim().to_owned();
    if reason.is_empty() || REASON_MAX < reason.chars().count() {
        let fault = format!("Say why it is lifted, in at most {REASON_MAX} characters.");
        return Err(again(&console, &signed, SwitchForm::default(), fault).await);
    }
    let (flows, account) = (console.flows.clone(), signed.account.clone());
    let work =
        async move { lift_switch(&flows, &account.operator, id, &account.person, &reason).await };
    match console.tasks.spawn("lift a switch", work).await {
        Ok(Ok(Lift::Now(_))) => Ok(to("lifted")),
        Ok(Ok(Lift::Proposed(..))) => Ok(to("proposed")),
        Ok(Ok(Lift::Before)) => Ok(to("over")),
        Ok(Ok(Lift::NotFound)) => Err(page::not_found().await),
        Ok(Err(LiftError::Refused(refusal))) => {
            let fault = format!("Nothing was changed: {refusal}.");
            Err(again(&console, &signed, SwitchForm::default(), fault).await)
        }
        Ok(Err(LiftError::Store(error))) => Err(page::unavailable(&error)),
        Err(error) => Err(page::unavailable(&error)),
    }
}
