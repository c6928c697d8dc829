//! A player's entries, a page at a time: each once, and no more of them are read than are shown.

use super::harness::house;
use interlock::domain::{OperatorId, PlayerId, PlayerKey};
use interlock::store::Db;
use interlock::store::erasures::facts;
use interlock::store::wallet_entries::{EntryLine, entries};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeSet;
use std::path::Path;

fn player() -> PlayerKey {
    PlayerKey { operator: OperatorId::trusted("op"), player: PlayerId::trusted("p") }
}

/// So many postings of one cent into a wallet, each a minute after the one before it, from a minute of 2026 on.
/// Every third moves a cent to what is held too.
fn booked(currency: &str, slot: i16, versions: u32, from_minute: i32) -> String {
    format!(
        "insert into wallet values ('op', 'p', '{currency}', {versions}, 0, 0, 0, {versions}, '');
         insert into entry (slot, seq, leg, kind, operator_id, player_id, account, amount, currency,
             wallet_version, balance_after, head, recorded_at)
           select {slot}, n, leg, 'win_paid', 'op', 'p', account, amount, '{currency}', version, n, '',
             timestamptz '2026-01-01 00:00Z' + make_interval(mins => {from_minute} + n)
           from generate_series(1, {versions}) n cross join lateral (values
             (0, 'player_cash', 1, n), (1, 'gaming_revenue', case when n % 3 = 0 then -2 else -1 end, null),
             (2, 'player_held', case when n % 3 = 0 then 1 end, n)) as legs (leg, account, amount, version)
           where amount is not null"
    )
}

async fn booked_world(wallets: &[(&str, i16, u32, i32)]) -> Db {
    let house = house().await;
    let database = house.database().await;
    let db = Db::connect(&house.owner_url(&database), 2).await.unwrap();
    for (currency, slot, versions, from) in wallets {
        book(&db, &booked(currency, *slot, *versions, *from)).await;
    }
    db
}

async fn book(db: &Db, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(db.pool()).await.unwrap();
}

fn named(lines: &[EntryLine]) -> Vec<(String, i64, String)> {
    let name = |line: &EntryLine| {
        let currency = line.amount.currency.code().to_owned();
        (currency, line.wallet_version, line.account.clone())
    };
    lines.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_list_tell_every_entry_once_and_each_wallet_from_its_newest_on() {
    // The wallets' times overlap; of one of them they run backwards, as where instances' clocks are apart.
    let db = booked_world(&[("EUR", 0, 20, 0), ("SEK", 1, 9, 5), ("DKK", 2, 3, -9)]).await;
    book(
        &db,
        "alter table entry disable trigger user;
         update entry set recorded_at = timestamptz '2026-01-01 00:30Z' - wallet_version * interval '1 minute'
         where currency = 'SEK' and wallet_version is not null",
    )
    .await;
    let whole = entries(db.pool(), &player(), None, 1_000).await.unwrap();
    let all = named(&whole);
    assert_eq!(all.len(), 20 + 6 + 9 + 3 + 3 + 1);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    for currency in ["EUR", "SEK", "DKK"] {
        let of = all.iter().filter(|(code, ..)| code == currency).collect::<Vec<_>>();
        assert!(of.windows(2).all(|two| two[1] < two[0]), "{of:?}");
    }
    let times: Vec<_> = whole.iter().filter(|line| line.amount.currency.code() != "SEK").collect();
    assert!(times.windows(2).all(|two| two[1].recorded_at <= two[0].recorded_at));
    for size in [1, 2, 5] {
        let (mut paged, mut below) = (Vec::new(), None);
        loop {
            let page = entries(db.pool(), &player(), below, size).await.unwrap();
            let Some(last) = page.last() else { break };
            below = Some(last.after.clone());
            paged.extend(named(&page));
        }
        assert_eq!(paged, all, "pages of {size}");
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_booked_while_somebody_turns_pages_is_on_none_of_the_next_ones() {
    let db = booked_world(&[("EUR", 0, 5, 0)]).await;
    let first = entries(db.pool(), &player(), None, 2).await.unwrap();
    book(&db, &booked("SEK", 1, 3, 0)).await;
    let below = first.last().map(|line| line.after.clone());
    let rest = entries(db.pool(), &player(), below, 100).await.unwrap();
    assert_eq!(first.len() + rest.len(), 6);
    assert!(rest.iter().all(|line| line.amount.currency.code() == "EUR"));
    db.close().await;
}

/// A statement as it was checked at compile time.
fn statement(beginning: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
    let all = files.map(read).map(|file| file["query"].as_str().unwrap().to_owned());
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found: Vec<String> = all.filter(|text| words(text).starts_with(beginning)).collect();
    assert_eq!(found.len(), 1, "{beginning}");
    found.remove(0)
}

/// How many entries a plan read that was carried out.
#[allow(clippy::float_arithmetic, reason = "rows a loop, of which PostgreSQL 18 tells parts")]
fn entries_read(node: &Value) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let own = match node["Relation Name"].as_str() {
        Some("entry") => {
            (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops")
        }
        _ => 0.0,
    };
    let below = node["Plans"].as_array().into_iter().flatten().map(entries_read);
    own + below.sum::<f64>()
}

async fn read_by(connection: &mut PgConnection, beginning: &str, given: &str) -> f64 {
    let prepare = format!("prepare it as {}", statement(beginning));
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
    let explain = format!("explain (analyze, format json) execute it({given})");
    let plan: Value =
        sqlx::query_scalar(AssertSqlSafe(explain)).fetch_one(connection).await.unwrap();
    entries_read(&plan[0]["Plan"])
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_player_with_many_entries_only_those_are_read_that_are_asked_for() {
    let db = booked_world(&[("EUR", 0, 3_000, 0), ("SEK", 1, 3_000, 9)]).await;
    // As while the table is new, and as it is once the planner knows it.
    for analysed in [false, true] {
        if analysed {
            book(&db, "analyze entry; analyze wallet").await;
        }
        let page = "'op', 'p', '{EUR,SEK}', '{3001,3001}', '{\"\",\"\"}', 51";
        let mut pooled = db.pool().acquire().await.unwrap();
        let read = read_by(&mut pooled, "select e.slot, e.seq, e.kind", page).await;
        assert_eq!(read, 102.0, "a page of 51, analysed {analysed}");
        pooled.close().await.unwrap();
        let mut lane = db.lane_connection().await.unwrap();
        let read = read_by(&mut lane, "select (select coalesce(sum(cash", "'op', 'p', null").await;
        assert_eq!(read, 2.0, "what stands against an erasure, analysed {analysed}");
        let told = facts(&mut lane, &player(), None).await.unwrap();
        let newest = time::macros::datetime!(2026-01-03 02:09 UTC);
        assert_eq!(told.last_moved_at, Some(newest));
        lane.close().await.unwrap();
    }
    db.close().await;
}
