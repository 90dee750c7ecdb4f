//! MERGE.

use messages::Error;
use sqlparser::ast::TableFactor;
use sqlparser::tokenizer::Token;

use crate::errors::not_supported;
use crate::parse::parser::StatementParser;
use crate::query::Query;
use crate::statement::StatementKind;
use crate::table_name::{short_name, table_name};
use crate::translate::aliases::alias_of;
use crate::write::{Merge, MergeWhen, Qualifier, RawMergeAction, RawMergeClause, WriteOperation};

impl StatementParser<'_> {
    pub fn merge(&mut self) -> Result<StatementKind, Error> {
        self.parser.advance_token();
        let schema_evolution = self.words(&["WITH", "SCHEMA", "EVOLUTION"]);
        self.expect_word("INTO")?;
        let (table, target) = self.target("MERGE", &["USING"])?;
        self.expect_word("USING")?;
        let factor = self.parser.parse_table_factor();
        let factor = self.parsed(factor)?;
        let source_qualifier = source_qualifier(&factor)?;
        let source = Query::all_of(factor)?;
        self.expect_word("ON")?;
        let on = self.expr()?;
        let mut clauses = Vec::new();
        while self.word("WHEN") {
            clauses.push(self.merge_clause()?);
        }
        if clauses.is_empty() {
            return Err(Error::new(
                "MERGE_WITHOUT_WHEN",
                "A MERGE needs at least one WHEN clause.",
            )
            .with_hint(
                "For instance WHEN MATCHED THEN UPDATE SET *, or WHEN NOT MATCHED THEN INSERT *.",
            ));
        }
        check_order(&clauses)?;
        let merge = Merge {
            source,
            schema_evolution,
            table: table.clone(),
            target,
            source_qualifier,
            on,
            clauses,
        };
        Ok(StatementKind::write(
            table,
            WriteOperation::Merge(Box::new(merge)),
        ))
    }

    fn merge_clause(&mut self) -> Result<RawMergeClause, Error> {
        let not = self.word("NOT");
        self.expect_word("MATCHED")?;
        let when = match not {
            false => MergeWhen::Matched,
            true if self.words(&["BY", "SOURCE"]) => MergeWhen::NotMatchedBySource,
            true => {
                let _ = self.words(&["BY", "TARGET"]);
                MergeWhen::NotMatched
            }
        };
        let condition = if self.word("AND") {
            Some(self.expr()?)
        } else {
            None
        };
        self.expect_word("THEN")?;
        let action = match when {
            MergeWhen::NotMatched => {
                if !self.word("INSERT") {
                    return Err(self.unexpected("INSERT (where no target row matched)"));
                }
                self.merge_insert()?
            }
            MergeWhen::Matched | MergeWhen::NotMatchedBySource => {
                if self.word("DELETE") {
                    RawMergeAction::Delete
                } else if self.word("UPDATE") {
                    self.expect_word("SET")?;
                    if self.token(&Token::Mul) {
                        if when == MergeWhen::NotMatchedBySource {
                            return Err(Error::new(
                                "PARSE_SYNTAX_ERROR",
                                "WHEN NOT MATCHED BY SOURCE has no source row, so UPDATE SET * has nothing to set.",
                            )
                            .with_hint("Name the columns: UPDATE SET column = value."));
                        }
                        RawMergeAction::UpdateAll
                    } else {
                        RawMergeAction::Update(self.assignments()?)
                    }
                } else {
                    return Err(self.unexpected("UPDATE or DELETE"));
                }
            }
        };
        Ok(RawMergeClause {
            when,
            condition,
            action,
        })
    }

    fn merge_insert(&mut self) -> Result<RawMergeAction, Error> {
        if self.token(&Token::Mul) {
            return Ok(RawMergeAction::InsertAll);
        }
        self.expect_token(&Token::LParen)?;
        let mut columns = vec![self.column()?];
        while self.token(&Token::Comma) {
            columns.push(self.column()?);
        }
        self.expect_token(&Token::RParen)?;
        self.expect_word("VALUES")?;
        self.expect_token(&Token::LParen)?;
        let mut values = vec![self.expr()?];
        while self.token(&Token::Comma) {
            values.push(self.expr()?);
        }
        self.expect_token(&Token::RParen)?;
        if columns.len() != values.len() {
            return Err(Error::new(
                "MERGE_INSERT_VALUE_COUNT_MISMATCH",
                format!(
                    "The INSERT of this MERGE names {} columns, but gives {} values.",
                    columns.len(),
                    values.len()
                ),
            ));
        }
        Ok(RawMergeAction::Insert { columns, values })
    }
}

fn source_qualifier(factor: &TableFactor) -> Result<Qualifier, Error> {
    if let Some(alias) = alias_of(factor) {
        if !alias.columns.is_empty() {
            return Err(Error::new(
                "COLUMN_ALIASES_NOT_ALLOWED",
                format!("The source of a MERGE can't rename its columns: {alias}."),
            )
            .with_hint(format!(
                "Name them within the source: USING (SELECT * FROM VALUES (…) AS v({})) AS {}.",
                alias
                    .columns
                    .iter()
                    .map(|c| c.name.value.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                alias.name
            )));
        }
        return Ok(Qualifier {
            alias: alias.name.value.clone(),
            parts: Vec::new(),
        });
    }
    match factor {
        TableFactor::Table {
            name, args: None, ..
        } => Ok(Qualifier {
            alias: short_name(&table_name(name)?).to_owned(),
            parts: name
                .0
                .iter()
                .filter_map(|part| part.as_ident())
                .map(|ident| ident.value.clone())
                .collect(),
        }),
        TableFactor::Table { .. } | TableFactor::Derived { .. } => Ok(Qualifier {
            alias: "__source".to_owned(),
            parts: Vec::new(),
        }),
        _ => Err(not_supported(
            "This source of a MERGE",
            "Write USING (SELECT …) AS source.",
        )),
    }
}

/// Only the last clause of a kind may go without a condition: later ones would never be reached.
fn check_order(clauses: &[RawMergeClause]) -> Result<(), Error> {
    for (when, text) in [
        (MergeWhen::Matched, "WHEN MATCHED"),
        (MergeWhen::NotMatched, "WHEN NOT MATCHED"),
        (MergeWhen::NotMatchedBySource, "WHEN NOT MATCHED BY SOURCE"),
    ] {
        let mut of_kind = clauses
            .iter()
            .filter(|clause| clause.when == when)
            .peekable();
        while let Some(clause) = of_kind.next() {
            if clause.condition.is_none() && of_kind.peek().is_some() {
                return Err(Error::new(
                    "NON_LAST_CLAUSE_OMIT_CONDITION",
                    format!(
                        "Of several {text} clauses, only the last may go without AND condition."
                    ),
                )
                .with_hint(format!(
                    "Give the earlier one a condition: {text} AND … THEN …."
                )));
            }
        }
    }
    Ok(())
}
