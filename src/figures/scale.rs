//! Nice ticks and mappings from data to a share of the axis.

use super::figure::{Figure, Layer, Ticks};
use super::number;

/// Values beyond this are treated as not drawable: differences of larger ones overflow.
const LARGEST: f64 = 1e300;

/// How values spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    Linear,
    Log,
    /// Names at 0, 1, 2, …
    Names,
}

/// One axis: the range shown and how values spread over it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub spread: Spread,
}

/// A tick with its text. Minor ticks have no text.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub value: f64,
    pub text: String,
    /// Set for powers of ten that read better as such: the exponent.
    pub power: Option<i32>,
}

impl Scale {
    /// The scale that `ticks` asks for, over the given data; what cannot be drawn (not finite, not positive on a log
    /// axis) does not count. Without data the range is 0 to 1 (1 to 10).
    pub fn of(ticks: &Ticks, data: impl IntoIterator<Item = f64>) -> Self {
        let (spread, given) = match ticks {
            Ticks::Linear { range } => (Spread::Linear, *range),
            Ticks::Log { range } => (Spread::Log, *range),
            Ticks::Names(names) => {
                return Self { low: -0.5, high: names.len().max(1) as f64 - 0.5, spread: Spread::Names };
            }
        };
        let empty = Self { low: f64::NAN, high: f64::NAN, spread };
        let drawable = |value: &f64| empty.drawable(*value);
        if let Some((a, b)) = given.filter(|(a, b)| drawable(a) && drawable(b) && a != b) {
            return Self { low: a.min(b), high: a.max(b), spread };
        }
        let (low, high) = data
            .into_iter()
            .filter(drawable)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = match (spread, low <= high) {
            (Spread::Log, false) => (1.0, 10.0),
            (_, false) => (0.0, 1.0),
            (Spread::Log, true) => {
                let pad = if high / low < 1.01 { 2.0 } else { (high / low).powf(0.04) };
                (low / pad, high * pad)
            }
            (_, true) => {
                let width = high - low;
                let enough = width > low.abs().max(high.abs()) * 1e-9 && width > 1e-290;
                let pad = if enough { width * 0.04 } else { (low.abs() * 0.05).max(0.5) };
                (low - pad, high + pad)
            }
        };
        Self { low, high, spread }
    }

    /// Whether the axis can show this value at all.
    pub fn drawable(&self, value: f64) -> bool {
        value.abs() <= LARGEST && (self.spread != Spread::Log || value >= 1.0 / LARGEST)
    }

    /// Where `value` lies: 0 at the low end, 1 at the high end, outside for values beyond; `None` if not drawable.
    pub fn place(&self, value: f64) -> Option<f64> {
        if !self.drawable(value) {
            return None;
        }
        let place =
            (self.straight(value) - self.straight(self.low)) / (self.straight(self.high) - self.straight(self.low));
        place.is_finite().then_some(place)
    }

    /// The coordinate in which the axis is straight: log10 on a log axis.
    pub fn straight(&self, value: f64) -> f64 {
        if self.spread == Spread::Log { value.log10() } else { value }
    }

    /// Inverse of [`Self::straight`].
    pub fn bent(&self, coordinate: f64) -> f64 {
        if self.spread == Spread::Log { 10f64.powf(coordinate) } else { coordinate }
    }

    /// Major ticks, about as many as asked (of names: all, in the caller's hands), in increasing order.
    pub fn ticks(&self, about: usize) -> Vec<Tick> {
        match self.spread {
            Spread::Linear => linear_ticks(self.low, self.high, about),
            Spread::Log => log_ticks(self.low, self.high, about),
            Spread::Names => Vec::new(),
        }
    }

    /// Minor ticks between the major ones: 2 to 9 within each decade of a log axis, none elsewhere.
    pub fn minor_ticks(&self) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor(), self.high.log10().ceil());
        if self.spread != Spread::Log || !first.is_finite() || !last.is_finite() || last - first > 8.0 {
            return Vec::new();
        }
        (first as i32..last as i32)
            .flat_map(|decade| (2..10).map(move |digit| f64::from(digit) * 10f64.powi(decade)))
            .filter(|value| (self.low..=self.high).contains(value))
            .collect()
    }
}

/// Step of 1, 2 or 5 times a power of ten that gives about as many ticks as asked.
fn nice_step(width: f64, about: usize) -> f64 {
    let rough = width / about.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let digit = rough / power;
    let nice = if digit < 1.5 {
        1.0
    } else if digit < 3.5 {
        2.0
    } else if digit < 7.5 {
        5.0
    } else {
        10.0
    };
    nice * power
}

fn linear_ticks(low: f64, high: f64, about: usize) -> Vec<Tick> {
    let step = nice_step(high - low, about);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // Beyond 2^52 steps from zero neighbouring ticks cannot be told apart.
    if !step.is_normal() || !first.is_finite() || !last.is_finite() || first.abs().max(last.abs()) > 1e15 {
        return Vec::new();
    }
    let largest = low.abs().max(high.abs());
    let decimals = usize::try_from(-step.log10().floor() as i64).unwrap_or(0);
    (0..=(last - first).min(200.0) as usize)
        .map(|k| {
            let value = (first + k as f64) * step;
            let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
            let text = if value == 0.0 {
                "0".to_owned()
            } else if !(1e-3..1e6).contains(&largest) {
                number::general(value, 4)
            } else {
                number::fixed(value, decimals)
            };
            Tick { value, text, power: None }
        })
        .collect()
}

fn log_ticks(low: f64, high: f64, about: usize) -> Vec<Tick> {
    let (first, last) = (low.log10().ceil(), high.log10().floor());
    if !first.is_finite() || !last.is_finite() {
        return Vec::new();
    }
    if last - first < 1.0 {
        // Less than two decades marked: 1-2-5 ticks, or plain ones over a narrow range.
        let values: Vec<f64> = (first as i32 - 1..=last as i32 + 1)
            .flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(decade)))
            .filter(|value| (low..=high).contains(value))
            .collect();
        if values.len() < 2 {
            return linear_ticks(low, high, about.min(4));
        }
        return values.into_iter().map(|value| Tick { value, text: number::general(value, 6), power: None }).collect();
    }
    let stride = ((last - first) / about.max(1) as f64).ceil().max(1.0) as i32;
    (first as i32..=last as i32)
        .filter(|exponent| exponent.rem_euclid(stride) == 0)
        .map(|exponent| {
            let plain = (-3..=4).contains(&exponent) && first >= -3.0 && last <= 4.0;
            Tick {
                value: 10f64.powi(exponent),
                text: if plain { number::general(10f64.powi(exponent), 6) } else { format!("1e{exponent}") },
                power: (!plain).then_some(exponent),
            }
        })
        .collect()
}

/// The scales of a figure's two axes, from its layers.
pub fn scales(figure: &Figure) -> (Scale, Scale) {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for layer in &figure.layers {
        match layer {
            Layer::Points { points, .. } | Layer::Line { points, .. } | Layer::Labels { points, .. } => {
                xs.extend(points.iter().map(|p| p[0]));
                ys.extend(points.iter().map(|p| p[1]));
            }
            Layer::Band { points, .. } => {
                xs.extend(points.iter().map(|p| p[0]));
                ys.extend(points.iter().flat_map(|p| [p[1], p[2]]));
            }
            Layer::Intervals { points, .. } => {
                xs.extend(points.iter().map(|p| p[0]));
                ys.extend(points.iter().flat_map(|p| [p[1], p[2], p[3]]));
            }
            Layer::Heat { rows, columns, .. } => {
                xs.extend([-0.5, *columns as f64 - 0.5]);
                ys.extend([-0.5, *rows as f64 - 0.5]);
            }
            // Horizontal guides mark a level the reader must see; sloped ones follow the data.
            Layer::Guide { slope, intercept, .. } if *slope == 0.0 => ys.push(*intercept),
            Layer::Guide { .. } => {}
        }
    }
    (Scale::of(&figure.x.ticks, xs), Scale::of(&figure.y.ticks, ys))
}

/// Range of the colour map of a heat layer: symmetric about 0 when diverging. `(0, 1)` or `(-1, 1)` without finite values.
pub fn heat_range(values: &[f64], diverging: bool) -> (f64, f64) {
    let finite = values.iter().copied().filter(|value| value.abs() <= LARGEST);
    let (low, high) =
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if diverging {
        let reach = low.abs().max(high.abs());
        let reach = if reach.is_finite() && reach > 0.0 { reach } else { 1.0 };
        (-reach, reach)
    } else if low < high {
        (low, high)
    } else if low == high {
        (low.min(0.0), if high > 0.0 { high } else { low + 1.0 })
    } else {
        (0.0, 1.0)
    }
}

/// Share along the colour map, for [`super::colour::diverging`] (-1 to 1) or [`super::colour::magnitude`] (0 to 1).
pub fn heat_share(value: f64, (low, high): (f64, f64), diverging: bool) -> f64 {
    if diverging { value / high } else { (value - low) / (high - low) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(scale: Scale, about: usize) -> Vec<String> {
        scale.ticks(about).into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_exactly_zero_at_zero() {
        let scale = Scale { low: -0.31, high: 0.52, spread: Spread::Linear };
        assert_eq!(texts(scale, 5), ["-0.2", "0", "0.2", "0.4"]);
        let scale = Scale { low: 0.0, high: 52_000.0, spread: Spread::Linear };
        assert_eq!(texts(scale, 5), ["0", "10,000", "20,000", "30,000", "40,000", "50,000"]);
    }

    #[test]
    fn log_ticks_are_decades() {
        let scale = Scale { low: 2e-9, high: 30.0, spread: Spread::Log };
        let ticks = scale.ticks(6);
        assert_eq!(ticks.iter().map(|t| t.power).collect::<Vec<_>>(), [-8, -6, -4, -2, 0].map(Some));
        let scale = Scale { low: 0.02, high: 300.0, spread: Spread::Log };
        assert_eq!(texts(scale, 6), ["0.1", "1", "10", "100"]);
        assert!(scale.minor_ticks().contains(&0.02) && scale.minor_ticks().contains(&200.0));
        let scale = Scale { low: 1.5, high: 8.0, spread: Spread::Log };
        assert_eq!(texts(scale, 6), ["2", "5"]);
    }

    #[test]
    fn data_that_cannot_be_drawn_does_not_count() {
        let data = [f64::NAN, 3.0, f64::INFINITY, 5.0];
        let scale = Scale::of(&Ticks::Linear { range: None }, data);
        assert!(scale.low < 3.0 && scale.low > 2.8 && scale.high > 5.0 && scale.high < 5.2);
        let scale = Scale::of(&Ticks::Log { range: None }, [-1.0, 0.0, 10.0, 1000.0]);
        assert!(scale.low > 5.0 && scale.low < 10.0);
        assert_eq!(scale.place(-1.0), None);
        let empty = Scale::of(&Ticks::Linear { range: None }, []);
        assert_eq!((empty.low, empty.high), (0.0, 1.0));
    }

    #[test]
    fn colour_ranges_are_symmetric_where_the_map_is() {
        assert_eq!(heat_range(&[-1.0, 3.0, f64::NAN], true), (-3.0, 3.0));
        assert_eq!(heat_range(&[1.0, 3.0], false), (1.0, 3.0));
        assert_eq!(heat_range(&[], true), (-1.0, 1.0));
        assert_eq!(heat_range(&[0.0, 0.0], false), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn any_data_gives_a_range_with_increasing_ticks(
            data in prop::collection::vec(prop::num::f64::ANY, 0..20), log in any::<bool>(), about in 1usize..12,
        ) {
            let ticks = if log { Ticks::Log { range: None } } else { Ticks::Linear { range: None } };
            let scale = Scale::of(&ticks, data.iter().copied());
            prop_assert!(scale.low < scale.high, "{scale:?}");
            let ticks = scale.ticks(about);
            prop_assert!(ticks.len() < 60);
            prop_assert!(ticks.windows(2).all(|pair| pair[0].value < pair[1].value), "{ticks:?}");
            for value in data {
                if let Some(place) = scale.place(value) {
                    prop_assert!((-1e-6..=1.000_001).contains(&place), "{value} at {place} of {scale:?}");
                }
            }
        }
    }
}
