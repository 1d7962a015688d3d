//! Texts of imported evaluations as calls, so that a row leads to what was said. Requests are built in the words of our own
//! protocol: what exactly was asked elsewhere, the file does not say.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::PROVIDER;
use crate::dempo::preference::Message;
use crate::eigenbench::protocol::{Considered, Form, Protocol, Scope};
use crate::formats::evaluations::{ReadEvaluations, Said, WHOLE};
use crate::jobs::work::{Bench, JobError};
use crate::providers::chat::{ChatRequest, Ending, Reply};
use crate::store::{CallId, CallsBehind};

/// Calls that are written at once; their texts are in memory together.
const BATCH: usize = 512;

/// What makes two calls of one file the same: who speaks, the scenario, what it is shown (texts), what it says.
type Key = (u16, u32, Vec<usize>, usize);

/// Calls in the making.
pub(super) struct Transcripts<'a, 'b> {
    bench: &'a Bench<'b>,
    read: &'a ReadEvaluations,
    protocol: Protocol,
    places: BTreeMap<Key, usize>,
    waiting: Vec<(ChatRequest, Reply)>,
    written: Vec<CallId>,
}

impl<'a, 'b> Transcripts<'a, 'b> {
    /// Keeps the texts of all evaluations as calls of the run; gives the calls behind each row. Nothing is kept where the run
    /// is not stored.
    pub(super) fn keep(bench: &'a Bench<'b>, read: &'a ReadEvaluations) -> Result<Vec<CallsBehind>, JobError> {
        let mut behind = vec![CallsBehind::default(); read.comparisons.rows.len()];
        if bench.ledger.project().is_none() {
            return Ok(behind);
        }
        bench.progress.stage("keeping what was said");
        let mut own = Self {
            bench,
            read,
            protocol: Protocol::default(),
            places: BTreeMap::new(),
            waiting: Vec::new(),
            written: Vec::new(),
        };
        let mut all = Vec::with_capacity(read.said.len());
        for (done, said) in read.said.iter().enumerate() {
            all.push(own.calls(said));
            if own.waiting.len() >= BATCH {
                own.write()?;
                bench.progress.report(done as u64, read.said.len() as u64);
                bench.progress.checkpoint()?;
            }
        }
        own.write()?;
        let id = |place: Option<usize>| place.map(|place| own.written[place]);
        for (said, (verdict, responses, reflections)) in read.said.iter().zip(all) {
            let calls = CallsBehind {
                verdict: id(Some(verdict)),
                responses: responses.map(id),
                reflections: reflections.map(id),
            };
            behind[said.rows.clone()].fill(calls);
        }
        Ok(behind)
    }

    /// Places of an evaluation's verdict, responses and reflections among all calls.
    fn calls(&mut self, said: &Said) -> (usize, [Option<usize>; 2], [Option<usize>; 2]) {
        let read = self.read;
        let row = &read.comparisons.rows[said.rows.start];
        let scenario = read.scenario_texts[row.scenario as usize].as_str();
        let criteria: Vec<&str> =
            read.texts[said.constitution].lines().map(str::trim).filter(|own| !own.is_empty()).collect();
        let text = |place: Option<usize>| place.map_or("", |place| read.texts[place].as_str());
        let protocol = self.protocol.clone();
        let (mut responses, mut reflections) = ([None; 2], [None; 2]);
        for (side, model) in [row.first, row.second].into_iter().enumerate() {
            let Some(response) = said.responses[side] else { continue };
            let key = (model, row.scenario, Vec::new(), response);
            responses[side] = Some(self.call(key, || protocol.response("", scenario)));
            if let Some(reflection) = said.reflections[side] {
                let key = (row.judge, row.scenario, vec![said.constitution, response], reflection);
                let asked = || protocol.reflection("", &criteria, scenario, &read.texts[response]);
                reflections[side] = Some(self.call(key, asked));
            }
        }
        let whole = read.comparisons.criteria.get(usize::from(row.criterion)).is_some_and(|name| name == WHOLE);
        let form = Form { scope: if whole { Scope::Whole } else { Scope::PerCriterion }, ties: true };
        let [first, second] = [0, 1]
            .map(|side| Considered { response: text(said.responses[side]), reflection: text(said.reflections[side]) });
        // A text that is missing is not one of the file's.
        let shown = (said.responses.iter().chain(&said.reflections)).map(|text| text.unwrap_or(usize::MAX));
        let key = (row.judge, row.scenario, std::iter::once(said.constitution).chain(shown).collect(), said.verdict);
        let verdict = self.call(key, || protocol.comparison("", &criteria, scenario, [first, second], form));
        (verdict, responses, reflections)
    }

    fn call(&mut self, key: Key, asked: impl FnOnce() -> Vec<Message>) -> usize {
        if let Some(&place) = self.places.get(&key) {
            return place;
        }
        let place = self.written.len() + self.waiting.len();
        let (speaker, text) = (usize::from(key.0), self.read.texts[key.3].clone());
        let request = ChatRequest {
            model: self.read.comparisons.models[speaker].clone(),
            messages: asked(),
            temperature: 0.0,
            longest: 0,
            stop: Vec::new(),
            seed: None,
            sample: of_text(&text),
        };
        let reply = Reply {
            text,
            reasoning: None,
            ending: Ending::Whole,
            usage: None,
            cost: None,
            seconds: 0.0,
            failed_attempts: Vec::new(),
        };
        self.waiting.push((request, reply));
        self.places.insert(key, place);
        place
    }

    fn write(&mut self) -> Result<(), JobError> {
        let written = self.bench.ledger.calls(PROVIDER, &self.waiting)?;
        self.written.extend(written);
        self.waiting.clear();
        Ok(())
    }
}

/// Tells different answers to one question apart, in this file and in others: a request that has the same number as another has
/// the same answer.
fn of_text(text: &str) -> u32 {
    let hash = Sha256::digest(text);
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
}
