//! Rust text, seen as a person skims it: without comments and texts, with and without its tests.

/// One file of the tree.
#[derive(Debug)]
pub struct Source {
    /// From the root of the repository: `src/lane/batch.rs`.
    pub path: String,
    pub text: String,
    /// The text with comments, strings and characters blanked out; lines stay where they are.
    pub code: String,
    /// `code` without the inline modules that are compiled for tests only.
    pub shipped: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank_texts(text);
        Self { path: path.to_owned(), text: text.to_owned(), shipped: blank_tests(&code), code }
    }

    /// The crate that the file belongs to.
    pub fn package(&self) -> &'static str {
        let packages = ["psp-adapters/contract", "psp-adapters", "mock-psps"];
        let inside = |name: &&&str| self.path.starts_with(&format!("{name}/"));
        packages.iter().find(inside).copied().unwrap_or("interlock")
    }

    /// In a folder of tests, or a module of tests in a file of its own.
    pub fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        parts.contains(&"tests") || parts.last() == Some(&"tests.rs")
    }

    /// Line numbers, from 1, where `code` has this word or path as a whole.
    pub fn lines_with(code: &str, word: &str) -> Vec<usize> {
        let hits = code.lines().enumerate();
        let hits = hits.filter(|(_, line)| has_word(line, word));
        hits.map(|(index, _)| index + 1).collect()
    }
}

/// Whether the line has the word, not as a part of a longer one.
pub fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open =
            |c: Option<char>, edge: Option<char>| !(edge.is_some_and(part) && c.is_some_and(part));
        open(before, word.chars().next()) && open(after, word.chars().next_back())
    })
}

/// Blanks comments, strings and character literals, and keeps every line break.
fn blank_texts(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = end_of_text(&bytes, at);
        if end == at {
            out.push(bytes[at]);
            at += 1;
        } else {
            let blank = |c: &char| if *c == '\n' { '\n' } else { ' ' };
            out.extend(bytes[at..end].iter().map(blank));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that begins here ends; `at` itself when none does.
fn end_of_text(chars: &[char], at: usize) -> usize {
    let next = |offset: usize| chars.get(at + offset).copied();
    match (chars[at], next(1)) {
        ('/', Some('/')) => position(chars, at, |c| c == '\n'),
        ('/', Some('*')) => end_of_block_comment(chars, at),
        ('"', _) => end_of_string(chars, at + 1),
        ('r' | 'b', _) if !follows_word(chars, at) => end_of_prefixed(chars, at),
        ('\'', Some('\\')) => position(chars, at + 3, |c| c == '\'') + 1,
        ('\'', Some(_)) if next(2) == Some('\'') => at + 3,
        _ => at,
    }
}

fn follows_word(chars: &[char], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| chars[before].is_alphanumeric() || chars[before] == '_')
}

fn position(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    let rest = chars.iter().skip(from);
    let found = rest.enumerate().find(|(_, c)| wanted(**c));
    found.map_or(chars.len(), |(offset, _)| from + offset)
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br"…"`.
fn end_of_prefixed(chars: &[char], at: usize) -> usize {
    let mut quote = at + 1;
    let raw = chars[at] == 'r' || chars.get(quote) == Some(&'r');
    if chars[at] == 'b' && raw {
        quote += 1;
    }
    let hashes = chars.iter().skip(quote).take_while(|c| **c == '#').count();
    if chars.get(quote + hashes) != Some(&'"') || (!raw && hashes > 0) {
        return at;
    }
    let start = quote + hashes + 1;
    if !raw {
        return end_of_string(chars, start);
    }
    let closes = |at: &usize| {
        chars[*at] == '"'
            && chars.iter().skip(at + 1).take(hashes).filter(|c| **c == '#').count() == hashes
    };
    let end = (start..chars.len()).find(closes);
    end.map_or(chars.len(), |end| end + 1 + hashes)
}

fn end_of_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

/// Blanks `#[cfg(test)] mod … { … }`.
fn blank_tests(code: &str) -> String {
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(found) = out[from..].find("#[cfg(test)]") {
        let start = from + found;
        from = start + 1;
        let rest = &out[start..];
        let Some(open) = rest.find('{').filter(|open| !rest[..*open].contains(';')) else {
            continue;
        };
        let end = start + open + block_bytes(&rest[open..]);
        let blank: String =
            out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    out
}

/// The bytes from an opening brace to the one that closes it, both included.
pub fn block_bytes(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => (),
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}
