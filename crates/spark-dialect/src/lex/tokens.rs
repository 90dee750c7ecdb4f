//! From text to the tokens of single statements: sqlparser's tokenizer, and passes over its tokens that
//! split a script, refuse what nests too deeply, and bring Spark's syntax into a form that sqlparser
//! parses (`FOR SYSTEM_VERSION AS OF`, `VALUES 1, 2`).
//!
//! Tokens keep the place they have in the script, so that every error can name it.

use messages::Error;
use sqlparser::ast::Expr;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError, Word};

use crate::errors::{syntax_error, too_complex};
use crate::lex::dialect::SparkDialect;

/// What operators on one level may cost together. Each nests its left side one deeper in the tree,
/// which the planner walks recursively: 200 comparisons with OR between them, 200 sums, 50 UNIONs or
/// JOINs fit into the 2 MB of stack of a debug build's thread.
const MAX_CHAIN: usize = 600;
const COMPARISON_COST: usize = 1;
const CONNECTIVE_COST: usize = 2;
const ARITHMETIC_COST: usize = 3;
const RELATION_COST: usize = 12;

/// What may nest, in halves of a parenthesis: 47 pairs of parentheses, CASE or NOT within each other (sqlparser
/// takes 48, and then takes its time to refuse, or calls it a wrong syntax), 31 calls, or 15 relations.
/// That much fits into the 2 MB of stack of a debug build's thread, and into a tab's 1 MB.
const MAX_NESTING: usize = 94;
const PARENTHESIS_COST: usize = 2;
const CALL_COST: usize = 3;
const NESTED_RELATION_COST: usize = 6;

/// One statement's source and tokens, without blank space and comments.
#[derive(Debug)]
pub(crate) struct StatementTokens {
    pub text: String,
    /// Of `text` in the script, in bytes.
    pub offset: usize,
    pub tokens: Vec<TokenWithSpan>,
    /// Where the statement ends.
    pub end: Location,
}

/// Splits a script at `;`, but not within strings, quoted names and comments.
pub(crate) fn split(sql: &str) -> Result<Vec<StatementTokens>, Error> {
    let dialect = SparkDialect::new(0);
    let mut tokens = Vec::new();
    Tokenizer::new(&dialect, sql)
        .tokenize_with_location_into_buf(&mut tokens)
        .map_err(|TokenizerError { message, location }| {
            let message = message
                .strip_suffix(&location.to_string())
                .unwrap_or(&message)
                .trim();
            syntax_error(message, Some(location))
        })?;
    let mut statements = Vec::new();
    let mut cursor = Cursor {
        sql,
        offset: 0,
        line: 1,
        column: 1,
    };
    let mut current: Vec<TokenWithSpan> = Vec::new();
    let mut finish = |current: &mut Vec<TokenWithSpan>| {
        let (Some(first), Some(last)) = (current.first(), current.last()) else {
            return;
        };
        let end = last.span.end;
        let offset = cursor.advance_to(first.span.start);
        let text = &sql[offset..cursor.advance_to(end)];
        statements.push(StatementTokens {
            text: text.to_owned(),
            offset,
            tokens: std::mem::take(current),
            end,
        });
    };
    for mut token in tokens {
        match &mut token.token {
            Token::SemiColon => finish(&mut current),
            Token::Whitespace(_) | Token::EOF => {}
            // Spark's strings may stand in either quotes.
            Token::DoubleQuotedString(text) => {
                token.token = Token::SingleQuotedString(std::mem::take(text));
                current.push(token);
            }
            _ => current.push(token),
        }
    }
    finish(&mut current);
    Ok(statements)
}

/// Turns places (line and column, in characters) into byte offsets, in rising order.
struct Cursor<'a> {
    sql: &'a str,
    offset: usize,
    line: u64,
    column: u64,
}

impl Cursor<'_> {
    fn advance_to(&mut self, place: Location) -> usize {
        for c in self.sql[self.offset..].chars() {
            if (self.line, self.column) >= (place.line, place.column) {
                break;
            }
            self.offset += c.len_utf8();
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.offset
    }
}

/// The part of a statement's source between two of its places. `first`: where the source begins.
pub(crate) fn between(source: &str, first: Location, start: Location, end: Location) -> &str {
    let mut cursor = Cursor {
        sql: source,
        offset: 0,
        line: first.line,
        column: first.column,
    };
    let start = cursor.advance_to(start);
    let end = cursor.advance_to(end);
    source.get(start..end).unwrap_or_default()
}

/// Brings the tokens into a shape that sqlparser's grammar takes, and refuses what would need more
/// stack than there is.
pub(crate) fn prepare(statement: &mut StatementTokens) -> Result<(), Error> {
    check_depth(statement)?;
    check_aliases(statement)?;
    normalise_time_travel(&mut statement.tokens);
    parenthesise_values(&mut statement.tokens);
    Ok(())
}

/// What is open at a place in a statement: a parenthesis, a bracket, a CASE.
#[derive(Default)]
struct Level {
    /// What the operators on this level cost so far.
    chain: usize,
    /// What it adds to the nesting.
    nesting: usize,
    is_case: bool,
    is_relation: bool,
}

impl Level {
    /// The level that `tokens[at]` opens, within `outer`.
    fn opened(tokens: &[TokenWithSpan], at: usize, outer: &Self) -> Self {
        let keyword = |token: Option<&TokenWithSpan>| match token.map(|token| &token.token) {
            Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.keyword),
            _ => None,
        };
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let is_relation = match before.map(|before| &before.token) {
            Some(Token::LParen) if outer.is_relation => true,
            _ => matches!(keyword(before), Some(Keyword::FROM | Keyword::JOIN)),
        } || matches!(
            keyword(tokens.get(at + 1)),
            Some(Keyword::SELECT | Keyword::WITH | Keyword::VALUES | Keyword::FROM)
        );
        let nesting = match before.map(|before| &before.token) {
            _ if is_relation => NESTED_RELATION_COST,
            Some(Token::Word(word)) if word.quote_style.is_some() || is_callable(word.keyword) => {
                CALL_COST
            }
            _ => PARENTHESIS_COST,
        };
        Self {
            nesting,
            is_relation,
            ..Self::default()
        }
    }

    fn case() -> Self {
        Self {
            nesting: PARENTHESIS_COST,
            is_case: true,
            ..Self::default()
        }
    }
}

fn check_depth(statement: &StatementTokens) -> Result<(), Error> {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut nesting = 0;
    // How many NOT stand before this place.
    let mut nots = 0;
    for (at, token) in statement.tokens.iter().enumerate() {
        let unquoted = match &token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
            _ => None,
        };
        nots = match unquoted {
            Some(Keyword::NOT) => nots + 1,
            _ => 0,
        };
        if nesting + nots * PARENTHESIS_COST > MAX_NESTING {
            return Err(too_complex(Some(token.span.start)));
        }
        let opened = match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                Some(Level::opened(&statement.tokens, at, &level))
            }
            _ if unquoted == Some(Keyword::CASE) => Some(Level::case()),
            _ => None,
        };
        if let Some(opened) = opened {
            nesting += opened.nesting;
            outer.push(std::mem::replace(&mut level, opened));
            if nesting > MAX_NESTING {
                return Err(too_complex(Some(token.span.start)));
            }
            continue;
        }
        match &token.token {
            Token::RParen | Token::RBracket | Token::RBrace => {
                // A CASE that is open here is none: it is a column of that name.
                while let Some(enclosing) = outer.pop() {
                    let closed = std::mem::replace(&mut level, enclosing);
                    nesting -= closed.nesting;
                    if !closed.is_case {
                        break;
                    }
                }
            }
            Token::Comma => level.chain = 0,
            _ if unquoted == Some(Keyword::END) && level.is_case => {
                if let Some(enclosing) = outer.pop() {
                    nesting -= std::mem::replace(&mut level, enclosing).nesting;
                }
            }
            _ if matches!(
                unquoted,
                Some(Keyword::WHEN | Keyword::THEN | Keyword::ELSE)
            ) =>
            {
                level.chain = 0;
            }
            token => level.chain += operator_cost(token),
        }
        if level.chain > MAX_CHAIN {
            return Err(too_complex(Some(token.span.start)));
        }
    }
    Ok(())
}

/// Whether a parenthesis after this word is a call's.
fn is_callable(word: Keyword) -> bool {
    !matches!(
        word,
        Keyword::SELECT
            | Keyword::DISTINCT
            | Keyword::WHERE
            | Keyword::HAVING
            | Keyword::ON
            | Keyword::BY
            | Keyword::AND
            | Keyword::OR
            | Keyword::NOT
            | Keyword::CASE
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::AS
    )
}

/// How much deeper an operator makes the tree.
fn operator_cost(token: &Token) -> usize {
    match token {
        Token::Word(word) if word.quote_style.is_none() => match word.keyword {
            Keyword::AND | Keyword::OR | Keyword::XOR => CONNECTIVE_COST,
            Keyword::DIV | Keyword::IS | Keyword::COLLATE => ARITHMETIC_COST,
            Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::MINUS
            | Keyword::JOIN => RELATION_COST,
            _ => 0,
        },
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => {
            COMPARISON_COST
        }
        Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::DoubleColon
        | Token::Pipe
        | Token::Ampersand
        | Token::Caret
        | Token::ExclamationMark
        | Token::Tilde
        | Token::ShiftLeft
        | Token::ShiftRight => ARITHMETIC_COST,
        _ => 0,
    }
}

/// A string is no name in Spark: `SELECT 1 AS "n"`.
fn check_aliases(statement: &StatementTokens) -> Result<(), Error> {
    for pair in statement.tokens.windows(2) {
        let [before, after] = pair else { continue };
        if is_word(&before.token, "AS")
            && let Token::SingleQuotedString(text) = &after.token
        {
            return Err(syntax_error(
                &format!("a string stands where a name belongs: '{text}'"),
                Some(after.span.start),
            )
            .with_hint(format!("Quote names with backticks: AS `{text}`.")));
        }
    }
    Ok(())
}

/// `FOR VERSION AS OF` and `FOR SYSTEM_VERSION AS OF` become `VERSION AS OF`; so do the timestamps.
fn normalise_time_travel(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at + 2 < tokens.len() {
        if !(is_word(&tokens[at + 1].token, "AS") && is_word(&tokens[at + 2].token, "OF")) {
            at += 1;
            continue;
        }
        for (from, to, keyword) in [
            ("SYSTEM_VERSION", "VERSION", Keyword::VERSION),
            ("SYSTEM_TIME", "TIMESTAMP", Keyword::TIMESTAMP),
            ("VERSION", "VERSION", Keyword::VERSION),
            ("TIMESTAMP", "TIMESTAMP", Keyword::TIMESTAMP),
        ] {
            if !is_word(&tokens[at].token, from) {
                continue;
            }
            tokens[at].token = Token::Word(Word {
                value: to.to_owned(),
                quote_style: None,
                keyword,
            });
            // `VERSION AS OF '3'` is allowed.
            if to == "VERSION"
                && let Some(version) = tokens.get_mut(at + 3)
                && let Token::SingleQuotedString(text) = &version.token
                && text.parse::<u64>().is_ok()
            {
                version.token = Token::Number(text.clone(), false);
            }
            if at > 0 && is_word(&tokens[at - 1].token, "FOR") {
                tokens.remove(at - 1);
            }
            break;
        }
        at += 1;
    }
}

/// `VALUES 1, 2` becomes `VALUES (1), (2)`.
fn parenthesise_values(tokens: &mut Vec<TokenWithSpan>) {
    let needs_it = |at: usize| {
        is_word(&tokens[at].token, "VALUES")
            // Neither a column of that name, nor the VALUES of an INSERT's row.
            && at.checked_sub(1).is_none_or(|before| starts_relation(&tokens[before].token))
            && tokens.get(at + 1).is_some_and(|next| starts_row(&next.token))
    };
    if !(0..tokens.len()).any(needs_it) {
        return;
    }
    let mut out = Vec::with_capacity(tokens.len() + 2);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        out.push(token.clone());
        let starts = needs_it(at);
        at += 1;
        if !starts {
            continue;
        }
        while let Some((length, bare)) = row_length(tokens, at) {
            let row = &tokens[at..at + length];
            if let (true, Some(first), Some(last)) = (bare, row.first(), row.last()) {
                out.push(TokenWithSpan {
                    token: Token::LParen,
                    span: first.span,
                });
                out.extend_from_slice(row);
                out.push(TokenWithSpan {
                    token: Token::RParen,
                    span: last.span,
                });
            } else {
                out.extend_from_slice(row);
            }
            at += length;
            match tokens.get(at) {
                Some(comma) if comma.token == Token::Comma => out.push(comma.clone()),
                _ => break,
            }
            at += 1;
        }
    }
    *tokens = out;
}

/// How many tokens the row at `at` has, and whether it lacks its parentheses; `None` where no row is.
fn row_length(tokens: &[TokenWithSpan], at: usize) -> Option<(usize, bool)> {
    let row = tokens.get(at..row_end(tokens, at))?;
    let dialect = SparkDialect::new(row.len());
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(row.to_vec());
    let expr = parser.parse_expr().ok()?;
    let bare = !matches!(expr, Expr::Tuple(_) | Expr::Nested(_));
    Some((parser.index().min(row.len()), bare))
}

/// Where a row that starts at `at` ends at the latest: at a comma or a closing parenthesis.
fn row_end(tokens: &[TokenWithSpan], at: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return i,
            Token::RParen => depth -= 1,
            Token::Comma if depth == 0 => return i,
            _ => {}
        }
    }
    tokens.len()
}

fn starts_relation(token: &Token) -> bool {
    match token {
        Token::LParen | Token::Comma | Token::RParen => true,
        Token::Word(word) => {
            word.quote_style.is_none()
                && !matches!(word.keyword, Keyword::SELECT | Keyword::AS | Keyword::BY)
                || word.quote_style == Some('`')
        }
        _ => false,
    }
}

fn starts_row(token: &Token) -> bool {
    match token {
        Token::Number(..) | Token::SingleQuotedString(_) | Token::HexStringLiteral(_) => true,
        Token::Minus => true,
        Token::Word(word) => {
            word.quote_style.is_none()
                && matches!(
                    word.keyword,
                    Keyword::NULL
                        | Keyword::TRUE
                        | Keyword::FALSE
                        | Keyword::DATE
                        | Keyword::TIMESTAMP
                        | Keyword::CAST
                        | Keyword::INTERVAL
                )
        }
        _ => false,
    }
}

/// Whether `token` is this word, unquoted, in any case.
pub(crate) fn is_word(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}
