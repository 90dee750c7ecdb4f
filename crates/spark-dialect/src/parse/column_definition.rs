//! Columns as DDL declares them.

use messages::Error;
use sqlparser::tokenizer::Token;

use crate::definitions::{ColumnDefinition, IdentityDefinition, UnsaidValue};
use crate::errors::not_supported;
use crate::lex::tokens::is_word;
use crate::parse::parser::StatementParser;
use crate::parse::script::parse_expression;

impl StatementParser<'_> {
    /// `name TYPE [NOT NULL] [DEFAULT expression] [GENERATED …] [COMMENT '…']`.
    pub fn column_definition(&mut self) -> Result<ColumnDefinition, Error> {
        let name = self.name()?;
        if self.parser.peek_token_ref().token == Token::Period {
            return Err(not_supported(
                "Adding a field to a nested column",
                "Add a column of its own.",
            ));
        }
        let data_type = self.delta_type()?;
        let mut column = ColumnDefinition {
            name,
            data_type,
            nullable: true,
            comment: None,
            unsaid: UnsaidValue::Null,
        };
        loop {
            if self.words(&["NOT", "NULL"]) {
                column.nullable = false;
            } else if self.word("NULL") {
                column.nullable = true;
            } else if self.word("COMMENT") {
                column.comment = Some(self.string()?);
            } else if self.word("DEFAULT") {
                let value = UnsaidValue::Default(self.default_value()?);
                set_once(&mut column, value)?;
            } else if self.word("GENERATED") {
                let value = self.generated()?;
                set_once(&mut column, value)?;
            } else {
                break;
            }
        }
        for (word, hint) in [
            (
                "PRIMARY",
                "Delta tables have no keys; MERGE keeps rows unique.",
            ),
            ("REFERENCES", "Delta tables have no keys."),
            (
                "CHECK",
                "Add it afterwards: ALTER TABLE … ADD CONSTRAINT name CHECK (condition).",
            ),
        ] {
            if self.peek_word(word) {
                return Err(not_supported(&format!("{word} after a column"), hint));
            }
        }
        Ok(column)
    }

    /// Takes an expression, up to the next clause of its column or to the end of the statement, as it
    /// was written. sqlparser would read `1 NOT NULL` as one.
    pub fn default_value(&mut self) -> Result<String, Error> {
        let start = self.parser.peek_token_ref().span.start;
        let (mut end, mut depth, mut after_is) = (start, 0_usize, false);
        loop {
            let next = |n| &self.parser.peek_nth_token_ref(n).token;
            let is_end = match next(0) {
                Token::EOF => true,
                Token::Comma | Token::RParen => depth == 0,
                Token::Word(_) => {
                    depth == 0 && end != start && !after_is && self.at_column_clause()
                }
                _ => false,
            };
            if is_end {
                break;
            }
            match next(0) {
                Token::LParen | Token::LBracket => depth = depth.saturating_add(1),
                Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
                case if is_word(case, "CASE") => depth = depth.saturating_add(1),
                case if is_word(case, "END") => depth = depth.saturating_sub(1),
                _ => {}
            }
            after_is = is_word(next(0), "IS");
            end = self.parser.peek_token_ref().span.end;
            self.parser.advance_token();
        }
        if end == start {
            return Err(self.unexpected("a value"));
        }
        let text = self.source_between(start, end).to_owned();
        parse_expression(&text)?;
        Ok(text)
    }

    fn at_column_clause(&self) -> bool {
        let next = |n| &self.parser.peek_nth_token_ref(n).token;
        let clauses = [
            "COMMENT",
            "DEFAULT",
            "GENERATED",
            "FIRST",
            "AFTER",
            "PRIMARY",
            "REFERENCES",
            "CHECK",
        ];
        is_word(next(0), "NOT") && is_word(next(1), "NULL")
            || clauses.iter().any(|word| is_word(next(0), word)) && *next(1) != Token::LParen
    }

    /// What follows GENERATED.
    fn generated(&mut self) -> Result<UnsaidValue, Error> {
        let allow_explicit_insert = match self.words(&["BY", "DEFAULT"]) {
            true => true,
            false => {
                self.expect_word("ALWAYS")?;
                false
            }
        };
        self.expect_word("AS")?;
        if self.word("IDENTITY") {
            return Ok(UnsaidValue::Identity(self.identity(allow_explicit_insert)?));
        }
        if allow_explicit_insert {
            return Err(self.unexpected("IDENTITY"));
        }
        let text = self.parenthesised_expression()?;
        Ok(UnsaidValue::Generated(text))
    }

    /// `[(START WITH n INCREMENT BY n)]`.
    fn identity(&mut self, allow_explicit_insert: bool) -> Result<IdentityDefinition, Error> {
        let mut identity = IdentityDefinition {
            start: 1,
            step: 1,
            allow_explicit_insert,
        };
        if self.token(&Token::LParen) {
            loop {
                if self.words(&["START", "WITH"]) {
                    identity.start = self.signed_number()?;
                } else if self.words(&["INCREMENT", "BY"]) {
                    identity.step = self.signed_number()?;
                } else {
                    break;
                }
            }
            self.expect_token(&Token::RParen)?;
        }
        if identity.step == 0 {
            return Err(Error::new(
                "IDENTITY_COLUMNS_ILLEGAL_STEP",
                "An identity column can't be incremented by 0.",
            ));
        }
        Ok(identity)
    }

    fn signed_number(&mut self) -> Result<i64, Error> {
        let is_negative = self.token(&Token::Minus);
        let number = i128::from(self.number()?);
        let number = if is_negative { -number } else { number };
        i64::try_from(number).map_err(|_| {
            let message = format!("{number} is no BIGINT.");
            Error::new("NUMERIC_OUT_OF_SUPPORTED_RANGE", message)
        })
    }
}

fn set_once(column: &mut ColumnDefinition, value: UnsaidValue) -> Result<(), Error> {
    let (code, what) = match (&column.unsaid, &value) {
        (UnsaidValue::Null, _) => {
            column.unsaid = value;
            return Ok(());
        }
        (UnsaidValue::Default(_), UnsaidValue::Default(_)) => {
            ("PARSE_SYNTAX_ERROR", "DEFAULT twice")
        }
        (UnsaidValue::Default(_), UnsaidValue::Identity(_))
        | (UnsaidValue::Identity(_), UnsaidValue::Default(_)) => (
            "IDENTITY_COLUMN_WITH_DEFAULT_VALUE",
            "a default, and is an identity column,",
        ),
        (UnsaidValue::Default(_), _) | (UnsaidValue::Generated(_), UnsaidValue::Default(_)) => (
            "GENERATED_COLUMN_WITH_DEFAULT_VALUE",
            "a default, and is generated,",
        ),
        (UnsaidValue::Generated(_) | UnsaidValue::Identity(_), _) => {
            ("PARSE_SYNTAX_ERROR", "GENERATED twice")
        }
    };
    Err(Error::new(
        code,
        format!("The column `{}` has {what}.", column.name),
    ))
}
