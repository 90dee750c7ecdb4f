use super::*;

fn folder(path: &str) -> Folder {
    Folder {
        bucket: "raw".into(),
        path: path.into(),
    }
}

fn table(path: &str) -> Row {
    Row::Table(folder(path))
}

fn unlisted(path: &str) -> Row {
    Row::Unlisted(folder(path))
}

fn bucket() -> Row {
    Row::Bucket("raw".into())
}

fn folders(names: &[&str]) -> Result<FolderListing, Error> {
    Ok(FolderListing {
        is_table: false,
        folders: names.iter().map(|name| (*name).to_owned()).collect(),
    })
}

fn a_table() -> Result<FolderListing, Error> {
    Ok(FolderListing {
        is_table: true,
        folders: Vec::new(),
    })
}

fn refused() -> Result<FolderListing, Error> {
    Err(Error::new("ACCESS_DENIED", "Bucket raw: denied"))
}

/// Answers the next listing, which must be that of `path`.
fn answer(tree: &mut TableTree, path: &str, answer: Result<FolderListing, Error>) {
    let listing = tree.next_listing().expect("a folder to list");
    assert_eq!(listing.folder, folder(path));
    tree.take(listing, answer);
}

fn connected(names: &[&str]) -> TableTree {
    let mut tree = TableTree::default();
    tree.connect(vec!["raw".into()]);
    answer(&mut tree, "", folders(names));
    tree
}

#[test]
fn bucket_of_many_folders_costs_one_listing_until_rows_come_into_view() {
    let names: Vec<String> = (0..300).map(|n| format!("many{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tree = connected(&names);
    assert_eq!(tree.next_listing(), None);
    assert!(tree.is_loaded() && !tree.is_looking());
    assert_eq!(tree.rows().len(), 301);

    tree.want(folder("many7"));
    tree.want(folder("many7"));
    answer(&mut tree, "many7", a_table());
    tree.want(folder("many7"));
    assert_eq!(tree.next_listing(), None, "listed once");
    assert_eq!(tree.rows()[8], table("many7"));
    assert_eq!(tree.rows()[9], unlisted("many8"));
}

#[test]
fn rows_that_leave_the_view_before_their_turn_are_not_listed() {
    let mut tree = connected(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        tree.want(folder(name));
    }
    let under_way: Vec<_> = std::iter::from_fn(|| tree.next_listing()).collect();
    assert_eq!(under_way.len(), CONCURRENT_LISTINGS);
    tree.unwant(&folder("a"));
    tree.unwant(&folder("g"));
    tree.take(under_way[0].clone(), a_table());
    assert_eq!(tree.next_listing().map(|l| l.folder), Some(folder("h")));
    assert_eq!(tree.next_listing(), None);
    assert_eq!(tree.rows()[1], table("a"), "it was under way");
}

#[test]
fn folder_gives_way_to_the_tables_in_it() {
    let mut tree = connected(&["empty", "team", "trades"]);
    tree.want(folder("empty"));
    answer(&mut tree, "empty", folders(&[]));
    tree.want(folder("team"));
    answer(&mut tree, "team", folders(&["orders"]));
    tree.want(folder("team/orders"));
    answer(&mut tree, "team/orders", a_table());
    assert_eq!(
        tree.rows(),
        [bucket(), table("team/orders"), unlisted("trades")]
    );
}

#[test]
fn folders_deeper_than_three_have_no_rows() {
    let mut tree = connected(&["a"]);
    for path in ["a", "a/a", "a/a/a"] {
        assert_eq!(tree.rows(), [bucket(), unlisted(path)]);
        tree.want(folder(path));
        answer(&mut tree, path, folders(&["a"]));
    }
    assert!(tree.rows().is_empty());
}

#[test]
fn refresh_lists_what_may_hold_new_tables_and_no_table() {
    let mut tree = connected(&["team", "trades"]);
    tree.want(folder("team"));
    answer(&mut tree, "team", folders(&["orders"]));
    tree.want(folder("trades"));
    answer(&mut tree, "trades", a_table());
    tree.refresh();
    answer(&mut tree, "", folders(&["new", "team"]));
    answer(&mut tree, "team", folders(&["orders", "returns"]));
    assert_eq!(tree.next_listing(), None);
    assert_eq!(
        tree.rows(),
        [
            bucket(),
            unlisted("new"),
            unlisted("team/orders"),
            unlisted("team/returns")
        ],
        "trades is gone"
    );
}

#[test]
fn folder_that_is_gone_takes_what_lay_in_it_along() {
    let mut tree = connected(&["team", "team2"]);
    for path in ["team", "team2"] {
        tree.want(folder(path));
        answer(&mut tree, path, folders(&["orders"]));
        tree.want(folder(&format!("{path}/orders")));
        answer(&mut tree, &format!("{path}/orders"), a_table());
    }
    tree.refresh();
    answer(&mut tree, "", folders(&["team2"]));
    answer(&mut tree, "team2", folders(&["orders"]));
    assert_eq!(tree.next_listing(), None);
    assert_eq!(tree.rows(), [bucket(), table("team2/orders")]);
    tree.refresh();
    answer(&mut tree, "", folders(&["team", "team2"]));
    assert_eq!(tree.rows()[1], unlisted("team"), "it is another folder now");
}

#[test]
fn table_that_a_statement_named_is_known_without_a_listing() {
    let mut tree = connected(&["many1", "many2"]);
    tree.name_table("s3a://raw/many2/");
    tree.name_table("s3://raw/deep/er/new");
    tree.name_table("s3a://other/many1");
    tree.name_table("https://host/many1");
    assert_eq!(
        tree.rows(),
        [
            bucket(),
            table("deep/er/new"),
            unlisted("many1"),
            table("many2")
        ]
    );
    assert!(tree.is_table(&folder("many2")));
    assert_eq!(tree.next_listing(), None);

    // A listing shows where it is.
    tree.refresh();
    answer(&mut tree, "", folders(&["deep", "many1", "many2"]));
    let shown = [
        bucket(),
        table("deep/er/new"),
        unlisted("deep"),
        unlisted("many1"),
        table("many2"),
    ];
    assert_eq!(tree.rows(), shown);
    tree.want(folder("deep"));
    answer(&mut tree, "deep", folders(&["er"]));
    tree.want(folder("deep/er"));
    answer(&mut tree, "deep/er", folders(&["new", "old"]));
    assert_eq!(
        tree.rows(),
        [
            bucket(),
            table("deep/er/new"),
            unlisted("deep/er/old"),
            unlisted("many1"),
            table("many2"),
        ]
    );
}

#[test]
fn answers_of_an_earlier_connection_are_dropped() {
    let mut tree = TableTree::default();
    assert!(!tree.is_loaded());
    tree.connect(vec!["raw".into()]);
    let late = tree.next_listing().unwrap();
    tree.connect(vec!["raw".into()]);
    tree.take(late, folders(&["old"]));
    assert!(tree.rows().is_empty());
    assert!(!tree.is_loaded() && tree.is_looking());
    answer(&mut tree, "", folders(&["new"]));
    assert_eq!(tree.rows(), [bucket(), unlisted("new")]);
}

#[test]
fn failed_listing_is_told_once_for_each_bucket_and_tried_again() {
    let mut tree = connected(&["a", "b"]);
    for path in ["a", "b"] {
        tree.want(folder(path));
        answer(&mut tree, path, refused());
    }
    assert_eq!(tree.problems().len(), 1);
    tree.refresh();
    answer(&mut tree, "", folders(&["a", "b"]));
    let mut again: Vec<_> = std::iter::from_fn(|| tree.next_listing()).collect();
    assert_eq!(again.len(), 2);
    for listing in again.drain(..) {
        tree.take(listing, a_table());
    }
    assert!(tree.problems().is_empty());
    assert_eq!(tree.rows(), [bucket(), table("a"), table("b")]);
}

#[test]
fn filter_takes_words_in_any_case_of_bucket_and_path() {
    let rows = [
        bucket(),
        table("team/Orders"),
        unlisted("orders_old"),
        Row::Bucket("curated".into()),
        Row::Table(Folder {
            bucket: "curated".into(),
            path: "trades".into(),
        }),
    ];
    assert_eq!(matching(&rows, "", str::to_lowercase), rows);
    assert_eq!(matching(&rows, "  oRD ", str::to_lowercase), rows[..3]);
    assert_eq!(
        matching(&rows, "old raw", str::to_lowercase),
        [bucket(), unlisted("orders_old")]
    );
    assert_eq!(matching(&rows, "cur", str::to_lowercase), rows[3..]);
    assert!(matching(&rows, "nothing", str::to_lowercase).is_empty());
}

#[test]
fn first_table_is_looked_for_without_a_view_but_not_for_ever() {
    let names = ["a", "b", "c", "d"];
    let mut tree = connected(&names);
    for name in &names[..2] {
        tree.want_first(2);
        tree.want_first(2);
        answer(&mut tree, name, folders(&[]));
    }
    tree.want_first(2);
    assert_eq!(tree.next_listing(), None);

    let mut tree = connected(&names);
    tree.want_first(2);
    answer(&mut tree, "a", a_table());
    assert_eq!(tree.tables(), [folder("a")]);
}
