//! The door of the vendors of identity: nothing but a vendor's own signed bytes is kept, and whoever
//! forges learns nothing.

use crate::support::Scene;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// A vendor, the header of its signature, and a message that it could send.
fn vendors() -> [(&'static str, &'static str, Value); 3] {
    let object = json!({"id": "c-1", "status": "complete", "href": "http://127.0.0.1:8149/v3.6/checks/c-1",
        "completed_at_iso8601": "2026-11-21T08:00:00Z"});
    [
        (
            "sumsub",
            "x-payload-digest",
            json!({"type": "applicantReviewed", "applicantId": "5cb56e8e0a975a35f333cb83",
                "externalUserId": "p-1", "createdAtMs": "2026-11-21 08:00:00.123"}),
        ),
        (
            "onfido",
            "x-sha2-signature",
            json!({"payload": {"resource_type": "check", "action": "check.completed",
                "object": object}}),
        ),
        (
            "veriff",
            "x-hmac-signature",
            json!({"status": "success", "verification": {"id": "s-1", "code": 9001,
                "status": "approved", "vendorData": "p-1"}}),
        ),
    ]
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

struct Door<'a> {
    scene: &'a Scene,
    client: reqwest::Client,
}

impl Door<'_> {
    async fn knock(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
        let url = format!("http://{}{path}", self.scene.address);
        let mut request = self.client.post(url).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn kept(&self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from identity_event");
        count.fetch_one(self.scene.flows.db.pool()).await.unwrap()
    }
}

#[tokio::test]
async fn nothing_but_a_vendors_own_bytes_is_kept() {
    let scene = Scene::new().await;
    let door =
        Door { scene: &scene, client: reqwest::Client::builder().no_proxy().build().unwrap() };
    let algorithm = ("x-payload-digest-alg", "HMAC_SHA256_HEX");
    for (vendor, header, message) in vendors() {
        let before = door.kept().await;
        let path = format!("/webhooks/vendors/{vendor}");
        let body = message.to_string().into_bytes();
        let secret = format!("{vendor}-sandbox-webhook-secret");
        let good = sign(&secret, &body);
        let mut changed = body.clone();
        changed[4] ^= 1;
        let refused = |what: &str, told: (u16, Value), status: u16, code: &str| {
            assert_eq!((told.0, told.1["code"].as_str()), (status, Some(code)), "{vendor}: {what}");
            assert!(!told.1.to_string().contains(&secret), "{vendor}: {what}");
        };
        let (unverified, elsewhere) = ("webhook.not_verified", "request.not_found");
        for (what, headers, body) in [
            ("unsigned", vec![algorithm], &body),
            ("a byte changed", vec![algorithm, (header, &good)], &changed),
            ("another secret", vec![algorithm, (header, &sign("another", &body))], &body),
            ("the older signature", vec![algorithm, ("x-signature", &good)], &body),
            ("twice", vec![algorithm, (header, &good), (header, &good)], &body),
        ] {
            refused(what, door.knock(&path, &headers, body).await, 401, unverified);
        }
        let signed = [algorithm, (header, good.as_str())];
        let encoded = [algorithm, (header, good.as_str()), ("content-encoding", "gzip")];
        refused("gzip", door.knock(&path, &encoded, &body).await, 415, "request.media_type");
        let malformed = b"{\"type\":".to_vec();
        let signature = sign(&secret, &malformed);
        let headers = [algorithm, (header, signature.as_str())];
        refused("half", door.knock(&path, &headers, &malformed).await, 400, "webhook.malformed");
        let large = vec![b' '; 262_145];
        let told = door.knock(&path, &signed, &large).await;
        assert_eq!(told.0, 413, "{vendor}: {:?}", told.1);
        let escaped = format!("/webhooks/vendors/%{:02x}{}", vendor.as_bytes()[0], &vendor[1..]);
        for path in ["/webhooks/vendors/nobody", "/webhooks/vendors/watchman", &escaped] {
            refused(path, door.knock(path, &signed, &body).await, 404, elsewhere);
        }
        assert_eq!(door.kept().await, before, "{vendor}: none of it is kept");
        // The control: untouched it counts, once.
        for _ in 0..2 {
            assert_eq!(door.knock(&path, &signed, &body).await.0, 200, "{vendor}");
            assert_eq!(door.kept().await, before + 1, "{vendor}");
        }
    }
}
