//! One client's connection through the proxy.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::fuse::{Effect, PatternScanner};
use super::{ProxyMode, Shared};

const CHUNK_BYTES: usize = 16 * 1024;

/// How long the upstream may take to finish after its client was cut.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

/// Carries bytes until a side ends, the proxy cuts, or a fuse burns.
pub(super) async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    tokio::select! {
        biased;
        _ = cuts.changed() => {}
        // That a side went away is the daily bread of this proxy, and nobody is there to be told.
        _ended = carry(client, &shared) => {}
    }
}

async fn carry(client: TcpStream, shared: &Shared) -> io::Result<()> {
    shared.wait_until_passing().await;
    let upstream = TcpStream::connect(&shared.upstream).await?;
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    let (client_reader, client_writer) = client.into_split();
    let (upstream_reader, upstream_writer) = upstream.into_split();
    let connection = Connection {
        client_reader,
        client_writer,
        upstream_reader,
        upstream_writer,
        watch: None,
    };
    connection.run(shared).await
}

struct Connection {
    client_reader: OwnedReadHalf,
    client_writer: OwnedWriteHalf,
    upstream_reader: OwnedReadHalf,
    upstream_writer: OwnedWriteHalf,
    /// The search for the armed fuse's pattern, with the fuse's generation.
    watch: Option<(u64, PatternScanner)>,
}

impl Connection {
    /// One task for both directions, so that what happened first is known: bytes that the upstream
    /// sent before the pattern went through are never taken for the answer to it.
    async fn run(mut self, shared: &Shared) -> io::Result<()> {
        let mut modes = shared.mode.subscribe();
        let mut request = vec![0; CHUNK_BYTES];
        let mut reply = vec![0; CHUNK_BYTES];
        let (mut client_open, mut upstream_open) = (true, true);
        while client_open || upstream_open {
            if *modes.borrow_and_update() == ProxyMode::Stall {
                // A proxy that is gone takes its connections with it.
                let _changed = modes.changed().await;
                continue;
            }
            tokio::select! {
                // In this order: what a client sends after the mode has changed must not slip by.
                biased;
                _ = modes.changed() => {}
                read = self.client_reader.read(&mut request), if client_open => {
                    let chunk = &request[..read?];
                    client_open = !chunk.is_empty();
                    if let Some(effect) = self.forward(chunk, shared).await? {
                        return self.burn(effect, shared).await;
                    }
                }
                read = self.upstream_reader.read(&mut reply), if upstream_open => {
                    let chunk = &reply[..read?];
                    upstream_open = !chunk.is_empty();
                    pass_on(&mut self.client_writer, chunk).await?;
                }
            }
        }
        Ok(())
    }

    /// Sends the client's bytes on, and says what they set off.
    async fn forward(&mut self, chunk: &[u8], shared: &Shared) -> io::Result<Option<Effect>> {
        let effect = self.effect_of(chunk, shared);
        pass_on(&mut self.upstream_writer, chunk).await?;
        Ok(effect)
    }

    fn effect_of(&mut self, chunk: &[u8], shared: &Shared) -> Option<Effect> {
        let (generation, pattern) = shared.armed()?;
        if self
            .watch
            .as_ref()
            .is_none_or(|(watched, _)| *watched != generation)
        {
            self.watch = Some((generation, PatternScanner::new(&pattern)));
        }
        let (_, scanner) = self.watch.as_mut()?;
        if scanner.finds_in(chunk) {
            shared.take_fuse(generation)
        } else {
            None
        }
    }

    async fn burn(self, effect: Effect, shared: &Shared) -> io::Result<()> {
        match effect {
            Effect::CutAfterForwarding => {
                shared.count_trigger();
                drop((self.client_reader, self.client_writer));
                drain(self.upstream_reader, self.upstream_writer).await
            }
            Effect::CutReply { answer } => self.swallow_reply(&answer, shared).await,
        }
    }

    /// Goes on forwarding requests, but keeps every answer back, and cuts both sides when the
    /// expected one has come.
    async fn swallow_reply(mut self, answer: &[u8], shared: &Shared) -> io::Result<()> {
        let mut scanner = PatternScanner::new(answer);
        let mut request = vec![0; CHUNK_BYTES];
        let mut reply = vec![0; CHUNK_BYTES];
        let mut client_open = true;
        loop {
            tokio::select! {
                read = self.client_reader.read(&mut request), if client_open => {
                    // A client that gives up does not undo what it has sent.
                    let chunk = &request[..read.unwrap_or_default()];
                    client_open = !chunk.is_empty();
                    pass_on(&mut self.upstream_writer, chunk).await?;
                }
                read = self.upstream_reader.read(&mut reply) => {
                    let chunk = &reply[..read?];
                    if chunk.is_empty() {
                        return Ok(());
                    }
                    if scanner.finds_in(chunk) {
                        shared.count_trigger();
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Passes bytes on, and the end of the stream (no bytes) as such.
async fn pass_on(writer: &mut OwnedWriteHalf, chunk: &[u8]) -> io::Result<()> {
    if chunk.is_empty() {
        writer.shutdown().await
    } else {
        writer.write_all(chunk).await
    }
}

/// Ends the upstream's connection without losing what was forwarded. Closing a socket that holds
/// unread answers sends a reset, which would throw away what the upstream has not read yet; so the
/// answers are read to their end first.
async fn drain(mut reader: OwnedReadHalf, mut writer: OwnedWriteHalf) -> io::Result<()> {
    writer.shutdown().await?;
    let mut nowhere = tokio::io::sink();
    let reading = tokio::io::copy(&mut reader, &mut nowhere);
    // An upstream that takes longer is cut: its client has been told all that it will ever hear.
    let _too_slow = tokio::time::timeout(DRAIN_DEADLINE, reading).await;
    Ok(())
}
