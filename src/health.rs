//! The phase of the instance, as probes see it.
