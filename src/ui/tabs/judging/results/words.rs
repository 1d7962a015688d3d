//! Names and sentences of the results.

use super::view::ResultsView;
use crate::figures::number;
use crate::ranking::Method;
use crate::ranking::comparison::Comparison;
use crate::ranking::position::PositionBias;
use crate::ranking::verdicts::{Cluster, Unit};
use crate::ui::tabs::shared::page::{Sentence, estimate};
use crate::ui::widgets::VerdictKind;

/// Below this a difference is called one.
pub const LEVEL: f64 = 0.05;
/// Below this much agreement of a judge with itself a warning is due.
const LITTLE_AGREEMENT: f64 = 0.4;

pub fn method_name(method: Method) -> &'static str {
    match method {
        Method::BradleyTerry => "Bradley-Terry",
        Method::PlackettLuce => "Plackett-Luce",
        Method::Borda => "Borda",
        Method::Copeland => "Copeland",
        Method::CopelandNet => "Copeland, net votes",
        Method::Kemeny => "Kemeny",
        Method::Mallows => "Mallows",
    }
}

pub fn method_sentence(method: Method) -> &'static str {
    match method {
        Method::BradleyTerry => "Log abilities: a model beats another with odds of their abilities.",
        Method::PlackettLuce => "Log abilities: a ranking is a series of choices from the models that are left.",
        Method::Borda => "How many of the other models stand below a model on average.",
        Method::Copeland => "Opponents that a model beats more often than not, less those that beat it.",
        Method::CopelandNet => "Votes won less votes lost. Where all rankings are complete it says what Borda says.",
        Method::Kemeny => "The order that most pairwise votes agree with; the score is how many stand below.",
        Method::Mallows => "Rankings scattered around one order; a place is worth the dispersion.",
    }
}

/// What a method's score is measured in.
pub fn score_unit(method: Method) -> &'static str {
    match method {
        Method::BradleyTerry | Method::PlackettLuce => "log ability",
        Method::Borda => "models below on average",
        Method::Copeland => "opponents beaten less lost to",
        Method::CopelandNet => "votes won less lost",
        Method::Kemeny => "models below in the order",
        Method::Mallows => "dispersion times places",
    }
}

pub fn unit_name(unit: Unit) -> (&'static str, &'static str) {
    match unit {
        Unit::Votes => ("Every verdict", "Each verdict counts; a ranking counts for each of its pairs."),
        Unit::Majorities => {
            ("Majorities", "Each question counts once for each pair of models, as most verdicts have it.")
        }
    }
}

pub fn cluster_name(cluster: Cluster) -> (&'static str, &'static str) {
    match cluster {
        Cluster::Question => ("Questions", "All verdicts on a question are drawn again together."),
        Cluster::Clause => {
            ("Clauses", "Whole clauses are drawn again: honest where the questions of a clause are alike.")
        }
    }
}

/// What was drawn again, for captions.
pub fn clusters(view: &ResultsView) -> String {
    let (count, one, many) = match view.settings.cluster {
        Cluster::Question => (view.questions, "question", "questions"),
        Cluster::Clause => (view.judged_clauses, "clause", "clauses"),
    };
    let drawn = number::count(view.settings.resamples as u64);
    format!("95 % intervals from {drawn} resamples of {}", number::counted(count, one, many))
}

pub fn three(value: f64) -> String {
    number::fixed(value, 3)
}

/// Scores of a method: whole numbers stay whole.
pub fn score(method: Method) -> fn(f64) -> String {
    match method {
        Method::Copeland | Method::CopelandNet => |value| number::fixed(value, 0),
        Method::Kemeny => |value| number::fixed(value, 1),
        _ => three,
    }
}

pub fn p_value(value: f64) -> String {
    number::probability(value)
}

/// `Soft is ranked above Full: 0.28 [0.25, 0.31]; Holm p = 0.005`, or that nothing tells the two apart.
pub fn pair(view: &ResultsView, method: Method, pair: &Comparison) -> Sentence {
    let [first, second] = pair.models.map(|place| view.model(place));
    let by = estimate(pair.difference, Some(pair.interval), score(method));
    let p = p_value(pair.holm);
    if pair.holm < LEVEL {
        (VerdictKind::Shown, format!("{first} is ranked above {second}: {by}; Holm p = {p}"))
    } else {
        (VerdictKind::Nothing, format!("Nothing tells {first} and {second} apart: {by}; Holm p = {p}"))
    }
}

/// What should be known before any ranking is believed.
pub fn warnings(view: &ResultsView) -> Vec<Sentence> {
    let mut all = Vec::new();
    if let Some(bias) = view.positions.first() {
        all.extend(position(bias));
    }
    if let Some(length) = view.lengths.first()
        && let Some([low, high]) = length.interval
        && (low > 0.5 || high < 0.5)
    {
        let which = if low > 0.5 { "Longer" } else { "Shorter" };
        let share = if low > 0.5 { length.longer_wins } else { 1.0 - length.longer_wins };
        all.push((VerdictKind::Caution, format!("{which} answers win {} of the pairs", number::percent(share))));
    }
    all.extend(too_few_resamples(view));
    let own = |judge: u16| view.agreement.iter().find(move |row| row.judges == [judge, judge]);
    let heard: Vec<u16> = view.reliability.iter().map(|(judge, _)| *judge).collect();
    for &judge in &heard {
        if let Some(own) = own(judge).filter(|own| own.kendall_tau < LITTLE_AGREEMENT) {
            let (name, tau) = (view.judge(Some(judge)), number::fixed(own.kendall_tau, 2));
            all.push((VerdictKind::Caution, format!("{name} agrees little with itself: Kendall's tau {tau}")));
        }
    }
    if let [judge] = heard[..]
        && own(judge).is_some()
    {
        let text = "All looks are of one judge: that they agree says nothing of what other judges would say";
        all.push((VerdictKind::Caution, text.to_owned()));
    }
    let failed = view.methods.iter().filter_map(|row| Some((row.method, row.outcome.as_ref().ok()?.failed)));
    for (method, failed) in failed.filter(|(_, failed)| *failed > 0) {
        let text = format!(
            "{} had no answer in {}: its intervals are too narrow",
            method_name(method),
            number::counted(failed as u64, "resample", "resamples")
        );
        all.push((VerdictKind::Caution, text));
    }
    all
}

/// A p-value cannot fall below two in the number of resamples, and Holm's correction multiplies the smallest by the number of
/// pairs: with few resamples or many models no pair could pass.
fn too_few_resamples(view: &ResultsView) -> Option<Sentence> {
    let models = view.verdicts.models.len();
    let pairs = (models * models.saturating_sub(1) / 2) as f64;
    let least = (2.0 * pairs / LEVEL).ceil() as u64;
    let text = format!(
        "With {} no pair of {} can be told apart: draw {} or more",
        number::counted(view.settings.resamples as u64, "resample", "resamples"),
        number::counted(models as u64, "model", "models"),
        number::count(least)
    );
    ((view.settings.resamples as u64) < least).then_some((VerdictKind::Caution, text))
}

/// Whether places matter; nothing to say where they do not.
pub fn position(bias: &PositionBias) -> Option<Sentence> {
    if bias.fixed_order {
        let text = "Every model was always shown at the same place: what is the model's and what the place's cannot be told \
                    apart";
        return Some((VerdictKind::Caution, text.to_owned()));
    }
    if bias.p_value >= LEVEL {
        return None;
    }
    let best = (0..bias.positions.len())
        .min_by(|&a, &b| bias.positions[a].mean_rank.total_cmp(&bias.positions[b].mean_rank))?;
    let (share, chance) = (bias.positions[best].first, 1.0 / bias.positions.len() as f64);
    let text = format!(
        "Judges prefer the answer shown {}: it comes first in {} of verdicts, by chance in {} (p = {})",
        ordinal(best, bias.positions.len()),
        number::percent(share),
        number::percent(chance),
        p_value(bias.p_value)
    );
    Some((VerdictKind::Caution, text))
}

/// `first`, `second`, …, `last`.
pub fn ordinal(place: usize, of: usize) -> String {
    const WORDS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    match place {
        _ if place > 0 && place + 1 == of => "last".to_owned(),
        _ => WORDS.get(place).map_or_else(|| format!("at place {}", place + 1), |word| (*word).to_owned()),
    }
}

/// The first characters of a long name.
pub fn short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let kept: String = name.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
