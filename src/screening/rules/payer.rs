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
