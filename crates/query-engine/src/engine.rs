//! The engine's facade: a script's statements, each started by [`Engine::execute`].

use std::sync::{Arc, OnceLock};

use arrow::record_batch::RecordBatch;
use messages::Error;
use messages::table::{FolderListing, TableDescription};
use spark_dialect::{
    ExplainMode, ParsedStatement, Query, StatementKind, WriteOperation, parse_script,
};

use crate::catalog::TableEntry;
use crate::dml::{RowChange, UnchangedRows, changed_rows, changes_no_rows, rows_of_new_table};
use crate::engine_core::EngineCore;
use crate::errors::{from_datafusion, from_log};
use crate::host::{EngineOptions, Stores};
use crate::plan::open_tables::{locate_delta, open_snapshot};
use crate::plan::physical::{reads_no_files, start};
use crate::plan::planning::{plan_query, plan_view, view_named};
use crate::run::execution::Execution;
use crate::run::statement_context::StatementContext;
use crate::run::yielding::YieldTimer;
use crate::session::View;
use crate::statements::describe;
use crate::statements::explain::explain;
use crate::statements::show_create;
use crate::statements::table_description;
use crate::writes::{Attempt, execute_write};

/// An engine for SQL over Delta tables in object stores, with Arrow batches as results. Cheap to
/// clone; clones share the caches, the views and the options.
#[derive(Debug, Clone)]
pub struct Engine {
    core: Arc<EngineCore>,
}

/// A statement of a script. One that writes commits once, however often it is executed: so after an
/// error that leaves its outcome open, executing the same statement again finds what was committed.
/// Clones are the same statement.
#[derive(Debug, Clone)]
pub struct Statement {
    parsed: ParsedStatement,
    attempt: Arc<OnceLock<Attempt>>,
}

impl Statement {
    /// Source of the statement, without the `;`.
    pub fn text(&self) -> &str {
        &self.parsed.text
    }

    /// Whether it makes a commit.
    pub fn is_write(&self) -> bool {
        matches!(&self.parsed.kind, StatementKind::Write(write) if !write.is_dry_run())
    }

    /// Byte offset of its source in the script.
    pub fn offset(&self) -> usize {
        self.parsed.offset
    }

    /// How the commit of a statement that writes can be known; `None` before it has read its table, and
    /// for one that does more than a commit, such as VACUUM: that may always be done again.
    pub fn attempt(&self) -> Option<Attempt> {
        self.attempt.get().copied()
    }

    /// The statement, of which an engine that may be gone has made this attempt.
    #[must_use]
    pub fn attempted(self, attempt: Attempt) -> Self {
        Self {
            attempt: Arc::new(OnceLock::from(attempt)),
            ..self
        }
    }
}

impl Engine {
    /// An engine that has read nothing yet.
    pub fn new(options: EngineOptions) -> Self {
        Self {
            core: Arc::new(EngineCore::new(options)),
        }
    }

    /// An engine over other stores, in the same session: it has the views and options of this one, also
    /// those that are set later. Data files that both have are the same ones, so their footers are not
    /// read again; tables may differ.
    #[must_use]
    pub fn over(&self, stores: Arc<dyn Stores>) -> Self {
        Self {
            core: Arc::new(self.core.over(stores, Arc::clone(&self.core.session))),
        }
    }

    /// An engine over other stores, in a session of its own that begins as this one's is now.
    #[must_use]
    pub fn fork(&self, stores: Arc<dyn Stores>) -> Self {
        let session = Arc::new(self.core.session.copy());
        Self {
            core: Arc::new(self.core.over(stores, session)),
        }
    }

    /// Splits a script into its statements.
    ///
    /// # Errors
    /// `PARSE_SYNTAX_ERROR` and other errors of syntax. No statement of the script should run then.
    pub fn parse(&self, sql: &str) -> Result<Vec<Statement>, Error> {
        let parsed = parse_script(sql)?;
        Ok(parsed
            .into_iter()
            .map(|parsed| Statement {
                parsed,
                attempt: Arc::default(),
            })
            .collect())
    }

    /// Starts a statement. A query has then been planned, and its rows come from
    /// [`Execution::next`]; a write is done.
    ///
    /// # Errors
    /// The error that the statement ends in, under Spark's error class where Spark has one.
    pub async fn execute(&self, statement: &Statement) -> Result<Execution, Error> {
        let core = &self.core;
        let context = self.core.statement_context();
        match &statement.parsed.kind {
            StatementKind::Query(query) => self.query(context, query).await,
            StatementKind::Explain { mode, query } => self.explain(context, *mode, query).await,
            StatementKind::DescribeHistory { table, limit } => {
                let table = locate_delta(core, &context, table).await?;
                let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
                let commits = table
                    .history(limit)
                    .await
                    .map_err(|error| from_log(&error))?;
                context.reads(&table, commits.first().map(|commit| commit.version));
                self.answer(context, describe::history(&commits))
            }
            StatementKind::DescribeDetail { table } => {
                let (table, snapshot) = open_snapshot(core, &context, table, &None).await?;
                context.reads(&table, Some(snapshot.version()));
                self.answer(context, describe::detail(&table, &snapshot))
            }
            StatementKind::DescribeTable {
                table: name,
                extended,
            } => {
                if let Some(view) = view_named(core, name) {
                    let plan = plan_view(core, &context, Arc::clone(&view), 0).await?;
                    let columns = describe::view_columns(plan.schema().as_arrow());
                    return self.answer(context, columns);
                }
                let (table, snapshot) = open_snapshot(core, &context, name, &None).await?;
                context.reads(&table, Some(snapshot.version()));
                self.answer(
                    context,
                    describe::columns(&table, name, &snapshot, *extended),
                )
            }
            StatementKind::ShowCreateTable { table: name } => {
                let (table, snapshot) = open_snapshot(core, &context, name, &None).await?;
                context.reads(&table, Some(snapshot.version()));
                let text = show_create::show_create(name, &table, &snapshot);
                self.answer(context, describe::lines("createtab_stmt", text))
            }
            StatementKind::ShowTableProperties { table: name, key } => {
                let (table, snapshot) = open_snapshot(core, &context, name, &None).await?;
                context.reads(&table, Some(snapshot.version()));
                self.answer(
                    context,
                    describe::show_properties(name, &snapshot, key.as_deref()),
                )
            }
            StatementKind::ShowTables => self.show_tables(context).await,
            StatementKind::CreateView {
                name,
                or_replace,
                columns,
                query,
            } => {
                // Planned once, so that a view that cannot work is refused where it is made.
                let view = Arc::new(View {
                    query: query.clone(),
                    columns: columns.clone(),
                });
                plan_view(core, &context, Arc::clone(&view), 0).await?;
                core.session.create_view(name, *or_replace, view)?;
                Ok(Execution::nothing(context, self.yield_timer()).changing_names())
            }
            StatementKind::DropView { name, if_exists } => {
                core.session.drop_view(name, *if_exists)?;
                Ok(Execution::nothing(context, self.yield_timer()).changing_names())
            }
            StatementKind::SetOption { key, value } => {
                core.session.set_option(key, value)?;
                self.answer(
                    context,
                    describe::key_values(vec![(key.clone(), value.clone())]),
                )
            }
            StatementKind::ShowOption { key } => {
                let value = core
                    .session
                    .option(key)
                    .unwrap_or_else(|| "<undefined>".to_owned());
                self.answer(context, describe::key_values(vec![(key.clone(), value)]))
            }
            StatementKind::Write(write) => {
                execute_write(core, context, write, &statement.attempt).await
            }
        }
    }

    /// Computes the rows that an INSERT, UPDATE, DELETE, MERGE or CREATE TABLE AS SELECT changes, from the
    /// latest version of each table, and writes nothing. The rows come from [`RowChange::next`].
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` for another statement; the error that the statement would end in.
    pub async fn changed_rows(&self, statement: &Statement) -> Result<RowChange, Error> {
        let (core, context) = (&self.core, self.core.statement_context());
        let StatementKind::Write(write) = &statement.parsed.kind else {
            return Err(changes_no_rows());
        };
        if let WriteOperation::CreateTableAsSelect { source, .. } = &write.operation {
            return rows_of_new_table(core, &context, source, false).await;
        }
        let opened = open_snapshot(core, &context, &write.table, &None).await?;
        changed_rows(core, &context, opened, write).await
    }

    /// The rows that stay in the files that lose some to `change`: those that a file in the place of
    /// another has to have beside the new rows. To be asked for when [`RowChange::next`] has come to its
    /// end.
    ///
    /// # Errors
    /// Those of planning.
    pub async fn unchanged_rows(&self, change: &mut RowChange) -> Result<UnchangedRows, Error> {
        change.unchanged(&self.core).await
    }

    /// All tables in the connection's buckets, and an error for each bucket that could not be searched.
    ///
    /// Requests: one LIST for each folder, to a depth of three. [`Self::list_folder`] costs one.
    pub async fn tables(&self) -> (Vec<TableEntry>, Vec<Error>) {
        self.core.catalog.search().await
    }

    /// Lists one folder of a bucket; `path` is empty for the bucket itself.
    ///
    /// # Errors
    /// The store's error, with the bucket's name.
    pub async fn list_folder(&self, bucket: &str, path: &str) -> Result<FolderListing, Error> {
        self.core.catalog.list_folder(bucket, path).await
    }

    /// Description of a table: its latest version, and its newest 200 commits. `DESCRIBE HISTORY` has
    /// them all.
    ///
    /// # Errors
    /// `PATH_NOT_FOUND`; errors of the store and of the log.
    pub async fn describe(&self, location: &str) -> Result<TableDescription, Error> {
        self.describe_newest(location, 200).await
    }

    /// The same with the newest `commits` at most: each costs a request.
    ///
    /// # Errors
    /// As [`Self::describe`].
    pub async fn describe_newest(
        &self,
        location: &str,
        commits: usize,
    ) -> Result<TableDescription, Error> {
        let context = self.core.statement_context();
        let table = context.table(self.core.catalog.locate_url(location)?);
        table_description::describe(&context, &table, commits).await
    }

    /// The last transaction that an application has committed to the table at `location`; `None` if
    /// there is none, or no table.
    ///
    /// # Errors
    /// Errors of the store and of the log.
    pub async fn last_transaction(
        &self,
        location: &str,
        app_id: &str,
    ) -> Result<Option<i64>, Error> {
        let context = self.core.statement_context();
        let table = context.table(self.core.catalog.locate_url(location)?);
        let snapshot = match context.latest(&table).await {
            Ok(snapshot) => snapshot,
            Err(error) if matches!(*error, delta_log::Error::NotATable { .. }) => return Ok(None),
            Err(error) => return Err(from_log(&error)),
        };
        let actions = table.reconcile(snapshot.version()).await;
        let actions = actions.map_err(|error| from_log(&error))?;
        Ok(actions.transaction(app_id))
    }

    fn yield_timer(&self) -> Arc<YieldTimer> {
        Arc::clone(&self.core.yield_timer)
    }

    async fn query(
        &self,
        context: Arc<StatementContext>,
        query: &Query,
    ) -> Result<Execution, Error> {
        let planned = plan_query(&self.core, &context, query, 0).await?;
        let physical = planned.physical().await?;
        let stream = start(&physical, &planned.state, &self.core.yield_timer)?;
        let from_log = reads_no_files(&physical);
        Ok(Execution::streaming(
            context,
            self.yield_timer(),
            planned.schema(),
            stream,
            from_log,
        ))
    }

    async fn explain(
        &self,
        context: Arc<StatementContext>,
        mode: ExplainMode,
        query: &Query,
    ) -> Result<Execution, Error> {
        let planned = plan_query(&self.core, &context, query, 0).await?;
        let text = explain(&self.core, &planned, mode).await?;
        self.answer(context, describe::lines("plan", text))
    }

    async fn show_tables(&self, context: Arc<StatementContext>) -> Result<Execution, Error> {
        let (tables, problems) = self.core.catalog.search().await;
        // An empty list would look like an answer.
        if let (true, Some(problem)) = (tables.is_empty(), problems.into_iter().next()) {
            return Err(problem);
        }
        let mut rows: Vec<(String, String, bool)> = tables
            .iter()
            .map(|entry| (entry.bucket.clone(), entry.name().to_owned(), false))
            .collect();
        let views = self.core.session.view_names();
        rows.extend(views.into_iter().map(|view| (String::new(), view, true)));
        self.answer(context, describe::show_tables(&rows))
    }

    fn answer(
        &self,
        context: Arc<StatementContext>,
        batch: Result<RecordBatch, arrow::error::ArrowError>,
    ) -> Result<Execution, Error> {
        let batch = batch.map_err(|error| from_datafusion(&error.into()))?;
        Ok(Execution::of_batch(context, self.yield_timer(), batch))
    }
}
