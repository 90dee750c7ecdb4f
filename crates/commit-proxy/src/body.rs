//! Bodies of requests, of the announced length and within time.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use messages::Error;
use tokio::time::{Instant, timeout_at};

/// Bytes a second at which a body must come, at least.
const RATE: u64 = 16 * 1024;

/// A body that must come within time: each part, and all of it.
pub(crate) struct TimedBody {
    parts: BodyDataStream,
    received: u64,
    idle: Duration,
    began: Instant,
}

impl TimedBody {
    pub fn new(body: Body, idle: Duration) -> Self {
        Self {
            parts: body.into_data_stream(),
            received: 0,
            idle,
            began: Instant::now(),
        }
    }

    /// The next part; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let now = Instant::now();
        let earned = Duration::from_secs(self.received / RATE);
        // Beyond the first `idle`, at the least rate.
        let whole = self.began + self.idle.saturating_mul(2) + earned;
        let due = whole.min(now + self.idle);
        let Ok(part) = timeout_at(due, self.parts.next()).await else {
            let message = "The request's body came too slowly.";
            return Err(Error::new("REQUEST_TIMEOUT", message));
        };
        let Some(part) = part else {
            return Ok(None);
        };
        let part = part.map_err(|error| {
            Error::new(
                "INVALID_REQUEST",
                format!("The request's body was cut short: {error}."),
            )
        })?;
        self.received = self.received.saturating_add(part.len() as u64);
        Ok(Some(part))
    }

    /// All of a body of `size` bytes.
    pub async fn read(&mut self, size: u64) -> Result<Bytes, Error> {
        let mut bytes = BytesMut::new();
        while let Some(part) = self.next().await? {
            if self.received > size {
                break;
            }
            bytes.extend_from_slice(&part);
        }
        self.check_whole(size)?;
        Ok(bytes.freeze())
    }

    /// Whether what came is what was announced.
    pub fn check_whole(&self, size: u64) -> Result<(), Error> {
        match self.received == size {
            true => Ok(()),
            false => {
                let received = self.received;
                let message =
                    format!("The request's body has {received} bytes, and should have {size}.");
                Err(Error::new("INVALID_REQUEST", message))
            }
        }
    }
}
