//! Command lines of the runs of chains.

use super::command_line::option;
use crate::glauber::chain::Energy;
use crate::glauber::experiments::escape::{Anchor, Criterion, EscapeSpec};
use crate::glauber::experiments::exact::ExactRunSpec;
use crate::glauber::experiments::mix::MixSpec;
use crate::glauber::experiments::phase::PhaseSpec;
use crate::glauber::experiments::singles::{SinglesSpec, StartLaw};
use crate::glauber::experiments::trajectories::TrajectoriesSpec;
use crate::glauber::experiments::{Dynamics, KeepTokens, StartChoice, Template, Vocabulary};
use crate::glauber::probe::ProbeSettings;
use crate::glauber::trajectories::TrajectorySpec;

fn start(line: &mut Vec<String>, start: &StartChoice) {
    let name = match start {
        StartChoice::Uniform => "uniform",
        StartChoice::Opposite => "opposite",
        StartChoice::Neighbours => "neighbours",
        StartChoice::Sentences(_) => "sentences",
        StartChoice::Typed(..) => "typed",
    };
    option(line, "--start", name);
    match start {
        StartChoice::Sentences(_) => option(line, "--sentences", "sentences.txt"),
        StartChoice::Typed(from, to) => {
            option(line, "--from", from);
            option(line, "--to", to);
        }
        StartChoice::Uniform | StartChoice::Opposite | StartChoice::Neighbours => {}
    }
}

fn tokens(vocabulary: &Vocabulary) -> String {
    match vocabulary {
        Vocabulary::Whole => "whole".to_owned(),
        Vocabulary::WholeWords => "whole-words".to_owned(),
        Vocabulary::Typed(tokens) => {
            tokens.iter().map(|token| token.replace('\\', r"\\").replace(',', r"\,")).collect::<Vec<_>>().join(",")
        }
    }
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

fn template(line: &mut Vec<String>, template: Option<&Template>) {
    if let Some(Template { sentence, free }) = template {
        option(line, "--template", sentence);
        option(line, "--free", &list(free));
    }
}

pub(super) fn mix(line: &mut Vec<String>, spec: &MixSpec) {
    line.push("mix".to_owned());
    option(line, "--model", &spec.model);
    option(line, "--length", &spec.length.to_string());
    option(line, "--temperature", &spec.temperature.to_string());
    option(line, "--pairs", &spec.pairs.to_string());
    option(line, "--coupling", &spec.coupling.to_string());
    option(line, "--cap", &spec.cap_sweeps.to_string());
    option(line, "--scan", &spec.scan.to_string());
    start(line, &spec.start);
    if spec.lag_sweeps > 0 {
        option(line, "--lag", &spec.lag_sweeps.to_string());
    }
    option(line, "--vocabulary", &tokens(&spec.vocabulary));
    template(line, spec.template.as_ref());
    if spec.record {
        line.push("--record".to_owned());
    }
    if spec.theory.is_some() {
        line.push("--theory".to_owned());
    }
    singles(line, spec.singles.as_ref());
    option(line, "--seed", &spec.seed.to_string());
}

/// A law of starts; a list of sentences stands in a file of its side.
fn law(side: &str, law: &StartLaw) -> String {
    match law {
        StartLaw::Uniform => "uniform".to_owned(),
        StartLaw::Anchor(rank) => format!("anchor:{rank}"),
        StartLaw::Typed(sentence) => format!("typed:{sentence}"),
        StartLaw::Sentences(_) => format!("sentences:sentences-{side}.txt"),
    }
}

/// Single chains: what differs from the command's own choice.
fn singles(line: &mut Vec<String>, spec: Option<&SinglesSpec>) {
    let usual = SinglesSpec::default();
    let Some(spec) = spec else {
        option(line, "--single-chains", "0");
        return;
    };
    if spec.chains != usual.chains {
        option(line, "--single-chains", &spec.chains.to_string());
    }
    for (side, (law, usual)) in ["a", "b"].into_iter().zip(spec.laws.iter().zip(&usual.laws)) {
        if law != usual {
            option(line, &format!("--law-{side}"), &self::law(side, law));
        }
    }
    if spec.times != usual.times {
        option(line, "--compare-at", &list(&spec.times));
    }
}

pub(super) fn exact(line: &mut Vec<String>, spec: &ExactRunSpec) {
    line.push("exact".to_owned());
    option(line, "--model", &spec.model);
    option(line, "--tokens", &tokens(&spec.vocabulary));
    option(line, "--length", &spec.length.to_string());
    option(line, "--temperature", &spec.temperature.to_string());
    template(line, spec.template.as_ref());
    if spec.keep_law {
        line.push("--law".to_owned());
    }
    if let Some(perfect) = &spec.perfect {
        option(line, "--perfect-samples", &perfect.samples.to_string());
        option(line, "--perfect-steps", &perfect.most_steps.to_string());
        option(line, "--seed", &perfect.seed.to_string());
    }
}

pub(super) fn escape(line: &mut Vec<String>, spec: &EscapeSpec) {
    line.push("escape".to_owned());
    option(line, "--model", &spec.model);
    if spec.further.is_empty() {
        option(line, "--length", &spec.length.to_string());
    } else {
        option(line, "--lengths", &list(&spec.lengths()));
    }
    option(line, "--temperatures", &list(&spec.temperatures));
    if spec.criterion != Criterion::default() {
        option(line, "--criterion", &spec.criterion.to_string());
    }
    match spec.radius_share {
        Some(share) => option(line, "--radius-share", &share.to_string()),
        None => option(line, "--radius", &spec.radius.to_string()),
    }
    match &spec.anchor {
        Anchor::Quenched(count) => option(line, "--quenches", &count.to_string()),
        Anchor::Typed(sentence) => option(line, "--anchor", sentence),
    }
    option(line, "--chains", &spec.chains.to_string());
    option(line, "--cap", &spec.cap_sweeps.to_string());
    option(line, "--per-shell", &spec.per_shell.to_string());
    option(line, "--adversary", &spec.candidates.to_string());
    option(line, "--scan", &spec.scan.to_string());
    option(line, "--vocabulary", &tokens(&spec.vocabulary));
    template(line, spec.template.as_ref());
    option(line, "--seed", &spec.seed.to_string());
}

pub(super) fn phase(line: &mut Vec<String>, spec: &PhaseSpec) {
    line.push("phase".to_owned());
    option(line, "--model", &spec.model);
    option(line, "--temperatures", &list(&spec.grid.temperatures));
    option(line, "--lengths", &list(&spec.grid.lengths));
    for model in &spec.beside {
        option(line, "--beside", model);
    }
    option(line, "--cap", &spec.grid.cap_sweeps.to_string());
    option(line, "--batch", &spec.batch.to_string());
    option(line, "--pairs", &spec.most_pairs.to_string());
    option(line, "--precision", &spec.relative_width.to_string());
    option(line, "--order-chains", &spec.order_chains.to_string());
    option(line, "--order-sweeps", &spec.order_sweeps.to_string());
    if spec.theory.is_none() {
        line.push("--no-theory".to_owned());
    }
    if spec.keep_tokens != KeepTokens::default() {
        option(line, "--keep-tokens", &spec.keep_tokens.to_string());
    }
    option(line, "--coupling", &spec.coupling.to_string());
    option(line, "--scan", &spec.scan.to_string());
    start(line, &spec.start);
    option(line, "--vocabulary", &tokens(&spec.vocabulary));
    option(line, "--seed", &spec.seed.to_string());
}

pub(super) fn trajectories(line: &mut Vec<String>, spec: &TrajectoriesSpec) {
    line.push("trajectories".to_owned());
    option(line, "--model", &spec.model);
    option(line, "--length", &spec.length.to_string());
    option(line, "--temperature", &spec.temperature.to_string());
    option(line, "--chains", &spec.chains.to_string());
    option(line, "--sweeps", &spec.sweeps.to_string());
    option(line, "--every", &spec.every.to_string());
    option(line, "--scan", &spec.scan.to_string());
    if let Dynamics::Metropolis { energy, proposal } = spec.dynamics {
        option(line, "--dynamics", "metropolis");
        let energy = match energy {
            Energy::Raw => "raw",
            Energy::Normalised => "normalised",
        };
        option(line, "--energy", energy);
        option(line, "--proposal-temperature", &proposal.to_string());
    }
    match &spec.laws {
        None => start(line, &spec.start),
        Some([a, b]) => {
            option(line, "--law-a", &law("a", a));
            option(line, "--law-b", &law("b", b));
        }
    }
    option(line, "--vocabulary", &tokens(&spec.vocabulary));
    template(line, spec.template.as_ref());
    let pll = spec.analysis.pseudo_log_likelihood;
    let usual = TrajectorySpec { seed: spec.seed, pseudo_log_likelihood: pll, ..TrajectorySpec::default() };
    if spec.analysis != usual {
        option(line, "--analysis", "analysis.json");
    } else if pll {
        line.push("--pll".to_owned());
    }
    match &spec.political {
        None => line.push("--no-political".to_owned()),
        Some(probe) if *probe != (ProbeSettings { seed: spec.seed, ..ProbeSettings::default() }) => {
            option(line, "--probe", "probe.json");
        }
        Some(_) => {}
    }
    if !spec.corpus.is_empty() {
        option(line, "--corpus", "corpus.txt");
    }
    if spec.random_baseline {
        line.push("--random-baseline".to_owned());
    }
    option(line, "--seed", &spec.seed.to_string());
}
