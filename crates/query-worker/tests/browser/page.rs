//! The page's side of the message loop.

use arrow::array::{Int64Array, RecordBatch};
use arrow::ipc::reader::StreamReader;
use futures::StreamExt;
use futures::channel::mpsc;
use messages::engine::{FromWorker, RequestId, ToWorker};
use messages::sandbox::SandboxOptions;
use query_worker::{MacrotaskScheduler, Outbox, Service};

use crate::fake;

/// A page, as far as the service hears and sees of it.
pub struct Page {
    pub service: Service,
    pub messages: mpsc::UnboundedReceiver<(FromWorker, Option<Vec<u8>>)>,
}

impl Page {
    /// A page that has not connected yet.
    pub fn unconnected() -> Self {
        let (sender, messages) = mpsc::unbounded();
        let outbox = Outbox::new(move |message, bytes| {
            let _ = sender.unbounded_send((message.clone(), bytes.map(<[u8]>::to_vec)));
        });
        let scheduler = MacrotaskScheduler::new().unwrap();
        Self {
            service: Service::new(outbox, 256 << 20, scheduler),
            messages,
        }
    }

    /// On the fake store and its proxy, which are empty.
    pub fn connected() -> Self {
        fake::fresh();
        let page = Self::unconnected();
        page.connect(None);
        page
    }

    /// Connects to the fake store and its proxy.
    pub fn connect(&self, sandbox: Option<SandboxOptions>) {
        self.service.handle(ToWorker::Connect {
            connection: fake::anonymous(),
            proxy: Some("http://proxy.test/".to_owned()),
            sandbox,
        });
    }

    /// Runs a script.
    pub fn run(&self, id: RequestId, sql: &str, credit: u32) {
        self.service.handle(ToWorker::Run {
            id,
            sql: sql.to_owned(),
            credit,
            preview: false,
            resume: None,
        });
    }

    /// The next message.
    pub async fn next(&mut self) -> (FromWorker, Option<Vec<u8>>) {
        self.messages.next().await.expect("the service lives")
    }

    /// The next message that is no progress.
    pub async fn step(&mut self) -> (FromWorker, Option<Vec<u8>>) {
        loop {
            let (message, bytes) = self.next().await;
            if !matches!(message, FromWorker::Progress { .. }) {
                return (message, bytes);
            }
        }
    }

    /// All messages up to the end of run `id`, its batches decoded.
    pub async fn finish(&mut self, id: RequestId) -> (Vec<FromWorker>, Vec<RecordBatch>) {
        let (mut messages, mut batches) = (Vec::new(), Vec::new());
        loop {
            let (message, bytes) = self.step().await;
            batches.extend(bytes.map(|bytes| decode(&bytes)));
            let last = matches!(
                &message,
                FromWorker::Done { id: over }
                | FromWorker::Failed { id: over, .. }
                | FromWorker::Cancelled { id: over } if *over == id
            );
            messages.push(message);
            if last {
                return (messages, batches);
            }
        }
    }

    /// The one value of the one row that `sql` answers, as a bigint.
    pub async fn bigint(&mut self, id: RequestId, sql: &str) -> i64 {
        self.run(id, sql, 9);
        let (messages, batches) = self.finish(id).await;
        let [batch] = &batches[..] else {
            panic!("{messages:?}")
        };
        batch
            .column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap()
            .value(0)
    }
}

/// The one batch of a self-contained stream.
fn decode(bytes: &[u8]) -> RecordBatch {
    let mut reader = StreamReader::try_new(bytes, None).unwrap();
    let batch = reader.next().unwrap().unwrap();
    assert!(reader.next().is_none());
    batch
}
