//! What a vendor of identity must say of itself.

use super::*;

/// The faults of a sandbox whose account at Sumsub is changed so.
fn faults(name: &str, value: &str) -> Vec<String> {
    let variable = format!("INTERLOCK__CHECKS__SUMSUB__{name}");
    sandbox("", &[(&variable, value)]).err().unwrap_or_default()
}

#[test]
fn each_thing_that_is_wrong_with_a_vendor_of_identity_is_told() {
    for (name, value, expected) in [
        ("OPERATOR", "no body", "is no id of an operator"),
        ("PATIENCE_S", "0", "must be from 1 to 2592000"),
        ("LEVELS__BASIC_KYC_LEVEL", "4", "must be from 1 to 3"),
        ("SANDBOX", "perhaps", "must be true or false"),
        ("SECRETS__WEBHOOK_SECRET__VALUE", "short", "is shorter than 16 bytes"),
    ] {
        let told = faults(name, value);
        assert!(told.iter().any(|fault| fault.contains(expected)), "{name}: {told:?}");
    }
    assert_eq!(faults("PATIENCE_S", "60"), Vec::<String>::new(), "the control");
}

#[test]
fn the_sandbox_tells_each_mock_where_its_messages_go() {
    let config = sandbox("", &[]).unwrap();
    let of_identity = config.checks.iter().filter(|one| one.identity.is_some());
    let ids: Vec<&str> = of_identity.map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["sumsub", "onfido", "veriff"]);
    let url = config.vendor_webhook_url("veriff");
    assert_eq!(url, format!("{}/webhooks/vendors/veriff", config.server.public_url));
}
