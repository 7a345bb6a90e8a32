//! The allocator: dlmalloc, with lists of free pieces before it, behind a lock of the standard library's. What a call needs
//! it gives back, and the next call needs the same; dlmalloc would join each piece with its neighbours and cut it out again.
//! musl's own mutex, which dlmalloc would take for a static allocator, does the same as the lock with four times the
//! instructions, twice for each piece of memory.
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlmalloc::Dlmalloc;

/// What dlmalloc aligns every piece to.
const ALIGNMENT: usize = 16;
/// Larger pieces come from dlmalloc: most of them are of no size that comes again.
const LARGEST: usize = 16 * 1024;
/// The sizes up to `LARGEST`: in steps of 16 bytes up to 128, and of a quarter of what they are from there on.
const CLASSES: usize = Class::of_size(LARGEST).index + 1;
/// As much is kept of each size.
const KEPT_BYTES: usize = 16 * 1024;

/// The process's allocator.
pub struct Allocator(Mutex<Heap>);

struct Heap {
    lists: [List; CLASSES],
    behind: Dlmalloc,
}

/// Free pieces of one size.
#[derive(Clone, Copy)]
struct List {
    first: *mut Piece,
    length: usize,
}

/// What stands in a free piece.
struct Piece {
    next: *mut Piece,
}

/// A size that pieces are made of, and which of all it is.
#[derive(Clone, Copy)]
struct Class {
    size: usize,
    index: usize,
}

// SAFETY: what the lists point to belongs to them alone: whoever gave a piece back has it no more.
unsafe impl Send for Heap {}

impl Class {
    /// The smallest one that holds `size`, which is 1 to `LARGEST`.
    const fn of_size(size: usize) -> Class {
        let last = size - 1;
        let shift = (last | 127).ilog2() - 2;
        let steps = last >> shift;
        Class { size: (steps + 1) << shift, index: (shift as usize - 4) * 4 + steps }
    }

    /// `None` if no list has such pieces.
    const fn of(layout: Layout) -> Option<Class> {
        if layout.size() > LARGEST || layout.align() > ALIGNMENT {
            return None;
        }
        Some(Class::of_size(layout.size()))
    }
}

impl Heap {
    /// Null if there is no memory.
    fn take(&mut self, class: Class) -> *mut u8 {
        let list = &mut self.lists[class.index];
        if list.first.is_null() {
            // SAFETY: any size and any power of two will do.
            return unsafe { self.behind.malloc(class.size, ALIGNMENT) };
        }
        let piece = list.first;
        // SAFETY: what is on a list was put there by `put`, which wrote where the next one is.
        list.first = unsafe { (*piece).next };
        list.length -= 1;
        piece.cast()
    }

    /// # Safety
    ///
    /// The piece is from `take`, of this class, and nobody uses it any more.
    unsafe fn put(&mut self, piece: *mut u8, class: Class) {
        let list = &mut self.lists[class.index];
        if (list.length + 1) * class.size > KEPT_BYTES {
            // SAFETY: `take` had it from there, with this size.
            return unsafe { self.behind.free(piece, class.size, ALIGNMENT) };
        }
        let piece = piece.cast::<Piece>();
        // SAFETY: it is nobody else's, every class is large enough for a pointer, and dlmalloc aligned it.
        unsafe { piece.write(Piece { next: list.first }) };
        *list = List { first: piece, length: list.length + 1 };
    }
}

impl Allocator {
    /// For the one static of it.
    #[expect(clippy::new_without_default, reason = "there is one")]
    pub const fn new() -> Allocator {
        let lists = [List { first: null_mut(), length: 0 }; CLASSES];
        Allocator(Mutex::new(Heap { lists, behind: Dlmalloc::new() }))
    }

    /// Taking the lock allocates nothing: it is one word, which the kernel is asked to wait for.
    fn heap(&self) -> MutexGuard<'_, Heap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: all memory is of the one heap behind the lock, which keeps what its methods promise: a piece of the size and the
// alignment that it was asked for, or null. A piece's layout says where it came from: one of the classes, or dlmalloc itself.
// It does not panic, and memory goes back to where it came from.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match Class::of(layout) {
            Some(class) => self.heap().take(class),
            // SAFETY: the caller says that the size is not zero.
            None => unsafe { self.heap().behind.malloc(layout.size(), layout.align()) },
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match Class::of(layout) {
            // SAFETY: the caller says that the piece is of this allocator and of this layout, and so of this class.
            Some(class) => unsafe { self.heap().put(piece, class) },
            // SAFETY: as above, and `alloc` had it from there.
            None => unsafe { self.heap().behind.free(piece, layout.size(), layout.align()) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if Class::of(layout).is_none() {
            // SAFETY: as in `alloc`. What is fresh from the kernel is zero already, and dlmalloc knows what is.
            return unsafe { self.heap().behind.calloc(layout.size(), layout.align()) };
        }
        // SAFETY: as in `alloc`.
        let piece = unsafe { self.alloc(layout) };
        if !piece.is_null() {
            // SAFETY: it has that many bytes.
            unsafe { piece.write_bytes(0, layout.size()) };
        }
        piece
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller says that the new size, rounded up to the alignment, is no more than an isize holds.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (Class::of(layout), Class::of(wanted)) {
            (Some(old), Some(new)) if old.index == new.index => piece,
            // SAFETY: as in `dealloc`; the new size is not zero.
            (None, None) => unsafe { self.heap().behind.realloc(piece, layout.size(), layout.align(), size) },
            // SAFETY: as in `alloc` and `dealloc`.
            _ => unsafe { self.moved(piece, layout, wanted) },
        }
    }
}

impl Allocator {
    /// # Safety
    ///
    /// As in `realloc`.
    unsafe fn moved(&self, piece: *mut u8, layout: Layout, wanted: Layout) -> *mut u8 {
        // SAFETY: the caller says that the new size is not zero.
        let new = unsafe { self.alloc(wanted) };
        if !new.is_null() {
            // SAFETY: both have that many bytes, and one is not the other; the old one is then used no more.
            unsafe {
                new.copy_from_nonoverlapping(piece, layout.size().min(wanted.size()));
                self.dealloc(piece, layout);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_a_class_that_holds_it_and_wastes_little() {
        let mut before = Class { size: 0, index: 0 };
        for size in 1..=LARGEST {
            let class = Class::of_size(size);
            assert!(class.size >= size && class.size.is_multiple_of(ALIGNMENT), "{size}: {}", class.size);
            assert!(class.size - size < size.div_ceil(4).max(ALIGNMENT), "{size}: {}", class.size);
            assert!(
                class.index == before.index || class.index == before.index + 1 && size == before.size + 1,
                "{size}"
            );
            before = class;
        }
        assert_eq!((before.size, before.index), (LARGEST, CLASSES - 1));
    }

    /// What a piece of the test's holds: its own number in every byte.
    struct Held {
        piece: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Held {
        fn new(piece: *mut u8, layout: Layout, mark: u8) -> Held {
            assert!(!piece.is_null() && piece.align_offset(layout.align()) == 0, "{layout:?}");
            // SAFETY: the piece has that many bytes.
            unsafe { piece.write_bytes(mark, layout.size()) };
            Held { piece, layout, mark }
        }

        fn bytes(&self, length: usize) -> &[u8] {
            // SAFETY: `new` wrote them.
            unsafe { std::slice::from_raw_parts(self.piece, length) }
        }

        fn is_whole(&self, length: usize) -> bool {
            self.bytes(length).iter().all(|byte| *byte == self.mark)
        }
    }

    /// Sizes on both sides of each limit, in an order that is the same each time.
    fn sizes() -> impl Iterator<Item = (usize, usize)> {
        let mut seed = 1_u64;
        std::iter::repeat_with(move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (size, align) = ((seed >> 33) as usize, (seed >> 60) as u32);
            (1 + ((size % 40_000) >> (size % 12)), 1 << align.min(6))
        })
    }

    #[test]
    fn pieces_are_nobody_elses_and_keep_what_is_in_them() {
        let allocator = Allocator::new();
        let mut held: Vec<Held> = Vec::new();
        for (at, (size, align)) in sizes().take(60_000).enumerate() {
            let (mark, layout) = (at.to_le_bytes()[0] | 1, Layout::from_size_align(size, align).unwrap());
            match at % 5 {
                // SAFETY: the size is not zero.
                0 | 1 => held.push(Held::new(unsafe { allocator.alloc(layout) }, layout, mark)),
                2 => {
                    // SAFETY: as above.
                    let fresh = unsafe { allocator.alloc_zeroed(layout) };
                    // SAFETY: it has that many bytes, all written.
                    assert!(unsafe { std::slice::from_raw_parts(fresh, size) }.iter().all(|byte| *byte == 0));
                    held.push(Held::new(fresh, layout, mark));
                }
                3 => {
                    let mut old = held.swap_remove(size % held.len());
                    // SAFETY: the piece is of this allocator and of its layout.
                    old.piece = unsafe { allocator.realloc(old.piece, old.layout, size) };
                    let layout = Layout::from_size_align(size, old.layout.align()).unwrap();
                    assert!(old.is_whole(size.min(old.layout.size())), "{:?} to {size}", old.layout);
                    held.push(Held::new(old.piece, layout, mark));
                }
                _ => {
                    let old = held.swap_remove(size % held.len());
                    assert!(old.is_whole(old.layout.size()), "{:?}", old.layout);
                    // SAFETY: as above.
                    unsafe { allocator.dealloc(old.piece, old.layout) };
                }
            }
        }
        assert!(held.iter().all(|held| held.is_whole(held.layout.size())));
    }

    #[test]
    fn what_is_given_back_is_had_again_and_no_more_of_it_is_kept() {
        let allocator = Allocator::new();
        let layout = Layout::from_size_align(3_000, 8).unwrap();
        // SAFETY: the size is not zero; each piece goes back with its layout.
        unsafe {
            let (first, second) = (allocator.alloc(layout), allocator.alloc(layout));
            allocator.dealloc(first, layout);
            assert_eq!(allocator.alloc(layout), first);
            allocator.dealloc(first, layout);
            allocator.dealloc(second, layout);
            let many: Vec<_> = (0..100).map(|_| allocator.alloc(layout)).collect();
            assert_eq!(many[..2], [second, first]);
            many.into_iter().for_each(|piece| allocator.dealloc(piece, layout));
        }
        let class = Class::of(layout).unwrap();
        assert_eq!(allocator.heap().lists[class.index].length, KEPT_BYTES / class.size);
    }
}
