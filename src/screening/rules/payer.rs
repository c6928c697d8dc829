//! Who paid is who plays. A contradiction is for people to look at; what is not told contradicts
//! nothing.

use crate::domain::Audience;
use crate::screening::facts::{Facts, Match};
use crate::screening::rule::{Check, Finding, RuleResult, Words};

const REMEDY: &str =
    "people compare the payer with the player, then credit the money or send it back";

#[derive(Debug)]
pub struct PayerName;

impl Check for PayerName {
    fn kind(&self) -> &'static str {
        "payer.name"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(payer) = &facts.payer else { return Vec::new() };
        // The number says who it is; where it is the player's, a name is spelt otherwise.
        let hit = payer.name == Match::Other && payer.tax_id != Match::Same;
        vec![Finding::new(hit, payer.name.as_str(), Match::Same.as_str())]
    }

    fn words(&self, _: &RuleResult) -> Words {
        let message = "the account that paid is in another person's name";
        Words::new(Audience::Operator, "payer.name_differs", message, REMEDY)
    }
}

/// Money goes to the player. A destination that nothing but its own words tells to be theirs must at least say so.
#[derive(Debug)]
pub struct PayeeName;

impl Check for PayeeName {
    fn kind(&self) -> &'static str {
        "payee.name"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(whose) = facts.closed_loop.as_ref().and_then(|found| found.holder) else {
            return vec![Finding::skipped("no destination was named that is not known already")];
        };
        vec![Finding::new(whose == Match::Other, whose.as_str(), Match::Same.as_str())]
    }

    fn words(&self, _: &RuleResult) -> Words {
        let message = "the account that is to be paid is in another person's name";
        let remedy = "ask for an account of the player's own; two people look at this one";
        Words::new(Audience::Operator, "payee.name_differs", message, remedy)
    }
}

#[derive(Debug)]
pub struct PayerTaxId;

impl Check for PayerTaxId {
    fn kind(&self) -> &'static str {
        "payer.tax_id"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(payer) = &facts.payer else { return Vec::new() };
        let hit = payer.tax_id == Match::Other;
        vec![Finding::new(hit, payer.tax_id.as_str(), Match::Same.as_str())]
    }

    fn words(&self, _: &RuleResult) -> Words {
        let message = "the account that paid belongs to another national or tax id";
        Words::new(Audience::Operator, "payer.tax_id_differs", message, REMEDY)
    }
}

/// What kind of account paid, for the record: people have several, so it never hits.
#[derive(Debug)]
pub struct PayerAccount;

impl Check for PayerAccount {
    fn kind(&self) -> &'static str {
        "payer.account"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(payer) = &facts.payer else { return Vec::new() };
        vec![Finding::new(false, &*payer.account, "any")]
    }

    fn words(&self, _: &RuleResult) -> Words {
        let message = "another account paid than before";
        Words::new(Audience::Compliance, "payer.account_differs", message, REMEDY)
    }
}
