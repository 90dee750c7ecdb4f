//! What Spark calls a column that a query computes and does not name: `count(1)`, `(a + 1)`.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType, DuplicateTreatment, ExactNumberInfo, Expr,
    Function, FunctionArg, FunctionArgExpr, FunctionArguments, Subscript, TimezoneInfo,
    TypedString, UnaryOperator, Value,
};

/// The name, from the expression as it was written.
pub(crate) fn spark_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(parts) => parts
            .last()
            .map(|part| part.value.clone())
            .unwrap_or_default(),
        Expr::Nested(expr) => spark_name(expr),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            Value::Number(digits, _) => digits.clone(),
            Value::Null => "NULL".to_owned(),
            Value::Boolean(value) => value.to_string(),
            other => other.to_string(),
        },
        Expr::TypedString(TypedString {
            data_type,
            value,
            uses_odbc_syntax,
        }) => {
            let text = match &value.value {
                Value::SingleQuotedString(text) => text.clone(),
                other => other.to_string(),
            };
            if *uses_odbc_syntax {
                text
            } else {
                format!("{} '{text}'", type_name(data_type))
            }
        }
        Expr::Function(function) => function_name(function),
        Expr::BinaryOp { left, op, right } => {
            let op = match op {
                BinaryOperator::MyIntegerDivide => "div".to_owned(),
                BinaryOperator::NotEq => {
                    return format!("(NOT ({} = {}))", spark_name(left), spark_name(right));
                }
                BinaryOperator::StringConcat => {
                    return format!("concat({}, {})", spark_name(left), spark_name(right));
                }
                op => op.to_string(),
            };
            format!("({} {op} {})", spark_name(left), spark_name(right))
        }
        Expr::UnaryOp { op, expr } => match (op, expr.as_ref()) {
            (UnaryOperator::Minus, Expr::Value(_) | Expr::TypedString(_)) => {
                format!("-{}", spark_name(expr))
            }
            (UnaryOperator::Minus, _) => format!("(- {})", spark_name(expr)),
            (UnaryOperator::Plus, _) => format!("(+ {})", spark_name(expr)),
            (UnaryOperator::Not | UnaryOperator::BangNot, _) => {
                format!("(NOT {})", spark_name(expr))
            }
            (op, _) => format!("{op}{}", spark_name(expr)),
        },
        Expr::Cast {
            kind,
            expr,
            data_type,
            ..
        } => {
            let kind = match kind {
                CastKind::TryCast | CastKind::SafeCast => "TRY_CAST",
                CastKind::Cast | CastKind::DoubleColon => "CAST",
            };
            format!("{kind}({} AS {})", spark_name(expr), type_name(data_type))
        }
        Expr::IsNull(expr) => format!("({} IS NULL)", spark_name(expr)),
        Expr::IsNotNull(expr) => format!("({} IS NOT NULL)", spark_name(expr)),
        Expr::IsTrue(expr) => format!("({} IS TRUE)", spark_name(expr)),
        Expr::IsFalse(expr) => format!("({} IS FALSE)", spark_name(expr)),
        Expr::Between {
            expr,
            negated,
            low,
            high,
        } => {
            let name = format!(
                "between({}, {}, {})",
                spark_name(expr),
                spark_name(low),
                spark_name(high)
            );
            negate(*negated, name)
        }
        Expr::InList {
            expr,
            list,
            negated,
        } => negate(
            *negated,
            format!("({} IN ({}))", spark_name(expr), join(list)),
        ),
        Expr::Like {
            negated,
            expr,
            pattern,
            ..
        } => negate(
            *negated,
            format!("{} LIKE {}", spark_name(expr), spark_name(pattern)),
        ),
        Expr::RLike {
            negated,
            expr,
            pattern,
            ..
        } => negate(
            *negated,
            format!("RLIKE({}, {})", spark_name(expr), spark_name(pattern)),
        ),
        Expr::Extract { field, expr, .. } => {
            format!("extract({field} FROM {})", spark_name(expr))
        }
        Expr::Ceil { expr, .. } => format!("CEIL({})", spark_name(expr)),
        Expr::Floor { expr, .. } => format!("FLOOR({})", spark_name(expr)),
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => {
            let rest: Vec<_> = [substring_from, substring_for]
                .into_iter()
                .flatten()
                .map(|part| format!(", {}", spark_name(part)))
                .collect();
            format!("substring({}{})", spark_name(expr), rest.concat())
        }
        Expr::Trim {
            expr,
            trim_where: None,
            trim_what: None,
            ..
        } => {
            format!("trim({})", spark_name(expr))
        }
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            let mut name = "CASE".to_owned();
            for when in conditions {
                let condition = match operand {
                    Some(operand) => {
                        format!(
                            "({} = {})",
                            spark_name(operand),
                            spark_name(&when.condition)
                        )
                    }
                    None => spark_name(&when.condition),
                };
                name += &format!(" WHEN {condition} THEN {}", spark_name(&when.result));
            }
            if let Some(result) = else_result {
                name += &format!(" ELSE {}", spark_name(result));
            }
            name + " END"
        }
        Expr::Subquery(_) => "scalarsubquery()".to_owned(),
        Expr::Exists { negated, .. } => negate(*negated, "exists()".to_owned()),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let mut name = spark_name(root);
            for access in access_chain {
                match access {
                    AccessExpr::Dot(field) => name = spark_name(field),
                    AccessExpr::Subscript(Subscript::Index { index }) => {
                        name = format!("{name}[{}]", spark_name(index));
                    }
                    AccessExpr::Subscript(other) => name = format!("{name}[{other}]"),
                }
            }
            name
        }
        other => other.to_string(),
    }
}

fn negate(negated: bool, name: String) -> String {
    if negated {
        format!("(NOT {name})")
    } else {
        name
    }
}

fn join(exprs: &[Expr]) -> String {
    exprs.iter().map(spark_name).collect::<Vec<_>>().join(", ")
}

fn function_name(function: &Function) -> String {
    let name = function.name.to_string().to_lowercase();
    let mut text = match &function.args {
        FunctionArguments::None => format!("{name}()"),
        FunctionArguments::Subquery(_) => format!("{name}(scalarsubquery())"),
        FunctionArguments::List(list) => {
            let distinct = match list.duplicate_treatment {
                Some(DuplicateTreatment::Distinct) => "DISTINCT ",
                _ => "",
            };
            let args: Vec<_> = list
                .args
                .iter()
                .map(|arg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => spark_name(expr),
                    FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "count" => {
                        "1".to_owned()
                    }
                    other => other.to_string(),
                })
                .collect();
            format!("{name}({distinct}{})", args.join(", "))
        }
    };
    if let Some(filter) = &function.filter {
        text += &format!(" FILTER (WHERE {})", spark_name(filter));
    }
    if let Some(over) = &function.over {
        text += &format!(" OVER {over}");
    }
    text
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Int(None) | DataType::Integer(None) => "INT".to_owned(),
        DataType::String(None) | DataType::Text => "STRING".to_owned(),
        DataType::Double(ExactNumberInfo::None) | DataType::DoublePrecision => "DOUBLE".to_owned(),
        DataType::Float4 | DataType::Real => "FLOAT".to_owned(),
        DataType::Timestamp(None, TimezoneInfo::None) => "TIMESTAMP".to_owned(),
        DataType::Custom(name, _) => name.to_string().to_uppercase(),
        other => other.to_string().to_uppercase(),
    }
}
