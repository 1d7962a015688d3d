//! Who answers and who judges, as they are typed: `NAME=WHO`.

use std::path::PathBuf;

use crate::dempo::judging::WordRule;
use crate::jobs::judge::{AnswersFrom, Entrant, Judge, JudgedBy};
use crate::jobs::speaker::Speaker;
use crate::models::llama::TemplateChoice;
use crate::providers::mock::MockPersona;
use crate::providers::settings::{ProviderSettings, presets};

/// How `WHO` is written, for help and errors.
pub(super) const FORMS: &str = "local:MODEL[+ADAPTER], file:ANSWERS, words:WANTED,…[/UNWANTED,…], PRESET:MODEL (openrouter, openai, \
                                vllm, llama.cpp, ollama, lmstudio), URL#MODEL, or for EigenBench mock:V1,V2,U1,U2[,TIES[,FIRST]]";

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// A model behind an endpoint or of this machine.
pub(in crate::cli) fn speaker(text: &str, key_variable: Option<&str>) -> Result<Speaker, String> {
    let wrong = || format!("{text:?} names nobody who answers. Write {FORMS}");
    if let Some(model) = text.strip_prefix("local:") {
        let (model, adapter) = match model.split_once('+') {
            Some((model, adapter)) => (model, Some(PathBuf::from(adapter))),
            None => (model, None),
        };
        return Ok(Speaker::Local { model: model.to_owned(), adapter, template: TemplateChoice::Auto });
    }
    if let Some(numbers) = text.strip_prefix("mock:") {
        let numbers: Vec<f64> =
            numbers.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let usual = MockPersona::default();
        let [x, y, u, v] = *numbers.first_chunk::<4>().filter(|_| numbers.len() <= 6).ok_or_else(wrong)?;
        let (ties, first) =
            (numbers.get(4).copied().unwrap_or(usual.ties), numbers.get(5).copied().unwrap_or(usual.first));
        return Ok(Speaker::Mock { mock: MockPersona { disposition: [x, y], lens: [u, v], ties, first } });
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        let (address, model) = text.split_once('#').ok_or_else(wrong)?;
        let provider = ProviderSettings::new(address, address, key_variable);
        return Ok(Speaker::Provider { provider, model: model.to_owned() });
    }
    let (preset, model) = text.split_once(':').ok_or_else(wrong)?;
    let mut provider = presets().into_iter().find(|known| plain(&known.name) == plain(preset)).ok_or_else(wrong)?;
    if let Some(variable) = key_variable {
        provider.key_variable = Some(variable.to_owned());
    }
    Ok(Speaker::Provider { provider, model: model.to_owned() })
}

/// A name, and what is named.
pub(in crate::cli) fn named(text: &str) -> Result<(&str, &str), String> {
    text.split_once('=').ok_or_else(|| format!("{text:?} has no name. Write NAME={FORMS}"))
}

/// Who is compared.
pub(super) fn entrant(text: &str, key_variable: Option<&str>) -> Result<Entrant, String> {
    let (name, who) = named(text)?;
    let answers = match who.strip_prefix("file:") {
        Some(path) => AnswersFrom::File(PathBuf::from(path)),
        None => AnswersFrom::Speaker(speaker(who, key_variable)?),
    };
    Ok(Entrant { name: name.to_owned(), instructions: String::new(), answers })
}

/// Who judges.
pub(super) fn judge(text: &str, key_variable: Option<&str>) -> Result<Judge, String> {
    let (name, who) = named(text)?;
    let by = match who.strip_prefix("words:") {
        Some(rule) => {
            let (wanted, unwanted) = rule.split_once('/').unwrap_or((rule, ""));
            let words = |text: &str| text.split(',').filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
            JudgedBy::Words(WordRule { wanted: words(wanted), unwanted: words(unwanted) })
        }
        None => JudgedBy::Speaker(speaker(who, key_variable)?),
    };
    Ok(Judge { name: name.to_owned(), by })
}

/// `MODEL=PROMPT,COMPLETION`: US dollars per million tokens.
pub(super) fn price(text: &str) -> Result<(String, crate::providers::price::Price), String> {
    let wrong = || format!("{text:?} is no price. Write MODEL=PROMPT,COMPLETION in US dollars per million tokens");
    let (model, dollars) = text.rsplit_once('=').ok_or_else(wrong)?;
    let (prompt, completion) = dollars.split_once(',').ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong());
    let price = crate::providers::price::Price { prompt: number(prompt)?, completion: number(completion)? };
    Ok((model.to_owned(), price))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_can_be_typed() {
        let Ok(Speaker::Local { model, adapter, .. }) = speaker("local:ekklesia+out/soft", None) else { panic!() };
        assert_eq!((model.as_str(), adapter), ("ekklesia", Some(PathBuf::from("out/soft"))));
        let Ok(Speaker::Provider { provider, model }) = speaker("lmstudio:qwen/qwen3", Some("MINE")) else { panic!() };
        assert_eq!((provider.name.as_str(), model.as_str()), ("LM Studio", "qwen/qwen3"));
        assert_eq!(provider.key_variable.as_deref(), Some("MINE"));
        let Ok(Speaker::Provider { provider, model }) = speaker("http://127.0.0.1:8000/v1#m", None) else { panic!() };
        assert_eq!((provider.base_url.as_str(), model.as_str()), ("http://127.0.0.1:8000/v1", "m"));
        let Ok(Speaker::Mock { mock }) = speaker("mock:0.5,-1,1,0,0.7", None) else { panic!() };
        assert_eq!((mock.disposition, mock.lens, mock.ties, mock.first), ([0.5, -1.0], [1.0, 0.0], 0.7, 0.0));
        assert!(speaker("mock:1,2,3", None).is_err() && speaker("mock:a,b,c,d", None).is_err());
        let found = judge("Rule=words:wait,ask/now", None).unwrap();
        let JudgedBy::Words(rule) = found.by else { panic!() };
        assert_eq!((rule.wanted.len(), rule.unwanted.len()), (2, 1));
        assert!(speaker("gpt", None).is_err() && entrant("local:x", None).is_err());
        assert_eq!(price("a/b=3,15").unwrap().1.completion, 15.0);
    }
}
