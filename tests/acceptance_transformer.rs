//! Acceptance check A15 (glauber.md): a random-init transformer, f32 against f64, certified and verified again.

use kleroterion::glauber::certificate::{Certificate, Verdict, examine};
use kleroterion::glauber::certify::{CertifySpec, TokenChoice, certify};
use kleroterion::glauber::conditionals::Conditionals;
use kleroterion::models::Library;
use kleroterion::progress::Silent;

const MODEL: &str = "random:layers=2,hidden=64,heads=2,vocabulary=200,length=32,seed=7";

#[test]
fn a15_an_untrained_transformer_is_certified_and_verifies_bit_for_bit() {
    let loaded = Library::default().open(MODEL, &Silent).unwrap();
    let model: &dyn Conditionals = loaded.conditionals.as_ref();
    let ordinary: Vec<u32> = (0..model.vocabulary() as u32).filter(|&token| model.ordinary(token)).collect();
    let words: Vec<String> = (0..12).map(|k| model.text(ordinary[k * 13 % ordinary.len()])).collect();
    let spec = CertifySpec {
        version: 1,
        model: MODEL.to_owned(),
        sentence: words.join(" "),
        positions: (3, 5),
        tokens_a: TokenChoice::Random(8),
        tokens_b: TokenChoice::Random(8),
        temperature: 1.0,
        seed: 7,
    };
    let result = certify(&spec, model, &loaded.identity, &Silent).unwrap();
    assert_eq!(result.rectangles.len(), 784);
    for rectangle in &result.rectangles {
        let x = rectangle.assessment;
        assert!((x.r32 - x.r64).abs() <= 1e-4 && (x.r32_alone - x.r64).abs() <= 1e-4, "{rectangle:?}");
    }
    assert_eq!(result.certificate.assessment.c1, Verdict::Certified, "{:?}", result.certificate.assessment);

    let text = result.certificate.to_json().unwrap();
    let read = Certificate::from_json(&text).unwrap();
    let again = Library::default().open(MODEL, &Silent).unwrap();
    let verification = examine(&read, again.conditionals.as_ref(), &again.identity, &Silent).unwrap();
    assert_eq!(verification.differences, []);
    assert!(verification.bit_equal, "{:?}", verification.notes);
}
