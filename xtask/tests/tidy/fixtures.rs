//! What counts as a circle, on small crates.

use std::fs;
use std::path::Path;

use crate::circles::circles;
use crate::imports::imports;
use crate::modules::Modules;

/// The circles of a crate with these files, each as its file names in order.
fn circles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let modules = Modules::read(&folder.path().join("lib.rs")).expect("modules");
    let name = |path: &&Path| {
        let path = path.strip_prefix(folder.path()).expect("a path below");
        path.display().to_string()
    };
    circles(&imports(&modules))
        .iter()
        .map(|circle| circle.files().iter().map(name).collect())
        .collect()
}

const NONE: [[&str; 0]; 0] = [];

#[test]
fn files_that_build_on_each_other_in_one_direction_are_no_circle() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b; mod c; pub use a::A; pub use c::C;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B(crate::C);"),
        ("c.rs", "pub struct C;"),
    ]);
    assert_eq!(found, NONE);
}

#[test]
fn circle_through_reexports_of_root_and_folder_is_found() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b; pub use b::*;"),
        ("a.rs", "use crate::B; pub struct A(Option<Box<B>>);"),
        (
            "b/mod.rs",
            "mod deep; pub(crate) use deep::B as Renamed; pub use Renamed as B;",
        ),
        (
            "b/deep.rs",
            "use super::super::a::{self}; pub struct B(a::A);",
        ),
    ]);
    assert_eq!(found, [["a.rs", "b/deep.rs"]]);
}

#[test]
fn paths_in_code_macros_and_attributes_count_without_an_import() {
    for use_of_a in [
        "fn f() { crate::a::g() }",
        "use crate::a; fn f() { a::g() }",
        "fn f() { use crate::a::g; }",
        "fn f() -> Vec<u8> { vec![crate::a::g()] }",
        "macro_rules! f { () => { $crate::a::g() } }",
        "#[serde(default = \"crate::a::g\")] struct S;",
        "use crate::a::*; fn f() { g() }",
        "impl crate::a::T for u8 {}",
        "fn f() { crate::a::E::V; }",
    ] {
        let b = format!("{use_of_a} pub fn h() {{}}");
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "pub fn g() { crate::b::h() } pub trait T {} pub enum E { V }",
            ),
            ("b.rs", &b),
        ]);
        assert_eq!(found, [["a.rs", "b.rs"]], "{use_of_a}");
    }
}

#[test]
fn module_and_its_child_are_a_circle_if_each_uses_the_other() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "mod child; pub struct Handle; fn f() { child::g() }",
        ),
        ("a/child.rs", "use super::Handle; pub fn g() {}"),
        // Declares and hands on what its child has, no more.
        (
            "b/mod.rs",
            "mod child; pub use child::g; pub struct Handle;",
        ),
        ("b/child.rs", "use super::Handle; pub fn g() {}"),
    ]);
    assert_eq!(found, [["a/child.rs", "a.rs"]]);
}

#[test]
fn tests_and_modules_inside_of_a_file_are_no_circle() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b; mod inner { pub struct I; }"),
        (
            "a.rs",
            "use crate::inner::I; pub struct A(I);
             #[cfg(test)] mod tests { use crate::b::B; }
             #[cfg(test)] impl A { fn b() -> crate::b::B { crate::b::B } }
             #[cfg(all(test, unix))] use crate::b::B;",
        ),
        ("b.rs", "use crate::a::A; pub struct B;"),
    ]);
    assert_eq!(found, NONE);
}

#[test]
fn a_name_of_a_module_and_of_its_function_leads_to_the_function() {
    let found = circles_of(&[
        ("lib.rs", "mod paced; mod run; pub use paced::paced;"),
        ("paced.rs", "use crate::run::Run; pub fn paced() {}"),
        (
            "run.rs",
            "use crate::paced; pub struct Run; fn f() { paced() }",
        ),
    ]);
    assert_eq!(found, [["paced.rs", "run.rs"]]);
}

#[test]
fn two_circles_are_two() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b; mod c; mod d; use a::A;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::a::A; use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::d::D; pub struct C;"),
        ("d.rs", "use crate::c::C; pub struct D;"),
    ]);
    assert_eq!(found, [["a.rs", "b.rs"], ["c.rs", "d.rs"]]);
}

#[test]
fn a_circle_is_described_by_files_and_names() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::{C, D}; pub struct A;"),
        ("b.rs", "use crate::a::A; pub struct C; pub struct D;"),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let modules = Modules::read(&folder.path().join("lib.rs")).expect("modules");
    let imports = imports(&modules);
    let found = circles(&imports);
    assert_eq!(
        found[0].describe(folder.path()),
        "2 files import each other in a circle
  a.rs uses
    b.rs: C, D
  b.rs uses
    a.rs: A"
    );
}
