//! Webhooks of PSPs: raw bytes in, what the PSP expects to hear out.

use crate::api::extract::{PathParams, not_here, read_body};
use crate::api::problem::{Problem, ProblemView};
use crate::api::{Edge, PeerCertificate};
use crate::webhooks::receive::receive;
use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use psp_adapters::RawWebhook;

/// Receive a PSP's webhook
///
/// Verified over its raw bytes and stored before it is answered. An event has its effect once.
#[utoipa::path(post, path = "/webhooks/{psp_account_id}", tag = "psp webhooks",
    params(("psp_account_id" = String, Path, description = "`trustly-se`")),
    responses(
        (status = 200, description = "Stored; the answer is the one that this PSP expects."),
        (status = 400, description = "`webhook.malformed`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 401, description = "`webhook.not_verified`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 404, description = "No such account.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 413, description = "`webhook.too_large`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 415, description = "`request.media_type`: a content encoding.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn post(
    State(edge): State<Edge>,
    PathParams(account): PathParams<String>,
    request: Request,
) -> Result<Response, Problem> {
    take(edge, account, request).await
}

/// Receive a PSP's webhook by GET
#[utoipa::path(get, path = "/webhooks/{psp_account_id}", tag = "psp webhooks",
    params(("psp_account_id" = String, Path, description = "`trustly-se`")),
    responses(
        (status = 200, description = "As by POST."),
        (status = 401, description = "`webhook.not_verified`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 404, description = "No such account.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn get(
    State(edge): State<Edge>,
    PathParams(account): PathParams<String>,
    request: Request,
) -> Result<Response, Problem> {
    take(edge, account, request).await
}

/// Receive a PSP's webhook that adds to the path
#[utoipa::path(post, path = "/webhooks/{psp_account_id}/{rest}", tag = "psp webhooks",
    params(("psp_account_id" = String, Path, description = "`pix-br`"),
        ("rest" = String, Path, description = "What the PSP adds")),
    responses(
        (status = 200, description = "Stored; the answer is the one that this PSP expects."),
        (status = 400, description = "`webhook.malformed`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 401, description = "`webhook.not_verified`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 404, description = "No such account.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 413, description = "`webhook.too_large`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 415, description = "`request.media_type`: a content encoding.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn post_rest(
    State(edge): State<Edge>,
    path: PathParams<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let PathParams((account, _)) = path;
    take(edge, account, request).await
}

/// Receive a PSP's webhook that adds to the path, by GET
#[utoipa::path(get, path = "/webhooks/{psp_account_id}/{rest}", tag = "psp webhooks",
    params(("psp_account_id" = String, Path, description = "`pix-br`"),
        ("rest" = String, Path, description = "What the PSP adds")),
    responses(
        (status = 200, description = "As by POST."),
        (status = 401, description = "`webhook.not_verified`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 404, description = "No such account.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn get_rest(
    State(edge): State<Edge>,
    path: PathParams<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let PathParams((account, _)) = path;
    take(edge, account, request).await
}

/// An account has one address: what spells it with escapes is nobody that we gave it to.
fn is_spelt_plainly(path: &str, account: &str) -> bool {
    let rest = path.strip_prefix("/webhooks/").and_then(|rest| rest.strip_prefix(account));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn take(edge: Edge, account: String, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let path = match parts.extensions.get::<OriginalUri>() {
        Some(OriginalUri(uri)) => uri.clone(),
        None => parts.uri.clone(),
    };
    if !is_spelt_plainly(path.path(), &account) {
        return Err(not_here());
    }
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "request.media_type",
            "A webhook is taken as it was signed, without an encoding.",
        ));
    }
    let body = read_body(&parts.headers, body, edge.body_bytes_max).await?;
    let detach = edge.detach.clone();
    let shown = parts.extensions.get::<PeerCertificate>().cloned();
    let work = async move {
        // Header values need not be UTF-8; a signature over one that is not could not be ours.
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let raw = RawWebhook {
            method: parts.method.as_str(),
            path_and_query: path.path_and_query().map_or("/", |path| path.as_str()),
            headers: &headers,
            body: &body,
            peer_certificate: shown.as_ref().map(|PeerCertificate(der)| der.as_ref()),
            received_at: edge.flows.clock.now(),
        };
        Ok(receive(&edge.flows, &account, &raw).await?)
    };
    let reply = detach.run(work).await?;
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let kind = HeaderValue::from_static(reply.content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
