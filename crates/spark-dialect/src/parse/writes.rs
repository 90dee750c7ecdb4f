//! INSERT, UPDATE, DELETE, RESTORE.

use messages::Error;
use sqlparser::ast;
use sqlparser::tokenizer::Token;

use crate::errors::not_supported;
use crate::parse::parser::StatementParser;
use crate::query::{Query, TableName};
use crate::statement::StatementKind;
use crate::table_name::{short_name, table_name};
use crate::translate::default_values::take_defaults;
use crate::write::{
    Delete, Insert, InsertColumns, InsertTarget, Qualifier, RawAssignment, Update, WriteOperation,
};

impl StatementParser<'_> {
    pub fn insert(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        let mut schema_evolution = self.words(&["WITH", "SCHEMA", "EVOLUTION"]);
        let overwrite = if self.word("OVERWRITE") {
            let _ = self.word("INTO");
            true
        } else {
            self.expect_word("INTO")?;
            false
        };
        if self.peek_word("DIRECTORY") || self.peek_word("LOCAL") {
            return Err(not_supported(
                "INSERT OVERWRITE DIRECTORY",
                "Write to a Delta table.",
            ));
        }
        let _ = self.word("TABLE");
        let table = self.table()?;
        self.refuse_time_travel("INSERT")?;
        if self.words(&["WITH", "SCHEMA", "EVOLUTION"]) {
            schema_evolution = true;
        }
        if self.peek_word("PARTITION") {
            return Err(not_supported(
                "INSERT … PARTITION",
                "Give the partition's value as a column: INSERT INTO t BY NAME SELECT …. \
                 To replace one partition use REPLACE WHERE.",
            ));
        }
        let mut target = if overwrite {
            InsertTarget::Overwrite
        } else {
            InsertTarget::Append
        };
        let mut columns = InsertColumns::ByPosition;
        if self.words(&["REPLACE", "WHERE"]) {
            if overwrite {
                return Err(Error::new(
                    "PARSE_SYNTAX_ERROR",
                    "REPLACE WHERE goes with INSERT INTO, not with INSERT OVERWRITE.",
                ));
            }
            target = InsertTarget::ReplaceWhere(Box::new(self.expr()?));
        } else if self.peek_word("REPLACE") {
            return Err(not_supported(
                "INSERT … REPLACE USING and REPLACE ON",
                "Use REPLACE WHERE.",
            ));
        } else if self.column_list_follows() {
            columns = InsertColumns::List(self.column_list()?);
        }
        if self.words(&["BY", "NAME"]) {
            if matches!(columns, InsertColumns::List(_)) {
                return Err(Error::new(
                    "PARSE_SYNTAX_ERROR",
                    "A column list and BY NAME exclude each other.",
                )
                .with_hint("BY NAME takes the columns' names from the query."));
            }
            columns = InsertColumns::ByName;
        }
        if !self.at_query() {
            return Err(self.unexpected("VALUES or a query"));
        }
        let (source, defaulted) = self.rows_to_insert()?;
        let insert = Insert {
            source,
            defaulted,
            columns,
            target,
            schema_evolution,
            table: table.clone(),
        };
        Ok(StatementKind::write(table, WriteOperation::Insert(insert)))
    }

    /// A query, and the same as it was written, where some of its values are DEFAULT.
    fn rows_to_insert(&mut self) -> Result<(Query, Option<Box<ast::Query>>), Error> {
        if self.peek_word("TABLE") {
            return Ok((self.query()?, None));
        }
        let query = self.parser.parse_query();
        let mut query = self.parsed(query)?;
        let defaulted = take_defaults(&mut query);
        Ok((Query::new(query)?, defaulted))
    }

    pub fn update(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        let (table, qualifier) = self.target("UPDATE", &["SET"])?;
        self.expect_word("SET")?;
        let assignments = self.assignments()?;
        if self.peek_word("FROM") {
            return Err(not_supported(
                "UPDATE … FROM",
                "Use MERGE INTO t USING source ON ….",
            ));
        }
        let predicate = if self.word("WHERE") {
            Some(self.expr()?)
        } else {
            None
        };
        let update = Update {
            qualifier,
            assignments,
            predicate,
        };
        Ok(StatementKind::write(table, WriteOperation::Update(update)))
    }

    pub fn delete(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        self.expect_word("FROM")?;
        let (table, qualifier) = self.target("DELETE", &["WHERE", "USING"])?;
        if self.peek_word("USING") {
            return Err(not_supported(
                "DELETE … USING",
                "Use MERGE INTO t USING source ON … WHEN MATCHED THEN DELETE.",
            ));
        }
        let predicate = if self.word("WHERE") {
            Some(self.expr()?)
        } else {
            None
        };
        Ok(StatementKind::write(
            table,
            WriteOperation::Delete(Delete {
                qualifier,
                predicate,
            }),
        ))
    }

    pub fn restore(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        let _ = self.word("TABLE");
        let table = self.table()?;
        let _ = self.word("TO");
        let to = self.version_spec()?;
        Ok(StatementKind::write(table, WriteOperation::Restore(to)))
    }

    /// A table to change, with its alias.
    pub fn target(&mut self, verb: &str, stop: &[&str]) -> Result<(TableName, Qualifier), Error> {
        let name = self.object_name()?;
        let table = table_name(&name)?;
        self.refuse_time_travel(verb)?;
        let alias = self.alias(stop)?;
        let qualifier = match alias {
            Some(alias) => Qualifier {
                alias,
                parts: Vec::new(),
            },
            None => Qualifier {
                alias: short_name(&table).to_owned(),
                parts: name
                    .0
                    .iter()
                    .filter_map(|part| part.as_ident())
                    .map(|ident| ident.value.clone())
                    .collect(),
            },
        };
        Ok((table, qualifier))
    }

    pub fn refuse_time_travel(&self, verb: &str) -> Result<(), Error> {
        let follows = |words: [&str; 3]| {
            words.iter().enumerate().all(|(i, word)| {
                crate::lex::tokens::is_word(&self.parser.peek_nth_token_ref(i).token, word)
            })
        };
        if follows(["VERSION", "AS", "OF"]) || follows(["TIMESTAMP", "AS", "OF"]) {
            return Err(Error::new(
                "UNSUPPORTED_FEATURE",
                format!("{verb} changes the latest version; an older one can't be changed."),
            )
            .with_hint("RESTORE TABLE t TO VERSION AS OF n makes an older version the latest."));
        }
        Ok(())
    }

    /// `a = 1, t.b = 2`.
    pub fn assignments(&mut self) -> Result<Vec<RawAssignment>, Error> {
        let mut assignments = Vec::new();
        loop {
            let column = self.column()?;
            if !self.token(&Token::Eq) && !self.token(&Token::DoubleEq) {
                return Err(self.unexpected("="));
            }
            assignments.push(RawAssignment {
                column,
                expression: self.expr()?,
            });
            if !self.token(&Token::Comma) {
                return Ok(assignments);
            }
        }
    }

    fn column_list_follows(&self) -> bool {
        let next = |n| &self.parser.peek_nth_token_ref(n).token;
        *next(0) == Token::LParen
            && matches!(next(1), Token::Word(_))
            && matches!(next(2), Token::Comma | Token::RParen)
    }

    fn column_list(&mut self) -> Result<Vec<String>, Error> {
        self.expect_token(&Token::LParen)?;
        let mut columns = vec![self.name()?];
        while self.token(&Token::Comma) {
            columns.push(self.name()?);
        }
        self.expect_token(&Token::RParen)?;
        Ok(columns)
    }
}
