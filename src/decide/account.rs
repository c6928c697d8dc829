//! An event of the account is screened: the record, its limits or what people vouch for changed, or a
//! name was matched anew.
//!
//! No money is meant to move, so the decision stops nothing: it says from when on it was known, and
//! payments are screened at their own checkpoints. Without a rule there nothing is recorded.

use super::command::{Answer, Ctx};
use super::refusal::Refusal;
use crate::book::Book;
use crate::domain::DecisionId;
use crate::screening::decision::{About, Decision};
use crate::screening::gather::{self, Locked, Setting};
use crate::screening::hooks::{CheckFacts, HookFailure, NameFacts};
use crate::screening::rule::Rule;
use crate::screening::signals::Hook;
use crate::screening::{Checkpoint, engine};

/// The player's record changed. Rules that hang on somebody's answer alone wait for that answer.
pub fn changed(book: &mut Book, ctx: &Ctx<'_>) {
    let rules = rules(book, ctx);
    if rules.iter().all(|rule| rule.check.asks().is_some()) {
        return;
    }
    let asks = |rule: &&Rule| rule.check.asks().is_some_and(|ask| ask.hook == Hook::Names);
    let mut checks = CheckFacts::default();
    if rules.iter().any(asks) {
        // Matchers are asked in the background, and their answers make a decision of their own.
        let (matcher, found) = ("all".to_owned(), Err(HookFailure::Pending));
        checks.names.push(NameFacts { matcher, found });
    }
    record(book, checks, ctx);
}

/// A matcher has answered about the player.
pub fn answered(
    book: &mut Book,
    version: i64,
    checks: &CheckFacts,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let player = book.player.as_ref().ok_or(Refusal::PlayerUnknown)?;
    if player.version != version {
        // It was about another record, which is matched again.
        return Err(Refusal::PlayerChanged);
    }
    if !rules(book, ctx).is_empty() {
        record(book, checks.clone(), ctx);
    }
    Ok(Answer::Nothing)
}

/// Those that run at this checkpoint.
fn rules<'a>(book: &Book, ctx: &Ctx<'a>) -> Vec<&'a Rule> {
    let Some(player) = &book.player else { return Vec::new() };
    let policy = ctx.policies.in_force(&player.country, ctx.now);
    let all = policy.iter().flat_map(|policy| &policy.rules);
    all.filter(|rule| rule.at.contains(&Checkpoint::AccountEvent)).collect()
}

fn record(book: &mut Book, checks: CheckFacts, ctx: &Ctx<'_>) {
    let Some(player) = &book.player else { return };
    let locked = Locked {
        limits: &book.limits,
        owed: &[],
        movements: &book.movements,
        background: &book.background,
        ends: &[],
    };
    let setting = Setting::new(ctx.policies, ctx.fx, ctx.now);
    let mut facts = gather::account(player, &locked, &setting);
    facts.checks = checks;
    let screening = engine::screen(ctx.policies, &facts);
    let about = About { id: DecisionId(ctx.ids.next()), payment: None, player: book.key.clone() };
    book.record.decisions.push(Decision::new(about, facts, screening));
}
