//! A mock persona: no language model, but one who answers as the protocol of EigenBench asks and whose verdicts follow a known
//! Bradley-Terry-Davidson model. For trying the lab without a key, and for seeing whether it recovers what is known.
//!
//! Its responses say what they are, and carry its disposition in their first words; that is what its fellows judge by.

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::chat::{Chat, ChatError, ChatRequest, Ending, Reply, Usage};
use crate::progress::Progress;
use crate::statistics::Stream;

/// How a mock response begins; two numbers follow.
const SIGN: &str = "Mock response with disposition";

/// What a mock persona is like: judge i sees model j at `lens_i . disposition_j` (eigenbench.md, section 4).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MockPersona {
    /// What its responses are like (v).
    pub disposition: [f64; 2],
    /// What it looks for as a judge (u).
    pub lens: [f64; 2],
    /// Propensity to ties (lambda), not negative.
    pub ties: f64,
    /// Added to the score of whichever response comes first: a bias that both orders reveal.
    #[serde(default)]
    pub first: f64,
}

impl Default for MockPersona {
    fn default() -> Self {
        Self { disposition: [0.0; 2], lens: [1.0, 0.0], ties: 0.5, first: 0.0 }
    }
}

impl MockPersona {
    /// # Errors
    /// A number that is none, or a negative propensity to ties.
    pub fn check(&self) -> Result<(), String> {
        let numbers = self.disposition.into_iter().chain(self.lens).chain([self.ties, self.first]);
        if !numbers.into_iter().all(f64::is_finite) || self.ties < 0.0 {
            return Err("a mock persona needs plain numbers, and a propensity to ties of 0 or more".into());
        }
        Ok(())
    }

    /// The score of a response with this disposition.
    fn score(&self, disposition: [f64; 2]) -> f64 {
        self.lens[0] * disposition[0] + self.lens[1] * disposition[1]
    }

    /// 0 for a tie, 1 or 2, as the model says for this place in (0, 1); `turned` says that the two are shown the other way round
    /// than they are drawn, so that both orders of a look agree but for the bias.
    fn choice(&self, first: [f64; 2], second: [f64; 2], ties: bool, turned: bool, at: f64) -> u8 {
        let (a, b) = (self.score(first) + self.first, self.score(second));
        let lambda = if ties { self.ties } else { 0.0 };
        // The tie lies between the two, whichever way they are shown.
        let sizes = [a.exp(), lambda * (0.5 * (a + b)).exp(), b.exp()];
        let all: f64 = sizes.iter().sum();
        let at = all * if turned { 1.0 - at } else { at };
        match at {
            at if at < sizes[0] => 1,
            at if at < sizes[0] + sizes[1] => 0,
            _ => 2,
        }
    }
}

/// A mock persona as one who answers.
pub struct MockChat {
    identity: String,
    persona: MockPersona,
}

impl MockChat {
    /// Speaks for `persona`.
    pub fn new(persona: MockPersona) -> Self {
        let identity = format!("mock: {}", serde_json::to_string(&persona).unwrap_or_default());
        Self { identity, persona }
    }

    fn response(&self, stream: &mut Stream) -> String {
        const SENTENCES: [&str; 8] = [
            "I would hear the other person out before anything else.",
            "It may help to name what is at stake for everybody.",
            "Some of this can wait until tomorrow.",
            "A plain word now may spare a long quarrel later.",
            "Nobody has to settle it alone.",
            "I would ask what they themselves would wish for.",
            "One small step is enough for today.",
            "It is worth saying what went well, too.",
        ];
        let [x, y] = self.persona.disposition;
        let mut text = format!("{SIGN} {x} {y}.");
        let many = 2 + stream.below(4) as usize;
        for place in stream.distinct(many, SENTENCES.len()) {
            text.push(' ');
            text.push_str(SENTENCES[place]);
        }
        text
    }

    fn verdict(&self, asked: &str, sample: u32) -> String {
        let block = |name: &str| {
            let from = asked.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
            from.split_once(&format!("</{name}>")).map_or(from, |(own, _)| own)
        };
        let [first, second] = ["first_response", "second_response"].map(block);
        let turned = first > second;
        let (low, high) = if turned { (second, first) } else { (first, second) };
        // Of the pair, not of its order.
        let mut stream = stream(&[&self.identity, &sample.to_string(), block("scenario"), low, high]);
        // The form of the verdict stands at the end, and allows a 0 where ties may be.
        let form = asked.rsplit_once("</second_reflection>").map_or(asked, |(_, form)| form);
        let mut verdict = String::new();
        for tag in tags(form) {
            let (first, second) = (disposition_in(first), disposition_in(second));
            let figure = self.persona.choice(first, second, form.contains('0'), turned, stream.unit());
            verdict.push_str(&format!("<{tag}>{figure}</{tag}>\n"));
        }
        verdict
    }
}

/// Random numbers that follow from texts.
fn stream(texts: &[&str]) -> Stream {
    let digest = Sha256::digest(texts.join("\u{1f}"));
    Stream::new(digest.iter().take(8).fold(0_u64, |seed, byte| (seed << 8) | u64::from(*byte)), 0)
}

/// Tags of choices that a form of a verdict asks for, each once, in their order.
fn tags(form: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in form.split('<').skip(1) {
        let name = part.split('>').next().unwrap_or_default();
        if (name == "choice" || (name.starts_with("criterion_") && name.ends_with("_choice"))) && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

/// The disposition that a mock response carries; that of anybody else is 0.
fn disposition_in(text: &str) -> [f64; 2] {
    let Some(rest) = text.trim_start().strip_prefix(SIGN) else { return [0.0; 2] };
    let mut numbers = rest.split_whitespace().map(|word| word.trim_end_matches('.').parse().unwrap_or(0.0));
    [numbers.next().unwrap_or(0.0), numbers.next().unwrap_or(0.0)]
}

impl Chat for MockChat {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn at_once(&self) -> usize {
        1
    }

    fn ask(&self, request: &ChatRequest, progress: &dyn Progress) -> Result<Reply, ChatError> {
        progress.checkpoint()?;
        let began = Instant::now();
        let asked = request.messages.last().map_or("", |message| message.content.as_str());
        // A repair follows the question and the verdict that it is about.
        let question = request.messages.iter().rev().find(|message| message.content.contains("<second_response>"));
        let text = match question {
            Some(question) => self.verdict(&question.content, request.sample),
            None if asked.contains("<response>") => {
                "A mock persona notes nothing: it judges by the disposition that the response carries.".to_owned()
            }
            None => self.response(&mut stream(&[&request.key(&self.identity)])),
        };
        let words = |text: &str| text.split_whitespace().count() as u64;
        let prompt_tokens = request.messages.iter().map(|message| words(&message.content)).sum();
        Ok(Reply {
            ending: if text.is_empty() { Ending::Empty } else { Ending::Whole },
            usage: Some(Usage { prompt_tokens, completion_tokens: words(&text) }),
            text,
            reasoning: None,
            cost: None,
            seconds: began.elapsed().as_secs_f64(),
            failed_attempts: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::preference::Message;
    use crate::eigenbench::choices::read_choices;
    use crate::eigenbench::protocol::{Considered, Form, Protocol};
    use crate::progress::Silent;

    fn say(chat: &MockChat, messages: Vec<Message>) -> String {
        let request = ChatRequest {
            model: "mock".into(),
            messages,
            temperature: 1.0,
            longest: 100,
            stop: Vec::new(),
            seed: None,
            sample: 0,
        };
        chat.ask(&request, &Silent).unwrap().text
    }

    #[test]
    fn it_plays_every_part_of_the_protocol() {
        let chat =
            |x: f64, y: f64| MockChat::new(MockPersona { disposition: [x, y], lens: [9.0, 0.0], ..Default::default() });
        let (good, bad) = (chat(2.5, -0.75), chat(-2.0, 0.0));
        let protocol = Protocol::default();
        let [first, second] = [&good, &bad].map(|one| say(one, protocol.response("", "What now?")));
        assert_eq!(disposition_in(&first), [2.5, -0.75]);
        assert_eq!(disposition_in("Anybody else."), [0.0; 2]);
        let noted = say(&good, protocol.reflection("", &["Kind."], "What now?", &first));
        assert!(noted.contains("mock"));
        for form in [Form::default(), Form { ties: false, ..Form::default() }] {
            let considered = |response| Considered { response, reflection: &noted };
            let pair = [considered(&first), considered(&second)];
            let verdict = say(&bad, protocol.comparison("", &["Kind.", "Brief.", "True."], "What now?", pair, form));
            let read = read_choices(&verdict, 3, form);
            // With a lens as long as this one the better response wins for certain.
            assert!(read.is_whole() && read.readings.iter().all(|own| own.choice().map(|c| c.figure()) == Some(1)));
        }
    }

    #[test]
    fn choices_come_as_often_as_the_model_says() {
        let persona = MockPersona { lens: [1.0, 0.5], ties: 0.8, first: 0.3, ..Default::default() };
        let (first, second) = ([0.6, 0.2], [-0.2, 0.4]);
        let sizes = [0.8 * (0.5 * (1.0_f64 + 0.0)).exp(), 1.0_f64.exp(), 1.0];
        let mut counts = [0.0; 3];
        let mut contradicting = 0;
        let mut stream = Stream::new(5, 0);
        let plain = MockPersona { first: 0.0, ..persona };
        for _ in 0..20_000 {
            let at = stream.unit();
            counts[usize::from(persona.choice(first, second, true, false, at))] += 1.0;
            // Without a bias both orders agree.
            let [one, other] =
                [plain.choice(first, second, true, false, at), plain.choice(second, first, true, true, at)];
            contradicting += u32::from(one != [0, 2, 1][usize::from(other)]);
        }
        assert_eq!(contradicting, 0);
        for (count, size) in counts.iter().zip(sizes) {
            let known = size / sizes.iter().sum::<f64>();
            assert!((count / 20_000.0 - known).abs() < 0.015, "{counts:?}");
        }
    }
}
