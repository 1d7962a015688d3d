//! The reference policy's log-probabilities of every pair that a run looks at, computed once and kept in a file.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use crate::dempo::objective::PairLogProbs;
use crate::dempo::training::Policy;
use crate::formats::whole_file;
use crate::jobs::work::JobError;
use crate::progress::Progress;

/// Bytes of one record: place, two log-probabilities, two lengths.
const RECORD: usize = 32;
const HEADER: usize = 65;

/// Reference log-probabilities by the pair's place.
pub(super) type References = HashMap<usize, PairLogProbs>;

fn parse(bytes: &[u8]) -> References {
    let word = |record: &[u8], at: usize| record[at..].first_chunk::<8>().copied().unwrap_or_default();
    let half = |record: &[u8], at: usize| record[at..].first_chunk::<4>().copied().unwrap_or_default();
    bytes
        .chunks_exact(RECORD)
        .map(|record| {
            let log_probs = PairLogProbs {
                chosen: f64::from_le_bytes(word(record, 8)),
                rejected: f64::from_le_bytes(word(record, 16)),
                chosen_tokens: u32::from_le_bytes(half(record, 24)) as usize,
                rejected_tokens: u32::from_le_bytes(half(record, 28)) as usize,
            };
            (u64::from_le_bytes(word(record, 0)) as usize, log_probs)
        })
        .collect()
}

fn record(pair: usize, law: &PairLogProbs) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD);
    bytes.extend((pair as u64).to_le_bytes());
    bytes.extend(law.chosen.to_le_bytes());
    bytes.extend(law.rejected.to_le_bytes());
    bytes.extend((law.chosen_tokens as u32).to_le_bytes());
    bytes.extend((law.rejected_tokens as u32).to_le_bytes());
    bytes
}

/// The references of `pairs`: those in the file at `path`, if it is headed by `key` (64 characters that stand for the model,
/// the preferences and the settings they depend on), and the others from the policy, written as they come.
///
/// # Errors
/// What the policy says, a file that cannot be written, or cancellation.
pub(super) fn references(
    path: &Path,
    key: &str,
    pairs: &[usize],
    together: usize,
    policy: &mut dyn Policy,
    progress: &dyn Progress,
) -> Result<References, JobError> {
    let unwritable = |e: std::io::Error| {
        JobError::Input(format!(
            "the reference log-probabilities cannot be kept: {e}. Free some space or choose another folder ({})",
            path.display()
        ))
    };
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        file.read_to_end(&mut bytes).map_err(unwritable)?;
    }
    let header = format!("{key}\n");
    let known = if bytes.len() >= HEADER && bytes[..HEADER] == *header.as_bytes() { &bytes[HEADER..] } else { &[] };
    // A record that was cut off by a crash is computed again.
    let known = &known[..known.len() / RECORD * RECORD];
    let mut found = parse(known);
    let missing: Vec<usize> = pairs.iter().copied().filter(|pair| !found.contains_key(pair)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    whole_file::write(path, &[header.as_bytes(), known].concat()).map_err(unwritable)?;
    let mut file = OpenOptions::new().append(true).open(path).map_err(unwritable)?;
    progress.stage("asking the reference");
    let (mut done, total) = (0, missing.len() as u64);
    for part in missing.chunks(together.max(1)) {
        progress.checkpoint()?;
        let laws = policy.laws(part, true)?;
        let mut bytes = Vec::new();
        for (&pair, law) in part.iter().zip(&laws) {
            bytes.extend(record(pair, &law.log_probs));
            found.insert(pair, law.log_probs);
        }
        file.write_all(&bytes).map_err(unwritable)?;
        done += part.len() as u64;
        progress.report(done, total);
    }
    file.sync_data().map_err(unwritable)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::training::{PairLaw, PolicyError};
    use crate::progress::Silent;

    /// Counts what it is asked.
    struct Counting(Vec<usize>);

    impl Policy for Counting {
        fn laws(&mut self, pairs: &[usize], reference: bool) -> Result<Vec<PairLaw>, PolicyError> {
            assert!(reference);
            self.0.extend(pairs);
            let law = |&pair: &usize| PairLaw {
                log_probs: PairLogProbs {
                    chosen: -(pair as f64) / 3.0,
                    rejected: -1.5,
                    chosen_tokens: pair,
                    rejected_tokens: 2,
                },
                entropy: 0.0,
            };
            Ok(pairs.iter().map(law).collect())
        }
        fn learn(
            &mut self,
            _: &[usize],
            _: &mut dyn FnMut(&[PairLaw]) -> Vec<[f64; 2]>,
        ) -> Result<Vec<PairLaw>, PolicyError> {
            unreachable!("nothing is learned")
        }
        fn step(&mut self, _: f64) -> Result<f64, PolicyError> {
            unreachable!("no step is taken")
        }
    }

    #[test]
    fn nothing_is_asked_twice_and_another_model_is_asked_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reference.bin");
        let (key, other) = ("a".repeat(64), "b".repeat(64));
        let mut policy = Counting(Vec::new());
        let first = references(&path, &key, &[4, 1, 9], 2, &mut policy, &Silent).unwrap();
        assert_eq!(policy.0, [4, 1, 9]);
        // A crash in the middle of a record.
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
        let again = references(&path, &key, &[4, 1, 9, 2], 8, &mut policy, &Silent).unwrap();
        assert_eq!(policy.0, [4, 1, 9, 9, 2]);
        assert!(first.iter().all(|(pair, law)| again[pair] == *law));
        references(&path, &other, &[4], 8, &mut policy, &Silent).unwrap();
        assert_eq!(policy.0, [4, 1, 9, 9, 2, 4]);
    }
}
