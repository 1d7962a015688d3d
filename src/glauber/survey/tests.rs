use std::sync::Arc;

use super::*;
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::rectangle::Rectangle;
use crate::glauber::test_backends::{NOISE, Noisy};
use crate::glauber::toys;
use crate::progress::{Cancelled, Progress, Silent};

const ALL_DISTANCES: [Distance; 5] =
    [Distance::One, Distance::Two, Distance::ThreeFour, Distance::FiveToEight, Distance::NineUp];
const ALL_PLAUSIBILITIES: [Plausibility; 3] =
    [Plausibility::OriginalAndDraw, Plausibility::TopK, Plausibility::Uniform];

fn spec(per_context: u32) -> SurveySpec {
    SurveySpec {
        version: 1,
        model: "random-table:n=5,v=6".to_owned(),
        beside: vec![],
        sentences: vec![],
        plausibilities: ALL_PLAUSIBILITIES.to_vec(),
        distances: ALL_DISTANCES.to_vec(),
        per_context,
        top_k: 4,
        temperature: 1.5,
        controls: vec![Control::Ising, Control::Permuted],
        resamples: 1000,
        seed: 11,
    }
}

fn subjects() -> Vec<Subject> {
    let subject = |text: &str, contexts: &[&[u32]], control| Subject {
        name: text.split(':').next().unwrap().to_owned(),
        model: Arc::from(toys::parse(text).unwrap()),
        contexts: contexts.iter().map(|context| context.to_vec()).collect(),
        control,
    };
    vec![
        subject("random-table:n=5,v=6", &[&[0, 1, 2, 3, 4], &[5, 4, 3, 2, 1], &[2, 2, 2, 2, 2]], None),
        subject("ising:n=12,beta=0.7,field=0.2", &[&[0; 12], &[1; 12]], Some(Control::Ising)),
    ]
}

fn records(spec: &SurveySpec, first: u64) -> Vec<Record> {
    records_of(spec, &subjects(), first)
}

fn records_of(spec: &SurveySpec, subjects: &[Subject], first: u64) -> Vec<Record> {
    let mut all = Vec::new();
    let mut commit = |batch: &[Record]| {
        all.extend_from_slice(batch);
        Ok(())
    };
    run(spec, subjects, first, &mut commit, &Silent).unwrap();
    all
}

#[test]
fn records_follow_the_plan() {
    let spec = spec(7);
    let all = records(&spec, 0);
    // Five sites have pairs at three of the distances; twelve have all five.
    assert_eq!(all.len() as u64, plan(&spec, &subjects()));
    assert_eq!(all.len(), 3 * 3 * 3 * 7 + 2 * 3 * 5 * 7);
    for (k, record) in all.iter().enumerate() {
        let Rectangle { i, j, a, a2, b, b2 } = record.rectangle;
        assert_eq!(record.item, k as u64);
        assert!(i < j && record.distance.holds(j - i) && a != a2 && b != b2);
        let state = &subjects()[record.subject as usize].contexts[record.context as usize];
        if record.plausibility == Plausibility::OriginalAndDraw {
            assert_eq!((a, b), (state[i], state[j]));
        }
        if record.subject == 1 {
            assert!(record.r.abs() < 1e-12 && !record.certified, "Ising: {record:?}");
        } else {
            assert!((record.r - (record.lor_i - record.lor_j) / 1.5).abs() < 1e-12);
            assert_eq!(record.certified, record.r.abs() > 1e-6);
        }
    }
    assert!(all.iter().filter(|record| record.certified).count() > 180, "random rows have no joint");
}

#[test]
fn top_k_draws_are_from_the_top() {
    let spec = SurveySpec { top_k: 2, ..spec(20) };
    let subjects = subjects();
    for record in records(&spec, 0).iter().filter(|r| r.subject == 0 && r.plausibility == Plausibility::TopK) {
        let row = super::super::conditionals::Row {
            state: &subjects[0].contexts[record.context as usize],
            position: record.rectangle.i,
        };
        let logits = subjects[0].model.logits(&[row], super::super::conditionals::Precision::F64).unwrap();
        let mut order: Vec<u32> = (0..6).collect();
        order.sort_by(|&x, &y| logits.row(0)[y as usize].total_cmp(&logits.row(0)[x as usize]));
        let mut drawn = [record.rectangle.a, record.rectangle.a2];
        drawn.sort_by_key(|token| order.iter().position(|other| other == token));
        assert_eq!(drawn, order[..2], "{record:?}");
    }
}

#[test]
fn a_resumed_survey_has_the_identical_rest() {
    let spec = spec(7);
    let all = records(&spec, 0);
    for first in [0, 1, 15, 16, 17, 63, 64, 200, all.len() - 1, all.len(), all.len() + 5] {
        assert_eq!(records(&spec, first as u64), all[first.min(all.len())..], "from {first}");
    }
}

/// A model whose last bits depend on the batch, as real ones do.
#[test]
fn a_resumed_survey_has_the_same_batches() {
    let spec = spec(7);
    let noisy = Subject {
        name: "noisy".to_owned(),
        model: Arc::new(Noisy::new("random-table:n=5,v=6", false)),
        contexts: vec![vec![0, 1, 2, 3, 4], vec![0; 5]],
        control: None,
    };
    let all = records_of(&spec, std::slice::from_ref(&noisy), 0);
    for first in [1, 16, 30, 70, all.len() - 3] {
        assert_eq!(records_of(&spec, std::slice::from_ref(&noisy), first as u64), all[first..], "from {first}");
    }
    let errs = |record: &&Record| record.rectangle.i == 0 && record.rectangle.j == 1 && record.rectangle.b == 0;
    let wrong: Vec<&Record> = all.iter().filter(errs).filter(|r| r.rectangle.a == 0).collect();
    assert!(!wrong.is_empty());
    for record in wrong {
        // More than one row travelled with it, so the two f64 evaluations differ by at least one row's error.
        assert!(record.error > 0.9 * NOISE.1 / 1.5, "{record:?}");
    }
}

#[test]
fn a_larger_survey_asks_the_same_and_more() {
    let (few, many) = (records(&spec(2), 0), records(&spec(5), 0));
    let rectangles = |records: &[Record], keep: usize| {
        let mut seen = std::collections::BTreeMap::new();
        for r in records {
            let of: &mut Vec<_> = seen.entry((r.subject, r.context, r.plausibility, r.distance)).or_default();
            if of.len() < keep {
                of.push(format!("{:?}", r.rectangle));
            }
        }
        seen
    };
    assert_eq!(rectangles(&few, 2), rectangles(&many, 2));
}

#[test]
fn strata_tell_prevalence_with_the_right_interval() {
    let names: Vec<_> = subjects().into_iter().map(|subject| (subject.name, subject.control)).collect();
    let clustered = spec(7);
    let strata = summarise(&clustered, &names, &records(&clustered, 0));
    // 9 of the table, 15 of Ising, 9 permuted.
    assert_eq!(strata.len(), 33);
    let find = |name: &str| strata.iter().find(|stratum| stratum.name == name).unwrap();
    let table = find("random-table · top-k · distance 1");
    assert_eq!((table.n, table.contexts, table.subject), (21, 3, 0));
    assert!(table.prevalence > 0.9 && table.interval[0] <= table.prevalence && table.prevalence <= table.interval[1]);
    assert!(table.interval[0] < 0.99, "three contexts are little evidence: {:?}", table.interval);
    assert_eq!(
        table.prevalences.iter().map(|p| p.threshold).collect::<Vec<_>>(),
        [None, Some(0.1), Some(1.0), Some(2.0)]
    );
    assert!(table.prevalences.is_sorted_by(|x, y| x.estimate >= y.estimate));
    assert!(table.quantiles.is_sorted() && table.pearson.is_some() && table.spearman.is_some());
    assert!((0.0..=1.0).contains(&table.asymmetry.estimate));
    let ising = find("ising · uniform · distance 9+");
    assert_eq!((ising.prevalence, ising.interval[0], ising.prevalences[0].method.as_str()), (0.0, 0.0, "exact zero"));
    assert_eq!((ising.control, table.control), (Some(Control::Ising), None));
    assert!((ising.interval[1] - (1.0 - 0.05f64.sqrt())).abs() < 1e-12, "two contexts");
    assert!(strata.iter().any(|stratum| stratum.name == "random-table, directions permuted · top-k · distance 1"));

    let single = spec(1);
    let strata = summarise(&single, &names, &records(&single, 0));
    for stratum in strata.iter().filter(|stratum| stratum.prevalence > 0.0) {
        assert_eq!(stratum.prevalences[0].method, "wilson");
        assert_eq!(stratum.n, stratum.contexts);
    }
    assert_eq!(summarise(&single, &names, &[]), []);
}

/// Records as a survey might hold them, by hand.
fn made(values: &[(u32, f64, f64)]) -> Vec<Record> {
    let rectangle = Rectangle { i: 0, j: 1, a: 0, a2: 1, b: 0, b2: 1 };
    let record = |(item, &(context, lor_i, lor_j)): (usize, &(u32, f64, f64))| Record {
        item: item as u64,
        subject: 0,
        context,
        plausibility: Plausibility::TopK,
        distance: Distance::One,
        rectangle,
        lor_i,
        lor_j,
        r: lor_i - lor_j,
        error: 0.0,
        certified: lor_i != lor_j,
    };
    values.iter().enumerate().map(record).collect()
}

#[test]
fn statistics_of_four_records_by_hand() {
    let records = made(&[(0, 1.0, 1.0), (0, 2.0, -1.0), (1, 0.5, 0.0), (1, -3.0, -1.5)]);
    let spec = SurveySpec { temperature: 1.0, ..spec(2) };
    let strata = summarise(&spec, &[("m".to_owned(), None)], &records);
    let [stratum, permuted] = strata.as_slice() else { panic!("{strata:?}") };
    assert_eq!(stratum.prevalences.iter().map(|p| p.estimate).collect::<Vec<_>>(), [0.75, 0.75, 0.5, 0.25]);
    // Contexts hold 1 and 2 of 2: resampled means are 0.5, 0.75 and 1.
    assert_eq!((stratum.interval, stratum.prevalences[0].method.as_str()), ([0.5, 1.0], "cluster bootstrap"));
    assert_eq!(stratum.sign_disagreement.estimate, 0.25);
    assert!((stratum.asymmetry.estimate - (0.0 + 1.0 + 1.0 + 1.0 / 3.0) / 4.0).abs() < 1e-15);
    assert_eq!(stratum.quantiles[2], 1.0);
    assert_eq!((permuted.n, permuted.contexts), (4, 2));
    assert_eq!((stratum.control, permuted.control, permuted.subject), (None, Some(Control::Permuted), 0));
}

#[test]
fn permuting_destroys_a_perfect_correlation() {
    let values: Vec<(u32, f64, f64)> = (0..200).map(|k| (k, f64::from(k), f64::from(k))).collect();
    let strata = summarise(&spec(1), &[("m".to_owned(), None)], &made(&values));
    assert!((strata[0].pearson.unwrap() - 1.0).abs() < 1e-12);
    assert!(strata[1].pearson.unwrap().abs() < 0.3, "{:?}", strata[1].pearson);
    assert_eq!(strata[0].prevalence, 0.0);
    assert!((strata[0].interval[1] - (1.0 - 0.05f64.powf(1.0 / 200.0))).abs() < 1e-12);
}

#[test]
fn specs_without_sense_and_failing_commits_end_the_run() {
    let error = |change: fn(&mut SurveySpec)| {
        let mut spec = spec(1);
        change(&mut spec);
        run(&spec, &subjects(), 0, &mut |_| Ok(()), &Silent).unwrap_err().to_string()
    };
    assert!(error(|s| s.temperature = -1.0).contains("temperature"));
    assert!(error(|s| s.distances.clear()).contains("stratum"));
    assert!(error(|s| s.per_context = 0).contains("per context"));
    assert!(error(|s| s.top_k = 1).contains("top 1"));
    let full = run(&spec(1), &subjects(), 0, &mut |_| Err("the disk is full".to_owned()), &Silent);
    assert_eq!(full, Err(ConditionalsError::Commit("the disk is full".to_owned())));
}

#[test]
fn a_cancelled_survey_keeps_whole_batches() {
    struct After(std::sync::atomic::AtomicU32);
    impl Progress for After {
        fn stage(&self, _: &str) {}
        fn report(&self, _: u64, _: u64) {}
        fn checkpoint(&self) -> Result<(), Cancelled> {
            let left = self.0.load(std::sync::atomic::Ordering::Relaxed);
            self.0.store(left.saturating_sub(1), std::sync::atomic::Ordering::Relaxed);
            if left == 0 { Err(Cancelled) } else { Ok(()) }
        }
    }
    let spec = spec(7);
    let mut kept = Vec::new();
    let mut commit = |batch: &[Record]| {
        kept.extend_from_slice(batch);
        Ok(())
    };
    let result = run(&spec, &subjects(), 0, &mut commit, &After(400.into()));
    assert_eq!(result, Err(ConditionalsError::Cancelled(Cancelled)));
    let all = records(&spec, 0);
    assert!(!kept.is_empty() && kept.len() < all.len());
    assert_eq!(kept, all[..kept.len()]);
    kept.extend(records(&spec, kept.len() as u64));
    assert_eq!(kept, all);
}
