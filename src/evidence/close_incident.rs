//! A person has looked at an incident and says what they found.

use crate::domain::{IncidentId, OperatorId, PersonId};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::incidents::{self, IncidentFilter, IncidentLine};

/// What became of it.
#[derive(Debug)]
pub enum Closed {
    /// As it is now.
    Now(Box<IncidentLine>),
    /// Somebody closed it before; theirs stands.
    Before,
    /// There is none of this id that the operator may see.
    NotFound,
}

/// Closes an incident of this operator, once.
pub async fn close_incident(
    flows: &Flows,
    operator: &OperatorId,
    id: IncidentId,
    person: &PersonId,
    note: &str,
) -> Result<Closed, StoreError> {
    let pool = flows.db.pool();
    let (accounts, vendors) = (accounts_of(flows, operator), flows.checks.identity_ids(operator));
    let filter = IncidentFilter {
        operator,
        accounts: &accounts,
        vendors: &vendors,
        open: None,
        kind: None,
        id: Some(id.0),
        before: None,
        limit: 1,
    };
    if incidents::list(pool, &filter).await?.is_empty() {
        return Ok(Closed::NotFound);
    }
    if !incidents::close(pool, id, person, note, flows.clock.now()).await? {
        return Ok(Closed::Before);
    }
    let now = incidents::list(pool, &filter).await?.pop();
    Ok(now.map_or(Closed::NotFound, |line| Closed::Now(Box::new(line))))
}

/// The PSP accounts whose incidents an operator sees.
pub fn accounts_of(flows: &Flows, operator: &OperatorId) -> Vec<String> {
    let serving = flows.accounts.iter().filter(|account| account.serves_operator(operator));
    serving.map(|account| account.id.clone()).collect()
}
