//! What the centre draws of one run, read on a background thread: only what is new since the view before.

use std::sync::Arc;

use crate::dempo::monitor::{Groups, Notice, Sample, notices};
use crate::dempo::training::{EvaluationReport, StepReport, Visited};
use crate::jobs::spec::RunSpec;
use crate::jobs::train::{GROUPS, PLAN, TrainPlan};
use crate::store::{Project, RunId, StoreError, TrainingStepRow};

/// Name of a run's sample answers.
const SAMPLES: &str = "samples";
/// Steps whose visits are grouped.
pub const RECENT: u64 = 20;

/// Everything known of a run.
#[derive(Clone)]
pub struct View {
    /// Another number for every view, so that what is made from one is made anew from the next.
    pub serial: u64,
    pub steps: Arc<Vec<TrainingStepRow>>,
    pub evaluations: Arc<Vec<EvaluationReport>>,
    pub plan: Option<Arc<TrainPlan>>,
    pub groups: Option<Arc<Groups>>,
    pub samples: Arc<Vec<Sample>>,
    /// Pairs of the last [`RECENT`] steps, or of as many as there are.
    pub recent: Arc<Vec<Visited>>,
    pub recent_steps: u64,
    /// Visits of each rater so far, by place.
    pub visits: Arc<Vec<u64>>,
    pub notices: Arc<Vec<Notice>>,
    /// Pairs of a whole step.
    pub window: usize,
    /// Bytes that the program holds, where the system tells.
    pub memory: Option<u64>,
}

impl View {
    /// Reads what `run` has come to since `known`.
    pub fn load(project: &Project, run: RunId, spec: &RunSpec, known: Option<&Self>) -> Result<Self, StoreError> {
        let before = known.and_then(|known| known.steps.last()).map_or(0, |row| row.report.step);
        let new = project.training_steps(run, before)?;
        let mut steps = known.map(|known| known.steps.clone()).unwrap_or_default();
        let mut visits = known.map(|known| known.visits.clone()).unwrap_or_default();
        let mut recent = known.map(|known| known.recent.clone()).unwrap_or_default();
        if let Some(last) = new.last().map(|row| row.report.step) {
            let first = (last + 1).saturating_sub(RECENT).max(1);
            let pairs = project.training_visits(run, before + 1, last)?;
            let counts = Arc::make_mut(&mut visits);
            for visit in &pairs {
                let place = visit.rater as usize;
                if counts.len() <= place {
                    counts.resize(place + 1, 0);
                }
                counts[place] += 1;
            }
            recent = Arc::new(project.training_visits(run, first, last)?);
            Arc::make_mut(&mut steps).extend(new);
        }
        let plan = match known.and_then(|known| known.plan.clone()) {
            Some(plan) => Some(plan),
            None => project.document::<TrainPlan>(run, PLAN)?.map(Arc::new),
        };
        let groups = match known.and_then(|known| known.groups.clone()) {
            Some(groups) => Some(groups),
            None => project.document::<Groups>(run, GROUPS)?.map(Arc::new),
        };
        let evaluations = project.training_evaluations(run)?;
        let samples = project.document::<Vec<Sample>>(run, SAMPLES)?.unwrap_or_default();
        let window = match (spec, &plan) {
            (RunSpec::Train(spec), _) => spec.window,
            (_, Some(plan)) => plan.outlook.visits.div_ceil(plan.outlook.steps.max(1)) as usize,
            _ => 1,
        };
        if let (RunSpec::Train(spec), Some(plan)) = (spec, &plan)
            && spec.mode == crate::dempo::schedule::Mode::ImportanceSampling
        {
            // All losses count alike in this mode: a rater's weight is how often the rater is drawn.
            let pairs = plan.outlook.visits.max(1) as f64 / plan.outlook.raters.max(1) as f64;
            let weight = |visit: &mut Visited| {
                let often = plan.outlook.visits_per_rater.get(visit.rater as usize).copied().unwrap_or(0);
                visit.weight = often as f64 / pairs;
            };
            Arc::make_mut(&mut recent).iter_mut().for_each(weight);
        }
        let reports: Vec<StepReport> = steps.iter().map(|row| row.report.clone()).collect();
        let (effective, raters) =
            plan.as_ref().map_or((0.0, 0), |plan| (plan.outlook.effective_raters, plan.outlook.raters));
        Ok(Self {
            serial: known.map_or(0, |known| known.serial) + 1,
            notices: Arc::new(notices(&reports, &evaluations, effective, raters)),
            recent_steps: RECENT.min(steps.len() as u64),
            evaluations: Arc::new(evaluations),
            samples: Arc::new(samples),
            memory: resident_bytes(),
            steps,
            plan,
            groups,
            recent,
            visits,
            window,
        })
    }

    /// Visits until the end of a step.
    pub fn visits_after(&self, step: u64) -> f64 {
        let whole = step * self.window as u64;
        let all = self.plan.as_ref().map_or(whole, |plan| plan.outlook.visits);
        whole.min(all) as f64
    }

    /// Tokens that were learned from in a second, over the last steps; nothing before the second step.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let last = &self.steps[self.steps.len().saturating_sub(RECENT as usize + 1)..];
        let (first, end) = (last.first()?, last.last()?);
        let tokens: u64 = last.iter().skip(1).map(|row| row.report.tokens).sum();
        let seconds = end.seconds - first.seconds;
        (seconds > 0.0).then(|| tokens as f64 / seconds)
    }
}

/// Bytes of memory that the program holds now.
#[cfg(target_os = "linux")]
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[cfg(not(target_os = "linux"))]
fn resident_bytes() -> Option<u64> {
    None
}
