//! What a notification's data must look like, exactly, before anything of it is remembered.
//!
//! Trustly signs method, UUID and data written out one after another without any mark between them, so
//! a signature holds for other data too that reads the same: `{"a":"1","b":"2"}` and `{"a":"1b2"}`. Who
//! has seen one genuine notification could regroup it into one that says less and send it first; the
//! genuine one would then count as seen. So every field has its one shape, fields that belong to a
//! notification must be there, none but the known ones may, and nothing nests but `attributes`.

use crate::json::Json;
use crate::signature::unseparated::Shape::{
    self, Amount, Currency, Digits, Prose, Stamp, Uuid, Word,
};

/// Every field that a notification may have. Its text is longer than any that Trustly writes.
const FIELDS: [(&str, Shape); 11] = [
    ("accountid", Digits),
    ("amount", Amount),
    ("currency", Currency),
    ("enduserid", Word),
    ("errorcode", Word),
    ("errormessage", Prose),
    ("messageid", Word),
    ("notificationid", Digits),
    ("orderid", Digits),
    ("timestamp", Stamp),
    ("verified", Digits),
];

const ATTRIBUTES: [(&str, Shape); 9] = [
    ("address", Prose),
    ("bank", Prose),
    ("city", Prose),
    ("clearinghouse", Word),
    ("descriptor", Prose),
    ("lastdigits", Digits),
    ("name", Prose),
    ("personid", Word),
    ("zipcode", Prose),
];

/// What must be there. None: Trustly knows the method, we do not; it then says nothing of money.
fn required(method: &str) -> Option<&'static [&'static str]> {
    Some(match method {
        "account" => &["accountid", "messageid", "notificationid", "orderid"],
        "pending" | "credit" | "debit" | "payoutconfirmation" => {
            &["amount", "currency", "messageid", "notificationid", "orderid", "timestamp"]
        }
        "cancel" | "payoutfailed" => &["messageid", "notificationid", "orderid"],
        _ => return None,
    })
}

/// Whether method, UUID and data can be read in no other way than this.
pub(super) fn is_exact(method: &str, uuid: &str, data: &Json) -> bool {
    let Json::Object(fields) = data else { return false };
    let whole = match required(method) {
        Some(names) => names.iter().all(|name| fields.contains_key(*name)),
        None => fields.contains_key("notificationid"),
    };
    // The method's own end is fixed by the UUID's length and digits.
    let method_fits = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_lowercase());
    whole && method_fits && Uuid.fits(uuid) && all_fit(data, &FIELDS)
}

fn all_fit(data: &Json, known: &[(&str, Shape)]) -> bool {
    let Json::Object(fields) = data else { return false };
    fields.iter().all(|(key, value)| match known.iter().find(|(name, _)| name == key) {
        Some((_, shape)) => fits(*shape, value),
        None if key == "attributes" && known == FIELDS => {
            *value == Json::Null || all_fit(value, &ATTRIBUTES)
        }
        None => false,
    })
}

fn fits(shape: Shape, value: &Json) -> bool {
    match (shape, value) {
        // A field that Trustly leaves empty; nothing could be hidden in it.
        (Word | Prose | Digits, Json::Null) => true,
        (Digits, Json::Integer(number)) => 0 <= *number,
        (Word | Prose, Json::Text(text)) => shape.fits(text) && is_alone(text),
        (_, Json::Text(text)) => shape.fits(text),
        _ => false,
    }
}

/// Whether a free text holds no other field. Short names such as `name` and `city` are parts of honest
/// words and say nothing; a field that moves or names money has none of them.
fn is_alone(text: &str) -> bool {
    let long = |name: &&str| 7 <= name.len() && *name != "address";
    let names = FIELDS.iter().chain(&ATTRIBUTES).map(|(name, _)| *name);
    let names = names.chain(["attributes"]);
    !names.filter(long).any(|name| text.contains(name))
}

#[cfg(test)]
mod tests {
    use super::super::wire::signed_text;
    use super::*;

    const UUID: &str = "258a2184-2842-b485-25ca-293525152425";
    const CREDIT: &str = r#"{"amount":"902.50","currency":"EUR","enduserid":"p-1",
        "messageid":"0198","notificationid":"12345","orderid":"77",
        "timestamp":"2010-01-20 14:42:04.675645+01"}"#;

    #[track_caller]
    fn check(method: &str, data: &str, expected: bool) {
        let data = Json::parse(data.as_bytes()).expect("the test's JSON is strict");
        assert_eq!(is_exact(method, UUID, &data), expected, "{method} {data:?}");
    }

    /// The same signed text, cut otherwise.
    #[track_caller]
    fn regrouped(data: &str) {
        let parse = |text: &str| Json::parse(text.as_bytes()).expect("the test's JSON is strict");
        let signed = |text: &str| signed_text("credit", UUID, &parse(text));
        assert_eq!(signed(data), signed(CREDIT), "it is no copy of what was signed");
        check("credit", data, false);
    }

    #[test]
    fn a_regrouped_copy_is_refused_although_its_signature_holds() {
        check("credit", CREDIT, true);
        let end = r#""orderid":"77","timestamp":"2010-01-20 14:42:04.675645+01"}"#;
        let ids = r#""messageid":"0198","notificationid":"12345","#;
        // Without its amount it would be a mere hint, and the genuine one a repeat.
        regrouped(&format!(r#"{{"amount":"902.50currencyEURenduseridp-1",{ids}{end}"#));
        regrouped(&format!(r#"{{"amount":"902.50","currency":"EURenduseridp-1",{ids}{end}"#));
        // Its reference hidden in the player's.
        regrouped(&format!(
            r#"{{"amount":"902.50","currency":"EUR","enduserid":"p-1messageid0198",
               "notificationid":"12345",{end}"#
        ));
        // Its id cut in two, nested and plain.
        regrouped(&format!(
            r#"{{"amount":"902.50","currency":"EUR","enduserid":"p-1","messageid":"0198",
               "notificationid":{{"12345":""}},{end}"#
        ));
        regrouped(&format!(
            r#"{{"amount":["902",".50"],"currency":"EUR","enduserid":"p-1",{ids}{end}"#
        ));
    }

    #[test]
    fn every_method_has_its_fields() {
        let ids = r#""messageid":"0198","notificationid":"1","orderid":"7""#;
        check("cancel", &format!("{{{ids}}}"), true);
        check("account", &format!("{{{ids}}}"), false);
        check("account", &format!(r#"{{{ids},"accountid":"9"}}"#), true);
        check("account", &format!(r#"{{{ids},"accountid":"9","attributes":{{"x":"1"}}}}"#), false);
        check(
            "account",
            &format!(r#"{{{ids},"accountid":"9","attributes":{{"name":"A","bank":"Citibank"}}}}"#),
            true,
        );
        check(
            "account",
            &format!(r#"{{{ids},"accountid":"9","attributes":{{"name":"ApersonidSE1"}}}}"#),
            false,
        );
        check(
            "account",
            &format!(r#"{{{ids},"accountid":"9","enduserid":"p-1attributesname"}}"#),
            false,
        );
        check("credit", &format!("{{{ids}}}"), false);
        check("payoutfailed", &format!(r#"{{{ids},"errorcode":"no_account"}}"#), true);
        check("somethingnew", &format!("{{{ids}}}"), true);
        check("some-258a", &format!("{{{ids}}}"), false);
    }

    #[test]
    fn the_method_ends_where_the_uuid_begins() {
        let data = Json::parse(CREDIT.as_bytes()).expect("the test's JSON is strict");
        assert!(!is_exact("credit2", &UUID[1..], &data));
        assert!(!is_exact("credi", &format!("t{UUID}"), &data));
    }
}
