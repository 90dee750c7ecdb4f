//! Column types, from DDL to the Delta log's form.
//!
//! Protocol: [Schema Serialization Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format)

use messages::Error;
use serde_json::{Value, json};
use sqlparser::tokenizer::Token;

use crate::errors::too_complex;
use crate::parse::parser::StatementParser;

/// How deep types may nest.
const MAX_DEPTH: usize = 40;

impl StatementParser<'_> {
    /// `INT`, `DECIMAL(10, 2)`, `STRUCT<a: INT, b: ARRAY<STRING>>`.
    pub fn delta_type(&mut self) -> Result<Value, Error> {
        let mut closed_ahead = 0;
        let data_type = self.nested_type(0, &mut closed_ahead)?;
        if closed_ahead > 0 {
            return Err(self.unexpected("a type, but there is one > too many before it,"));
        }
        Ok(data_type)
    }

    /// `closed_ahead`: how many `>` of a token `>>` are taken but not used.
    fn nested_type(&mut self, depth: usize, closed_ahead: &mut usize) -> Result<Value, Error> {
        if depth > MAX_DEPTH {
            return Err(too_complex(Some(self.parser.peek_token_ref().span.start)));
        }
        let Token::Word(word) = &self.parser.peek_token_ref().token else {
            return Err(self.unexpected("a type"));
        };
        let name = word.value.to_ascii_lowercase();
        let place = self.parser.peek_token_ref().span.start;
        self.parser.advance_token();
        Ok(match name.as_str() {
            "string" | "text" => json!("string"),
            "boolean" | "bool" => json!("boolean"),
            "tinyint" | "byte" => json!("byte"),
            "smallint" | "short" => json!("short"),
            "int" | "integer" => json!("integer"),
            "bigint" | "long" => json!("long"),
            "float" | "real" => json!("float"),
            "double" => json!("double"),
            "date" => json!("date"),
            "timestamp" | "timestamp_ltz" => json!("timestamp"),
            "timestamp_ntz" => json!("timestamp_ntz"),
            "binary" => json!("binary"),
            "decimal" | "dec" | "numeric" => {
                let (precision, scale) = self.precision_and_scale()?;
                json!(format!("decimal({precision},{scale})"))
            }
            "array" => {
                self.expect_token(&Token::Lt)?;
                let element = self.nested_type(depth + 1, closed_ahead)?;
                self.close(closed_ahead)?;
                json!({"type": "array", "elementType": element, "containsNull": true})
            }
            "map" => {
                self.expect_token(&Token::Lt)?;
                let key = self.nested_type(depth + 1, closed_ahead)?;
                self.expect_token(&Token::Comma)?;
                let value = self.nested_type(depth + 1, closed_ahead)?;
                self.close(closed_ahead)?;
                json!({
                    "type": "map",
                    "keyType": key,
                    "valueType": value,
                    "valueContainsNull": true,
                })
            }
            "struct" => {
                self.expect_token(&Token::Lt)?;
                let mut fields = Vec::new();
                loop {
                    fields.push(self.struct_field(depth, closed_ahead)?);
                    if *closed_ahead > 0 || !self.token(&Token::Comma) {
                        break;
                    }
                }
                self.close(closed_ahead)?;
                json!({"type": "struct", "fields": fields})
            }
            _ => {
                let hint = match name.as_str() {
                    "varchar" | "char" | "character" => "Use STRING.",
                    "interval" | "variant" | "void" | "geometry" | "geography" | "object" => {
                        "Lakeglass does not write this type yet."
                    }
                    _ => {
                        "Types are STRING, BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, \
                         DECIMAL(p, s), DATE, TIMESTAMP, TIMESTAMP_NTZ, BINARY, ARRAY<…>, \
                         MAP<…, …> and STRUCT<name: …>."
                    }
                };
                return Err(Error::new(
                    "UNSUPPORTED_DATATYPE",
                    format!(
                        "`{name}` in line {}, column {} is no type for a column.",
                        place.line, place.column
                    ),
                )
                .with_hint(hint));
            }
        })
    }

    fn struct_field(&mut self, depth: usize, closed_ahead: &mut usize) -> Result<Value, Error> {
        let name = self.name()?;
        let _ = self.token(&Token::Colon);
        let data_type = self.nested_type(depth + 1, closed_ahead)?;
        let mut nullable = true;
        let mut metadata = serde_json::Map::new();
        if *closed_ahead == 0 {
            if self.words(&["NOT", "NULL"]) {
                nullable = false;
            }
            if self.word("COMMENT") {
                metadata.insert("comment".to_owned(), Value::String(self.string()?));
            }
        }
        Ok(json!({"name": name, "type": data_type, "nullable": nullable, "metadata": metadata}))
    }

    /// Takes a `>`, which may be half of a `>>`.
    fn close(&mut self, closed_ahead: &mut usize) -> Result<(), Error> {
        if *closed_ahead > 0 {
            *closed_ahead -= 1;
            return Ok(());
        }
        if self.token(&Token::ShiftRight) {
            *closed_ahead = 1;
            return Ok(());
        }
        self.expect_token(&Token::Gt)
    }

    fn precision_and_scale(&mut self) -> Result<(u64, u64), Error> {
        if !self.token(&Token::LParen) {
            return Ok((10, 0));
        }
        let precision = self.number()?;
        let scale = if self.token(&Token::Comma) {
            self.number()?
        } else {
            0
        };
        self.expect_token(&Token::RParen)?;
        if precision == 0 || precision > 38 || scale > precision {
            return Err(Error::new(
                "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
                format!("DECIMAL({precision}, {scale}) is no type."),
            )
            .with_hint("The precision is from 1 to 38, and the scale at most the precision."));
        }
        Ok((precision, scale))
    }
}
