//! Statements. sqlparser parses queries and expressions; the statements around them, which it does
//! not know in Delta's form, are put together here from its parts.

use messages::Error;
use sqlparser::ast::{self, Expr, Ident, ObjectName};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Word};

use crate::errors::{from_parser, not_supported, syntax_error};
use crate::lex::dialect::SparkDialect;
use crate::lex::tokens::{self, StatementTokens, is_word};
use crate::statement::{
    ExplainMode, Moment, ParsedStatement, Query, StatementKind, TableName, VersionSpec,
};
use crate::table_name::table_name;

/// Splits a script at `;` and parses its statements. Empty statements are left out.
///
/// # Errors
/// `PARSE_SYNTAX_ERROR` and its kin, with line and column (both from 1) in the message. The first
/// statement that fails ends it: nothing of a broken script runs.
pub fn parse_script(sql: &str) -> Result<Vec<ParsedStatement>, Error> {
    tokens::split(sql)?
        .into_iter()
        .map(|mut statement| {
            tokens::prepare(&mut statement)?;
            let kind = parse_statement(&statement)?;
            Ok(ParsedStatement {
                text: statement.text,
                offset: statement.offset,
                kind,
            })
        })
        .collect()
}

fn parse_statement(statement: &StatementTokens) -> Result<StatementKind, Error> {
    let dialect = SparkDialect::new(statement.tokens.len());
    let mut p = StatementParser::new(&dialect, &statement.tokens, statement.end);
    let kind = p.statement(&statement.text)?;
    p.finish()?;
    Ok(kind)
}

/// The table that a string names, as `table_changes` takes it: `t`, `bucket.t`, `` delta.`…` ``.
pub(crate) fn table_name_from_text(text: &str) -> Result<TableName, Error> {
    let invalid = || {
        Error::new(
            "TABLE_OR_VIEW_NOT_FOUND",
            format!("'{text}' does not name a table."),
        )
        .with_hint(
            "Write 'table', 'bucket.table' or 'delta.`s3a://bucket/path`' (with backticks); \
                 table_changes_by_path takes a bare path.",
        )
    };
    let mut statements = tokens::split(text).map_err(|_| invalid())?;
    let (Some(statement), 0) = (statements.pop(), statements.len()) else {
        return Err(invalid());
    };
    let dialect = SparkDialect::new(statement.tokens.len());
    let mut p = StatementParser::new(&dialect, &statement.tokens, statement.end);
    let table = p.table().map_err(|_| invalid())?;
    p.finish().map_err(|_| invalid())?;
    Ok(table)
}

/// sqlparser's parser over one statement, with errors in our words.
pub(crate) struct StatementParser<'a> {
    pub parser: Parser<'a>,
    tokens: &'a [TokenWithSpan],
    end: Location,
}

impl<'a> StatementParser<'a> {
    fn new(dialect: &'a SparkDialect, tokens: &'a [TokenWithSpan], end: Location) -> Self {
        let parser = Parser::new(dialect).with_tokens_with_locations(tokens.to_vec());
        Self {
            parser,
            tokens,
            end,
        }
    }

    fn statement(&mut self, text: &str) -> Result<StatementKind, Error> {
        let first = match &self.parser.peek_token_ref().token {
            Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
            Token::LParen => "SELECT".to_owned(),
            _ => return Err(self.unexpected("a statement")),
        };
        match first.as_str() {
            "SELECT" | "WITH" | "VALUES" | "TABLE" | "FROM" => {
                Ok(StatementKind::Query(self.query()?))
            }
            "EXPLAIN" => self.explain(),
            "DESCRIBE" | "DESC" => self.describe(),
            "SHOW" => self.show(),
            "SET" => self.set(text),
            "CREATE" | "REPLACE" => self.create(),
            "DROP" => self.drop_view(),
            "INSERT" => self.insert(),
            "UPDATE" => self.update(),
            "DELETE" => self.delete(),
            "MERGE" => self.merge(),
            "RESTORE" => self.restore(),
            "ALTER" => self.alter(),
            other => match later(other) {
                Some(hint) => Err(not_supported(other, hint)),
                None => Err(self.unexpected("a statement").with_hint(
                    "Statements start with SELECT, WITH, VALUES, INSERT, UPDATE, DELETE, MERGE, \
                     CREATE, REPLACE, ALTER, RESTORE, DESCRIBE, SHOW, SET, EXPLAIN or DROP.",
                )),
            },
        }
    }

    fn explain(&mut self) -> Result<StatementKind, Error> {
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

    fn describe(&mut self) -> Result<StatementKind, Error> {
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

    fn show(&mut self) -> Result<StatementKind, Error> {
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
        let what = self
            .parser
            .peek_token_ref()
            .token
            .to_string()
            .to_ascii_uppercase();
        Err(not_supported(
            &format!("SHOW {what}"),
            "There are SHOW TABLES and SHOW TBLPROPERTIES t; DESCRIBE t shows a table's columns.",
        ))
    }

    /// `SET key = value`, where the value is whatever the text says.
    fn set(&mut self, text: &str) -> Result<StatementKind, Error> {
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
        let value = text.split_once('=').map_or("", |(_, value)| value.trim());
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

    fn drop_view(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        if self.word("TABLE") {
            return Err(not_supported(
                "DROP TABLE",
                "Lakeglass deletes no tables. CREATE OR REPLACE TABLE starts one anew, with its history.",
            ));
        }
        let _ = self.word("TEMPORARY") || self.word("TEMP");
        self.expect_word("VIEW")?;
        let if_exists = self.words(&["IF", "EXISTS"]);
        Ok(StatementKind::DropView {
            name: self.name()?,
            if_exists,
        })
    }

    // The parts of statements.

    pub fn query(&mut self) -> Result<Query, Error> {
        if self.peek_word("TABLE") {
            self.parser.advance_token();
            let factor = self.parser.parse_table_factor();
            return Query::all_of(self.parsed(factor)?);
        }
        let query = self.parser.parse_query();
        Query::new(self.parsed(query)?)
    }

    pub fn expr(&mut self) -> Result<Expr, Error> {
        let expr = self.parser.parse_expr();
        self.parsed(expr)
    }

    pub fn object_name(&mut self) -> Result<ObjectName, Error> {
        let name = self.parser.parse_object_name(true);
        self.parsed(name)
    }

    pub fn table(&mut self) -> Result<TableName, Error> {
        table_name(&self.object_name()?)
    }

    pub fn ident(&mut self) -> Result<Ident, Error> {
        if matches!(
            self.parser.peek_token_ref().token,
            Token::SingleQuotedString(_)
        ) {
            return Err(self.unexpected("a name"));
        }
        let ident = self.parser.parse_identifier();
        self.parsed(ident)
    }

    /// A name of one part.
    pub fn name(&mut self) -> Result<String, Error> {
        Ok(self.ident()?.value)
    }

    /// A column's name, perhaps qualified.
    pub fn column(&mut self) -> Result<Vec<Ident>, Error> {
        let mut parts = vec![self.ident()?];
        while self.token(&Token::Period) {
            parts.push(self.ident()?);
        }
        Ok(parts)
    }

    /// `[AS] alias`, where the next word is none of `stop`.
    pub fn alias(&mut self, stop: &[&str]) -> Result<Option<String>, Error> {
        if self.word("AS") {
            return self.name().map(Some);
        }
        match &self.parser.peek_token_ref().token {
            Token::Word(word)
                if word.quote_style.is_some()
                    || !stop
                        .iter()
                        .any(|stop| word.value.eq_ignore_ascii_case(stop)) =>
            {
                self.name().map(Some)
            }
            _ => Ok(None),
        }
    }

    /// `VERSION AS OF 3` or `TIMESTAMP AS OF '…'`.
    pub fn version_spec(&mut self) -> Result<VersionSpec, Error> {
        if self.words(&["VERSION", "AS", "OF"]) {
            return self.number().map(VersionSpec::Version);
        }
        if self.words(&["TIMESTAMP", "AS", "OF"]) {
            let expr = self.expr()?;
            return Moment::from_expr(&expr).map(VersionSpec::Timestamp);
        }
        Err(self.unexpected("VERSION AS OF or TIMESTAMP AS OF"))
    }

    pub fn string(&mut self) -> Result<String, Error> {
        match &self.parser.peek_token_ref().token {
            Token::SingleQuotedString(text) => {
                let text = text.clone();
                self.parser.advance_token();
                Ok(text)
            }
            _ => Err(self.unexpected("a string")),
        }
    }

    pub fn number(&mut self) -> Result<u64, Error> {
        if let Token::Number(digits, _) = &self.parser.peek_token_ref().token
            && let Ok(number) = digits.parse()
        {
            self.parser.advance_token();
            return Ok(number);
        }
        Err(self.unexpected("a whole number"))
    }

    /// `'delta.appendOnly'` or `delta.appendOnly`.
    pub fn property_key(&mut self) -> Result<String, Error> {
        if matches!(
            self.parser.peek_token_ref().token,
            Token::SingleQuotedString(_)
        ) {
            return self.string();
        }
        let parts = self.column()?;
        Ok(parts
            .iter()
            .map(|part| part.value.as_str())
            .collect::<Vec<_>>()
            .join("."))
    }

    // Tokens.

    /// Takes the next token if it is this word.
    pub fn word(&mut self, word: &str) -> bool {
        let found = self.peek_word(word);
        if found {
            self.parser.advance_token();
        }
        found
    }

    /// Takes the next tokens if they are these words.
    pub fn words(&mut self, words: &[&str]) -> bool {
        let found = words
            .iter()
            .enumerate()
            .all(|(i, word)| is_word(&self.parser.peek_nth_token_ref(i).token, word));
        if found {
            for _ in words {
                self.parser.advance_token();
            }
        }
        found
    }

    pub fn expect_word(&mut self, word: &str) -> Result<(), Error> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.unexpected(word))
        }
    }

    pub fn token(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    pub fn expect_token(&mut self, token: &Token) -> Result<(), Error> {
        if self.token(token) {
            Ok(())
        } else {
            Err(self.unexpected(&token.to_string()))
        }
    }

    pub fn peek_word(&self, word: &str) -> bool {
        is_word(&self.parser.peek_token_ref().token, word)
    }

    pub fn at_end(&self) -> bool {
        self.parser.peek_token_ref().token == Token::EOF
    }

    pub fn at_query(&self) -> bool {
        self.parser.peek_token_ref().token == Token::LParen
            || ["SELECT", "WITH", "VALUES", "TABLE", "FROM"]
                .iter()
                .any(|word| self.peek_word(word))
    }

    /// Whether a name stands `n` tokens ahead.
    fn names_follow(&self, n: usize) -> bool {
        matches!(
            self.parser.peek_nth_token_ref(n).token,
            Token::Word(Word { .. })
        )
    }

    /// An error at the next token.
    pub fn unexpected(&self, expected: &str) -> Error {
        let next = self.parser.peek_token_ref();
        if next.token == Token::EOF {
            let what = format!("expected {expected}, but the statement ends here");
            return syntax_error(&what, Some(self.end));
        }
        let error = syntax_error(
            &format!("expected {expected}, found `{}`", next.token),
            Some(next.span.start),
        );
        match next.token {
            Token::AtSign => {
                error.with_hint("For an older version write VERSION AS OF 2 after the table.")
            }
            _ => error,
        }
    }

    pub fn parsed<T>(&self, result: Result<T, ParserError>) -> Result<T, Error> {
        result.map_err(|error| {
            // Where sqlparser does not say: the token that it took last, or looked at.
            let index = self.parser.index();
            let near = self
                .tokens
                .get(index.saturating_sub(1)..)
                .unwrap_or_default();
            from_parser(error, near, self.end)
        })
    }

    pub fn finish(&self) -> Result<(), Error> {
        if self.at_end() {
            Ok(())
        } else {
            Err(self.unexpected("the end of the statement"))
        }
    }
}

/// Statements of Spark that Lakeglass does not run, and what to do instead.
fn later(word: &str) -> Option<&'static str> {
    Some(match word {
        "OPTIMIZE" => "Files are compacted by a later version of Lakeglass; run OPTIMIZE in Spark.",
        "VACUUM" => "Files are removed by a later version of Lakeglass; run VACUUM in Spark.",
        "TRUNCATE" => "DELETE FROM t removes all rows, and can be undone with RESTORE.",
        "USE" => "Tables are named bucket.table, or by their path: delta.`s3a://bucket/path`.",
        "CACHE" | "UNCACHE" | "REFRESH" | "CLEAR" => "Nothing needs to be cached: leave it out.",
        "ANALYZE" => "Statistics come from the Delta log: leave it out.",
        "CONVERT" => "CREATE TABLE t USING DELTA AS SELECT * FROM parquet.`…` copies the rows.",
        "COPY" | "LOAD" => "INSERT INTO t SELECT * FROM parquet.`…` reads files.",
        "FSCK" | "REORG" | "REPAIR" | "MSCK" | "GENERATE" | "CLONE" => "Run it in Spark.",
        "GRANT" | "REVOKE" | "DENY" => "Who may do what is up to the object store.",
        "BEGIN" | "COMMIT" | "ROLLBACK" | "START" => {
            "Each statement is a transaction of its own; RESTORE undoes one."
        }
        "CALL" | "DECLARE" | "EXECUTE" | "PREPARE" | "COMMENT" | "RESET" | "ADD" | "LIST" => {
            "Leave it out."
        }
        _ => return None,
    })
}

/// Whether an expression contains a query.
pub(crate) fn contains_query(expr: &Expr) -> bool {
    struct Finder;
    impl ast::Visitor for Finder {
        type Break = ();
        fn pre_visit_query(&mut self, _query: &ast::Query) -> std::ops::ControlFlow<()> {
            std::ops::ControlFlow::Break(())
        }
    }
    ast::Visit::visit(expr, &mut Finder).is_break()
}
