//! Light, dark, or as the system has it.

use leptos::prelude::*;

use crate::browser;
use crate::components::part::{live, on};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Theme {
    Auto,
    Light,
    Dark,
}

impl Theme {
    fn recalled() -> Self {
        match browser::recall(browser::THEME).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::Auto,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Auto => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::Auto,
        }
    }
}

/// A button that goes round the three.
#[component]
pub fn ThemeButton() -> AnyView {
    let theme = RwSignal::new(Theme::recalled());
    Effect::new(move |_| {
        let theme = theme.get();
        let chosen = (theme != Theme::Auto).then(|| theme.name());
        browser::remember(browser::THEME, chosen);
        if let Some(root) = document().document_element() {
            // An attribute of a fixed name can always be set.
            let _ = match chosen {
                Some(name) => root.set_attribute("data-theme", name),
                None => root.remove_attribute("data-theme"),
            };
        }
    });
    let title = move || format!("Theme: {}", theme.get().name());
    view! {
        <button
            class="icon"
            data-testid="theme"
            title=live(title)
            aria-label=live(title)
            on:click=on(move |_| theme.set(theme.get_untracked().next()))
        >
            <svg viewBox="0 0 16 16" aria-hidden="true" data-theme-icon=live(move || theme.get().name())>
                <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.5"/>
                <path class="half" d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor"/>
                <circle class="full" cx="8" cy="8" r="6.2" fill="currentColor"/>
                <circle class="sun" cx="8" cy="8" r="2.4" fill="currentColor"/>
            </svg>
        </button>
    }
    .into_any()
}
