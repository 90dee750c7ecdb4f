use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema, SchemaRef};
use delta_log::schema::{StructField, StructType};
use delta_log::{ColumnMapping, Metadata, Protocol};
use parquet::file::properties::WriterVersion;

use crate::files::error::{FileError, Result};
use crate::files::file_schema::file_field;
use crate::files::properties::{self, Codec};
use crate::files::statistics_columns::{Rule, Selection, select};

/// The column that a change data file has besides the table's.
pub(crate) const CHANGE_TYPE: &str = "_change_type";

/// Properties under which files must be written in a way that this crate doesn't.
const UNSUPPORTED: [(&str, &str); 3] = [
    ("delta.enableIcebergCompatV1", "icebergCompatV1"),
    ("delta.enableIcebergCompatV2", "icebergCompatV2"),
    ("delta.enableIcebergCompatV3", "icebergCompatV3"),
];

/// What a writer must know of a table to write its data files: columns and how they are mapped and
/// partitioned, which of them have statistics, the size and compression of files.
#[derive(Debug)]
pub struct TableLayout {
    schema: Arc<StructType>,
    column_mapping: ColumnMapping,
    partitions: Vec<PartitionColumn>,
    /// Position in the schema of each column that data files have.
    pub(crate) stored: Vec<usize>,
    file_schema: SchemaRef,
    pub(crate) change_schema: SchemaRef,
    pub(crate) statistics: Selection,
    target_file_size: u64,
    pub(crate) codec: Codec,
    pub(crate) page_format: WriterVersion,
    /// Characters of the random folder that data files are in, if they are.
    pub(crate) random_prefix: Option<usize>,
    /// The same of deletion vectors.
    pub(crate) random_vector_prefix: Option<usize>,
}

/// A column whose values are in the log.
#[derive(Debug)]
pub(crate) struct PartitionColumn {
    /// Position in the schema.
    pub(crate) index: usize,
    pub(crate) field: StructField,
    pub(crate) physical_name: String,
}

impl TableLayout {
    /// The layout that protocol and metadata of a table ask for.
    ///
    /// # Errors
    /// [`FileError::Unsupported`] for a type or a property that is not written;
    /// [`FileError::UnwritableSchema`]; [`FileError::InvalidProperty`]; [`FileError::Log`] for
    /// metadata that can't be read.
    pub fn new(protocol: &Protocol, metadata: &Metadata) -> Result<Self> {
        let is_on = |property: &str| {
            let value = metadata.configuration.get(property);
            value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        if let Some((_, feature)) = UNSUPPORTED.iter().find(|(property, _)| is_on(property)) {
            return Err(FileError::Unsupported((*feature).to_owned()));
        }
        let schema = StructType::from_json(&metadata.schema_string)?;
        let mapping = ColumnMapping::of(protocol, metadata, &schema)?;
        let partitions = partition_columns(&schema, mapping, &metadata.partition_columns)?;

        let mut stored = Vec::new();
        let mut fields = Vec::new();
        for (index, column) in schema.fields().iter().enumerate() {
            if partitions.iter().any(|partition| partition.index == index) {
                continue;
            }
            if let Some(field) = file_field(column, mapping)? {
                stored.push(index);
                fields.push(field);
            }
        }
        if fields.is_empty() {
            let reason = "no column is stored in them: all are partition columns, or void";
            return Err(FileError::UnwritableSchema(reason.to_owned()));
        }
        let rule = match properties::statistics_columns(metadata)? {
            Some(paths) => Rule::Named(paths),
            None => Rule::First(properties::num_indexed_columns(metadata)?),
        };
        let statistics = select(stored.iter().map(|index| &schema.fields()[*index]), &rule);
        let mut change_fields = fields.clone();
        change_fields.push(Field::new(CHANGE_TYPE, ArrowType::Utf8, true));

        let prefix = properties::random_prefix_length(metadata)?;
        let is_random = properties::randomizes_prefixes(metadata);
        Ok(Self {
            schema: Arc::new(schema),
            column_mapping: mapping,
            partitions,
            stored,
            file_schema: Arc::new(Schema::new(fields)),
            change_schema: Arc::new(Schema::new(change_fields)),
            statistics,
            target_file_size: properties::target_file_size(metadata)?,
            codec: properties::codec(metadata)?,
            page_format: properties::page_format(metadata)?,
            random_prefix: (is_random || mapping != ColumnMapping::None).then_some(prefix),
            random_vector_prefix: is_random.then_some(prefix),
        })
    }

    /// The table's columns, partition columns included.
    pub fn schema(&self) -> &Arc<StructType> {
        &self.schema
    }

    /// How the columns are found in data files.
    pub fn column_mapping(&self) -> ColumnMapping {
        self.column_mapping
    }

    /// The partition columns, in their order in paths.
    pub fn partition_columns(&self) -> impl Iterator<Item = &StructField> {
        self.partitions.iter().map(|partition| &partition.field)
    }

    /// The columns that rows to be written must have: [`StructType::to_arrow`].
    pub fn arrow_schema(&self) -> SchemaRef {
        self.schema.to_arrow()
    }

    /// The columns that rows of change data must have: the table's, and `_change_type`.
    pub fn change_arrow_schema(&self) -> SchemaRef {
        let columns = self.schema.to_arrow();
        let change_type = Arc::new(Field::new(CHANGE_TYPE, ArrowType::Utf8, true));
        let fields: Fields = columns
            .fields()
            .iter()
            .cloned()
            .chain([change_type])
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// The columns of data files, under their physical names. Fields have their ids in
    /// `PARQUET:field_id` where columns are mapped.
    pub fn file_schema(&self) -> &SchemaRef {
        &self.file_schema
    }

    /// The size at which a data file is closed and the next one begins, in bytes.
    pub fn target_file_size(&self) -> u64 {
        self.target_file_size
    }

    /// Whether data files have statistics of a column, or of a field in it. `false` for partition
    /// columns, and for names that are no columns.
    pub fn has_statistics(&self, column: &str) -> bool {
        let fields = self.schema.fields();
        let mut stored = self.stored.iter();
        let index = stored.position(|index| fields[*index].name == column);
        match (&self.statistics, index) {
            (Selection::Fields(selected), Some(index)) => {
                selected.iter().any(|(selected, _)| *selected == index)
            }
            (Selection::Leaf, _) | (Selection::Fields(_), None) => false,
        }
    }

    pub(crate) fn partitions(&self) -> &[PartitionColumn] {
        &self.partitions
    }
}

fn partition_columns(
    schema: &StructType,
    mapping: ColumnMapping,
    names: &[String],
) -> Result<Vec<PartitionColumn>> {
    let mut partitions: Vec<PartitionColumn> = Vec::with_capacity(names.len());
    for name in names {
        let fields = schema.fields();
        let index = fields.iter().position(|field| field.name == *name);
        let index = index.ok_or_else(|| {
            FileError::UnwritableSchema(format!("there is no partition column {name}"))
        })?;
        let field = &fields[index];
        if !field.data_type.is_primitive() {
            let reason = format!("partition column {name} is a {}", field.data_type);
            return Err(FileError::UnwritableSchema(reason));
        }
        if partitions.iter().any(|partition| partition.index == index) {
            let reason = format!("column {name} is a partition column twice");
            return Err(FileError::UnwritableSchema(reason));
        }
        partitions.push(PartitionColumn {
            index,
            field: field.clone(),
            physical_name: mapping.physical_name(field).to_owned(),
        });
    }
    Ok(partitions)
}
