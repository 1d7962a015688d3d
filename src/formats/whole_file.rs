//! Writing a file whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Writes `bytes` to `path` so that a crash, a full disk or a kill leaves the old content or the new, never a part.
///
/// The content is written beside its place, flushed to the disk and moved there. A link is followed, so that the file that it
/// names is replaced and the link stays. What is no plain file (a pipe, a terminal, `/dev/null`) is written to as it is: moving a
/// file over it would destroy it.
///
/// # Errors
/// Whatever the operating system refuses; what was begun beside the place is removed again.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |error| error, |file| file.write_all(bytes))
}

/// As [`write`], for content that is made as it is written; a failure of `fill` leaves the old content too.
///
/// # Errors
/// What `fill` says, or what the operating system refuses, as `refused` puts it.
pub fn write_with<T, E>(
    path: &Path,
    refused: impl Fn(io::Error) -> E,
    fill: impl FnOnce(&mut dyn io::Write) -> Result<T, E>,
) -> Result<T, E> {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    match fs::metadata(&place) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            let mut out = BufWriter::new(File::create(&place).map_err(&refused)?);
            let filled = fill(&mut out)?;
            return out.flush().map_err(&refused).map(|()| filled);
        }
        _ => {}
    }
    let fresh = beside(&place).map_err(&refused)?;
    let fill_and_move = || {
        let mut out = BufWriter::new(File::create(&fresh).map_err(&refused)?);
        let filled = fill(&mut out)?;
        let file = out.into_inner().map_err(|error| refused(error.into_error()))?;
        file.sync_all().and_then(|()| fs::rename(&fresh, &place)).map_err(&refused)?;
        Ok(filled)
    };
    let written = fill_and_move();
    if written.is_err() {
        // Gives a full disk its space back; that this fails too is no news.
        fs::remove_file(&fresh).ok();
    }
    written
}

/// A name in the same folder that no other process uses.
fn beside(place: &Path) -> io::Result<PathBuf> {
    let mut name = place.file_name().ok_or_else(|| io::Error::other("the path names no file"))?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    Ok(place.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_content_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"one").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(&folder.path().join("no folder").join("a.json"), b"one").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"two");
    }

    /// A result sent to `/dev/null` or to a pipe once replaced the device itself when the user was root.
    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to_and_not_replaced() {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let name = std::ffi::CString::new(pipe.as_os_str().as_bytes()).unwrap();
        // SAFETY: `name` is a string that ends with a zero byte and lives through the call.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }
}
