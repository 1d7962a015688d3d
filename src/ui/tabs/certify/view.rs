//! What the centre of the tab draws, worked out once on a background thread when results arrive.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{data, figures, words};
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::certify::{AssessedRectangle, CertifyResult, CertifySpec};
use crate::glauber::rectangle::Corners;
use crate::glauber::survey::{Plausibility, Record, Stratum, SurveySpec};
use crate::store::{Project, RunId, StoreError, SurveySubjectRow};
use crate::ui::command::{LateTable, Table};

/// Rows a table of rectangles or records holds at most: the largest |R| first.
pub const TABLE_ROWS: usize = 5_000;
/// Records asked of the store at a time.
const RECORD_CHUNK: u64 = 20_000;
/// Shares past these thresholds are shown; `None` is "certified".
pub const THRESHOLDS: [Option<f64>; 4] = [None, Some(0.1), Some(1.0), Some(2.0)];

/// Indices `(a, a2, b, b2)` of a rectangle into the token sets, `a < a2` and `b < b2`.
pub type At = (usize, usize, usize, usize);

/// Result of a certify run, ready to draw.
pub struct ContextView {
    pub spec: CertifySpec,
    pub result: CertifyResult,
    pub field: Figure,
    pub table: Table,
    /// Every listed rectangle at full precision, for export.
    pub data: LateTable,
    /// Row of the table -> rectangle of the result.
    pub order: Vec<usize>,
    /// The certificate as the JSON that is saved and verified.
    pub certificate: String,
    /// Rectangles among the token sets; the result lists the largest if there are very many.
    pub total: u64,
}

impl ContextView {
    /// Reads and prepares the result of `run`, if it has one yet.
    pub fn load(project: &Project, run: RunId, spec: &CertifySpec) -> Result<Option<Self>, StoreError> {
        Ok(project.certify_result(run)?.map(|result| Self::new(result, spec.clone())))
    }

    /// Works out tables and figures.
    pub fn new(result: CertifyResult, spec: CertifySpec) -> Self {
        let mut order: Vec<usize> = (0..result.rectangles.len()).collect();
        let size = |k: &usize| result.rectangles[*k].assessment.r64.abs();
        order.sort_by(|a, b| descending(size(a), size(b)).then(a.cmp(b)));
        order.truncate(TABLE_ROWS);
        let rows = order.iter().map(|&k| rectangle_row(&result, &result.rectangles[k])).collect();
        let header = ["a", "a'", "b", "b'", "R (nats)", "|R| (nats)", "error bound", "C1", "C2"];
        let table = Table { name: "rectangles".to_owned(), header: header.map(str::to_owned).to_vec(), rows };
        let total = result.listed_of.max(result.rectangles.len() as u64);
        let certificate = serde_json::to_string_pretty(&result.certificate).unwrap_or_default();
        let whole = result.clone();
        let data = LateTable::new("rectangles", move || data::rectangles(&whole));
        Self { field: figures::field(&result, spec.positions), table, data, order, certificate, total, spec, result }
    }

    /// The rectangle with the largest |R|, if there is any.
    pub fn largest(&self) -> Option<At> {
        self.order.first().map(|&k| self.result.rectangles[k].at)
    }

    /// Whether these token indices make a rectangle.
    pub fn contains(&self, (a, a2, b, b2): At) -> bool {
        a < a2 && a2 < self.result.tokens_a.len() && b < b2 && b2 < self.result.tokens_b.len()
    }

    /// The rectangle at these token indices, if it is among those listed.
    pub fn rectangle(&self, at: At) -> Option<&AssessedRectangle> {
        self.result
            .rectangles
            .binary_search_by_key(&at, |rectangle| rectangle.at)
            .ok()
            .map(|k| &self.result.rectangles[k])
    }

    /// The eight f64 logits of a rectangle.
    pub fn corners(&self, at: At) -> Corners {
        let columns = self.result.tokens_b.len();
        Corners::of_tables(&self.result.logits_i, &self.result.logits_j, columns, at)
    }

    /// The eight log-probabilities at the run's temperature, nats, in the order of [`Corners`].
    pub fn log_probabilities(&self, at: At) -> [f64; 8] {
        let (a, a2, b, b2) = at;
        let logits = self.corners(at).0;
        let (i, j) = (&self.result.normaliser_i, &self.result.normaliser_j);
        let normalisers = [i[b], i[b], i[b2], i[b2], j[a], j[a], j[a2], j[a2]];
        std::array::from_fn(|k| logits[k] / self.spec.temperature - normalisers[k])
    }

    /// Texts of a, a2, b, b2.
    pub fn texts(&self, (a, a2, b, b2): At) -> [&str; 4] {
        let (i, j) = (&self.result.texts_a, &self.result.texts_b);
        [&i[a], &i[a2], &j[b], &j[b2]]
    }
}

fn descending(a: f64, b: f64) -> Ordering {
    b.total_cmp(&a)
}

fn rectangle_row(result: &CertifyResult, rectangle: &AssessedRectangle) -> Vec<String> {
    let (a, a2, b, b2) = rectangle.at;
    let assessment = &rectangle.assessment;
    vec![
        result.texts_a[a].clone(),
        result.texts_a[a2].clone(),
        result.texts_b[b].clone(),
        result.texts_b[b2].clone(),
        number::nats(assessment.r64),
        number::nats(assessment.r64.abs()),
        number::bound(assessment.e64),
        words::verdict_name(assessment.c1).to_owned(),
        assessment.c2.map_or("no bit-equal repeats", words::verdict_name).to_owned(),
    ]
}

/// What the strata of one way of drawing tokens say.
pub struct Facet {
    pub tokens: Plausibility,
    /// What the records of the first subject, the model itself, say together.
    pub own: Own,
    pub scatter: Figure,
    pub strata_table: Table,
    /// Row of the table -> place among the survey's strata.
    pub strata_order: Vec<usize>,
    /// One for each of [`THRESHOLDS`].
    pub prevalence: Vec<Figure>,
    pub sign_disagreement: Figure,
    pub asymmetry: Figure,
}

/// Counts over the records of the model itself with one way of drawing tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Own {
    pub records: u64,
    pub certified: u64,
    pub signs_differ: u64,
    /// Mean asymmetry index; 0 without records.
    pub asymmetry: f64,
}

impl Own {
    fn of(records: &[Record], tokens: Plausibility) -> Self {
        let mut own = Self::default();
        for record in records.iter().filter(|record| record.subject == 0 && record.plausibility == tokens) {
            let size = record.lor_i.abs() + record.lor_j.abs();
            own.records += 1;
            own.certified += u64::from(record.certified);
            own.signs_differ += u64::from(record.lor_i * record.lor_j < 0.0);
            own.asymmetry += if size > 0.0 { (record.lor_i - record.lor_j).abs() / size } else { 0.0 };
        }
        own.asymmetry /= own.records.max(1) as f64;
        own
    }
}

/// Results of a survey so far, ready to draw.
pub struct SurveyView {
    pub spec: SurveySpec,
    pub subjects: Vec<SurveySubjectRow>,
    /// Their names.
    pub names: Vec<String>,
    pub strata: Vec<Stratum>,
    pub records: Arc<Vec<Record>>,
    /// One for each way of drawing tokens that has strata.
    pub facets: Vec<Facet>,
    /// Every stratum at full precision, for export.
    pub strata_data: LateTable,
    /// Different sentences among the records.
    pub sentences: usize,
}

impl SurveyView {
    /// Reads what the run has committed; `known` are the records that were read before.
    pub fn load(
        project: &Project,
        run: RunId,
        spec: &SurveySpec,
        known: &Arc<Vec<Record>>,
    ) -> Result<Self, StoreError> {
        let (_, strata) = project.survey_strata(run)?;
        let subjects = project.survey_subjects(run)?;
        let mut records = known.clone();
        loop {
            let next = records.last().map_or(0, |record| record.item + 1);
            let new = project.survey_records(run, next, RECORD_CHUNK)?;
            if new.is_empty() {
                break;
            }
            Arc::make_mut(&mut records).extend(new);
        }
        Ok(Self::new(spec.clone(), subjects, strata, records))
    }

    /// Works out tables and figures.
    pub fn new(
        spec: SurveySpec,
        subjects: Vec<SurveySubjectRow>,
        strata: Vec<Stratum>,
        records: Arc<Vec<Record>>,
    ) -> Self {
        let names: Vec<String> = subjects.iter().map(|subject| subject.name.clone()).collect();
        let facet = |tokens: Plausibility| {
            let strata_order: Vec<usize> = (0..strata.len()).filter(|&k| strata[k].plausibility == tokens).collect();
            Facet {
                tokens,
                own: Own::of(&records, tokens),
                scatter: figures::scatter(&names, &records, words::plausibility_name(tokens), |record| {
                    record.plausibility == tokens
                }),
                strata_table: strata_table(strata_order.iter().map(|&k| &strata[k])),
                strata_order,
                prevalence: THRESHOLDS.iter().map(|&at| figures::prevalence(&names, &strata, tokens, at)).collect(),
                sign_disagreement: figures::sign_disagreement(&names, &strata, tokens),
                asymmetry: figures::asymmetry(&names, &strata, tokens),
            }
        };
        let asked =
            |record: &Record| subjects.get(record.subject as usize)?.contexts.get(record.context as usize)?.sentence;
        let sentences: std::collections::BTreeSet<u32> = records.iter().filter_map(asked).collect();
        let whole = strata.clone();
        Self {
            facets: figures::plausibilities(&strata).into_iter().map(facet).collect(),
            strata_data: LateTable::new("strata", move || data::strata(&whole)),
            sentences: sentences.len(),
            spec,
            names,
            subjects,
            strata,
            records,
        }
    }
}

/// The numbers that matter most, of the strata of one way of drawing tokens; the export has all of them.
fn strata_table<'a>(strata: impl Iterator<Item = &'a Stratum>) -> Table {
    let mut header: Vec<String> = ["model", "distance", "n"].map(str::to_owned).to_vec();
    header.extend(THRESHOLDS.iter().map(|&threshold| words::threshold_header(threshold)));
    header.extend(["median |R|", "signs differ", "asymmetry", "Spearman"].map(str::to_owned));
    Table { name: "strata".to_owned(), header, rows: strata.map(stratum_row).collect() }
}

fn stratum_row(stratum: &Stratum) -> Vec<String> {
    let share = |threshold: Option<f64>| {
        let found = stratum.prevalences.iter().find(|p| p.threshold == threshold);
        found.map_or("not computed".to_owned(), words::short_share)
    };
    let mut row = vec![
        figures::series_name(stratum).to_owned(),
        words::distance_name(stratum.distance).to_owned(),
        number::count(stratum.n),
    ];
    row.extend(THRESHOLDS.iter().map(|&threshold| share(threshold)));
    row.push(number::nats(stratum.quantiles[2]));
    row.push(words::short_share(&stratum.sign_disagreement));
    let asymmetry = &stratum.asymmetry;
    let [estimate, lower, upper] =
        [asymmetry.estimate, asymmetry.lower, asymmetry.upper].map(|value| number::fixed(value, 2));
    row.push(format!("{estimate} [{lower}, {upper}]"));
    row.push(stratum.spearman.map_or("undefined".to_owned(), |value| number::fixed(value, 3)));
    row
}

/// Records of one stratum (or all), largest |R| first, as a table.
pub struct RecordsView {
    pub table: Table,
    /// Row of the table -> place among the survey's records.
    pub order: Vec<usize>,
    /// How many records the stratum has; the table may hold fewer.
    pub total: usize,
    /// All of them at full precision, for export.
    pub data: LateTable,
    pub scatter: Figure,
}

impl RecordsView {
    /// Chooses and orders the records of `stratum` (all without one).
    pub fn new(
        spec: &SurveySpec,
        subjects: &[SurveySubjectRow],
        records: &Arc<Vec<Record>>,
        stratum: Option<&Stratum>,
    ) -> Self {
        let whole = (spec.clone(), subjects.to_vec(), Arc::clone(records), stratum.cloned());
        let names: Vec<String> = subjects.iter().map(|subject| subject.name.clone()).collect();
        let shown = |record: &Record| stratum.is_none_or(|stratum| belongs(record, stratum));
        let mut order: Vec<usize> = (0..records.len()).filter(|&k| shown(&records[k])).collect();
        let total = order.len();
        order.sort_by(|&a, &b| descending(records[a].r.abs(), records[b].r.abs()).then(a.cmp(&b)));
        order.truncate(TABLE_ROWS);
        let header =
            ["record", "R (nats)", "LOR at i", "LOR at j", "certified", "model", "i", "j", "error bound", "sentence"];
        let rows = order.iter().map(|&k| record_row(spec, subjects, &names, &records[k])).collect();
        Self {
            table: Table { name: "records".to_owned(), header: header.map(str::to_owned).to_vec(), rows },
            order,
            total,
            data: LateTable::new("records", move || data::records(&whole.0, &whole.1, &whole.2, whole.3.as_ref())),
            scatter: figures::scatter(&names, records, "one stratum", shown),
        }
    }
}

fn record_row(spec: &SurveySpec, subjects: &[SurveySubjectRow], names: &[String], record: &Record) -> Vec<String> {
    let rectangle = &record.rectangle;
    vec![
        record.item.to_string(),
        number::nats(record.r),
        number::nats(record.lor_i),
        number::nats(record.lor_j),
        if record.certified { "yes" } else { "no" }.to_owned(),
        figures::subject_name(names, record.subject),
        rectangle.i.to_string(),
        rectangle.j.to_string(),
        number::bound(record.error),
        sentence(spec, subjects, record).map_or(format!("context {}", record.context + 1), str::to_owned),
    ]
}

/// Whether `record` was sampled in `stratum`.
pub fn belongs(record: &Record, stratum: &Stratum) -> bool {
    (stratum.subject, stratum.plausibility, stratum.distance) == (record.subject, record.plausibility, record.distance)
}

/// The sentence a record was sampled in; `None` where the state was drawn at random.
pub fn sentence<'a>(spec: &'a SurveySpec, subjects: &[SurveySubjectRow], record: &Record) -> Option<&'a str> {
    let context = subjects.get(record.subject as usize)?.contexts.get(record.context as usize)?;
    spec.sentences.get(context.sentence? as usize).map(String::as_str)
}

/// The reference under which the model of a record can be opened again; controls have none.
pub fn model<'a>(spec: &'a SurveySpec, subjects: &[SurveySubjectRow], record: &Record) -> Option<&'a str> {
    let subject = subjects.get(record.subject as usize)?;
    let named = std::iter::once(&spec.model).chain(&spec.beside).nth(record.subject as usize)?;
    subject.control.is_none().then_some(named.as_str())
}

/// The record nearest to a click on the scatter, distances measured in the figure's own extent.
pub fn nearest(records: &[Record], [x, y]: [f64; 2], keep: impl Fn(&Record) -> bool) -> Option<usize> {
    let kept = || records.iter().enumerate().filter(|(_, record)| keep(record));
    let extent = |value: fn(&Record) -> f64| {
        let (low, high) = kept().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, record)| {
            (low.min(value(record)), high.max(value(record)))
        });
        (high - low).max(1e-9)
    };
    let (wide, high) = (extent(|record| record.lor_i), extent(|record| record.lor_j));
    let distance = |record: &Record| ((record.lor_i - x) / wide).hypot((record.lor_j - y) / high);
    let (place, nearest) = kept().min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)))?;
    // A click in the empty part of the figure chooses nothing.
    (distance(nearest) < 0.05).then_some(place)
}
