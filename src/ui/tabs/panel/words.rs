//! Names and sentences of the Panel tab.

use crate::sortition::algorithm::Algorithm;

pub fn rule_name(rule: Algorithm) -> &'static str {
    match rule {
        Algorithm::Leximin => "Leximin (recommended)",
        Algorithm::Maximin => "Maximin",
        Algorithm::Nash => "Nash",
        Algorithm::Goldilocks => "Goldilocks",
        Algorithm::Legacy => "LEGACY (greedy)",
        Algorithm::Uniform => "Uniform over panels",
        Algorithm::Random => "Simple random, redrawn",
    }
}

pub fn rule_sentence(rule: Algorithm) -> &'static str {
    match rule {
        Algorithm::Leximin => {
            "Makes the lowest chance as high as it can be, then the next lowest, and so on. Exact, with a certificate."
        }
        Algorithm::Maximin => "Makes the lowest chance as high as it can be; the other chances fall as they may.",
        Algorithm::Nash => {
            "Makes the product of all chances as large as it can be: a compromise between equality and the average."
        }
        Algorithm::Goldilocks => "Keeps chances away from both very low and very high.",
        Algorithm::Legacy => {
            "Fills the scarcest quota first, at random. Widely used; some people's chances come out close to zero. For comparison."
        }
        Algorithm::Uniform => "Every panel that meets the quotas is as likely as every other. For comparison.",
        Algorithm::Random => "Draws without looking at the quotas, again and again until they are met. For comparison.",
    }
}
