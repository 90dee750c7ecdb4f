//! The parser of one statement. sqlparser parses queries and expressions; the statements around
//! them, which it does not know in Delta's form, are put together from its parts.

use messages::Error;
use sqlparser::ast::{Expr, Ident, ObjectName};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Word};

use crate::errors::{from_parser, syntax_error};
use crate::lex::dialect::SparkDialect;
use crate::lex::tokens::{StatementTokens, between, is_word};
use crate::query::{Query, TableName, TimestampExpr, VersionSpec};
use crate::statement::StatementKind;
use crate::table_name::table_name;

/// sqlparser's parser over one statement, with errors in our words.
pub(crate) struct StatementParser<'a> {
    pub parser: Parser<'a>,
    /// The statement's source.
    pub text: &'a str,
    tokens: &'a [TokenWithSpan],
    end: Location,
}

impl<'a> StatementParser<'a> {
    pub fn new(dialect: &'a SparkDialect, statement: &'a StatementTokens) -> Self {
        let tokens = &statement.tokens;
        Self {
            parser: Parser::new(dialect).with_tokens_with_locations(tokens.clone()),
            text: &statement.text,
            tokens,
            end: statement.end,
        }
    }

    /// A statement that is a query.
    pub fn select(&mut self) -> Result<StatementKind, Error> {
        Ok(StatementKind::Query(self.query()?))
    }

    // The parts of statements.

    pub fn query(&mut self) -> Result<Query, Error> {
        if self.peek_word("TABLE") {
            self.parser.advance_token();
            let factor = self.parser.parse_table_factor();
            return Query::all_of(self.parsed(factor)?);
        }
        let query = self.parser.parse_query();
        Query::new(self.parsed(query)?)
    }

    pub fn expr(&mut self) -> Result<Expr, Error> {
        let expr = self.parser.parse_expr();
        self.parsed(expr)
    }

    pub fn object_name(&mut self) -> Result<ObjectName, Error> {
        let name = self.parser.parse_object_name(true);
        self.parsed(name)
    }

    pub fn table(&mut self) -> Result<TableName, Error> {
        table_name(&self.object_name()?)
    }

    pub fn ident(&mut self) -> Result<Ident, Error> {
        if matches!(
            self.parser.peek_token_ref().token,
            Token::SingleQuotedString(_)
        ) {
            return Err(self.unexpected("a name"));
        }
        let ident = self.parser.parse_identifier();
        self.parsed(ident)
    }

    /// A name of one part.
    pub fn name(&mut self) -> Result<String, Error> {
        Ok(self.ident()?.value)
    }

    /// A column's name, perhaps qualified.
    pub fn column(&mut self) -> Result<Vec<Ident>, Error> {
        let mut parts = vec![self.ident()?];
        while self.token(&Token::Period) {
            parts.push(self.ident()?);
        }
        Ok(parts)
    }

    /// `[AS] alias`, where the next word is none of `stop`.
    pub fn alias(&mut self, stop: &[&str]) -> Result<Option<String>, Error> {
        if self.word("AS") {
            return self.name().map(Some);
        }
        match &self.parser.peek_token_ref().token {
            Token::Word(word)
                if word.quote_style.is_some()
                    || !stop
                        .iter()
                        .any(|stop| word.value.eq_ignore_ascii_case(stop)) =>
            {
                self.name().map(Some)
            }
            _ => Ok(None),
        }
    }

    /// `VERSION AS OF 3` or `TIMESTAMP AS OF '…'`.
    pub fn version_spec(&mut self) -> Result<VersionSpec, Error> {
        if self.words(&["VERSION", "AS", "OF"]) {
            return self.number().map(VersionSpec::Version);
        }
        if self.words(&["TIMESTAMP", "AS", "OF"]) {
            let expr = self.expr()?;
            return TimestampExpr::from_expr(&expr).map(VersionSpec::Timestamp);
        }
        Err(self.unexpected("VERSION AS OF or TIMESTAMP AS OF"))
    }

    pub fn string(&mut self) -> Result<String, Error> {
        match &self.parser.peek_token_ref().token {
            Token::SingleQuotedString(text) => {
                let text = text.clone();
                self.parser.advance_token();
                Ok(text)
            }
            _ => Err(self.unexpected("a string")),
        }
    }

    pub fn number(&mut self) -> Result<u64, Error> {
        if let Token::Number(digits, _) = &self.parser.peek_token_ref().token
            && let Ok(number) = digits.parse()
        {
            self.parser.advance_token();
            return Ok(number);
        }
        Err(self.unexpected("a whole number"))
    }

    /// `'delta.appendOnly'` or `delta.appendOnly`.
    pub fn property_key(&mut self) -> Result<String, Error> {
        if matches!(
            self.parser.peek_token_ref().token,
            Token::SingleQuotedString(_)
        ) {
            return self.string();
        }
        let parts = self.column()?;
        Ok(parts
            .iter()
            .map(|part| part.value.as_str())
            .collect::<Vec<_>>()
            .join("."))
    }

    /// `(expression)`: what is in the parentheses, as it was written.
    pub fn parenthesised_expression(&mut self) -> Result<String, Error> {
        let start = self.parser.peek_token_ref().span.end;
        self.expect_token(&Token::LParen)?;
        self.expr()?;
        let end = self.parser.peek_token_ref().span.start;
        self.expect_token(&Token::RParen)?;
        Ok(self.source_between(start, end).trim().to_owned())
    }

    /// The statement's source between two places.
    pub fn source_between(&self, start: Location, end: Location) -> &'a str {
        let first = self.tokens.first().map(|token| token.span.start);
        between(self.text, first.unwrap_or(start), start, end)
    }

    // Tokens.

    /// Takes the next token if it is this word.
    pub fn word(&mut self, word: &str) -> bool {
        let found = self.peek_word(word);
        if found {
            self.parser.advance_token();
        }
        found
    }

    /// The next token in capitals, for a message; it is not taken.
    pub fn next_word(&self) -> String {
        let next = self.parser.peek_token_ref();
        next.token.to_string().to_ascii_uppercase()
    }

    /// Takes the next tokens if they are these words.
    pub fn words(&mut self, words: &[&str]) -> bool {
        let found = words
            .iter()
            .enumerate()
            .all(|(i, word)| is_word(&self.parser.peek_nth_token_ref(i).token, word));
        if found {
            for _ in words {
                self.parser.advance_token();
            }
        }
        found
    }

    pub fn expect_word(&mut self, word: &str) -> Result<(), Error> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.unexpected(word))
        }
    }

    pub fn token(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    pub fn expect_token(&mut self, token: &Token) -> Result<(), Error> {
        if self.token(token) {
            Ok(())
        } else {
            Err(self.unexpected(&token.to_string()))
        }
    }

    pub fn peek_word(&self, word: &str) -> bool {
        is_word(&self.parser.peek_token_ref().token, word)
    }

    pub fn at_end(&self) -> bool {
        self.parser.peek_token_ref().token == Token::EOF
    }

    pub fn at_query(&self) -> bool {
        self.parser.peek_token_ref().token == Token::LParen
            || ["SELECT", "WITH", "VALUES", "TABLE", "FROM"]
                .iter()
                .any(|word| self.peek_word(word))
    }

    /// Whether a name stands `n` tokens ahead.
    pub fn names_follow(&self, n: usize) -> bool {
        matches!(
            self.parser.peek_nth_token_ref(n).token,
            Token::Word(Word { .. })
        )
    }

    /// An error at the next token.
    pub fn unexpected(&self, expected: &str) -> Error {
        let next = self.parser.peek_token_ref();
        if next.token == Token::EOF {
            let what = format!("expected {expected}, but the statement ends here");
            return syntax_error(&what, Some(self.end));
        }
        let error = syntax_error(
            &format!("expected {expected}, found `{}`", next.token),
            Some(next.span.start),
        );
        match next.token {
            Token::AtSign => {
                error.with_hint("For an older version write VERSION AS OF 2 after the table.")
            }
            _ => error,
        }
    }

    pub fn parsed<T>(&self, result: Result<T, ParserError>) -> Result<T, Error> {
        result.map_err(|error| {
            // Where sqlparser does not say: the token that it took last, or looked at.
            let index = self.parser.index();
            let near = self
                .tokens
                .get(index.saturating_sub(1)..)
                .unwrap_or_default();
            from_parser(error, near, self.end)
        })
    }

    pub fn finish(&self) -> Result<(), Error> {
        if self.at_end() {
            Ok(())
        } else {
            Err(self.unexpected("the end of the statement"))
        }
    }
}
