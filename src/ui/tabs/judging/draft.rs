//! The form as data: the constitution, who is compared, who judges, and how. Autosave and undo keep it as one JSON text.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dempo::constitution::Constitution;
use crate::dempo::judging::{Comparing, Prompts, WordRule};
use crate::jobs::judge::{AnswersFrom, Entrant, Judge, JudgeSpec, JudgedBy, QuestionsSpec};
use crate::jobs::speaker::Speaker;
use crate::models::llama::TemplateChoice;
use crate::providers::price::{Price, PriceTable};
use crate::providers::settings::{ProviderSettings, presets};

/// What stands behind a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VoiceKind {
    /// A Llama of this machine.
    #[default]
    Local,
    /// A model behind an endpoint.
    Provider,
    /// A file of answers; for those who are compared.
    File,
    /// A count of words; for those who judge.
    Words,
}

/// One who answers or judges. Fields of other kinds keep what was typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Voice {
    pub name: String,
    pub kind: VoiceKind,
    /// Shipped name, folder or hub name.
    pub local: String,
    /// Folder of an adapter; may be empty.
    pub adapter: String,
    pub template: TemplateChoice,
    pub provider: ProviderSettings,
    /// As the provider names it.
    pub model: String,
    pub file: String,
    /// Of a model that is compared: goes before every question.
    pub instructions: String,
    /// Words between blanks or commas.
    pub wanted: String,
    pub unwanted: String,
}

impl Default for Voice {
    fn default() -> Self {
        let mut presets = presets();
        Self {
            name: String::new(),
            kind: VoiceKind::Local,
            local: String::new(),
            adapter: String::new(),
            template: TemplateChoice::Auto,
            provider: presets.swap_remove(0),
            model: String::new(),
            file: String::new(),
            instructions: String::new(),
            wanted: String::new(),
            unwanted: String::new(),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

impl Voice {
    /// Who is asked.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub fn speaker(&self) -> Result<Speaker, String> {
        let speaker = match self.kind {
            VoiceKind::Provider => {
                Speaker::Provider { provider: self.provider.clone(), model: self.model.trim().to_owned() }
            }
            _ => Speaker::Local {
                model: self.local.trim().to_owned(),
                adapter: (!self.adapter.trim().is_empty()).then(|| PathBuf::from(self.adapter.trim())),
                template: self.template,
            },
        };
        speaker.check()?;
        Ok(speaker)
    }

    fn rule(&self) -> WordRule {
        WordRule { wanted: words(&self.wanted), unwanted: words(&self.unwanted) }
    }

    /// Fills the fields of a speaker.
    pub fn take(&mut self, speaker: &Speaker) {
        match speaker {
            Speaker::Provider { provider, model } => {
                self.kind = VoiceKind::Provider;
                self.provider = provider.clone();
                self.model.clone_from(model);
            }
            Speaker::Local { model, adapter, template } => {
                self.kind = VoiceKind::Local;
                self.local.clone_from(model);
                self.adapter = adapter.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
                self.template = *template;
            }
        }
    }

    /// The name of the model in requests, where it is asked at a price.
    pub fn priced(&self) -> Option<&str> {
        (self.kind == VoiceKind::Provider && !self.model.trim().is_empty()).then(|| self.model.trim())
    }
}

/// A price as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedPrice {
    pub model: String,
    /// US dollars per million tokens.
    pub prompt: String,
    pub completion: String,
}

/// The whole form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub constitution: Arc<Constitution>,
    /// Questions a clause that are asked; 0 is all.
    pub questions_a_clause: usize,
    pub entrants: Vec<Voice>,
    pub judges: Vec<Voice>,
    pub comparing: Comparing,
    pub passes: u16,
    pub retries: u16,
    pub longest_answer: u32,
    pub answer_temperature: f64,
    pub longest_verdict: u32,
    pub judge_temperature: f64,
    pub prompts: Prompts,
    pub seed: u64,
    /// US dollars; empty is no limit.
    pub budget: String,
    pub prices: Vec<TypedPrice>,
    pub writer: Voice,
    /// Questions a clause that the writer is asked for.
    pub written: u32,
}

impl Default for Draft {
    fn default() -> Self {
        let usual = JudgeSpec::of(Arc::default());
        Self {
            constitution: usual.constitution,
            questions_a_clause: 0,
            entrants: Vec::new(),
            judges: Vec::new(),
            comparing: usual.comparing,
            passes: usual.passes,
            retries: usual.retries,
            longest_answer: usual.longest_answer,
            answer_temperature: usual.answer_temperature,
            longest_verdict: usual.longest_verdict,
            judge_temperature: usual.judge_temperature,
            prompts: usual.prompts,
            seed: 0,
            budget: String::new(),
            prices: Vec::new(),
            writer: Voice { kind: VoiceKind::Provider, ..Voice::default() },
            written: 40,
        }
    }
}

impl Draft {
    /// The constitution with as many questions of each clause as are asked.
    pub fn asked(&self) -> Arc<Constitution> {
        match self.questions_a_clause {
            0 => self.constitution.clone(),
            most => Arc::new(self.constitution.first_questions(most)),
        }
    }

    fn entrant(voice: &Voice) -> Result<Entrant, String> {
        let named = |problem: String| format!("{}: {problem}", voice.name);
        let answers = match voice.kind {
            VoiceKind::File if voice.file.trim().is_empty() => {
                return Err(named("no file of answers is named. Choose one".to_owned()));
            }
            VoiceKind::File => AnswersFrom::File(PathBuf::from(voice.file.trim())),
            _ => AnswersFrom::Speaker(voice.speaker().map_err(named)?),
        };
        Ok(Entrant { name: voice.name.trim().to_owned(), instructions: voice.instructions.trim().to_owned(), answers })
    }

    fn judge(voice: &Voice) -> Result<Judge, String> {
        let by = match voice.kind {
            VoiceKind::Words => JudgedBy::Words(voice.rule()),
            _ => JudgedBy::Speaker(voice.speaker().map_err(|problem| format!("{}: {problem}", voice.name))?),
        };
        Ok(Judge { name: voice.name.trim().to_owned(), by })
    }

    /// # Errors
    /// What is wrong with a price or the budget.
    pub fn prices(&self) -> Result<PriceTable, String> {
        let mut table = PriceTable::default();
        for typed in &self.prices {
            let number = |text: &str| match text.trim() {
                "" => Ok(0.0),
                text => text.parse::<f64>().map_err(|_| format!("the price {text:?} of {} is no number", typed.model)),
            };
            if typed.prompt.trim().is_empty() && typed.completion.trim().is_empty() {
                continue;
            }
            let price = Price { prompt: number(&typed.prompt)?, completion: number(&typed.completion)? };
            table.0.insert(typed.model.clone(), price);
        }
        table.check()?;
        Ok(table)
    }

    /// # Errors
    /// Where it is no amount.
    pub fn dollars(&self) -> Result<Option<f64>, String> {
        match self.budget.trim().trim_start_matches('$') {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(dollars) if dollars.is_finite() && dollars >= 0.0 => Ok(Some(dollars)),
                _ => Err(format!("the budget {text:?} is no amount of US dollars. Type a number, or leave it empty")),
            },
        }
    }

    /// The judging that the form describes.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub fn spec(&self) -> Result<JudgeSpec, String> {
        let spec = JudgeSpec {
            version: 1,
            constitution: self.asked(),
            entrants: self.entrants.iter().map(Self::entrant).collect::<Result<_, _>>()?,
            judges: self.judges.iter().map(Self::judge).collect::<Result<_, _>>()?,
            comparing: self.comparing,
            passes: self.passes,
            retries: self.retries,
            longest_answer: self.longest_answer,
            answer_temperature: self.answer_temperature,
            longest_verdict: self.longest_verdict,
            judge_temperature: self.judge_temperature,
            prompts: self.prompts.clone(),
            seed: self.seed,
            budget: self.dollars()?,
            prices: self.prices()?,
        };
        spec.check()?;
        Ok(spec)
    }

    /// The writing of questions that the form describes.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub fn writing(&self) -> Result<QuestionsSpec, String> {
        let spec = QuestionsSpec {
            count: self.written,
            prompts: self.prompts.clone(),
            seed: self.seed,
            budget: self.dollars()?,
            prices: self.prices()?,
            ..QuestionsSpec::of(self.constitution.clone(), self.writer.speaker()?)
        };
        spec.check()?;
        Ok(spec)
    }

    /// The form of a judging.
    pub fn of(spec: &JudgeSpec) -> Self {
        let entrant = |entrant: &Entrant| {
            let mut voice =
                Voice { name: entrant.name.clone(), instructions: entrant.instructions.clone(), ..Voice::default() };
            match &entrant.answers {
                AnswersFrom::Speaker(speaker) => voice.take(speaker),
                AnswersFrom::File(path) => {
                    voice.kind = VoiceKind::File;
                    voice.file = path.display().to_string();
                }
            }
            voice
        };
        let judge = |judge: &Judge| {
            let mut voice = Voice { name: judge.name.clone(), ..Voice::default() };
            match &judge.by {
                JudgedBy::Speaker(speaker) => voice.take(speaker),
                JudgedBy::Words(rule) => {
                    voice.kind = VoiceKind::Words;
                    voice.wanted = rule.wanted.join(" ");
                    voice.unwanted = rule.unwanted.join(" ");
                }
            }
            voice
        };
        let price = |(model, price): (&String, &Price)| TypedPrice {
            model: model.clone(),
            prompt: price.prompt.to_string(),
            completion: price.completion.to_string(),
        };
        Self {
            constitution: spec.constitution.clone(),
            questions_a_clause: 0,
            entrants: spec.entrants.iter().map(entrant).collect(),
            judges: spec.judges.iter().map(judge).collect(),
            comparing: spec.comparing,
            passes: spec.passes,
            retries: spec.retries,
            longest_answer: spec.longest_answer,
            answer_temperature: spec.answer_temperature,
            longest_verdict: spec.longest_verdict,
            judge_temperature: spec.judge_temperature,
            prompts: spec.prompts.clone(),
            seed: spec.seed,
            budget: spec.budget.map(|dollars| dollars.to_string()).unwrap_or_default(),
            prices: spec.prices.0.iter().map(price).collect(),
            ..Self::default()
        }
    }

    /// Fills the form with what works on any machine: the shipped model under three instructions, judged by a count of
    /// words, on one question of each clause.
    pub fn fill_example(&mut self, constitution: Arc<Constitution>) {
        let model = |name: &str, instructions: &str| Voice {
            name: name.into(),
            local: "ekklesia".into(),
            instructions: instructions.into(),
            ..Voice::default()
        };
        self.constitution = constitution;
        self.questions_a_clause = 1;
        self.entrants = vec![
            model("As it is", ""),
            model("Told of the people", "We speak of the people, their rights and their laws."),
            model("Told of war", "We speak of the king, his army and the war."),
        ];
        self.judges = vec![Voice {
            name: "Word count".into(),
            kind: VoiceKind::Words,
            wanted: "people, law, laws, right, rights, public, common, citizens, liberty".into(),
            unwanted: "war, army, king, enemy, force".into(),
            ..Voice::default()
        }];
        self.longest_answer = 32;
        // The likeliest word of a model as small as this one often ends the answer at once.
        self.answer_temperature = 0.8;
        self.passes = 1;
    }

    /// Keeps a place for the price of every model that is asked at one.
    pub fn price_places(&mut self) {
        let voices = self.entrants.iter().chain(&self.judges);
        let wanted: Vec<String> = voices.filter_map(Voice::priced).map(str::to_owned).collect();
        for model in wanted {
            if !self.prices.iter().any(|typed| typed.model == model) {
                self.prices.push(TypedPrice { model, ..TypedPrice::default() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::constitution::Question;

    fn filled() -> Draft {
        let mut constitution = Constitution::from_lines("test", "Be kind.\nBe brief.");
        for (id, clause) in [("a", "1"), ("b", "1"), ("c", "2")] {
            constitution.questions.push(Question { id: id.into(), clause: clause.into(), text: format!("{id}?") });
        }
        let mut draft = Draft { constitution: Arc::new(constitution), ..Draft::default() };
        draft.entrants = vec![
            Voice { name: "Base".into(), local: "ekklesia".into(), ..Voice::default() },
            Voice { name: "Told".into(), kind: VoiceKind::File, file: "told.jsonl".into(), ..Voice::default() },
        ];
        draft.judges = vec![Voice {
            name: "Count".into(),
            kind: VoiceKind::Words,
            wanted: "wait, ask".into(),
            unwanted: "Now".into(),
            ..Voice::default()
        }];
        draft
    }

    #[test]
    fn a_form_and_its_spec_are_the_same_thing() {
        let mut draft = filled();
        draft.budget = "2.5".into();
        draft.prices.push(TypedPrice { model: "m".into(), prompt: "3".into(), completion: "15".into() });
        let spec = draft.spec().unwrap();
        assert_eq!(spec.prices.0["m"], Price { prompt: 3.0, completion: 15.0 });
        assert_eq!(Draft::of(&spec).spec().unwrap(), spec);
        draft.questions_a_clause = 1;
        let ids: Vec<String> = draft.spec().unwrap().constitution.questions.iter().map(|q| q.id.clone()).collect();
        assert_eq!(ids, ["a", "c"]);
    }

    #[test]
    fn what_is_missing_is_a_sentence() {
        let problem = |change: fn(&mut Draft)| {
            let mut draft = filled();
            change(&mut draft);
            draft.spec().unwrap_err()
        };
        assert!(problem(|draft| draft.entrants.truncate(1)).contains("fewer than two"));
        assert!(problem(|draft| draft.entrants[0].local.clear()).starts_with("Base: "));
        assert!(problem(|draft| draft.entrants[1].file.clear()).contains("no file of answers"));
        assert!(problem(|draft| draft.judges[0].wanted = "two-words now?".into()).contains("Count: "));
        assert!(problem(|draft| draft.budget = "much".into()).contains("no amount"));
        assert!(problem(|draft| draft.entrants[1].name = "Base".into()).contains("own name"));
        assert!(Draft::default().spec().is_err());
    }
}
