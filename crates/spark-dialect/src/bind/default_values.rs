//! The keyword DEFAULT as a value: in the rows of INSERT … VALUES, and where UPDATE and MERGE set
//! columns.

use messages::Error;
use sqlparser::ast::{Expr, Ident, SetExpr};

use crate::bind::expression::names_columns;
use crate::errors::not_supported;
use crate::identifiers::same_identifier;
use crate::parse::script::parse_expression;
use crate::query::Query;
use crate::translate::default_values::{is_default, is_text, null};
use crate::write::{
    Insert, InsertColumns, Merge, RawAssignment, RawMergeAction, RawMergeClause, Update,
};

/// A column of a table, and what DEFAULT stands for in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefault {
    /// The column's name.
    pub column: String,
    /// What DEFAULT stands for.
    pub value: DefaultValue,
}

/// What DEFAULT stands for in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultValue {
    /// NULL: the column has no default.
    Null,
    /// An expression.
    Expression {
        /// Spark SQL, as the table's log has it.
        text: String,
        /// Spark's name of the column's type.
        data_type: String,
    },
    /// What the writer computes if the statement says nothing of the column.
    Generated,
    /// The same, of new rows only.
    Identity,
}

impl DefaultValue {
    /// The expression. Among the values of other rows, which have one type, it takes that of the column
    /// or, where these are texts, a text's.
    ///
    /// # Errors
    /// `DELTA_UNSUPPORTED_FEATURES_FOR_WRITE` for a default that names columns.
    fn expression(&self, column: &str, among: Among) -> Result<Expr, Error> {
        let Self::Expression { text, data_type } = self else {
            return Ok(null());
        };
        let expr = parse_expression(text)?;
        if names_columns(&expr) {
            return Err(Error::new(
                "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
                format!("The default of the column {column} names a column."),
            ));
        }
        let cast = format!("CAST(({text}\n) AS {data_type})");
        match among {
            Among::None => Ok(Expr::Nested(Box::new(expr))),
            Among::Values => parse_expression(&cast),
            Among::Texts => parse_expression(&format!("CAST({cast} AS STRING)")),
        }
    }
}

/// What a column has in the other rows of a `VALUES`.
#[derive(Debug, Clone, Copy)]
enum Among {
    None,
    Values,
    Texts,
}

impl Insert {
    /// The statement with each DEFAULT replaced by what it stands for. `defaults`: of the table's
    /// columns, in order.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` where some rows give a value to a generated column, and others say
    /// DEFAULT; those of a default that can't be read.
    pub fn with_defaults(&self, defaults: &[ColumnDefault]) -> Result<Self, Error> {
        let mut insert = self.clone();
        let Some(mut query) = insert.defaulted.take() else {
            return Ok(insert);
        };
        let names: Vec<String> = match &self.columns {
            InsertColumns::ByPosition => defaults.iter().map(|d| d.column.clone()).collect(),
            InsertColumns::List(names) => names.clone(),
            InsertColumns::ByName => Vec::new(),
        };
        let SetExpr::Values(values) = query.body.as_mut() else {
            return Ok(insert);
        };
        // Rows of other widths are refused when they meet the columns, with NULL for DEFAULT.
        if values
            .rows
            .iter()
            .any(|row| row.content.len() != names.len())
        {
            return Ok(insert);
        }
        let mut kept = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            let default = defaults.iter().find(|d| same_identifier(&d.column, name));
            let cells = values.rows.iter_mut();
            let cells = cells.filter_map(|row| row.content.get_mut(i));
            let (mut cells, others): (Vec<_>, Vec<_>) = cells.partition(|cell| is_default(cell));
            let among = match others.iter().any(|cell| is_text(cell)) {
                _ if others.is_empty() => Among::None,
                true => Among::Texts,
                false => Among::Values,
            };
            let is_computed = matches!(
                default.map(|default| &default.value),
                Some(DefaultValue::Generated | DefaultValue::Identity)
            );
            if is_computed && !cells.is_empty() {
                if !others.is_empty() {
                    return Err(not_supported(
                        &format!("DEFAULT for {name} in some rows, and a value in others,"),
                        "Insert them in two statements.",
                    ));
                }
                kept.push(false);
                continue;
            }
            if let (Some(default), false) = (default, cells.is_empty()) {
                let expr = default.value.expression(name, among)?;
                for cell in &mut cells {
                    **cell = expr.clone();
                }
            }
            kept.push(true);
        }
        if !kept.contains(&true) {
            return Err(not_supported(
                "An INSERT in which all columns are computed",
                "Give a value to one of them.",
            ));
        }
        if kept.contains(&false) {
            for row in &mut values.rows {
                let mut kept = kept.iter();
                row.content.retain(|_| kept.next() == Some(&true));
            }
            let names = names.into_iter().zip(&kept).filter(|(_, kept)| **kept);
            insert.columns = InsertColumns::List(names.map(|(name, _)| name).collect());
        }
        insert.source = Query::new(query)?;
        Ok(insert)
    }
}

impl Update {
    /// The statement with each DEFAULT replaced by what it stands for; a generated column is not set,
    /// which has it computed. `defaults`: of the table's columns.
    ///
    /// # Errors
    /// Those of a default that can't be read.
    pub fn with_defaults(&self, defaults: &[ColumnDefault]) -> Result<Self, Error> {
        Ok(Self {
            assignments: assigned(&self.assignments, defaults)?,
            ..self.clone()
        })
    }
}

impl Merge {
    /// The statement with each DEFAULT replaced by what it stands for; a column that is computed is not
    /// set. `defaults`: of the table's columns.
    ///
    /// # Errors
    /// Those of a default that can't be read.
    pub fn with_defaults(&self, defaults: &[ColumnDefault]) -> Result<Self, Error> {
        let clauses = self.clauses.iter().map(|clause| {
            let action = match &clause.action {
                RawMergeAction::Update(set) => RawMergeAction::Update(assigned(set, defaults)?),
                RawMergeAction::Insert { columns, values } => inserted(columns, values, defaults)?,
                RawMergeAction::UpdateAll => RawMergeAction::UpdateAll,
                RawMergeAction::InsertAll => RawMergeAction::InsertAll,
                RawMergeAction::Delete => RawMergeAction::Delete,
            };
            Ok(RawMergeClause {
                action,
                ..clause.clone()
            })
        });
        Ok(Self {
            clauses: clauses.collect::<Result<_, Error>>()?,
            ..self.clone()
        })
    }
}

fn assigned(
    assignments: &[RawAssignment],
    defaults: &[ColumnDefault],
) -> Result<Vec<RawAssignment>, Error> {
    let mut replaced = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        let default = default_of(&assignment.column, defaults);
        let expression = match (is_default(&assignment.expression), default) {
            (false, _) => assignment.expression.clone(),
            (true, None) => null(),
            (true, Some(default)) => match &default.value {
                DefaultValue::Generated => continue,
                // An identity column is not updated: the engine says so.
                DefaultValue::Identity | DefaultValue::Null | DefaultValue::Expression { .. } => {
                    default.value.expression(&default.column, Among::None)?
                }
            },
        };
        replaced.push(RawAssignment {
            column: assignment.column.clone(),
            expression,
        });
    }
    Ok(replaced)
}

fn inserted(
    columns: &[Vec<Ident>],
    values: &[Expr],
    defaults: &[ColumnDefault],
) -> Result<RawMergeAction, Error> {
    let mut kept = (Vec::new(), Vec::new());
    for (column, value) in columns.iter().zip(values) {
        let value = match (is_default(value), default_of(column, defaults)) {
            (false, _) => value.clone(),
            (true, None) => null(),
            (true, Some(default)) => match &default.value {
                DefaultValue::Generated | DefaultValue::Identity => continue,
                DefaultValue::Null | DefaultValue::Expression { .. } => {
                    default.value.expression(&default.column, Among::None)?
                }
            },
        };
        kept.0.push(column.clone());
        kept.1.push(value);
    }
    let (columns, values) = kept;
    Ok(RawMergeAction::Insert { columns, values })
}

fn default_of<'a>(column: &[Ident], defaults: &'a [ColumnDefault]) -> Option<&'a ColumnDefault> {
    let name = &column.last()?.value;
    let exact = defaults.iter().find(|default| default.column == *name);
    exact.or_else(|| {
        let mut defaults = defaults.iter();
        defaults.find(|default| same_identifier(&default.column, name))
    })
}
