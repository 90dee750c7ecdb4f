//! OPTIMIZE.

use messages::Error;
use sqlparser::tokenizer::Token;

use crate::errors::not_supported;
use crate::maintenance::{Maintenance, Optimize};
use crate::parse::parser::StatementParser;
use crate::statement::{StatementKind, WriteOperation};
use crate::table_name::short_name;

impl StatementParser<'_> {
    pub fn optimize(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        let table = self.table()?;
        self.refuse_time_travel("OPTIMIZE")?;
        if self.peek_word("FULL") {
            return Err(not_supported(
                "OPTIMIZE … FULL",
                "It is for tables with liquid clustering; OPTIMIZE t compacts files.",
            ));
        }
        let partitions = match self.word("WHERE") {
            true => Some(self.expr()?),
            false => None,
        };
        let zorder_by = match self.words(&["ZORDER", "BY"]) {
            true => self.zorder_columns()?,
            false => Vec::new(),
        };
        let optimize = Optimize {
            table: short_name(&table).to_owned(),
            partitions,
            zorder_by,
        };
        let operation = WriteOperation::Maintain(Maintenance::Optimize(optimize));
        Ok(StatementKind::write(table, operation))
    }

    /// `(a, b.c)`, or the same without parentheses.
    fn zorder_columns(&mut self) -> Result<Vec<Vec<String>>, Error> {
        let parenthesised = self.token(&Token::LParen);
        let mut columns = Vec::new();
        loop {
            let path = self.column()?.into_iter();
            columns.push(path.map(|part| part.value).collect());
            if !self.token(&Token::Comma) {
                break;
            }
        }
        if parenthesised {
            self.expect_token(&Token::RParen)?;
        }
        Ok(columns)
    }
}
