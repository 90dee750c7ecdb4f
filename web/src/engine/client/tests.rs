//! The client with a worker that the test plays.

use std::cell::Cell;

use futures::FutureExt;
use messages::engine::{QueryMetrics, StatementSummary};
use messages::sandbox::SandboxState;
use messages::table::FolderListing;

use super::*;

/// Starts workers that only keep what they are posted.
#[derive(Default)]
struct FakeHost {
    /// Workers in the order of their start; the last one is alive unless it was stopped.
    workers: RefCell<Vec<Rc<FakeWorker>>>,
    statuses: RefCell<Vec<EngineStatus>>,
    timers: RefCell<Vec<Box<dyn FnOnce()>>>,
    fails: Cell<bool>,
    compiled: Cell<bool>,
}

#[derive(Default)]
struct FakeWorker {
    posted: RefCell<Vec<ToWorker>>,
    stopped: Cell<bool>,
}

struct Handle(Rc<FakeWorker>);

impl Worker for Handle {
    fn post(&self, message: &ToWorker) {
        self.0.posted.borrow_mut().push(message.clone());
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.stopped.set(true);
    }
}

impl WorkerHost for FakeHost {
    fn start(&self, _: &EngineClient) -> Result<Box<dyn Worker>, String> {
        if self.fails.get() {
            return Err("the browser starts no worker".to_owned());
        }
        let worker = Rc::new(FakeWorker::default());
        self.workers.borrow_mut().push(Rc::clone(&worker));
        Ok(Box::new(Handle(worker)))
    }

    fn has_compiled(&self) -> bool {
        self.compiled.get()
    }

    fn set_status(&self, status: EngineStatus) {
        self.statuses.borrow_mut().push(status);
    }

    fn set_sandbox(&self, _: SandboxState) {}

    fn after(&self, time: Duration, then: Box<dyn FnOnce()>) {
        assert_eq!(time, CANCEL_PATIENCE);
        self.timers.borrow_mut().push(then);
    }
}

/// A client, its host, and what its runs heard: `1 done`.
struct Page {
    host: Rc<FakeHost>,
    client: EngineClient,
    heard: Rc<RefCell<Vec<String>>>,
}

impl Page {
    fn loading() -> Self {
        let host = Rc::new(FakeHost::default());
        let client = EngineClient::start(Rc::clone(&host) as Rc<dyn WorkerHost>);
        Self {
            host,
            client,
            heard: Rc::default(),
        }
    }

    fn ready() -> Self {
        let page = Self::loading();
        page.client.connect(connection(), None, None);
        page.become_ready();
        page
    }

    fn become_ready(&self) {
        self.client.receive(
            FromWorker::Ready {
                version: "1".into(),
                memory_limit: 1,
            },
            None,
        );
    }

    fn run(&self, sql: &'static str) -> RunHandle {
        let heard = Rc::clone(&self.heard);
        self.client
            .run(sql.to_owned(), 2, false, None, move |event| {
                let what = match event {
                    RunEvent::Message(FromWorker::Done { .. }, _) => "done".to_owned(),
                    RunEvent::Message(FromWorker::Cancelled { .. }, _) => "cancelled".to_owned(),
                    RunEvent::Message(FromWorker::Failed { error, .. }, _) => error.code,
                    RunEvent::Message(FromWorker::Batch { .. }, bytes) => {
                        format!("batch of {} bytes", bytes.unwrap().len())
                    }
                    RunEvent::Message(message, _) => format!("{message:?}"),
                    RunEvent::Replaced => "replaced".to_owned(),
                    RunEvent::Lost(error) => error.code,
                };
                heard.borrow_mut().push(format!("{sql}: {what}"));
            })
    }

    /// Events of the runs since the last call.
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.borrow_mut())
    }

    /// Messages to the living worker since the last call.
    fn posted(&self) -> Vec<ToWorker> {
        let workers = self.host.workers.borrow();
        let worker = workers.last().unwrap();
        assert!(!worker.stopped.get());
        std::mem::take(&mut worker.posted.borrow_mut())
    }

    /// The scripts that the living worker was posted since the last time.
    fn started(&self) -> Vec<String> {
        let of = |message| match message {
            ToWorker::Run { sql, .. } => Some(sql),
            _ => None,
        };
        self.posted().into_iter().filter_map(of).collect()
    }

    fn workers(&self) -> usize {
        self.host.workers.borrow().len()
    }

    /// Lets the time pass that a worker has to stop a script.
    fn run_out_of_patience(&self) {
        let timers = std::mem::take(&mut *self.host.timers.borrow_mut());
        timers.into_iter().for_each(|timer| timer());
    }

    fn answer(&self, message: FromWorker) {
        self.client.receive(message, None);
    }

    fn status(&self) -> EngineStatus {
        self.host.statuses.borrow().last().unwrap().clone()
    }
}

fn connection() -> Connection {
    Connection {
        endpoint: "http://h".into(),
        region: "r".into(),
        buckets: vec!["b".into()],
        credentials: None,
    }
}

fn connect() -> ToWorker {
    ToWorker::Connect {
        connection: connection(),
        proxy: None,
        sandbox: None,
    }
}

fn list(id: RequestId) -> ToWorker {
    ToWorker::ListFolder {
        id,
        bucket: "b".into(),
        path: String::new(),
    }
}

fn folder(id: RequestId) -> FromWorker {
    FromWorker::Folder {
        id,
        listing: FolderListing {
            is_table: false,
            folders: vec!["t".into()],
        },
    }
}

#[test]
fn run_waits_for_engine_and_connection() {
    let page = Page::loading();
    page.run("a");
    assert!(page.started().is_empty());
    page.become_ready();
    assert!(page.started().is_empty(), "nobody has said where to read");
    page.client.connect(connection(), None, None);
    assert_eq!(page.started(), ["a"]);

    let page = Page::loading();
    page.client.connect(connection(), None, None);
    page.run("a");
    page.become_ready();
    assert_eq!(page.started(), ["a"]);
}

#[test]
fn run_after_a_hold_waits_for_the_next_connection() {
    let page = Page::ready();
    page.posted();
    page.client.hold();
    page.run("a");
    assert_eq!(page.posted(), []);
    page.client.connect(connection(), None, None);
    assert_eq!(page.started(), ["a"]);
}

#[test]
fn runs_go_to_the_worker_one_after_the_other() {
    let page = Page::ready();
    let first = page.run("a");
    page.run("b");
    page.run("c");
    assert_eq!(page.started(), ["a"]);
    page.client.receive(
        FromWorker::Batch {
            id: first.id,
            index: 0,
            rows: 1,
        },
        Some(vec![0; 8]),
    );
    assert_eq!(page.heard(), ["a: batch of 8 bytes"]);
    page.answer(FromWorker::Done { id: first.id });
    assert_eq!(page.heard(), ["a: done"]);
    assert_eq!(page.started(), ["b"]);
    page.answer(FromWorker::Failed {
        id: first.id + 1,
        index: Some(0),
        error: Error::new("X", "no"),
        attempt: None,
    });
    assert_eq!(page.heard(), ["b: X"]);
    assert_eq!(page.started(), ["c"]);
    page.answer(FromWorker::Done { id: first.id });
    assert!(page.heard().is_empty(), "late, of a run that has ended");
}

#[test]
fn queued_run_is_cancelled_without_the_worker() {
    let page = Page::ready();
    let first = page.run("a");
    let second = page.run("b");
    page.posted();
    second.cancel();
    second.cancel();
    assert_eq!(page.heard(), ["b: cancelled"]);
    assert!(page.posted().is_empty());
    page.answer(FromWorker::Done { id: first.id });
    assert!(page.started().is_empty());
}

#[test]
fn worker_that_stops_in_time_is_kept() {
    let page = Page::ready();
    let run = page.run("a");
    page.posted();
    run.cancel();
    assert_eq!(page.posted(), [ToWorker::Cancel { id: run.id }]);
    page.answer(FromWorker::Cancelled { id: run.id });
    page.run_out_of_patience();
    assert_eq!(page.heard(), ["a: cancelled"]);
    assert_eq!(page.workers(), 1);
}

#[test]
fn worker_that_does_not_stop_is_replaced_and_runs_what_waits() {
    let page = Page::ready();
    page.host.compiled.set(true);
    let run = page.run("a");
    page.run("b");
    run.cancel();
    page.run_out_of_patience();
    assert_eq!(page.heard(), ["a: replaced"]);
    assert_eq!(page.workers(), 2);
    assert!(page.host.workers.borrow()[0].stopped.get());
    assert_eq!(page.status(), EngineStatus::Starting);
    assert_eq!(page.posted(), [connect()]);
    page.become_ready();
    assert_eq!(page.started(), ["b"]);
}

#[test]
fn question_outlives_the_worker_that_was_replaced() {
    let page = Page::ready();
    let run = page.run("a");
    let mut answer = Box::pin(page.client.ask(list));
    assert!(answer.as_mut().now_or_never().is_none());
    let id = run.id + 1;
    run.cancel();
    page.run_out_of_patience();
    assert_eq!(page.posted(), [connect(), list(id)]);
    page.answer(folder(id));
    assert_eq!(answer.now_or_never(), Some(Ok(folder(id))));
}

#[test]
fn question_that_fails_is_no_matter_of_the_runs() {
    let page = Page::ready();
    let run = page.run("a");
    let mut answer = Box::pin(page.client.ask(list));
    assert!(answer.as_mut().now_or_never().is_none());
    let error = Error::new("X", "no");
    page.answer(FromWorker::Failed {
        id: run.id + 1,
        index: None,
        error: error.clone(),
        attempt: None,
    });
    assert_eq!(answer.now_or_never(), Some(Err(error)));
    assert!(page.heard().is_empty());
    page.answer(FromWorker::Done { id: run.id });
    assert_eq!(page.heard(), ["a: done"]);
}

#[test]
fn crashed_worker_is_replaced_and_only_the_active_run_is_lost() {
    let page = Page::ready();
    page.run("a");
    page.run("b");
    let mut answer = Box::pin(page.client.ask(list));
    assert!(answer.as_mut().now_or_never().is_none());
    page.client.crashed("unreachable");
    assert_eq!(page.heard(), ["a: ENGINE_CRASHED"]);
    let answer = answer.now_or_never().unwrap();
    assert_eq!(answer.unwrap_err().code, "ENGINE_CRASHED");
    assert_eq!(page.workers(), 2);
    assert_eq!(
        page.posted(),
        [connect()],
        "it may be the question that crashed it"
    );
    page.become_ready();
    assert_eq!(page.started(), ["b"]);
}

#[test]
fn engine_that_never_came_up_is_tried_again_with_the_next_run() {
    let page = Page::loading();
    page.client.connect(connection(), None, None);
    page.run("a");
    page.answer(FromWorker::Crashed {
        message: "404".into(),
    });
    assert_eq!(page.heard(), ["a: ENGINE_UNAVAILABLE"]);
    assert_eq!(page.workers(), 1, "the next would fare no better");
    assert!(matches!(page.status(), EngineStatus::Unavailable { .. }));
    page.run("b");
    assert_eq!(page.workers(), 2);
    page.become_ready();
    assert_eq!(page.started(), ["b"]);
}

#[test]
fn browser_without_workers_fails_runs_and_questions() {
    let page = Page::loading();
    page.host.fails.set(true);
    page.client.crashed("404");
    page.run("a");
    assert_eq!(page.heard(), ["a: ENGINE_UNAVAILABLE"]);
    let answer = page.client.ask(list).now_or_never().unwrap();
    assert_eq!(answer.unwrap_err().code, "ENGINE_UNAVAILABLE");
    assert_eq!(page.workers(), 1);
}

#[test]
fn parked_run_gives_way_to_the_next() {
    let page = Page::ready();
    let first = page.run("a");
    first.set_parked(true);
    assert!(page.host.timers.borrow().is_empty(), "nobody waits");
    page.posted();
    page.run("b");
    assert_eq!(page.posted(), [ToWorker::Cancel { id: first.id }]);
    page.answer(FromWorker::Cancelled { id: first.id });
    assert_eq!(page.started(), ["b"]);

    let page = Page::ready();
    let first = page.run("a");
    page.run("b");
    page.posted();
    first.set_parked(true);
    assert_eq!(page.posted(), [ToWorker::Cancel { id: first.id }]);
}

#[test]
fn run_that_was_granted_more_keeps_its_place() {
    let page = Page::ready();
    let first = page.run("a");
    first.set_parked(true);
    page.posted();
    first.grant(3);
    let credit = ToWorker::Credit {
        id: first.id,
        batches: 3,
    };
    assert_eq!(page.posted(), [credit]);
    let second = page.run("b");
    assert!(page.posted().is_empty());
    second.grant(1);
    assert!(page.posted().is_empty(), "it has not begun");
}

#[test]
fn download_is_told_in_percent_where_its_size_is_known() {
    let page = Page::loading();
    let percent_of = |loaded, total| {
        page.answer(FromWorker::Downloading { loaded, total });
        match page.status() {
            EngineStatus::Downloading { percent } => percent,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(percent_of(25, Some(100)), Some(25));
    assert_eq!(percent_of(250, Some(100)), Some(100));
    assert_eq!(percent_of(25, None), None);
    assert_eq!(percent_of(0, Some(0)), None);
    page.client.compiled();
    assert_eq!(page.status(), EngineStatus::Starting);
}

#[test]
fn summary_reaches_the_run_before_its_end() {
    let page = Page::ready();
    let run = page.run("a");
    page.answer(FromWorker::StatementDone {
        id: run.id,
        index: 0,
        summary: StatementSummary {
            row_count: 0,
            version: Some(1),
            table: None,
            is_write: true,
            warnings: Vec::new(),
            metrics: QueryMetrics::default(),
        },
    });
    page.answer(FromWorker::Done { id: run.id });
    let heard = page.heard();
    assert!(heard[0].contains("StatementDone") && heard[1] == "a: done");
}
