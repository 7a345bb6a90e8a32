//! The one table of settings; fills every module's own `Config`.
