//! Looking at rows.

use super::world::World;
use sqlx::AssertSqlSafe;

impl World {
    /// One number of one row.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::query_scalar::<_, Option<i64>>(sql).fetch_one(&self.rows).await.unwrap().unwrap_or(0)
    }

    /// Texts of one column.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&self.rows).await.unwrap()
    }

    /// What the house's account stands at, over all slots.
    pub async fn house_balance(&self, account: &str) -> i64 {
        let sql = format!(
            "select coalesce(sum(balance), 0)::bigint from house_balance where account = '{account}'"
        );
        self.number(&sql).await
    }

    /// How often an incident was raised.
    pub async fn incidents(&self, kind: &str) -> i64 {
        let sql = format!(
            "select (select count(*) from incident where kind = '{kind}')
                  + (select count(*) from service_incident where kind = '{kind}')"
        );
        self.number(&sql).await
    }
}
