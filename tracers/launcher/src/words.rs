//! The commands with their options and arguments, as roar_client/completion_table.py writes them into words.tsv.

const TABLE: &str = include_str!("words.tsv");

/// A line of the table. `path` is the words of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Command { path: &'static str, about: &'static str },
    Option { path: &'static str, names: &'static str, value: &'static str, about: &'static str },
    Argument { path: &'static str, value: &'static str },
}

/// Returns all lines.
pub fn table() -> Vec<Row> {
    TABLE.lines().filter_map(row).collect()
}

fn row(line: &'static str) -> Option<Row> {
    let fields: Vec<_> = line.split('\t').collect();
    match fields[..] {
        ["c", path, about] => Some(Row::Command { path, about }),
        ["o", path, names, value, about] => Some(Row::Option { path, names, value, about }),
        ["a", path, value] => Some(Row::Argument { path, value }),
        _ => None,
    }
}

impl Row {
    /// The word behind a command that makes another one of it, and what that is.
    pub fn subcommand_of(&self, command: &str) -> Option<(&'static str, &'static str)> {
        let Row::Command { path, about } = *self else { return None };
        path.strip_prefix(command)?.strip_prefix(' ').map(|word| (word, about))
    }

    /// What stands for the value of an option; empty: it has none.
    pub fn value_of_option(&self, command: &str, name: &str) -> Option<&'static str> {
        match *self {
            Row::Option { path, names, value, .. }
                if path == command && names.split(' ').any(|known| known == name) =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    /// The names of an option of a command, each with what it does.
    pub fn options_of(&self, command: &str) -> Vec<(&'static str, &'static str)> {
        match *self {
            Row::Option { path, names, about, .. } if path == command => {
                names.split(' ').map(|name| (name, about)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What stands for an argument of a command.
    pub fn argument_of(&self, command: &str) -> Option<&'static str> {
        match *self {
            Row::Argument { path, value } if path == command => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        assert_eq!(table().len(), TABLE.lines().count());
    }
}
