//! Messages of vendors of identity: raw bytes in, an empty answer out.

use crate::api::Edge;
use crate::api::extract::{PathParams, not_here, read_body};
use crate::api::problem::{Problem, ProblemView};
use crate::vendors::identity::receive::{RawMessage, receive};
use axum::extract::{OriginalUri, Request, State};
use axum::http::{StatusCode, header};

/// Receive a message of a vendor of identity
///
/// Verified over its raw bytes and kept before it is answered. It has its effect once, and only makes us
/// ask the vendor: what the vendor then answers counts.
#[utoipa::path(post, path = "/webhooks/vendors/{vendor_id}", tag = "vendor webhooks",
    params(("vendor_id" = String, Path, description = "`sumsub`")),
    responses(
        (status = 200, description = "Kept."),
        (status = 400, description = "`webhook.malformed`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 401, description = "`webhook.not_verified`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 404, description = "No such vendor.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 413, description = "`webhook.too_large`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 415, description = "`request.media_type`: a content encoding.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn post(
    State(edge): State<Edge>,
    PathParams(vendor): PathParams<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let path = match parts.extensions.get::<OriginalUri>() {
        Some(OriginalUri(uri)) => uri.clone(),
        None => parts.uri.clone(),
    };
    // A vendor has one address: what spells it with escapes is nobody that we gave it to.
    if path.path() != format!("/webhooks/vendors/{vendor}") {
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
    let work = async move {
        // Header values need not be UTF-8; a signature over one that is not could not be ours.
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let raw = RawMessage { headers: &headers, body: &body };
        Ok(receive(&edge.flows, &vendor, raw).await?)
    };
    detach.run(work).await?;
    Ok(StatusCode::OK)
}
