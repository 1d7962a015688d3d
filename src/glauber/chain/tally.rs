//! Sums over the chains of a cell: Hamming distance against time, its drift, near-ties.
//!
//! All are whole numbers, so no order of adding changes them.

/// Times below this are all kept; beyond it 64 points an octave.
const EVERY: u64 = 128;

/// Place of `time` on the thinned grid, if it is on it: every step up to 128, then 64 to 128 points an octave.
pub fn grid_place(time: u64) -> Option<usize> {
    if time < EVERY {
        return Some(time as usize);
    }
    let octave = time.ilog2() - 6;
    let stride = 1u64 << octave;
    time.is_multiple_of(stride).then(|| (EVERY + u64::from(octave - 1) * 64 + time / stride - 64) as usize)
}

/// The time at a place of the grid.
pub fn grid_time(place: usize) -> u64 {
    let place = place as u64;
    if place < EVERY {
        return place;
    }
    let octave = (place - EVERY) / 64 + 1;
    ((place - EVERY) % 64 + 64) << octave
}

/// Number and sums of Hamming distances at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DistanceSum {
    pub count: u64,
    pub sum: u64,
    pub squares: u64,
}

/// Number and sums of `d_(t+1) - d_t` over steps with one `d_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DriftSum {
    pub count: u64,
    pub sum: i64,
    pub squares: u64,
}

/// What one cell has counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// By place on the grid.
    pub distances: Vec<DistanceSum>,
    /// By the distance before the step, 0 to n.
    pub drift: Vec<DriftSum>,
    /// Tokens drawn: two in a step of a pair that has not met.
    pub draws: u64,
    /// Draws that another batch shape might decide otherwise ([`super::NEAR`]).
    pub near_ties: u64,
}

impl Tally {
    pub(super) fn add_distances(&mut self, time: u64, sum: DistanceSum) {
        let Some(place) = grid_place(time) else { return };
        if self.distances.len() <= place {
            self.distances.resize(place + 1, DistanceSum::default());
        }
        let total = &mut self.distances[place];
        total.count += sum.count;
        total.sum += sum.sum;
        total.squares += sum.squares;
    }
}

/// Mean Hamming distance at one time.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CurvePoint {
    /// Steps of X.
    pub time: u64,
    /// Pairs, those that have met counting as 0; for single chains those that still run.
    pub count: u64,
    pub mean: f64,
    /// `None` for fewer than two.
    pub standard_error: Option<f64>,
}

/// Mean change of the Hamming distance in one step.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DriftPoint {
    /// Distance before the step.
    pub distance: u32,
    /// Steps seen from there.
    pub count: u64,
    pub mean: f64,
    /// Treats steps as independent: those of one pair are not, so it is too small where few pairs were seen.
    pub standard_error: Option<f64>,
}

/// `kappa = n (1 - E[d_1])` of pairs started at distance 1 (glauber.md section 3.4); positive: they contract.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Contraction {
    pub kappa: f64,
    /// `None` for fewer than two pairs.
    pub standard_error: Option<f64>,
    pub pairs: u64,
}

fn moments(count: u64, sum: f64, squares: f64) -> (f64, Option<f64>) {
    let m = count as f64;
    let mean = sum / m;
    let variance = ((squares - sum * mean) / (m - 1.0)).max(0.0);
    (mean, (count > 1).then(|| (variance / m).sqrt()))
}

/// What a cell has shown so far.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Summary {
    /// Pairs or chains begun.
    pub count: u64,
    /// Those that met or escaped.
    pub ended: u64,
    /// Those that reached the cap, or were stopped, before.
    pub censored: u64,
    /// Mean distance against time, on the thinned grid.
    pub curve: Vec<CurvePoint>,
    /// Drift against distance, where any step was seen.
    pub drift: Vec<DriftPoint>,
    /// Tokens drawn.
    pub draws: u64,
    /// Those of them that were near-ties.
    pub near_ties: u64,
}

impl Summary {
    pub(super) fn new(count: u64, ended: u64, censored: u64, tally: &Tally) -> Self {
        let curve = tally.distances.iter().enumerate().filter(|(_, sum)| sum.count > 0);
        let drift = tally.drift.iter().enumerate().filter(|(_, sum)| sum.count > 0);
        Self {
            count,
            ended,
            censored,
            curve: curve
                .map(|(place, sum)| {
                    let (mean, standard_error) = moments(sum.count, sum.sum as f64, sum.squares as f64);
                    CurvePoint { time: grid_time(place), count: sum.count, mean, standard_error }
                })
                .collect(),
            drift: drift
                .map(|(distance, sum)| {
                    let (mean, standard_error) = moments(sum.count, sum.sum as f64, sum.squares as f64);
                    DriftPoint { distance: distance as u32, count: sum.count, mean, standard_error }
                })
                .collect(),
            draws: tally.draws,
            near_ties: tally.near_ties,
        }
    }

    /// The contraction of pairs that started as neighbours, over `sites` free sites; `None` before their first step, or
    /// if not all pairs were at distance 1 (pairs of another start, or with a lag).
    pub fn contraction(&self, sites: usize) -> Option<Contraction> {
        let at = |time| self.curve.iter().find(|point| point.time == time);
        let (before, after) = (at(0)?, at(1)?);
        let n = sites as f64;
        (before.mean == 1.0 && before.standard_error.is_none_or(|error| error == 0.0)).then(|| Contraction {
            kappa: n * (1.0 - after.mean),
            standard_error: after.standard_error.map(|error| n * error),
            pairs: after.count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_dense_at_first_and_then_geometric() {
        let places: Vec<u64> = (0..200_000).filter(|&time| grid_place(time).is_some()).collect();
        for (place, &time) in places.iter().enumerate() {
            assert_eq!((grid_place(time), grid_time(place)), (Some(place), time));
        }
        assert!(places[..129].iter().enumerate().all(|(k, &time)| time == k as u64));
        assert_eq!((places[129], places[192], places[193]), (130, 256, 260));
        assert!(places.len() < 900, "{}", places.len());
        assert!(grid_place(u64::MAX).is_none_or(|place| place < 4000));
    }

    #[test]
    fn moments_of_whole_numbers() {
        // 1, 2, 3, 6: mean 3, variance 14/3.
        let (mean, error) = moments(4, 12.0, 50.0);
        assert!(mean == 3.0 && (error.unwrap() - (14.0f64 / 12.0).sqrt()).abs() < 1e-15);
        assert_eq!(moments(1, 2.0, 4.0), (2.0, None));
    }
}
