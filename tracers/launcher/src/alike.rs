//! Which known word a mistyped one was probably meant to be.

/// Returns the known word that takes the fewest changes to become; None: it takes too many for the length of the word. Of
/// equals the first.
pub fn closest<W: AsRef<str>>(typed: &str, known: impl Iterator<Item = W>) -> Option<W> {
    let letters: Vec<char> = typed.chars().collect();
    let near = known.map(|word| (changes(&letters, word.as_ref()), word));
    near.filter(|&(changes, _)| changes <= letters.len() / 3).min_by_key(|&(changes, _)| changes).map(|(_, word)| word)
}

/// How many letters must be put in, left out, replaced, or exchanged with the next one (optimal string alignment).
fn changes(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn the_word_that_takes_the_fewest_changes_is_meant() {
        let known = ["python", "python3", "perl", "--tracer"];
        for (typed, meant) in [("pythno", "python"), ("pythn3", "python3"), ("--trcer", "--tracer"), ("prel", "perl")] {
            assert_eq!(closest(typed, known.into_iter()), Some(meant));
        }
        for typed in ["", "p", "ruby", "pyt"] {
            assert_eq!(closest(typed, known.into_iter()), None, "{typed}");
        }
    }
}
