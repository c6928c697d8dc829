use super::*;

#[derive(Debug, PartialEq)]
struct Sample {
    money: Money,
    level: Option<i64>,
    born: Option<Date>,
    inner: Option<Inner>,
}

#[derive(Debug, PartialEq)]
struct Inner(String);

impl FromFields for Inner {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.line("word", 5).map(Self)
    }
}

impl FromFields for Sample {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let money = fields.money("amount", "currency");
        let level = fields.integer_opt("level", 0..=3);
        let born = if fields.unread.iter().any(|(name, _)| name == "born") {
            fields.date("born")
        } else {
            None
        };
        let inner = fields.object_opt("inner");
        Some(Self { money: money?, level, born, inner })
    }
}

/// A status, and the pointer and code of each fault.
type Faulted<'a> = (u16, &'a [(&'a str, &'a str)]);

#[track_caller]
fn check(text: &str, expected: Result<(), Faulted<'_>>) {
    let read = read::<Sample>(Json::parse(text.as_bytes()).unwrap());
    let body = read.as_ref().err().map(|problem| problem.body("r"));
    let told: Vec<(String, String)> = body.map_or(Vec::new(), |body| {
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
        let errors = value["errors"].as_array().unwrap();
        errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    });
    let told: Vec<(&str, &str)> = told.iter().map(|(p, c)| (&**p, &**c)).collect();
    let got = match &read {
        Ok(_) => Ok(()),
        Err(problem) => Err((problem.status().as_u16(), told.as_slice())),
    };
    assert_eq!(got, expected, "{text}");
}

#[test]
fn a_sound_body_is_read() {
    check(r#"{"amount":"1.50","currency":"EUR"}"#, Ok(()));
    check(
        r#"{"amount":"1.50","currency":"EUR","level":3,"born":"1990-12-31","inner":{"word":"x"}}"#,
        Ok(()),
    );
    check(r#"{"amount":"1.50","currency":"EUR","inner":null}"#, Ok(()));
}

#[test]
fn a_wrong_shape_is_400_and_every_fault_is_told() {
    check(
        r#"{"amount":1.5,"currency":"EUR","extra":1,"inner":{"word":1,"more":2}}"#,
        Err((
            400,
            &[
                ("/amount", "field.wrong_type"),
                ("/inner/word", "field.wrong_type"),
                ("/inner/more", "field.unknown"),
                ("/extra", "field.unknown"),
            ],
        )),
    );
    check(r#"{"currency":"EUR"}"#, Err((400, &[("/amount", "field.missing")])));
    check("[]", Err((400, &[("", "field.wrong_type")])));
    check(
        r#"{"amount":"1","currency":"EUR","level":"3"}"#,
        Err((400, &[("/level", "field.wrong_type")])),
    );
}

#[test]
fn a_wrong_meaning_is_422() {
    let cases = [
        (r#"{"amount":"1.505","currency":"EUR"}"#, "/amount", "amount.too_many_decimals"),
        (r#"{"amount":"0","currency":"EUR"}"#, "/amount", "amount.zero"),
        (r#"{"amount":"01","currency":"EUR"}"#, "/amount", "amount.malformed"),
        (r#"{"amount":"-1","currency":"EUR"}"#, "/amount", "amount.malformed"),
        (r#"{"amount":"1","currency":"eur"}"#, "/currency", "currency.unknown"),
        (r#"{"amount":"1","currency":"EUR","level":4}"#, "/level", "field.out_of_range"),
        (r#"{"amount":"1","currency":"EUR","level":1.0}"#, "/level", "field.out_of_range"),
        (r#"{"amount":"1","currency":"EUR","born":"1990-02-30"}"#, "/born", "date.malformed"),
        (
            r#"{"amount":"1","currency":"EUR","inner":{"word":""}}"#,
            "/inner/word",
            "field.malformed",
        ),
    ];
    for (text, pointer, code) in cases {
        check(text, Err((422, &[(pointer, code)])));
    }
}

#[test]
fn times_are_utc_with_a_z() {
    assert!(parse_time("2026-03-01T12:00:00Z").is_some());
    assert!(parse_time("2026-03-01T12:00:00.123456Z").is_some());
    for bad in ["2026-03-01T12:00:00+00:00", "2026-03-01", "2026-03-01T12:00:00", "Z"] {
        assert_eq!(parse_time(bad), None, "{bad}");
    }
}

#[test]
fn of_faults_without_number_some_are_told() {
    let names: Vec<String> = (0..5_000).map(|n| format!("\"f{n}\":1")).collect();
    let text = format!("{{{}}}", names.join(","));
    let told = read::<Sample>(Json::parse(text.as_bytes()).unwrap()).unwrap_err();
    assert_eq!(format!("{told:?}").matches("FieldError {").count(), FAULTS_TOLD);
}
