//! The one form that schemes and trainers work with: a preference a line, read by place.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};

use super::lines::Lines;
use super::sink::key;
use super::{BadLines, PreferencesError};
use crate::dempo::preference::{Dropped, Preference};
use crate::formats::whole_file;
use crate::progress::Progress;

/// Where a pair stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    length: u32,
    rater: u32,
}

/// A file of preferences, one JSON object a line. In memory are only places and raters (16 bytes a pair); texts are read when
/// they are asked for.
#[derive(Debug)]
pub struct PreferenceFile {
    path: PathBuf,
    file: Mutex<File>,
    places: Vec<Place>,
    raters: Vec<String>,
    sha256: String,
}

impl PreferenceFile {
    /// Reads the file once, as a stream, and checks every line of it.
    ///
    /// # Errors
    /// [`PreferencesError`]: lines that are no preferences are counted, the first named; ids must differ, and pairs be such
    /// that one can learn from them.
    pub fn open(path: &Path, progress: &dyn Progress) -> Result<Self, PreferencesError> {
        progress.stage("reading preferences");
        let mut lines = Lines::open(path)?;
        let (mut places, mut raters) = (Vec::new(), Vec::new());
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut ids = HashSet::new();
        let mut bad = BadLines::default();
        let mut read: u64 = 0;
        while let Some(line) = lines.next()? {
            if line.is_blank() {
                continue;
            }
            read += 1;
            let number = line.number;
            match line.parse::<Preference>() {
                Ok(pair) => {
                    let unusable = match pair.unusable() {
                        Some(Dropped::EmptyPrompt) => Some("nothing is asked"),
                        Some(Dropped::EmptyReply) => Some("a reply is empty"),
                        Some(Dropped::EqualReplies) => Some("both replies are the same"),
                        Some(_) => Some("it names no rater"),
                        None => None,
                    };
                    if let Some(reason) = unusable {
                        let reason = reason.to_owned();
                        return Err(PreferencesError::Unusable { path: path.into(), line: number, reason });
                    }
                    let next = raters.len() as u32;
                    let rater = *known.entry(pair.rater).or_insert_with_key(|name| {
                        raters.push(name.clone());
                        next
                    });
                    if !ids.insert(key(&pair.id)) {
                        return Err(PreferencesError::SameId { path: path.into(), line: number, id: pair.id });
                    }
                    places.push(Place { offset: line.offset, length: line.bytes.len() as u32, rater });
                }
                Err(reason) => bad.add(number, reason),
            }
            if read.is_multiple_of(1024) {
                progress.checkpoint()?;
                let (done, total) = lines.progress();
                progress.report(done, total);
            }
        }
        if bad.count > 0 {
            return Err(PreferencesError::Lines { path: path.into(), lines: read, bad_lines: bad });
        }
        if places.is_empty() {
            return Err(PreferencesError::Nothing { path: path.into(), dropped: "it is empty".into() });
        }
        let unreadable =
            |error: std::io::Error| PreferencesError::Unreadable { path: path.into(), reason: error.to_string() };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut hash = Sha256::new();
        std::io::copy(&mut file, &mut hash).map_err(unreadable)?;
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path: path.into(), file: Mutex::new(file), places, raters, sha256 })
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none; never so for a file that was opened.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Ids of the raters in the order in which they first appear; places in this list are what schemes work with.
    pub fn raters(&self) -> &[String] {
        &self.raters
    }

    /// The rater of a pair, as a place among the raters.
    pub fn rater_of(&self, pair: usize) -> u32 {
        self.places[pair].rater
    }

    /// The rater of every pair.
    pub fn raters_of_pairs(&self) -> Vec<u32> {
        self.places.iter().map(|place| place.rater).collect()
    }

    /// SHA-256 of the file, hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads one pair.
    ///
    /// # Errors
    /// [`PreferencesError`] where there is no such pair, or the file cannot be read or has changed.
    pub fn read(&self, pair: usize) -> Result<Preference, PreferencesError> {
        let path = || self.path.clone();
        let Some(place) = self.places.get(pair) else {
            return Err(PreferencesError::NoPair { path: path(), pair, pairs: self.places.len() });
        };
        let mut bytes = vec![0; place.length as usize];
        {
            let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let read = file.seek(SeekFrom::Start(place.offset)).and_then(|_| file.read_exact(&mut bytes));
            match read {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Err(PreferencesError::Changed { path: path(), pair });
                }
                Err(error) => return Err(PreferencesError::Unreadable { path: path(), reason: error.to_string() }),
            }
        }
        match serde_json::from_slice::<Preference>(&bytes) {
            Ok(found) if found.rater == self.raters[place.rater as usize] => Ok(found),
            _ => Err(PreferencesError::Changed { path: path(), pair }),
        }
    }
}

/// Writes preferences to a file, whole or not at all.
///
/// # Errors
/// [`PreferencesError::Unwritable`].
pub fn write_preferences<'p>(
    path: &Path,
    pairs: impl IntoIterator<Item = &'p Preference>,
) -> Result<(), PreferencesError> {
    let unwritable =
        |error: std::io::Error| PreferencesError::Unwritable { path: path.into(), reason: error.to_string() };
    whole_file::write_with(path, unwritable, |out| {
        pairs.into_iter().try_for_each(|pair| write_line(out, pair).map_err(unwritable))
    })
}

/// One preference as its line.
pub(super) fn write_line(out: &mut dyn Write, pair: &Preference) -> std::io::Result<()> {
    let line = serde_json::to_string(pair).map_err(std::io::Error::other)?;
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::preference::{Message, Role};
    use crate::progress::Silent;

    fn pair(number: usize, rater: &str) -> Preference {
        Preference {
            id: format!("p{number}"),
            rater: rater.into(),
            conversation: String::new(),
            turn: 0,
            prompt: vec![Message::new(Role::User, "Où mettre les bancs ?")],
            chosen: format!("Au bord de l'eau, {number} fois."),
            rejected: "Nulle part.".into(),
            margin: Some(number as f64 / 3.0),
            model_chosen: None,
            model_rejected: None,
        }
    }

    #[test]
    fn pairs_are_read_by_place_from_any_thread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.jsonl");
        let pairs: Vec<Preference> = (0..50).map(|n| pair(n, ["b", "a", "c"][n * n % 3])).collect();
        write_preferences(&path, &pairs).unwrap();
        let file = PreferenceFile::open(&path, &Silent).unwrap();
        assert_eq!((file.len(), file.raters()), (50, ["b", "a"].map(String::from).as_slice()));
        std::thread::scope(|scope| {
            for start in 0..2 {
                let (file, pairs) = (&file, &pairs);
                scope.spawn(move || (start..50).step_by(2).for_each(|n| assert_eq!(file.read(n).unwrap(), pairs[n])));
            }
        });
        assert!(matches!(file.read(50), Err(PreferencesError::NoPair { pair: 50, pairs: 50, .. })));
        let bytes = std::fs::read(&path).unwrap();
        let known: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(file.sha256(), known);
        assert_eq!(file.raters_of_pairs()[..4], [0, 1, 1, 0]);
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.jsonl");
        write_preferences(&path, &[pair(0, "a"), pair(1, "b")]).unwrap();
        let file = PreferenceFile::open(&path, &Silent).unwrap();
        std::fs::write(&path, "{}").unwrap();
        assert!(matches!(file.read(1), Err(PreferencesError::Changed { pair: 1, .. })));
    }

    #[test]
    fn what_is_no_preference_is_counted_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.jsonl");
        let line = |n: usize| serde_json::to_string(&pair(n, "a")).unwrap();
        let told = |text: String| {
            std::fs::write(&path, text).unwrap();
            PreferenceFile::open(&path, &Silent).unwrap_err().to_string()
        };
        let bad = told(format!("{}\n\n{{\"id\": 3}}\nnot json\n{}\n", line(0), line(1)));
        assert!(bad.starts_with("2 of 4 lines cannot be read (line 3: ") && bad.contains("line 4: "), "{bad}");
        assert!(told(format!("{}\n{}\n", line(0), line(0))).starts_with("line 2 has the id \"p0\""));
        let same = line(0).replace("Nulle part.", "Au bord de l'eau, 0 fois.");
        assert!(told(same).starts_with("line 1 cannot be learned from: both replies are the same"));
        assert!(told(String::new()).contains("it is empty"));
        let unknown = line(0).replace("\"turn\"", "\"tern\"");
        assert!(told(unknown).contains("unknown field `tern`"));
    }
}
