//! Figures as files: what SVG, PNG and CSV hold, and that no data can break them.

mod samples;

use kleroterion::figures::figure::{Axis, Figure, Layer, Ticks};
use kleroterion::figures::{csv, png, scale, svg};
use proptest::prelude::*;

fn axis(label: &str) -> Axis {
    Axis { label: label.to_owned(), ticks: Ticks::Linear { range: None } }
}

fn figure(layers: Vec<Layer>) -> Figure {
    Figure {
        title: "Log odds ratios".to_owned(),
        caption: "On the diagonal the two conditionals agree.".to_owned(),
        x: axis("LOR at site i (nats)"),
        y: axis("LOR at site j (nats)"),
        layers,
    }
}

fn points(name: &str, points: &[[f64; 2]]) -> Layer {
    Layer::Points { name: name.to_owned(), colour: 0, points: points.to_vec() }
}

/// Attribute values of all elements with this name, in order.
fn attributes(document: &str, element: &str, attribute: &str) -> Vec<f64> {
    let key = format!(" {attribute}=\"");
    document
        .split(&format!("<{element} "))
        .skip(1)
        .filter_map(|rest| {
            let tag = format!(" {}", rest.split('>').next()?);
            let value = &tag[tag.find(&key)? + key.len()..];
            value.split('"').next()?.parse().ok()
        })
        .collect()
}

#[test]
fn an_svg_has_every_word_and_point_and_escapes_what_it_quotes() {
    let mut figure =
        figure(vec![points("a < b", &[[0.0, 0.0], [1.0, 2.0], [2.0, f64::NAN]]), points("model", &[[0.5, 1.0]])]);
    figure.title = "R & \"friends\" </svg>".to_owned();
    let document = svg::text(&figure, 440.0, 300.0);
    roundtrip(&document);
    for word in [
        "R &amp; &quot;friends&quot; &lt;/svg&gt;",
        "a &lt; b",
        "LOR at site i (nats)",
        "LOR at site j (nats)",
        "On the diagonal",
    ] {
        assert!(document.contains(word), "{word}");
    }
    // Two legend marks, three drawable points.
    assert_eq!(attributes(&document, "circle", "cx").len(), 2 + 3);
}

#[test]
fn points_lie_where_their_values_say() {
    let figure = figure(vec![points("", &[[0.0, 0.0], [10.0, 1.0], [5.0, 0.5], [2.5, 0.75]])]);
    let document = svg::text(&figure, 440.0, 300.0);
    let (x, y) = (attributes(&document, "circle", "cx"), attributes(&document, "circle", "cy"));
    assert!((x[2] - (x[0] + x[1]) / 2.0).abs() < 0.011 && (y[2] - (y[0] + y[1]) / 2.0).abs() < 0.011);
    assert!((x[3] - (x[0] * 0.75 + x[1] * 0.25)).abs() < 0.011 && (y[3] - (y[0] * 0.25 + y[1] * 0.75)).abs() < 0.011);
    assert!(y[1] < y[0], "larger is higher");
}

#[test]
fn lines_break_where_a_value_is_missing() {
    let points = (0..9).map(|k| [f64::from(k), if k == 4 { f64::NAN } else { 1.0 }]).collect();
    let line = Layer::Line { name: "loss".to_owned(), colour: 0, points, dashed: true };
    let document = svg::text(&figure(vec![line]), 440.0, 300.0);
    assert_eq!(document.matches("<polyline").count(), 2);
    assert_eq!(document.matches("stroke-dasharray").count(), 2);
}

#[test]
fn guides_cross_the_whole_frame_and_no_more() {
    let guide = Layer::Guide { name: "compatible".to_owned(), slope: 100.0, intercept: 0.0 };
    let document = svg::text(&figure(vec![points("", &[[-1.0, -1.0], [1.0, 1.0]]), guide]), 440.0, 300.0);
    let rest = &document[document.rfind("<polyline points=\"").expect("a guide") + 18..];
    let ends: Vec<f64> =
        rest.split('"').next().unwrap_or_default().split([' ', ',']).map(|v| v.parse().expect("a number")).collect();
    let (left, right) = (ends[0], ends[2]);
    assert!((ends[1] - ends[3]).abs() > 150.0, "from the bottom to the top: {ends:?}");
    assert!(right > left && right - left < 10.0, "clipped where it leaves the frame: {ends:?}");
}

#[test]
fn the_csv_has_every_number_exactly() {
    let heat = Layer::Heat {
        name: "Centred D".to_owned(),
        unit: "nats".to_owned(),
        rows: 2,
        columns: 2,
        values: vec![0.1 + 0.2, -1e-13, f64::NAN, 4.0],
        diverging: true,
        at_least: vec![false, false, false, true],
    };
    let mut figure = figure(vec![points("a, \"b\"", &[[1.0, 1.0 / 3.0]]), heat]);
    figure.layers.push(Layer::Intervals { name: "p".to_owned(), colour: 0, points: vec![[0.0, 0.5, 0.4, 0.6]] });
    let text = csv::text(&figure);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], csv::HEADER.join(","));
    assert_eq!(lines[1], "points,\"a, \"\"b\"\"\",1,0.3333333333333333,,,,,");
    assert_eq!(lines[2], "cell,Centred D,,,,,0,0,0.30000000000000004");
    assert_eq!(lines[3], "cell,Centred D,,,,,0,1,-1e-13");
    assert_eq!(lines[4], "cell,Centred D,,,,,1,0,NaN");
    assert_eq!(lines[5], "cell-at-least,Centred D,,,,,1,1,4");
    assert_eq!(lines[6], "interval,p,0,0.5,0.4,0.6,,,");
}

#[test]
fn a_png_has_the_size_asked_for_and_ink_where_the_text_is() {
    let figure = figure(vec![points("", &[[0.0, 0.0], [1.0, 1.0]])]);
    let file = png::encode(&figure, 440.0, 300.0, 2.0).expect("a picture");
    assert_eq!(file, png::encode(&figure, 440.0, 300.0, 2.0).expect("a picture"), "the same bytes again");
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG header");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a frame");
    assert_eq!((info.width, info.height), (880, 600));
    let dark = |x: usize, y: usize| pixels[4 * (y * 880 + x)] < 110;
    let title = (20..50).flat_map(|y| (20..220).map(move |x| (x, y))).filter(|&(x, y)| dark(x, y)).count();
    assert!(title > 300, "{title} dark pixels in the title: were the bundled fonts found?");
    assert!(!dark(2, 2));
}

#[test]
fn pictures_of_impossible_size_are_refused_with_a_remedy() {
    let error = png::encode(&figure(vec![]), 4000.0, 4000.0, 100.0).expect_err("too large");
    assert!(error.to_string().contains("choose a smaller size"), "{error}");
}

/// 40 x 64 magnitudes with long names: does the layout hold?
fn large_field() -> Figure {
    let many = |stem: &str, count: usize| (0..count).map(|k| format!("{stem} {k}")).collect();
    Figure {
        title: "Absolute rectangle statistic of every pair of tokens in one context".to_owned(),
        caption: String::new(),
        x: Axis { label: "Token at site 5".to_owned(), ticks: Ticks::Names(many("##token", 64)) },
        y: Axis { label: "Token at site 2".to_owned(), ticks: Ticks::Names(many("word", 40)) },
        layers: vec![Layer::Heat {
            name: "|R|".to_owned(),
            unit: "nats".to_owned(),
            rows: 40,
            columns: 64,
            values: (0..40 * 64)
                .map(|k| ((k / 64) as f64 * 0.2).sin().abs() * (k % 64) as f64 + samples::noise(k))
                .collect(),
            diverging: false,
            at_least: Vec::new(),
        }],
    }
}

/// Left in the target folder for eyes: what the exports look like in print.
#[test]
fn every_kind_of_figure_prints() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let kinds = [samples::field(), samples::scatter(), samples::prevalence(), samples::decay(), large_field()];
    for (name, figure) in ["field", "scatter", "prevalence", "decay", "large_field"].into_iter().zip(kinds) {
        let document = svg::text(&figure, 440.0, 300.0);
        let picture = png::from_svg(&document, 2.0).expect("a picture");
        std::fs::write(folder.join(format!("{name}.svg")), document).expect("a writable target folder");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("a writable target folder");
    }
}

/// Parses as XML and renders.
fn roundtrip(document: &str) {
    png::from_svg(document, 0.5).expect("a drawing that renders");
    assert!(!document.contains("NaN") && !document.contains("inf\""), "{document}");
}

fn any_layer() -> impl Strategy<Value = Layer> {
    let number = || prop_oneof![4 => -10.0..10.0, 1 => prop::num::f64::ANY, 1 => Just(0.0)];
    let name = || "\\PC{0,12}";
    let many = 0..12usize;
    prop_oneof![
        (name(), 0..9usize, prop::collection::vec([number(), number()], many.clone()))
            .prop_map(|(name, colour, points)| Layer::Points { name, colour, points }),
        (name(), 0..9usize, prop::collection::vec([number(), number()], many.clone()), any::<bool>())
            .prop_map(|(name, colour, points, dashed)| Layer::Line { name, colour, points, dashed }),
        (name(), 0..9usize, prop::collection::vec([number(), number(), number()], many.clone()))
            .prop_map(|(name, colour, points)| Layer::Band { name, colour, points }),
        (name(), 0..9usize, prop::collection::vec([number(), number(), number(), number()], many))
            .prop_map(|(name, colour, points)| Layer::Intervals { name, colour, points }),
        (name(), number(), number()).prop_map(|(name, slope, intercept)| Layer::Guide { name, slope, intercept }),
        (name(), name(), 0..5usize, 0..5usize, prop::collection::vec(number(), 0..30), any::<bool>()).prop_map(
            |(name, unit, rows, columns, values, diverging)| Layer::Heat {
                name,
                unit,
                rows,
                columns,
                at_least: values.iter().map(|value| *value > 0.5).collect(),
                values,
                diverging,
            }
        ),
    ]
}

fn any_axis() -> impl Strategy<Value = Axis> {
    let range = || prop::option::of((prop::num::f64::ANY, prop::num::f64::ANY));
    let ticks = prop_oneof![
        range().prop_map(|range| Ticks::Linear { range }),
        range().prop_map(|range| Ticks::Log { range }),
        prop::collection::vec("\\PC{0,20}", 0..8).prop_map(Ticks::Names),
    ];
    (".{0,20}", ticks).prop_map(|(label, ticks)| Axis { label, ticks })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_figure_breaks_the_writers(
        title in ".{0,30}", caption in ".{0,200}", x in any_axis(), y in any_axis(),
        layers in prop::collection::vec(any_layer(), 0..4), width in prop::num::f64::ANY, height in 50.0..900.0,
    ) {
        let figure = Figure { title, caption, x, y, layers };
        roundtrip(&svg::text(&figure, width.min(600.0), height));
        prop_assert!(csv::text(&figure).starts_with("layer,"));
        let (x, y) = scale::scales(&figure);
        prop_assert!(x.low < x.high && y.low < y.high);
    }
}
