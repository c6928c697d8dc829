//! An OAuth 2 token as the PSPs here give it: `{access_token, expires_in, token_type}`.

use crate::adapter::CachedToken;
use crate::json::Json;
use psp_contract::{HttpResponse, Timestamp};
use secrecy::SecretString;

/// A token is given up this long before it runs out, so that it does not run out on the way.
const MARGIN_SECS: i64 = 60;

pub(crate) fn read(response: &HttpResponse, now: Timestamp) -> Option<CachedToken> {
    if response.status != 200 {
        return None;
    }
    let body = Json::parse(&response.body)?;
    let token = body.str("access_token")?;
    // It becomes a header: nothing but what may stand in one.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let life_secs = body.int("expires_in")?.clamp(0, 24 * 60 * 60);
    let expires_at = now.checked_add(time::Duration::seconds(life_secs - MARGIN_SECS))?;
    Some(CachedToken { secret: SecretString::from(token), expires_at })
}
