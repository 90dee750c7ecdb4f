//! The rows of a result: only those in view are in the document.

use cells::{is_numeric, type_label};
use leptos::html::Div;
use leptos::prelude::*;
use leptos::web_sys::{HtmlElement, ResizeObserver};
use messages::table::Column;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::components::part::{live, on, when};
use crate::engine::rows::Rows;
use crate::engine::script::{Phase, Statement};
use crate::state::{Workbench, workbench};

/// Height of a row in pixels; the style sheet agrees.
const ROW_HEIGHT: f64 = 28.0;
/// Rows kept in the document above and below the visible ones.
const MARGIN: usize = 12;
/// Rows that the columns' widths are taken from.
const SAMPLE: usize = 200;
/// Columns are at least and at most this wide, in characters.
const WIDTHS: (usize, usize) = (5, 44);
/// Characters of a cell that go into the document, and into its tooltip.
const CELL_CHARS: usize = 400;
const TITLE_CHARS: usize = 4_000;
/// The column of change feeds and differences that says what became of a row.
const CHANGE: &str = "_change_type";
/// With this many columns or fewer, the table keeps its own width.
const FEW_COLUMNS: usize = 3;

#[component]
pub fn Grid(
    /// Index of the script's statement.
    statement: usize,
) -> AnyView {
    let workbench = workbench();
    let scroller = NodeRef::<Div>::new();
    let scroll_top = RwSignal::new(0.0_f64);
    let height = RwSignal::new(600.0_f64);
    observe_height(scroller, height);

    let len = Memo::new(move |_| of(workbench, statement, |s| s.rows.len()).unwrap_or(0));
    let range = Memo::new(move |_| visible(scroll_top.get(), height.get(), len.get()));
    // More rows are asked for as the last ones come into view, and again when those were few.
    Effect::new(move |_| {
        let _ = len.get();
        workbench.want_rows(range.get().1);
    });

    let columns = of(workbench, statement, |s| s.columns.clone()).unwrap_or_default();
    let names = columns.clone();
    let shown_columns = StoredValue::new(columns);
    let sampled = Memo::new(move |_| of(workbench, statement, |s| !s.rows.is_empty()));
    let widths = Memo::new(move |_| {
        let _ = sampled.get();
        shown_columns.with_value(|columns| {
            of_untracked(workbench, statement, |s| widths(columns, &s.rows)).unwrap_or_default()
        })
    });
    let ended = Memo::new(move |_| {
        of(workbench, statement, |s| s.summary.is_some()).unwrap_or(false)
            || workbench
                .script
                .with(|s| s.as_ref().is_some_and(|s| s.phase != Phase::Running))
    });
    let few = names.len() <= FEW_COLUMNS;
    let total_width = move || {
        let characters: usize = widths.with(|widths| widths.iter().sum());
        let padding = 28 * names.len();
        let stretch = if few { "auto" } else { "100%" };
        format!("width:calc({characters}ch + {padding}px);min-width:{stretch}")
    };

    let head: Vec<_> =
        shown_columns.with_value(|columns| columns.iter().map(header_cell).collect());
    let cols = move || {
        let col = |width: usize| {
            view! { <col style=format!("width:calc({width}ch + 28px)")/> }.into_any()
        };
        widths.get().into_iter().map(col).collect::<Vec<_>>()
    };
    let span = shown_columns.with_value(|columns| columns.len().max(1).to_string());
    let span_below = span.clone();
    let change =
        shown_columns.with_value(|columns| columns.iter().position(|column| column.name == CHANGE));
    let row = move |row: usize| {
        let kind = change.and_then(|change| {
            of_untracked(workbench, statement, |s| s.rows.text(row, change).flatten()).flatten()
        });
        let cells = shown_columns.with_value(|columns| {
            of_untracked(workbench, statement, |s| cells(columns, &s.rows, row)).unwrap_or_default()
        });
        view! { <tr data-testid="grid-row" data-change=kind aria-rowindex=(row + 2).to_string()>{cells}</tr> }
            .into_any()
    };
    let is_empty = Memo::new(move |_| len.get() == 0);

    view! {
        <div
            class="grid"
            data-testid="grid"
            tabindex="0"
            role="region"
            aria-label="Result"
            node_ref=scroller
            on:scroll=on(move |event| scroll_top.set(f64::from(event_target::<HtmlElement>(&event).scroll_top())))
        >
            <table
                style=live(total_width)
                aria-rowcount=live(move || if ended.get() { (len.get() + 1).to_string() } else { "-1".to_owned() })
            >
                <colgroup>{live(cols)}</colgroup>
                <thead><tr aria-rowindex="1">{head}</tr></thead>
                <tbody>
                    <tr class="space" aria-hidden="true"><td
                        colspan=span
                        style:height=live(move || format!("{}px", range.get().0 as f64 * ROW_HEIGHT))
                    ></td></tr>
                    <For
                        each=move || { let (first, end) = range.get(); first..end }
                        key=|row| *row
                        children=row
                    />
                    <tr class="space" aria-hidden="true"><td
                        colspan=span_below
                        style:height=live(move || format!("{}px", (len.get() - range.get().1.min(len.get())) as f64 * ROW_HEIGHT))
                    ></td></tr>
                </tbody>
            </table>
            {when(is_empty, move || view! {
                <p class="no-rows quiet" data-testid="no-rows">
                    {live(move || if ended.get() { "No rows." } else { "Waiting for rows…" })}
                </p>
            }.into_any())}
        </div>
    }
    .into_any()
}

/// A column's name and type.
fn header_cell(column: &Column) -> AnyView {
    let label = type_label(&column.data_type);
    let title = format!("{} {}", column.name, column.data_type);
    view! {
        <th scope="col" class:num=is_numeric(&column.data_type) title=title data-type=column.data_type.clone()>
            <span>{column.name.clone()}</span>
            <small>{label}</small>
        </th>
    }
    .into_any()
}

fn cells(columns: &[Column], rows: &Rows, row: usize) -> Vec<AnyView> {
    columns
        .iter()
        .enumerate()
        .map(|(index, column)| match rows.text(row, index).flatten() {
            None => view! { <td class="null" class:num=is_numeric(&column.data_type)>"null"</td> }
                .into_any(),
            Some(text) => {
                let title =
                    (text.chars().count() > WIDTHS.1).then(|| shortened(&text, TITLE_CHARS));
                let text = shortened(&text, CELL_CHARS);
                view! { <td class:num=is_numeric(&column.data_type) title=title>{text}</td> }
                    .into_any()
            }
        })
        .collect()
}

/// Reads the statement of the script that is shown.
fn of<T>(workbench: Workbench, statement: usize, f: impl FnOnce(&Statement) -> T) -> Option<T> {
    workbench
        .script
        .with(|script| script.as_ref()?.statements.get(statement).map(f))
}

fn of_untracked<T>(
    workbench: Workbench,
    statement: usize,
    f: impl FnOnce(&Statement) -> T,
) -> Option<T> {
    workbench
        .script
        .with_untracked(|script| script.as_ref()?.statements.get(statement).map(f))
}

/// Keeps `height` at the element's own.
fn observe_height(element: NodeRef<Div>, height: RwSignal<f64>) {
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        let observed = element.clone();
        let measure = Closure::<dyn FnMut()>::new(move || {
            // The component may just have gone.
            let _ = height.try_set(f64::from(observed.client_height()));
        });
        let Ok(observer) = ResizeObserver::new(measure.as_ref().unchecked_ref()) else {
            return;
        };
        observer.observe(&element);
        let kept = StoredValue::new_local(Some((observer, measure)));
        on_cleanup(move || {
            kept.update_value(|kept| {
                if let Some((observer, _)) = kept.take() {
                    observer.disconnect();
                }
            });
        });
    });
}

/// First and end (exclusive) of the rows to have in the document.
fn visible(scroll_top: f64, height: f64, len: usize) -> (usize, usize) {
    let first = (scroll_top / ROW_HEIGHT).max(0.0) as usize;
    let count = (height / ROW_HEIGHT).ceil() as usize + 1;
    let end = (first + count + MARGIN).min(len);
    (first.saturating_sub(MARGIN).min(end), end)
}

/// Widths in characters, from the header and the first rows.
fn widths(columns: &[Column], rows: &Rows) -> Vec<usize> {
    columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let header = column
                .name
                .chars()
                .count()
                .max(type_label(&column.data_type).chars().count());
            let widest = (0..rows.len().min(SAMPLE))
                .filter_map(|row| rows.text(row, index).flatten())
                .map(|text| text.chars().take(WIDTHS.1 + 1).count())
                .max()
                .unwrap_or(0);
            header.max(widest).clamp(WIDTHS.0, WIDTHS.1) + 1
        })
        .collect()
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_in_view_and_a_margin_are_in_the_document() {
        assert_eq!(visible(0.0, 560.0, 100_000), (0, 33));
        assert_eq!(visible(28_000.0, 560.0, 100_000), (988, 1033));
        assert_eq!(visible(28_000.0, 560.0, 1_005), (988, 1_005));
        assert_eq!(
            visible(28_000.0, 560.0, 10),
            (10, 10),
            "scrolled past the end"
        );
        assert_eq!(visible(0.0, 560.0, 0), (0, 0));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
