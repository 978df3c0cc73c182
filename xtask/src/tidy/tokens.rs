//! Rust source as tokens with lines, so that no rule trips over comments and strings.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A piece of Rust source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    Mark(char),
    /// A string, character or number; what it says is of no interest.
    Literal,
}

/// A token and the line it starts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

impl Token {
    /// The word, if it is one.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether it is this mark.
    pub(super) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// All tokens of a source text; none if it is not Rust, which the compiler will tell.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    if let Ok(stream) = source.parse::<TokenStream>() {
        flatten(stream, &mut tokens);
    }
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Ident(word) => {
                tokens.push(Token { kind: Kind::Word(word.to_string()), line })
            }
            TokenTree::Punct(mark) => tokens.push(Token { kind: Kind::Mark(mark.as_char()), line }),
            TokenTree::Literal(_) => tokens.push(Token { kind: Kind::Literal, line }),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ('(', ')'),
                    Delimiter::Brace => ('{', '}'),
                    Delimiter::Bracket => ('[', ']'),
                    // Invisible delimiters come from macros only, never from a text.
                    Delimiter::None => (' ', ' '),
                };
                let end = group.span_close().start().line;
                tokens.push(Token { kind: Kind::Mark(open), line });
                flatten(group.stream(), tokens);
                tokens.push(Token { kind: Kind::Mark(close), line: end });
            }
        }
    }
}

/// A path as written out in full, say `std::time::Instant`, and its line.
pub(super) type Path = (String, usize);

/// All paths, with `a::{b, c::d}` written out as `a::b` and `a::c::d`.
pub(super) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        // A method or field of a value is no path.
        if first.is('.') {
            rest = after.split_first().map_or(after, |(_, after)| after);
        } else if first.word().is_some() {
            rest = path(rest, "", &mut found);
        } else {
            rest = after;
        }
    }
    found
}

/// Reads the path that `tokens` starts with, below `prefix`, and returns what follows it.
fn path<'a>(tokens: &'a [Token], prefix: &str, found: &mut Vec<Path>) -> &'a [Token] {
    let Some((first, mut rest)) = tokens.split_first() else { return tokens };
    let mut name = match &first.kind {
        Kind::Word(word) => join(prefix, word),
        Kind::Mark('*') => join(prefix, "*"),
        _ => return rest,
    };
    while let [a, b, next, after @ ..] = rest
        && a.is(':')
        && b.is(':')
    {
        if let Some(word) = next.word() {
            name = join(&name, word);
            rest = after;
        } else if next.is('*') {
            name = join(&name, "*");
            rest = after;
        } else if next.is('{') {
            return group(after, &name, found);
        } else {
            break;
        }
    }
    found.push((name, first.line));
    rest
}

/// Reads the paths of a group whose opening brace was read, up to and with its closing one.
fn group<'a>(mut rest: &'a [Token], prefix: &str, found: &mut Vec<Path>) -> &'a [Token] {
    while let Some((first, after)) = rest.split_first() {
        match &first.kind {
            Kind::Mark('}') => return after,
            Kind::Word(word) if word == "as" => rest = after.get(1..).unwrap_or_default(),
            Kind::Word(_) | Kind::Mark('*') => rest = path(rest, prefix, found),
            _ => rest = after,
        }
    }
    rest
}

fn join(prefix: &str, word: &str) -> String {
    if prefix.is_empty() { word.to_owned() } else { format!("{prefix}::{word}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str) -> Vec<String> {
        paths(&tokens(source)).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn comments_and_strings_are_no_tokens() {
        let source = "// std::fs\n/* todo!() */ const A: &str = r#\"std::net\"#; 'x'";
        assert_eq!(names(source), ["const", "A", "str"]);
    }

    #[test]
    fn grouped_imports_are_written_out() {
        assert_eq!(
            names("use std::{fs, time::{self, Instant as I}, io::*}; fn f() { a::b(); x.sleep() }"),
            [
                "use",
                "std::fs",
                "std::time::self",
                "std::time::Instant",
                "std::io::*",
                "fn",
                "f",
                "a::b",
                "x"
            ]
        );
    }

    #[test]
    fn lines_are_counted_from_one() {
        let found = paths(&tokens("\n\nstd::fs::read();"));
        assert_eq!(found, [("std::fs::read".to_owned(), 3)]);
    }
}
