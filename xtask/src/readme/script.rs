//! Finds the commands and their shown output in a Markdown text.

use anyhow::{Result, bail};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// How a command is expected to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with status 0.
    ByItself,
    /// Never; it is interrupted once it has shown what it should.
    Interrupted,
}

/// A command of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The line it starts on, from 1.
    pub(super) line: usize,
    pub(super) command: String,
    /// The lines it is said to print; none if the file does not say.
    pub(super) shown: Vec<String>,
    pub(super) end: End,
}

/// All commands in the `console` blocks of `markdown`.
pub(super) fn parse(markdown: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut inside = false;
    for (event, range) in Parser::new(markdown).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                inside = info.split_whitespace().next() == Some("console");
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => {
                let before = markdown.get(..range.start).unwrap_or_default();
                block(&text, before.matches('\n').count() + 1, &mut steps)?;
            }
            _ => {}
        }
    }
    Ok(steps)
}

fn block(text: &str, first_line: usize, steps: &mut Vec<Step>) -> Result<()> {
    let mut lines = (first_line..).zip(text.lines()).peekable();
    while let Some((line, start)) = lines.next() {
        let Some(command) = start.strip_prefix("$ ") else {
            if start.trim().is_empty() {
                continue;
            }
            bail!("line {line}: output without a command before it: {start:?}");
        };
        let mut command = command.to_owned();
        while command.ends_with('\\') {
            let Some((_, more)) = lines.next() else {
                bail!("line {line}: the command has no last line");
            };
            command = format!("{command}\n{more}");
        }
        let mut shown = Vec::new();
        while let Some((_, output)) = lines.next_if(|(_, next)| !next.starts_with("$ ")) {
            shown.push(output.trim_end().to_owned());
        }
        // A blank line before the next command is layout, not output.
        while shown.last().is_some_and(String::is_empty) {
            shown.pop();
        }
        let mut end = End::ByItself;
        if shown.last().is_some_and(|last| last == "^C") {
            shown.pop();
            end = End::Interrupted;
        }
        steps.push(Step { line, command, shown, end });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_output_and_endings_are_found() {
        let text = "# T\n\n```sh\n$ not run\n```\n\n```console\n$ one \\\n  two\nout\n\nmore\n\n\
                    $ tail\nlive\n^C\n$ quiet\n```\n";
        let step = |line, command: &str, shown: &[&str], end| Step {
            line,
            command: command.to_owned(),
            shown: shown.iter().map(ToString::to_string).collect(),
            end,
        };
        assert_eq!(
            parse(text).unwrap(),
            [
                step(8, "one \\\n  two", &["out", "", "more"], End::ByItself),
                step(14, "tail", &["live"], End::Interrupted),
                step(17, "quiet", &[], End::ByItself),
            ]
        );
    }

    #[test]
    fn output_without_a_command_and_an_open_command_are_errors() {
        for text in ["```console\nout\n```\n", "```console\n$ a \\\n```\n"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
