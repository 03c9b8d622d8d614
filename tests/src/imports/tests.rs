#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{collections::BTreeMap, path::Path};

use super::{Imports, Unreadable};

type Files<'a> = &'a [(&'a str, &'a str)];

fn read(files: Files<'_>) -> Result<Imports, Unreadable> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    Imports::of_crate(Path::new("lib.rs"), |path| Ok(files.get(path.to_str().unwrap()).map(|text| (*text).to_owned())))
}

/// `a.rs > b.rs` for each import.
fn imports(files: Files<'_>) -> Vec<String> {
    let imports = read(files).unwrap().imports;
    imports.iter().map(|import| format!("{} > {}", import.from.display(), import.to.display())).collect()
}

/// The files of each circle.
fn circles(files: Files<'_>) -> Vec<Vec<String>> {
    let circles = read(files).unwrap().circles();
    circles.iter().map(|circle| circle.files.iter().map(|file| file.display().to_string()).collect()).collect()
}

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use std::fmt; pub struct B(Box<crate::a::A>);"),
        ("c.rs", "use crate::{a::A, b::{self, B}}; fn f(_: A, _: B, _: b::B) {}"),
    ];
    assert_eq!(circles(&files), [["a.rs", "b.rs"]]);
    let circle = read(&files).unwrap().circles().remove(0);
    assert_eq!(circle.to_string(), "  a.rs imports B from b.rs\n  b.rs imports A from a.rs\n");
}

#[test]
fn files_that_import_downhill_are_none() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use crate::{a::A, c::C};"),
        ("a.rs", "pub struct A;"),
        ("b.rs", "use crate::a::A; pub struct B(A);"),
        ("c.rs", "use crate::{a::A, b::B}; pub struct C(A, B);"),
    ];
    assert_eq!(circles(&files), Vec::<Vec<String>>::new());
    assert_eq!(imports(&files), ["b.rs > a.rs", "c.rs > a.rs", "c.rs > b.rs"]);
}

#[test]
fn a_longer_circle_is_shown_by_its_shortest_way_and_all_its_files() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::{a::A, d::D}; pub struct C;"),
        ("d.rs", "use crate::c::C; pub struct D;"),
    ];
    let circle = read(&files).unwrap().circles().remove(0);
    assert_eq!((circle.imports.len(), circle.files.len()), (2, 4));
    let shown = circle.to_string();
    assert!(
        shown.contains("c.rs imports D from d.rs") && shown.contains("with them are in circles:\n    a.rs\n    b.rs\n")
    );
}

#[test]
fn two_circles_that_share_no_file_are_two() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::{a::A, c::C}; pub struct B;"),
        ("c.rs", "use crate::d::D; pub struct C;"),
        ("d.rs", "use crate::c::C; pub struct D;"),
    ];
    assert_eq!(circles(&files), [["a.rs", "b.rs"], ["c.rs", "d.rs"]]);
}

#[test]
fn a_child_that_imports_its_parents_own_item_is_in_a_circle_if_the_parent_uses_the_child() {
    for child in [
        "use super::P; pub struct C(P);",
        "pub struct C(crate::p::P);",
        "pub struct C(super::P);",
        "use super::*; pub struct C;",
    ] {
        let files = |parent| [("lib.rs", "mod p;"), ("p.rs", parent), ("p/c.rs", child)];
        for parent in ["mod c; use self::c::C; pub struct P;", "mod c; pub struct P; fn f(_: c::C) {}"] {
            assert_eq!(circles(&files(parent)), [["p/c.rs", "p.rs"]], "{parent} {child}");
        }
        for parent in ["mod c; pub use self::c::C; pub struct P;", "mod c; pub struct P;"] {
            assert!(circles(&files(parent)).is_empty(), "{parent} {child}");
        }
        // What it re-exports and uses, it imports.
        let parent = "mod c; pub use self::c::C; pub struct P; fn f(_: C) {}";
        assert_eq!(circles(&files(parent)), [["p/c.rs", "p.rs"]], "{child}");
    }
}

#[test]
fn siblings_share_what_a_leaf_defines() {
    let files = [
        ("lib.rs", "mod p;"),
        ("p.rs", "mod a; mod leaf; pub use self::leaf::P; use self::a::A; pub struct Whole(A, P);"),
        ("p/a.rs", "use crate::p::P; pub struct A(P);"),
        ("p/leaf.rs", "pub struct P;"),
    ];
    assert!(circles(&files).is_empty(), "a re-export leads to the file that defines the item");
    assert_eq!(imports(&files), ["p/a.rs > p/leaf.rs", "p.rs > p/a.rs", "p.rs > p/leaf.rs"]);
}

#[test]
fn re_exports_of_the_crate_lead_to_the_defining_file() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::A as Renamed; pub use b::*;"),
        ("a.rs", "use crate::B; pub struct A(B);"),
        ("b.rs", "fn f() { crate::Renamed::new(); } pub struct B;"),
    ];
    assert_eq!(circles(&files), [["a.rs", "b.rs"]]);
}

#[test]
fn what_is_for_tests_does_not_count() {
    for test in [
        "#[cfg(test)] use crate::b::B;",
        "#[cfg(all(test, unix))] mod tests { use crate::b::B; }",
        "#[cfg(test)] mod tests;",
        "impl A { #[cfg(test)] fn f() { crate::b::B } }",
        "/// See crate::b::B, \"crate::b::B\".\n pub struct D; const T: &str = \"crate::b::B\";",
    ] {
        let a = format!("pub struct A; {test} pub struct E;");
        let files =
            [("lib.rs", "mod a; mod b;"), ("a.rs", a.as_str()), ("b.rs", "use crate::a::{A, E}; pub struct B;")];
        assert!(circles(&files).is_empty(), "{test}");
        assert_eq!(imports(&files), ["b.rs > a.rs"], "{test}");
    }
    for counts in [
        "#[cfg(not(test))] use crate::b::B;",
        "#[cfg(any(test, unix))] use crate::b::B;",
        "#[cfg(feature = \"x\")] mod x { use crate::b::B; }",
        "impl A { fn f() { vec![crate::b::B]; } }",
        "fn f() { use crate::b::B; }",
        "macro_rules! m { () => { $crate::b::B } }",
    ] {
        let a = format!("pub struct A; {counts}");
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", a.as_str()), ("b.rs", "use crate::a::A; pub struct B;")];
        assert_eq!(circles(&files), [["a.rs", "b.rs"]], "{counts}");
    }
}

#[test]
fn a_path_through_an_imported_module_is_an_import() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::inner; fn f() { inner::g() } pub struct A;"),
        ("b/mod.rs", "pub mod inner;"),
        ("b/inner.rs", "use crate::a::A; pub fn g() {}"),
    ];
    assert_eq!(circles(&files), [["a.rs", "b/inner.rs"]]);
}

#[test]
fn what_a_macro_makes_is_its_callers() {
    let files = [
        ("lib.rs", "mod a; mod b; mod m;"),
        ("m.rs", "macro_rules! make { ($n:ident) => { pub struct $n; } } pub(crate) use make;"),
        ("a.rs", "use crate::{b::B, m::make}; make!(A); fn f(_: B) {}"),
        ("b.rs", "use crate::a::A; pub struct B(A);"),
    ];
    assert_eq!(circles(&files), [["a.rs", "b.rs"]]);
    assert_eq!(imports(&files), ["a.rs > b.rs", "a.rs > m.rs", "b.rs > a.rs"]);
}

#[test]
fn either_file_of_a_module_that_a_cfg_chooses_counts() {
    let files = [
        ("lib.rs", "mod a; #[cfg(unix)] mod b; #[cfg(not(unix))] #[path = \"no_b.rs\"] mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B;"),
        ("no_b.rs", "pub struct B(Box<crate::a::A>);"),
    ];
    assert_eq!(circles(&files), [["a.rs", "no_b.rs"]]);
}

#[test]
fn a_module_without_a_file_and_a_file_without_rust_are_named() {
    assert_eq!(read(&[("lib.rs", "mod a;")]).unwrap_err().to_string(), "lib.rs: there is no file of `mod a;`");
    assert!(
        read(&[("lib.rs", "mod a;"), ("a.rs", "fn f( {")]).unwrap_err().to_string().starts_with("a.rs: is not Rust")
    );
}
