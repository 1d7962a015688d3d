use super::*;
use crate::glauber::chain::{Coupling, Scan};
use crate::glauber::experiments::escape::Criterion;

fn ready(mode: Mode) -> Draft {
    Draft { mode, model: "curie-weiss:beta=1".to_owned(), ..Draft::default() }
}

#[test]
fn the_reason_names_what_is_missing() {
    let check = |draft: Draft, word: &str| {
        let reason = draft.spec(&[]).expect_err("not ready");
        assert!(reason.contains(word), "{reason:?} should mention {word:?}");
    };
    check(Draft::default(), "model");
    let phase = |change: &dyn Fn(&mut Draft)| {
        let mut draft = ready(Mode::Phase);
        change(&mut draft);
        draft
    };
    check(phase(&|draft| draft.phase.temperatures = "0.5, hot".to_owned()), "hot");
    check(phase(&|draft| draft.phase.temperatures = " , ".to_owned()), "grid is empty");
    check(phase(&|draft| draft.phase.temperatures = "1, 2, 1".to_owned()), "twice");
    check(phase(&|draft| draft.phase.lengths = "4, 8.5".to_owned()), "8.5");
    check(phase(&|draft| draft.phase.most_pairs = 2), "pairs");
    check(phase(&|draft| draft.chain.start = StartKind::Sentences), "at least two");
    check(phase(&|draft| draft.chain.vocabulary = VocabularyKind::Typed), "two tokens");
    let mut pairs = ready(Mode::Pairs);
    pairs.pairs.temperature = "-1".to_owned();
    check(pairs.clone(), "-1");
    pairs.pairs.temperature = "1".to_owned();
    pairs.pairs.template = TemplateDraft { on: true, sentence: "a b".to_owned(), free: vec![] };
    check(pairs, "frozen");
    let mut exact = ready(Mode::Exact);
    exact.exact.length = 40;
    check(exact.clone(), "states");
    (exact.exact.length, exact.exact.tokens) = (4, "one".to_owned());
    check(exact, "at least two");
    let mut escape = ready(Mode::Escape);
    escape.escape.temperatures = "1, 0".to_owned();
    check(escape.clone(), "positive");
    (escape.escape.temperatures, escape.escape.radius) = ("1".to_owned(), 8);
    check(escape.clone(), "cannot be left");
    escape.escape.relative = true;
    escape.escape.further = "4, x".to_owned();
    check(escape.clone(), "\u{201c}x\u{201d} is not a length");
    escape.escape.further = "8".to_owned();
    check(escape.clone(), "twice");
    escape.escape.further.clear();
    (escape.escape.relative, escape.escape.radius, escape.escape.kind) = (false, 2, AnchorKind::Typed);
    check(escape, "Type the sentence");
}

#[test]
fn a_spec_fills_the_form_that_makes_it() {
    let mut draft = ready(Mode::Phase);
    draft.chain.coupling = Coupling::Gumbel;
    draft.chain.scan = Scan::Systematic;
    draft.phase.temperatures = "0.5 1;infinity".to_owned();
    (draft.chain.start, draft.chain.lines) = (StartKind::Sentences, "a b\nc d".to_owned());
    let phase = draft.spec(&[]).unwrap();
    draft.mode = Mode::Pairs;
    (draft.chain.start, draft.chain.from, draft.chain.to) = (StartKind::Typed, "+ +".to_owned(), "- -".to_owned());
    draft.pairs.template = TemplateDraft { on: true, sentence: "+ - +".to_owned(), free: vec![0, 2] };
    let pairs = draft.spec(&[]).unwrap();
    draft.mode = Mode::Exact;
    draft.exact.tokens = "+ - +".to_owned();
    let exact = draft.spec(&[]).unwrap();
    draft.mode = Mode::Escape;
    draft.escape = EscapeDraft {
        kind: AnchorKind::Typed,
        sentence: "+ + + + + + + +".to_owned(),
        temperatures: "0.5, infinity".to_owned(),
        further: "4, 6".to_owned(),
        criterion: Criterion::Basin,
        relative: true,
        radius_percent: 7.0,
        ..draft.escape
    };
    let escape = draft.spec(&[]).unwrap();
    let mut other = Draft::default();
    for spec in [phase, pairs, exact, escape] {
        other.set_spec(&spec);
        assert_eq!(other.spec(&[]).unwrap(), spec);
    }
}

#[test]
fn only_an_untouched_form_is_filled_from_runs() {
    let phase = ready(Mode::Phase).spec(&[]).unwrap();
    let pairs = ready(Mode::Pairs).spec(&[]).unwrap();
    let mut draft = Draft::default();
    draft.start_from([&pairs, &phase].into_iter());
    assert_eq!(draft.mode, Mode::Phase, "the diagram is the tab's first view");
    assert_eq!(draft.spec(&[]).unwrap(), phase);
    let mut begun = Draft { begun: true, ..Draft::default() };
    begun.start_from([&phase].into_iter());
    assert_eq!(begun.model, "");
}

#[test]
fn drafts_survive_json_and_unknown_fields() {
    let draft = ready(Mode::Exact);
    assert_eq!(serde_json::from_str::<Draft>(&serde_json::to_string(&draft).unwrap()).unwrap(), draft);
    let partial: Draft = serde_json::from_str(r#"{"model":"agora","later":1}"#).unwrap();
    assert_eq!(partial, Draft { model: "agora".to_owned(), ..Draft::default() });
}
