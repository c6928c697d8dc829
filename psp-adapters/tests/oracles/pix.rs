//! Pix: every request of our adapter and every answer of our mock against the central bank's description,
//! whose patterns are mended first (`programs/mend_spec.js`). Efí's own extensions, the token and sending,
//! stand in no published description and go past the validator.

use crate::oracles::prism::{Description, Prism};
use crate::oracles::tour::tour;
use crate::oracles::world::World;

const DESCRIPTION: Description = Description {
    file: "pix-api-2.9.0.yaml",
    base: "/v2",
    paths: &["/cob/{txid}", "/pix/{e2eid}", "/pix/{e2eid}/devolucao/{id}"],
};

/// The validator has no client certificate, so the mock speaks without TLS here.
const WITHOUT_TLS: [(&str, &str); 3] =
    [("server_certificate_pem", ""), ("server_private_key_pem", ""), ("client_ca_pem", "")];

#[tokio::test]
async fn everything_that_the_adapter_does_is_as_described() {
    let world = World::with("pix-efi-br", &WITHOUT_TLS).await;
    let Some(prism) = Prism::before(&world.base_url, &DESCRIPTION).await else { return };
    let made = tour(&world, &prism, &["/oauth/", "/v3/gn/", "/v2/gn/"]).await;
    for step in ["create_deposit", "return_deposit", "query"] {
        assert!(made.contains(&step), "{step} is not among {made:?}");
    }
}
