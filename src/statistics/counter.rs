//! Random numbers without a state: each is a function of its address, so that no order of computation changes one.
//!
//! Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).

/// One block: ten rounds of Philox4x32 on `counter` under `key`.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        let [a, b, c, d] = counter;
        let first = u64::from(a) * 0xD251_1F53;
        let second = u64::from(c) * 0xCD9E_8D57;
        counter = [(second >> 32) as u32 ^ b ^ key[0], second as u32, (first >> 32) as u32 ^ d ^ key[1], first as u32];
    }
    counter
}

/// A bijection of 64 bits that leaves no pattern (the finaliser of SplitMix64, Steele, Lea and Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The random numbers of one seed, addressed by stream, time, lane and index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter(u64);

impl Counter {
    /// All numbers of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(mix(seed.wrapping_add(0x9E37_79B9_7F4A_7C15)))
    }

    /// What `stream` (a chain, a coupled pair) draws at `time`. The streams of one seed have different keys.
    pub fn at(self, stream: u64, time: u64) -> Moment {
        let key = mix(self.0 ^ stream);
        Moment { key: [key as u32, (key >> 32) as u32], time }
    }
}

/// The numbers of one stream at one time. A lane is one purpose (which site, which token); its draws are independent of
/// those of every other lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    key: [u32; 2],
    time: u64,
}

impl Moment {
    /// Block `index` of `lane`, as two words of 64 bits.
    fn words(self, lane: u32, index: u32) -> [u64; 2] {
        let [a, b, c, d] = philox([index, lane, self.time as u32, (self.time >> 32) as u32], self.key);
        [u64::from(a) | u64::from(b) << 32, u64::from(c) | u64::from(d) << 32]
    }

    /// Two independent uniforms in [0, 1), multiples of 2^-53.
    pub fn units(self, lane: u32) -> [f64; 2] {
        self.words(lane, 0).map(|word| (word >> 11) as f64 * (1.0 / (1u64 << 53) as f64))
    }

    /// Uniform in `0..bound` without bias; 0 where `bound` is 0.
    pub fn below(self, lane: u32, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Multiply and keep the high word; the low words that would favour some answers are drawn again.
        let refused = bound.wrapping_neg() % bound;
        let mut index = 0;
        loop {
            let [word, spare] = self.words(lane, index);
            for word in [word, spare] {
                let product = u128::from(word) * u128::from(bound);
                if product as u64 >= refused {
                    return (product >> 64) as u64;
                }
            }
            index += 1;
        }
    }

    /// A random order of `0..order.len()`, written into `order`.
    pub fn shuffle(self, lane: u32, order: &mut [u32]) {
        for (place, entry) in order.iter_mut().enumerate() {
            *entry = place as u32;
        }
        for left in (1..order.len()).rev() {
            // Time stays the sweep's; each exchange has its own lane.
            order.swap(left, self.below(lane + left as u32, left as u64 + 1) as usize);
        }
    }

    /// Uniforms in the open interval (0, 1) for the indices `2 k` and `2 k + 1`: half of a multiple of 2^-51.
    pub fn open_pair(self, lane: u32, k: u32) -> [f64; 2] {
        self.words(lane, k).map(|word| ((word >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64))
    }

    /// A uniform in the open interval (0, 1) for `index` (a token).
    pub fn open(self, lane: u32, index: u32) -> f64 {
        self.open_pair(lane, index / 2)[(index % 2) as usize]
    }

    /// A standard Gumbel variable for `index` (a token): `-log(-log u)`.
    pub fn gumbel(self, lane: u32, index: u32) -> f64 {
        -(-self.open(lane, index).ln()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds).
    #[test]
    fn known_answers_of_philox() {
        for (counter, key, known) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox(counter, key), known);
        }
    }

    #[test]
    fn every_part_of_an_address_counts() {
        let draw = |seed, stream, time, lane| Counter::new(seed).at(stream, time).units(lane);
        let base = draw(1, 2, 3, 4);
        assert_eq!(base, draw(1, 2, 3, 4));
        let others =
            [draw(2, 2, 3, 4), draw(1, 3, 3, 4), draw(1, 2, 4, 4), draw(1, 2, 3 + (1 << 32), 4), draw(1, 2, 3, 5)];
        for (k, other) in others.iter().enumerate() {
            assert!(*other != base && others[k + 1..].iter().all(|later| later != other));
        }
        let moment = Counter::new(1).at(2, 3);
        assert!(moment.open(4, 6) != moment.open(4, 7) && moment.open(4, 7) != moment.open(4, 8));
    }

    #[test]
    fn draws_have_their_laws() {
        let counter = Counter::new(5);
        let (mut counts, mut moments, mut product) = ([0u32; 3], [0.0; 2], 0.0);
        let (mut gumbel, mut square) = (0.0, 0.0);
        const DRAWS: u64 = 60_000;
        for time in 0..DRAWS {
            let moment = counter.at(time % 7, time);
            counts[moment.below(1, 3) as usize] += 1;
            let [u, w] = moment.units(0);
            assert!((0.0..1.0).contains(&u) && (0.0..1.0).contains(&w));
            moments = [moments[0] + u, moments[1] + w];
            product += (u - 0.5) * (w - 0.5);
            let g = moment.gumbel(2, 9);
            gumbel += g;
            square += g * g;
        }
        let m = DRAWS as f64;
        // Five standard deviations each; a Gumbel has mean 0.5772 and variance pi^2 / 6.
        assert!(counts.iter().all(|&c| (f64::from(c) - m / 3.0).abs() < 5.0 * (m * 2.0 / 9.0).sqrt()), "{counts:?}");
        assert!(moments.iter().all(|sum| (sum / m - 0.5).abs() < 5.0 / (12.0 * m).sqrt()));
        assert!((product / m).abs() < 5.0 / 12.0 / m.sqrt());
        let variance = std::f64::consts::PI.powi(2) / 6.0;
        assert!((gumbel / m - 0.577_215_664_9).abs() < 5.0 * (variance / m).sqrt());
        assert!((square / m - (gumbel / m).powi(2) - variance).abs() < 0.1);
    }

    #[test]
    fn orders_are_uniform() {
        let mut counts = std::collections::BTreeMap::new();
        for sweep in 0..24_000 {
            let mut order = [9; 4];
            Counter::new(3).at(0, sweep).shuffle(7, &mut order);
            *counts.entry(order).or_insert(0u32) += 1;
        }
        // Chi-square with 23 degrees of freedom: 99.99 % quantile 59.
        let chi: f64 = counts.values().map(|&c| (f64::from(c) - 1000.0).powi(2) / 1000.0).sum();
        assert!(counts.len() == 24 && chi < 59.0, "{chi}");
    }
}
