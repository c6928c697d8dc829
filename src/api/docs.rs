//! The OpenAPI document and the page that shows it, without outside hosts.
//!
//! Paths and schemas come from the handlers; what is true of every route (who may call it, which
//! faults it can answer) is added here from the one table of routes, so that it is never forgotten.

use super::keys::Scope;
use super::problem::PROBLEM_JSON;
use super::routes::{self, Access, Rule};
use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder};
use utoipa::openapi::schema::{Object, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, Info, License, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Scripts and styles are the page's own; nothing is loaded from or sent to anywhere else. The
/// vendored page sets styles from its script, which `style-src` must allow.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
    'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const INTRODUCTION: &str = "Deposits and withdrawals of casino players over several payment \
    service providers. Money is a decimal string in major units beside its currency, at most \
    1,000,000,000,000,000 of its smallest unit; times are RFC 3339 in UTC; errors are RFC 9457 problems with a stable `code`. Backends sign each \
    request (`x-api-key`, `x-request-timestamp`, `x-request-nonce`, `x-request-signature: \
    v1=<hex HMAC-SHA256 of timestamp, nonce, method, path and query, and the SHA-256 of the body, \
    one per line>`). The sandbox takes `Authorization: Bearer sk_sandbox` as well.";

/// Completes the document that the handlers' annotations made.
pub fn complete(mut document: OpenApi) -> OpenApi {
    // What the router's own crate says of itself is not about us.
    document.info = Info::new("Interlock", env!("CARGO_PKG_VERSION"));
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    document.info.license = Some(license);
    document.info.description = Some(INTRODUCTION.to_owned());
    document.servers = None;
    let components = document.components.get_or_insert_default();
    let key = ApiKeyValue::with_description(
        "x-api-key",
        "The key's id; the other three x-request headers go with it.",
    );
    components.add_security_scheme("signature", SecurityScheme::ApiKey(ApiKey::Header(key)));
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A player's token, or in the sandbox a key."))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    tell_of_itself(&mut document);
    for rule in routes::RULES {
        if let Some(operation) = operation(&mut document, rule) {
            describe(operation, rule);
        }
    }
    document
}

/// The document's entry of a route.
pub fn operation<'d>(document: &'d mut OpenApi, rule: &Rule) -> Option<&'d mut Operation> {
    let item = document.paths.paths.get_mut(rule.path)?;
    match rule.method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

/// `get_players_player_id_wallet`: unique, as method and path are together.
fn operation_id(rule: &Rule) -> String {
    let path = rule.path.trim_start_matches("/v1").replace(['{', '}'], "");
    format!("{}{}", rule.method.as_str().to_lowercase(), path.replace(['/', '-', '.'], "_"))
}

fn describe(operation: &mut Operation, rule: &Rule) {
    operation.operation_id = Some(operation_id(rule));
    let wanted = wanted(rule.access);
    let mut faults = vec![
        ("429", "`request.rate_limited`: wait for `retry-after`."),
        ("500", "`server.fault`: ours; repeat with the same idempotency key."),
        (
            "503",
            "`server.unavailable`, `server.busy`: this request recorded nothing. \
             `request.timed_out`: it may be recorded, and what it began goes on. Repeat it after \
             `retry-after` either way, with the same idempotency key.",
        ),
    ];
    if let Some(note) = wanted {
        let none = Vec::<String>::new;
        operation.security = Some(vec![
            SecurityRequirement::new("signature", none()),
            SecurityRequirement::new("bearer", none()),
        ]);
        let text = operation.description.take().map_or(note.clone(), |d| format!("{d}\n\n{note}"));
        operation.description = Some(text);
        faults.extend([
            ("400", "`request.invalid`, `idempotency.key_missing`, `idempotency.key_malformed`."),
            (
                "401",
                "`auth.signature_invalid`, `auth.timestamp_stale`, `auth.nonce_replayed`, \
                     `auth.key_unknown`, `auth.token_invalid`, `auth.credentials_missing`.",
            ),
            ("403", "`auth.scope_missing`, `auth.person_required`."),
            ("404", "Not here, or another operator's: the two look the same."),
            ("413", "`request.too_large`: more than 256 KiB."),
        ]);
        if operation.request_body.is_some() {
            faults.push(("415", "`request.media_type`: send application/json in UTF-8."));
            faults.push(("422", "The shape is right and the meaning is not; `errors` says where."));
        }
    }
    for (status, words) in faults {
        let known = operation.responses.responses.contains_key(status);
        if !known {
            let content = Content::new(Some(Ref::from_schema_name("Problem")));
            let response =
                ResponseBuilder::new().description(words).content(PROBLEM_JSON, content).build();
            operation.responses.responses.insert(status.to_owned(), response.into());
        }
    }
    tell_headers(operation);
}

/// Who may call it, in words.
fn wanted(access: Access) -> Option<String> {
    let key = |scope: Scope| format!("Wants a key with the scope `{}`", scope.as_str());
    match access {
        Access::Open => None,
        Access::Key(scope) => Some(format!("{}.", key(scope))),
        Access::KeyOrPlayer(scope) => Some(format!("{}, or the player's own token.", key(scope))),
        Access::Person(one, other) => Some(format!(
            "Wants the key of a person (one with a `person_id`) with the scope `{}` or `{}`.",
            one.as_str(),
            other.as_str()
        )),
    }
}

/// The headers of every answer, and those that only some have.
fn tell_headers(operation: &mut Operation) {
    let mut parameters = operation.parameters.iter().flatten();
    let keyed = parameters.any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.name == "Idempotency-Key",
        RefOr::Ref(_) => false,
    });
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let mut tell = |name: &str, words: &str| {
            let header = HeaderBuilder::new()
                .schema(Some(text()))
                .description(Some(words.to_owned()))
                .build();
            response.headers.insert(name.to_owned(), header.into());
        };
        tell("x-request-id", "The request's id, as problems and our logs name it.");
        tell("server-timing", "Milliseconds: `total`, and `psp` where a PSP was called.");
        if matches!(status.as_str(), "409" | "429" | "503") {
            tell("retry-after", "Seconds to wait before the next try, where waiting helps.");
        }
        if keyed && matches!(status.as_str(), "200" | "201" | "422") {
            tell(
                "idempotency-replayed",
                "`true`: this is what the first request of the key was told.",
            );
        }
    }
}

fn text() -> Object {
    Object::with_type(Type::String)
}

/// The document's own two addresses. No handler of ours serves them, so no annotation tells of them.
fn tell_of_itself(document: &mut OpenApi) {
    let pages = [
        ("/openapi.json", "This document", "OpenAPI 3.1.", "application/json"),
        ("/docs", "A page for people", "The page, by way of `/docs/`.", "text/html"),
    ];
    for (path, summary, words, media) in pages {
        let content = Content::new(None::<RefOr<Schema>>);
        let found = ResponseBuilder::new().description(words).content(media, content).build();
        let operation = OperationBuilder::new()
            .tag("health")
            .summary(Some(summary))
            .response("200", found)
            .build();
        document.paths.add_path_operation(path, vec![HttpMethod::Get], operation);
    }
}

/// `/openapi.json` and `/docs`.
pub fn router<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> Router<S> {
    // A document of texts always serialises.
    let text: axum::body::Bytes = document.to_json().unwrap_or_default().into();
    let serve = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text).into_response() }
    };
    let config = Config::from("/openapi.json").validator_url("none").try_it_out_enabled(true);
    let page: Router<S> = SwaggerUi::new("/docs").config(config).into();
    let policy = SetResponseHeaderLayer::overriding(
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(PAGE_POLICY),
    );
    Router::new().route("/openapi.json", get(serve)).merge(page.layer(policy))
}
