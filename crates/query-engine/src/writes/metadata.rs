//! A commit of metadata alone.

use delta_log::schema::StructType;
use delta_log::{Metadata, Protocol, Snapshot};
use delta_transaction::{Operation, Transaction};

use crate::writes::errors::WriteError;
use crate::writes::protocol::needed;
use crate::writes::round::Outcome;

/// Commits metadata, which have this schema, with the protocol that they need.
pub(crate) async fn commit_metadata(
    transaction: Transaction,
    snapshot: &Snapshot,
    metadata: Metadata,
    schema: &StructType,
    operation: Operation,
) -> Result<Outcome, WriteError> {
    let protocol = snapshot.protocol();
    commit_with_protocol(transaction, snapshot, protocol, metadata, schema, operation).await
}

/// The same, with a protocol that has at least what `protocol` has.
pub(crate) async fn commit_with_protocol(
    mut transaction: Transaction,
    snapshot: &Snapshot,
    protocol: &Protocol,
    metadata: Metadata,
    schema: &StructType,
    operation: Operation,
) -> Result<Outcome, WriteError> {
    let protocol = needed(protocol, &metadata, schema);
    if protocol != *snapshot.protocol() {
        transaction.set_protocol(protocol);
    }
    transaction.set_metadata(metadata);
    *transaction.operation() = operation;
    let committed = transaction.commit().await?;
    Ok(Outcome {
        committed: Some(committed),
        ..Outcome::default()
    })
}
