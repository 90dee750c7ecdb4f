//! Paths in places where syn leaves tokens: macros and attributes.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Attribute, Expr, ExprLit, Item, Lit, Meta};

/// An identifier's name, without `r#`.
pub fn name(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_owned()
}

/// Adds the paths that `tokens` seem to have: identifiers, joined by `::`.
pub fn in_tokens(tokens: TokenStream, paths: &mut BTreeSet<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if path.is_empty() || colons == 2 => {
                path.push(name(&ident));
                colons = 0;
                continue;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() && colons < 2 => {
                colons += 1;
                continue;
            }
            _ => (),
        }
        if !path.is_empty() {
            paths.insert(std::mem::take(&mut path));
        }
        colons = 0;
        match token {
            TokenTree::Ident(ident) => path.push(name(&ident)),
            TokenTree::Group(group) => in_tokens(group.stream(), paths),
            _ => (),
        }
    }
    if !path.is_empty() {
        paths.insert(path);
    }
}

/// Adds the paths of an attribute, also those that serde's take as strings:
/// `#[serde(with = "crate::hex")]`.
pub fn in_attribute(attribute: &Attribute, paths: &mut BTreeSet<Vec<String>>) {
    if let Meta::List(list) = &attribute.meta {
        in_tokens(list.tokens.clone(), paths);
        for token in list.tokens.clone() {
            if let TokenTree::Literal(literal) = token
                && let Lit::Str(text) = Lit::new(literal)
                && let Ok(path) = text.parse::<syn::Path>()
            {
                paths.insert(path.segments.iter().map(|part| name(&part.ident)).collect());
            }
        }
    }
}

/// The file that `#[path = "…"]` names.
pub fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let value = attribute.meta.require_name_value().ok()?;
        match &value.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) if value.path.is_ident("path") => Some(text.value()),
            _ => None,
        }
    })
}

/// The attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
