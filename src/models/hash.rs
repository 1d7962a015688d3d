//! SHA-256 of the files a model is made of.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::ModelError;
use crate::progress::Progress;

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(2 * digest.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes any text");
        text
    })
}

/// SHA-256 of `data`, hex.
pub(super) fn bytes(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// SHA-256 of a file, hex, read in pieces of 1 MiB; may be cancelled between them.
pub(super) fn file(path: &Path, progress: &dyn Progress) -> Result<String, ModelError> {
    let unreadable = |error: std::io::Error| ModelError::Unreadable {
        path: path.to_owned(),
        problem: format!("a model file cannot be read: {error}"),
        remedy: "Check that the file is whole and that you may read it".to_owned(),
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        progress.checkpoint()?;
        match file.read(&mut piece).map_err(unreadable)? {
            0 => return Ok(hex(&digest.finalize())),
            n => digest.update(&piece[..n]),
        }
    }
}

/// The SHA-256 of one file; of several, that of their lines `name sha256`, sorted by name.
pub(super) fn files(paths: &[PathBuf], progress: &dyn Progress) -> Result<String, ModelError> {
    if let [path] = paths {
        return file(path, progress);
    }
    let mut lines = Vec::with_capacity(paths.len());
    for path in paths {
        let name = path.file_name().unwrap_or_default().display().to_string();
        lines.push(format!("{name} {}\n", file(path, progress)?));
    }
    lines.sort();
    Ok(bytes(lines.concat().as_bytes()))
}

/// The weight files of a folder in the order of preference in which they are read: `model.safetensors`, its shards,
/// `pytorch_model.bin`.
pub(super) fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let single = folder.join("model.safetensors");
    if single.is_file() {
        return Ok(vec![single]);
    }
    let index = folder.join("model.safetensors.index.json");
    if index.is_file() {
        let text = std::fs::read_to_string(&index).map_err(|error| error.to_string());
        let shards = text.and_then(|text| shards(&text)).map_err(|problem| ModelError::Unreadable {
            path: index.clone(),
            problem: format!("the list of weight files cannot be read: {problem}"),
            remedy: "Take the file of the same model again".to_owned(),
        })?;
        return Ok(shards.into_iter().map(|name| folder.join(name)).collect());
    }
    Ok(vec![folder.join("pytorch_model.bin")])
}

/// The file names in a shard index, sorted; each is a plain name, never a path.
pub(super) fn shards(index: &str) -> Result<Vec<String>, String> {
    let index: serde_json::Value = serde_json::from_str(index).map_err(|error| error.to_string())?;
    let map = index.get("weight_map").and_then(|map| map.as_object()).ok_or("it has no weight_map")?;
    let names: std::collections::BTreeSet<&str> = map.values().filter_map(|name| name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| name.starts_with('.') || name.contains(['/', '\\', ':'])) {
        return Err(format!("{name:?} is not a file name"));
    }
    if names.is_empty() {
        return Err("it names no files".to_owned());
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn hashes_are_those_of_the_standard() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((bytes(b"").as_str(), bytes(b"abc").as_str()), (empty, abc));
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&a, b"abc").unwrap();
        std::fs::write(&b, b"").unwrap();
        assert_eq!(files(std::slice::from_ref(&a), &Silent).unwrap(), abc);
        let lines = format!("a {abc}\nb {empty}\n");
        assert_eq!(files(&[b, a], &Silent).unwrap(), bytes(lines.as_bytes()));
        assert!(file(&folder.path().join("none"), &Silent).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn shard_names_stay_in_their_folder() {
        assert_eq!(shards(r#"{"weight_map":{"x":"b-2","y":"b-1","z":"b-2"}}"#).unwrap(), ["b-1", "b-2"]);
        for name in ["../x", "a/b", "/etc/passwd", "..", "c:x", r"a\\b"] {
            assert!(shards(&format!(r#"{{"weight_map":{{"x":"{name}"}}}}"#)).is_err(), "{name}");
        }
        assert!(shards("{}").is_err() && shards(r#"{"weight_map":{}}"#).is_err());
    }
}
