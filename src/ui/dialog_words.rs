//! What dialogs that ask for a path say: title, explanation, name of the field, verb of the button.

use super::command::{EigenBenchPath, JudgingPath, TrainingPath};

/// Title, explanation, name of the field, verb of the button.
pub type Words = (String, &'static str, &'static str, &'static str);

/// What the eigenbench tab asks for.
pub fn eigenbench(wanted: EigenBenchPath) -> Words {
    let (title, text, label, verb) = match wanted {
        EigenBenchPath::Constitution => (
            "Import criteria",
            "A constitution whose clauses are the criteria: JSON, also the EigenBench authors' lists, or a text with a criterion a line.",
            "File",
            "Import",
        ),
        EigenBenchPath::Scenarios => (
            "Import scenarios",
            "What models respond to: JSON, a text with a scenario a line, or a table with a column named scenario.",
            "File",
            "Import",
        ),
        EigenBenchPath::People => (
            "Import people's choices",
            "A CSV file with person, scenario, criterion, first, second and choice (0 for a tie, 1 or 2).",
            "File",
            "Import",
        ),
        EigenBenchPath::LabelAnswers => (
            "Choose answers",
            "A CSV file with question, one column of answers a model, and where wanted key.",
            "File",
            "Use",
        ),
        EigenBenchPath::LabelScores => {
            ("Choose a reference", "A CSV file with model and a column of scores.", "File", "Use")
        }
        EigenBenchPath::Judgements => (
            "Import judgements",
            "The EigenBench authors' evaluations (JSON lines or an array), or a table with scenario, judge, eval1, eval2 and choice (CSV).",
            "File",
            "Import",
        ),
        EigenBenchPath::Adapter(_) => return judging(JudgingPath::Adapter(0)),
    };
    (title.to_owned(), text, label, verb)
}

/// What the judging tab asks for.
pub fn judging(wanted: JudgingPath) -> Words {
    let (title, text, label, verb) = match wanted {
        JudgingPath::Constitution => (
            "Import a constitution",
            "Clauses, and questions where the file has them: JSON, a text with a clause a line, or a table with the columns clause and question.",
            "File",
            "Import",
        ),
        JudgingPath::Questions => (
            "Import questions",
            "Questions for the clauses that are there: JSON lines or a table with clause (its id or text) and question.",
            "File",
            "Import",
        ),
        JudgingPath::Verdicts => (
            "Import verdicts",
            "Rankings as JSON lines (ranking or rankings, and question, clause, judge, shown where there are), or pairs as CSV (left, right, winner).",
            "File",
            "Import",
        ),
        JudgingPath::Answers(_) => {
            ("Choose answers", "JSON lines with question (its id or text) and answer, one a question.", "File", "Use")
        }
        JudgingPath::Adapter(_) => (
            "Choose an adapter",
            "The folder a training left, or one that PEFT wrote: adapter_config.json and adapter_model.safetensors.",
            "Folder",
            "Use",
        ),
    };
    (title.to_owned(), text, label, verb)
}

/// What the training tab asks for.
pub fn training(wanted: TrainingPath) -> Words {
    let (title, text, label, verb) = match wanted {
        TrainingPath::Preferences => (
            "Choose preferences",
            "JSON lines, CSV, Parquet or a TRL dataset. What is not yet in the program's form is imported into the project.",
            "File",
            "Use",
        ),
        TrainingPath::Prism => (
            "Import PRISM",
            "The folder that holds utterances.jsonl (or conversations.jsonl) and survey.jsonl.",
            "Folder",
            "Import",
        ),
        TrainingPath::People => (
            "Choose the people",
            "A table with one row for each rater and a column of their ids: CSV, Excel (xlsx) or JSON lines.",
            "File",
            "Use",
        ),
        TrainingPath::Lottery => (
            "Choose an audit file",
            "What the Panel tab and panel lottery write: everybody's chance, and the panel that was drawn last.",
            "File",
            "Use",
        ),
        TrainingPath::Model => (
            "Choose a model",
            "A folder in the Hugging Face layout: config.json, tokenizer.json and safetensors of a Llama.",
            "Folder",
            "Use",
        ),
        TrainingPath::TrlExport => (
            "Export as TRL job",
            "Token ids, visits with their weights, settings, the first adapter and the script, for a larger machine.",
            "Empty folder",
            "Export",
        ),
        TrainingPath::TrlJob => (
            "Import TRL job",
            "The folder of a job that was carried out: its log and its adapter come into the project as a run.",
            "Folder",
            "Import",
        ),
    };
    (title.to_owned(), text, label, verb)
}
