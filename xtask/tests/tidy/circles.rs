//! Circles among files that use each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::imports::Imports;

/// Files each of which uses, directly or not, all the others.
#[derive(Debug)]
pub struct Circle<'a> {
    /// What each file uses of the other ones.
    uses: BTreeMap<&'a Path, BTreeMap<&'a Path, &'a BTreeSet<String>>>,
}

impl Circle<'_> {
    /// Its files.
    pub fn files(&self) -> Vec<&Path> {
        self.uses.keys().copied().collect()
    }

    /// Names each file, what it uses of which other one, with paths below `root`.
    pub fn describe(&self, root: &Path) -> String {
        let shown = |path: &Path| {
            path.strip_prefix(root)
                .unwrap_or(path)
                .display()
                .to_string()
        };
        let mut text = format!("{} files import each other in a circle", self.uses.len());
        for (file, uses) in &self.uses {
            let _ = write!(text, "\n  {} uses", shown(file));
            for (other, names) in uses {
                let names = names.iter().map(String::as_str).collect::<Vec<_>>();
                let _ = write!(text, "\n    {}: {}", shown(other), names.join(", "));
            }
        }
        text
    }
}

/// Finds the circles: the strongly connected components of more than one file.
pub fn circles(imports: &Imports) -> Vec<Circle<'_>> {
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = imports
        .keys()
        .map(|file| (file.as_path(), reachable(imports, file)))
        .collect();
    let mut circles = Vec::new();
    let mut known: BTreeSet<&Path> = BTreeSet::new();
    for (file, others) in &reached {
        if known.contains(file) || !others.contains(file) {
            continue;
        }
        let back = |other: &&&Path| reached[**other].contains(file);
        let members: BTreeSet<&Path> = others.iter().filter(back).copied().collect();
        known.extend(&members);
        let uses = members.iter().map(|member| {
            let inside = imports[*member]
                .iter()
                .filter(|(other, _)| members.contains(other.as_path()))
                .map(|(other, names)| (other.as_path(), names));
            (*member, inside.collect())
        });
        circles.push(Circle {
            uses: uses.collect(),
        });
    }
    circles
}

/// The files that `file` uses, directly or not; itself if it is in a circle.
fn reachable<'a>(imports: &'a Imports, file: &PathBuf) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        for other in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(other.as_path()) {
                next.push(other);
            }
        }
    }
    found
}
