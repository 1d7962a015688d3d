//! The command line that reproduces a run (contract: the forms of `kleroterion --help`).

use super::chain_lines;
use super::spec::RunSpec;
use crate::glauber::certify::TokenChoice;
use crate::glauber::survey::{Control, Distance, Plausibility};
use crate::models::TrainMlmSpec;
use crate::sortition::before::Standing;

impl RunSpec {
    /// The command line that does the same headless, quoted for a POSIX shell.
    ///
    /// What a spec holds as text and a command reads from a file is named `sentences.txt` (one on each line), `corpus.txt`,
    /// `analysis.json`, `probe.json`, `training.json`, `judging.json`, `questions.json`, `collection.json` and
    /// `certificate.json`;
    /// the people and quotas of a lottery, `people.csv` and `quotas.csv`.
    pub fn command_line(&self) -> String {
        let mut line = vec!["kleroterion".to_owned()];
        match self {
            Self::Certify(spec) => {
                line.push("certify".to_owned());
                option(&mut line, "--model", &spec.model);
                option(&mut line, "--sentence", &spec.sentence);
                option(&mut line, "--positions", &format!("{},{}", spec.positions.0, spec.positions.1));
                option(&mut line, "--tokens-a", &choice(&spec.tokens_a));
                option(&mut line, "--tokens-b", &choice(&spec.tokens_b));
                option(&mut line, "--temperature", &spec.temperature.to_string());
                option(&mut line, "--seed", &spec.seed.to_string());
            }
            Self::Survey(spec) => {
                line.push("survey".to_owned());
                option(&mut line, "--model", &spec.model);
                option(&mut line, "--sentences", "sentences.txt");
                for model in &spec.beside {
                    option(&mut line, "--beside", model);
                }
                let strata: Vec<&str> = (spec.distances.iter().map(|&d| distance(d)))
                    .chain(spec.plausibilities.iter().map(|&p| plausibility(p)))
                    .collect();
                option(&mut line, "--strata", &strata.join(","));
                option(&mut line, "--per-context", &spec.per_context.to_string());
                option(&mut line, "--top-k", &spec.top_k.to_string());
                option(&mut line, "--temperature", &spec.temperature.to_string());
                let controls: Vec<&str> = spec.controls.iter().map(|&c| control(c)).collect();
                let controls = if controls.is_empty() { "none".to_owned() } else { controls.join(",") };
                option(&mut line, "--controls", &controls);
                option(&mut line, "--resamples", &spec.resamples.to_string());
                option(&mut line, "--seed", &spec.seed.to_string());
            }
            Self::Mix(spec) => chain_lines::mix(&mut line, spec),
            Self::Exact(spec) => chain_lines::exact(&mut line, spec),
            Self::Escape(spec) => chain_lines::escape(&mut line, spec),
            Self::Phase(spec) => chain_lines::phase(&mut line, spec),
            Self::Trajectories(spec) => chain_lines::trajectories(&mut line, spec),
            Self::Lottery(spec) => {
                line.extend(["panel".to_owned(), "lottery".to_owned()]);
                option(&mut line, "--people", "people.csv");
                option(&mut line, "--quotas", "quotas.csv");
                let whole = spec.before.as_ref().map_or(&spec.quotas, |before| &before.quotas);
                option(&mut line, "--size", &whole.size.to_string());
                if let Some(before) = &spec.before {
                    for (standing, name, file) in
                        [(Standing::Seated, "--already", "already.csv"), (Standing::Left, "--left", "left.csv")]
                    {
                        if before.ids(standing).next().is_some() {
                            option(&mut line, name, file);
                        }
                    }
                }
                option(&mut line, "--algorithm", spec.algorithm.name());
                if spec.algorithm.is_sampled() {
                    option(&mut line, "--draws", &spec.draws.to_string());
                }
                option(&mut line, "--seed", &spec.seed.to_string());
            }
            Self::TrainMlm(spec) => {
                line.push("train-mlm".to_owned());
                train_mlm(&mut line, spec);
            }
            Self::Train(_) => line.extend(["train", "run", "--spec", "training.json"].map(str::to_owned)),
            Self::Judge(_) => line.extend(["constitution", "judge", "--spec", "judging.json"].map(str::to_owned)),
            Self::ImportVerdicts(spec) => {
                line.extend(["constitution".to_owned(), "import-verdicts".to_owned(), quoted(&spec.source)]);
            }
            Self::Questions(_) => {
                line.extend(["constitution", "questions", "--spec", "questions.json"].map(str::to_owned));
            }
            Self::Collect(_) => line.extend(["eigenbench", "collect", "--spec", "collection.json"].map(str::to_owned)),
            Self::ImportComparisons(spec) => {
                line.extend(["eigenbench".to_owned(), "import".to_owned(), quoted(&spec.file.to_string_lossy())]);
            }
            Self::ImportTrl(spec) => {
                line.extend(["train".to_owned(), "import-trl".to_owned(), quoted(&spec.job.to_string_lossy())]);
                option(&mut line, "--trained", &spec.trained.to_string_lossy());
            }
            Self::Fetch(spec) => line.extend(["model".to_owned(), "fetch".to_owned(), quoted(&spec.model)]),
            Self::Verify(_) => line.extend(["verify".to_owned(), "certificate.json".to_owned()]),
            Self::VerifyPanel(spec) => line.extend(["verify".to_owned(), quoted(&spec.name)]),
        }
        line.join(" ")
    }
}

fn train_mlm(line: &mut Vec<String>, spec: &TrainMlmSpec) {
    option(line, "--text", &spec.text.to_string_lossy());
    option(line, "--out", &spec.out.to_string_lossy());
    for (name, value) in [
        ("--vocabulary", spec.vocabulary.to_string()),
        ("--hidden", spec.hidden.to_string()),
        ("--layers", spec.layers.to_string()),
        ("--heads", spec.heads.to_string()),
        ("--intermediate", spec.intermediate.to_string()),
        ("--length", spec.length.to_string()),
        ("--batch", spec.batch.to_string()),
        ("--steps", spec.steps.to_string()),
        ("--learning-rate", spec.learning_rate.to_string()),
        ("--warmup-steps", spec.warmup_steps.to_string()),
        ("--weight-decay", spec.weight_decay.to_string()),
        ("--masked", spec.masked.to_string()),
        ("--validation", spec.validation.to_string()),
        ("--validate-every", spec.validate_every.to_string()),
        ("--checkpoint-every", spec.checkpoint_every.to_string()),
        ("--seed", spec.seed.to_string()),
    ] {
        option(line, name, &value);
    }
}

pub(super) fn option(line: &mut Vec<String>, name: &str, value: &str) {
    // A value that begins with a dash would be read as an option of its own.
    if value.starts_with('-') {
        line.push(format!("{name}={}", quoted(value)));
    } else {
        line.extend([name.to_owned(), quoted(value)]);
    }
}

/// `text` as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn choice(choice: &TokenChoice) -> String {
    match choice {
        TokenChoice::Top(k) => format!("top:{k}"),
        TokenChoice::Random(k) => format!("random:{k}"),
        TokenChoice::Typed(tokens) => {
            tokens.iter().map(|token| token.replace('\\', r"\\").replace(',', r"\,")).collect::<Vec<_>>().join(",")
        }
    }
}

fn distance(distance: Distance) -> &'static str {
    match distance {
        Distance::One => "d1",
        Distance::Two => "d2",
        Distance::ThreeFour => "d3-4",
        Distance::FiveToEight => "d5-8",
        Distance::NineUp => "d9+",
    }
}

fn plausibility(plausibility: Plausibility) -> &'static str {
    match plausibility {
        Plausibility::OriginalAndDraw => "t1",
        Plausibility::TopK => "t2",
        Plausibility::Uniform => "t3",
    }
}

fn control(control: Control) -> &'static str {
    match control {
        Control::Ising => "ising",
        Control::RandomInit => "random-init",
        Control::Permuted => "permuted",
    }
}

#[cfg(test)]
mod tests {
    use crate::glauber::certify::{CertifySpec, TokenChoice};
    use crate::jobs::spec::{FetchSpec, RunSpec};

    #[test]
    fn a_certify_run_shows_its_command() {
        let mut spec = CertifySpec {
            version: 1,
            model: "agora".to_owned(),
            sentence: "the nation's army , 50 strong .".to_owned(),
            positions: (3, 7),
            tokens_a: TokenChoice::Top(8),
            tokens_b: TokenChoice::Typed(vec![",".to_owned(), "army".to_owned()]),
            temperature: 1.0,
            seed: 1,
        };
        assert_eq!(
            RunSpec::Certify(spec.clone()).command_line(),
            r"kleroterion certify --model agora --sentence 'the nation'\''s army , 50 strong .' --positions 3,7 --tokens-a top:8 --tokens-b '\,,army' --temperature 1 --seed 1"
        );
        spec.sentence = "- + -".to_owned();
        assert!(RunSpec::Certify(spec).command_line().contains(" --sentence='- + -' "));
        let fetch = RunSpec::Fetch(FetchSpec { version: 1, model: "owner/name@main".to_owned() });
        assert_eq!(fetch.command_line(), "kleroterion model fetch owner/name@main");
    }
}
