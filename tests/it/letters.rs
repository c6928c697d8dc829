//! Letters about cases that nobody decides: one a reminder, into a folder or over SMTP, never lost.

use super::cases::{open, read};
use super::harness::{SOON, Setup, World, eur, eventually};
use interlock::book::{Adjustment, CasePayload, Review};
use interlock::domain::PlayerKey;
use interlock::notify::mail::{Mailer, SmtpSecurity, SmtpServer, Transport};
use interlock::notify::send_mails::{Sent, send_mails};
use interlock::reviews::sweep_cases::sweep_cases;
use interlock::store::mail_outbox;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const HOUR: Duration = Duration::from_secs(3_600);

async fn a_case(world: &World) -> (PlayerKey, Review) {
    let player = world.player("DE").await;
    let payload = CasePayload::Adjustment { entry: Adjustment::Credit, money: eur(1) };
    let review = open(world, &player, payload, "ann").await;
    (player, review)
}

/// The letters in a folder, as they were written.
fn letters(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = files.map(|file| file.unwrap().path());
    let whole = paths.filter(|path| path.extension().is_some_and(|it| it == "eml"));
    whole.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn folder(world: &World) -> PathBuf {
    world.house.home.join(format!("mail-{}", world.database))
}

async fn sweep(world: &World) -> u64 {
    let flows = world.one().flows.clone();
    world.one().run(async move { sweep_cases(&flows, flows.clock.now()).await.unwrap() }).await
}

async fn send(world: &World, transport: Transport) -> Sent {
    let flows = world.one().flows.clone();
    let mailer = Mailer::new("Interlock <interlock@casino.example>", &transport).unwrap();
    let work = async move { send_mails(&flows, &mailer, flows.clock.now()).await.unwrap() };
    world.one().run(work).await
}

fn idle() -> Setup {
    Setup { workers: false, ..Setup::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_nobody_decides_is_told_of_once_a_step() {
    let world = World::with(idle()).await;
    let (player, case) = a_case(&world).await;
    assert_eq!(sweep(&world).await, 0, "it is not due");
    let waiting = "select recipient from mail_outbox order by step";
    world.move_on(25 * HOUR).await;
    assert_eq!((sweep(&world).await, sweep(&world).await), (1, 0), "once a step");
    assert_eq!(world.texts(waiting).await, ["compliance@sandbox.test"]);
    world.move_on(5 * HOUR).await;
    assert_eq!(sweep(&world).await, 1);
    let told = ["compliance@sandbox.test", "head-of-compliance@sandbox.test"];
    assert_eq!(world.texts(waiting).await, told);
    assert_eq!(read(&world, case.id).await.desk.escalations, 2);
    let sent = send(&world, Transport::Folder(folder(&world))).await;
    assert_eq!((sent.claimed, sent.sent), (2, 2));
    assert_eq!(send(&world, Transport::Folder(folder(&world))).await.claimed, 0);
    let letters = letters(&folder(&world));
    assert_eq!(letters.len(), 2);
    for letter in &letters {
        assert!(letter.contains(&format!("Subject: [interlock] review {}", case.id)), "{letter}");
        assert!(letter.contains(&format!("/v1/reviews/{}", case.id)), "{letter}");
        assert!(!letter.contains(player.player.as_str()), "nothing of the player: {letter}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_cannot_be_read_keeps_no_other_from_being_told_of() {
    let world = World::with(idle()).await;
    let (_, damaged) = a_case(&world).await;
    let (_, case) = a_case(&world).await;
    let sql = format!(
        "alter table review_proposal disable trigger user;
         update review_proposal set payload = '{{\"of\": \"tomorrow\"}}' where review_id = '{}'",
        damaged.id.0
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&world.rows).await.unwrap();
    world.move_on(25 * HOUR).await;
    assert_eq!(sweep(&world).await, 1);
    assert_eq!(read(&world, case.id).await.desk.escalations, 1);
    let told = "select detail from service_incident where kind = 'row_unreadable'";
    assert!(world.texts(told).await[0].starts_with(&format!("the review {}", damaged.id)));
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_case_is_told_of_no_more() {
    let world = World::with(idle()).await;
    let (player, case) = a_case(&world).await;
    let (flows, id) = (world.one().flows.clone(), case.open_proposal().unwrap().id);
    let act = interlock::reviews::decide_case::CaseDecision::Approve { proposal: id };
    let done = async move {
        let who = super::harness::person("bob");
        interlock::reviews::decide_case::decide_case(&flows, &player.operator, &case, act, who)
            .await
    };
    world.one().run(done).await.unwrap();
    world.move_on(48 * HOUR).await;
    assert_eq!(sweep(&world).await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workers_do_it_by_themselves() {
    let mail = "mail.folder";
    let place = std::env::temp_dir().join(format!("interlock-mail-{}", super::harness::key()));
    let settings = vec![(mail, place.display().to_string())];
    let world = World::with(Setup { settings, ..Setup::default() }).await;
    let (_, case) = a_case(&world).await;
    world.move_on(25 * HOUR).await;
    let looking = || async { letters(&place).pop() };
    let letter = eventually("a letter is in the folder", SOON, looking).await;
    assert!(letter.contains(&case.id.to_string()));
    std::fs::remove_dir_all(&place).unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_was_claimed_by_who_died_is_sent_by_another() {
    let world = World::with(idle()).await;
    a_case(&world).await;
    world.move_on(25 * HOUR).await;
    sweep(&world).await;
    let now = world.one().flows.clock.now();
    let claimed = mail_outbox::claim(&world.rows, now, now + HOUR, 10).await.unwrap();
    assert_eq!(claimed.len(), 1, "and then that instance is gone");
    assert_eq!(send(&world, Transport::Folder(folder(&world))).await.claimed, 0, "it is leased");
    world.move_on(2 * HOUR).await;
    assert_eq!(send(&world, Transport::Folder(folder(&world))).await.sent, 1);
    world.close().await;
}

/// A mail server that refuses as often as it is told to, and keeps what it takes.
struct TinySmtp {
    port: u16,
    taken: Arc<Mutex<Vec<String>>>,
}

impl TinySmtp {
    async fn open(refuse: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = taken.clone();
        tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                converse(stream, number < refuse, &kept).await;
            }
        });
        Self { port, taken }
    }

    fn transport(&self) -> Transport {
        let security = SmtpSecurity::Plain;
        let host = "127.0.0.1".to_owned();
        Transport::Smtp(SmtpServer { host, port: self.port, security, user: None })
    }
}

/// RFC 5321, as little of it as a letter needs.
async fn converse(stream: TcpStream, refuses: bool, taken: &Mutex<Vec<String>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 tiny\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split(' ').next().unwrap_or_default() {
            "MAIL" if refuses => "451 not now",
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.unwrap();
                let mut letter = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    letter.push_str(&line);
                    letter.push('\n');
                }
                taken.lock().unwrap().push(letter);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        // The client may be gone by now.
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_refuses_is_asked_again_later() {
    let world = World::with(idle()).await;
    let (_, case) = a_case(&world).await;
    world.move_on(25 * HOUR).await;
    sweep(&world).await;
    let server = TinySmtp::open(1).await;
    let first = send(&world, server.transport()).await;
    assert_eq!((first.claimed, first.sent), (1, 0));
    assert_eq!(send(&world, server.transport()).await.claimed, 0, "not at once");
    world.move_on(HOUR).await;
    assert_eq!(send(&world, server.transport()).await.sent, 1);
    let taken = server.taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 1);
    assert!(taken[0].contains("To: compliance@sandbox.test"), "{}", taken[0]);
    assert!(taken[0].contains(&case.id.to_string()), "{}", taken[0]);
    let state = world.texts("select state || ' ' || tries from mail_outbox").await;
    assert_eq!(state, ["sent 2"]);
    world.close().await;
}

/// A look at a server that says nothing ends after the first letter, and the others are not held back by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_says_nothing_costs_a_look_one_letter() {
    let world = World::with(idle()).await;
    for _ in 0..3 {
        a_case(&world).await;
    }
    world.move_on(25 * HOUR).await;
    assert_eq!(sweep(&world).await, 3);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = TinySmtp { port, taken: Arc::default() }.transport();
    let flows = world.one().flows.clone();
    let from = "Interlock <interlock@casino.example>";
    let mailer = Mailer::with_timeout(from, &silent, Duration::from_millis(200)).unwrap();
    let work = async move { send_mails(&flows, &mailer, flows.clock.now()).await.unwrap() };
    let sent = world.one().run(work).await;
    assert_eq!((sent.claimed, sent.sent), (1, 0));
    let now = world.one().flows.clock.now();
    let due = mail_outbox::claim(&world.rows, now, now + HOUR, 10).await.unwrap();
    assert_eq!(due.len(), 2, "the others are due as before");
    world.close().await;
}
