//! Whether this machine lets the collector work, and if not, why.

use std::fmt;

/// Why there is no eBPF backend here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// A stable word for programs: `no-programs`, `no-btf`, `no-permission`, `old-kernel`, `pid-namespace`, `refused`,
    /// `no-events`.
    pub code: &'static str,
    /// A sentence for people.
    pub reason: String,
}

impl Obstacle {
    pub fn new(code: &'static str, reason: impl Into<String>) -> Obstacle {
        Obstacle { code, reason: reason.into() }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

impl std::error::Error for Obstacle {}

/// One line of JSON: what the daemon reads, and `roar-collector --check` prints.
pub fn to_json(verdict: &Result<String, Obstacle>) -> String {
    let (usable, code, reason) = match verdict {
        Ok(facts) => (true, "ok", facts.as_str()),
        Err(obstacle) => (false, obstacle.code, obstacle.reason.as_str()),
    };
    format!(r#"{{"usable": {usable}, "code": "{code}", "reason": "{}"}}"#, escaped(reason))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_any_reason() {
        let verdict = Err(Obstacle::new("refused", "a \"b\"\\\nc"));
        assert_eq!(to_json(&verdict), r#"{"usable": false, "code": "refused", "reason": "a \"b\"\\ c"}"#);
    }
}
