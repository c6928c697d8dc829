//! Which PSPs there are mocks of: one line each.

use std::sync::Arc;

use anyhow::Context as _;

use crate::config::MockAccount;
use crate::psp::Dialect;

/// Makes a dialect for an account; the text is the mock's own base address.
type Open = fn(&MockAccount, String) -> anyhow::Result<Arc<dyn Dialect>>;

const MOCKS: &[(&str, Open)] = &[
    ("adyen", crate::adyen::open),
    ("coinspaid", crate::coinspaid::open),
    ("fireblocks", crate::fireblocks::open),
    ("mercadopago", crate::mercadopago::open),
    ("nuvei", crate::nuvei::open),
    ("paysafe", crate::paysafe::open),
    ("pix_efi", crate::pix_efi::open),
    ("swish", crate::swish::open),
    ("truelayer", crate::truelayer::open),
    ("trustly", crate::trustly::open),
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
