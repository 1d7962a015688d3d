//! A made-up population as files: people, quotas, preferences, probes, and what is true of it.

use std::path::Path;

use super::foundation::{pool_csv, quotas_csv};
use super::preferences::write_preferences;
use super::whole_file;
use crate::dempo::population::Population;
use crate::sortition::quota_table::Header;

/// Writes `people.csv`, `quotas.csv`, `preferences.jsonl`, `probes.jsonl` and `truth.json` into `folder`, making it if need be.
///
/// # Errors
/// What could not be written, with the remedy and the place.
pub fn write_population(folder: &Path, made: &Population) -> Result<(), String> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("the folder cannot be made: {error}. Choose another place ({})", folder.display()))?;
    let quotas = quotas_csv(&made.quotas, Header::FeatureValue).map_err(|error| error.to_string())?;
    let mut truth = serde_json::to_string_pretty(&made.truth).map_err(|error| error.to_string())?;
    truth.push('\n');
    let people = pool_csv(&made.pool, 0..made.pool.len());
    for (name, text) in [("people.csv", &people), ("quotas.csv", &quotas), ("truth.json", &truth)] {
        let path = folder.join(name);
        whole_file::write(&path, text.as_bytes()).map_err(|error| {
            format!("the file cannot be written: {error}. Free some space or choose another place ({})", path.display())
        })?;
    }
    for (name, pairs) in [("preferences.jsonl", &made.preferences), ("probes.jsonl", &made.probes)] {
        write_preferences(&folder.join(name), pairs).map_err(|error| error.to_string())?;
    }
    Ok(())
}
