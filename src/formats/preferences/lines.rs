//! Lines of a file of any size, one in memory at a time, with where they stand.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::PreferencesError;

/// Longest line that is read.
const LONGEST: u64 = 64 << 20;

/// One line without its end.
pub(super) struct Line<'b> {
    /// From 1; from 1 again after a jump.
    pub(super) number: u64,
    /// Place of its first byte in the file.
    pub(super) offset: u64,
    /// Bytes without the line end.
    pub(super) bytes: &'b [u8],
    /// It was longer than what is read, and `bytes` is its beginning.
    pub(super) too_long: bool,
}

impl Line<'_> {
    /// What the line says, or what is wrong with it.
    pub(super) fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
        if self.too_long {
            return Err(format!("the line is longer than {} MB", LONGEST >> 20));
        }
        serde_json::from_slice(self.bytes).map_err(|error| {
            let told = error.to_string();
            let what = told.rfind(" at line ").map_or(&told[..], |end| &told[..end]);
            format!("{what} at character {}", error.column())
        })
    }

    pub(super) fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

/// A reader of lines.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
    size: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, PreferencesError> {
        let unreadable =
            |error: io::Error| PreferencesError::Unreadable { path: path.to_owned(), reason: error.to_string() };
        let file = File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if about.is_dir() {
            let reason = "it is a folder, not a file (PRISM's folder is given with --prism)".to_owned();
            return Err(PreferencesError::Unreadable { path: path.to_owned(), reason });
        }
        let reader = BufReader::with_capacity(1 << 18, file);
        Ok(Self { path: path.to_owned(), reader, buffer: Vec::new(), number: 0, offset: 0, size: about.len() })
    }

    /// Bytes read and bytes in all.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.offset, self.size)
    }

    /// Goes to the line that begins at `offset`; lines are numbered from 1 again.
    pub(super) fn jump(&mut self, offset: u64) -> Result<(), PreferencesError> {
        // A jump within the buffer costs nothing, so that neighbours are read as a stream.
        let moved = match i64::try_from(offset).ok().zip(i64::try_from(self.offset).ok()) {
            Some((to, from)) => self.reader.seek_relative(to - from),
            None => self.reader.seek(SeekFrom::Start(offset)).map(|_| ()),
        };
        moved.map_err(|error| self.unreadable(&error))?;
        (self.offset, self.number) = (offset, 0);
        Ok(())
    }

    fn unreadable(&self, error: &io::Error) -> PreferencesError {
        PreferencesError::Unreadable { path: self.path.clone(), reason: error.to_string() }
    }

    /// The next line, blank ones too; a byte order mark at the beginning of the file is passed over.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, PreferencesError> {
        self.buffer.clear();
        let mut offset = self.offset;
        let read = self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error| self.unreadable(&error))? as u64;
        if read == 0 {
            return Ok(None);
        }
        self.offset += read;
        self.number += 1;
        let too_long = read == LONGEST && self.buffer.last() != Some(&b'\n');
        if too_long {
            self.skip_rest()?;
        }
        let mut bytes = &self.buffer[..];
        if offset == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
            (bytes, offset) = (&bytes[3..], 3);
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Ok(Some(Line { number: self.number, offset, bytes, too_long }))
    }

    /// Passes over what is left of a line.
    fn skip_rest(&mut self) -> Result<(), PreferencesError> {
        loop {
            let (passed, ended) = match self.reader.fill_buf() {
                Ok([]) => (0, true),
                Ok(bytes) => {
                    bytes.iter().position(|&byte| byte == b'\n').map_or((bytes.len(), false), |at| (at + 1, true))
                }
                Err(error) => return Err(self.unreadable(&error)),
            };
            self.reader.consume(passed);
            self.offset += passed as u64;
            if ended {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_places_and_can_be_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"\xef\xbb\xbfone\r\n\n  \nthree \xff\nlast").unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.number, line.offset, line.bytes.to_vec(), line.is_blank()));
        }
        let known: [(u64, u64, &[u8], bool); 5] = [
            (1, 3, b"one", false),
            (2, 8, b"", true),
            (3, 9, b"  ", true),
            (4, 12, b"three \xff", false),
            (5, 20, b"last", false),
        ];
        assert_eq!(found, known.map(|(number, offset, bytes, blank)| (number, offset, bytes.to_vec(), blank)));
        lines.jump(12).unwrap();
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"three \xff");
        lines.jump(3).unwrap();
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"one");
        assert!(Lines::open(folder.path()).is_err() && Lines::open(&folder.path().join("b")).is_err());
    }
}
