//! SQLite: the project database, its migrations, its runs and their results. SQL lives only here.

mod error;
mod project;
mod results;
mod runs;

pub use error::StoreError;
pub use project::{Project, ProjectInfo};
pub use results::{TrainingPoint, VerificationRow};
pub use runs::{LogLine, RunFilter, RunId, RunRow, RunState};
