//! The columns that relations and queries show, as far as they are known before planning.

use std::collections::{HashMap, HashSet};

use sqlparser::ast::{
    self, Expr, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias,
    TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

use crate::bind::duplicate_columns::strip_duplicate_suffix;
use crate::bind::scope::{Column, ScopeRelation, parts_of_wildcard, single_ident};
use crate::identifiers::same_identifier;
use crate::translate::aliases::alias_of;

/// The tables that a query reads, by their placeholders.
pub(crate) struct Tables<'a>(pub HashMap<&'a str, ScopeRelation>);

impl Tables<'_> {
    /// The relations of a FROM clause.
    pub fn relations(&self, from: &[TableWithJoins], ctes: &[ScopeRelation]) -> Vec<ScopeRelation> {
        let mut relations = Vec::new();
        for from in from {
            self.add_relation(&from.relation, ctes, &mut relations);
            for join in &from.joins {
                self.add_relation(&join.relation, ctes, &mut relations);
            }
        }
        relations
    }

    fn add_relation(
        &self,
        factor: &TableFactor,
        ctes: &[ScopeRelation],
        relations: &mut Vec<ScopeRelation>,
    ) {
        let mut relation = match factor {
            TableFactor::Table {
                name, args: None, ..
            } => {
                let Some(ident) = single_ident(name) else {
                    relations.push(ScopeRelation::default());
                    return;
                };
                match self.0.get(ident.value.as_str()) {
                    Some(table) => table.clone(),
                    None => find_cte(ctes, &ident.value).cloned().unwrap_or_default(),
                }
            }
            TableFactor::Derived { subquery, .. } => ScopeRelation {
                columns: self.outputs(subquery, ctes),
                ..ScopeRelation::default()
            },
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                let inner = self.relations(std::slice::from_ref(table_with_joins), ctes);
                if alias.is_none() {
                    relations.extend(inner);
                    return;
                }
                ScopeRelation {
                    columns: all_columns(&inner),
                    ..ScopeRelation::default()
                }
            }
            _ => ScopeRelation::default(),
        };
        if let Some(alias) = alias_of(factor) {
            relation.alias = Some(alias.name.value.clone());
            rename(&mut relation.columns, alias);
        }
        relations.push(relation);
    }

    /// The columns of a query's result; `None` where they are not known before planning.
    pub fn outputs(&self, query: &ast::Query, ctes: &[ScopeRelation]) -> Option<Vec<Column>> {
        let mut scope;
        let ctes = match &query.with {
            Some(with) => {
                scope = ctes.to_vec();
                for cte in &with.cte_tables {
                    let outputs = self.outputs(&cte.query, &scope);
                    scope.push(cte_relation(&cte.alias, outputs));
                }
                &scope
            }
            None => ctes,
        };
        self.outputs_of(&query.body, ctes)
    }

    fn outputs_of(&self, body: &SetExpr, ctes: &[ScopeRelation]) -> Option<Vec<Column>> {
        match body {
            SetExpr::Select(select) => self.outputs_of_select(select, ctes),
            SetExpr::Query(query) => self.outputs(query, ctes),
            SetExpr::SetOperation { left, .. } => self.outputs_of(left, ctes),
            SetExpr::Values(values) => {
                let width = values.rows.first()?.content.len();
                Some(
                    (1..=width)
                        .map(|i| Column::named(format!("column{i}")))
                        .collect(),
                )
            }
            _ => None,
        }
    }

    fn outputs_of_select(&self, select: &Select, ctes: &[ScopeRelation]) -> Option<Vec<Column>> {
        let relations = self.relations(&select.from, ctes);
        let mut outputs: Vec<Column> = Vec::new();
        let mut named = Vec::new();
        for item in &select.projection {
            let column = match item {
                SelectItem::UnnamedExpr(Expr::Identifier(ident)) => {
                    let found = relations
                        .iter()
                        .find_map(|relation| relation.find(&ident.value));
                    Column {
                        data_type: found.and_then(|column| column.data_type.clone()),
                        ..Column::named(&ident.value)
                    }
                }
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                    Column::named(&parts.last()?.value)
                }
                SelectItem::UnnamedExpr(expr) => Column::named(expr.to_string()),
                SelectItem::ExprWithAlias { alias, .. } => {
                    Column::named(strip_duplicate_suffix(&alias.value))
                }
                SelectItem::ExprWithAliases { .. } => return None,
                wildcard => {
                    outputs.extend(of_wildcard(wildcard, &relations)?);
                    continue;
                }
            };
            named.push(outputs.len());
            outputs.push(column);
        }
        // What a wildcard brings twice may be one column, of a JOIN … USING.
        for &i in &named {
            for j in (0..outputs.len()).filter(|&j| j != i) {
                if outputs[i].name == outputs[j].name {
                    outputs[i].repeated = true;
                    outputs[j].repeated = true;
                }
            }
        }
        Some(outputs)
    }

    /// Names of the columns that the wildcards of a SELECT bring, as far as they are known.
    pub fn shown_by_wildcards(&self, select: &Select, ctes: &[ScopeRelation]) -> HashSet<String> {
        let relations = self.relations(&select.from, ctes);
        let columns = select
            .projection
            .iter()
            .filter_map(|item| of_wildcard(item, &relations));
        columns.flatten().map(|column| column.name).collect()
    }
}

/// The columns that `*` or `t.*` stands for; `None` for other items, and where they are not known.
fn of_wildcard(item: &SelectItem, relations: &[ScopeRelation]) -> Option<Vec<Column>> {
    match item {
        SelectItem::Wildcard(options) => Some(without(all_columns(relations)?, options)),
        SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(name),
            options,
        ) => {
            let parts = parts_of_wildcard(name);
            let relation = relations
                .iter()
                .find(|relation| relation.qualifies(&parts) > 0)?;
            Some(without(relation.columns.clone()?, options))
        }
        _ => None,
    }
}

fn all_columns(relations: &[ScopeRelation]) -> Option<Vec<Column>> {
    let mut all = Vec::new();
    for relation in relations {
        all.extend(relation.columns.clone()?);
    }
    Some(all)
}

fn without(columns: Vec<Column>, options: &WildcardAdditionalOptions) -> Vec<Column> {
    let mut excluded: Vec<&str> = Vec::new();
    if let Some(except) = &options.opt_except {
        excluded.push(&except.first_element.value);
        excluded.extend(
            except
                .additional_elements
                .iter()
                .map(|ident| ident.value.as_str()),
        );
    }
    columns
        .into_iter()
        .filter(|column| {
            !excluded
                .iter()
                .any(|name| same_identifier(name, &column.name))
        })
        .collect()
}

pub(crate) fn cte_relation(alias: &TableAlias, mut columns: Option<Vec<Column>>) -> ScopeRelation {
    rename(&mut columns, alias);
    ScopeRelation {
        alias: Some(alias.name.value.clone()),
        written_name: Vec::new(),
        columns,
    }
}

/// `AS t(a, b)`.
fn rename(columns: &mut Option<Vec<Column>>, alias: &TableAlias) {
    if alias.columns.is_empty() {
        return;
    }
    match columns {
        Some(columns) => {
            for (column, new) in columns.iter_mut().zip(&alias.columns) {
                column.name.clone_from(&new.name.value);
            }
        }
        None => {
            let named = alias
                .columns
                .iter()
                .map(|new| Column::named(new.name.value.clone()));
            *columns = Some(named.collect());
        }
    }
}

pub(crate) fn find_cte<'a>(ctes: &'a [ScopeRelation], name: &str) -> Option<&'a ScopeRelation> {
    ctes.iter().rev().find(|cte| {
        cte.alias
            .as_ref()
            .is_some_and(|alias| same_identifier(alias, name))
    })
}
