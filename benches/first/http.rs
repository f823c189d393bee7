//! A client that costs next to nothing: one kept-alive connection, one request at a time, no headers
//! that the server does not need, and answers that are not parsed.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;

/// One connection to the server.
pub(crate) struct Connection {
    stream: TcpStream,
    authority: String,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Connection {
    /// Connects to `host:port`.
    pub(crate) async fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            authority: authority.to_owned(),
            request: Vec::with_capacity(4096),
            response: Vec::with_capacity(4096),
        })
    }

    /// Sends a GraphQL request, and returns the body of the answer, which is a 200.
    pub(crate) async fn post(&mut self, body: &[u8]) -> Result<&[u8]> {
        self.request.clear();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.authority,
            body.len()
        );
        self.request.extend_from_slice(head.as_bytes());
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        let start = self.read_head().await?;
        let length = content_length(&self.response[..start])?;
        while self.response.len() < start + length {
            self.read_more().await?;
        }
        Ok(&self.response[start..start + length])
    }

    /// Reads until the head of an answer is there, and returns where its body begins.
    async fn read_head(&mut self) -> Result<usize> {
        self.response.clear();
        loop {
            self.read_more().await?;
            let found = self
                .response
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = found {
                if !self.response.starts_with(b"HTTP/1.1 200") {
                    let text = String::from_utf8_lossy(&self.response).into_owned();
                    return Err(text.into());
                }
                return Ok(end + 4);
            }
        }
    }

    async fn read_more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.response).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim())
    });
    Ok(value.ok_or("an answer without a length")?.parse()?)
}
