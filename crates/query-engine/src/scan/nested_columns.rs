//! Nested values of a data file, as the table's type has them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, StructArray, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Fields, Schema};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use delta_log::ColumnMapping;
use delta_log::schema::{DataType, StructField, StructType};

use crate::scan::variants::variant_to_json;

/// Metadata key under which Arrow keeps the id of a Parquet field.
const FIELD_ID: &str = "PARQUET:field_id";

/// A column of a data file, rebuilt as a Delta type: fields of structs are found as `column_mapping`
/// says, renamed, put in order, cast, and null where the file lacks them.
#[derive(Debug, Clone)]
pub(crate) struct FitNested {
    column: Arc<dyn PhysicalExpr>,
    wanted: DataType,
    arrow: ArrowType,
    column_mapping: ColumnMapping,
}

impl FitNested {
    pub fn new(
        column: Arc<dyn PhysicalExpr>,
        wanted: DataType,
        column_mapping: ColumnMapping,
    ) -> Self {
        Self {
            arrow: wanted.to_arrow(),
            column,
            wanted,
            column_mapping,
        }
    }
}

impl PartialEq for FitNested {
    fn eq(&self, other: &Self) -> bool {
        self.column.eq(&other.column)
            && self.wanted == other.wanted
            && self.column_mapping == other.column_mapping
    }
}

impl Eq for FitNested {}

impl Hash for FitNested {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.arrow.hash(state);
    }
}

impl fmt::Display for FitNested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.column, self.wanted)
    }
}

impl PhysicalExpr for FitNested {
    fn data_type(&self, _: &Schema) -> Result<ArrowType> {
        Ok(self.arrow.clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        let field = self.column.return_field(schema)?;
        Ok(Arc::new(Field::new(field.name(), self.arrow.clone(), true)))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let array = self.column.evaluate(batch)?.into_array(batch.num_rows())?;
        fit(&array, &self.wanted, self.column_mapping).map(ColumnarValue::Array)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.column]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        match children.pop() {
            Some(column) if children.is_empty() => {
                let fitted = Self::new(column, self.wanted.clone(), self.column_mapping);
                Ok(Arc::new(fitted))
            }
            _ => exec_err!("a column was expected"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.column.fmt_sql(f)
    }
}

/// `array` as `wanted`. A value that does not fit is an error, never a null.
fn fit(array: &ArrayRef, wanted: &DataType, mapping: ColumnMapping) -> Result<ArrayRef> {
    let arrow = wanted.to_arrow();
    if *array.data_type() == arrow {
        return Ok(Arc::clone(array));
    }
    match (wanted, array.data_type()) {
        (DataType::Struct(fields), ArrowType::Struct(_)) => {
            fit_struct(array.as_struct(), fields, mapping)
        }
        (DataType::Array { element, .. }, ArrowType::List(_)) => {
            let list = array.as_list::<i32>();
            let values = fit(list.values(), element, mapping)?;
            let field = Arc::new(Field::new("element", values.data_type().clone(), true));
            Ok(Arc::new(ListArray::try_new(
                field,
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?))
        }
        // The same elements, with other offsets.
        (
            DataType::Array { .. },
            ArrowType::LargeList(inner)
            | ArrowType::FixedSizeList(inner, _)
            | ArrowType::ListView(inner)
            | ArrowType::LargeListView(inner),
        ) => {
            let list = cast_exactly(array, &ArrowType::List(Arc::clone(inner)))?;
            fit(&list, wanted, mapping)
        }
        (DataType::Map { key, value, .. }, ArrowType::Map(..)) => {
            let map = array.as_map();
            let keys = fit(map.keys(), key, mapping)?;
            let values = fit(map.values(), value, mapping)?;
            let ArrowType::Map(entries, sorted) = arrow else {
                return exec_err!("{wanted} is not a map");
            };
            let ArrowType::Struct(fields) = entries.data_type() else {
                return exec_err!("{wanted} has no entries");
            };
            let key_values = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
            Ok(Arc::new(MapArray::try_new(
                entries,
                map.offsets().clone(),
                key_values,
                map.nulls().cloned(),
                sorted,
            )?))
        }
        (DataType::Variant, ArrowType::Struct(_)) => variant_to_json(array),
        _ => cast_exactly(array, &arrow),
    }
}

fn fit_struct(
    array: &StructArray,
    wanted: &StructType,
    mapping: ColumnMapping,
) -> Result<ArrayRef> {
    let columns = wanted
        .fields()
        .iter()
        .map(|field| match position(mapping, field, array.fields()) {
            Some(i) => fit(array.column(i), &field.data_type, mapping),
            None => Ok(new_null_array(&field.data_type.to_arrow(), array.len())),
        })
        .collect::<Result<Vec<_>>>()?;
    let ArrowType::Struct(fields) = DataType::Struct(wanted.clone()).to_arrow() else {
        return exec_err!("a struct was expected");
    };
    let nulls = array.nulls().cloned();
    Ok(Arc::new(StructArray::try_new_with_length(
        fields,
        columns,
        nulls,
        array.len(),
    )?))
}

/// `array` in another type. A value that has no room in it is an error, never a null.
pub(crate) fn cast_exactly(array: &ArrayRef, to: &ArrowType) -> Result<ArrayRef> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    Ok(cast_with_options(array, to, &options)?)
}

/// Position of `field` among the fields of a file, or of a struct in it.
pub(crate) fn position(
    column_mapping: ColumnMapping,
    field: &StructField,
    physical: &Fields,
) -> Option<usize> {
    if let Some(id) = column_mapping.field_id(field) {
        let id = id.to_string();
        return physical
            .iter()
            .position(|other| other.metadata().get(FIELD_ID) == Some(&id));
    }
    let name = column_mapping.physical_name(field);
    physical.iter().position(|other| other.name() == name)
}
