//! A TCP proxy that loses, cuts, stalls and refuses on command.

mod connection;
mod fuse;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use self::fuse::{Effect, Fuse};
use crate::eventually::eventually;
use crate::port::unused_port;

/// How often another port is tried when somebody was faster.
const PORT_ATTEMPTS: usize = 5;

/// How the proxy treats connections as long as nothing else is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyMode {
    /// Everything goes through.
    Pass,
    /// Nobody listens on the port: a new connection is refused by the system. The existing ones go
    /// on.
    Refuse,
    /// New connections are accepted, and on new and existing ones nothing is read or forwarded.
    Stall,
}

/// A TCP proxy on 127.0.0.1 before a server or a database.
///
/// It has a thread of its own, so it also works while the test's runtime is busy or blocked. All
/// connections end when it is dropped.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// The mode that the listener has put into effect.
    applied: watch::Receiver<ProxyMode>,
    generations: AtomicU64,
    /// Present until dropped.
    runtime: Option<Runtime>,
}

/// What the proxy and its connections both see.
#[derive(Debug)]
struct Shared {
    upstream: String,
    mode: watch::Sender<ProxyMode>,
    /// A new value cuts every connection that is open.
    cuts: watch::Sender<u64>,
    fuse: Mutex<Option<Fuse>>,
    triggers: AtomicUsize,
}

impl ChaosProxy {
    /// Starts a proxy before `upstream` (`host:port`), in [`ProxyMode::Pass`].
    ///
    /// # Panics
    ///
    /// Panics when no port is free.
    pub async fn start(upstream: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("chaos-proxy")
            .enable_all()
            .build()
            .unwrap_or_else(|error| panic!("the proxy's runtime: {error}"));
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            mode: watch::Sender::new(ProxyMode::Pass),
            cuts: watch::Sender::new(0),
            fuse: Mutex::new(None),
            triggers: AtomicUsize::new(0),
        });
        let address = free_address().await;
        // Not listening yet, which is what this mode means.
        let (applying, applied) = watch::channel(ProxyMode::Refuse);
        runtime.spawn(listen(address, Arc::clone(&shared), applying));
        let generations = AtomicU64::new(0);
        let proxy = Self {
            address,
            shared,
            applied,
            generations,
            runtime: Some(runtime),
        };
        proxy.set_mode(ProxyMode::Pass).await;
        proxy
    }

    /// Where clients connect to instead of the upstream.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the upstream with the proxy in its place: `postgres://user@host:port/name` and
    /// `http://host:port/path` alike.
    ///
    /// # Panics
    ///
    /// Panics when the URL does not name the upstream as it was given to [`ChaosProxy::start`].
    #[must_use]
    pub fn url(&self, upstream_url: &str) -> String {
        let upstream = &self.shared.upstream;
        assert!(
            upstream_url.contains(upstream.as_str()),
            "{upstream} is not in {upstream_url}"
        );
        upstream_url.replacen(upstream.as_str(), &self.address.to_string(), 1)
    }

    /// Changes the mode, and returns when it is in effect.
    ///
    /// # Panics
    ///
    /// Panics when the port was taken by somebody else while the mode was [`ProxyMode::Refuse`].
    pub async fn set_mode(&self, mode: ProxyMode) {
        self.shared.mode.send_replace(mode);
        let what = format!("the proxy on {} to change to {mode:?}", self.address);
        eventually(&what, async || {
            (*self.applied.borrow() == mode).then_some(())
        })
        .await;
    }

    /// Cuts every open connection, on both sides. New ones are treated by the mode.
    pub fn cut_all(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Arms the proxy: the first connection on which a client sends `pattern` is cut as soon as the
    /// upstream has these bytes. The upstream still reads everything that was forwarded, but its
    /// answer goes nowhere. End the pattern where the request ends (`COMMIT\0` in a simple query of
    /// PostgreSQL), or the upstream may have got a part of the request only.
    ///
    /// It works once, and replaces what was armed before.
    pub fn cut_after_forwarding(&self, pattern: impl AsRef<[u8]>) {
        self.arm(pattern.as_ref(), Effect::CutAfterForwarding);
    }

    /// Arms the proxy for a lost reply: on the first connection on which a client sends `pattern`,
    /// the request goes on to the upstream, the first bytes of its answer are dropped, and both
    /// sides are cut.
    ///
    /// It works once, and replaces what was armed before.
    pub fn cut_reply_after(&self, pattern: impl AsRef<[u8]>) {
        self.cut_reply_containing(pattern, "");
    }

    /// Like [`ChaosProxy::cut_reply_after`], but cuts only when `answer` was in the bytes that were
    /// kept back. With `COMMIT` as request and answer (the name of PostgreSQL's command tag too),
    /// the transaction is known to be committed when the connection is cut.
    pub fn cut_reply_containing(&self, pattern: impl AsRef<[u8]>, answer: impl AsRef<[u8]>) {
        self.arm(
            pattern.as_ref(),
            Effect::CutReply {
                answer: answer.as_ref().to_vec(),
            },
        );
    }

    /// How many connections were cut by what was armed, since the start.
    #[must_use]
    pub fn triggers(&self) -> usize {
        self.shared.triggers.load(Ordering::SeqCst)
    }

    fn arm(&self, request: &[u8], effect: Effect) {
        let generation = self.generations.fetch_add(1, Ordering::SeqCst);
        let fuse = Fuse {
            generation,
            request: request.to_vec(),
            effect,
        };
        *self
            .shared
            .fuse
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(fuse);
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // An ordinary drop blocks, which a runtime forbids on the test's own threads.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn armed(&self) -> Option<(u64, Vec<u8>)> {
        let fuse = self.fuse.lock().unwrap_or_else(PoisonError::into_inner);
        fuse.as_ref()
            .map(|fuse| (fuse.generation, fuse.request.clone()))
    }

    /// Takes the armed fuse, unless another connection was faster.
    fn take_fuse(&self, generation: u64) -> Option<Effect> {
        let mut fuse = self.fuse.lock().unwrap_or_else(PoisonError::into_inner);
        fuse.take_if(|fuse| fuse.generation == generation)
            .map(|fuse| fuse.effect)
    }

    fn count_trigger(&self) {
        self.triggers.fetch_add(1, Ordering::SeqCst);
    }

    async fn wait_until_passing(&self) {
        let mut modes = self.mode.subscribe();
        // A proxy that is gone takes this task with it.
        let _passing = modes.wait_for(|mode| *mode != ProxyMode::Stall).await;
    }
}

async fn free_address() -> SocketAddr {
    for _ in 0..PORT_ATTEMPTS {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, unused_port()));
        if TcpListener::bind(address).await.is_ok() {
            return address;
        }
    }
    panic!("no free port for a proxy in {PORT_ATTEMPTS} attempts");
}

/// Listens as the mode says: without a listener, the system itself refuses connections.
async fn listen(address: SocketAddr, shared: Arc<Shared>, applying: watch::Sender<ProxyMode>) {
    let mut modes = shared.mode.subscribe();
    loop {
        let mode = *modes.borrow_and_update();
        if mode == ProxyMode::Refuse {
            applying.send_replace(mode);
            let _changed = modes.changed().await;
            continue;
        }
        let Ok(listener) = TcpListener::bind(address).await else {
            // Somebody else has the port for the moment; whoever waits for the mode has a deadline.
            tokio::task::yield_now().await;
            continue;
        };
        applying.send_replace(mode);
        accept_until_refusing(&listener, &shared, &applying, &mut modes).await;
    }
}

async fn accept_until_refusing(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    applying: &watch::Sender<ProxyMode>,
    modes: &mut watch::Receiver<ProxyMode>,
) {
    loop {
        tokio::select! {
            _ = modes.changed() => {
                let mode = *modes.borrow_and_update();
                if mode == ProxyMode::Refuse {
                    return;
                }
                applying.send_replace(mode);
            }
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(connection::serve(client, Arc::clone(shared)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::eventually::eventually_within;

    /// Answers every line with `echo: ` and the line, and counts the lines it has seen.
    async fn line_server() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let lines_seen = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&lines_seen);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    let (reader, mut writer) = client.split();
                    let mut lines =
                        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(reader));
                    while let Ok(Some(line)) = lines.next_line().await {
                        counter.fetch_add(1, Ordering::SeqCst);
                        let answer = format!("echo: {line}\n");
                        if writer.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        (address, lines_seen)
    }

    async fn connect(proxy: &ChaosProxy) -> TcpStream {
        TcpStream::connect(proxy.address()).await.unwrap()
    }

    /// One line of the answer, or nothing when the connection was cut.
    async fn ask(stream: &mut TcpStream, line: &str) -> Option<String> {
        stream.write_all(line.as_bytes()).await.ok()?;
        read_line(stream).await
    }

    async fn read_line(stream: &mut TcpStream) -> Option<String> {
        let mut answer = Vec::new();
        let reading = async {
            while !answer.ends_with(b"\n") {
                answer.push(stream.read_u8().await.ok()?);
            }
            String::from_utf8(answer).ok()
        };
        tokio::time::timeout(crate::DEFAULT_DEADLINE, reading)
            .await
            .expect("an answer or a cut")
    }

    #[tokio::test]
    async fn everything_passes_until_something_is_asked_of_it() {
        let (upstream, _) = line_server().await;
        let proxy = ChaosProxy::start(&upstream).await;
        let mut client = connect(&proxy).await;
        assert_eq!(
            ask(&mut client, "one\n").await.as_deref(),
            Some("echo: one\n")
        );
        assert_eq!(
            ask(&mut client, "two\n").await.as_deref(),
            Some("echo: two\n")
        );
        assert_eq!(proxy.triggers(), 0);
    }

    #[tokio::test]
    async fn the_end_of_the_clients_stream_reaches_the_upstream_and_its_last_answer_the_client() {
        let (upstream, _) = line_server().await;
        let proxy = ChaosProxy::start(&upstream).await;
        let mut client = connect(&proxy).await;
        client.write_all(b"a line without an end").await.unwrap();
        client.shutdown().await.unwrap();
        let answer = read_line(&mut client).await;
        assert_eq!(answer.as_deref(), Some("echo: a line without an end\n"));
    }

    #[tokio::test]
    async fn refusing_concerns_new_connections_only_and_ends_when_it_passes_again() {
        let (upstream, _) = line_server().await;
        let proxy = ChaosProxy::start(&upstream).await;
        let mut old = connect(&proxy).await;
        assert_eq!(ask(&mut old, "one\n").await.as_deref(), Some("echo: one\n"));

        proxy.set_mode(ProxyMode::Refuse).await;
        let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(ask(&mut old, "two\n").await.as_deref(), Some("echo: two\n"));

        proxy.set_mode(ProxyMode::Pass).await;
        let mut new = connect(&proxy).await;
        assert_eq!(
            ask(&mut new, "three\n").await.as_deref(),
            Some("echo: three\n")
        );
    }

    #[tokio::test]
    async fn a_cut_ends_every_open_connection_and_no_later_one() {
        let (upstream, _) = line_server().await;
        let proxy = ChaosProxy::start(&upstream).await;
        let mut clients = [connect(&proxy).await, connect(&proxy).await];
        for client in &mut clients {
            assert!(ask(client, "before\n").await.is_some());
        }
        proxy.cut_all();
        for client in &mut clients {
            assert_eq!(read_line(client).await, None);
        }
        assert!(ask(&mut connect(&proxy).await, "after\n").await.is_some());
    }

    #[tokio::test]
    async fn a_stalled_connection_goes_on_where_it_was() {
        let (upstream, lines_seen) = line_server().await;
        let proxy = ChaosProxy::start(&upstream).await;
        let mut old = connect(&proxy).await;
        assert!(ask(&mut old, "before\n").await.is_some());

        proxy.set_mode(ProxyMode::Stall).await;
        let mut new = connect(&proxy).await;
        for client in [&mut old, &mut new] {
            client.write_all(b"during\n").await.unwrap();
            let deadline = std::time::Duration::from_millis(50);
            let answer = tokio::time::timeout(deadline, client.read_u8()).await;
            assert!(answer.is_err(), "{answer:?}");
        }
        assert_eq!(lines_seen.load(Ordering::SeqCst), 1);

        proxy.set_mode(ProxyMode::Pass).await;
        for client in [&mut old, &mut new] {
            assert_eq!(read_line(client).await.as_deref(), Some("echo: during\n"));
        }
    }

    #[tokio::test]
    async fn a_lost_reply_is_lost_after_the_upstream_has_answered_and_only_once() {
        let (upstream, lines_seen) = line_server().await;
        let proxy = ChaosProxy::start(&upstream).await;
        proxy.cut_reply_containing("COMMIT", "echo: COMMIT");
        let mut client = connect(&proxy).await;
        assert!(ask(&mut client, "BEGIN\n").await.is_some());
        // The pattern comes in two pieces, in two packets.
        client.set_nodelay(true).unwrap();
        client.write_all(b"COM").await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(ask(&mut client, "MIT\n").await, None);
        assert_eq!(
            (proxy.triggers(), lines_seen.load(Ordering::SeqCst)),
            (1, 2)
        );

        let again = ask(&mut connect(&proxy).await, "COMMIT\n").await;
        assert_eq!(again.as_deref(), Some("echo: COMMIT\n"));
        assert_eq!(proxy.triggers(), 1);
    }

    #[tokio::test]
    async fn cut_after_forwarding_delivers_the_request_and_not_the_answer() {
        let (upstream, lines_seen) = line_server().await;
        let proxy = ChaosProxy::start(&upstream).await;
        let mut client = connect(&proxy).await;
        assert!(
            ask(&mut client, "armed later than connected\n")
                .await
                .is_some()
        );
        proxy.cut_after_forwarding("COMMIT\n");
        assert_eq!(ask(&mut client, "COMMIT\n").await, None);
        assert_eq!(proxy.triggers(), 1);
        eventually("the upstream to read the request", async || {
            (lines_seen.load(Ordering::SeqCst) == 2).then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn a_dropped_proxy_is_gone() {
        let (upstream, _) = line_server().await;
        let proxy = ChaosProxy::start(&upstream).await;
        let address = proxy.address();
        let mut client = connect(&proxy).await;
        assert!(ask(&mut client, "one\n").await.is_some());
        drop(proxy);
        assert_eq!(read_line(&mut client).await, None);
        let deadline = std::time::Duration::from_secs(10);
        eventually_within(deadline, "the port to be free", async || {
            TcpStream::connect(address).await.is_err().then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn an_url_is_rewritten_to_go_through_the_proxy() {
        let proxy = ChaosProxy::start("127.0.0.1:5432").await;
        let address = proxy.address();
        assert_eq!(
            proxy.url("postgres://me:secret@127.0.0.1:5432/games"),
            format!("postgres://me:secret@{address}/games")
        );
    }
}
