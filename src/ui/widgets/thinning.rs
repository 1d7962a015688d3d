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

/// A cloud with at most one point in each of `cells` (columns, rows) of the rectangle `low..high`, where more would lie
/// on top of each other. The outermost points stay wherever they are, so that what follows the data sees its extent.
pub fn scattered(
    points: impl Iterator<Item = PlotPoint> + Clone,
    low: [f64; 2],
    high: [f64; 2],
    cells: [usize; 2],
) -> Vec<PlotPoint> {
    let size = [0, 1].map(|axis| (high[axis] - low[axis]) / cells[axis].max(1) as f64);
    if size.iter().any(|size| !size.is_finite() || *size <= 0.0) {
        return points.collect();
    }
    let mut taken = vec![false; cells[0] * cells[1]];
    let mut kept = Vec::new();
    let mut outermost: Option<[PlotPoint; 4]> = None;
    for point in points {
        let [left, right, bottom, top] = outermost.get_or_insert([point; 4]);
        *left = if point.x < left.x { point } else { *left };
        *right = if point.x > right.x { point } else { *right };
        *bottom = if point.y < bottom.y { point } else { *bottom };
        *top = if point.y > top.y { point } else { *top };
        let (x, y) = ((point.x - low[0]) / size[0], (point.y - low[1]) / size[1]);
        // As a number: points left of and below the rectangle must not round up into it.
        if x < 0.0 || y < 0.0 {
            continue;
        }
        let (x, y) = (x as usize, y as usize);
        if x < cells[0] && y < cells[1] && !std::mem::replace(&mut taken[y * cells[0] + x], true) {
            kept.push(point);
        }
    }
    kept.extend(outermost.into_iter().flatten());
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
    fn a_cloud_keeps_its_extent_and_one_point_a_cell() {
        let cloud = || {
            (0..100_000).map(|k: u32| {
                let at = |step: u32| f64::from(k.wrapping_mul(step) % 10_007) / 10_007.0;
                PlotPoint::new(at(7919), at(104_729))
            })
        };
        let kept = scattered(cloud(), [0.0, 0.0], [1.0, 1.0], [50, 40]);
        assert!(kept.len() <= 50 * 40 + 4 && kept.len() > 1000, "{}", kept.len());
        let most = |points: &mut dyn Iterator<Item = PlotPoint>| points.map(|p| p.x).fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(most(&mut kept.into_iter()), most(&mut cloud()));
        let zoomed = scattered(cloud(), [0.5, 0.5], [0.51, 0.51], [500, 500]);
        let inside = |p: &PlotPoint| (0.5..0.51).contains(&p.x) && (0.5..0.51).contains(&p.y);
        let mut seen: Vec<(u64, u64)> = cloud().filter(inside).map(|p| (p.x.to_bits(), p.y.to_bits())).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(zoomed.iter().filter(|p| inside(p)).count(), seen.len(), "zoomed in, every point is drawn");
    }

    #[test]
    fn short_and_unsorted_lines_are_left_alone() {
        assert_eq!(thinned(saw(100), 0.0, 100.0).len(), 100);
        let mut points = saw(20_000);
        points.swap(3, 9_000);
        assert_eq!(thinned(points, 0.0, 20_000.0).len(), 20_000);
    }
}
