//! What a notification's data must look like, exactly, before anything of it is remembered.
//!
//! Trustly signs method, UUID and data written out one after another without any mark between them, so
//! a signature holds for other data too that reads the same: `{"a":"1","b":"2"}` and `{"a":"1b2"}`. Who
//! has seen one genuine notification could regroup it into one that says less and send it first; the
//! genuine one would then count as seen. So every field has its one shape, fields that belong to a
//! notification must be there, none but the known ones may, and nothing nests but `attributes`.
//!
//! Trustly's pages announce that fields may be added. A notification that has one beside all that must be
//! there may be genuine, or a copy cut anew: [`Reading::Beyond`]. It is kept under an id of its own and is
//! believed in nothing.

use crate::json::Json;
use crate::signature::unseparated::Shape::{
    self, Amount, Currency, Digits, Prose, Stamp, Uuid, Word,
};

/// Every field that a notification may have. Its text is longer than any that Trustly writes.
const FIELDS: [(&str, Shape); 14] = [
    ("accountid", Digits),
    ("amount", Amount),
    ("currency", Currency),
    ("details", Prose),
    ("enduserid", Word),
    ("errorcode", Word),
    ("errormessage", Prose),
    ("messageid", Word),
    ("notificationid", Digits),
    ("orderid", Digits),
    ("reason", Prose),
    ("refund", Word),
    ("timestamp", Stamp),
    ("verified", Digits),
];

const ATTRIBUTES: [(&str, Shape); 10] = [
    ("address", Prose),
    ("bank", Prose),
    ("city", Prose),
    ("clearinghouse", Word),
    ("descriptor", Prose),
    ("directdebitmandate", Digits),
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

/// How well a signed notification is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reading {
    /// It can be read in no other way than this.
    Exact,
    /// There are fields beside the known ones, so that it may be another's text, cut anew.
    Beyond,
}

/// How method, UUID and data can be read. None: they are no notification.
pub(super) fn reading(method: &str, uuid: &str, data: &Json) -> Option<Reading> {
    let Json::Object(fields) = data else { return None };
    let whole = match required(method) {
        Some(names) => names.iter().all(|name| fields.contains_key(*name)),
        None => fields.contains_key("notificationid"),
    };
    // The method's own end is fixed by the UUID's length and digits.
    let method_fits = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_lowercase());
    (whole && method_fits && Uuid.fits(uuid)).then(|| all_fit(data, &FIELDS))?
}

fn all_fit(data: &Json, known: &[(&str, Shape)]) -> Option<Reading> {
    let Json::Object(fields) = data else { return None };
    let of_field = |(key, value): (&String, &Json)| match known.iter().find(|(name, _)| name == key)
    {
        Some((_, shape)) => fits(*shape, value).then_some(Reading::Exact),
        None if key == "attributes" && known == FIELDS => match value {
            Json::Null => Some(Reading::Exact),
            attributes => all_fit(attributes, &ATTRIBUTES),
        },
        None => Some(Reading::Beyond),
    };
    fields.iter().try_fold(Reading::Exact, |worst, field| Some(worst.max(of_field(field)?)))
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
        let exact = reading(method, UUID, &data) == Some(Reading::Exact);
        assert_eq!(exact, expected, "{method} {data:?}");
    }

    /// The same signed text, cut otherwise.
    #[track_caller]
    fn regrouped(data: &str) {
        let parse = |text: &str| Json::parse(text.as_bytes()).expect("the test's JSON is strict");
        let signed = |text: &str| signed_text("credit", UUID, &parse(text));
        assert_eq!(signed(data), signed(CREDIT), "it is no copy of what was signed");
        assert_eq!(reading("credit", UUID, &parse(data)), None, "{data}");
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
    fn a_field_that_is_new_makes_a_notification_doubtful_and_one_that_is_wrong_makes_it_none() {
        let ids = r#""messageid":"0198","notificationid":"1","orderid":"7""#;
        let read = |data: &str| {
            let data = Json::parse(data.as_bytes()).expect("the test's JSON is strict");
            reading("cancel", UUID, &data)
        };
        let documented = format!(r#"{{{ids},"reason":"x","details":"y z","refund":"1"}}"#);
        assert_eq!(read(&documented), Some(Reading::Exact));
        assert_eq!(read(&format!(r#"{{{ids},"new":{{"a":"1"}}}}"#)), Some(Reading::Beyond));
        let nested = format!(r#"{{{ids},"attributes":{{"new":"1","bank":"Citibank"}}}}"#);
        assert_eq!(read(&nested), Some(Reading::Beyond));
        assert_eq!(read(r#"{"new":"1","notificationid":"1","orderid":"7"}"#), None);
        assert_eq!(read(&format!(r#"{{{ids},"new":"1","amount":"ten"}}"#)), None);
        check(
            "account",
            &format!(r#"{{{ids},"accountid":"9","attributes":{{"directdebitmandate":"0"}}}}"#),
            true,
        );
    }

    #[test]
    fn the_method_ends_where_the_uuid_begins() {
        let data = Json::parse(CREDIT.as_bytes()).expect("the test's JSON is strict");
        assert_eq!(reading("credit2", &UUID[1..], &data), None);
        assert_eq!(reading("credi", &format!("t{UUID}"), &data), None);
    }
}
