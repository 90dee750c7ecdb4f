//! The error that every boundary carries and the page shows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An error for a person: what happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// Stable and upper case, Spark's error class where Spark has one: `DELTA_VERSION_NOT_FOUND`.
    pub code: String,
    /// One or more sentences: what happened, with the names and values concerned.
    pub message: String,
    /// Something to try instead; a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The columns at fault, where the error is about columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnProblem>,
}

/// One column that does not fit the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnProblem {
    /// The column's name, as the table has it where it has one.
    pub column: String,
    /// Type that the table asks for, in Spark's words, or another demand: `double`, `not in the
    /// table`.
    pub expected: String,
    /// Type or value that came instead: `string 'FIVE HUNDRED' in row 1`, `boolean`.
    pub actual: String,
}

impl Error {
    /// An error without a hint.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            columns: Vec::new(),
        }
    }

    /// The same error with a hint.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error, about these columns.
    pub fn with_columns(mut self, columns: Vec<ColumnProblem>) -> Self {
        self.columns = columns;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code, self.message)?;
        for ColumnProblem {
            column,
            expected,
            actual,
        } in &self.columns
        {
            write!(f, "\n- column {column}: expected {expected}, got {actual}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nHint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
