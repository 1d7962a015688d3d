//! SQLite: the project database, its migrations, its runs and their results. SQL lives only here.

mod call_rows;
mod certify_rows;
mod chain_rows;
mod comparison_rows;
mod error;
mod folder;
mod judging_rows;
mod panel_rows;
mod person_rows;
mod project;
mod results;
mod runs;
mod sample;
mod schema;
mod survey_rows;
mod training_rows;
mod values;

pub use call_rows::{CallId, CallRow, CallTotals, ModelCalls};
pub use chain_rows::ChainCellRow;
pub use comparison_rows::{CallsBehind, ComparisonRow};
pub use error::StoreError;
pub use judging_rows::{AnswerRow, VerdictRow};
pub use panel_rows::StoredPool;
pub use person_rows::PersonComparison;
pub use project::{Project, ProjectInfo};
pub use results::{TrainingPoint, VerificationRow};
pub use runs::{LogLine, RunFilter, RunId, RunRow, RunState};
pub use survey_rows::{SurveyContextRow, SurveySubjectRow};
pub use training_rows::TrainingStepRow;
