//! The tables behind the tables: what an export holds, one number in a cell at full precision.

use super::figures;
use super::view;
use super::words;
use crate::glauber::certify::CertifyResult;
use crate::glauber::survey::{Record, Stratum, SurveySpec};
use crate::store::SurveySubjectRow;
use crate::ui::command::Table;

/// The shortest text that reads back to the same number; nothing where there is none.
fn exact(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, exact)
}

fn table(name: &str, header: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { name: name.to_owned(), header: header.iter().map(|&name| name.to_owned()).collect(), rows }
}

/// One row for each listed rectangle, in the order of the result.
pub fn rectangles(result: &CertifyResult) -> Table {
    let header = [
        "a",
        "a2",
        "b",
        "b2",
        "id_a",
        "id_a2",
        "id_b",
        "id_b2",
        "r_nats",
        "error_nats",
        "r_f32",
        "r_f32_alone",
        "r_f64_alone",
        "c1",
        "c2",
    ];
    let rows = result.rectangles.iter().map(|found| {
        let (a, a2, b, b2) = found.at;
        let (ids, x) = (&found.rectangle, &found.assessment);
        let texts = [&result.texts_a[a], &result.texts_a[a2], &result.texts_b[b], &result.texts_b[b2]];
        let mut row: Vec<String> = texts.into_iter().cloned().collect();
        row.extend([ids.a, ids.a2, ids.b, ids.b2].map(|id| id.to_string()));
        row.extend([x.r64, x.e64, x.r32, x.r32_alone, x.r64_alone].map(exact));
        row.push(words::verdict_name(x.c1).to_owned());
        row.push(x.c2.map_or_else(String::new, |verdict| words::verdict_name(verdict).to_owned()));
        row
    });
    table("rectangles", &header, rows.collect())
}

/// One row for each stratum, estimate and interval apart.
pub fn strata(strata: &[Stratum]) -> Table {
    let mut header: Vec<String> =
        ["model", "control", "tokens", "distance", "rectangles", "sentences"].map(str::to_owned).to_vec();
    for threshold in view::THRESHOLDS {
        let name = threshold.map_or_else(|| "certified".to_owned(), |nats| format!("abs_r_above_{nats}"));
        header.extend(["", "_lower", "_upper"].map(|end| format!("share_{name}{end}")));
    }
    for name in ["sign_disagreement", "asymmetry"] {
        header.extend(["", "_lower", "_upper"].map(|end| format!("{name}{end}")));
    }
    header.extend(
        ["abs_r_q05", "abs_r_q25", "abs_r_q50", "abs_r_q75", "abs_r_q95", "pearson", "spearman", "interval_method"]
            .map(str::to_owned),
    );
    let rows = strata.iter().map(|stratum| {
        let mut row = vec![
            figures::series_name(stratum).to_owned(),
            if stratum.control.is_some() { "yes" } else { "no" }.to_owned(),
            words::plausibility_name(stratum.plausibility).to_owned(),
            words::distance_name(stratum.distance).to_owned(),
            stratum.n.to_string(),
            stratum.contexts.to_string(),
        ];
        for threshold in view::THRESHOLDS {
            let found = stratum.prevalences.iter().find(|share| share.threshold == threshold);
            row.extend(found.map_or_else(
                || vec![String::new(); 3],
                |share| [share.estimate, share.lower, share.upper].map(exact).to_vec(),
            ));
        }
        for share in [&stratum.sign_disagreement, &stratum.asymmetry] {
            row.extend([share.estimate, share.lower, share.upper].map(exact));
        }
        row.extend(stratum.quantiles.map(exact));
        row.extend([stratum.pearson, stratum.spearman].map(optional));
        row.push(stratum.prevalences.first().map_or_else(String::new, |share| share.method.clone()));
        row
    });
    Table { name: "strata".to_owned(), header, rows: rows.collect() }
}

/// One row for each record of a survey, or of one of its strata, in the order they were drawn.
pub fn records(
    spec: &SurveySpec,
    subjects: &[SurveySubjectRow],
    records: &[Record],
    stratum: Option<&Stratum>,
) -> Table {
    let names: Vec<String> = subjects.iter().map(|subject| subject.name.clone()).collect();
    let header = [
        "record",
        "model",
        "tokens",
        "distance",
        "sentence",
        "i",
        "j",
        "id_a",
        "id_a2",
        "id_b",
        "id_b2",
        "lor_i",
        "lor_j",
        "r_nats",
        "error_nats",
        "certified",
    ];
    let chosen = records.iter().filter(|record| stratum.is_none_or(|stratum| view::belongs(record, stratum)));
    let rows = chosen.map(|record| {
        let rectangle = &record.rectangle;
        let mut row = vec![
            record.item.to_string(),
            figures::subject_name(&names, record.subject),
            words::plausibility_name(record.plausibility).to_owned(),
            words::distance_name(record.distance).to_owned(),
            view::sentence(spec, subjects, record).unwrap_or_default().to_owned(),
        ];
        row.extend([rectangle.i, rectangle.j].map(|site| site.to_string()));
        row.extend([rectangle.a, rectangle.a2, rectangle.b, rectangle.b2].map(|id| id.to_string()));
        row.extend([record.lor_i, record.lor_j, record.r, record.error].map(exact));
        row.push(if record.certified { "yes" } else { "no" }.to_owned());
        row
    });
    table("records", &header, rows.collect())
}
