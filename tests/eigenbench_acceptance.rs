//! EigenBench against what is known in closed form, published, or found by another algorithm (eigenbench.md, section 14).

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kleroterion::eigenbench::btd::{FitSpec, fit};
use kleroterion::eigenbench::comparisons::{Cell, Choice, Comparison, counted};
use kleroterion::eigenbench::diagnostics::{diagnose_judges, variance_shares};
use kleroterion::eigenbench::findings::{Findings, Judged, Settings};
use kleroterion::eigenbench::reconcile::reconcile;
use kleroterion::eigenbench::trust::{eigentrust, elo, trust_matrix};
use kleroterion::progress::Silent;

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/eigenbench").join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Header and records of a table.
fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

fn published_rows() -> Option<Vec<Comparison>> {
    let (_, rows) = table(&shared("eb_20250623_4x4_comparisons.csv")?);
    let number = |row: &[String], at: usize| row[at].parse::<u32>().unwrap();
    let comparison = |row: &Vec<String>| Comparison {
        scenario: number(row, 0),
        criterion: 0,
        pass: 0,
        judge: number(row, 1) as u16,
        first: number(row, 2) as u16,
        second: number(row, 3) as u16,
        choice: Choice::of_figure(number(row, 4) as u8).unwrap(),
    };
    Some(rows.iter().map(comparison).collect())
}

/// One judge's scalar Davidson model by minorisation (Hunter 2004, with Davidson's ties): worths and the tie parameter. It shares
/// nothing with the fit under test: no gradient, no lens, no logarithm.
fn davidson(models: usize, cells: &[Cell]) -> (Vec<f64>, f64) {
    let mut worth = vec![1.0f64; models];
    let mut tie = 1.0f64;
    for _ in 0..200_000 {
        let (mut gained, mut faced) = (vec![0.0; models], vec![0.0; models]);
        let (mut ties, mut roots) = (0.0, 0.0);
        for cell in cells {
            let (a, b) = (usize::from(cell.first), usize::from(cell.second));
            let root = (worth[a] * worth[b]).sqrt();
            let all = worth[a] + worth[b] + tie * root;
            gained[a] += cell.counts[1] + 0.5 * cell.counts[0];
            gained[b] += cell.counts[2] + 0.5 * cell.counts[0];
            faced[a] += cell.rows() * (1.0 + 0.5 * tie * (worth[b] / worth[a]).sqrt()) / all;
            faced[b] += cell.rows() * (1.0 + 0.5 * tie * (worth[a] / worth[b]).sqrt()) / all;
            ties += cell.counts[0];
            roots += cell.rows() * root / all;
        }
        let mut change = 0.0f64;
        for model in 0..models {
            let next = gained[model] / faced[model];
            change = change.max((next / worth[model] - 1.0).abs());
            worth[model] = next;
        }
        let scale = worth.iter().sum::<f64>() / models as f64;
        worth.iter_mut().for_each(|worth| *worth /= scale);
        change = change.max((ties / roots / tie - 1.0).abs());
        tie = ties / roots;
        if change < 1e-14 {
            break;
        }
    }
    (worth, tie)
}

/// Check 10: from d = N - 1 on every judge is a scalar Davidson model of its own.
#[test]
fn saturated_lenses_are_davidsons_model_of_each_judge() {
    let Some(mut rows) = published_rows() else { return };
    reconcile(&mut rows);
    let cells = counted(&rows, |_| 1.0);
    let fitted = fit(4, &cells, FitSpec { dimension: 3, ridge: 0.0, starts: 4, seed: 1 }, None, &Silent).unwrap();
    let trust = trust_matrix(&fitted.model);
    for judge in 0..4u16 {
        let own: Vec<Cell> = cells.iter().filter(|cell| cell.judge == judge).copied().collect();
        let (worth, tie) = davidson(4, &own);
        let sizes: Vec<f64> = (0..4)
            .map(|model| {
                let others = (0..4).filter(|&other| other != model);
                worth[model] + 0.5 * tie * others.map(|other| (worth[model] * worth[other]).sqrt()).sum::<f64>()
            })
            .collect();
        let all: f64 = sizes.iter().sum();
        for (model, size) in sizes.iter().enumerate() {
            let found = trust[usize::from(judge) * 4 + model];
            assert!((found - size / all).abs() < 1e-7, "{judge} {model}: {found} {}", size / all);
        }
        let lambda = fitted.model.log_ties[usize::from(judge)].exp();
        assert!((lambda - tie).abs() < 1e-6 * tie, "{judge}: {lambda} {tie}");
    }
}

/// Check 9, the table of order bias, and what the specification says of self-preference (section 7).
#[test]
fn judges_of_the_published_run_are_as_the_author_counted() {
    let Some(rows) = published_rows() else { return };
    let found = diagnose_judges(4, &rows);
    let known = [(599, 483, 110, 6), (600, 444, 132, 24), (598, 485, 101, 12), (592, 395, 167, 30)];
    for (judge, known) in found.iter().zip(known) {
        let orders = &judge.orders;
        assert_eq!((orders.pairs, orders.consistent, orders.first, orders.second), known);
        assert_eq!(judge.ties, 0);
    }
    assert_eq!(found.iter().map(|judge| judge.ties_reconciled).sum::<u64>(), 1164);
    for (judge, points) in found.iter().zip([4.4, 1.1, 2.9, 2.3]) {
        let excess = 100.0 * judge.self_preference.unwrap().excess();
        assert!((excess - points).abs() < 0.06, "{excess} {points}");
    }
}

/// Check 9 through everything that is computed at once: leaderboards at two dimensions, who wins against whom, distances of trust,
/// spread over scenarios, and what is known of the fit without judgements of oneself.
#[test]
fn findings_of_the_published_run_are_the_known_ones() {
    let (Some(rows), Some(fixtures)) = (published_rows(), shared("fixtures.json")) else { return };
    let fixtures: serde_json::Value = serde_json::from_slice(&std::fs::read(fixtures).unwrap()).unwrap();
    let known = |name: &str, path: &str| fixtures["A_reference"][name].pointer(path).unwrap().as_f64().unwrap();
    let models = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let judged = Judged { models, criteria: vec!["as a whole".to_owned()], rows, ..Judged::default() };
    let compute = |dimension: usize, resamples: u32| {
        let mut settings = Settings::default();
        settings.board.fit = FitSpec { dimension, ridge: 0.0, ..settings.board.fit };
        settings.board.resamples = resamples;
        Findings::compute(&judged, &settings, &Silent).unwrap()
    };
    let (two, three) = (compute(2, 500), compute(3, 0));
    for (found, nll, known) in [
        (&two, 0.9845000539, [1567.636, 1488.042, 1520.387, 1367.350]),
        (&three, 0.9843514830, [1568.060, 1487.621, 1520.064, 1367.624]),
    ] {
        let board = found.board.as_ref().unwrap();
        assert!((board.mean_nll - nll).abs() < 1e-9, "{}", board.mean_nll);
        assert!(board.elo.iter().zip(known).all(|(own, known)| (own - known).abs() < 1e-3), "{:?}", board.elo);
    }
    for a in 0..4 {
        for b in (0..4).filter(|&b| b != a) {
            let count = |name: &str, a: usize, b: usize| known(name, &format!("/{a}/{b}"));
            let (won, lost, tied) =
                (count("A_winmatrix", a, b), count("A_winmatrix", b, a), count("A_tiematrix", a, b));
            let own = two.wins[a][b].unwrap();
            assert_eq!(own.rows as f64, won + lost + tied);
            assert!((own.share - (won + 0.5 * tied) / (won + lost + tied)).abs() < 1e-12);
            let [low, high] = own.interval.unwrap();
            assert!(low < own.share && own.share < high);
            assert_eq!(own.rows, two.wins_by_judge.iter().map(|judge| judge[a][b].unwrap().rows).sum::<u64>());
        }
        // What judges give a model in points is what its self-preference is made of.
        let own = two.points_by_judge[a][a].unwrap();
        assert!((own.share - known("A_selfpref", &format!("/{a}/0"))).abs() < 1e-12);
        assert_eq!(own.rows as f64, known("A_selfpref", &format!("/{a}/1")));
        for b in 0..4 {
            assert!((three.distances[a][b] - known("A_judge_L1", &format!("/{a}/{b}"))).abs() < 1e-5);
        }
        // 500 resamples each: standard errors of standard deviations of about 3 % on both sides.
        let deviation = two.board.as_ref().unwrap().intervals.as_ref().unwrap().elo[a].interval.deviation;
        let ratio = deviation / known("A_boot_scenarios", &format!("/sd/{a}"));
        assert!((0.85..1.15).contains(&ratio), "{a}: {deviation}");
    }
    // Nobody judging itself leaves two differences a judge for two dimensions of lens and four dispositions: the likelihood has its
    // known top, and what a judge would think of itself hangs on the start. That is told.
    let robust = two.robustness.as_ref().unwrap();
    let no_self = robust.variants.iter().find(|variant| variant.name == "Nobody judges itself").unwrap();
    assert!(no_self.starts_agreeing < no_self.starts, "{no_self:?}");
    let mut others = judged.rows.clone();
    reconcile(&mut others);
    others.retain(|row| row.judge != row.first && row.judge != row.second);
    assert_eq!(others.len() as f64, known("A_noself_mle_d2", "/n"));
    let spec = FitSpec { dimension: 2, ridge: 0.0, starts: 10, seed: 0 };
    let top = fit(4, &counted(&others, |_| 1.0), spec, None, &Silent).unwrap().mean_nll;
    assert!((top - known("A_noself_mle_d2", "/nll")).abs() < 1e-8, "{top}");
    // A model that does not judge is judged by the others: it does not drag all towards the middle.
    let board = two.board.as_ref().unwrap();
    let spread =
        |elo: &[f64]| elo.iter().copied().fold(f64::MIN, f64::max) - elo.iter().copied().fold(f64::MAX, f64::min);
    let spreads: Vec<f64> = (robust.without_judges.iter())
        .map(|variant| spread(&variant.elo.as_ref().unwrap().iter().copied().flatten().collect::<Vec<_>>()))
        .collect();
    assert!(spreads.iter().any(|own| *own > spread(&board.elo)), "{spreads:?}");
}

/// Pairs that two lists of scores put in opposite orders; pairs that one of them ties count neither way.
fn discordant(a: &[f64], b: &[f64]) -> u32 {
    let pairs = (0..a.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    pairs.filter(|&(i, j)| (a[i] - a[j]) * (b[i] - b[j]) < 0.0).count() as u32
}

/// Check 12: GPQA, where judges see letters and a judge's choice is its own answer.
#[test]
fn answers_to_gpqa_give_the_authors_distance_and_a_nearer_one() {
    let (Some(scores), Some(answers)) = (shared("gpqa_reference_scores.csv"), shared("gpqa_448x15_answers.csv")) else {
        return;
    };
    let (_, scores) = table(&scores);
    let column = |at: usize| scores.iter().map(|row| row[at].parse::<f64>().unwrap()).collect::<Vec<_>>();
    let (published, author) = (column(1), column(2));
    assert_eq!(discordant(&published, &author), 12);
    let tau: f64 = 1.0 - 2.0 * 12.0 / 105.0;
    assert!((tau - 0.771_428_571).abs() < 1e-8);

    let (header, answers) = table(&answers);
    assert!(header[1..].iter().eq(scores.iter().map(|row| &row[0])));
    let mut rows = Vec::new();
    for (scenario, row) in (0..).zip(&answers) {
        for first in 1..row.len() {
            for second in first + 1..row.len() {
                let (a, b) = (&row[first], &row[second]);
                if a.is_empty() || b.is_empty() {
                    continue;
                }
                for (judge, own) in row.iter().enumerate().skip(1) {
                    let choice = match own {
                        _ if a == b => Choice::Tie,
                        own if own == a => Choice::First,
                        own if own == b => Choice::Second,
                        _ => continue,
                    };
                    let [judge, first, second] = [judge, first, second].map(|place| (place - 1) as u16);
                    rows.push(Comparison { scenario, criterion: 0, pass: 0, judge, first, second, choice });
                }
            }
        }
    }
    let ties = rows.iter().filter(|row| row.choice == Choice::Tie).count();
    assert_eq!((rows.len(), ties), (518_517, 333_195));
    let spec = FitSpec { dimension: 1, ridge: 0.0, starts: 2, seed: 1 };
    let fitted = fit(15, &counted(&rows, |_| 1.0), spec, None, &Silent).unwrap();
    assert!((fitted.mean_nll - 0.873_345_030_159).abs() < 1e-8, "{}", fitted.mean_nll);
    let board = eigentrust(&trust_matrix(&fitted.model), 0.0, None).unwrap();
    assert_eq!(discordant(&published, &board.trust), 8);
    assert!((elo(&board.trust)[0] - 1527.277).abs() < 0.05, "{:?}", elo(&board.trust));
}

/// Check 13.
#[test]
fn the_published_table_of_personas_splits_as_known() {
    let Some(path) = shared("paper_figures/fig5_5x5_trust.csv") else { return };
    let (_, rows) = table(&path);
    let trust: Vec<f64> = rows.iter().flat_map(|row| row[1..].iter().map(|cell| cell.parse().unwrap())).collect();
    let found = variance_shares(&trust, 5).unwrap();
    let known = [(found.language_model, 0.20830), (found.persona, 0.57143), (found.interaction, 0.22027)];
    assert!(known.iter().all(|(found, known)| (found - known).abs() < 5e-6), "{found:?}");
    assert!((found.all_but_language_model() - 0.79170).abs() < 5e-6);
    let found = variance_shares(&elo(&trust), 5).unwrap();
    assert!((found.language_model - 0.08898).abs() < 1e-4 && (found.persona - 0.85062).abs() < 1e-4, "{found:?}");
}

/// Check 15: where all are compared with one model alone, odds are wins over losses.
#[test]
fn a_star_of_comparisons_has_odds_of_wins_to_losses() {
    // Wins and losses of the members of a council against its reference model.
    let known: BTreeMap<&str, [f64; 2]> = [
        ("claude-3-haiku", [17.0, 34.0]),
        ("claude-3-opus", [30.0, 30.0]),
        ("gemini-1.5-pro", [8.0, 38.0]),
        ("gpt-4-turbo", [25.0, 26.0]),
        ("qwen1.5-110b", [27.0, 15.0]),
    ]
    .into();
    let cells: Vec<Cell> = (1..)
        .zip(known.values())
        // Half of them in the other order, as they were collected.
        .flat_map(|(model, &[wins, losses])| {
            let one = Cell { judge: 0, first: model, second: 0, counts: [0.0, wins / 2.0, losses / 2.0] };
            [one, Cell { first: 0, second: model, counts: [0.0, losses / 2.0, wins / 2.0], ..one }]
        })
        .collect();
    let spec = FitSpec { dimension: 1, ridge: 0.0, starts: 3, seed: 0 };
    let fitted = fit(6, &cells, spec, None, &Silent).unwrap();
    let scores = fitted.model.scores();
    for (model, [wins, losses]) in (1..).zip(known.values()) {
        let odds: f64 = f64::exp(scores[model] - scores[0]);
        assert!((odds - wins / losses).abs() < 1e-6, "{model}: {odds} {}", wins / losses);
    }
}
