//! OPTIMIZE, VACUUM and DROP.

use messages::Error;
use sqlparser::tokenizer::Token;

use crate::errors::not_supported;
use crate::maintenance::{DropTable, Maintenance, Optimize, Vacuum};
use crate::parse::parser::StatementParser;
use crate::statement::StatementKind;
use crate::table_name::short_name;
use crate::write::WriteOperation;

/// Milliseconds of an hour.
const HOUR: f64 = 3_600_000.0;

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
            true => self.column_paths()?,
            false => Vec::new(),
        };
        let optimize = Optimize {
            table: short_name(&table).to_owned(),
            partitions,
            zorder_by,
        };
        let operation = WriteOperation::Maintain(Maintenance::Optimize(Box::new(optimize)));
        Ok(StatementKind::write(table, operation))
    }

    pub fn vacuum(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        let _ = self.peek_word("TABLE") && self.names_follow(1) && self.word("TABLE");
        let table = self.table()?;
        self.refuse_time_travel("VACUUM")?;
        let mut vacuum = Vacuum {
            retain: None,
            dry_run: false,
        };
        loop {
            if self.word("RETAIN") {
                vacuum.retain = Some(self.hours()?);
            } else if self.words(&["DRY", "RUN"]) {
                vacuum.dry_run = true;
            } else if self.peek_word("LITE") {
                return Err(not_supported(
                    "VACUUM … LITE",
                    "VACUUM t looks at all files in the table's folder.",
                ));
            } else if self.peek_word("USING") {
                return Err(not_supported(
                    "VACUUM … USING INVENTORY",
                    "VACUUM t lists the table's folder itself.",
                ));
            } else if !self.word("FULL") {
                break;
            }
        }
        let operation = WriteOperation::Maintain(Maintenance::Vacuum(vacuum));
        Ok(StatementKind::write(table, operation))
    }

    /// DROP of a table or a view.
    pub fn drop_named(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        if !self.word("TABLE") {
            return self.drop_view();
        }
        let if_exists = self.words(&["IF", "EXISTS"]);
        let table = self.table()?;
        // All files go anyway.
        let _ = self.word("PURGE");
        let operation = WriteOperation::Maintain(Maintenance::Drop(DropTable { if_exists }));
        Ok(StatementKind::write(table, operation))
    }

    /// `168 HOURS`, in milliseconds.
    fn hours(&mut self) -> Result<i64, Error> {
        let hours = match &self.parser.peek_token_ref().token {
            Token::Number(digits, _) => digits.parse::<f64>().ok(),
            _ => None,
        };
        // Up to a billion hours every number of milliseconds is exact.
        let hours = hours.filter(|hours| (0.0..=1e9).contains(hours));
        let hours = hours.ok_or_else(|| self.unexpected("a number of hours"))?;
        self.parser.advance_token();
        if !self.word("HOURS") {
            return Err(self.unexpected("HOURS"));
        }
        Ok((hours * HOUR) as i64)
    }
}
