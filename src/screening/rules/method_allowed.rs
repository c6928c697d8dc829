//! The methods of a market, and whose money its cards may spend.

use super::list;
use crate::domain::{Audience, Method};
use crate::screening::facts::{Facts, PaymentFacts};
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};
use crate::screening::{Checkpoint, Outcome};
use psp_contract::CardFunding;

/// Parameters: `allowed` (methods), and where cards are among them `card_funding` (`credit`, `debit`,
/// `prepaid`: whose money may be spent) with `on_untold` (what a card comes to of which nobody tells:
/// `approve`, `review`, `hold`; a review unless said).
///
/// A method is looked at when a payment begins. Whose money a card spends, its PSP tells when it was
/// paid, so that is looked at before the credit; PSPs that can be asked are asked first.
#[derive(Debug)]
pub struct MethodAllowed {
    allowed: Vec<Method>,
    cards: Option<Cards>,
}

#[derive(Debug)]
struct Cards {
    allowed: Vec<CardFunding>,
    on_untold: Outcome,
}

const FUNDED: &str = "card, ";
const UNTOLD: &str = "card, not told whose money";

impl MethodAllowed {
    pub fn read(table: &Table<'_>) -> Self {
        let allowed: Vec<Method> = table.parsed_texts("allowed", "a method, \"card\"");
        if allowed.is_empty() {
            table.fault("allowed", "is missing or empty: nobody could pay");
        }
        let cards = table.has("card_funding").then(|| Cards::read(table));
        if cards.is_some() && !allowed.contains(&Method::Card) && !allowed.is_empty() {
            table.fault("card_funding", "says something of cards, which are not allowed");
        }
        Self { allowed, cards }
    }

    fn method(&self, payment: &PaymentFacts) -> Finding {
        let allowed = list(self.allowed.iter().map(|method| method.as_str()));
        Finding::new(!self.allowed.contains(&payment.method), payment.method.as_str(), allowed)
    }

    fn funding(&self, payment: &PaymentFacts, facts: &Facts) -> Option<Finding> {
        let cards = self.cards.as_ref().filter(|_| payment.method == Method::Card)?;
        let allowed = list(cards.allowed.iter().map(|funding| funding.as_str()));
        Some(match facts.payer.as_ref().and_then(|payer| payer.funding) {
            Some(funding) => {
                let hit = !cards.allowed.contains(&funding);
                Finding::new(hit, format!("{FUNDED}{}", funding.as_str()), allowed)
            }
            None if cards.on_untold == Outcome::Approve => Finding::new(false, UNTOLD, allowed),
            None => Finding::error(UNTOLD, allowed).with_effect(cards.on_untold),
        })
    }
}

impl Cards {
    fn read(table: &Table<'_>) -> Self {
        let mut allowed = Vec::new();
        for text in table.texts("card_funding") {
            match CardFunding::parse(&text) {
                Some(funding) => allowed.push(funding),
                None => {
                    table.fault("card_funding", format!("has `{text}`: credit, debit or prepaid"));
                }
            }
        }
        if allowed.is_empty() {
            table.fault("card_funding", "is empty: no card could pay");
        }
        let parse = |text: &str| Outcome::parse(text).filter(|outcome| *outcome != Outcome::Deny);
        let on_untold = table.opt_word("on_untold", parse, "approve, review or hold");
        Self { allowed, on_untold: on_untold.unwrap_or(Outcome::Review) }
    }
}

impl Check for MethodAllowed {
    fn kind(&self) -> &'static str {
        "method.allowed"
    }

    fn operator(&self) -> &'static str {
        "in"
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(payment) = facts.payment() else { return Vec::new() };
        match facts.checkpoint {
            Checkpoint::DepositPost => self.funding(payment, facts).into_iter().collect(),
            _ => vec![self.method(payment)],
        }
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        if observed == UNTOLD {
            return Words::new(
                Audience::Operator,
                "payment.card_untold",
                format!(
                    "the PSP does not tell whose money this card spends: allowed are {threshold}"
                ),
                "find out what card it is, then credit the deposit or send it back",
            );
        }
        if let Some(funding) = observed.strip_prefix(FUNDED) {
            return Words::new(
                Audience::Player,
                "payment.card_not_allowed",
                format!("a {funding} card is not allowed in this market: allowed are {threshold}"),
                "pay with another card or by another method",
            );
        }
        Words::new(
            Audience::Player,
            "payment.method_not_allowed",
            format!("{observed} is not allowed in this market: allowed are {threshold}"),
            "use a method that the market allows",
        )
    }

    fn methods(&self) -> Option<&[Method]> {
        Some(&self.allowed)
    }

    fn asks_of_card(&self) -> bool {
        self.cards.is_some()
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("allowed", Tighter::Fewer), ("card_funding", Tighter::Fewer)]
    }

    fn player_can_put_right(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule_tests::Case;
    use crate::domain::{Instrument, Method};
    use crate::screening::Checkpoint::{DepositPost, DepositPre};
    use crate::screening::Outcome;
    use crate::screening::rule::State::{self, Error, Hit, NoHit};
    use psp_contract::CardFunding::{self, Credit, Debit, Prepaid};

    const RULE: &str = "id = \"cards\"\nkind = \"method.allowed\"\nallowed = [\"card\"]\n\
                        card_funding = [\"debit\", \"prepaid\"]";

    fn case(rule: &str, funding: Option<CardFunding>) -> Case {
        let source = Some(Instrument { funding, ..Instrument::default() });
        Case { source, method: Method::Card, ..Case::new(rule) }
    }

    #[track_caller]
    fn check(rule: &str, funding: Option<CardFunding>, found: (State, &str), outcome: Outcome) {
        let case = case(rule, funding);
        case.check(DepositPost, 100, &[(found.0, found.1, "debit, prepaid")]);
        assert_eq!(case.screened(DepositPost, 100, None).outcome, outcome);
    }

    #[test]
    fn whose_money_a_card_spends_is_looked_at_before_the_credit() {
        check(RULE, Some(Credit), (Hit, "card, credit"), Outcome::Review);
        check(RULE, Some(Debit), (NoHit, "card, debit"), Outcome::Approve);
        check(RULE, Some(Prepaid), (NoHit, "card, prepaid"), Outcome::Approve);
        case(RULE, Some(Credit)).check(DepositPre, 100, &[(NoHit, "card", "card")]);
        // Of what is no card nothing is asked then.
        let bank = Case { method: Method::BankTransfer, ..case(RULE, None) };
        bank.check(DepositPost, 100, &[]);
    }

    #[test]
    fn a_card_of_which_nobody_tells_is_what_the_policy_says() {
        let untold = "card, not told whose money";
        let with = |word: &str| format!("{RULE}\non_untold = \"{word}\"");
        check(RULE, None, (Error, untold), Outcome::Review);
        check(&with("approve"), None, (NoHit, untold), Outcome::Approve);
        check(&with("hold"), None, (Error, untold), Outcome::Hold);
    }

    #[test]
    fn without_a_word_about_cards_nothing_is_looked_at_before_the_credit() {
        let rule = "id = \"cards\"\nkind = \"method.allowed\"\nallowed = [\"card\"]";
        case(rule, Some(Credit)).check(DepositPost, 100, &[]);
    }
}
