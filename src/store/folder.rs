//! The project's folder as files: what is there, before SQLite touches it, and the lock that keeps a second writer out.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::StoreError;
use super::schema::{self, APPLICATION_ID};

/// The database's name; SQLite's own companions and our lock and backups begin with it.
pub(super) const DATABASE: &str = "project.sqlite";
/// What describes a sample project.
pub(super) const SAMPLE: &str = "project.toml";
/// Locked while a writer has the project open. It stays in the folder; only the lock on it means anything.
const LOCK: &str = "project.sqlite-lock";

/// What a folder holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Contents {
    Database,
    Sample,
}

/// The folder's canonical path; says what is wrong where it is not a folder.
pub(super) fn locate(directory: &Path) -> Result<PathBuf, StoreError> {
    let metadata = fs::metadata(directory).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            StoreError::project("there is no such folder", "Check its name, or choose New project", directory)
        }
        _ => StoreError::file(&error, "looking for the folder", directory),
    })?;
    if !metadata.is_dir() {
        return Err(StoreError::project(
            "this is a file, but a project is a folder",
            "Open the folder that contains it",
            directory,
        ));
    }
    directory.canonicalize().map_err(|error| StoreError::file(&error, "looking for the folder", directory))
}

/// Looks at the folder without changing anything: refuses what cannot be a project of ours.
///
/// Must not be called while this process has the database open: closing the file here would end SQLite's own locks on it
/// (POSIX locks belong to the process). [`FolderLock::held`] tells.
pub(super) fn examine(directory: &Path) -> Result<Contents, StoreError> {
    for name in [DATABASE, "project.sqlite-wal", "project.sqlite-shm", "project.sqlite-journal", LOCK] {
        let path = directory.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(StoreError::project(
                format!("{name} is a link or a folder, which could reach outside this project"),
                "Do not trust it: put the real file in its place",
                &path,
            ));
        }
    }
    let path = directory.join(DATABASE);
    if path.exists() {
        return examine_header(directory, &path).map(|()| Contents::Database);
    }
    if directory.join(SAMPLE).exists() {
        return Ok(Contents::Sample);
    }
    Err(StoreError::project(
        "there is no project in this folder",
        "Choose New project to make one, or open another folder",
        directory,
    ))
}

/// Reads the first 100 bytes (the SQLite file format's database header, sections 1.3.2 to 1.3.19).
fn examine_header(directory: &Path, path: &Path) -> Result<(), StoreError> {
    let unreadable = |error: io::Error| StoreError::file(&error, "reading the project database", path);
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut header = Vec::with_capacity(100);
    file.take(100).read_to_end(&mut header).map_err(unreadable)?;
    if size == 0 {
        return Err(StoreError::damaged("it is empty", path));
    }
    let magic = b"SQLite format 3\0";
    if !header.starts_with(magic) {
        return Err(StoreError::project(
            "this file is not a project database",
            "Open a folder that Kleroterion made, or move the file away to start a new project here",
            path,
        ));
    }
    if header.len() < 100 {
        return Err(StoreError::damaged(&format!("it ends after {size} bytes"), path));
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if number(68) != APPLICATION_ID {
        return Err(schema::foreign(path));
    }
    let version = number(60) as usize;
    if version > schema::VERSION {
        return Err(schema::newer(version, path));
    }
    // The page count in the header is valid if it was written together with the change counter, and the file may lag
    // behind it only while a write-ahead log holds the rest.
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    let expected = u64::from(number(28)) * page;
    let logged = fs::metadata(directory.join("project.sqlite-wal")).is_ok_and(|wal| wal.len() > 0);
    if number(24) == number(92) && size < expected && !logged {
        return Err(StoreError::damaged(&format!("it has {size} of {expected} bytes"), path));
    }
    Ok(())
}

/// Which folders this process holds: a second `open` in the same process must be told from another process's.
static HELD: Mutex<BTreeMap<PathBuf, Weak<FolderLock>>> = Mutex::new(BTreeMap::new());

/// The right to write to a folder; the operating system ends it with the process.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
    /// The lock file, where taking the lock made it.
    made: Option<PathBuf>,
}

impl FolderLock {
    /// The lock on `directory` (canonical), if this process has it.
    pub(super) fn held(directory: &Path) -> Option<Arc<Self>> {
        HELD.lock().unwrap_or_else(PoisonError::into_inner).get(directory).and_then(Weak::upgrade)
    }

    /// Takes the lock on `directory` (canonical).
    pub(super) fn take(directory: &Path) -> Result<Arc<Self>, StoreError> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, lock| lock.strong_count() > 0);
        if held.contains_key(directory) {
            return Err(Self::elsewhere(directory));
        }
        let path = directory.join(LOCK);
        let made = (!path.exists()).then(|| path.clone());
        let cannot = |error: &io::Error| StoreError::file(error, "locking the project", directory);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| cannot(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Self::elsewhere(directory)),
            Err(TryLockError::Error(error)) => return Err(cannot(&error)),
        }
        let lock = Arc::new(Self { _file: file, made });
        held.insert(directory.to_owned(), Arc::downgrade(&lock));
        Ok(lock)
    }

    /// Removes the lock file if this lock made it: a folder that could not be opened stays as it was.
    pub(super) fn undo(&self) {
        if let Some(path) = &self.made {
            // A file that stays behind is empty and harmless.
            fs::remove_file(path).ok();
        }
    }

    pub(super) fn elsewhere(directory: &Path) -> StoreError {
        StoreError::project(
            "this project is open in another window",
            "Use that window, or close it and try again",
            directory,
        )
    }
}

/// A path given by a project's contents, made absolute; fails if it leaves `directory` (canonical).
pub(super) fn inside(directory: &Path, relative: &Path) -> Result<PathBuf, StoreError> {
    let leaves = || {
        StoreError::project(
            "this path leaves the project folder",
            "Copy the file into the project folder and name it from there",
            relative,
        )
    };
    let mut path = directory.to_owned();
    for component in relative.components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(leaves()),
        }
        // A link may point anywhere. A dangling one too, once something is written through it.
        match path.canonicalize() {
            Ok(real) if real.starts_with(directory) => {}
            Ok(_) => return Err(leaves()),
            Err(_) if fs::symlink_metadata(&path).is_ok() => return Err(leaves()),
            Err(_) => {}
        }
    }
    Ok(path)
}

/// Copies the user's files and folders from one project folder to another; the database and its companions are not
/// copied, nor are links, which may lead outside.
pub(super) fn copy_user_files(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error, path: &Path| StoreError::file(&error, "copying the project", path);
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    while let Some((from_folder, to_folder)) = folders.pop() {
        fs::create_dir_all(&to_folder).map_err(|error| failed(error, &to_folder))?;
        for entry in fs::read_dir(&from_folder).map_err(|error| failed(error, &from_folder))? {
            let entry = entry.map_err(|error| failed(error, &from_folder))?;
            let (path, target) = (entry.path(), to_folder.join(entry.file_name()));
            let kind = entry.file_type().map_err(|error| failed(error, &path))?;
            let ours = from_folder == from && entry.file_name().to_string_lossy().starts_with(DATABASE);
            if kind.is_dir() {
                folders.push((path, target));
            } else if kind.is_file() && !ours {
                fs::copy(&path, &target).map_err(|error| failed(error, &path))?;
            }
        }
    }
    Ok(())
}

/// Makes sure that `directory` may become a project: absent, or an empty folder. Returns whether it had to be made.
pub(super) fn claim_empty(directory: &Path) -> Result<bool, StoreError> {
    let failed = |error: io::Error| StoreError::file(&error, "making the project folder", directory);
    match fs::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            None => Ok(false),
            Some(_) => {
                Err(StoreError::project("this folder is not empty", "Choose an empty folder or a new name", directory))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(directory).map_err(failed)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(StoreError::project(
            "this is a file, but a project is a folder",
            "Choose an empty folder or a new name",
            directory,
        )),
        Err(error) => Err(failed(error)),
    }
}
