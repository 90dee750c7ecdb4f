//! What was written and stays in this tab.

use messages::sandbox::SandboxState;

/// The sandbox as the page knows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TabSandbox {
    /// What it holds; `None` before the engine has said so.
    pub state: Option<SandboxState>,
    /// Another tab of this browser keeps the copy that outlives a reload.
    pub kept_elsewhere: bool,
}

impl TabSandbox {
    /// Whether a table is another one here than in the store.
    pub fn has_changed(&self, location: &str) -> bool {
        let tables = self.state.as_ref().map(|state| &state.tables);
        tables.is_some_and(|tables| tables.iter().any(|table| table == location))
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.bytes)
    }

    /// Whether it would be lost with this tab.
    pub fn is_at_risk(&self) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|state| state.changes > 0 && !state.mirrored)
    }

    /// Whether anything is in it.
    pub fn is_empty(&self) -> bool {
        self.state.as_ref().is_none_or(|state| state.changes == 0)
    }
}
