use super::*;
use crate::glauber::test_backends::{NOISE, Noisy, identity};
use crate::glauber::toys;
use crate::progress::Silent;
use proptest::prelude::*;

const PAIR: Rectangle = Rectangle { i: 0, j: 1, a: 0, a2: 1, b: 0, b2: 1 };

fn certificate(text: &str, state: &[u32], tau: f64) -> Certificate {
    let toy = toys::parse(text).unwrap();
    certify(toy.as_ref(), &identity(text), state, PAIR, tau, &Silent).unwrap()
}

fn check(certificate: &Certificate, text: &str) -> Verification {
    examine(certificate, toys::parse(text).unwrap().as_ref(), &identity(text), &Silent).unwrap()
}

#[test]
fn the_pair_of_goyal_et_al_is_certified_and_verifies() {
    for tau in [0.25, 1.0, 3.0] {
        let made = certificate("table-pair", &[0, 0], tau);
        assert_eq!((made.assessment.c1, made.assessment.c2), (Verdict::Certified, Some(Verdict::Certified)));
        assert!((made.assessment.r64 - 2.0 * 99f64.ln() / tau).abs() < 1e-12);
        assert!(made.assessment.e32 > 0.0 && made.assessment.e64 < 1e-12, "{:?}", made.assessment);
        let read = Certificate::from_json(&made.to_json().unwrap()).unwrap();
        assert_eq!(read, made, "the file keeps every bit");
        let verification = check(&read, "table-pair");
        assert_eq!(verification.differences, []);
        assert!(verification.bit_equal && verification.notes.is_empty());
        assert!(made.theorem.contains("no joint distribution") && made.theorem.contains("|R|/8 = "));
        assert!(made.theorem.contains("reconstructed"));
    }
}

#[test]
fn a_joint_gives_no_certificate() {
    let made = certificate("random-table:compatible=true,seed=5", &[0, 1, 2], 1.0);
    assert_eq!(made.assessment.c1, Verdict::NoCertificate);
    assert!(made.theorem.contains("nothing is shown"));
    assert_eq!(check(&made, "random-table:compatible=true,seed=5").differences, []);
}

#[test]
fn the_thresholds_of_c1_and_c2() {
    let corners = |r: f64| Corners([r, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0 - 1.0]);
    let assess = |r32: f64, r32s: f64, r64: f64, r64s: f64| {
        Assessment::new(&corners(r32), &corners(r32s), &corners(r64), &corners(r64s), true, 1.0)
    };
    let x = assess(1.001, 0.998, 1.0, 1.0 + 1e-12);
    assert_eq!(x.e32, (0.998f64 - (1.0 + 1e-12)).abs());
    assert_eq!(x.e64, 100.0 * 2f64.powi(-29) * x.e32);
    assert_eq!(x.c1, Verdict::Certified);
    // The difference of the two f64 evaluations dominates, and 100 times it exceeds R.
    let x = assess(1.0, 1.0, 1.0, 1.02);
    assert_eq!((x.e64, x.c1), ((1.0f64 - 1.02).abs(), Verdict::NoCertificate));
    assert_eq!(assess(-1.0, -1.0, 1.0, 1.0).c1, Verdict::NoCertificate, "signs differ");
    assert_eq!(assess(1.2, 1.0, 1.0, 1.0).c1, Verdict::NoCertificate, "f32 is off by more than a tenth");
    assert_eq!(assess(9e-10, 9e-10, 9e-10, 9e-10).c1, Verdict::NoCertificate, "below the floor");
    assert_eq!(assess(2e-9, 2e-9, 2e-9, 2e-9).c1, Verdict::Certified);
    // C2: R = 2^-40 with a largest logit of 2^7 is 2^-40 > 2^6 - 53 + 7; with 2^8 it is not larger.
    let c2 = |size: f64| {
        let c = Corners([size + 2f64.powi(-40), size, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        Assessment::new(&c, &c, &c, &c, true, 1.0).c2
    };
    assert_eq!(c2(2f64.powi(6)), Some(Verdict::Certified));
    assert_eq!(c2(2f64.powi(8)), Some(Verdict::NoCertificate));
    let c = corners(1.0);
    assert_eq!(Assessment::new(&c, &c, &c, &c, false, 1.0).c2, None, "no C2 without repeated bits");
}

#[test]
fn the_verdict_is_the_same_at_every_temperature() {
    for tau in [1e-3, 1.0, 1e3] {
        assert_eq!(certificate("table-pair:p=.5001;.4999;.5;.5", &[0, 0], tau).assessment.c1, Verdict::Certified);
        assert_eq!(
            certificate("table-pair:p=.5000000001;.4999999999;.5;.5", &[0, 0], tau).assessment.c1,
            Verdict::NoCertificate
        );
    }
}

#[test]
fn four_different_evaluations_are_compared() {
    let x = assess(&Noisy::new("table-pair", false), &[0, 0], PAIR, 1.0, &Silent).unwrap().1;
    let r = 2.0 * 99f64.ln();
    // Batches hold four rows, a row alone is one.
    for (found, error) in
        [(x.r32, 4.0 * NOISE.0), (x.r32_alone, NOISE.0), (x.r64, 4.0 * NOISE.1), (x.r64_alone, NOISE.1)]
    {
        assert!((found - r - error).abs() < 4e-15, "{found} {error}");
    }
    assert!((x.e32 - (4.0 * NOISE.0 - NOISE.1)).abs() < 1e-14, "{x:?}");
    assert!((x.e64 - 3.0 * NOISE.1).abs() < 1e-14, "{x:?}");
    assert_eq!((x.c1, x.c2), (Verdict::Certified, Some(Verdict::Certified)));
    let restless = assess(&Noisy::new("table-pair", true), &[0, 0], PAIR, 1.0, &Silent).unwrap().1;
    assert_eq!((restless.c1, restless.c2), (Verdict::Certified, None), "no bit repeats, so nothing is said of f32");
}

/// Changes one thing and says which field must be named.
type Tampering = (&'static str, fn(&mut Certificate));

#[test]
fn every_tampering_is_named() {
    let text = "random-table:seed=2";
    let made = certificate(text, &[0, 1, 2], 1.5);
    let tamperings: [Tampering; 20] = [
        ("kind", |c| c.kind = "other".into()),
        ("schema", |c| c.schema = 7),
        ("model.architecture", |c| c.model.architecture = "bert".into()),
        ("model.weights_sha256", |c| c.model.weights_sha256 = "0".repeat(64)),
        ("model.config_sha256", |c| c.model.config_sha256 = "0".repeat(64)),
        ("model.tokenizer_sha256", |c| c.model.tokenizer_sha256 = "0".repeat(64)),
        ("model.parameters", |c| c.model.parameters += 1),
        ("texts[2]", |c| c.tokens[2] = 0),
        ("texts[1]", |c| c.texts[1] = "x".into()),
        ("texts[0]", |c| c.tokens[0] = 99),
        ("rectangle_texts.a", |c| c.rectangle.a = 2),
        ("rectangle_texts.b2", |c| c.rectangle_texts[3] = "x".into()),
        ("logits_hex[3]", |c| c.logits_hex[3] = "0x1p+1".into()),
        ("r_hex", |c| c.r_hex = "0x1p+1".into()),
        ("r_hex", |c| c.temperature = 3.0),
        ("assessment.r64", |c| c.assessment.r64 *= -1.0),
        ("assessment.r32", |c| c.assessment.r32 += 0.01),
        ("assessment.e64", |c| c.assessment.e64 = 1e-30),
        ("assessment.c1", |c| c.assessment.c1 = Verdict::NoCertificate),
        ("theorem", |c| c.theorem.push_str(" Also, the earth is flat.")),
    ];
    assert_eq!(check(&made, text).differences, []);
    for (field, tamper) in tamperings {
        let mut changed = made.clone();
        tamper(&mut changed);
        let differences = check(&changed, text).differences;
        assert!(differences.iter().any(|d| d.field == field), "{field}: {differences:?}");
        assert!(differences.iter().all(|d| d.recorded != d.found), "{differences:?}");
    }
    let mut changed = made.clone();
    changed.assessment.c2 = None;
    changed.theorem = theorem::text(&changed);
    assert!(check(&changed, text).differences.iter().any(|d| d.field == "assessment.c2"));
    // Another model behind the same name.
    assert!(check(&made, "random-table:seed=3").differences.iter().any(|d| d.field.starts_with("logits_hex")));
    assert!(check(&made, "ising").differences.iter().any(|d| d.field == "tokens"));
}

#[test]
fn the_last_bits_of_another_machine_verify_with_a_note() {
    let text = "random-table:seed=2";
    let mut made = certificate(text, &[0, 1, 2], 1.0);
    // What a machine that rounds one logit the other way would have written.
    let mut logits = made.logits().unwrap();
    logits[0] = f64::from_bits(logits[0].to_bits() + 1);
    made.logits_hex[0] = hexfloat::write(logits[0]).unwrap();
    made.assessment.r64 = Corners(logits).r(1.0);
    made.r_hex = hexfloat::write(made.assessment.r64).unwrap();
    let x = made.assessment;
    (made.assessment.e32, made.assessment.e64) = errors(x.r32, x.r32_alone, x.r64, x.r64_alone);
    made.theorem = theorem::text(&made);
    let verification = check(&made, text);
    assert_eq!(verification.differences, []);
    assert!(!verification.bit_equal && verification.notes.len() == 1, "{verification:?}");
}

#[test]
fn files_that_are_no_certificates_say_why() {
    let made = certificate("table-pair", &[0, 0], 1.0).to_json().unwrap();
    let error = |from: &str, to: &str| {
        let changed = made.replacen(from, to, 1);
        assert_ne!(changed, made, "{from}");
        Certificate::from_json(&changed).unwrap_err()
    };
    assert_eq!(error("\"schema\": 1", "\"schema\": 2"), CertificateError::Newer(2));
    assert!(matches!(error("\"schema\": 1", "\"schema\": 0"), CertificateError::Field { field: "schema", .. }));
    assert!(
        matches!(error("kleroterion-certificate", "panel-audit"), CertificateError::Kind(kind) if kind.contains("panel"))
    );
    assert!(matches!(error("\"j\": 1", "\"j\": 2"), CertificateError::Field { field: "rectangle", .. }));
    assert!(matches!(error("\"j\": 1", "\"j\": 0"), CertificateError::Field { field: "rectangle", .. }));
    assert!(matches!(error("\"a2\": 1", "\"a2\": 0"), CertificateError::Field { field: "rectangle", .. }));
    assert!(matches!(error("\"a2\": 1", "\"a2\": -1"), CertificateError::Json(_)));
    assert!(matches!(error("\"temperature\": 1.0", "\"temperature\": 0.0"), CertificateError::Field { .. }));
    assert!(matches!(error("\"temperature\": 1.0", "\"temperature\": 1e999"), CertificateError::Json(_)));
    assert!(matches!(error("\"r_hex\": \"0x", "\"r_hex\": \"1x"), CertificateError::Field { field: "r_hex", .. }));
    assert!(matches!(Certificate::from_json("[]"), Err(CertificateError::Kind(_))));
    assert!(matches!(Certificate::from_json(&made[..200]), Err(CertificateError::Json(_))));
    assert!(matches!(Certificate::from_json(&"[".repeat(100_000)), Err(CertificateError::Json(_))));
    assert!(matches!(Certificate::from_json(&" ".repeat(5 << 20)), Err(CertificateError::Long(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is done to the bytes, reading answers and never panics, and what can be read can be examined.
    #[test]
    fn mutated_files_never_panic(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6)) {
        let mut bytes = certificate("random-table:seed=2", &[0, 1, 2], 1.0).to_json().unwrap().into_bytes();
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte % 96 + 32,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte % 96 + 32),
            }
        }
        if let Ok(read) = Certificate::from_json(&String::from_utf8_lossy(&bytes)) {
            check(&read, "random-table:seed=2");
        }
    }

    /// A number put where it does not belong.
    #[test]
    fn mutated_numbers_never_panic(field in 0usize..9, value in prop_oneof![any::<f64>().prop_map(|x| serde_json::json!(x)), any::<u64>().prop_map(|x| serde_json::json!(x)), Just(serde_json::Value::Null), Just(serde_json::json!([1, {}]))]) {
        let mut json = serde_json::to_value(certificate("random-table:seed=2", &[0, 1, 2], 1.0)).unwrap();
        let path = ["/tokens/0", "/rectangle/i", "/rectangle/a", "/temperature", "/assessment/r64", "/assessment/e32",
            "/assessment/c1", "/logits_hex/2", "/schema"][field];
        *json.pointer_mut(path).unwrap() = value;
        if let Ok(read) = Certificate::from_json(&json.to_string()) {
            check(&read, "random-table:seed=2");
        }
    }
}
