//! Spelling: Spark's names compare without case, DataFusion's with it. Once the tables' schemas are
//! known, every name in a query gets the spelling of what it names; what the query shows keeps the
//! spelling that the query asked for.

use std::collections::HashMap;
use std::ops::ControlFlow;

use arrow_schema::SchemaRef;
use messages::Error;
use sqlparser::ast::{
    self, ExceptSelectItem, ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, Select,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableFactor, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use crate::bind::duplicate_columns::make_unique;
use crate::bind::outputs::{Tables, cte_relation, find_cte};
use crate::bind::scope::{
    ScopeRelation, columns, find_unqualified, fix_fields, parts_of_wildcard, single_ident,
};
use crate::identifiers::same_identifier;
use crate::query::Query;

impl Query {
    /// The statement to plan, each name in the spelling of the column that it means. `schema_of` gives
    /// the schema that was registered under a placeholder; for `None` names stay as written.
    ///
    /// # Errors
    /// `AMBIGUOUS_REFERENCE` if a name fits columns of several tables that spell it differently.
    pub fn resolve(
        &self,
        schema_of: &dyn Fn(&str) -> Option<SchemaRef>,
    ) -> Result<ast::Statement, Error> {
        let mut tables = HashMap::new();
        for (reference, written_name) in self.references.iter().zip(&self.written_names) {
            let columns = schema_of(&reference.placeholder).map(|schema| columns(&schema));
            tables.insert(
                reference.placeholder.as_str(),
                ScopeRelation {
                    alias: None,
                    written_name: written_name.clone(),
                    columns,
                },
            );
        }
        for given in &self.given {
            tables.insert(
                given.placeholder,
                ScopeRelation {
                    alias: None,
                    written_name: given.written_name.clone(),
                    columns: schema_of(given.placeholder).map(|schema| columns(&schema)),
                },
            );
        }
        let mut resolver = Resolver {
            tables: Tables(tables),
            frames: Vec::new(),
            ctes: Vec::new(),
            withs: Vec::new(),
            depth: 0,
        };
        let mut body = self.body.clone();
        match body.visit(&mut resolver) {
            ControlFlow::Continue(()) => Ok(ast::Statement::Query(body)),
            ControlFlow::Break(error) => Err(error),
        }
    }
}

struct Resolver<'a> {
    tables: Tables<'a>,
    frames: Vec<Frame>,
    /// Common table expressions in scope, the innermost last; each query that is open notes in
    /// `withs` how many there were before it.
    ctes: Vec<ScopeRelation>,
    withs: Vec<(Option<ast::With>, usize)>,
    /// Queries that are open.
    depth: usize,
}

/// What names can refer to within a SELECT, or in the ORDER BY of a query.
#[derive(Default)]
struct Frame {
    relations: Vec<ScopeRelation>,
    /// Names that the SELECT list gives.
    aliases: Vec<String>,
    /// In ORDER BY the list's names come first.
    aliases_first: bool,
}

impl Frame {
    fn spelling(&self, name: &str) -> Result<Option<String>, Error> {
        let alias = self
            .aliases
            .iter()
            .find(|alias| *alias == name)
            .or_else(|| {
                self.aliases
                    .iter()
                    .find(|alias| same_identifier(alias, name))
            });
        if self.aliases_first
            && let Some(alias) = alias
        {
            return Ok(Some(alias.clone()));
        }
        if let Some(column) = find_unqualified(&self.relations, name)? {
            return Ok(Some(column.name.clone()));
        }
        Ok(alias.cloned())
    }
}

impl VisitorMut for Resolver<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<Error> {
        self.depth += 1;
        let mut with = query.with.take();
        let before = self.ctes.len();
        if let Some(with) = &mut with {
            for cte in &mut with.cte_tables {
                if with.recursive {
                    let outputs = self.tables.outputs(&cte.query, &self.ctes);
                    self.ctes.push(cte_relation(&cte.alias, outputs));
                    cte.query.visit(self)?;
                } else {
                    cte.query.visit(self)?;
                    let outputs = self.tables.outputs(&cte.query, &self.ctes);
                    self.ctes.push(cte_relation(&cte.alias, outputs));
                }
            }
        }
        self.withs.push((with, before));
        let relations = match query.body.as_ref() {
            SetExpr::Select(select) => self.tables.relations(&select.from, &self.ctes),
            _ => Vec::new(),
        };
        let aliases = self
            .tables
            .outputs(query, &self.ctes)
            .unwrap_or_default()
            .into_iter()
            .map(|column| column.name)
            .collect();
        self.frames.push(Frame {
            relations,
            aliases,
            aliases_first: true,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<Error> {
        self.depth -= 1;
        if let Some((with, before)) = self.withs.pop() {
            query.with = with;
            self.ctes.truncate(before);
        }
        self.frames.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        match self.enter_select(select) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_select(&mut self, _select: &mut Select) -> ControlFlow<Error> {
        self.frames.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::Table {
            name, args: None, ..
        } = factor
            && let Some(ident) = single_ident(name)
            && let Some(cte) = find_cte(&self.ctes, &ident.value)
            && let Some(exact) = &cte.alias
        {
            *name = vec![Ident::with_quote('`', exact.clone())].into();
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let fixed = match expr {
            Expr::Identifier(ident) => self.fix(ident),
            Expr::CompoundIdentifier(parts) => self.fix_compound(parts).map(|_| ()),
            _ => Ok(()),
        };
        match fixed {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Resolver<'_> {
    fn enter_select(&mut self, select: &mut Select) -> Result<(), Error> {
        let outermost = self.depth == 1;
        let relations = self.tables.relations(&select.from, &self.ctes);
        let aliases = select
            .projection
            .iter()
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
                _ => None,
            })
            .collect();
        self.frames.push(Frame {
            relations,
            aliases,
            aliases_first: false,
        });
        for item in &mut select.projection {
            self.fix_item(item)?;
        }
        let of_wildcards = self.tables.shown_by_wildcards(select, &self.ctes);
        make_unique(&mut select.projection, &of_wildcards, outermost);
        for from in &mut select.from {
            for join in &mut from.joins {
                if let Some(JoinConstraint::Using(columns)) = constraint(&mut join.join_operator) {
                    for column in columns {
                        if let Some(ident) = single_ident(column) {
                            let mut ident = ident.clone();
                            self.fix(&mut ident)?;
                            *column = vec![ident].into();
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn fix_item(&self, item: &mut SelectItem) -> Result<(), Error> {
        match item {
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => {
                let asked = ident.value.clone();
                self.fix(ident)?;
                if ident.value != asked {
                    let expr = Expr::Identifier(ident.clone());
                    let alias = Ident::with_quote('`', asked);
                    *item = SelectItem::ExprWithAlias { expr, alias };
                }
            }
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                let asked = parts
                    .last()
                    .map(|part| part.value.clone())
                    .unwrap_or_default();
                let plain = self.fix_compound(parts)?;
                if !plain || parts.last().is_none_or(|part| part.value != asked) {
                    let expr = Expr::CompoundIdentifier(parts.clone());
                    let alias = Ident::with_quote('`', asked);
                    *item = SelectItem::ExprWithAlias { expr, alias };
                }
            }
            SelectItem::Wildcard(options) => self.fix_options(options)?,
            SelectItem::QualifiedWildcard(kind, options) => {
                if let SelectItemQualifiedWildcardKind::ObjectName(name) = kind {
                    let parts = parts_of_wildcard(name);
                    if let Some((relation, _)) = self.qualified(&parts)
                        && let Some(alias) = &relation.alias
                    {
                        *name = vec![Ident::with_quote('`', alias.clone())].into();
                    }
                }
                self.fix_options(options)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn fix_options(&self, options: &mut WildcardAdditionalOptions) -> Result<(), Error> {
        if let Some(ExceptSelectItem {
            first_element,
            additional_elements,
        }) = &mut options.opt_except
        {
            self.fix(first_element)?;
            for element in additional_elements {
                self.fix(element)?;
            }
        }
        if let Some(exclude) = &mut options.opt_exclude {
            let names = match exclude {
                ExcludeSelectItem::Single(name) => std::slice::from_mut(name),
                ExcludeSelectItem::Multiple(names) => names.as_mut_slice(),
            };
            for name in names {
                if let Some(ident) = single_ident(name) {
                    let mut ident = ident.clone();
                    self.fix(&mut ident)?;
                    *name = vec![ident].into();
                }
            }
        }
        Ok(())
    }

    /// Spells an unqualified column.
    fn fix(&self, ident: &mut Ident) -> Result<(), Error> {
        for frame in self.frames.iter().rev() {
            if let Some(spelling) = frame.spelling(&ident.value)? {
                ident.value = spelling;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Spells `relation.column` or `column.field`; whether it is a plain column.
    fn fix_compound(&self, parts: &mut Vec<Ident>) -> Result<bool, Error> {
        if let Some((relation, n)) = self.qualified(parts) {
            let alias = relation.alias.clone().unwrap_or_default();
            let column = parts
                .get(n)
                .and_then(|part| relation.find(&part.value))
                .cloned();
            if let (Some(part), Some(column)) = (parts.get_mut(n), &column) {
                part.value.clone_from(&column.name);
            }
            let data_type = column.and_then(|column| column.data_type);
            if let Some(fields) = parts.get_mut(n + 1..) {
                fix_fields(data_type.as_ref(), fields);
            }
            parts.splice(..n, [Ident::with_quote('`', alias)]);
            return Ok(parts.len() == 2);
        }
        let Some((first, fields)) = parts.split_first_mut() else {
            return Ok(true);
        };
        for frame in self.frames.iter().rev() {
            if let Some(column) = find_unqualified(&frame.relations, &first.value)? {
                first.value.clone_from(&column.name);
                fix_fields(column.data_type.as_ref(), fields);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The relation that the first `n` parts name, from the inside out.
    fn qualified(&self, parts: &[Ident]) -> Option<(&ScopeRelation, usize)> {
        self.frames.iter().rev().find_map(|frame| {
            frame
                .relations
                .iter()
                .find_map(|relation| match relation.qualifies(parts) {
                    0 => None,
                    n => Some((relation, n)),
                })
        })
    }
}

fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint) => Some(constraint),
        _ => None,
    }
}
