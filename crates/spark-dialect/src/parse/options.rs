//! Options of the session: SET.

use messages::Error;
use sqlparser::tokenizer::Token;

use crate::errors::not_supported;
use crate::parse::parser::StatementParser;
use crate::statement::StatementKind;

impl StatementParser<'_> {
    /// `SET key = value`, where the value is whatever the text says.
    pub fn set(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        if self.at_end() {
            return Err(not_supported("SET alone", "SET key asks for one option."));
        }
        if self.word("TIME") {
            self.expect_word("ZONE")?;
            let value = self.string()?;
            return Ok(StatementKind::SetOption {
                key: "spark.sql.session.timeZone".to_owned(),
                value,
            });
        }
        let key = self.property_key()?;
        if !self.token(&Token::Eq) {
            return Ok(StatementKind::ShowOption { key });
        }
        while !self.at_end() {
            self.parser.advance_token();
        }
        let value = self
            .text
            .split_once('=')
            .map_or("", |(_, value)| value.trim());
        let quoted = ['\'', '"'].into_iter().find_map(|quote| {
            value
                .strip_prefix(quote)
                .and_then(|value| value.strip_suffix(quote))
        });
        Ok(StatementKind::SetOption {
            key,
            value: quoted.unwrap_or(value).to_owned(),
        })
    }
}
