//! What threads tell the workbench, and what it does about it.

use std::path::PathBuf;
use std::time::Instant;

use eframe::egui;

use super::files::{self, Dropped, WriteError};
use super::project_thread::{Opening, Reply, Request};
use super::{OpenProject, Problem, ProjectState, Workbench, home_of};
use crate::figures::number;
use crate::jobs::runner::Event;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunState};
use crate::ui::command::{Command, JudgingPath, TabKind, TrainingPath};
use crate::ui::context::RunProgress;
use crate::ui::dialogs::{Dialog, Export};
use crate::ui::format;
use crate::ui::log_panel::Level;
use crate::ui::recent::{self, RecentProject};

/// An answer of a thread.
#[derive(Debug)]
pub(super) enum Message {
    /// From the project thread of this generation.
    Project(u64, Reply),
    /// The file chooser of dialog `id` came back; `quick` if no person can have been that fast.
    Chosen {
        id: u64,
        path: Option<PathBuf>,
        quick: bool,
    },
    Written {
        export: Export,
        path: PathBuf,
        result: Result<(), WriteError>,
    },
    Dropped(Vec<Dropped>),
    Sentences(Result<(String, Vec<String>), String>),
    /// A certificate or an audit file, as the run that checks it.
    Verifiable(Result<Box<RunSpec>, String>),
    Duplicated(Result<PathBuf, String>),
    SampleCopied(Result<PathBuf, String>),
    SettingsSaved,
    Revealed,
    Failed(String),
}

impl Workbench {
    pub(super) fn receive(&mut self, ctx: &egui::Context) {
        while let Ok(message) = self.messages.try_recv() {
            self.handle(ctx, message);
        }
        if let ProjectState::Open(open, _) = &mut self.project {
            open.answers.extend(open.session.drain());
        }
    }

    fn handle(&mut self, ctx: &egui::Context, message: Message) {
        if let Message::Project(generation, reply) = message {
            if generation == self.generation {
                self.project_replied(reply);
            }
            return;
        }
        self.tasks = self.tasks.saturating_sub(1);
        match message {
            Message::Project(..) | Message::SettingsSaved | Message::Revealed => {}
            Message::Chosen { id, path, quick } => self.chosen(id, path, quick),
            Message::Written { export, path, result } => match result {
                Ok(()) => self.tell(Level::Success, format!("Saved {}", path.display())),
                Err(WriteError::Exists) => self.dialog = Some(Dialog::Replace { export, path }),
                Err(WriteError::Failed(why)) => self.tell(Level::Error, why),
            },
            Message::Dropped(list) => {
                for dropped in list {
                    self.dropped(ctx, dropped);
                }
            }
            Message::Sentences(Ok((name, sentences))) => self.request(Request::PutSentences(name, sentences)),
            Message::Verifiable(Ok(spec)) => {
                self.tab = home_of(spec.kind());
                self.apply(ctx, Command::StartRun(spec));
            }
            Message::Duplicated(Ok(path)) => self.tell(Level::Success, format!("Copied to {}", path.display())),
            Message::SampleCopied(Ok(path)) => self.apply(ctx, Command::OpenProject(path)),
            Message::Sentences(Err(why))
            | Message::Verifiable(Err(why))
            | Message::Duplicated(Err(why))
            | Message::SampleCopied(Err(why))
            | Message::Failed(why) => self.tell(Level::Error, why),
        }
    }

    fn project_replied(&mut self, reply: Reply) {
        match reply {
            Reply::Opened(opened) => {
                let ProjectState::Opening(_, thread) = std::mem::replace(&mut self.project, ProjectState::None) else {
                    return;
                };
                let drafts = opened.drafts.clone();
                let open = OpenProject::new(*opened, self.library.clone(), self.wake.clone());
                let opened = jiff::Timestamp::now().to_string();
                let entry = RecentProject { name: open.info.name.clone(), directory: open.directory.clone(), opened };
                recent::remember(&mut self.settings.recent, entry);
                self.settings.project_folder = open.directory.parent().map(PathBuf::from);
                self.log.add(Level::Info, format!("Opened {}", open.directory.display()));
                let interrupted = open.runs.iter().filter(|run| run.state == RunState::Interrupted).count();
                self.project = ProjectState::Open(Box::new(open), thread);
                self.open_drafts(&drafts);
                // A project that came back because another would not open leaves the reason in view.
                self.tab = if self.problem.is_some() { TabKind::Home } else { TabKind::Certify };
                if interrupted > 0 {
                    let runs = number::counted(interrupted as u64, "run was", "runs were");
                    self.tell(Level::Warning, format!("{runs} interrupted. Resume in the Runs tab."));
                }
                self.scan_home();
            }
            Reply::OpenFailed(message) => {
                if let ProjectState::Opening(directory, thread) =
                    std::mem::replace(&mut self.project, ProjectState::None)
                {
                    self.log.add(Level::Error, message.clone());
                    self.leaving = thread.close();
                    if let Some(before) = self.before.take() {
                        self.begin_opening(Opening::Existing(before));
                    }
                    self.problem = Some(Problem { directory, message: format::sentence(&message) });
                    self.tab = TabKind::Home;
                    self.scan_home();
                }
            }
            Reply::DraftSaved => self.unsaved = self.unsaved.saturating_sub(1),
            Reply::Refused(why) => self.tell(Level::Error, why),
            Reply::Runs(runs) => {
                if let ProjectState::Open(open, _) = &mut self.project {
                    open.set_runs(runs);
                }
            }
            Reply::Run(row) => {
                if let ProjectState::Open(open, _) = &mut self.project {
                    open.set_run(*row);
                }
            }
            Reply::Started(run) => self.started(run),
            Reply::PoolStored(pool, people) => {
                self.panel.take_pool(pool);
                self.draft_edited(TabKind::Panel);
                let people = number::counted(people as u64, "person", "people");
                self.tell(Level::Success, format!("{people} stored in this project"));
            }
            Reply::Sentences { name, count, lists } => {
                if let ProjectState::Open(open, _) = &mut self.project {
                    open.sentence_lists = lists;
                }
                let count = number::counted(count as u64, "sentence", "sentences");
                self.tell(Level::Success, format!("Imported {count} as {name}"));
            }
            Reply::Events(events) => {
                for event in events {
                    self.run_event(event);
                }
            }
        }
    }

    /// A run was stored: the tab that shows its kind follows it.
    fn started(&mut self, run: RunId) {
        let Some(kind) = self.open().and_then(|open| open.run(run)).map(|row| row.kind.clone()) else { return };
        self.log.add(Level::Info, format!("Run {} ({}) queued", run.0, format::run_kind(&kind).to_lowercase()));
        match (home_of(&kind), self.tab) {
            (TabKind::Certify, TabKind::Certify) => self.certify.show_run(run),
            (TabKind::Mixing, TabKind::Mixing) => self.mixing.show_run(run),
            (TabKind::Trajectories, TabKind::Trajectories) => self.trajectories.show_run(run),
            (TabKind::Panel, TabKind::Panel) if kind == "verify-panel" => self.panel.show_audit(run),
            (TabKind::Panel, TabKind::Panel) => self.panel.show_run(run),
            (TabKind::Training, TabKind::Training) => self.training.show_run(run),
            (TabKind::Judging, TabKind::Judging) => self.judging.show_run(run),
            (TabKind::EigenBench, TabKind::EigenBench) => self.eigenbench.show_run(run),
            _ => self.runs.select(run),
        }
    }

    fn run_event(&mut self, event: Event) {
        let ProjectState::Open(open, _) = &mut self.project else { return };
        match event {
            Event::Results { run } => *open.versions.entry(run).or_default() += 1,
            Event::Progress { run, stage, done, total, rate, seconds_left } => {
                let known = open.progress.entry(run).or_default();
                *known =
                    RunProgress { stage, done, total, rate, seconds_left, worked: known.worked, since: known.since };
            }
            Event::State { run, state, message } => {
                *open.versions.entry(run).or_default() += 1;
                let mut kind = String::from("run");
                for row in open.runs.iter_mut().chain(&mut open.all_runs).filter(|row| row.id == run) {
                    row.state = state;
                    kind = format::run_kind(&row.kind);
                }
                let stored = open.run(run).map_or(0.0, |row| row.seconds);
                match state {
                    RunState::Running => {
                        let known = open
                            .progress
                            .entry(run)
                            .or_insert_with(|| RunProgress { worked: stored, ..RunProgress::default() });
                        known.since.get_or_insert_with(Instant::now);
                    }
                    RunState::Paused => {
                        let known = open.progress.entry(run).or_default();
                        (known.worked, known.since) = (known.seconds_worked(), None);
                    }
                    _ => drop(open.progress.remove(&run)),
                }
                let name = format!("Run {} ({})", run.0, kind.to_lowercase());
                match (state, message) {
                    (RunState::Done, Some(why)) => self.tell(Level::Warning, format!("{name}: {why}")),
                    (RunState::Done, None) => self.tell(Level::Success, format!("{name} is done")),
                    (RunState::Failed, Some(why)) => self.tell(Level::Error, format!("{name} failed: {why}")),
                    (RunState::Failed, None) => self.tell(Level::Error, format!("{name} failed")),
                    (state, _) => {
                        let word = format::run_state(state).to_lowercase();
                        self.log.add(Level::Info, format!("{name} is {word}"));
                    }
                }
            }
        }
    }

    fn chosen(&mut self, id: u64, path: Option<PathBuf>, quick: bool) {
        let Some(Dialog::Path(dialog)) = &mut self.dialog else { return };
        if dialog.id != id {
            return;
        }
        dialog.browsing = false;
        match path {
            Some(path) => {
                dialog.path = path.display().to_string();
                dialog.note = None;
            }
            None if quick => {
                dialog.note = Some(
                    "No file chooser answered (Linux needs xdg-desktop-portal or zenity). Type the path, or drop the \
                     file on the window."
                        .to_owned(),
                );
            }
            None => {}
        }
    }

    pub(super) fn take_dropped(&mut self, ctx: &egui::Context) {
        let paths: Vec<PathBuf> =
            ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_path_buf()).collect());
        if !paths.is_empty() {
            self.background(move || Message::Dropped(paths.into_iter().map(files::classify).collect()));
        }
    }

    fn dropped(&mut self, ctx: &egui::Context, dropped: Dropped) {
        match dropped {
            Dropped::Project(directory) => self.apply(ctx, Command::OpenProject(directory)),
            Dropped::Sentences(_)
            | Dropped::Verifiable(_)
            | Dropped::People(_)
            | Dropped::Quotas(_)
            | Dropped::Preferences(_)
                if !self.project_open() =>
            {
                self.tell(Level::Warning, "Open a project first, then drop the file again.");
            }
            Dropped::Quotas(path) => {
                self.tab = TabKind::Panel;
                self.panel.read_quotas(path);
            }
            Dropped::Preferences(path) => {
                self.tab = TabKind::Training;
                self.training.take_source(path);
            }
            Dropped::Sentences(path) | Dropped::People(path) | Dropped::Verifiable(path)
                if self.tab == TabKind::Judging =>
            {
                self.judging.take_path(JudgingPath::Constitution, path);
            }
            Dropped::Sentences(path) | Dropped::People(path) | Dropped::Verifiable(path)
                if self.tab == TabKind::EigenBench =>
            {
                self.eigenbench.take_dropped(path);
            }
            // A table means preferences where these are asked for, and people where people are.
            Dropped::Sentences(path) | Dropped::People(path) if self.tab == TabKind::Training => {
                self.training.take_source(path);
            }
            Dropped::Sentences(path) | Dropped::People(path) if self.tab == TabKind::Panel => self.panel.preview(path),
            Dropped::People(path) => {
                self.tab = TabKind::Panel;
                self.panel.preview(path);
            }
            Dropped::Sentences(path) => self.background(move || Message::Sentences(files::read_sentences(&path))),
            // An audit file is the lottery of the form where one is asked for.
            Dropped::Verifiable(path) if self.tab == TabKind::Training => {
                self.training.take_path(TrainingPath::Lottery, path);
            }
            Dropped::Verifiable(path) => {
                self.background(move || Message::Verifiable(files::read_verifiable(&path).map(Box::new)));
            }
            Dropped::Unknown(path) => self.tell(
                Level::Warning,
                format!(
                    "This is neither a project folder, nor sentences (txt, csv), nor people or quotas (csv, xlsx), nor preferences (parquet, a folder of PRISM), nor a certificate or audit file (json). {}",
                    path.display()
                ),
            ),
        }
    }
}
