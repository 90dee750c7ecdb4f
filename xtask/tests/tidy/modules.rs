//! The modules of a crate, read from its sources: what each defines, imports and names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemMod, ItemUse, Stmt, TraitItem, UseTree, Visibility};

use crate::paths;

/// A crate's modules; the first is the root.
#[derive(Debug, Default)]
pub struct Modules(Vec<Module>);

/// A module, without its tests.
#[derive(Debug, Default)]
pub struct Module {
    /// The file that it is written in.
    pub file: PathBuf,
    /// The module around it; the root has none.
    pub parent: Option<usize>,
    /// Modules in it, by name.
    pub children: BTreeMap<String, usize>,
    /// Names of the items that it defines, other than modules.
    pub items: BTreeSet<String>,
    /// Its `use` declarations, flattened, those inside of functions included.
    pub imports: Vec<Import>,
    /// The paths that its code names, as `["crate", "schema", "Schema"]`.
    pub paths: BTreeSet<Vec<String>>,
}

/// One name of a `use` declaration.
#[derive(Debug)]
pub struct Import {
    /// The name that it brings in; `None` for `*`.
    pub name: Option<String>,
    /// What is imported; for `*`, whose names.
    pub path: Vec<String>,
    /// `pub use`, in any form: the name is handed on.
    pub reexported: bool,
}

impl Modules {
    /// Reads the crate whose root module is in `file`.
    ///
    /// # Errors
    /// If a file is missing or is not Rust.
    pub fn read(file: &Path) -> Result<Self> {
        let mut modules = Self::default();
        let folder = file.parent().unwrap_or(Path::new("."));
        modules.read_file(file, folder, None)?;
        Ok(modules)
    }

    /// The root and all modules below it.
    pub fn all(&self) -> impl Iterator<Item = (usize, &Module)> {
        self.0.iter().enumerate()
    }

    /// The module of this number.
    pub fn get(&self, index: usize) -> &Module {
        &self.0[index]
    }

    /// Reads a module that is a file; the files of its children are in `folder`.
    fn read_file(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> Result<usize> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let content =
            syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        self.add(file, folder, parent, &content.items)
    }

    fn add(
        &mut self,
        file: &Path,
        folder: &Path,
        parent: Option<usize>,
        items: &[Item],
    ) -> Result<usize> {
        let mut collector = Collector::default();
        items.iter().for_each(|item| collector.visit_item(item));
        let index = self.0.len();
        self.0.push(Module {
            file: file.to_path_buf(),
            parent,
            ..collector.module
        });
        for child in collector.modules {
            let name = paths::name(&child.ident);
            let at = match &child.content {
                Some((_, items)) => self.add(file, &folder.join(&name), Some(index), items)?,
                None => {
                    let (child_file, child_folder) = locate(&child, &name, file, folder)?;
                    self.read_file(&child_file, &child_folder, Some(index))?
                }
            };
            self.0[index].children.insert(name, at);
        }
        Ok(index)
    }
}

/// The file of the module `mod name;`, and the folder of its children.
fn locate(module: &ItemMod, name: &str, file: &Path, folder: &Path) -> Result<(PathBuf, PathBuf)> {
    if let Some(path) = paths::path_attribute(&module.attrs) {
        let here = file.parent().unwrap_or(folder);
        let child = here.join(path);
        let below = child.parent().unwrap_or(here).to_path_buf();
        return Ok((child, below));
    }
    let below = folder.join(name);
    for child in [folder.join(format!("{name}.rs")), below.join("mod.rs")] {
        if child.exists() {
            return Ok((child, below));
        }
    }
    bail!("{} has no file for `mod {name};`", file.display());
}

/// Takes in the items of one module.
#[derive(Default)]
struct Collector {
    module: Module,
    /// Modules in it, yet to be read.
    modules: Vec<ItemMod>,
    /// How many function bodies and the like are around: what is defined there is local.
    depth: usize,
}

impl Collector {
    fn define(&mut self, item: &Item) {
        let ident = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::TraitAlias(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            Item::Macro(item) => match &item.ident {
                Some(ident) => ident,
                None => return,
            },
            _ => return,
        };
        self.module.items.insert(paths::name(ident));
    }

    fn import(&mut self, tree: &UseTree, path: &mut Vec<String>, reexported: bool) {
        let mut add = |name: Option<String>, path: Vec<String>| {
            self.module.imports.push(Import {
                name,
                path,
                reexported,
            });
        };
        match tree {
            UseTree::Path(tree) => {
                path.push(paths::name(&tree.ident));
                self.import(&tree.tree, path, reexported);
                path.pop();
            }
            UseTree::Group(tree) => {
                for tree in &tree.items {
                    self.import(tree, path, reexported);
                }
            }
            UseTree::Glob(_) => add(None, path.clone()),
            UseTree::Name(tree) if tree.ident == "self" => add(path.last().cloned(), path.clone()),
            UseTree::Name(tree) => {
                let name = paths::name(&tree.ident);
                add(Some(name.clone()), [path.clone(), vec![name]].concat());
            }
            UseTree::Rename(tree) => {
                let mut path = path.clone();
                if tree.ident != "self" {
                    path.push(paths::name(&tree.ident));
                }
                add(Some(paths::name(&tree.rename)), path);
            }
        }
    }
}

impl Visit<'_> for Collector {
    fn visit_item(&mut self, item: &Item) {
        if is_test(paths::attributes(item)) {
            return;
        }
        if let Item::Mod(module) = item {
            self.modules.push(module.clone());
            return;
        }
        if self.depth == 0 {
            self.define(item);
        }
        self.depth += 1;
        visit::visit_item(self, item);
        self.depth -= 1;
    }

    fn visit_impl_item(&mut self, item: &ImplItem) {
        let attributes: &[Attribute] = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &TraitItem) {
        if let TraitItem::Fn(function) = item
            && is_test(&function.attrs)
        {
            return;
        }
        visit::visit_trait_item(self, item);
    }

    fn visit_stmt(&mut self, statement: &Stmt) {
        if let Stmt::Local(local) = statement
            && is_test(&local.attrs)
        {
            return;
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        if item.leading_colon.is_none() {
            let reexported = !matches!(item.vis, Visibility::Inherited);
            self.import(&item.tree, &mut Vec::new(), reexported);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter();
            let names = segments
                .map(|segment| paths::name(&segment.ident))
                .collect();
            self.module.paths.insert(names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &syn::Macro) {
        paths::in_tokens(invocation.tokens.clone(), &mut self.module.paths);
        visit::visit_macro(self, invocation);
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        paths::in_attribute(attribute, &mut self.module.paths);
    }
}

/// Whether something with these attributes exists in tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        if attribute.path().is_ident("test") {
            return true;
        }
        let Ok(list) = attribute.meta.require_list() else {
            return false;
        };
        let condition = list.tokens.to_string();
        attribute.path().is_ident("cfg")
            && (condition == "test" || condition.replace(' ', "").starts_with("all(test"))
    })
}
