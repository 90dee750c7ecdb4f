//! Queries: references to tables are extracted, expressions put into DataFusion's words, columns named as Spark
//! names them.

use std::collections::HashSet;
use std::ops::ControlFlow;

use messages::Error;
use sqlparser::ast::{
    self, Expr, Ident, Select, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins,
    VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use crate::errors::not_supported;
use crate::query::{Query, Relation, TableFormat, TableName, TableReference};
use crate::table_name::{short_name, table_name};
use crate::translate::aliases::{alias, alias_of, name_range_column, name_value_columns};
use crate::translate::ast::select;
use crate::translate::expression;
use crate::translate::select::{
    check_query, check_select, name_item, narrow_values, order_by_shown_columns,
};
use crate::translate::table_functions::table_function;
use crate::translate::time_travel::version_spec;

impl Query {
    /// Takes a parsed query apart.
    pub(crate) fn new(mut body: Box<ast::Query>) -> Result<Self, Error> {
        if matches!(body.body.as_ref(), SetExpr::Values(_)) {
            name_value_columns_of_query(&mut body);
        }
        let mut extractor = TableRefExtractor::default();
        match body.visit(&mut extractor) {
            ControlFlow::Continue(()) => Ok(Self {
                body,
                references: extractor.references,
                written_names: extractor.written_names,
                given: Vec::new(),
            }),
            ControlFlow::Break(error) => Err(error),
        }
    }

    /// `SELECT * FROM relation`.
    pub(crate) fn all_of(relation: TableFactor) -> Result<Self, Error> {
        let from = vec![TableWithJoins {
            relation,
            joins: Vec::new(),
        }];
        let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
        Self::new(Box::new(select(vec![all], from)))
    }
}

/// Puts placeholders in place of the tables of a query, and translates its expressions on the way.
#[derive(Default)]
struct TableRefExtractor {
    references: Vec<TableReference>,
    /// For each reference without an alias: the name it was written with.
    written_names: Vec<Vec<String>>,
    /// Names of the common table expressions in scope, one set for each query that is open.
    ctes: Vec<Vec<String>>,
    /// `WITH` clauses of the open queries, visited already.
    withs: Vec<Option<ast::With>>,
    /// Names of the relations of each SELECT that is open, in lower case.
    relations: Vec<HashSet<String>>,
}

impl VisitorMut for TableRefExtractor {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<Error> {
        if let Err(error) = check_query(query) {
            return ControlFlow::Break(error);
        }
        narrow_values(&mut query.body);
        // A common table expression sees those before it, and itself only where it is recursive:
        // so the clause is visited here, one expression after the other.
        let mut with = query.with.take();
        self.ctes.push(Vec::new());
        if let Some(with) = &mut with {
            for cte in &mut with.cte_tables {
                let name = cte.alias.name.value.to_lowercase();
                if with.recursive {
                    self.define_cte(name.clone());
                }
                cte.query.visit(self)?;
                if !with.recursive {
                    self.define_cte(name);
                }
            }
        }
        self.withs.push(with);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<Error> {
        query.with = self.withs.pop().flatten();
        self.ctes.pop();
        order_by_shown_columns(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if let Err(error) = check_select(select) {
            return ControlFlow::Break(error);
        }
        for item in &mut select.projection {
            name_item(item);
        }
        let mut names = HashSet::new();
        for from in &select.from {
            let joined = from.joins.iter().map(|join| &join.relation);
            for relation in std::iter::once(&from.relation).chain(joined) {
                if let Some(alias) = alias_of(relation) {
                    names.insert(alias.name.value.to_lowercase());
                }
            }
        }
        self.relations.push(names);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &mut Select) -> ControlFlow<Error> {
        self.relations.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match self.extract(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expression::translate_node(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl TableRefExtractor {
    fn define_cte(&mut self, name: String) {
        if let Some(names) = self.ctes.last_mut() {
            names.push(name);
        }
    }

    fn is_cte(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.ctes.iter().any(|names| names.contains(&name))
    }

    fn extract(&mut self, factor: &mut TableFactor) -> Result<(), Error> {
        match factor {
            TableFactor::Table { .. } => self.extract_table(factor),
            TableFactor::Derived {
                subquery, alias, ..
            } => {
                if let SetExpr::Values(values) = subquery.body.as_ref() {
                    let width = values.rows.first().map_or(0, |row| row.content.len());
                    name_value_columns(alias, width);
                }
                Ok(())
            }
            TableFactor::Pivot { .. } => Err(not_supported(
                "PIVOT",
                "Write one aggregate for each value: SUM(amount) FILTER (WHERE currency = 'USD').",
            )),
            TableFactor::Unpivot { .. } => Err(not_supported(
                "UNPIVOT",
                "Write one SELECT for each column, and UNION ALL between them.",
            )),
            _ => Ok(()),
        }
    }

    fn extract_table(&mut self, factor: &mut TableFactor) -> Result<(), Error> {
        let TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } = factor
        else {
            return Ok(());
        };
        if sample.is_some() {
            return Err(not_supported(
                "TABLESAMPLE",
                "Use WHERE rand() < 0.1, or LIMIT.",
            ));
        }
        if !with_hints.is_empty()
            || *with_ordinality
            || !partitions.is_empty()
            || json_path.is_some()
            || !index_hints.is_empty()
        {
            return Err(not_supported(
                "What follows this table's name",
                "Leave it out.",
            ));
        }
        let relation = match args.take() {
            Some(arguments) => {
                if version.is_some() {
                    return Err(not_supported(
                        "Time travel on a function",
                        "table_changes and table_diff take versions as arguments.",
                    ));
                }
                match table_function(name, &arguments)? {
                    Some(relation) => relation,
                    None => {
                        *args = Some(arguments);
                        if name.to_string().eq_ignore_ascii_case("range") {
                            name_range_column(alias);
                        }
                        return Ok(());
                    }
                }
            }
            None => {
                let at = version.take().map(version_spec).transpose()?;
                if let [part] = name.0.as_slice()
                    && let Some(ident) = part.as_ident()
                    && self.is_cte(&ident.value)
                {
                    if at.is_some() {
                        return Err(Error::new(
                            "UNSUPPORTED_FEATURE",
                            format!("`{ident}` is a query of this statement; it has no versions."),
                        )
                        .with_hint("Put VERSION AS OF on the table that the query reads."));
                    }
                    return Ok(());
                }
                let table = table_name(name)?;
                if let (
                    TableName::Path {
                        format: TableFormat::Parquet,
                        ..
                    },
                    Some(_),
                ) = (&table, &at)
                {
                    return Err(Error::new(
                        "UNSUPPORTED_FEATURE",
                        "Parquet files have no versions: only Delta tables can be read as of a version.",
                    )
                    .with_hint("Write delta.`…` if there is a Delta table at this path."));
                }
                Relation::Table { table, at }
            }
        };
        let written_name: Vec<_> = match (&alias, &relation) {
            (None, Relation::Table { .. }) => name
                .0
                .iter()
                .filter_map(|part| part.as_ident())
                .map(|i| i.value.clone())
                .collect(),
            _ => Vec::new(),
        };
        if alias.is_none() {
            *alias = Some(self.own_alias(&relation));
        }
        let placeholder = format!("__lakeglass_{}", self.references.len());
        *name = vec![Ident::new(placeholder.clone())].into();
        self.references.push(TableReference {
            placeholder,
            relation,
        });
        self.written_names.push(written_name);
        Ok(())
    }

    /// A name for a relation that the statement gives none: the table's own.
    fn own_alias(&mut self, relation: &Relation) -> TableAlias {
        let table = match relation {
            Relation::Table { table, .. }
            | Relation::Changes { table, .. }
            | Relation::Diff { table, .. } => table,
        };
        let own = short_name(table).to_owned();
        let mut name = own.clone();
        if let Some(names) = self.relations.last_mut() {
            let mut count = 1;
            while !names.insert(name.to_lowercase()) {
                count += 1;
                name = format!("{own}_{count}");
            }
        }
        alias(&name, 0)
    }
}

/// `VALUES (1, 2)` as a statement.
fn name_value_columns_of_query(query: &mut ast::Query) {
    let SetExpr::Values(values) = query.body.as_ref() else {
        return;
    };
    let width = values.rows.first().map_or(0, |row| row.content.len());
    let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
    let mut inner = select(vec![all.clone()], Vec::new());
    std::mem::swap(&mut inner.body, &mut query.body);
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(inner),
        alias: Some(alias("inline_table", width)),
        sample: None,
    };
    let from = vec![TableWithJoins {
        relation,
        joins: Vec::new(),
    }];
    query.body = select(vec![all], from).body;
}
