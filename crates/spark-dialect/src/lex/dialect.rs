//! How sqlparser reads Spark's SQL: identifiers, literals and operators that no dialect of its own
//! has.

use std::sync::atomic::{AtomicUsize, Ordering};

use sqlparser::ast::{
    BinaryOperator, DataType, ExactNumberInfo, Expr, Interval, TimezoneInfo, TypedString, Value,
    ValueWithSpan,
};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// Spark SQL, as far as sqlparser's grammar carries it.
#[derive(Debug)]
pub(crate) struct SparkDialect {
    /// Expressions that may still be started. sqlparser tries alternatives and goes back, which
    /// takes exponential time on some malformed input; this ends it.
    budget: AtomicUsize,
}

impl SparkDialect {
    /// For a statement of `tokens` tokens.
    pub(crate) fn new(tokens: usize) -> Self {
        Self {
            budget: AtomicUsize::new(5_000 + 8 * tokens),
        }
    }

    fn spend(&self) -> Result<(), ParserError> {
        self.budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .map(|_| ())
            .map_err(|_| ParserError::RecursionLimitExceeded)
    }
}

/// Marks a literal with a suffix (`1.5F`) until [`crate::translate::expression`] turns it into a cast: only these
/// and ODBC's `{d '…'}`, which Spark does not have, carry the flag.
pub(crate) fn suffixed_literal(data_type: DataType, digits: String) -> Expr {
    Expr::TypedString(TypedString {
        data_type,
        value: ValueWithSpan::from(Value::SingleQuotedString(digits)),
        uses_odbc_syntax: true,
    })
}

impl Dialect for SparkDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('`')
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_ascii_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_ascii_alphanumeric() || ch == '_'
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn ignores_wildcard_escapes(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_struct_literal(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    fn supports_cte_without_as(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        if let Err(error) = self.spend() {
            return Some(Err(error));
        }
        match &parser.peek_token_ref().token {
            Token::Number(..) => parse_number(parser, false),
            Token::Minus => {
                // `-128Y` is a tinyint, though 128 is none.
                let [minus, number, suffix] = parser.peek_tokens_with_location::<3>();
                let whole = minus.span.end == number.span.start
                    && matches!(&number.token, Token::Number(..))
                    && is_suffix_of(&number, &suffix)
                    && matches!(&suffix.token, Token::Word(w)
                        if w.value.eq_ignore_ascii_case("y") || w.value.eq_ignore_ascii_case("s"));
                if !whole {
                    return None;
                }
                parser.advance_token();
                parse_number(parser, true)
            }
            Token::Word(Word {
                keyword: Keyword::INTERVAL,
                quote_style: None,
                ..
            }) => parse_interval(parser),
            Token::Word(word)
                if word.quote_style.is_none()
                    && word.value.eq_ignore_ascii_case("timestamp_ltz") =>
            {
                let Token::SingleQuotedString(text) = &parser.peek_nth_token_ref(1).token else {
                    return None;
                };
                let value = ValueWithSpan::from(Value::SingleQuotedString(text.clone()));
                parser.advance_token();
                parser.advance_token();
                Some(Ok(Expr::TypedString(TypedString {
                    data_type: DataType::Timestamp(None, TimezoneInfo::None),
                    value,
                    uses_odbc_syntax: false,
                })))
            }
            _ => None,
        }
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if !parser.parse_keyword(Keyword::DIV) {
            return None;
        }
        Some(
            parser
                .parse_subexpr(precedence)
                .map(|right| Expr::BinaryOp {
                    left: Box::new(expr.clone()),
                    op: BinaryOperator::MyIntegerDivide,
                    right: Box::new(right),
                }),
        )
    }
}

/// Whether `suffix` is a word that touches `number`.
fn is_suffix_of(number: &TokenWithSpan, suffix: &TokenWithSpan) -> bool {
    number.span.end == suffix.span.start
        && matches!(&suffix.token, Token::Word(word) if word.quote_style.is_none())
}

/// `1`, `12.5`, `1e3` and, with a suffix, `1L`, `1S`, `1Y`, `1.5F`, `250.0D`, `2.5BD`.
fn parse_number(parser: &mut Parser, negative: bool) -> Option<Result<Expr, ParserError>> {
    let [number, suffix] = parser.peek_tokens_with_location::<2>();
    let Token::Number(digits, long) = &number.token else {
        return None;
    };
    let at = |what: String| {
        Some(Err(ParserError::ParserError(format!(
            "{what}{}",
            number.span.start
        ))))
    };
    if !is_suffix_of(&number, &suffix) {
        if digits.contains(['e', 'E']) && !long {
            parser.advance_token();
            return Some(Ok(suffixed_literal(
                DataType::DoublePrecision,
                digits.clone(),
            )));
        }
        if *long && digits.parse::<i64>().is_err() {
            return at(format!("the literal {digits}L is no bigint"));
        }
        return None;
    }
    let Token::Word(word) = &suffix.token else {
        return None;
    };
    let digits = if negative {
        format!("-{digits}")
    } else {
        digits.clone()
    };
    let name = if *long {
        format!("L{}", word.value)
    } else {
        word.value.to_ascii_uppercase()
    };
    let data_type = match name.as_str() {
        "D" => DataType::DoublePrecision,
        "F" => DataType::Float4,
        "L" if digits.parse::<i64>().is_ok() => DataType::BigInt(None),
        "S" if digits.parse::<i16>().is_ok() => DataType::SmallInt(None),
        "Y" if digits.parse::<i8>().is_ok() => DataType::TinyInt(None),
        "BD" => match decimal_type(&digits) {
            Some(data_type) => data_type,
            None => return at(format!("the literal {digits}BD has more than 38 digits")),
        },
        "L" | "S" | "Y" => {
            return at(format!(
                "the literal {digits}{} is out of its type's range",
                word.value
            ));
        }
        _ => {
            return at(format!(
                "a number is followed by `{}`; quote a name that starts with a digit with backticks",
                word.value
            ));
        }
    };
    parser.advance_token();
    parser.advance_token();
    Some(Ok(suffixed_literal(data_type, digits)))
}

/// The type of a decimal literal; `None` where it has more than 38 digits.
fn decimal_type(digits: &str) -> Option<DataType> {
    if digits.contains(['e', 'E']) {
        return Some(DataType::DoublePrecision);
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0').len();
    let precision = (whole + fraction.len()).max(1);
    if precision > 38 {
        return None;
    }
    Some(DataType::Decimal(ExactNumberInfo::PrecisionAndScale(
        precision as u64,
        fraction.len() as i64,
    )))
}

const UNITS: [&str; 9] = [
    "YEAR",
    "MONTH",
    "WEEK",
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
    "MICROSECOND",
];

/// `INTERVAL 90 YEARS`, `INTERVAL '1' DAY`, `INTERVAL 1 DAY 2 HOURS`, `INTERVAL '1 day 2 hours'`.
/// `None` where the word is a name.
fn parse_interval(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let mut parts = Vec::new();
    let mut at = 1;
    loop {
        let negative = parser.peek_nth_token_ref(at).token == Token::Minus;
        let value = &parser.peek_nth_token_ref(at + usize::from(negative)).token;
        let (amount, quoted) = match value {
            Token::Number(digits, false) => (digits.clone(), false),
            Token::SingleQuotedString(text) => (text.clone(), true),
            _ => break,
        };
        let unit_at = at + usize::from(negative) + 1;
        let unit = match &parser.peek_nth_token_ref(unit_at).token {
            Token::Word(word) if word.quote_style.is_none() => {
                let name = word.value.to_ascii_uppercase();
                let singular = name.strip_suffix('S').unwrap_or(&name).to_owned();
                UNITS.contains(&singular.as_str()).then_some(singular)
            }
            _ => None,
        };
        let sign = if negative { "-" } else { "" };
        match unit {
            Some(unit) => {
                if parser
                    .peek_nth_token_ref(unit_at + 1)
                    .token
                    .to_string()
                    .eq_ignore_ascii_case("to")
                {
                    return Some(Err(ParserError::ParserError(format!(
                        "intervals from one unit TO another are not supported; write INTERVAL 1 DAY 2 HOURS{}",
                        parser.peek_token_ref().span.start
                    ))));
                }
                parts.push(format!("{sign}{amount} {unit}"));
                at = unit_at + 1;
            }
            None if quoted && !negative && parts.is_empty() => {
                parts.push(amount);
                at = unit_at;
                break;
            }
            None => break,
        }
    }
    if parts.is_empty() {
        return None;
    }
    for _ in 0..at {
        parser.advance_token();
    }
    let value = Value::SingleQuotedString(parts.join(" "));
    Some(Ok(Expr::Interval(Interval {
        value: Box::new(Expr::Value(value.into())),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })))
}
