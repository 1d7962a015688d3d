//! What the form's files and lotteries hold, read on background threads: raters, people, chances, and what weights would do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::draft::{Draft, LotterySource};
use crate::dempo::monitor::Groups;
use crate::dempo::rater_lottery::{RaterLottery, last_draw};
use crate::formats::preferences::PreferenceFile;
use crate::jobs::train::{Outlook, TrainSpec, outlook};
use crate::progress::Silent;
use crate::sortition::audit::AuditFile;
use crate::store::{Project, RunId};
use crate::ui::context::TabContext;
use crate::ui::dialogs::expanded;
use crate::ui::tabs::panel::drawn;
use crate::ui::tabs::shared::following::Following;

/// Largest audit file that is read.
const MOST_BYTES: u64 = 256 << 20;

/// Whose preferences a file holds.
#[derive(Debug, PartialEq)]
pub struct Raters {
    pub ids: Vec<String>,
    pub rater_of: Vec<u32>,
    pub sha256: String,
    /// When the file was changed last, and its length.
    stamp: Option<(SystemTime, u64)>,
}

impl Raters {
    /// Reads a file, unless it is still what `known` was read from.
    fn read(path: &Path, known: Option<Arc<Self>>) -> Result<Arc<Self>, String> {
        let stamp = std::fs::metadata(path).ok().and_then(|found| Some((found.modified().ok()?, found.len())));
        if let Some(known) = known
            && stamp.is_some()
            && known.stamp == stamp
        {
            return Ok(known);
        }
        let file = PreferenceFile::open(path, &Silent).map_err(|error| error.to_string())?;
        let (ids, rater_of) = (file.raters().to_vec(), file.raters_of_pairs());
        Ok(Arc::new(Self { ids, rater_of, sha256: file.sha256().to_owned(), stamp }))
    }
}

/// What the table of people tells of the raters.
#[derive(Clone, Debug, PartialEq)]
pub struct PeopleSeen {
    pub attributes: Vec<String>,
    /// Raters whom it does not name.
    pub unknown: usize,
}

/// A lottery, as a scheme uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chances {
    /// The panel that was drawn last.
    pub panel: Option<Vec<String>>,
    pub inclusion: BTreeMap<String, f64>,
}

impl Chances {
    fn new(file: &AuditFile) -> Result<Self, String> {
        let lottery = RaterLottery::new(file, &[]).map_err(|error| error.to_string())?;
        let panel = last_draw(file).map(|members| members.into_iter().map(str::to_owned).collect());
        Ok(Self { panel, inclusion: lottery.people.into_iter().zip(lottery.inclusion).collect() })
    }

    fn of_file(path: &Path) -> Result<Self, String> {
        let place = path.display();
        let size = std::fs::metadata(path).map_err(|e| format!("the audit file cannot be read: {e} ({place})"))?.len();
        if size > MOST_BYTES {
            return Err(format!("the audit file is larger than {} MB ({place})", MOST_BYTES >> 20));
        }
        let text =
            std::fs::read_to_string(path).map_err(|e| format!("the audit file cannot be read: {e} ({place})"))?;
        let file = AuditFile::from_json(&text).map_err(|error| {
            format!("this is no audit file: {error}. The Panel tab and `panel lottery` write them ({place})")
        })?;
        Self::new(&file)
    }

    fn of_run(directory: &Path, run: RunId) -> Result<Self, String> {
        let project = Project::open_reader(directory).map_err(|error| error.to_string())?;
        match drawn::of_run(&project, run).map_err(|error| error.to_string())? {
            None => Err("this lottery has no result yet: wait for its end, or choose another".to_owned()),
            Some(file) => Self::new(&file?),
        }
    }
}

/// A path of the form: inside the project where it is relative.
pub fn place(directory: &Path, text: &str) -> PathBuf {
    directory.join(expanded(text.trim()))
}

/// The answers, each to the question that the form asks now.
#[derive(Default)]
pub struct Sources {
    raters: Following<(PathBuf, u64), Result<Arc<Raters>, String>>,
    people: Following<(PathBuf, String), Result<PeopleSeen, String>>,
    chances: Following<(LotterySource, u64), Result<Chances, String>>,
    outlook: Following<(Arc<TrainSpec>, String), Result<Outlook, String>>,
    /// Grows when the tab comes back into view: meanwhile a panel may have been drawn, or a file have changed.
    visit: u64,
    frame: u64,
}

impl Sources {
    /// Asks what the form needs to know now.
    pub fn follow(&mut self, context: &TabContext<'_>, draft: &Draft, frame: u64) {
        if frame > self.frame + 1 {
            self.visit += 1;
        }
        self.frame = frame;
        if draft.preferences.trim().is_empty() {
            self.raters.clear();
        } else {
            let path = place(context.directory, &draft.preferences);
            // Another file's stamp may be the same by chance: only the same path is not read again.
            let same = self.raters.question().is_some_and(|(before, _)| *before == path);
            let known = self.raters.latest().and_then(|raters| raters.as_ref().ok()).filter(|_| same).cloned();
            self.raters.follow(context, (path.clone(), self.visit), move || Raters::read(&path, known));
        }
        match self.raters().and_then(|raters| raters.as_ref().ok()).cloned() {
            Some(raters) if !draft.people.trim().is_empty() => {
                let path = place(context.directory, &draft.people);
                self.people.follow(context, (path.clone(), raters.sha256.clone()), move || seen(&path, &raters.ids));
            }
            _ => self.people.clear(),
        }
        match &draft.lottery {
            LotterySource::None | LotterySource::Kept => self.chances.clear(),
            LotterySource::Run(run) => {
                let (directory, run) = (context.directory.clone(), RunId(*run));
                let version = context.versions.get(&run).copied().unwrap_or(0) + (self.visit << 32);
                self.chances
                    .follow(context, (draft.lottery.clone(), version), move || Chances::of_run(&directory, run));
            }
            LotterySource::File(text) => {
                let path = place(context.directory, text);
                self.chances.follow(context, (draft.lottery.clone(), self.visit), move || Chances::of_file(&path));
            }
        }
    }

    /// Asks what the weights of `spec` would do.
    pub fn follow_outlook(&mut self, context: &TabContext<'_>, spec: Option<&Arc<TrainSpec>>) {
        let raters = self.raters().and_then(|raters| raters.as_ref().ok()).cloned();
        if let (Some(spec), Some(raters)) = (spec, raters) {
            let (asked, of) = (spec.clone(), (spec.clone(), raters.sha256.clone()));
            self.outlook.follow(context, of, move || outlook(&asked, &raters.ids, &raters.rater_of));
        }
    }

    /// Reads everything again: files were written.
    pub fn refresh(&mut self) {
        self.visit += 1;
        self.raters.clear();
        self.people.clear();
    }

    pub fn raters(&mut self) -> Option<&Result<Arc<Raters>, String>> {
        self.raters.current()
    }

    pub fn reading(&mut self) -> bool {
        self.raters.waiting()
    }

    pub fn people(&mut self) -> Option<&Result<PeopleSeen, String>> {
        self.people.current()
    }

    pub fn chances(&mut self) -> Option<&Result<Chances, String>> {
        self.chances.current()
    }

    /// Grows with every lottery that is read.
    pub fn lotteries_asked(&self) -> u64 {
        self.chances.asked()
    }

    pub fn outlook(&mut self) -> Option<&Result<Outlook, String>> {
        self.outlook.latest()
    }
}

fn seen(path: &Path, ids: &[String]) -> Result<PeopleSeen, String> {
    let read = crate::formats::table::read(path, None).map_err(|error| error.to_string())?;
    let groups = Groups::new(&read.table, ids)?;
    Ok(PeopleSeen {
        attributes: groups.attributes.into_iter().map(|attribute| attribute.name).collect(),
        unknown: groups.unknown,
    })
}
