//! Notifications that are forms, in a body or in a query.

use crate::webhook::{RawWebhook, WebhookRefusal};
use url::form_urlencoded;

const FIELDS_MAX: usize = 120;

/// A form's fields in their order, each name once.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Of a call to the very address that the PSP was given.
    pub fn received(raw: &RawWebhook<'_>, notify_url: &str) -> Result<Self, WebhookRefusal> {
        if !raw.is_for(notify_url) {
            return Err(WebhookRefusal::Malformed("not the address that the PSP was given"));
        }
        let bytes = match (raw.method, raw.split_path().1) {
            ("POST", None) => raw.body,
            ("GET", Some(query)) if raw.body.is_empty() => query.as_bytes(),
            _ => return Err(WebhookRefusal::Malformed("neither a form nor a query")),
        };
        Self::parse(bytes).ok_or(WebhookRefusal::Malformed("no strict form"))
    }

    /// A lossy decoding would let different bytes count as the same value, and of two equal names one
    /// could be verified and the other booked: both are refused.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let twice = pairs.iter().any(|(known, _)| *known == name);
            let unclean = |text: &str| text.contains(['\u{fffd}', '\0']);
            if twice || pairs.len() == FIELDS_MAX || unclean(&name) || unclean(&value) {
                return None;
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Some(Self(pairs))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_in_its_order_and_without_doubt() {
        let form = Form::parse(b"b=1&a=x%20y&empty=").expect("a form");
        assert_eq!(
            (form.get("a"), form.get("empty"), form.get("c")),
            (Some("x y"), Some(""), None)
        );
        let names: Vec<_> = form.pairs().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a", "empty"]);
        for bad in [&b"a=1&a=2"[..], b"a=%ff", b"a=\xff", b"a=%00"] {
            assert!(Form::parse(bad).is_none(), "{bad:?}");
        }
        let many = (0..=FIELDS_MAX).map(|at| format!("n{at}=1")).collect::<Vec<_>>().join("&");
        assert!(Form::parse(many.as_bytes()).is_none());
    }
}
