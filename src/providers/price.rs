//! What answers cost: prices, the cost of a reply, estimates before a start, and bounds for a hard stop.

use std::collections::BTreeMap;

use super::chat::{ChatRequest, Reply, Usage};

/// Characters that make one token, by a rule of thumb for English text.
const CHARACTERS_PER_TOKEN: u64 = 4;
/// Tokens that a model's template may put around one message, generously.
const TEMPLATE_TOKENS: u64 = 16;
const MILLION: f64 = 1e6;

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub prompt: f64,
    pub completion: f64,
}

impl Price {
    /// Of a model that costs nothing, such as one of this machine.
    pub const FREE: Self = Self { prompt: 0.0, completion: 0.0 };

    /// US dollars for so many tokens.
    pub fn of(self, prompt_tokens: u64, completion_tokens: u64) -> f64 {
        (prompt_tokens as f64 * self.prompt + completion_tokens as f64 * self.completion) / MILLION
    }
}

/// Prices by the name of the model, as the provider names it.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PriceTable(pub BTreeMap<String, Price>);

/// Calls of one kind that are planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned<'a> {
    pub model: &'a str,
    pub calls: u64,
    /// Of one call, all messages together.
    pub prompt_characters: u64,
    /// Expected of one answer, not its longest length.
    pub answer_characters: u64,
}

/// What planned calls may cost. An estimate: tokens are taken to be four characters long, and answers to be as long
/// as expected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    pub calls: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// US dollars; `None` where a model has no price.
    pub dollars: Option<f64>,
}

/// About how many tokens a text of so many characters has.
pub fn estimated_tokens(characters: u64) -> u64 {
    characters.div_ceil(CHARACTERS_PER_TOKEN)
}

impl PriceTable {
    /// The price of a model.
    pub fn price(&self, model: &str) -> Option<Price> {
        self.0.get(model).copied()
    }

    /// Prices must be numbers and not negative.
    ///
    /// # Errors
    /// The first that is not, in words.
    pub fn check(&self) -> Result<(), String> {
        let right = |dollars: f64| dollars.is_finite() && dollars >= 0.0;
        match self.0.iter().find(|(_, price)| !right(price.prompt) || !right(price.completion)) {
            Some((model, _)) => Err(format!(
                "the price of {model} is not a number of US dollars per million tokens. Enter one that is 0 or more"
            )),
            None => Ok(()),
        }
    }

    /// What a reply cost in US dollars: what the provider says, else its tokens at the price of the model; `None`
    /// where neither is known. Attempts that failed before it are not counted: providers do not say what they cost.
    pub fn cost(&self, model: &str, reply: &Reply) -> Option<f64> {
        reply.cost.or_else(|| {
            let usage = reply.usage?;
            Some(self.price(model)?.of(usage.prompt_tokens, usage.completion_tokens))
        })
    }

    /// What calls to a model cost together in US dollars: what the provider said, and tokens of calls of which it did not at the
    /// price of the model; `None` where neither is known.
    pub fn sum(&self, model: &str, said: Option<f64>, without: Option<Usage>) -> Option<f64> {
        let priced =
            without.zip(self.price(model)).map(|(usage, price)| price.of(usage.prompt_tokens, usage.completion_tokens));
        if said.is_none() && priced.is_none() {
            return None;
        }
        Some(said.unwrap_or_default() + priced.unwrap_or_default())
    }

    /// The most that one answer to a question can cost at the price of its model: no tokenizer makes more tokens than
    /// bytes, and no answer is longer than was asked for. `None` without a price.
    pub fn most(&self, request: &ChatRequest) -> Option<f64> {
        let tokens = request.messages.iter().map(|message| message.content.len() as u64 + TEMPLATE_TOKENS).sum::<u64>();
        Some(self.price(&request.model)?.of(tokens + TEMPLATE_TOKENS, u64::from(request.longest)))
    }

    /// What planned calls may cost together.
    pub fn estimate(&self, planned: &[Planned<'_>]) -> Estimate {
        let mut sum = Estimate { dollars: Some(0.0), ..Estimate::default() };
        for kind in planned.iter().filter(|kind| kind.calls > 0) {
            let prompt = kind.calls.saturating_mul(estimated_tokens(kind.prompt_characters));
            let completion = kind.calls.saturating_mul(estimated_tokens(kind.answer_characters));
            sum.calls += kind.calls;
            sum.prompt_tokens = sum.prompt_tokens.saturating_add(prompt);
            sum.completion_tokens = sum.completion_tokens.saturating_add(completion);
            sum.dollars =
                sum.dollars.zip(self.price(kind.model)).map(|(sum, price)| sum + price.of(prompt, completion));
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::chat::{Ending, Usage};
    use super::*;
    use crate::dempo::preference::{Message, Role};

    fn table() -> PriceTable {
        PriceTable(BTreeMap::from([
            ("a".to_owned(), Price { prompt: 3.0, completion: 15.0 }),
            ("b".to_owned(), Price::FREE),
        ]))
    }

    fn reply(usage: Option<Usage>, cost: Option<f64>) -> Reply {
        let text = "Yes.".to_owned();
        Reply { text, reasoning: None, ending: Ending::Whole, usage, cost, seconds: 0.0, failed_attempts: vec![] }
    }

    #[test]
    fn the_providers_own_cost_comes_first() {
        let usage = Some(Usage { prompt_tokens: 1000, completion_tokens: 200 });
        assert_eq!(table().cost("a", &reply(usage, Some(0.25))), Some(0.25));
        assert!((table().cost("a", &reply(usage, None)).unwrap() - 0.006).abs() < 1e-12);
        assert_eq!(table().cost("b", &reply(usage, None)), Some(0.0));
        assert_eq!(table().cost("c", &reply(usage, None)), None);
        assert_eq!(table().cost("a", &reply(None, None)), None);
        assert_eq!(table().cost("c", &reply(None, Some(0.25))), Some(0.25));
    }

    #[test]
    fn what_is_said_and_what_is_priced_add_up() {
        let usage = Some(Usage { prompt_tokens: 1000, completion_tokens: 200 });
        assert!((table().sum("a", Some(0.25), usage).unwrap() - 0.256).abs() < 1e-12);
        assert_eq!(table().sum("c", Some(0.25), usage), Some(0.25));
        assert_eq!((table().sum("c", None, usage), table().sum("a", None, None)), (None, None));
    }

    #[test]
    fn an_estimate_has_a_price_only_where_every_model_has_one() {
        let kind = |model, calls| Planned { model, calls, prompt_characters: 401, answer_characters: 40 };
        let estimate = table().estimate(&[kind("a", 10), kind("b", 5), kind("c", 0)]);
        assert_eq!((estimate.calls, estimate.prompt_tokens, estimate.completion_tokens), (15, 15 * 101, 150));
        assert!((estimate.dollars.unwrap() - (1010.0 * 3.0 + 100.0 * 15.0) / 1e6).abs() < 1e-12);
        assert_eq!(table().estimate(&[kind("a", 1), kind("c", 1)]).dollars, None);
    }

    #[test]
    fn the_bound_is_above_what_any_tokenizer_gives() {
        let request = ChatRequest {
            model: "a".into(),
            messages: vec![Message::new(Role::User, "\u{1F600}".repeat(10))],
            temperature: 0.0,
            longest: 100,
            stop: vec![],
            seed: None,
            sample: 0,
        };
        // 40 bytes and the template.
        assert!((table().most(&request).unwrap() - (72.0 * 3.0 + 100.0 * 15.0) / 1e6).abs() < 1e-12);
        assert_eq!(table().most(&ChatRequest { model: "c".into(), ..request }), None);
    }

    #[test]
    fn prices_that_are_none_are_named() {
        table().check().unwrap();
        for wrong in [f64::NAN, -1.0, f64::INFINITY] {
            let table = PriceTable(BTreeMap::from([("x".to_owned(), Price { prompt: wrong, completion: 0.0 })]));
            assert!(table.check().unwrap_err().contains("price of x"));
        }
    }
}
