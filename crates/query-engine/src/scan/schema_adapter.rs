//! Adapts the columns of a data file to those of the table.
//!
//! A file may have a column under another name (column mapping), in a narrower type (type
//! widening), in another Arrow type for the same Delta type, or not at all; and all of that again
//! inside of structs, arrays and maps.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Fields, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapter, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use delta_log::ColumnMapping;
use delta_log::schema::StructType;

use crate::scan::nested_columns::{FitNested, position};

/// Makes adapters from the columns of a data file to the table's columns.
#[derive(Debug, Clone)]
pub(crate) struct DeltaSchemaAdapterFactory {
    pub schema: Arc<StructType>,
    pub column_mapping: ColumnMapping,
}

impl DeltaSchemaAdapterFactory {
    /// Position of `column` among a file's fields. A column that is not the table's own, like
    /// `_change_type` in a change data file, is found by its name.
    fn find(&self, column: &str, physical: &Fields) -> Option<usize> {
        match self.schema.field(column) {
            Some(field) => position(self.column_mapping, field, physical),
            None => physical.iter().position(|other| other.name() == column),
        }
    }
}

impl PhysicalExprAdapterFactory for DeltaSchemaAdapterFactory {
    fn create(
        &self,
        logical: SchemaRef,
        physical: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let by_name = self.column_mapping == ColumnMapping::None;
        if by_name && !has_other_nested_type(&logical, &physical) {
            return Ok(by_names(logical, &physical));
        }
        Ok(Arc::new(Adapter {
            columns: self.clone(),
            logical,
            physical,
        }))
    }
}

fn has_other_nested_type(logical: &Schema, physical: &Schema) -> bool {
    physical.fields().iter().any(|field| {
        field.data_type().is_nested()
            && logical
                .field_with_name(field.name())
                .is_ok_and(|wanted| wanted.data_type() != field.data_type())
    })
}

/// DataFusion's own adapter, which finds columns by name. It would also cast where only metadata
/// differs (Parquet field ids) or nullability, and a cast hides a column from statistics; so a
/// file's field that holds the same type counts as the table's.
fn by_names(logical: SchemaRef, physical: &Schema) -> Arc<dyn PhysicalExprAdapter> {
    let fields = physical.fields().iter().map(|field| {
        let wanted = logical.field_with_name(field.name()).ok();
        match wanted.filter(|wanted| wanted.data_type() == field.data_type()) {
            Some(wanted) => Arc::new(wanted.clone()),
            None => Arc::clone(field),
        }
    });
    let physical = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    Arc::new(DefaultPhysicalExprAdapter::new(logical, physical))
}

#[derive(Debug)]
struct Adapter {
    columns: DeltaSchemaAdapterFactory,
    logical: SchemaRef,
    physical: SchemaRef,
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        // From the leaves up, so that no column of the file is taken for one of the table.
        expr.transform_up(|expr| match expr.downcast_ref::<Column>() {
            Some(column) => self.column(column.name()).map(Transformed::yes),
            None => Ok(Transformed::no(expr)),
        })
        .data()
    }
}

impl Adapter {
    /// The column of the table, computed from the file's.
    fn column(&self, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
        let logical = self
            .logical
            .fields()
            .iter()
            .find(|field| field.name() == name)
            .ok_or_else(|| exec_datafusion_err!("{name} is no column of the table"))?;
        let wanted = logical.data_type();
        let Some(index) = self.columns.find(name, self.physical.fields()) else {
            return Ok(Arc::new(Literal::new(ScalarValue::try_from(wanted)?)));
        };
        let physical: &FieldRef = &self.physical.fields()[index];
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(physical.name(), index));
        if physical.data_type() == wanted {
            return Ok(column);
        }
        let data_type = self
            .columns
            .schema
            .field(name)
            .map(|field| &field.data_type);
        Ok(match data_type {
            Some(data_type) if !data_type.is_primitive() => Arc::new(FitNested::new(
                column,
                data_type.clone(),
                self.columns.column_mapping,
            )),
            _ => Arc::new(CastExpr::new(column, wanted.clone(), None)),
        })
    }
}
