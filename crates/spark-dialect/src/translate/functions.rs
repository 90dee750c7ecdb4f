//! Spark's functions that DataFusion has under another name, or under the same name with another
//! meaning. Those that it does not have at all stay as they are: planning names them.

use messages::Error;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, DuplicateTreatment, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, Value, helpers::attached_token::AttachedToken,
};

use crate::translate::ast::{call, cast, string, to_timestamp};

/// What stands for a call; `None` where the call may stay (perhaps renamed).
pub(crate) fn rewrite(function: &mut Function) -> Result<Option<Expr>, Error> {
    let [part] = function.name.0.as_slice() else {
        return Ok(None);
    };
    let Some(ident) = part.as_ident() else {
        return Ok(None);
    };
    let name = ident.value.to_ascii_lowercase();
    if let Some(renamed) = renamed(&name) {
        function.name = vec![Ident::new(renamed)].into();
        if let ("collect_list" | "collect_set", FunctionArguments::List(list)) =
            (name.as_str(), &mut function.args)
        {
            if name == "collect_set" {
                list.duplicate_treatment = Some(DuplicateTreatment::Distinct);
            }
            // Spark collects no NULLs.
            if let (None, [FunctionArg::Unnamed(FunctionArgExpr::Expr(value))]) =
                (&function.filter, list.args.as_slice())
            {
                let given = Expr::IsNotNull(Box::new(Expr::Nested(Box::new(value.clone()))));
                function.filter = Some(Box::new(given));
            }
        }
        return Ok(None);
    }
    if matches!(function.args, FunctionArguments::None) && name == "current_timestamp" {
        return Ok(Some(to_timestamp(call("now", Vec::new()))));
    }
    let Some(args) = plain_arguments(function) else {
        return Ok(None);
    };
    scalar(&name, args)
}

fn renamed(name: &str) -> Option<&'static str> {
    Some(match name {
        "collect_list" | "collect_set" => "array_agg",
        "any_value" | "first" => "first_value",
        "last" => "last_value",
        "approx_count_distinct" => "approx_distinct",
        "std" | "stddev_samp" => "stddev",
        "variance" => "var_samp",
        "every" => "bool_and",
        "some" | "any" => "bool_or",
        "ucase" => "upper",
        "lcase" => "lower",
        "len" => "length",
        "rand" => "random",
        "array" => "make_array",
        "explode" => "unnest",
        _ => return None,
    })
}

/// The arguments of a call that has nothing but arguments.
fn plain_arguments(function: &Function) -> Option<Vec<Expr>> {
    if function.over.is_some() || function.filter.is_some() || !function.within_group.is_empty() {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    list.args
        .iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect()
}

fn scalar(name: &str, args: Vec<Expr>) -> Result<Option<Expr>, Error> {
    let int = |expr| cast(expr, DataType::Int(None));
    let date = |expr| cast(expr, DataType::Date);
    let days = |expr| int(date(expr));
    let replacement = match (name, args.as_slice()) {
        ("current_timestamp" | "now", []) => to_timestamp(call("now", Vec::new())),
        ("year" | "month" | "day" | "hour" | "minute" | "quarter" | "week", [time]) => {
            date_part(name, time)
        }
        ("dayofmonth", [time]) => date_part("day", time),
        ("dayofyear", [time]) => date_part("doy", time),
        ("weekofyear", [time]) => date_part("week", time),
        ("second", [time]) => date_part("second", time),
        ("unix_timestamp", [time]) => {
            let epoch = call(
                "date_part",
                vec![string("epoch"), to_timestamp(time.clone())],
            );
            cast(epoch, DataType::BigInt(None))
        }
        ("datediff" | "date_diff", [end, start]) => Expr::Nested(Box::new(binary(
            days(end.clone()),
            BinaryOperator::Minus,
            days(start.clone()),
        ))),
        ("date_add" | "dateadd", [start, more]) => date(int(binary(
            days(start.clone()),
            BinaryOperator::Plus,
            int(more.clone()),
        ))),
        ("date_sub", [start, less]) => date(int(binary(
            days(start.clone()),
            BinaryOperator::Minus,
            int(less.clone()),
        ))),
        ("date_format", [time, format]) => call(
            "to_char",
            vec![to_timestamp(time.clone()), string(&chrono_format(format)?)],
        ),
        ("to_timestamp", [time]) => to_timestamp(time.clone()),
        ("to_timestamp", [text, format]) => to_timestamp(call(
            "to_timestamp",
            vec![text.clone(), string(&chrono_format(format)?)],
        )),
        ("to_date", [text, format]) => call(
            "to_date",
            vec![text.clone(), string(&chrono_format(format)?)],
        ),
        ("to_date" | "date", [text]) => date(text.clone()),
        ("timestamp", [text]) => to_timestamp(text.clone()),
        ("string", [value]) => cast(value.clone(), DataType::String(None)),
        ("int", [value]) => int(value.clone()),
        ("bigint", [value]) => cast(value.clone(), DataType::BigInt(None)),
        ("double", [value]) => cast(value.clone(), DataType::DoublePrecision),
        ("boolean", [value]) => cast(value.clone(), DataType::Boolean),
        ("isnull", [value]) => Expr::Nested(Box::new(Expr::IsNull(Box::new(value.clone())))),
        ("isnotnull", [value]) => Expr::Nested(Box::new(Expr::IsNotNull(Box::new(value.clone())))),
        ("if" | "iff", [condition, then, otherwise]) => {
            case(condition.clone(), then.clone(), Some(otherwise.clone()))
        }
        ("count_if", [condition]) => {
            let one = Expr::Value(Value::Number("1".to_owned(), false).into());
            call("count", vec![case(condition.clone(), one, None)])
        }
        // DataFusion's concat leaves NULL out; Spark's answers NULL.
        ("concat", [first, rest @ ..]) => {
            let start = binary(string(""), BinaryOperator::StringConcat, first.clone());
            let all = rest.iter().fold(start, |left, right| {
                binary(left, BinaryOperator::StringConcat, right.clone())
            });
            Expr::Nested(Box::new(all))
        }
        // DataFusion replaces the first match where nothing says `g`; Spark all.
        ("regexp_replace", [text, pattern, replacement]) => call(
            "regexp_replace",
            vec![
                text.clone(),
                pattern.clone(),
                replacement.clone(),
                string("g"),
            ],
        ),
        // The natural logarithm; DataFusion's `log` of one argument has base 10.
        ("log", [value]) => call("ln", vec![value.clone()]),
        ("mod", [left, right]) => Expr::Nested(Box::new(binary(
            left.clone(),
            BinaryOperator::Modulo,
            right.clone(),
        ))),
        ("size" | "array_size" | "cardinality", [list]) => {
            int(call("array_length", vec![list.clone()]))
        }
        _ => return Ok(None),
    };
    Ok(Some(replacement))
}

fn date_part(part: &str, time: &Expr) -> Expr {
    cast(
        call("date_part", vec![string(part), time.clone()]),
        DataType::Int(None),
    )
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

fn case(condition: Expr, result: Expr, otherwise: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result }],
        else_result: otherwise.map(Box::new),
    }
}

/// Java's date pattern as chrono's: `yyyy-MM-dd` is `%Y-%m-%d`.
fn chrono_format(format: &Expr) -> Result<String, Error> {
    let unsupported = |what: &str| {
        Error::new(
            "UNSUPPORTED_FEATURE",
            format!("The date pattern {what} is not supported."),
        )
        .with_hint("Use yyyy, MM, dd, HH, hh, mm, ss, SSS, a, EEEE, EEE, MMMM, MMM and text in ''.")
    };
    let Expr::Value(value) = format else {
        return Err(unsupported(&format.to_string()));
    };
    let Value::SingleQuotedString(pattern) = &value.value else {
        return Err(unsupported(&format.to_string()));
    };
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' {
            for quoted in chars.by_ref().take_while(|c| *c != '\'') {
                out.push(quoted);
            }
            continue;
        }
        if !c.is_ascii_alphabetic() {
            out.push_str(if c == '%' { "%%" } else { "" });
            if c != '%' {
                out.push(c);
            }
            continue;
        }
        let mut run = c.to_string();
        while chars.peek() == Some(&c) {
            run.push(c);
            chars.next();
        }
        out.push_str(match run.as_str() {
            "yyyy" | "y" | "uuuu" => "%Y",
            "yy" => "%y",
            "MM" => "%m",
            "M" => "%-m",
            "MMM" => "%b",
            "MMMM" => "%B",
            "dd" => "%d",
            "d" => "%-d",
            "DDD" => "%j",
            "E" | "EE" | "EEE" => "%a",
            "EEEE" => "%A",
            "HH" => "%H",
            "H" => "%-H",
            "hh" => "%I",
            "h" => "%-I",
            "mm" => "%M",
            "ss" => "%S",
            "SSS" => "%3f",
            "SSSSSS" => "%6f",
            "a" => "%p",
            other => return Err(unsupported(other)),
        });
    }
    Ok(out)
}
