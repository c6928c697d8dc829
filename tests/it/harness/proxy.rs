//! A socket between the service and PostgreSQL that loses a lane's COMMIT, or the answer to it, or
//! stalls, or moves to another host without a word on the connections to the old one.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

/// What a lane says to commit, as a simple query.
const COMMIT: &[u8] = b"commit\0";

const HONEST: u8 = 0;
const LOSE_THE_COMMIT: u8 = 1;
const LOSE_THE_ANSWER: u8 = 2;
const DELAY_THE_COMMIT: u8 = 3;

/// How a lane asks what was kept, as far as the proxy need know it.
const LOOK: &[u8] = b"select slot, fence, seq from lane_slot where slot";
/// What an answer to that takes, where nothing holds it up.
const LOOKED: Duration = Duration::from_millis(200);

/// The proxy. Each loss cuts one connection and is over.
#[derive(Clone)]
pub struct Proxy {
    pub folder: PathBuf,
    next: Arc<AtomicU8>,
    lost: Arc<AtomicUsize>,
    looks: Arc<Notify>,
    frozen: Arc<AtomicBool>,
    /// Counts the hosts that vanished. A connection was to the host of the number that it began with.
    vanished: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens in a folder of its own in front of the server's socket folder.
    pub fn open(server: &Path, folder: PathBuf) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
        let frozen = Arc::default();
        let (next, lost, vanished) = (Arc::default(), Arc::default(), Arc::default());
        let proxy = Self { folder, next, lost, looks: Arc::default(), frozen, vanished };
        let (taking, socket) = (proxy.clone(), server.join(".s.PGSQL.5432"));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (proxy, socket) = (taking.clone(), socket.clone());
                tokio::spawn(async move { proxy.carry(client, &socket).await });
            }
        });
        proxy
    }

    /// The next COMMIT never reaches the server.
    pub fn lose_a_commit(&self) {
        self.next.store(LOSE_THE_COMMIT, Ordering::SeqCst);
    }

    /// The next COMMIT is carried out, and its answer is lost.
    pub fn lose_an_answer(&self) {
        self.next.store(LOSE_THE_ANSWER, Ordering::SeqCst);
    }

    /// The next COMMIT reaches the server when its lane has given it up and asked what was kept.
    pub fn delay_a_commit(&self) {
        self.next.store(DELAY_THE_COMMIT, Ordering::SeqCst);
    }

    /// From now on nothing is carried either way, and no connection is cut: the database is frozen.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// The host vanishes, and another has its address: nothing is carried any more on connections that are
    /// open now, and none of them is cut; new ones work.
    pub fn vanish(&self) {
        self.vanished.fetch_add(1, Ordering::SeqCst);
    }

    async fn stall(&self, host: usize) {
        let is_gone = host < self.vanished.load(Ordering::SeqCst);
        if is_gone || self.frozen.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
    }

    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }

    async fn carry(&self, client: UnixStream, socket: &Path) {
        let Ok(server) = UnixStream::connect(socket).await else { return };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let host = self.vanished.load(Ordering::SeqCst);
        let back = self.copy(host, &mut from_server, &mut to_client);
        let forth = async {
            let mut buffer = vec![0; 65_536];
            loop {
                let read = from_client.read(&mut buffer).await.unwrap_or(0);
                if read == 0 {
                    return HONEST;
                }
                self.stall(host).await;
                if says(&buffer[..read], LOOK) {
                    self.looks.notify_one();
                }
                if says(&buffer[..read], COMMIT) {
                    let loss = self.next.swap(HONEST, Ordering::SeqCst);
                    if loss != HONEST {
                        if loss == DELAY_THE_COMMIT {
                            self.looks.notified().await;
                            let _ = tokio::time::timeout(LOOKED, pending::<()>()).await;
                        }
                        if loss != LOSE_THE_COMMIT {
                            to_server.write_all(&buffer[..read]).await.unwrap();
                        }
                        return loss;
                    }
                }
                if to_server.write_all(&buffer[..read]).await.is_err() {
                    return HONEST;
                }
            }
        };
        let loss = tokio::select! {
            () = back => HONEST,
            loss = forth => loss,
        };
        if matches!(loss, LOSE_THE_ANSWER | DELAY_THE_COMMIT) {
            // The answer says that it is done; nobody hears it.
            let _ = from_server.read(&mut [0; 1_024]).await;
        }
        self.lost.fetch_add(usize::from(loss != HONEST), Ordering::SeqCst);
    }

    async fn copy(
        &self,
        host: usize,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) {
        let mut buffer = vec![0; 65_536];
        loop {
            match from.read(&mut buffer).await {
                Ok(read) if 0 < read => {
                    self.stall(host).await;
                    if to.write_all(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    }
}

fn says(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}
