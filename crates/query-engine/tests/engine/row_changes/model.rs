//! Rows and expressions in plain Rust: the second opinion on what a condition selects.

use std::fmt;

use proptest::prelude::*;

/// A row of the tables of these tests: `id`, `a`, `b` bigint, `s` string in the files; `p` string and
/// `y` bigint, by which the table may be partitioned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ModelRow {
    pub id: i64,
    pub a: Option<i64>,
    pub b: Option<i64>,
    pub s: Option<String>,
    pub p: Option<String>,
    pub y: Option<i64>,
}

/// What the names in an expression stand for: in a MERGE, `t` and `s`; else the row alone.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub target: &'a ModelRow,
    pub source: &'a ModelRow,
}

impl<'a> Scope<'a> {
    pub fn of(row: &'a ModelRow) -> Self {
        Self {
            target: row,
            source: row,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A name without a qualifier.
    None,
    Target,
    Source,
}

impl Side {
    fn prefix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Target => "t.",
            Self::Source => "s.",
        }
    }

    fn row<'a>(self, scope: Scope<'a>) -> &'a ModelRow {
        match self {
            Self::None | Self::Target => scope.target,
            Self::Source => scope.source,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Int {
    Column(Side, char),
    Literal(Option<i64>),
    Add(Box<Int>, Box<Int>),
    Coalesce(Box<Int>, Box<Int>),
    Case(Box<Condition>, Box<Int>, Box<Int>),
    Length(Box<Text>),
}

#[derive(Debug, Clone)]
pub enum Text {
    Column(Side, char),
    Literal(Option<String>),
    Cast(Box<Int>),
    Upper(Box<Text>),
}

#[derive(Debug, Clone)]
pub enum Condition {
    Literal(Option<bool>),
    CompareInts(Int, &'static str, Int),
    CompareTexts(Text, &'static str, Text),
    IsNull(Int, bool),
    In(Int, Vec<Option<i64>>, bool),
    InTexts(Text, Vec<Option<String>>, bool),
    Like(Text, String, bool),
    Between(Int, Int, Int),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Case(Box<Condition>, Box<Condition>, Box<Condition>),
    IsTrue(Box<Condition>),
}

impl Int {
    pub fn eval(&self, scope: Scope<'_>) -> Option<i64> {
        match self {
            Self::Column(side, name) => {
                let row = side.row(scope);
                match name {
                    'a' => row.a,
                    'b' => row.b,
                    'y' => row.y,
                    _ => Some(row.id),
                }
            }
            Self::Literal(value) => *value,
            Self::Add(left, right) => Some(left.eval(scope)? + right.eval(scope)?),
            Self::Coalesce(left, right) => left.eval(scope).or_else(|| right.eval(scope)),
            Self::Case(when, then, or) => match when.eval(scope) {
                Some(true) => then.eval(scope),
                _ => or.eval(scope),
            },
            Self::Length(text) => Some(i64::try_from(text.eval(scope)?.chars().count()).unwrap()),
        }
    }
}

impl Text {
    pub fn eval(&self, scope: Scope<'_>) -> Option<String> {
        match self {
            Self::Column(side, name) => {
                let row = side.row(scope);
                match name {
                    's' => row.s.clone(),
                    _ => row.p.clone(),
                }
            }
            Self::Literal(value) => value.clone(),
            Self::Cast(int) => Some(int.eval(scope)?.to_string()),
            Self::Upper(text) => Some(text.eval(scope)?.to_uppercase()),
        }
    }
}

fn compare<T: Ord>(left: Option<T>, op: &str, right: Option<T>) -> Option<bool> {
    if op == "<=>" {
        return Some(left == right);
    }
    let (left, right) = (left?, right?);
    Some(match op {
        "=" => left == right,
        "<>" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        _ => left >= right,
    })
}

fn is_in<T: PartialEq>(value: Option<T>, list: &[Option<T>]) -> Option<bool> {
    let value = value?;
    if list.iter().flatten().any(|other| *other == value) {
        return Some(true);
    }
    match list.iter().any(Option::is_none) {
        true => None,
        false => Some(false),
    }
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|at| like(&text[at..], rest)),
        Some((c, rest)) => text
            .split_first()
            .is_some_and(|(first, text)| (*c == '_' || c == first) && like(text, rest)),
    }
}

impl Condition {
    /// In three values: `None` is NULL.
    pub fn eval(&self, scope: Scope<'_>) -> Option<bool> {
        let negated = |answer: Option<bool>, not: bool| answer.map(|answer| answer != not);
        match self {
            Self::Literal(value) => *value,
            Self::CompareInts(left, op, right) => compare(left.eval(scope), op, right.eval(scope)),
            Self::CompareTexts(left, op, right) => compare(left.eval(scope), op, right.eval(scope)),
            Self::IsNull(int, not) => Some(int.eval(scope).is_none() != *not),
            Self::In(int, list, not) => negated(is_in(int.eval(scope), list), *not),
            Self::InTexts(text, list, not) => negated(is_in(text.eval(scope), list), *not),
            Self::Like(text, pattern, not) => {
                let text: Vec<char> = text.eval(scope)?.chars().collect();
                let pattern: Vec<char> = pattern.chars().collect();
                Some(like(&text, &pattern) != *not)
            }
            Self::Between(value, low, high) => {
                let value = value.eval(scope);
                let above = compare(value, ">=", low.eval(scope));
                and(above, compare(value, "<=", high.eval(scope)))
            }
            Self::Not(inner) => inner.eval(scope).map(|answer| !answer),
            Self::And(left, right) => and(left.eval(scope), right.eval(scope)),
            Self::Or(left, right) => {
                let not = |answer: Option<bool>| answer.map(|answer| !answer);
                not(and(not(left.eval(scope)), not(right.eval(scope))))
            }
            Self::Case(when, then, or) => match when.eval(scope) {
                Some(true) => then.eval(scope),
                _ => or.eval(scope),
            },
            Self::IsTrue(inner) => Some(inner.eval(scope) == Some(true)),
        }
    }

    pub fn is_true(&self, scope: Scope<'_>) -> bool {
        self.eval(scope) == Some(true)
    }
}

fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

// As SQL.

pub fn int(value: Option<i64>) -> String {
    value.map_or("NULL".to_owned(), |value| value.to_string())
}

pub fn text(value: &Option<String>) -> String {
    let quoted = value.as_ref().map(|text| format!("'{text}'"));
    quoted.unwrap_or("NULL".to_owned())
}

fn list<T>(values: &[T], shown: impl Fn(&T) -> String) -> String {
    values.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(side, 'i') => write!(f, "{}id", side.prefix()),
            Self::Column(side, name) => write!(f, "{}{name}", side.prefix()),
            Self::Literal(None) => f.write_str("CAST(NULL AS BIGINT)"),
            Self::Literal(value) => f.write_str(&int(*value)),
            Self::Add(left, right) => write!(f, "({left} + {right})"),
            Self::Coalesce(left, right) => write!(f, "coalesce({left}, {right})"),
            Self::Case(when, then, or) => {
                write!(f, "(CASE WHEN {when} THEN {then} ELSE {or} END)")
            }
            Self::Length(text) => write!(f, "CAST(length({text}) AS BIGINT)"),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(side, name) => write!(f, "{}{name}", side.prefix()),
            Self::Literal(None) => f.write_str("CAST(NULL AS STRING)"),
            Self::Literal(value) => f.write_str(&text(value)),
            Self::Cast(int) => write!(f, "CAST({int} AS STRING)"),
            Self::Upper(text) => write!(f, "upper({text})"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(None) => f.write_str("NULL"),
            Self::Literal(Some(value)) => write!(f, "{value}"),
            Self::CompareInts(left, op, right) => write!(f, "{left} {op} {right}"),
            Self::CompareTexts(left, op, right) => write!(f, "{left} {op} {right}"),
            Self::IsNull(int, negated) => write!(f, "{int} IS {}NULL", not(*negated)),
            Self::In(value, values, negated) => {
                let values = list(values, |value| int(*value));
                write!(f, "{value} {}IN ({values})", not(*negated))
            }
            Self::InTexts(value, values, negated) => {
                write!(f, "{value} {}IN ({})", not(*negated), list(values, text))
            }
            Self::Like(text, pattern, negated) => {
                write!(f, "{text} {}LIKE '{pattern}'", not(*negated))
            }
            Self::Between(value, low, high) => write!(f, "{value} BETWEEN {low} AND {high}"),
            Self::Not(inner) => write!(f, "NOT ({inner})"),
            Self::And(left, right) => write!(f, "({left} AND {right})"),
            Self::Or(left, right) => write!(f, "({left} OR {right})"),
            Self::Case(when, then, or) => {
                write!(f, "CASE WHEN {when} THEN {then} ELSE {or} END")
            }
            Self::IsTrue(inner) => write!(f, "({inner}) IS TRUE"),
        }
    }
}

// At random.

pub fn small() -> impl Strategy<Value = Option<i64>> {
    proptest::option::weighted(0.8, -2..6_i64)
}

pub fn word() -> impl Strategy<Value = Option<String>> {
    const WORDS: [&str; 8] = ["", "a", "b", "B", "ab", "ba", "ü", "x%"];
    proptest::option::weighted(
        0.8,
        proptest::sample::select(&WORDS[..]).prop_map(str::to_owned),
    )
}

fn op() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["=", "<>", "<", "<=", ">", ">=", "<=>"][..])
}

fn columns(sides: &'static [Side]) -> impl Strategy<Value = Side> {
    proptest::sample::select(sides)
}

/// Conditions over the columns of `sides`.
pub fn conditions(sides: &'static [Side]) -> BoxedStrategy<Condition> {
    let leaf = leaves(ints(sides), texts(sides));
    leaf.prop_recursive(3, 12, 3, |inner| {
        let boxed = |strategy: BoxedStrategy<Condition>| strategy.prop_map(Box::new);
        let inner = inner.boxed();
        let of = move || boxed(inner.clone());
        prop_oneof![
            of().prop_map(Condition::Not),
            (of(), of()).prop_map(|(l, r)| Condition::And(l, r)),
            (of(), of()).prop_map(|(l, r)| Condition::Or(l, r)),
            (of(), of(), of()).prop_map(|(w, t, e)| Condition::Case(w, t, e)),
            of().prop_map(Condition::IsTrue),
        ]
    })
    .boxed()
}

fn leaves(ints: BoxedStrategy<Int>, texts: BoxedStrategy<Text>) -> BoxedStrategy<Condition> {
    let int = || ints.clone();
    let string = || texts.clone();
    let many = |n| proptest::collection::vec(small(), 1..n);
    let patterns = proptest::sample::select(&["a%", "%b", "_", "%", "", "A_", "x"][..]);
    prop_oneof![
        1 => proptest::option::of(any::<bool>()).prop_map(Condition::Literal),
        6 => (int(), op(), int()).prop_map(|(l, o, r)| Condition::CompareInts(l, o, r)),
        3 => (string(), op(), string()).prop_map(|(l, o, r)| Condition::CompareTexts(l, o, r)),
        1 => (int(), any::<bool>()).prop_map(|(i, n)| Condition::IsNull(i, n)),
        2 => (int(), many(4), any::<bool>()).prop_map(|(i, l, n)| Condition::In(i, l, n)),
        1 => (string(), proptest::collection::vec(word(), 1..4), any::<bool>())
            .prop_map(|(t, l, n)| Condition::InTexts(t, l, n)),
        1 => (string(), patterns, any::<bool>())
            .prop_map(|(t, p, n)| Condition::Like(t, p.to_owned(), n)),
        1 => (int(), int(), int()).prop_map(|(v, l, h)| Condition::Between(v, l, h)),
    ]
    .boxed()
}

pub fn ints(sides: &'static [Side]) -> BoxedStrategy<Int> {
    let name = proptest::sample::select(&['a', 'b', 'y', 'i'][..]);
    let leaf = prop_oneof![
        4 => (columns(sides), name).prop_map(|(side, name)| Int::Column(side, name)),
        2 => small().prop_map(Int::Literal),
    ];
    let text = (columns(sides), proptest::sample::select(&['s', 'p'][..]));
    let text = text.prop_map(|(side, name)| Text::Column(side, name));
    let compared = (leaf.clone(), op(), leaf.clone());
    let compared = compared
        .prop_map(|(l, o, r)| Condition::CompareInts(l, o, r))
        .boxed();
    prop_oneof![
        6 => leaf.clone(),
        1 => (leaf.clone(), leaf.clone()).prop_map(|(l, r)| Int::Add(l.into(), r.into())),
        1 => (leaf.clone(), leaf.clone()).prop_map(|(l, r)| Int::Coalesce(l.into(), r.into())),
        1 => (compared, leaf.clone(), leaf)
            .prop_map(|(w, t, e)| Int::Case(w.into(), t.into(), e.into())),
        1 => text.prop_map(|text| Int::Length(text.into())),
    ]
    .boxed()
}

pub fn texts(sides: &'static [Side]) -> BoxedStrategy<Text> {
    let name = proptest::sample::select(&['s', 'p'][..]);
    let leaf = prop_oneof![
        3 => (columns(sides), name).prop_map(|(side, name)| Text::Column(side, name)),
        2 => word().prop_map(Text::Literal),
    ];
    prop_oneof![
        4 => leaf.clone(),
        1 => ints(sides).prop_map(|int| Text::Cast(int.into())),
        1 => leaf.prop_map(|text| Text::Upper(text.into())),
    ]
    .boxed()
}
