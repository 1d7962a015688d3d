//! Worker threads that take queued runs from a project, one after the other, and tell what happens.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::context::{JobContext, Signal, Stop};
use super::headless::Sitting;
pub use super::headless::{run_headless, run_stored};
use super::speaker::Speaker;
use super::spec::RunSpec;
use super::work::folder_of;
pub use super::work::{JobError, RunOutcome};
use crate::models::{Library, ModelSource};
use crate::store::{Project, RunId, RunState, StoreError};

/// What a worker reports. Of each run, progress at most ten times a second, and so results.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The run entered a state (also written to its row).
    State { run: RunId, state: RunState, message: Option<String> },
    /// Stage and progress with rate (units per second) and seconds left, once they can be told.
    Progress { run: RunId, stage: String, done: u64, total: u64, rate: Option<f64>, seconds_left: Option<f64> },
    /// New rows were committed for this run: views of its results may be refreshed.
    Results { run: RunId },
}

/// Runs of one project. Dropping it pauses nothing: call [`Runner::shut_down`] first.
///
/// Two lanes are worked on beside each other: certify, survey and training runs, which take all cores, and downloads and
/// verifications. In each lane one run works at a time. A paused run keeps its thread and its memory, and gives its place to
/// the next one; asked to go on, it waits for the place.
pub struct Runner {
    shared: Arc<Shared>,
}

/// Kinds of runs that wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Heavy,
    Light,
}

impl Lane {
    fn of(spec: &RunSpec) -> Self {
        match spec {
            RunSpec::Certify(_)
            | RunSpec::Survey(_)
            | RunSpec::Mix(_)
            | RunSpec::Exact(_)
            | RunSpec::Escape(_)
            | RunSpec::Phase(_)
            | RunSpec::Trajectories(_)
            | RunSpec::Lottery(_)
            | RunSpec::TrainMlm(_)
            | RunSpec::Train(_) => Self::Heavy,
            // Endpoints do the work elsewhere; what this machine's own models answer waits its turn.
            RunSpec::Judge(_) | RunSpec::Questions(_) | RunSpec::Collect(_) => {
                if spec.speakers().any(Speaker::is_local) { Self::Heavy } else { Self::Light }
            }
            RunSpec::Fetch(_)
            | RunSpec::Verify(_)
            | RunSpec::VerifyPanel(_)
            | RunSpec::ImportTrl(_)
            | RunSpec::ImportVerdicts(_)
            | RunSpec::ImportComparisons(_) => Self::Light,
        }
    }
}

struct Shared {
    library: Arc<Library>,
    wake: Arc<dyn Fn() + Send + Sync>,
    events: Mutex<Outbox>,
    board: Mutex<Board>,
    changed: Condvar,
    directory: PathBuf,
    /// A thread for each lane, and for each paused run.
    workers: Mutex<Vec<JoinHandle<()>>>,
    /// For small writes by other threads than the workers, which have connections of their own.
    control: Mutex<Project>,
}

/// Events that wait to be drained.
#[derive(Default)]
struct Outbox {
    waiting: VecDeque<Event>,
    /// When new results of a run were last told, and whether there have been more since.
    results: BTreeMap<RunId, (Instant, bool)>,
}

/// Time between two signs of new results of a run, at least.
const RESULTS_GAP: Duration = Duration::from_millis(100);

/// What waits and what is in work.
#[derive(Default)]
struct Board {
    /// Runs to begin, and paused ones that shall go on.
    queue: VecDeque<(Lane, RunId)>,
    current: BTreeMap<RunId, Sat>,
    /// Threads of each lane that wait for something to do.
    idle: BTreeMap<Lane, usize>,
    closing: bool,
}

/// A run that has a thread.
struct Sat {
    lane: Lane,
    context: Arc<JobContext>,
    /// It holds at a checkpoint: another run of its lane may work.
    held: bool,
}

impl Board {
    /// Whether no run of the lane works.
    fn is_free(&self, lane: Lane) -> bool {
        !self.current.values().any(|sat| sat.lane == lane && !sat.held)
    }

    fn waits(&self, run: RunId) -> bool {
        self.queue.iter().any(|&(_, waiting)| waiting == run)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runner {
    /// Starts the worker thread(s) on the project at `directory`. `wake` is called after each event.
    ///
    /// Runs that the project holds as queued are worked on, except those that would read or write outside its folder
    /// or use the network: the folder may be a stranger's, so these wait, interrupted, for the user's Resume.
    pub fn new(directory: &Path, library: Arc<Library>, wake: Arc<dyn Fn() + Send + Sync>) -> Result<Self, StoreError> {
        let control = Project::open_beside(directory)?;
        let mut board = Board::default();
        for row in control.queued()? {
            match reaches_outside(&control, &row.spec) {
                None => board.queue.push_back((Lane::of(&row.spec), row.id)),
                Some(reason) => {
                    let message = format!("waits for you: {reason}. Press Resume to allow it");
                    control.set_state(row.id, RunState::Interrupted, Some(&message))?;
                }
            }
        }
        let shared = Arc::new(Shared {
            library,
            wake,
            events: Mutex::default(),
            board: Mutex::new(board),
            changed: Condvar::new(),
            directory: directory.to_owned(),
            workers: Mutex::default(),
            control: Mutex::new(control),
        });
        [Lane::Heavy, Lane::Light].into_iter().try_for_each(|lane| shared.add_worker(lane))?;
        Ok(Self { shared })
    }

    /// Stores the run as queued and returns its id. Blocks only for one small transaction.
    pub fn start(&self, spec: &RunSpec) -> Result<RunId, StoreError> {
        let run = locked(&self.shared.control).add_run(spec, &super::device())?;
        self.shared.enqueue(Lane::of(spec), run);
        Ok(run)
    }

    /// Asks a running run to hold at its next checkpoint; the next one of the queue then has its place.
    pub fn pause(&self, run: RunId) {
        let waited = {
            let mut board = locked(&self.shared.board);
            let Some(sat) = board.current.get(&run) else { return };
            sat.context.pause();
            let before = board.queue.len();
            board.queue.retain(|&(_, waiting)| waiting != run);
            board.queue.len() < before
        };
        // It was to go on, and had not yet.
        if waited {
            self.shared.enter(run, RunState::Paused, None);
        }
    }

    /// Lets a paused run go on as soon as no other of its lane works, before those that have not begun; or queues an
    /// interrupted, failed or cancelled one to continue from its last commit.
    pub fn resume(&self, run: RunId) -> Result<(), StoreError> {
        {
            let mut board = locked(&self.shared.board);
            if board.waits(run) {
                return Ok(());
            }
            if let Some(sat) = board.current.get(&run) {
                let lane = sat.lane;
                if sat.held && !board.is_free(lane) {
                    board.queue.push_front((lane, run));
                    drop(board);
                    self.shared.enter(run, RunState::Queued, None);
                } else if let Some(sat) = board.current.get_mut(&run) {
                    sat.held = false;
                    sat.context.go_on();
                }
                return Ok(());
            }
        }
        let lane = {
            let control = locked(&self.shared.control);
            control.queue(run)?;
            Lane::of(&control.run(run)?.spec)
        };
        self.shared.enqueue(lane, run);
        Ok(())
    }

    /// Takes a run out of the queue or stops it at its next checkpoint; what it committed stays.
    pub fn cancel(&self, run: RunId) {
        let waited = {
            let mut board = locked(&self.shared.board);
            let before = board.queue.len();
            board.queue.retain(|&(_, waiting)| waiting != run);
            match board.current.get(&run) {
                Some(sat) => {
                    sat.context.stop(Stop::Cancel);
                    false
                }
                None => board.queue.len() < before,
            }
        };
        if waited {
            self.shared.enter(run, RunState::Cancelled, None);
        }
    }

    /// Events since the last call, oldest first. Never blocks.
    pub fn drain(&self) -> Vec<Event> {
        locked(&self.shared.events).waiting.drain(..).collect()
    }

    /// Whether anything is queued, running or paused.
    pub fn busy(&self) -> bool {
        let board = locked(&self.shared.board);
        !board.queue.is_empty() || !board.current.is_empty()
    }

    /// Begins no run any more, and stops those under way at their next checkpoint, without waiting for them.
    pub fn close(&self) {
        let mut board = locked(&self.shared.board);
        board.closing = true;
        for sat in board.current.values() {
            sat.context.stop(Stop::Interrupt);
        }
        drop(board);
        self.shared.changed.notify_all();
    }

    /// Marks running work interrupted ([`Runner::resume`] goes on with it, also in a later process) and joins the
    /// workers. What is queued stays so.
    pub fn shut_down(self) {
        self.close();
        let workers = std::mem::take(&mut *locked(&self.shared.workers));
        for worker in workers {
            // A worker catches the panics of its runs; one of its own has been printed, and there is nothing to save.
            worker.join().ok();
        }
    }
}

impl Shared {
    /// Adds an event and wakes whoever drains them; results that come too soon after others wait for the next event
    /// that may tell them, at the latest the run's next state.
    fn push(&self, event: Event) {
        if locked(&self.events).take(event) {
            (self.wake)();
        }
    }

    fn enqueue(&self, lane: Lane, run: RunId) {
        locked(&self.board).queue.push_back((lane, run));
        self.push(Event::State { run, state: RunState::Queued, message: None });
        self.changed.notify_all();
    }

    /// Writes a state and tells of it.
    fn enter(&self, run: RunId, state: RunState, message: Option<String>) {
        let written = locked(&self.control).set_state(run, state, message.as_deref());
        let message = message.or_else(|| written.err().map(|error| error.to_string()));
        self.push(Event::State { run, state, message });
    }

    /// Starts a thread that works on runs of `lane`.
    fn add_worker(self: &Arc<Self>, lane: Lane) -> Result<(), StoreError> {
        let project = Project::open_beside(&self.directory)?;
        let shared = self.clone();
        locked(&self.workers).push(thread::spawn(move || shared.work(lane, &project)));
        Ok(())
    }

    /// The life of a worker thread.
    fn work(self: &Arc<Self>, lane: Lane, project: &Project) {
        while let Some((run, context)) = self.next(lane) {
            self.sit(project, run, &context);
            let spare = {
                let mut board = locked(&self.board);
                board.current.remove(&run);
                board.idle.get(&lane).is_some_and(|&idle| idle > 0)
            };
            self.changed.notify_all();
            (self.wake)();
            if spare {
                // It was begun beside a paused run, or a paused run has ended beside it.
                return;
            }
        }
    }

    /// Waits for a run of this lane; `None` when the runner closes.
    fn next(self: &Arc<Self>, lane: Lane) -> Option<(RunId, Arc<JobContext>)> {
        let mut board = locked(&self.board);
        *board.idle.entry(lane).or_default() += 1;
        let found = loop {
            if board.closing {
                break None;
            }
            let place = board.queue.iter().position(|&(of, _)| of == lane).filter(|_| board.is_free(lane));
            if let Some((_, run)) = place.and_then(|place| board.queue.remove(place)) {
                if let Some(sat) = board.current.get_mut(&run) {
                    sat.held = false;
                    sat.context.go_on();
                    continue;
                }
                let context = self.context(run);
                board.current.insert(run, Sat { lane, context: context.clone(), held: false });
                break Some((run, context));
            }
            board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
        };
        if let Some(idle) = board.idle.get_mut(&lane) {
            *idle -= 1;
        }
        found
    }

    /// Progress and pauses of a run, told as events.
    fn context(self: &Arc<Self>, run: RunId) -> Arc<JobContext> {
        let shared = Arc::downgrade(self);
        Arc::new(JobContext::new(move |signal| {
            let Some(shared) = shared.upgrade() else { return };
            match signal {
                Signal::Progress { stage, done, total, rate, seconds_left } => {
                    shared.push(Event::Progress { run, stage, done, total, rate, seconds_left });
                }
                Signal::Paused => shared.hold(run),
                Signal::Continued => {
                    if let Some(sat) = locked(&shared.board).current.get_mut(&run) {
                        sat.held = false;
                    }
                    shared.enter(run, RunState::Running, None);
                }
            }
        }))
    }

    /// A run holds: its lane is free for the next one, which needs a thread.
    fn hold(self: &Arc<Self>, run: RunId) {
        let alone = {
            let mut board = locked(&self.board);
            let closing = board.closing;
            let lane = board.current.get_mut(&run).map(|sat| {
                sat.held = true;
                sat.lane
            });
            lane.filter(|lane| !closing && board.idle.get(lane).is_none_or(|&idle| idle == 0))
        };
        self.changed.notify_all();
        let problem = alone.and_then(|lane| self.add_worker(lane).err());
        let message = problem.map(|error| format!("paused, but the runs behind it cannot start meanwhile: {error}"));
        self.enter(run, RunState::Paused, message);
    }

    /// One sitting of one run.
    fn sit(&self, project: &Project, run: RunId, context: &JobContext) {
        match project.begin(run, &super::device()) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                self.push(Event::State { run, state: RunState::Failed, message: Some(error.to_string()) });
                return;
            }
        }
        self.push(Event::State { run, state: RunState::Running, message: None });
        let sitting = Sitting {
            project,
            library: &self.library,
            run,
            progress: context,
            clock: &|| context.seconds(),
            committed: &|| self.push(Event::Results { run }),
            stopped_as: &|| match context.stopped() {
                // It had been asked to go on: the next opening of the project lets it.
                Some(Stop::Interrupt) if locked(&self.board).waits(run) => RunState::Queued,
                Some(Stop::Interrupt) => RunState::Interrupted,
                Some(Stop::Cancel) | None => RunState::Cancelled,
            },
        };
        let (state, outcome) = sitting.carry_out();
        let message = match outcome {
            Ok(outcome) => outcome.warning().map(str::to_owned),
            Err(JobError::Cancelled) => None,
            Err(error) => Some(error.to_string()),
        };
        self.push(Event::State { run, state, message });
    }
}

impl Outbox {
    /// Adds an event; only the latest progress of a run, and one sign of new results, wait to be drained. False if the
    /// event is told later.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Results { run } => {
                let now = Instant::now();
                if let Some((told, more)) = self.results.get_mut(&run)
                    && now.duration_since(*told) < RESULTS_GAP
                {
                    *more = true;
                    return false;
                }
                self.results.insert(run, (now, false));
            }
            Event::State { run, .. } => {
                if let Some((_, true)) = self.results.remove(&run) {
                    self.add(Event::Results { run });
                }
            }
            Event::Progress { .. } => {}
        }
        self.add(event);
        true
    }

    fn add(&mut self, event: Event) {
        self.waiting.retain(|old| match (old, &event) {
            (Event::Progress { run: old, .. }, Event::Progress { run, .. })
            | (Event::Results { run: old }, Event::Results { run }) => old != run,
            _ => true,
        });
        self.waiting.push_back(event);
    }
}

/// What a stored run would touch beyond the project's folder and the shipped models, in words.
fn reaches_outside(project: &Project, spec: &RunSpec) -> Option<String> {
    let model = |reference: &str| {
        if folder_of(Some(project), reference).is_some() {
            return None;
        }
        match ModelSource::parse(reference) {
            Ok(ModelSource::Shipped(_) | ModelSource::Toy(_)) | Err(_) => None,
            Ok(ModelSource::Folder(folder)) => Some(format!("it reads the folder {}", folder.display())),
            Ok(ModelSource::Hub { repository, .. }) => Some(format!("it downloads {repository}")),
        }
    };
    // Random weights take their shape from a model that is read all the same.
    let model = |reference: &str| {
        let mut reference = reference.trim();
        while let Some(rest) = reference.strip_prefix("random-like:") {
            reference = rest.rsplit_once(",seed=").map_or(rest, |(like, _)| like).trim();
        }
        model(reference)
    };
    match spec {
        RunSpec::Certify(spec) => model(&spec.model),
        RunSpec::Survey(spec) => {
            std::iter::once(&spec.model).chain(&spec.beside).find_map(|reference| model(reference))
        }
        RunSpec::Mix(spec) => model(&spec.model),
        RunSpec::Exact(spec) => model(&spec.model),
        RunSpec::Escape(spec) => model(&spec.model),
        RunSpec::Phase(spec) => spec.subjects().find_map(model),
        RunSpec::Trajectories(spec) => model(&spec.model),
        RunSpec::Lottery(_) | RunSpec::VerifyPanel(_) | RunSpec::ImportVerdicts(_) => None,
        RunSpec::TrainMlm(spec) => [&spec.text, &spec.out]
            .into_iter()
            .find(|path| project.inside(path).is_err())
            .map(|path| format!("it uses {}", path.display())),
        RunSpec::Train(spec) => [Some(&spec.preferences), Some(&spec.out), spec.people.as_ref()]
            .into_iter()
            .flatten()
            .find(|path| project.inside(path).is_err())
            .map(|path| format!("it uses {}", path.display()))
            .or_else(|| model(&spec.model)),
        RunSpec::ImportTrl(spec) => [&spec.job, &spec.trained]
            .into_iter()
            .find(|path| project.inside(path).is_err())
            .map(|path| format!("it uses {}", path.display())),
        RunSpec::Judge(_) | RunSpec::Questions(_) | RunSpec::Collect(_) => {
            let file = |path: &PathBuf| project.inside(path).is_err().then(|| format!("it reads {}", path.display()));
            let speaks = |speaker: &Speaker| match speaker {
                // With a key of this machine, and to wherever the project's author wrote.
                Speaker::Provider { provider, .. } => Some(format!("it sends texts to {}", provider.base_url)),
                Speaker::Local { model: reference, adapter, .. } => {
                    adapter.as_ref().and_then(file).or_else(|| model(reference))
                }
                Speaker::Mock { .. } => None,
            };
            spec.speakers().find_map(speaks).or_else(|| spec.answer_files().find_map(file))
        }
        RunSpec::ImportComparisons(spec) => {
            project.inside(&spec.file).is_err().then(|| format!("it reads {}", spec.file.display()))
        }
        RunSpec::Fetch(spec) => Some(format!("it downloads {}", spec.model)),
        RunSpec::Verify(spec) => {
            let certificate = serde_json::from_str::<crate::glauber::certificate::Certificate>(&spec.certificate);
            certificate.ok().and_then(|certificate| model(&certificate.model.reference))
        }
    }
}
