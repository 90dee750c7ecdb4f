//! CREATE, REPLACE and ALTER.

use std::collections::BTreeMap;

use messages::Error;
use sqlparser::tokenizer::Token;
use table_properties::canonical_name;

use crate::definitions::{ColumnDefinition, CreateMode, TableOptions};
use crate::errors::not_supported;
use crate::identifiers::{exact_partition_columns, same_identifier};
use crate::parse::parser::StatementParser;
use crate::query::TableName;
use crate::statement::StatementKind;
use crate::write::{AddColumns, CloneTable, Write, WriteOperation};

impl StatementParser<'_> {
    pub fn create(&mut self) -> Result<StatementKind, Error> {
        let must_exist = self.word("REPLACE");
        let or_replace = must_exist || {
            self.expect_word("CREATE")?;
            self.words(&["OR", "REPLACE"])
        };
        let _ = self.word("EXTERNAL") || self.word("MANAGED");
        let global = self.word("GLOBAL");
        let temporary = self.word("TEMPORARY") || self.word("TEMP");
        if self.word("VIEW") {
            if !temporary || global {
                return Err(not_supported(
                    "A view that outlives the session",
                    "Write CREATE TEMPORARY VIEW name AS SELECT ….",
                ));
            }
            return self.create_view(or_replace);
        }
        if temporary {
            return Err(not_supported(
                "CREATE TEMPORARY TABLE",
                "Write CREATE TEMPORARY VIEW.",
            ));
        }
        if !self.word("TABLE") {
            let what = self.next_word();
            return Err(match what.as_str() {
                "DATABASE" | "SCHEMA" | "CATALOG" => not_supported(
                    &format!("CREATE {what}"),
                    "The buckets of the object store stand for databases.",
                ),
                "FUNCTION" | "INDEX" | "MATERIALIZED" | "STREAMING" => not_supported(
                    &format!("CREATE {what}"),
                    "There are CREATE TABLE and CREATE TEMPORARY VIEW.",
                ),
                _ => self.unexpected("TABLE or TEMPORARY VIEW"),
            });
        }
        let if_not_exists = self.words(&["IF", "NOT", "EXISTS"]);
        let mode = match (or_replace, if_not_exists) {
            (true, true) => {
                return Err(Error::new(
                    "PARSE_SYNTAX_ERROR",
                    "OR REPLACE and IF NOT EXISTS exclude each other.",
                ));
            }
            (true, false) => CreateMode::CreateOrReplace,
            (false, true) => CreateMode::CreateIfNotExists,
            (false, false) => CreateMode::Create,
        };
        self.create_table(mode, must_exist)
    }

    fn create_table(&mut self, mode: CreateMode, must_exist: bool) -> Result<StatementKind, Error> {
        let table = self.table()?;
        if let TableName::Path {
            format: crate::query::TableFormat::Parquet,
            ..
        } = table
        {
            return Err(not_supported(
                "Writing Parquet files",
                "Write a Delta table: delta.`…`.",
            ));
        }
        if self.words(&["SHALLOW", "CLONE"]) {
            return self.clone_table(table, mode, must_exist);
        }
        let mut columns = Vec::new();
        if self.parser.peek_token_ref().token == Token::LParen
            && !["SELECT", "WITH", "VALUES"].iter().any(|word| {
                crate::lex::tokens::is_word(&self.parser.peek_nth_token_ref(1).token, word)
            })
        {
            self.expect_token(&Token::LParen)?;
            loop {
                columns.push(self.column_definition()?);
                if !self.token(&Token::Comma) {
                    break;
                }
            }
            self.expect_token(&Token::RParen)?;
        }
        let declared = !columns.is_empty();
        let mut options = TableOptions::default();
        let mut location = None;
        loop {
            if self.word("USING") {
                let format = self.name()?;
                if !format.eq_ignore_ascii_case("delta") {
                    return Err(not_supported(
                        &format!("USING {format}"),
                        "Tables are Delta tables: USING DELTA.",
                    ));
                }
            } else if self.words(&["PARTITIONED", "BY"]) {
                options.partition_by = self.partition_columns(&mut columns)?;
            } else if self.word("COMMENT") {
                options.comment = Some(self.string()?);
            } else if self.word("LOCATION") {
                location = Some(self.string()?);
            } else if self.word("TBLPROPERTIES") {
                options.properties = self.properties()?;
            } else {
                break;
            }
        }
        for (word, hint) in [
            ("CLUSTER", "Use PARTITIONED BY."),
            ("CLUSTERED", "Use PARTITIONED BY."),
            ("OPTIONS", "Use TBLPROPERTIES."),
            ("STORED", "Write USING DELTA."),
            (
                "LIKE",
                "Name the columns, or use AS SELECT * FROM t LIMIT 0.",
            ),
            ("DEEP", "Use AS SELECT * FROM t, or SHALLOW CLONE t."),
            ("CLONE", "Use AS SELECT * FROM t, or SHALLOW CLONE t."),
        ] {
            if self.peek_word(word) {
                return Err(not_supported(&format!("CREATE TABLE … {word}"), hint));
            }
        }
        let as_query = self.word("AS");
        if !as_query && !self.at_query() {
            return create_table_statement(table, mode, must_exist, location, columns, options);
        }
        let source = self.query()?;
        if declared || !columns.is_empty() {
            return Err(Error::new(
                "PARSE_SYNTAX_ERROR",
                "CREATE TABLE … AS SELECT takes its columns from the query and can't declare them too.",
            )
            .with_hint("Use CAST(… AS type) AS name in the query to choose types and names."));
        }
        let operation = WriteOperation::CreateTableAsSelect {
            mode,
            options,
            source,
        };
        Ok(StatementKind::Write(Box::new(Write {
            table,
            location,
            must_exist,
            operation,
        })))
    }

    /// What follows SHALLOW CLONE.
    fn clone_table(
        &mut self,
        table: TableName,
        mode: CreateMode,
        must_exist: bool,
    ) -> Result<StatementKind, Error> {
        let source = self.table()?;
        let at = match self.peek_word("VERSION") || self.peek_word("TIMESTAMP") {
            true => Some(self.version_spec()?),
            false => None,
        };
        let mut properties = BTreeMap::new();
        let mut location = None;
        loop {
            if self.word("TBLPROPERTIES") {
                properties = self.properties()?;
            } else if self.word("LOCATION") {
                location = Some(self.string()?);
            } else {
                break;
            }
        }
        let operation = WriteOperation::Clone(CloneTable {
            mode,
            source,
            at,
            properties,
        });
        Ok(StatementKind::Write(Box::new(Write {
            table,
            location,
            must_exist,
            operation,
        })))
    }

    /// `(a, b)`, or with types, which declares the columns as well.
    fn partition_columns(
        &mut self,
        columns: &mut Vec<ColumnDefinition>,
    ) -> Result<Vec<String>, Error> {
        self.expect_token(&Token::LParen)?;
        let mut names = Vec::new();
        loop {
            if matches!(
                self.parser.peek_nth_token_ref(1).token,
                Token::Comma | Token::RParen
            ) {
                names.push(self.name()?);
            } else if self.parser.peek_nth_token_ref(1).token == Token::LParen {
                return Err(not_supported(
                    "Partitioning by an expression",
                    "Partition by a column; add one that holds the expression.",
                ));
            } else {
                let column = self.column_definition()?;
                names.push(column.name.clone());
                columns.push(column);
            }
            if !self.token(&Token::Comma) {
                break;
            }
        }
        self.expect_token(&Token::RParen)?;
        Ok(names)
    }

    /// `('key' = 'value', delta.enableChangeDataFeed = true)`.
    fn properties(&mut self) -> Result<BTreeMap<String, String>, Error> {
        self.expect_token(&Token::LParen)?;
        let mut properties = BTreeMap::new();
        loop {
            let key = self.property_key()?;
            let key = canonical_name(&key).map_or(key, str::to_owned);
            let _ = self.token(&Token::Eq);
            let value = self.property_value()?;
            if properties.insert(key.clone(), value).is_some() {
                return Err(Error::new(
                    "DUPLICATE_KEY",
                    format!("The property {key} is set twice."),
                ));
            }
            if !self.token(&Token::Comma) {
                break;
            }
        }
        self.expect_token(&Token::RParen)?;
        Ok(properties)
    }

    fn property_value(&mut self) -> Result<String, Error> {
        let negative = self.token(&Token::Minus);
        let value = match &self.parser.peek_token_ref().token {
            Token::SingleQuotedString(text) if !negative => text.clone(),
            Token::Number(digits, _) if negative => format!("-{digits}"),
            Token::Number(digits, _) => digits.clone(),
            Token::Word(word)
                if word.value.eq_ignore_ascii_case("true")
                    || word.value.eq_ignore_ascii_case("false") =>
            {
                word.value.to_ascii_lowercase()
            }
            _ => {
                return Err(self
                    .unexpected("a string, a number, true or false")
                    .with_hint("Quote other values: 'interval 7 days'."));
            }
        };
        self.parser.advance_token();
        Ok(value)
    }

    pub fn alter(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        if !self.word("TABLE") {
            return Err(not_supported(
                "ALTER of something other than a table",
                "Write ALTER TABLE.",
            ));
        }
        let table = self.table()?;
        if self.words(&["SET", "TBLPROPERTIES"]) {
            let operation = WriteOperation::SetTableProperties(self.properties()?);
            return Ok(StatementKind::write(table, operation));
        }
        if self.words(&["ADD", "COLUMNS"]) || self.words(&["ADD", "COLUMN"]) {
            return self.add_columns(table);
        }
        self.alter_further(table)
    }

    fn add_columns(&mut self, table: TableName) -> Result<StatementKind, Error> {
        let parenthesised = self.token(&Token::LParen);
        let (mut columns, mut positions) = (Vec::new(), Vec::new());
        loop {
            columns.push(self.column_definition()?);
            positions.push(self.column_position()?);
            if !self.token(&Token::Comma) {
                break;
            }
        }
        if parenthesised {
            self.expect_token(&Token::RParen)?;
        }
        check_names(&columns)?;
        Ok(StatementKind::write(
            table,
            WriteOperation::AddColumns(AddColumns { columns, positions }),
        ))
    }
}

fn create_table_statement(
    table: TableName,
    mode: CreateMode,
    must_exist: bool,
    location: Option<String>,
    columns: Vec<ColumnDefinition>,
    mut options: TableOptions,
) -> Result<StatementKind, Error> {
    if columns.is_empty() {
        return Err(Error::new(
            "PARSE_SYNTAX_ERROR",
            format!("CREATE TABLE {table} says no columns."),
        )
        .with_hint("Name them, as in (id BIGINT, name STRING), or take them from AS SELECT …."));
    }
    check_names(&columns)?;
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    options.partition_by = exact_partition_columns(&options.partition_by, &names)?;
    let operation = WriteOperation::CreateTable {
        mode,
        columns,
        options,
    };
    Ok(StatementKind::Write(Box::new(Write {
        table,
        location,
        must_exist,
        operation,
    })))
}

fn check_names(columns: &[ColumnDefinition]) -> Result<(), Error> {
    for (i, column) in columns.iter().enumerate() {
        if columns[..i]
            .iter()
            .any(|other| same_identifier(&other.name, &column.name))
        {
            return Err(Error::new(
                "COLUMN_ALREADY_EXISTS",
                format!("The column `{}` is declared twice.", column.name),
            )
            .with_hint("Column names differ by more than upper and lower case."));
        }
    }
    Ok(())
}
