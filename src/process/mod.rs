//! Lives and dies: spawn, reap, end a tree. The only folder that starts processes.
