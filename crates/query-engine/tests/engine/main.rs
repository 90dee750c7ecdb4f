//! The engine over tables that the tests write themselves, in a store that notes each request.

mod aggregates;
mod altering;
mod arithmetic;
mod change_feed;
mod cloning;
mod column_names;
mod committed;
mod conflicts;
mod defining;
mod dropping;
mod faults;
mod identity;
mod limits;
mod odd_logs;
mod opening;
mod optimizing;
mod reading;
mod row_changes;
mod statements;
mod support;
mod table_diff;
mod time_travel;
mod untrusted_numbers;
mod vacuuming;
mod writing;
