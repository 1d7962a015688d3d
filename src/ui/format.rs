//! Words for runs, rates and times of day, the same in every tab. Numbers: [`crate::figures::number`].

use crate::figures::number::{count, counted, percent};
use crate::glauber::experiments::escape::{Criterion, EscapeSpec};
use crate::jobs::spec::RunSpec;

/// `310/s`, `2.4/s`.
pub fn rate(per_second: f64) -> String {
    if per_second >= 10.0 { format!("{}/s", count(per_second.round() as u64)) } else { format!("{per_second:.1}/s") }
}

/// An RFC 3339 time in this machine's time zone, to the minute; the text itself if it is not one.
pub fn local_time(rfc3339: &str) -> String {
    match rfc3339.parse::<jiff::Timestamp>() {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// An error's message as a sentence: errors begin small, so that they can stand inside another.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A kind of run in words.
pub fn run_kind(kind: &str) -> String {
    match kind {
        "certify" => "Certify".to_owned(),
        "survey" => "Survey".to_owned(),
        "mix" => "Coupled pairs".to_owned(),
        "exact" => "Exact space".to_owned(),
        "escape" => "Escapes".to_owned(),
        "phase" => "Phase diagram".to_owned(),
        "trajectories" => "Trajectories".to_owned(),
        "train-mlm" => "Train a model".to_owned(),
        "train" => "Training".to_owned(),
        "import-trl" => "Training from TRL".to_owned(),
        "judge" => "Judging".to_owned(),
        "import-verdicts" => "Imported verdicts".to_owned(),
        "questions" => "Writing questions".to_owned(),
        "collect" => "EigenBench collection".to_owned(),
        "import-comparisons" => "Imported judgements".to_owned(),
        "fetch" => "Download".to_owned(),
        "lottery" => "Lottery".to_owned(),
        "verify" => "Verify".to_owned(),
        "verify-panel" => "Check an audit file".to_owned(),
        other => other.to_owned(),
    }
}

/// What a run is about, in a few words.
pub fn about(spec: &RunSpec) -> String {
    match spec {
        RunSpec::Certify(spec) => spec.sentence.clone(),
        RunSpec::Survey(spec) => counted(spec.sentences.len() as u64, "sentence", "sentences"),
        RunSpec::Mix(spec) => format!("n = {}, tau = {}, {} coupling", spec.length, spec.temperature, spec.coupling),
        RunSpec::Exact(spec) => format!("n = {}, tau = {}", spec.length, spec.temperature),
        RunSpec::Escape(spec) => format!(
            "n = {}, {}, {}",
            escape_lengths(spec),
            escape_rule(spec),
            counted(spec.temperatures.len() as u64, "temperature", "temperatures")
        ),
        RunSpec::Phase(spec) => {
            format!("{} temperatures, {} lengths", spec.grid.temperatures.len(), spec.grid.lengths.len())
        }
        RunSpec::Trajectories(spec) => {
            format!("{}, n = {}, tau = {}", counted(spec.chains, "chain", "chains"), spec.length, spec.temperature)
        }
        RunSpec::Lottery(spec) => format!("{}, {} of {}", spec.algorithm, spec.quotas.size, spec.pool.len()),
        RunSpec::TrainMlm(spec) => spec.text.display().to_string(),
        RunSpec::Train(spec) => format!("{}, {}", spec.scheme.name(), spec.preferences.display()),
        RunSpec::ImportTrl(spec) => spec.job.display().to_string(),
        RunSpec::Judge(spec) => format!(
            "{}, {}, {}",
            spec.constitution.name,
            counted(spec.constitution.questions.len() as u64, "question", "questions"),
            counted(spec.entrants.len() as u64, "model", "models")
        ),
        RunSpec::ImportVerdicts(spec) => {
            format!("{}, {}", spec.source, counted(spec.verdicts.verdicts.len() as u64, "verdict", "verdicts"))
        }
        RunSpec::Questions(spec) => format!("{}, {} a clause", spec.constitution.name, spec.count),
        RunSpec::Collect(spec) => format!(
            "{}, {}, {}",
            spec.constitutions.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" and "),
            counted(spec.scenarios.len() as u64, "scenario", "scenarios"),
            counted(spec.models.len() as u64, "model", "models")
        ),
        RunSpec::ImportComparisons(spec) => spec.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        RunSpec::Fetch(_) => String::new(),
        RunSpec::Verify(_) => "a certificate".to_owned(),
        RunSpec::VerifyPanel(spec) => spec.name.clone(),
    }
}

/// Lengths of an escape run: `4, 6, 8`.
pub fn escape_lengths(spec: &EscapeSpec) -> String {
    spec.lengths().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a chain of an escape run has to do to have escaped.
pub fn escape_rule(spec: &EscapeSpec) -> String {
    match (spec.criterion, spec.radius_share) {
        (Criterion::Basin, _) => "until the basin changes".to_owned(),
        (Criterion::Distance, Some(share)) => format!("radius {} of the length", percent(share)),
        (Criterion::Distance, None) => format!("radius {}", spec.radius),
    }
}

/// What a run was asked to do, as JSON; people are counted and their names left out.
pub fn settings(spec: &RunSpec) -> String {
    let json = match spec {
        RunSpec::Lottery(spec) => serde_json::to_string_pretty(&serde_json::json!({
            "kind": "lottery",
            "algorithm": spec.algorithm,
            "draws": spec.draws,
            "one_per_household": spec.one_per_household,
            "people": spec.pool.len(),
            "quotas": spec.quotas,
            "seed": spec.seed,
            "settled_before": spec.before.as_ref().map_or(0, |before| before.settled.len()),
        })),
        RunSpec::VerifyPanel(spec) => serde_json::to_string_pretty(&serde_json::json!({
            "kind": "verify-panel",
            "list_sha256": spec.audit.list_sha256,
            "name": spec.name,
            "people": spec.audit.people.len(),
            "pool_sha256": spec.audit.pool_sha256,
        })),
        RunSpec::ImportVerdicts(spec) => serde_json::to_string_pretty(&serde_json::json!({
            "kind": "import-verdicts",
            "source": spec.source,
            "models": spec.verdicts.models,
            "judges": spec.verdicts.judges,
            "questions": spec.verdicts.questions.len(),
            "verdicts": spec.verdicts.verdicts.len(),
        })),
        spec => serde_json::to_string_pretty(spec),
    };
    json.unwrap_or_else(|error| format!("The settings could not be written: {error}"))
}

/// A state in words.
pub fn run_state(state: crate::store::RunState) -> &'static str {
    use crate::store::RunState;
    match state {
        RunState::Queued => "Queued",
        RunState::Running => "Running",
        RunState::Paused => "Paused",
        RunState::Interrupted => "Interrupted",
        RunState::Done => "Done",
        RunState::Failed => "Failed",
        RunState::Cancelled => "Cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!([rate(2.44), rate(1234.0)], ["2.4/s", "1,234/s"]);
        assert_eq!(sentence("there is no such folder"), "There is no such folder");
        assert_eq!(sentence(""), "");
        assert_eq!(local_time("not a time"), "not a time");
    }
}
