//! Any text is parsed or refused.
