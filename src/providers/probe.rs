//! A quick test of a provider: which models it offers, and whether one answers.

use std::time::Instant;

use super::chat::ChatRequest;
use super::http::Endpoint;
use crate::dempo::preference::{Message, Role};
use crate::progress::{Cancelled, Progress};

/// What a provider shows when it is tested.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probe {
    /// On offer, in alphabetical order; empty where the provider has no list.
    pub models: Vec<String>,
    /// Which was asked for a token, if any could be.
    pub asked: Option<String>,
    /// Whether that succeeded.
    pub answered: bool,
    /// From asking for the token to its answer; 0 where none was asked for.
    pub seconds: f64,
    /// In plain words, each with a remedy; never a key.
    pub problems: Vec<String>,
}

/// Lists the models and asks one of them, by default the first, for a single token; each is tried once.
///
/// # Errors
/// [`Cancelled`]; whatever is wrong with the provider is a part of the probe.
pub fn probe(endpoint: &Endpoint, model: Option<&str>, progress: &dyn Progress) -> Result<Probe, Cancelled> {
    let mut probe = Probe::default();
    match endpoint.models(progress)? {
        Ok(models) => probe.models = models,
        Err(problem) => probe.problems.push(problem),
    }
    let settings = endpoint.settings();
    if let Some(model) = model
        && !probe.models.is_empty()
        && !probe.models.iter().any(|known| known == model)
    {
        probe.problems.push(format!(
            "{} does not list the model {model:?}. Check its name against the list ({})",
            settings.name,
            settings.address()
        ));
    }
    let Some(model) = model.or(probe.models.first().map(String::as_str)).map(str::to_owned) else {
        if probe.problems.is_empty() {
            probe.problems.push(format!(
                "{} offers no model. Load one there, or name the one to ask ({})",
                settings.name,
                settings.address()
            ));
        }
        return Ok(probe);
    };
    let request = ChatRequest {
        model: model.clone(),
        messages: vec![Message::new(Role::User, "Say yes.")],
        temperature: 1.0,
        longest: 1,
        // Sent, so that a provider which refuses the field shows it now.
        stop: vec!["\n\n\n".to_owned()],
        seed: Some(1),
        sample: 0,
    };
    let began = Instant::now();
    let outcome = endpoint.try_once(&request, progress)?;
    probe.seconds = began.elapsed().as_secs_f64();
    probe.asked = Some(model);
    match outcome {
        Ok(()) => probe.answered = true,
        Err(problem) => {
            // A server that is down says so once.
            if !probe.problems.contains(&problem) {
                probe.problems.push(problem);
            }
        }
    }
    Ok(probe)
}
