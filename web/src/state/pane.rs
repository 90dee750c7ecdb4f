//! The panes of the page, of which a narrow screen shows one at a time.

/// A pane. The compiler asks for what a new one needs, save for its place in [`PANES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    Tables,
    Sql,
    History,
}

/// All panes, from left to right.
pub const PANES: [Pane; 3] = [Pane::Tables, Pane::Sql, Pane::History];

impl Pane {
    /// The end of its button's `data-testid`: `part-tables`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Sql => "sql",
            Self::History => "history",
        }
    }

    /// The text of its button on a narrow screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Tables => "Tables",
            Self::Sql => "SQL",
            Self::History => "History",
        }
    }

    /// The width of its column on a wide screen, in CSS.
    pub const fn width(self) -> &'static str {
        match self {
            Self::Tables => "clamp(204px, 17vw, 232px)",
            Self::Sql => "minmax(0, 1fr)",
            Self::History => "clamp(280px, 24vw, 336px)",
        }
    }
}
