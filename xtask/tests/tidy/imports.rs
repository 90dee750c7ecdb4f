//! Which file of a crate uses which other, and by what names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::modules::{Import, Modules};

/// For each file, the files that it uses, with the names of what it uses there.
pub type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// An item, by its name in the module that defines it.
    Item(usize, String),
}

/// Reads off which files use which.
///
/// A file uses the one that defines an item, through however many re-exports the name came. To hand
/// a name on (`pub use`) is not to use it, and neither is to declare a module.
pub fn imports(modules: &Modules) -> Imports {
    let mut found = Imports::new();
    for (index, module) in modules.all() {
        let uses = found.entry(module.file.clone()).or_default();
        let imported = module.imports.iter().filter(|import| !import.reexported);
        let paths = imported.map(|import| &import.path).chain(&module.paths);
        for path in paths {
            for target in resolve(modules, index, path, &mut Vec::new()) {
                if let Target::Item(at, name) = target {
                    let file = &modules.get(at).file;
                    if *file != module.file {
                        uses.entry(file.clone()).or_default().insert(name);
                    }
                }
            }
        }
    }
    found
}

/// What `path` leads to, as written in module `from`: nothing if it leads out of the crate, and
/// several things where a module and a function, say, have one name.
///
/// `followed` are the imports that led here: some lead back to themselves.
fn resolve<'a>(
    modules: &'a Modules,
    from: usize,
    path: &[String],
    followed: &mut Vec<&'a Import>,
) -> Vec<Target> {
    let Some((first, mut rest)) = path.split_first() else {
        return Vec::new();
    };
    let mut targets = match first.as_str() {
        "crate" => vec![Target::Module(0)],
        "self" => vec![Target::Module(from)],
        "super" => parent(modules, from),
        name => look_up(modules, from, name, followed),
    };
    while let Some((name, after)) = rest.split_first() {
        rest = after;
        targets = targets
            .into_iter()
            .flat_map(|target| match target {
                Target::Module(module) if name == "super" => parent(modules, module),
                Target::Module(module) => look_up(modules, module, name, followed),
                // A variant, an associated function.
                item @ Target::Item(..) => vec![item],
            })
            .collect();
    }
    targets
}

fn parent(modules: &Modules, of: usize) -> Vec<Target> {
    let parent = modules.get(of).parent;
    parent.map(Target::Module).into_iter().collect()
}

/// What `name` means in a module.
fn look_up<'a>(
    modules: &'a Modules,
    at: usize,
    name: &str,
    followed: &mut Vec<&'a Import>,
) -> Vec<Target> {
    let module = modules.get(at);
    let mut targets = Vec::new();
    if module.items.contains(name) {
        targets.push(Target::Item(at, name.to_owned()));
    }
    if let Some(child) = module.children.get(name) {
        targets.push(Target::Module(*child));
    }
    for import in &module.imports {
        if import.name.as_deref() == Some(name) {
            targets.extend(follow(import, followed, |followed| {
                resolve(modules, at, &import.path, followed)
            }));
        }
    }
    // A name that is written out goes before those that `*` brings.
    if targets.is_empty() {
        for import in module.imports.iter().filter(|import| import.name.is_none()) {
            targets.extend(follow(import, followed, |followed| {
                let from = resolve(modules, at, &import.path, followed);
                let from = from.into_iter().filter_map(|target| match target {
                    Target::Module(module) => Some(module),
                    Target::Item(..) => None,
                });
                from.flat_map(|module| look_up(modules, module, name, followed))
                    .collect()
            }));
        }
    }
    targets
}

/// Follows an import, unless it is being followed already.
fn follow<'a>(
    import: &'a Import,
    followed: &mut Vec<&'a Import>,
    with: impl FnOnce(&mut Vec<&'a Import>) -> Vec<Target>,
) -> Vec<Target> {
    if followed.iter().any(|other| std::ptr::eq(*other, import)) {
        return Vec::new();
    }
    followed.push(import);
    let targets = with(followed);
    followed.pop();
    targets
}
