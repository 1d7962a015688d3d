//! Figures of every kind, as the tabs make them.

use kleroterion::figures::figure::{Axis, Figure, Layer, Ticks};

fn linear(label: &str) -> Axis {
    Axis { label: label.to_owned(), ticks: Ticks::Linear { range: None } }
}

fn names(label: &str, names: &[&str]) -> Axis {
    Axis { label: label.to_owned(), ticks: Ticks::Names(names.iter().map(|n| (*n).to_owned()).collect()) }
}

/// Repeatable noise in -1..1.
pub fn noise(k: usize) -> f64 {
    let bits = (k as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

pub fn field() -> Figure {
    let (a, b) =
        (["river", "bank", "money", "water", "loan", "shore"], ["deep", "rich", "old", "wide", "safe", "cold", "long"]);
    Figure {
        title: "Rectangle field".to_owned(),
        caption: "Double-centred D of two masked sites: zero everywhere if a joint distribution exists.".to_owned(),
        x: names("Token at site 5", &b),
        y: names("Token at site 2", &a),
        layers: vec![Layer::Heat {
            name: "Centred D".to_owned(),
            unit: "nats".to_owned(),
            rows: a.len(),
            columns: b.len(),
            values: (0..42).map(|k| if k == 17 { f64::NAN } else { 2.0 * noise(k) }).collect(),
            diverging: true,
            at_least: Vec::new(),
        }],
    }
}

pub fn scatter() -> Figure {
    Figure {
        title: "Log odds ratios seen from both sites".to_owned(),
        caption: "On the diagonal the two conditionals agree.".to_owned(),
        x: linear("LOR at site i (nats)"),
        y: linear("LOR at site j (nats)"),
        layers: vec![
            Layer::Points {
                name: "agora".to_owned(),
                colour: 0,
                points: (0..120).map(|k| [3.0 * noise(k), 3.0 * noise(k) + noise(k + 500)]).collect(),
            },
            Layer::Points {
                name: "Ising".to_owned(),
                colour: 1,
                points: (0..40).map(|k| [2.0 * noise(k + 900), 2.0 * noise(k + 900)]).collect(),
            },
            Layer::Guide { name: "compatible".to_owned(), slope: 1.0, intercept: 0.0 },
        ],
    }
}

pub fn prevalence() -> Figure {
    Figure {
        title: "Prevalence by distance".to_owned(),
        caption: String::new(),
        x: names("Distance", &["1", "2", "3 to 4", "5 to 8", "9 and more"]),
        y: Axis { label: "Share of rectangles".to_owned(), ticks: Ticks::Linear { range: Some((0.0, 1.0)) } },
        layers: vec![
            Layer::Intervals {
                name: "top-k".to_owned(),
                colour: 0,
                points: (0..5)
                    .map(|k| (k as f64, 0.9 - 0.1 * k as f64))
                    .map(|(x, y)| [x, y, y - 0.06, y + 0.05])
                    .collect(),
            },
            Layer::Intervals {
                name: "uniform".to_owned(),
                colour: 1,
                points: (0..5)
                    .map(|k| (k as f64 + 0.15, 0.8 - 0.14 * k as f64))
                    .map(|(x, y)| [x, y, y - 0.08, y + 0.07])
                    .collect(),
            },
        ],
    }
}

pub fn decay() -> Figure {
    let at = |k: usize| 10f64.powf(-2.0 + k as f64 * 0.1);
    Figure {
        title: "Loss curve".to_owned(),
        caption: String::new(),
        x: Axis { label: "Step".to_owned(), ticks: Ticks::Log { range: None } },
        y: linear("Cross-entropy (nats)"),
        layers: vec![
            Layer::Band {
                name: "95 % band".to_owned(),
                colour: 2,
                points: (0..50).map(|k| [at(k), 8.0 - 0.1 * k as f64 - 0.5, 8.0 - 0.1 * k as f64 + 0.5]).collect(),
            },
            Layer::Line {
                name: "validation".to_owned(),
                colour: 2,
                points: (0..50).map(|k| [at(k), 8.0 - 0.1 * k as f64]).collect(),
                dashed: false,
            },
            Layer::Guide { name: "target".to_owned(), slope: 0.0, intercept: 4.6 },
        ],
    }
}
