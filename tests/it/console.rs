//! Who gets into the console: tries, codes, sessions, accounts.

use super::harness::*;
use interlock::access::account::{Account, Role};
use interlock::access::add_account::{
    AddAccountError, add_account, disable_account, enable_account, reset_account,
};
use interlock::access::console_desk::{ConsoleDesk, ConsoleKey};
use interlock::access::console_session::SessionToken;
use interlock::access::find_session::find_session;
use interlock::access::set_totp::{Offer, SetTotpError, offer_totp, set_totp};
use interlock::access::sign_in::{Credentials, SignInError, sign_in};
use interlock::access::sign_out::sign_out;
use interlock::domain::ids::SystemIds;
use interlock::domain::{Ids, OperatorId, PersonId, Timestamp};
use interlock::store::Db;
use interlock::store::console_accounts::{self, Kept, NewSession};
use interlock::store::disable_accounts::{Disabled, disable_by};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection};
use time::Duration;
use totp_rs::{Builder, Secret};

const EMAIL: &str = "ada@casino.example";
const PASSWORD: &str = "a long enough password";

struct Desk {
    db: Db,
    desk: ConsoleDesk,
    start: Timestamp,
    owner_url: String,
}

impl Desk {
    async fn new() -> Self {
        let house = house().await;
        let database = house.database().await;
        let db = Db::connect(&house.app_url(&database), 2).await.unwrap();
        let key = ConsoleKey::of(b"a key of the test");
        let desk = ConsoleDesk::new(key, true, Duration::minutes(30), Duration::hours(12));
        // Any time will do: everything is told the time.
        let start = Timestamp::from_unix_timestamp(1_900_000_000).unwrap();
        let made = Self { db, desk, start, owner_url: house.owner_url(&database) };
        made.add(EMAIL).await.unwrap();
        made
    }

    fn account(email: &str) -> Account {
        Account {
            id: SystemIds.next(),
            operator: OperatorId::trusted("op_demo"),
            person: PersonId::trusted("person_ada"),
            email: email.to_owned(),
            name: "Ada".to_owned(),
            roles: vec![Role::Operator],
            has_totp: false,
            disabled_at: None,
        }
    }

    async fn add(&self, email: &str) -> Result<(), AddAccountError> {
        let password = SecretString::from(PASSWORD);
        add_account(self.db.pool(), &SystemIds, &Self::account(email), &password, self.start).await
    }

    async fn enter(
        &self,
        password: &str,
        code: &str,
        at: Timestamp,
    ) -> Result<(Account, SessionToken), SignInError> {
        let given = Credentials {
            email: format!(" {} ", EMAIL.to_uppercase()),
            password: SecretString::from(password.to_owned()),
            code: code.to_owned(),
        };
        let turn = self.desk.turn().await.unwrap();
        sign_in(self.db.pool(), (&self.desk, turn), &SystemIds, given, at).await
    }

    async fn is_refused(&self, password: &str, code: &str, at: Timestamp) {
        let answer = self.enter(password, code, at).await;
        assert!(matches!(answer, Err(SignInError::Refused)), "{answer:?}");
    }

    async fn knows(&self, token: &SessionToken, at: Timestamp) -> bool {
        find_session(self.db.pool(), &self.desk, token, at).await.unwrap().is_some()
    }
}

/// What an authenticator shows that took the offered secret.
fn code_of(offer: &Offer, at: Timestamp) -> String {
    let secret = Secret::try_from_base32(&offer.base32).unwrap();
    let totp = Builder::new().with_secret(secret).with_account_name("ada").build().unwrap();
    totp.generate(u64::try_from(at.unix_timestamp()).unwrap()).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_opens_a_session_that_ends() {
    let desk = Desk::new().await;
    let start = desk.start;
    desk.is_refused("another password of it", "", start).await;
    let (account, token) = desk.enter(PASSWORD, "", start).await.unwrap();
    assert_eq!(account.email, EMAIL);
    // Each request keeps it alive for half an hour, up to twelve hours.
    let mut at = start;
    while at < start + Duration::hours(12) {
        assert!(desk.knows(&token, at).await, "{at}");
        at += Duration::minutes(29);
    }
    assert!(!desk.knows(&token, start + Duration::hours(12)).await);

    let (_, token) = desk.enter(PASSWORD, "", start).await.unwrap();
    assert!(!desk.knows(&token, start + Duration::minutes(30)).await, "nobody was there");
    let (_, token) = desk.enter(PASSWORD, "", start).await.unwrap();
    sign_out(desk.db.pool(), &SystemIds, &token, start).await.unwrap();
    assert!(!desk.knows(&token, start).await);
    assert!(!desk.knows(&SessionToken::new().unwrap(), start).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_failures_the_next_try_waits_and_the_right_one_too() {
    let desk = Desk::new().await;
    let start = desk.start;
    for _ in 0..7 {
        // Each after the wait of the one before.
        desk.is_refused("a wrong password", "", start).await;
    }
    // Five counted; the two after them fell into the wait of a second.
    desk.is_refused(PASSWORD, "", start).await;
    let later = start + Duration::SECOND;
    desk.is_refused("a wrong password", "", later).await;
    desk.is_refused(PASSWORD, "", later + Duration::SECOND).await;
    let (_, token) = desk.enter(PASSWORD, "", later + Duration::seconds(2)).await.unwrap();
    assert!(desk.knows(&token, later + Duration::seconds(2)).await);
    // Who got in begins anew.
    for _ in 0..4 {
        desk.is_refused("a wrong password", "", later + Duration::seconds(2)).await;
    }
    desk.enter(PASSWORD, "", later + Duration::seconds(2)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tries_at_once_wait_as_tries_in_a_row_do() {
    let desk = Desk::new().await;
    let start = desk.start;
    // All were begun before the first of them failed, and the right one stands behind the wrong ones.
    let words = [["a wrong password"; 12].as_slice(), &[PASSWORD]].concat();
    let tries = words.into_iter().map(|password| desk.enter(password, "", start));
    let answers = futures_util::future::join_all(tries).await;
    assert!(
        answers.iter().all(|answer| matches!(answer, Err(SignInError::Refused))),
        "{answers:?}"
    );
    let failures = "select failures::bigint from console_account";
    let noted = "select count(*) from console_act where act = 'refused'";
    for counted in [failures, noted] {
        let count: i64 = sqlx::query_scalar(counted).fetch_one(desk.db.pool()).await.unwrap();
        assert_eq!(count, 5, "{counted}: the rest fell into the wait, and nobody looked at them");
    }
    desk.is_refused(PASSWORD, "", start).await;
    desk.enter(PASSWORD, "", start + Duration::SECOND).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_checked_before_a_reset_or_a_new_second_factor_opens_nothing() {
    let desk = Desk::new().await;
    let (start, pool) = (desk.start, desk.db.pool());
    let read = async || console_accounts::by_email(pool, EMAIL).await.unwrap().unwrap();
    let enters = async |kept: &Kept| {
        let token_hash = SessionToken::new().unwrap().hash();
        let ends_at = start + Duration::HOUR;
        let new = NewSession { token_hash: &token_hash, step: None, ends_at };
        console_accounts::let_in(pool, SystemIds.next(), kept, &new, start).await.unwrap()
    };
    let sessions = async || -> i64 {
        let open = "select count(*) from console_session where ended_at is null";
        sqlx::query_scalar(open).fetch_one(pool).await.unwrap()
    };
    let kept = read().await;
    assert!(enters(&kept).await, "nothing has changed");
    let (id, session) = (kept.account.id, SessionToken::new().unwrap().hash());
    let factor = (b"sealed".as_slice(), 1);
    let set = console_accounts::set_totp(pool, SystemIds.next(), id, factor, &session, start);
    assert!(set.await.unwrap());
    assert!(!enters(&kept).await, "there is a second factor now");

    let kept = read().await;
    assert!(enters(&kept).await);
    let other = SecretString::from("quite another password");
    assert!(reset_account(pool, &SystemIds, EMAIL, &other, start).await.unwrap());
    assert!(!enters(&kept).await, "the password is another one");
    assert_eq!(sessions().await, 0);

    let kept = read().await;
    assert!(enters(&kept).await);
    assert!(disable_account(pool, &SystemIds, EMAIL, start).await.unwrap());
    assert!(!enters(&kept).await, "the account is disabled");
    assert_eq!(sessions().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_second_factor_is_wanted_and_works_once() {
    let desk = Desk::new().await;
    let start = desk.start;
    let (account, elsewhere) = desk.enter(PASSWORD, "", start).await.unwrap();
    let (_, token) = desk.enter(PASSWORD, "", start).await.unwrap();
    let offer = offer_totp(&desk.desk, &account).unwrap();
    let code = |at: Timestamp| code_of(&offer, at);
    let set = |code: String, at: Timestamp| {
        let (pool, desk, sealed) =
            (desk.db.pool().clone(), desk.desk.clone(), offer.sealed.clone());
        let (account, token) = (account.clone(), token.clone());
        async move { set_totp(&pool, &desk, &SystemIds, (&account, &token), (&sealed, &code), at).await }
    };
    let wrong = set(code(start + Duration::minutes(5)), start).await;
    assert!(matches!(wrong, Err(SetTotpError::WrongCode)), "{wrong:?}");
    set(code(start), start).await.unwrap();
    assert!(matches!(set(code(start), start).await, Err(SetTotpError::Before)));
    assert!(desk.knows(&token, start).await, "where it was set up one stays signed in");
    assert!(!desk.knows(&elsewhere, start).await, "what was opened without it is over");

    let later = start + Duration::minutes(1);
    desk.is_refused(PASSWORD, "", later).await;
    desk.is_refused(PASSWORD, &code(start + Duration::minutes(5)), later).await;
    // The code that set it up was used by that.
    desk.is_refused(PASSWORD, &code(start), start + Duration::seconds(10)).await;
    let (account, _) = desk.enter(PASSWORD, &code(later), later).await.unwrap();
    assert!(account.has_totp);
    desk.is_refused(PASSWORD, &code(later), later).await;

    // Of many requests with one code one gets in.
    let next = later + Duration::minutes(1);
    let code = code(next);
    let tries = (0..8).map(|_| desk.enter(PASSWORD, &code, next));
    let entered = futures_util::future::join_all(tries).await;
    assert_eq!(entered.iter().filter(|answer| answer.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_disabled_or_reset_lets_nobody_in_as_before() {
    let desk = Desk::new().await;
    let (start, pool) = (desk.start, desk.db.pool());
    let (_, token) = desk.enter(PASSWORD, "", start).await.unwrap();
    let other = SecretString::from("quite another password");
    assert!(reset_account(pool, &SystemIds, EMAIL, &other, start).await.unwrap());
    assert!(!desk.knows(&token, start).await);
    desk.is_refused(PASSWORD, "", start).await;
    let (_, token) = desk.enter("quite another password", "", start).await.unwrap();
    assert!(disable_account(pool, &SystemIds, EMAIL, start).await.unwrap());
    assert!(!desk.knows(&token, start).await);
    desk.is_refused("quite another password", "", start).await;
    assert!(!disable_account(pool, &SystemIds, "nobody@casino.example", start).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_an_address_of_its_own_and_a_long_password() {
    let desk = Desk::new().await;
    assert!(matches!(desk.add(EMAIL).await, Err(AddAccountError::Taken)));
    for wrong in
        ["ada", "@casino.example", "Ada@casino.example", "ada@casino", "a\tda@casino.example"]
    {
        assert!(matches!(desk.add(wrong).await, Err(AddAccountError::NoEmail(_))), "{wrong}");
    }
    let short = SecretString::from("eleven char");
    let account = Desk::account("bob@casino.example");
    let added = add_account(desk.db.pool(), &SystemIds, &account, &short, desk.start).await;
    assert!(matches!(added, Err(AddAccountError::PasswordTooShort)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_noted_does_not_happen() {
    let desk = Desk::new().await;
    let (start, pool) = (desk.start, desk.db.pool());
    let (account, token) = desk.enter(PASSWORD, "", start).await.unwrap();
    let offer = offer_totp(&desk.desk, &account).unwrap();
    let code = code_of(&offer, start);
    let mut owner = PgConnection::connect(&desk.owner_url).await.unwrap();
    let refuse = "create trigger no_more before insert on console_act
        for each row execute function refuse_change()";
    sqlx::query(refuse).execute(&mut owner).await.unwrap();
    let all = async || -> (String, Option<String>) {
        let read = "select (select json_agg(a order by account_id)::text from console_account a),
            (select json_agg(s order by token_hash)::text from console_session s)";
        sqlx::query_as(read).fetch_one(pool).await.unwrap()
    };
    let before = all().await;
    let other = SecretString::from("quite another password");

    let added = desk.add("bob@casino.example").await;
    assert!(matches!(added, Err(AddAccountError::Store(_))), "{added:?}");
    assert_eq!(all().await, before, "an account");
    for password in [PASSWORD, "a wrong password"] {
        let entered = desk.enter(password, "", start).await;
        assert!(matches!(entered, Err(SignInError::Store(_))), "{entered:?}");
        assert_eq!(all().await, before, "signing in with {password}");
    }
    let (who, given) = ((&account, &token), (&*offer.sealed, &*code));
    let set = set_totp(pool, &desk.desk, &SystemIds, who, given, start).await;
    assert!(matches!(set, Err(SetTotpError::Store(_))), "{set:?}");
    assert_eq!(all().await, before, "a second factor");
    let reset = reset_account(pool, &SystemIds, EMAIL, &other, start).await;
    assert!(matches!(reset, Err(AddAccountError::Store(_))), "{reset:?}");
    assert_eq!(all().await, before, "another password");
    assert!(disable_account(pool, &SystemIds, EMAIL, start).await.is_err());
    assert_eq!(all().await, before, "an account's end");
    assert!(sign_out(pool, &SystemIds, &token, start).await.is_err());
    assert_eq!(all().await, before, "signing out");

    sqlx::query("drop trigger no_more on console_act").execute(&mut owner).await.unwrap();
    set_totp(pool, &desk.desk, &SystemIds, who, given, start).await.unwrap();
    sign_out(pool, &SystemIds, &token, start).await.unwrap();
    assert!(reset_account(pool, &SystemIds, EMAIL, &other, start).await.unwrap());
    assert!(disable_account(pool, &SystemIds, EMAIL, start).await.unwrap());
    let acts = "select array_agg(act order by act) from console_act";
    let acts: Vec<String> = sqlx::query_scalar(acts).fetch_one(pool).await.unwrap();
    let happened = ["created", "disabled", "password_set", "signed_in", "signed_out", "totp_set"];
    assert_eq!(acts, happened);
}

impl Desk {
    /// Somebody of `op_demo`, or of another operator, with one role.
    async fn joined(&self, person: &str, operator: &str, role: Role) -> Account {
        let email = format!("{person}.{operator}@casino.example");
        let id = SystemIds.next();
        let person = PersonId::trusted(&format!("person_{person}"));
        let operator = OperatorId::trusted(operator);
        let account = Account { id, person, operator, roles: vec![role], ..Self::account(&email) };
        let pool = self.db.pool();
        let password = SecretString::from(PASSWORD);
        add_account(pool, &SystemIds, &account, &password, self.start).await.unwrap();
        account
    }

    async fn disables(&self, admin: &Account, whom: &Account) -> Disabled {
        let (id, who) = (SystemIds.next(), (admin, "left the house"));
        disable_by(self.db.pool(), id, whom.id, who, self.start).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_disables_others_and_the_last_one_stays() {
    let desk = Desk::new().await;
    let admin = desk.joined("una", "op_demo", Role::Admin).await;
    let own_other = Account { person: admin.person.clone(), ..Desk::account("u@casino.example") };
    let password = SecretString::from(PASSWORD);
    add_account(desk.db.pool(), &SystemIds, &own_other, &password, desk.start).await.unwrap();
    let foreign = desk.joined("una", "op_other", Role::Viewer).await;
    assert_eq!(desk.disables(&admin, &admin).await, Disabled::Own, "the last administrator");
    assert_eq!(desk.disables(&admin, &own_other).await, Disabled::Own, "the same person's");
    assert_eq!(desk.disables(&admin, &foreign).await, Disabled::Unknown, "another casino's");
    let (ada, token) = desk.enter(PASSWORD, "", desk.start).await.unwrap();
    assert_eq!(desk.disables(&ada, &admin).await, Disabled::NoAdmin);
    assert!(desk.knows(&token, desk.start).await);
    assert_eq!(desk.disables(&admin, &ada).await, Disabled::Done);
    assert_eq!(desk.disables(&admin, &ada).await, Disabled::Before);
    assert!(!desk.knows(&token, desk.start).await, "its session ended at once");
    desk.is_refused(PASSWORD, "", desk.start).await;
    let acts = "select json_agg(act || ' ' || done_by || ': ' || reason)::text from console_act
                where done_by is not null";
    let acts: String = sqlx::query_scalar(acts).fetch_one(desk.db.pool()).await.unwrap();
    assert_eq!(acts, r#"["disabled person_una: left the house"]"#, "once");
    // Letting in again is done at the machine; what had ended stays so.
    assert!(enable_account(desk.db.pool(), &SystemIds, EMAIL, desk.start).await.unwrap());
    assert!(!enable_account(desk.db.pool(), &SystemIds, EMAIL, desk.start).await.unwrap());
    assert!(!desk.knows(&token, desk.start).await);
    desk.enter(PASSWORD, "", desk.start).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_administrators_who_disable_each_other_one_stays() {
    let desk = Desk::new().await;
    for round in 0..10 {
        let one = desk.joined(&format!("una{round}"), "op_demo", Role::Admin).await;
        let other = desk.joined(&format!("ute{round}"), "op_demo", Role::Admin).await;
        let (first, second) =
            tokio::join!(desk.disables(&one, &other), desk.disables(&other, &one));
        let both = [first, second];
        assert!(both.contains(&Disabled::Done) && both.contains(&Disabled::NoAdmin), "{both:?}");
        let left = if first == Disabled::Done { &one } else { &other };
        assert!(
            disable_account(desk.db.pool(), &SystemIds, &left.email, desk.start).await.unwrap()
        );
    }
}
