//! The sample that a training can begin with: made-up raters with their preferences, and a lottery over them.

use std::path::Path;
use std::sync::Arc;

use crate::dempo::population::{Population, Size};
use crate::formats::population_files::write_population;
use crate::formats::whole_file;
use crate::progress::{Cancelled, Progress};
use crate::sortition::algorithm::Algorithm;
use crate::sortition::audit::AuditFile;
use crate::sortition::lottery_run::{self, LotteryError, LotterySpec};

/// The name of the lottery's audit file beside the population's own files.
pub const LOTTERY: &str = "lottery.json";
/// What the sample's panel is drawn with, as if a die had shown it.
const DRAWN_WITH: &str = "sample";

/// Why there is no sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn failed(error: impl std::fmt::Display) -> SampleError {
    SampleError::Failed(error.to_string())
}

/// Makes a population of this size up, holds a leximin lottery over it, draws a panel, and writes all of it into `folder`.
///
/// # Errors
/// [`SampleError`], with a remedy.
pub fn write_sample(folder: &Path, size: Size, seed: u64, progress: &dyn Progress) -> Result<(), SampleError> {
    progress.stage("making up raters");
    let made = Population::new(size, seed).map_err(failed)?;
    progress.checkpoint()?;
    progress.stage("holding the lottery");
    let spec = LotterySpec {
        version: 1,
        pool: Arc::new(made.pool.clone()),
        quotas: made.quotas.clone(),
        one_per_household: false,
        algorithm: Algorithm::Leximin,
        draws: 1000,
        seed,
        before: None,
    };
    let result = lottery_run::run(&spec, progress).map_err(|error| match error {
        LotteryError::Cancelled(cancelled) => SampleError::Cancelled(cancelled),
        other => failed(other),
    })?;
    let mut audit = AuditFile::new(&spec, &result).map_err(failed)?;
    audit.draw(DRAWN_WITH).map_err(failed)?;
    progress.stage("writing the sample");
    write_population(folder, &made).map_err(SampleError::Failed)?;
    let text = serde_json::to_string_pretty(&audit).map_err(failed)?;
    let path = folder.join(LOTTERY);
    whole_file::write(&path, text.as_bytes()).map_err(|error| {
        failed(format!("the file cannot be written: {error}. Free some space and try again ({})", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::rater_lottery::last_draw;
    use crate::formats::preferences::PreferenceFile;
    use crate::progress::Silent;

    #[test]
    fn a_sample_is_whole_and_the_same_again() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size { raters: 120, pairs_per_rater: 4, panel: 12 };
        write_sample(folder.path(), size, 3, &Silent).unwrap();
        let text = std::fs::read_to_string(folder.path().join(LOTTERY)).unwrap();
        let audit = AuditFile::from_json(&text).unwrap();
        assert_eq!((audit.people.len(), last_draw(&audit).unwrap().len()), (120, 12));
        let file = PreferenceFile::open(&folder.path().join("preferences.jsonl"), &Silent).unwrap();
        assert!(audit.people.iter().all(|person| file.raters().contains(&person.id)));
        write_sample(folder.path(), size, 3, &Silent).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join(LOTTERY)).unwrap(), text);
    }
}
