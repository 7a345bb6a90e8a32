//! The allocator: dlmalloc behind a lock of the standard library's. musl's own mutex, which dlmalloc would take for a
//! static allocator, does the same with four times the instructions, twice for each piece of memory.
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlmalloc::Dlmalloc;

/// The process's allocator.
pub struct Allocator(Mutex<Dlmalloc>);

impl Allocator {
    /// For the one static of it.
    #[expect(clippy::new_without_default, reason = "there is one")]
    pub const fn new() -> Allocator {
        Allocator(Mutex::new(Dlmalloc::new()))
    }

    /// Taking the lock allocates nothing: it is one word, which the kernel is asked to wait for.
    fn heap(&self) -> MutexGuard<'_, Dlmalloc> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: all memory is of the one heap behind the lock, which keeps what its methods promise: a piece of the size and the
// alignment that it was asked for, or null. It does not panic, and memory goes back to where it came from.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller says that the size is not zero.
        unsafe { self.heap().malloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: the caller says that the piece is of this allocator and of this layout.
        unsafe { self.heap().free(piece, layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { self.heap().calloc(layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`; the new size is not zero.
        unsafe { self.heap().realloc(piece, layout.size(), layout.align(), size) }
    }
}
