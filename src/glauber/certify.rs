//! The certify run: one context, two sites, two token sets, every rectangle among them, certificates for the largest.

use std::collections::BTreeSet;

use super::certificate::{self, Assessment, Certificate, check_temperature};
use super::conditionals::{Conditionals, ConditionalsError, ModelIdentity, Precision, Row, ask};
use super::rectangle::{Block, Corners, Rectangle, check_sites};
use crate::progress::Progress;
use crate::statistics::Stream;

/// Most tokens that may stand for one site.
pub const MOST_TOKENS: usize = 64;
/// Most rectangles listed in a result; of more, those with the largest |R|.
pub const MOST_LISTED: usize = 50_000;

/// Which tokens stand for one site.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenChoice {
    /// The k likeliest ordinary tokens at the site, given the sentence with that site masked.
    Top(u32),
    /// k uniform ordinary tokens, from the run's seed.
    Random(u32),
    /// Typed token texts.
    Typed(Vec<String>),
}

/// What a certify run does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CertifySpec {
    pub version: u32,
    pub model: String,
    pub sentence: String,
    /// Two different sites, counted from 0 among the sentence's tokens.
    pub positions: (usize, usize),
    pub tokens_a: TokenChoice,
    pub tokens_b: TokenChoice,
    pub temperature: f64,
    pub seed: u64,
}

/// One rectangle with its assessment.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AssessedRectangle {
    /// Indices into the token sets.
    pub at: (usize, usize, usize, usize),
    pub rectangle: Rectangle,
    pub assessment: Assessment,
}

/// What a certify run found.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CertifyResult {
    pub tokens: Vec<u32>,
    pub texts: Vec<String>,
    pub tokens_a: Vec<u32>,
    pub texts_a: Vec<String>,
    pub tokens_b: Vec<u32>,
    pub texts_b: Vec<String>,
    /// f64 logits l_i(a|b), row-major [|A|, |B|], and the normaliser log sum_v exp(l/tau) of each column b.
    pub logits_i: Vec<f64>,
    pub normaliser_i: Vec<f64>,
    /// f64 logits l_j(b|a), row-major [|A|, |B|], and the normaliser of each row a.
    pub logits_j: Vec<f64>,
    pub normaliser_j: Vec<f64>,
    /// Double-centred D, row-major [|A|, |B|], nats.
    pub centred: Vec<f64>,
    pub rms: f64,
    /// Every rectangle, in lexicographic order of `at`; where there are more than [`MOST_LISTED`], only the largest
    /// that many by |R|, in the same order.
    pub rectangles: Vec<AssessedRectangle>,
    /// How many rectangles the block has, all of them in `max_abs_r`.
    #[serde(default)]
    pub listed_of: u64,
    pub max_abs_r: f64,
    /// Certificate of the rectangle with the largest |R|; its verdict may be `NoCertificate`.
    pub certificate: Certificate,
}

/// Runs the whole of `spec` on a loaded model.
///
/// The block is scored five times (f32 in batches, twice, for the bit equality that C2 needs; f32 alone; f64 in batches;
/// f64 alone), |A| + |B| rows each, and every rectangle is assessed from those. The certificate's own four rows are
/// scored again, so that `verify` can repeat exactly what it records.
pub fn certify(
    spec: &CertifySpec,
    model: &dyn Conditionals,
    identity: &ModelIdentity,
    progress: &dyn Progress,
) -> Result<CertifyResult, ConditionalsError> {
    let tau = spec.temperature;
    check_temperature(tau)?;
    let state = model.tokenize(&spec.sentence)?;
    let (got, (min, max)) = (state.len(), model.sites());
    if got < min || got > max {
        return Err(ConditionalsError::Length { got, min, max });
    }
    check_sites(spec.positions, got)?;
    let (i, j) = spec.positions;
    progress.stage("choosing tokens");
    let tokens_a = choose(&spec.tokens_a, model, &state, i, spec.seed)?;
    let tokens_b = choose(&spec.tokens_b, model, &state, j, spec.seed)?;

    let block = |stage: &str, precision, alone| {
        progress.stage(stage);
        Block::evaluate(model, &state, spec.positions, &tokens_a, &tokens_b, precision, alone, progress)
    };
    // Only the tokens asked about are kept of the first four: a row of a large vocabulary is megabytes.
    let table = |stage: &str, precision, alone| block(stage, precision, alone).map(|block| Table::new(&block));
    let f32_batch = table("scoring in single precision", Precision::F32, false)?;
    let repeated = model.deterministic()
        && table("scoring again, to see whether every bit repeats", Precision::F32, false)?.same_bits(&f32_batch);
    let f32_alone = table("scoring in single precision, row by row", Precision::F32, true)?;
    let f64_alone = table("scoring in double precision, row by row", Precision::F64, true)?;
    let block = block("scoring in double precision", Precision::F64, false)?;
    let f64_batch = Table::new(&block);

    progress.stage("assessing rectangles");
    let places = listed(&f64_batch);
    let mut rectangles = Vec::with_capacity(places.len());
    for (done, &at) in places.iter().enumerate() {
        if done % 4096 == 0 {
            progress.checkpoint()?;
            progress.report(done as u64, places.len() as u64);
        }
        let [single, single_alone, double, double_alone] =
            [&f32_batch, &f32_alone, &f64_batch, &f64_alone].map(|table| table.corners(at));
        rectangles.push(AssessedRectangle {
            at,
            rectangle: rectangle(&block, at),
            assessment: Assessment::new(&single, &single_alone, &double, &double_alone, repeated, tau),
        });
    }

    progress.stage("certifying the largest rectangle");
    let (largest, _) = block.largest();
    let certificate = certificate::certify(model, identity, &state, rectangle(&block, largest), tau, progress)?;
    let texts = |tokens: &[u32]| tokens.iter().map(|&token| model.text(token)).collect::<Vec<_>>();
    Ok(CertifyResult {
        texts: texts(&state),
        texts_a: texts(&tokens_a),
        texts_b: texts(&tokens_b),
        logits_i: block.logits_i(),
        normaliser_i: block.normaliser_i(tau),
        logits_j: block.logits_j(),
        normaliser_j: block.normaliser_j(tau),
        centred: block.centred(),
        rms: block.rms(),
        listed_of: f64_batch.rectangles() as u64,
        max_abs_r: f64_batch.corners(largest).r(tau).abs(),
        tokens: state,
        tokens_a,
        tokens_b,
        rectangles,
        certificate,
    })
}

/// Indices of one rectangle in the token sets: a, a2, b, b2.
type Place = (usize, usize, usize, usize);

fn rectangle(block: &Block, (a, a2, b, b2): Place) -> Rectangle {
    let (tokens_a, tokens_b) = (&block.tokens_a, &block.tokens_b);
    Rectangle { i: block.i, j: block.j, a: tokens_a[a], a2: tokens_a[a2], b: tokens_b[b], b2: tokens_b[b2] }
}

/// The logits of a block at the tokens asked about, row-major `[|A|, |B|]`.
struct Table {
    at_i: Vec<f64>,
    at_j: Vec<f64>,
    rows: usize,
    columns: usize,
}

impl Table {
    fn new(block: &Block) -> Self {
        let (rows, columns) = (block.tokens_a.len(), block.tokens_b.len());
        Self { at_i: block.logits_i(), at_j: block.logits_j(), rows, columns }
    }
    fn same_bits(&self, other: &Self) -> bool {
        let same = |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits());
        same(&self.at_i, &other.at_i) && same(&self.at_j, &other.at_j)
    }
    fn corners(&self, place: Place) -> Corners {
        Corners::of_tables(&self.at_i, &self.at_j, self.columns, place)
    }
    fn rectangles(&self) -> usize {
        self.rows * (self.rows - 1) / 2 * (self.columns * (self.columns - 1) / 2)
    }
    /// All rectangles, in lexicographic order.
    fn places(&self) -> impl Iterator<Item = Place> {
        let (rows, columns) = (self.rows, self.columns);
        let pairs = |n: usize| (0..n).flat_map(move |k| (k + 1..n).map(move |l| (k, l)));
        pairs(rows).flat_map(move |(a, a2)| pairs(columns).map(move |(b, b2)| (a, a2, b, b2)))
    }
}

/// The rectangles a result lists, in lexicographic order.
fn listed(table: &Table) -> Vec<Place> {
    if table.rectangles() <= MOST_LISTED {
        return table.places().collect();
    }
    // Four million at most; the indices fit a byte.
    let mut all: Vec<(f64, [u8; 4])> = table
        .places()
        .map(|at| (table.corners(at).r(1.0).abs(), [at.0, at.1, at.2, at.3].map(|index| index as u8)))
        .collect();
    all.select_nth_unstable_by(MOST_LISTED - 1, |x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
    all.truncate(MOST_LISTED);
    let mut places: Vec<[u8; 4]> = all.into_iter().map(|(_, at)| at).collect();
    places.sort_unstable();
    places.into_iter().map(|at| at.map(usize::from)).map(|[a, a2, b, b2]| (a, a2, b, b2)).collect()
}

/// The ordinary tokens of a choice at `site` of `state`: 2 to 64 different ones.
///
/// `Top` takes them by their f64 logit, likeliest first, ties by lowest id; `Random` in the order drawn from stream
/// `site` of `seed`; both take all of a smaller vocabulary. `Typed` keeps the order typed, repeated tokens once.
pub fn choose(
    choice: &TokenChoice,
    model: &dyn Conditionals,
    state: &[u32],
    site: usize,
    seed: u64,
) -> Result<Vec<u32>, ConditionalsError> {
    let invalid = |problem: String| Err(ConditionalsError::Invalid(problem));
    if site >= state.len() {
        return Err(ConditionalsError::Position { position: site, length: state.len() });
    }
    let count = match choice {
        TokenChoice::Top(k) | TokenChoice::Random(k) => *k as usize,
        TokenChoice::Typed(texts) => texts.len(),
    };
    if !(2..=MOST_TOKENS).contains(&count) {
        return invalid(format!("{count} tokens at position {site}: choose 2 to {MOST_TOKENS}"));
    }
    let ordinary = || (0..model.vocabulary() as u32).filter(|&token| model.ordinary(token)).collect::<Vec<u32>>();
    let tokens = match choice {
        TokenChoice::Top(_) => {
            let logits = ask(model, &[Row { state, position: site }], Precision::F64)?;
            likeliest(logits.row(0), ordinary(), count)
        }
        TokenChoice::Random(_) => {
            let all = ordinary();
            Stream::new(seed, site as u64).distinct(count, all.len()).into_iter().map(|k| all[k]).collect()
        }
        TokenChoice::Typed(texts) => {
            let mut seen = BTreeSet::new();
            let mut tokens = Vec::new();
            for text in texts {
                let Some(token) = model.token(text) else {
                    return invalid(format!(
                        "{text:?} is not one token of this model: choose another for position {site}"
                    ));
                };
                if !model.ordinary(token) {
                    return invalid(format!(
                        "{text:?} is one of the model's special tokens: it cannot stand in a sentence"
                    ));
                }
                if seen.insert(token) {
                    tokens.push(token);
                }
            }
            tokens
        }
    };
    if tokens.len() < 2 {
        return invalid(format!("only {} different token at position {site}: at least 2 are needed", tokens.len()));
    }
    Ok(tokens)
}

/// The `k` of `tokens` with the largest logits, largest first, ties by lowest id.
pub(super) fn likeliest(logits: &[f64], mut tokens: Vec<u32>, k: usize) -> Vec<u32> {
    let order = |x: &u32, y: &u32| logits[*y as usize].total_cmp(&logits[*x as usize]).then(x.cmp(y));
    if k < tokens.len() {
        tokens.select_nth_unstable_by(k, order);
        tokens.truncate(k);
    }
    tokens.sort_unstable_by(order);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::certificate::{Verdict, verify};
    use crate::glauber::test_backends::{NOISE, Noisy, identity};
    use crate::glauber::toys;
    use crate::progress::{Cancelled, Silent};

    fn spec(model: &str, sentence: &str, k: u32) -> CertifySpec {
        CertifySpec {
            version: 1,
            model: model.to_owned(),
            sentence: sentence.to_owned(),
            positions: (0, 1),
            tokens_a: TokenChoice::Top(k),
            tokens_b: TokenChoice::Random(k),
            temperature: 1.0,
            seed: 3,
        }
    }

    fn run(spec: &CertifySpec) -> Result<CertifyResult, ConditionalsError> {
        certify(spec, toys::parse(&spec.model).unwrap().as_ref(), &identity(&spec.model), &Silent)
    }

    #[test]
    fn a_whole_run_on_a_random_table() {
        let mut spec = spec("random-table:n=3,v=9,seed=4", "1 2 3", 5);
        spec.temperature = 2.0;
        let result = run(&spec).unwrap();
        assert_eq!((result.tokens_a.len(), result.tokens_b.len()), (5, 5));
        assert_eq!((result.rectangles.len(), result.listed_of), (100, 100));
        assert!(result.rectangles.is_sorted_by_key(|rectangle| rectangle.at));
        let most = result.rectangles.iter().map(|r| r.assessment.r64.abs()).fold(0.0, f64::max);
        assert!((result.max_abs_r - most).abs() < 1e-12 && most > 0.1);
        assert!((result.certificate.assessment.r64.abs() - most).abs() < 1e-12);
        assert!(result.rectangles.iter().all(|r| r.assessment.c1 == Verdict::Certified && r.assessment.c2.is_some()));
        // Log-probabilities from what the result keeps: each column of p_i sums to at most 1.
        for b in 0..5 {
            let sum: f64 = (0..5).map(|a| (result.logits_i[a * 5 + b] / 2.0 - result.normaliser_i[b]).exp()).sum();
            assert!(sum < 1.0 && sum > 0.2);
        }
        let toy = toys::parse(&spec.model).unwrap();
        assert_eq!(verify(&result.certificate, toy.as_ref(), &identity(&spec.model), &Silent), Ok(vec![]));
        assert_eq!(run(&spec).unwrap(), result, "same spec, same result");
    }

    #[test]
    fn rectangles_are_assessed_from_four_evaluations() {
        let mut spec = spec("random-table:n=2,v=4,seed=1", "1 1", 3);
        spec.tokens_a = TokenChoice::Typed(vec!["0".into(), "2".into(), "3".into()]);
        spec.tokens_b = TokenChoice::Typed(vec!["0".into(), "1".into()]);
        let run = |restless| certify(&spec, &Noisy::new(&spec.model, restless), &identity(""), &Silent).unwrap();
        // Five rows in a batch, and the first rectangle has the corner that errs.
        let x = run(false).rectangles[0].assessment;
        assert!((x.r32 - x.r32_alone - 4.0 * NOISE.0).abs() < 1e-14, "{x:?}");
        assert!((x.r64 - x.r64_alone - 4.0 * NOISE.1).abs() < 2e-15, "{x:?}");
        assert!(x.c2.is_some() && run(true).rectangles.iter().all(|r| r.assessment.c2.is_none()));
    }

    #[test]
    fn a_large_block_lists_its_largest_rectangles() {
        let result = run(&spec("random-table:n=2,v=40", "0 0", 24)).unwrap();
        assert_eq!((result.rectangles.len() as u64, result.listed_of), (MOST_LISTED as u64, 276 * 276));
        assert!(result.rectangles.is_sorted_by_key(|rectangle| rectangle.at));
        let least = result.rectangles.iter().map(|r| r.assessment.r64.abs()).fold(f64::INFINITY, f64::min);
        let listed: BTreeSet<_> = result.rectangles.iter().map(|r| r.at).collect();
        let d: Vec<f64> = result.logits_i.iter().zip(&result.logits_j).map(|(i, j)| i - j).collect();
        for a in 0..24 {
            for a2 in a + 1..24 {
                for (b, b2) in [(0, 1), (3, 20), (7, 9)] {
                    let r = (d[a * 24 + b] - d[a2 * 24 + b] - d[a * 24 + b2] + d[a2 * 24 + b2]).abs();
                    assert!(listed.contains(&(a, a2, b, b2)) || r <= least + 1e-12);
                }
            }
        }
    }

    #[test]
    fn tokens_are_chosen_as_asked() {
        let toy = toys::parse("table-pair:p=.1;.9;.6;.4").unwrap();
        let choose = |choice| choose(&choice, toy.as_ref(), &[0, 0], 0, 1);
        assert_eq!(choose(TokenChoice::Top(2)), Ok(vec![1, 0]));
        assert_eq!(choose(TokenChoice::Top(9)), Ok(vec![1, 0]), "all of a small vocabulary");
        let typed = |texts: &[&str]| choose(TokenChoice::Typed(texts.iter().map(|&t| t.to_owned()).collect()));
        assert_eq!(typed(&["1", "0", "1"]), Ok(vec![1, 0]));
        assert!(typed(&["1", "maybe"]).unwrap_err().to_string().contains("\"maybe\""));
        assert!(typed(&["1", "1"]).unwrap_err().to_string().contains("at least 2"));
        assert!(choose(TokenChoice::Top(1)).is_err() && choose(TokenChoice::Random(65)).is_err());
        assert_eq!(likeliest(&[1.0, 3.0, 3.0, 2.0, 3.0], vec![0, 1, 2, 3, 4], 2), [1, 2]);
    }

    #[test]
    fn specs_without_sense_say_why() {
        let error = |change: fn(&mut CertifySpec)| {
            let mut spec = spec("random-table", "0 1 2", 2);
            change(&mut spec);
            run(&spec).unwrap_err().to_string()
        };
        assert!(error(|s| s.positions = (1, 1)).contains("different positions"));
        assert!(error(|s| s.positions = (1, 3)).contains("position 3"));
        assert!(error(|s| s.temperature = 0.0).contains("temperature is 0"));
        assert!(error(|s| s.temperature = f64::NAN).contains("temperature is NaN"));
        assert!(error(|s| s.sentence = "0 1".into()).contains("2 tokens"));
        assert!(error(|s| s.sentence = "0 1 9".into()).contains("\"9\""));
    }

    #[test]
    fn a_run_can_be_cancelled() {
        struct Cancels;
        impl Progress for Cancels {
            fn stage(&self, _: &str) {}
            fn report(&self, _: u64, _: u64) {}
            fn checkpoint(&self) -> Result<(), Cancelled> {
                Err(Cancelled)
            }
        }
        let spec = spec("random-table", "0 1 2", 2);
        let toy = toys::parse(&spec.model).unwrap();
        let result = certify(&spec, toy.as_ref(), &identity(""), &Cancels);
        assert_eq!(result, Err(ConditionalsError::Cancelled(Cancelled)));
    }
}
