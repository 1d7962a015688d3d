//! The form as data: what autosave, undo and "duplicate as form" keep, and how it becomes a run's spec.

use serde::{Deserialize, Serialize};

use crate::glauber::certify::{CertifySpec, TokenChoice};
use crate::glauber::survey::{Control, Distance, Plausibility, SurveySpec};
use crate::jobs::spec::RunSpec;

/// Version written into the specs this form makes.
const SPEC_VERSION: u32 = 1;

/// Which of the two questions the tab asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One sentence, two positions, every rectangle among two token sets.
    #[default]
    OneContext,
    /// Many sentences, rectangles sampled by stratum.
    Survey,
}

/// The way a token set is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceKind {
    Likeliest,
    Typed,
    Random,
}

/// Token set of one position. All three ways keep their values, so that trying another way loses nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenDraft {
    pub kind: ChoiceKind,
    pub count: u32,
    /// Token texts between spaces.
    pub typed: String,
}

impl Default for TokenDraft {
    fn default() -> Self {
        Self { kind: ChoiceKind::Likeliest, count: 6, typed: String::new() }
    }
}

impl TokenDraft {
    /// The typed tokens, in order, each once.
    pub fn typed_tokens(&self) -> Vec<String> {
        let mut tokens: Vec<String> = Vec::new();
        for token in self.typed.split_whitespace() {
            if !tokens.iter().any(|seen| seen == token) {
                tokens.push(token.to_owned());
            }
        }
        tokens
    }
    /// What enters the spec; the error says what is missing, `site` being `i` or `j`.
    pub fn choice(&self, site: &str) -> Result<TokenChoice, String> {
        match self.kind {
            ChoiceKind::Typed => {
                let typed = self.typed_tokens();
                if typed.len() < 2 {
                    return Err(format!("Type at least two different tokens for position {site}, between spaces."));
                }
                Ok(TokenChoice::Typed(typed))
            }
            _ if self.count < 2 => Err(format!("A rectangle needs at least two tokens at position {site}.")),
            ChoiceKind::Likeliest => Ok(TokenChoice::Top(self.count)),
            ChoiceKind::Random => Ok(TokenChoice::Random(self.count)),
        }
    }
    /// Takes over a spec's choice.
    pub fn set(&mut self, choice: &TokenChoice) {
        match choice {
            TokenChoice::Top(count) => (self.kind, self.count) = (ChoiceKind::Likeliest, *count),
            TokenChoice::Random(count) => (self.kind, self.count) = (ChoiceKind::Random, *count),
            TokenChoice::Typed(tokens) => (self.kind, self.typed) = (ChoiceKind::Typed, tokens.join(" ")),
        }
    }
}

/// What only a survey asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SurveyDraft {
    /// Further models on the same contexts.
    pub beside: Vec<String>,
    /// A named sentence list of the project; without one the typed lines count.
    pub list: Option<String>,
    /// One sentence per line.
    pub lines: String,
    pub plausibilities: Vec<Plausibility>,
    pub distances: Vec<Distance>,
    pub per_context: u32,
    pub top_k: u32,
    pub controls: Vec<Control>,
    pub resamples: u32,
}

impl Default for SurveyDraft {
    fn default() -> Self {
        Self {
            beside: Vec::new(),
            list: None,
            lines: String::new(),
            plausibilities: PLAUSIBILITIES.to_vec(),
            distances: DISTANCES.to_vec(),
            per_context: 1,
            top_k: 8,
            controls: CONTROLS.to_vec(),
            resamples: 1000,
        }
    }
}

/// All ways to draw tokens, in the order shown.
pub const PLAUSIBILITIES: [Plausibility; 3] =
    [Plausibility::OriginalAndDraw, Plausibility::TopK, Plausibility::Uniform];
/// All distance groups, in the order shown.
pub const DISTANCES: [Distance; 5] =
    [Distance::One, Distance::Two, Distance::ThreeFour, Distance::FiveToEight, Distance::NineUp];
/// All controls, in the order shown.
pub const CONTROLS: [Control; 3] = [Control::Ising, Control::RandomInit, Control::Permuted];

/// The whole form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub mode: Mode,
    pub model: String,
    pub sentence: String,
    /// Chosen positions in the order they were clicked: i, then j.
    pub positions: Vec<usize>,
    pub tokens: [TokenDraft; 2],
    pub temperature: f64,
    pub seed: u64,
    pub survey: SurveyDraft,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            mode: Mode::OneContext,
            model: String::new(),
            sentence: String::new(),
            positions: Vec::new(),
            tokens: Default::default(),
            temperature: 1.0,
            seed: 0,
            survey: SurveyDraft::default(),
        }
    }
}

impl Draft {
    /// Clicks the token at `site`: chooses it, lets it go, or takes the place of the one chosen earlier.
    pub fn click_position(&mut self, site: usize) {
        if let Some(at) = self.positions.iter().position(|&chosen| chosen == site) {
            self.positions.remove(at);
            return;
        }
        if self.positions.len() == 2 {
            self.positions.remove(0);
        }
        self.positions.push(site);
    }

    /// The sentences of the survey, from the chosen list or the typed lines.
    pub fn survey_sentences(&self, lists: &[(String, Vec<String>)]) -> Vec<String> {
        if let Some(name) = &self.survey.list {
            return lists
                .iter()
                .find(|(list, _)| list == name)
                .map(|(_, sentences)| sentences.clone())
                .unwrap_or_default();
        }
        self.survey.lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The run the form describes now, or in one sentence what is missing.
    pub fn spec(&self, lists: &[(String, Vec<String>)]) -> Result<RunSpec, String> {
        if self.model.trim().is_empty() {
            return Err("Choose a model first.".to_owned());
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err("The temperature must be a number above zero.".to_owned());
        }
        match self.mode {
            Mode::OneContext => self.certify_spec().map(RunSpec::Certify),
            Mode::Survey => self.survey_spec(lists).map(RunSpec::Survey),
        }
    }

    fn certify_spec(&self) -> Result<CertifySpec, String> {
        if self.sentence.trim().is_empty() {
            return Err("Type a sentence first, or pick one from a list.".to_owned());
        }
        let [i, j] = self.positions[..] else {
            return Err("Choose two positions: click two tokens of the sentence.".to_owned());
        };
        Ok(CertifySpec {
            version: SPEC_VERSION,
            model: self.model.trim().to_owned(),
            sentence: self.sentence.trim().to_owned(),
            positions: (i, j),
            tokens_a: self.tokens[0].choice("i")?,
            tokens_b: self.tokens[1].choice("j")?,
            temperature: self.temperature,
            seed: self.seed,
        })
    }

    fn survey_spec(&self, lists: &[(String, Vec<String>)]) -> Result<SurveySpec, String> {
        let survey = &self.survey;
        let sentences = self.survey_sentences(lists);
        if sentences.is_empty() {
            return Err("Pick a sentence list, or type sentences, one per line.".to_owned());
        }
        if survey.distances.is_empty() {
            return Err("Tick at least one distance between the two positions.".to_owned());
        }
        if survey.plausibilities.is_empty() {
            return Err("Tick at least one way to draw the tokens.".to_owned());
        }
        if survey.per_context == 0 {
            return Err("Ask for at least one rectangle per sentence and stratum.".to_owned());
        }
        if survey.plausibilities.contains(&Plausibility::TopK) && survey.top_k < 2 {
            return Err("Two likely tokens need a k of at least 2.".to_owned());
        }
        Ok(SurveySpec {
            version: SPEC_VERSION,
            model: self.model.trim().to_owned(),
            beside: survey.beside.iter().filter(|&model| model.trim() != self.model.trim()).cloned().collect(),
            sentences,
            plausibilities: ordered(&PLAUSIBILITIES, &survey.plausibilities),
            distances: ordered(&DISTANCES, &survey.distances),
            per_context: survey.per_context,
            top_k: survey.top_k,
            temperature: self.temperature,
            controls: ordered(&CONTROLS, &survey.controls),
            resamples: survey.resamples,
            seed: self.seed,
        })
    }

    /// Fills the form from a certify or survey spec; other kinds leave it as it is.
    pub fn set_spec(&mut self, spec: &RunSpec) {
        match spec {
            RunSpec::Certify(spec) => {
                self.mode = Mode::OneContext;
                self.model = spec.model.clone();
                self.sentence = spec.sentence.clone();
                self.positions = vec![spec.positions.0, spec.positions.1];
                self.tokens[0].set(&spec.tokens_a);
                self.tokens[1].set(&spec.tokens_b);
                (self.temperature, self.seed) = (spec.temperature, spec.seed);
            }
            RunSpec::Survey(spec) => {
                self.mode = Mode::Survey;
                self.model = spec.model.clone();
                (self.temperature, self.seed) = (spec.temperature, spec.seed);
                self.survey = SurveyDraft {
                    beside: spec.beside.clone(),
                    list: None,
                    lines: spec.sentences.join("\n"),
                    plausibilities: spec.plausibilities.clone(),
                    distances: spec.distances.clone(),
                    per_context: spec.per_context,
                    top_k: spec.top_k,
                    controls: spec.controls.clone(),
                    resamples: spec.resamples,
                };
            }
            _ => {}
        }
    }

    /// Fills the halves of the form that are still empty from the runs that are shown beside them; `runs` are in the
    /// order of the list, so the first of a kind is the one shown.
    pub fn start_from<'a>(&mut self, runs: impl Iterator<Item = &'a RunSpec> + Clone, lists: &[(String, Vec<String>)]) {
        let no_context = self.sentence.trim().is_empty() && self.positions.is_empty();
        let no_survey = self.survey.list.is_none() && self.survey.lines.trim().is_empty();
        let mode = self.mode;
        // The context comes last: what both halves share (model, temperature, seed) then is that of the first view.
        if no_survey && let Some(spec) = runs.clone().find(|spec| matches!(spec, RunSpec::Survey(_))) {
            let kept = (self.model.clone(), self.temperature, self.seed);
            self.set_spec(spec);
            if !no_context {
                (self.model, self.temperature, self.seed) = kept;
            }
            if let RunSpec::Survey(spec) = spec
                && let Some((name, _)) = lists.iter().find(|(_, sentences)| *sentences == spec.sentences)
            {
                self.survey.list = Some(name.clone());
                self.survey.lines.clear();
            }
        }
        if no_context && let Some(spec) = runs.clone().find(|spec| matches!(spec, RunSpec::Certify(_))) {
            let kept = (self.model.clone(), self.temperature, self.seed);
            self.set_spec(spec);
            if !no_survey {
                (self.model, self.temperature, self.seed) = kept;
            }
        }
        self.mode = mode;
    }
}

/// The ticked values in the order of the form, so that ticking in another order makes the same spec.
fn ordered<T: Copy + PartialEq>(all: &[T], ticked: &[T]) -> Vec<T> {
    all.iter().copied().filter(|value| ticked.contains(value)).collect()
}

/// Most rectangles a survey can hold, over all subjects that are evaluated. Sentences too short for a distance give none.
pub fn most_rectangles(spec: &SurveySpec) -> u64 {
    let evaluated_controls = spec.controls.iter().filter(|&&control| control != Control::Permuted).count();
    let subjects = 1 + spec.beside.len() + evaluated_controls;
    (spec.sentences.len() * spec.distances.len() * spec.plausibilities.len() * subjects) as u64
        * u64::from(spec.per_context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Draft {
        Draft { model: "table-pair".to_owned(), sentence: "0 1".to_owned(), positions: vec![0, 1], ..Draft::default() }
    }

    #[test]
    fn the_reason_names_what_is_missing() {
        let check = |draft: Draft, word: &str| {
            let reason = draft.spec(&[]).expect_err("not ready");
            assert!(reason.contains(word), "{reason:?} should mention {word:?}");
        };
        check(Draft::default(), "model");
        check(Draft { sentence: " ".to_owned(), ..ready() }, "sentence");
        check(Draft { positions: vec![1], ..ready() }, "two positions");
        check(Draft { temperature: 0.0, ..ready() }, "temperature");
        let mut typed = ready();
        typed.tokens[1] = TokenDraft { kind: ChoiceKind::Typed, count: 6, typed: "cat cat".to_owned() };
        check(typed, "position j");
        check(Draft { mode: Mode::Survey, ..ready() }, "one per line");
    }

    #[test]
    fn a_spec_fills_the_form_that_makes_it() {
        let mut draft = ready();
        draft.tokens[0] = TokenDraft { kind: ChoiceKind::Typed, count: 6, typed: "0  1".to_owned() };
        draft.tokens[1] = TokenDraft { kind: ChoiceKind::Random, count: 2, typed: String::new() };
        let spec = draft.spec(&[]).unwrap();
        let mut other = Draft { mode: Mode::Survey, ..Draft::default() };
        other.set_spec(&spec);
        assert_eq!(other.spec(&[]).unwrap(), spec);

        let lists = vec![("proverbs".to_owned(), vec!["time flies".to_owned(), "art is long".to_owned()])];
        draft.mode = Mode::Survey;
        draft.survey.list = Some("proverbs".to_owned());
        draft.survey.distances = vec![Distance::Two, Distance::One];
        let spec = draft.spec(&lists).unwrap();
        other.set_spec(&spec);
        assert_eq!(other.spec(&[]).unwrap(), spec, "a run's sentences no longer need the list they came from");
    }

    #[test]
    fn only_empty_halves_are_filled_from_the_runs_shown() {
        let lists = vec![("proverbs".to_owned(), vec!["time flies".to_owned()])];
        let context = ready().spec(&lists).unwrap();
        let mut survey = Draft { mode: Mode::Survey, ..ready() };
        survey.survey.list = Some("proverbs".to_owned());
        let survey = survey.spec(&lists).unwrap();
        let runs = [survey.clone(), context.clone()];

        let mut draft = Draft::default();
        draft.start_from(runs.iter(), &lists);
        assert_eq!(draft.spec(&lists).unwrap(), context);
        assert_eq!(draft.survey.list.as_deref(), Some("proverbs"), "a list of the project is named, not typed out");
        draft.mode = Mode::Survey;
        assert_eq!(draft.spec(&lists).unwrap(), survey);

        let mut begun = Draft { sentence: "1 1".to_owned(), model: "mine".to_owned(), ..Draft::default() };
        begun.start_from(runs.iter(), &lists);
        assert_eq!((begun.sentence.as_str(), begun.model.as_str()), ("1 1", "mine"));
        assert_eq!(begun.survey.list.as_deref(), Some("proverbs"));
    }

    #[test]
    fn the_third_click_replaces_the_first() {
        let mut draft = Draft::default();
        for site in [4, 1, 2] {
            draft.click_position(site);
        }
        assert_eq!(draft.positions, [1, 2]);
        draft.click_position(1);
        assert_eq!(draft.positions, [2]);
    }

    #[test]
    fn drafts_survive_json_and_unknown_fields() {
        let draft = ready();
        let json = serde_json::to_string(&draft).unwrap();
        assert_eq!(serde_json::from_str::<Draft>(&json).unwrap(), draft);
        let partial: Draft = serde_json::from_str(r#"{"model":"agora","later":1}"#).unwrap();
        assert_eq!(partial, Draft { model: "agora".to_owned(), ..Draft::default() });
    }
}
