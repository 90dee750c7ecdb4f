//! Statements that look at tables: EXPLAIN, DESCRIBE, SHOW.

use messages::Error;
use sqlparser::tokenizer::Token;

use crate::errors::not_supported;
use crate::parse::parser::StatementParser;
use crate::statement::{ExplainMode, StatementKind};

impl StatementParser<'_> {
    pub fn explain(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        let mode = if self.word("ANALYZE") {
            ExplainMode::Analyze
        } else if self.word("EXTENDED") || self.word("VERBOSE") {
            ExplainMode::Verbose
        } else {
            let _ = self.word("FORMATTED") || self.word("CODEGEN") || self.word("COST");
            ExplainMode::Plan
        };
        if !self.at_query() {
            return Err(not_supported(
                "EXPLAIN of a statement that is no query",
                "EXPLAIN takes a SELECT.",
            ));
        }
        Ok(StatementKind::Explain {
            mode,
            query: self.query()?,
        })
    }

    pub fn describe(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        // Each of these words may also be the table's name.
        if self.peek_word("HISTORY") && self.names_follow(1) {
            self.parser.advance_token();
            let table = self.table()?;
            let limit = if self.word("LIMIT") {
                Some(self.number()?)
            } else {
                None
            };
            return Ok(StatementKind::DescribeHistory { table, limit });
        }
        if self.peek_word("DETAIL") && self.names_follow(1) {
            self.parser.advance_token();
            return Ok(StatementKind::DescribeDetail {
                table: self.table()?,
            });
        }
        if self.peek_word("TABLE") && self.names_follow(1) {
            self.parser.advance_token();
        }
        if self.at_query() || self.peek_word("QUERY") && self.names_follow(1) {
            return Err(not_supported(
                "DESCRIBE of a query",
                "Run it with LIMIT 0 to see its columns.",
            ));
        }
        for other in ["DATABASE", "SCHEMA", "FUNCTION", "CATALOG"] {
            if self.peek_word(other) && self.names_follow(1) {
                return Err(not_supported(
                    &format!("DESCRIBE {other}"),
                    "DESCRIBE takes a table.",
                ));
            }
        }
        let mut extended = false;
        for word in ["EXTENDED", "FORMATTED"] {
            if self.peek_word(word) && self.names_follow(1) {
                self.parser.advance_token();
                extended = true;
            }
        }
        Ok(StatementKind::DescribeTable {
            table: self.table()?,
            extended,
        })
    }

    pub fn show(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        if self.word("TABLES") {
            if !self.at_end() {
                return Err(not_supported(
                    "A filter after SHOW TABLES",
                    "SHOW TABLES lists all tables.",
                ));
            }
            return Ok(StatementKind::ShowTables);
        }
        if self.words(&["CREATE", "TABLE"]) {
            let table = self.table()?;
            let _ = self.words(&["AS", "SERDE"]);
            return Ok(StatementKind::ShowCreateTable { table });
        }
        if self.word("TBLPROPERTIES") {
            let table = self.table()?;
            let key = if self.token(&Token::LParen) {
                let key = self.property_key()?;
                self.expect_token(&Token::RParen)?;
                Some(key)
            } else {
                None
            };
            return Ok(StatementKind::ShowTableProperties { table, key });
        }
        let what = self.next_word();
        Err(not_supported(
            &format!("SHOW {what}"),
            "There are SHOW TABLES, SHOW TBLPROPERTIES t and SHOW CREATE TABLE t; DESCRIBE t shows a table's columns.",
        ))
    }
}
