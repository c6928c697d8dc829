//! Which PSPs there are mocks of: one line each.

use std::sync::Arc;

use anyhow::Context as _;

use crate::config::MockAccount;
use crate::psp::Dialect;
use crate::{
    adyen, coinspaid, fireblocks, mercadopago, nuvei, paysafe, pix_efi, swish, truelayer, trustly,
};

/// Makes a dialect for an account; the text is the mock's own base address.
type Open = fn(&MockAccount, String) -> anyhow::Result<Arc<dyn Dialect>>;

const MOCKS: &[(&str, Open)] = &[
    ("adyen", adyen::open),
    ("coinspaid", coinspaid::open),
    ("fireblocks", fireblocks::open),
    ("mercadopago", mercadopago::open),
    ("nuvei", nuvei::open),
    ("paysafe", paysafe::open),
    ("pix_efi", pix_efi::open),
    ("swish", swish::open),
    ("truelayer", truelayer::open),
    ("trustly", trustly::open),
];

/// The names that [`MockAccount::psp`] may have.
pub fn mocks() -> impl Iterator<Item = &'static str> {
    MOCKS.iter().map(|(name, _)| *name)
}

pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let found = MOCKS.iter().find(|(name, _)| *name == account.psp);
    let (_, open) = found.with_context(|| format!("there is no mock of {}", account.psp))?;
    open(account, base_url)
}
