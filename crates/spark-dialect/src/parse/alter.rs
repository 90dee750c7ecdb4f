//! ALTER TABLE, beside SET TBLPROPERTIES and ADD COLUMNS.

use messages::Error;
use sqlparser::tokenizer::Token;
use table_properties::canonical_name;

use crate::alter::{Alter, ColumnChange, ColumnPosition};
use crate::errors::not_supported;
use crate::parse::parser::StatementParser;
use crate::query::TableName;
use crate::statement::StatementKind;
use crate::write::WriteOperation;

impl StatementParser<'_> {
    /// What follows `ALTER TABLE t`.
    pub fn alter_further(&mut self, table: TableName) -> Result<StatementKind, Error> {
        let alter = if self.words(&["UNSET", "TBLPROPERTIES"]) {
            self.unset_properties()?
        } else if self.words(&["ADD", "CONSTRAINT"]) {
            self.add_constraint()?
        } else if self.words(&["DROP", "CONSTRAINT"]) {
            let if_exists = self.words(&["IF", "EXISTS"]);
            let name = self.name()?;
            let _ = self.word("RESTRICT");
            Alter::DropConstraint { name, if_exists }
        } else if self.words(&["DROP", "COLUMN"]) || self.words(&["DROP", "COLUMNS"]) {
            let if_exists = self.words(&["IF", "EXISTS"]);
            let columns = self.column_paths()?;
            Alter::DropColumns { columns, if_exists }
        } else if self.words(&["RENAME", "COLUMN"]) {
            let column = self.column_path()?;
            self.expect_word("TO")?;
            let to = self.name()?;
            Alter::RenameColumn { column, to }
        } else if self.word("ALTER") || self.word("CHANGE") {
            let _ = self.word("COLUMN");
            let column = self.column_path()?;
            let change = self.column_change()?;
            Alter::ChangeColumn { column, change }
        } else {
            return Err(self.unknown_alter());
        };
        Ok(StatementKind::write(table, WriteOperation::Alter(alter)))
    }

    fn unknown_alter(&self) -> Error {
        let [first, second] = self.parser.peek_tokens::<2>();
        let what = format!("{first} {second}").to_ascii_uppercase();
        let hint = match what.as_str() {
            "RENAME TO" => "A table's name is its path; copy it with CREATE TABLE … AS SELECT.",
            "DROP FEATURE" | "SET LOCATION" | "CLUSTER BY" | "REPLACE COLUMNS" => {
                "Run it in Spark."
            }
            _ if first.to_string().eq_ignore_ascii_case("ADD") => {
                "There are ADD COLUMNS and ADD CONSTRAINT name CHECK (condition)."
            }
            _ => {
                return self.unexpected(
                    "SET or UNSET TBLPROPERTIES, ADD, DROP, RENAME or ALTER COLUMN, ADD or DROP CONSTRAINT",
                );
            }
        };
        not_supported(&format!("ALTER TABLE … {what}"), hint)
    }

    /// `[IF EXISTS] (a, 'b')`.
    fn unset_properties(&mut self) -> Result<Alter, Error> {
        let if_exists = self.words(&["IF", "EXISTS"]);
        self.expect_token(&Token::LParen)?;
        let mut keys = Vec::new();
        loop {
            let key = self.property_key()?;
            keys.push(canonical_name(&key).map_or(key, str::to_owned));
            if !self.token(&Token::Comma) {
                break;
            }
        }
        self.expect_token(&Token::RParen)?;
        Ok(Alter::UnsetProperties { keys, if_exists })
    }

    /// `name CHECK (condition)`.
    fn add_constraint(&mut self) -> Result<Alter, Error> {
        let name = self.name()?;
        if !self.word("CHECK") {
            let what = format!("A constraint that is a {}", self.next_word());
            let hint =
                "Delta tables have CHECK constraints, and NOT NULL: ALTER COLUMN c SET NOT NULL.";
            return Err(match self.parser.peek_token_ref().token {
                Token::Word(_) => not_supported(&what, hint),
                _ => self.unexpected("CHECK"),
            });
        }
        let condition = self.parenthesised_expression()?;
        let _ = self.word("ENFORCED");
        Ok(Alter::AddConstraint { name, condition })
    }

    fn column_change(&mut self) -> Result<ColumnChange, Error> {
        if self.words(&["SET", "NOT", "NULL"]) {
            Ok(ColumnChange::SetNotNull)
        } else if self.words(&["DROP", "NOT", "NULL"]) {
            Ok(ColumnChange::DropNotNull)
        } else if self.word("COMMENT") {
            Ok(ColumnChange::Comment(self.string()?))
        } else if self.word("TYPE") {
            Ok(ColumnChange::Type(self.delta_type()?))
        } else if let Some(position) = self.column_position()? {
            Ok(ColumnChange::Move(position))
        } else if self.words(&["SET", "DEFAULT"]) {
            Ok(ColumnChange::SetDefault(self.default_value()?))
        } else if self.words(&["DROP", "DEFAULT"]) {
            Ok(ColumnChange::DropDefault)
        } else if self.words(&["SYNC", "IDENTITY"]) {
            Err(not_supported(
                "ALTER COLUMN … SYNC IDENTITY",
                "Run it in Spark.",
            ))
        } else {
            let expected =
                "TYPE, COMMENT, SET or DROP NOT NULL, SET or DROP DEFAULT, FIRST or AFTER";
            Err(self.unexpected(expected))
        }
    }

    /// `FIRST`, `AFTER column`, or nothing.
    pub fn column_position(&mut self) -> Result<Option<ColumnPosition>, Error> {
        if self.word("FIRST") {
            Ok(Some(ColumnPosition::First))
        } else if self.word("AFTER") {
            Ok(Some(ColumnPosition::After(self.name()?)))
        } else {
            Ok(None)
        }
    }

    fn column_path(&mut self) -> Result<Vec<String>, Error> {
        let path = self.column()?.into_iter();
        Ok(path.map(|part| part.value).collect())
    }

    /// `(a, b.c)`, or the same without parentheses.
    pub fn column_paths(&mut self) -> Result<Vec<Vec<String>>, Error> {
        let parenthesised = self.token(&Token::LParen);
        let mut columns = vec![self.column_path()?];
        while self.token(&Token::Comma) {
            columns.push(self.column_path()?);
        }
        if parenthesised {
            self.expect_token(&Token::RParen)?;
        }
        Ok(columns)
    }
}
