//! Fewer points with the same picture: a line of 100,000 points on a plot of 1,000 pixels.

use egui_plot::PlotPoint;

/// Lines with fewer points are drawn as they are.
const MANY: usize = 8_000;
/// More columns than a screen has pixels.
const COLUMNS: usize = 3_000;

/// Of each of many narrow columns between `low` and `high`: the first, lowest, highest and last point. Points outside
/// count as one column on each side. Lines that are not sorted by x are returned as they are.
pub fn thinned(points: Vec<PlotPoint>, low: f64, high: f64) -> Vec<PlotPoint> {
    let width = (high - low) / COLUMNS as f64;
    let sorted = || points.windows(2).all(|pair| pair[0].x <= pair[1].x);
    if points.len() <= MANY || !width.is_finite() || width <= 0.0 || !sorted() {
        return points;
    }
    let column = |point: &PlotPoint| ((point.x - low) / width).floor().clamp(-1.0, COLUMNS as f64) as i64;
    let mut kept = Vec::with_capacity(4 * COLUMNS);
    let mut start = 0;
    while start < points.len() {
        let here = column(&points[start]);
        let (mut lowest, mut highest, mut end) = (start, start, start);
        while end < points.len() && column(&points[end]) == here {
            if points[end].y < points[lowest].y {
                lowest = end;
            }
            if points[end].y > points[highest].y {
                highest = end;
            }
            end += 1;
        }
        let mut chosen = [start, lowest, highest, end - 1];
        chosen.sort_unstable();
        let mut last = None;
        for index in chosen {
            if last != Some(index) {
                kept.push(points[index]);
                last = Some(index);
            }
        }
        start = end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saw(count: usize) -> Vec<PlotPoint> {
        (0..count).map(|k| PlotPoint::new(k as f64, (k % 7) as f64 - if k == 54_321 { 100.0 } else { 0.0 })).collect()
    }

    #[test]
    fn extremes_and_ends_survive() {
        let points = saw(100_000);
        let kept = thinned(points.clone(), 0.0, 99_999.0);
        assert!(kept.len() <= 4 * (COLUMNS + 2), "{}", kept.len());
        assert!(kept.iter().any(|point| point.y <= -94.0), "the outlier is still seen");
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[99_999]));
        assert!(kept.windows(2).all(|pair| pair[0].x < pair[1].x));
        let zoomed = thinned(points, 50_000.0, 51_000.0);
        let inside = zoomed.iter().filter(|point| (50_000.0..51_000.0).contains(&point.x)).count();
        assert_eq!(inside, 1000, "zoomed in, every point is drawn");
    }

    #[test]
    fn short_and_unsorted_lines_are_left_alone() {
        assert_eq!(thinned(saw(100), 0.0, 100.0).len(), 100);
        let mut points = saw(20_000);
        points.swap(3, 9_000);
        assert_eq!(thinned(points, 0.0, 20_000.0).len(), 20_000);
    }
}
