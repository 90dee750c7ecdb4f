//! Building blocks of sqlparser's syntax tree.

use std::ops::ControlFlow;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    self, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, GroupByExpr, Ident, Select, SelectFlavor, SelectItem, SetExpr,
    TableWithJoins, UnaryOperator, Value, Visit, Visitor,
};

/// Spark's `TIMESTAMP`, in Arrow's words.
pub(crate) const TIMESTAMP: &str = "Timestamp(Microsecond, Some(\"UTC\"))";
/// Spark's `TIMESTAMP_NTZ`, in Arrow's words.
pub(crate) const TIMESTAMP_NTZ: &str = "Timestamp(Microsecond, None)";

/// `SELECT expr`, without FROM.
pub(crate) fn select_expr(expr: Expr) -> ast::Query {
    select(vec![SelectItem::UnnamedExpr(expr)], Vec::new())
}

/// `SELECT projection FROM from`.
pub(crate) fn select(projection: Vec<SelectItem>, from: Vec<TableWithJoins>) -> ast::Query {
    let select = Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection,
        exclude: None,
        into: None,
        from,
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    };
    ast::Query {
        with: None,
        body: Box::new(SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// A call of a function by its plain name.
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: vec![Ident::new(name)].into(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args
                .into_iter()
                .map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)))
                .collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A string literal.
pub(crate) fn string(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

/// The text of a string literal.
pub(crate) fn string_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// `CAST(expr AS data_type)`.
pub(crate) fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    }
}

/// A cast to Spark's `TIMESTAMP`.
pub(crate) fn to_timestamp(expr: Expr) -> Expr {
    call("arrow_cast", vec![expr, string(TIMESTAMP)])
}

/// An integer literal that stands alone is an INT in Spark, where DataFusion makes it a BIGINT.
pub(crate) fn narrow_integer(expr: &mut Expr) {
    let digits = match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => digits.clone(),
            _ => return,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, false) => format!("-{digits}"),
                _ => return,
            },
            _ => return,
        },
        _ => return,
    };
    if digits.parse::<i32>().is_ok() {
        let inner = take(expr);
        *expr = cast(inner, DataType::Int(None));
    }
}

/// Moves an expression out of a tree; NULL stays in its place.
pub(crate) fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::Value(Value::Null.into()))
}

/// Whether an expression contains a query.
pub(crate) fn contains_query(expr: &Expr) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_query(&mut self, _query: &ast::Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Finder).is_break()
}
