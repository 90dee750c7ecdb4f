//! Temporary views: CREATE TEMPORARY VIEW, DROP VIEW.

use messages::Error;
use sqlparser::tokenizer::Token;

use crate::parse::parser::StatementParser;
use crate::statement::StatementKind;

impl StatementParser<'_> {
    pub fn create_view(&mut self, or_replace: bool) -> Result<StatementKind, Error> {
        let name = self.name()?;
        let mut columns = Vec::new();
        if self.token(&Token::LParen) {
            loop {
                columns.push(self.name()?);
                if self.word("COMMENT") {
                    self.string()?;
                }
                if !self.token(&Token::Comma) {
                    break;
                }
            }
            self.expect_token(&Token::RParen)?;
        }
        if self.word("COMMENT") {
            self.string()?;
        }
        self.expect_word("AS")?;
        Ok(StatementKind::CreateView {
            name,
            or_replace,
            columns,
            query: self.query()?,
        })
    }

    /// What follows DROP.
    pub fn drop_view(&mut self) -> Result<StatementKind, Error> {
        let _ = self.word("TEMPORARY") || self.word("TEMP");
        self.expect_word("VIEW")?;
        let if_exists = self.words(&["IF", "EXISTS"]);
        Ok(StatementKind::DropView {
            name: self.name()?,
            if_exists,
        })
    }
}
