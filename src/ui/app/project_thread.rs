//! The thread that owns the open project and its runner, so that the UI thread never touches the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Wake;
use super::drafts::{FORMS, key};
use crate::jobs::runner::{Event, Runner};
use crate::jobs::spec::RunSpec;
use crate::models::Library;
use crate::store::{PersonComparison, Project, ProjectInfo, RunFilter, RunId, RunRow, StoreError, VerdictRow};
use crate::ui::command::NewPool;

/// What is opened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Opening {
    Existing(PathBuf),
    New { directory: PathBuf, name: String },
}

impl Opening {
    pub(super) fn directory(&self) -> &Path {
        match self {
            Self::Existing(directory) | Self::New { directory, .. } => directory,
        }
    }
}

/// What the UI asks of the project.
#[derive(Debug)]
pub(super) enum Request {
    Start(Box<RunSpec>),
    Pause(RunId),
    Resume(RunId),
    Cancel(RunId),
    Archive(RunId, bool),
    PutDraft(&'static str, String),
    PutSentences(String, Vec<String>),
    PutPool(NewPool),
    ForgetPools,
    /// A person's verdict on answers of a run.
    KeepVerdict(RunId, Box<VerdictRow>),
    TakeBackVerdict(RunId, Box<VerdictRow>),
    KeepComparisons(RunId, Arc<Vec<PersonComparison>>),
    TakeBackComparison(RunId, Box<PersonComparison>),
    /// The runner has events.
    Drain,
    Close,
}

/// What the project answers.
#[derive(Debug)]
pub(super) enum Reply {
    Opened(Box<Opened>),
    OpenFailed(String),
    Runs(Vec<RunRow>),
    /// A run under way has recorded more about itself: models, log lines, time.
    Run(Box<RunRow>),
    Events(Vec<Event>),
    Started(RunId),
    /// People are in the project: number of their pool, how many.
    PoolStored(i64, usize),
    DraftSaved,
    Sentences {
        name: String,
        count: usize,
        lists: SentenceLists,
    },
    /// A request could not be done.
    Refused(String),
}

/// Named lists of sentences.
pub(super) type SentenceLists = Vec<(String, Vec<String>)>;

/// All that the window needs to show a project.
#[derive(Debug)]
pub(super) struct Opened {
    pub info: ProjectInfo,
    pub runs: Vec<RunRow>,
    pub sentence_lists: SentenceLists,
    /// Forms as they were left, by [`super::drafts::key`].
    pub drafts: BTreeMap<String, String>,
}

/// How often the row of a run under way is read again.
const REREAD: Duration = Duration::from_secs(1);

/// Handle of the thread. Dropping it closes the project without waiting.
pub(super) struct ProjectThread {
    requests: Sender<Request>,
    thread: Option<JoinHandle<()>>,
}

impl ProjectThread {
    /// Opens on a new thread, once `predecessor` has let go of its project. `reply` must not block.
    pub(super) fn open(
        opening: Opening,
        library: Arc<Library>,
        predecessor: Option<JoinHandle<()>>,
        reply: impl Fn(Reply) + Send + 'static,
    ) -> Self {
        let (requests, received) = channel();
        let drain = requests.clone();
        let wake: Wake = Arc::new(move || {
            // The thread may have ended: then nobody waits for events.
            drop(drain.send(Request::Drain));
        });
        let thread = std::thread::spawn(move || {
            if let Some(predecessor) = predecessor {
                // A panic there was reported by its own thread; the lock is free either way.
                drop(predecessor.join());
            }
            match opened(&opening, library, wake) {
                Ok((project, runner, first)) => {
                    reply(Reply::Opened(Box::new(first)));
                    serve(&project, runner, &received, &reply);
                }
                Err(error) => reply(Reply::OpenFailed(error.to_string())),
            }
        });
        Self { requests, thread: Some(thread) }
    }

    /// Hands a request over. Never blocks.
    pub(super) fn send(&self, request: Request) {
        // A thread that ended has told why (OpenFailed); requests to it have nowhere to go.
        drop(self.requests.send(request));
    }

    /// Asks the thread to stop its work and let go of the project, and gives its handle to wait for.
    pub(super) fn close(mut self) -> Option<JoinHandle<()>> {
        self.send(Request::Close);
        self.thread.take()
    }
}

impl Drop for ProjectThread {
    fn drop(&mut self) {
        self.send(Request::Close);
    }
}

fn opened(opening: &Opening, library: Arc<Library>, wake: Wake) -> Result<(Project, Runner, Opened), StoreError> {
    let project = match opening {
        Opening::Existing(directory) => Project::open(directory)?,
        Opening::New { directory, name } => Project::create(directory, name)?,
    };
    let mut drafts = BTreeMap::new();
    for key in FORMS.map(key) {
        if let Some(draft) = project.draft(key)? {
            drafts.insert(key.to_owned(), draft);
        }
    }
    let first = Opened {
        info: project.info().clone(),
        runs: all_runs(&project)?,
        sentence_lists: project.sentence_lists()?,
        drafts,
    };
    let runner = Runner::new(&first.info.directory, library, wake)?;
    Ok((project, runner, first))
}

/// Archived runs too, newest first.
fn all_runs(project: &Project) -> Result<Vec<RunRow>, StoreError> {
    let mut runs = project.runs(&RunFilter { kind: None, archived: false })?;
    runs.extend(project.runs(&RunFilter { kind: None, archived: true })?);
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    runs.dedup_by_key(|run| run.id);
    Ok(runs)
}

fn serve(project: &Project, runner: Runner, requests: &Receiver<Request>, reply: &impl Fn(Reply)) {
    let answer = |done: Result<Option<Reply>, StoreError>| match done {
        Ok(Some(message)) => reply(message),
        Ok(None) => {}
        Err(error) => reply(Reply::Refused(error.to_string())),
    };
    let runs = || all_runs(project).map(|runs| Some(Reply::Runs(runs)));
    let mut reread = Instant::now();
    while let Ok(request) = requests.recv() {
        match request {
            Request::Start(spec) => match runner.start(&spec) {
                Ok(run) => {
                    answer(runs());
                    reply(Reply::Started(run));
                }
                Err(error) => reply(Reply::Refused(error.to_string())),
            },
            Request::Pause(run) => runner.pause(run),
            Request::Resume(run) => {
                answer(runner.resume(run).map(|()| None));
                answer(runs());
            }
            Request::Cancel(run) => {
                runner.cancel(run);
                answer(runs());
            }
            Request::Archive(run, archived) => {
                answer(project.archive(run, archived).map(|()| None));
                answer(runs());
            }
            Request::PutDraft(key, json) => {
                answer(project.put_draft(key, &json).map(|()| None));
                reply(Reply::DraftSaved);
            }
            Request::PutSentences(name, sentences) => answer(
                project
                    .put_sentence_list(&name, &sentences)
                    .and_then(|()| project.sentence_lists())
                    .map(|lists| Some(Reply::Sentences { name, count: sentences.len(), lists })),
            ),
            Request::PutPool(new) => answer(
                project
                    .put_pool(&new.source, &new.sha256, &new.mapping, &new.pool)
                    .map(|id| Some(Reply::PoolStored(id, new.pool.len()))),
            ),
            Request::ForgetPools => answer(project.forget_pools().map(|()| None)),
            Request::KeepVerdict(run, verdict) => {
                answer(project.add_verdicts(run, std::slice::from_ref(&*verdict)).map(|()| None));
                reply(Reply::Events(vec![Event::Results { run }]));
            }
            Request::TakeBackVerdict(run, verdict) => {
                answer(project.remove_verdict(run, &verdict).map(|()| None));
                reply(Reply::Events(vec![Event::Results { run }]));
            }
            Request::KeepComparisons(run, rows) => {
                answer(project.put_person_comparisons(run, &rows).map(|()| None));
                reply(Reply::Events(vec![Event::Results { run }]));
            }
            Request::TakeBackComparison(run, row) => {
                answer(project.remove_person_comparison(run, &row).map(|()| None));
                reply(Reply::Events(vec![Event::Results { run }]));
            }
            Request::Drain => {
                let events = runner.drain();
                let changed = events.iter().any(|event| matches!(event, Event::State { .. }));
                let at_work = events.iter().rev().find_map(|event| match event {
                    Event::Progress { run, .. } | Event::Results { run } => Some(*run),
                    Event::State { .. } => None,
                });
                if !events.is_empty() {
                    reply(Reply::Events(events));
                }
                if changed {
                    answer(runs());
                    reread = Instant::now();
                } else if let Some(run) = at_work
                    && reread.elapsed() >= REREAD
                {
                    answer(project.run(run).map(|row| Some(Reply::Run(Box::new(row)))));
                    reread = Instant::now();
                }
            }
            Request::Close => break,
        }
    }
    runner.shut_down();
}
