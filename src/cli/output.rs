//! JSON for scripts: to a file (whole or not at all) or to standard output.

use std::io::Write;
use std::path::Path;

use super::demand::{Failure, Outcome};
use crate::formats::whole_file;

/// Writes `value` to `target` (`-`: standard output). A file appears complete or not at all.
pub(crate) fn write_json(target: Option<&Path>, value: &serde_json::Value) -> Outcome {
    let Some(target) = target else { return Ok(()) };
    let mut text = serde_json::to_string_pretty(value).map_err(Failure::internal)?;
    text.push('\n');
    if target == Path::new("-") {
        return std::io::stdout().write_all(text.as_bytes()).map_err(Failure::internal);
    }
    write_file(target, text.as_bytes())
}

/// Writes a file whole or not at all.
pub(crate) fn write_file(target: &Path, bytes: &[u8]) -> Outcome {
    whole_file::write(target, bytes).map_err(|error| {
        Failure::Input(format!("the result cannot be written: {error}. Choose another place ({})", target.display()))
    })
}
