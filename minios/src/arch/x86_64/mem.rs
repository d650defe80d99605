//! `memcpy` and friends, which the compiler calls and the prebuilt
//! `compiler_builtins` of this target does not export.
//!
//! Sixteen bytes at a time through SSE2, four registers deep; short lengths
//! and tails overlap instead of looping over bytes. The loops are written with
//! intrinsics so that the compiler cannot turn them back into calls to
//! themselves. All sizes are bytes.

use core::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8, _mm_storeu_si128,
};

/// Load sixteen bytes at `p + at`.
///
/// # Safety
/// The sixteen bytes must be readable.
#[inline(always)]
unsafe fn load(p: *const u8, at: usize) -> __m128i {
    // SAFETY: readable by the caller's word; the intrinsic needs no alignment.
    unsafe { _mm_loadu_si128(p.add(at).cast()) }
}

/// Store sixteen bytes at `p + at`.
///
/// # Safety
/// The sixteen bytes must be writable.
#[inline(always)]
unsafe fn store(p: *mut u8, at: usize, v: __m128i) {
    // SAFETY: writable by the caller's word; the intrinsic needs no alignment.
    unsafe { _mm_storeu_si128(p.add(at).cast(), v) }
}

/// Copy fewer than 16 bytes: two overlapping words of the largest fitting size.
///
/// # Safety
/// As `memmove`; both loads of each case happen before its stores.
#[inline(always)]
unsafe fn move_short(dst: *mut u8, src: *const u8, n: usize) {
    macro_rules! pair {
        ($t:ty) => {{
            let size = size_of::<$t>();
            let head = src.cast::<$t>().read_unaligned();
            let tail = src.add(n - size).cast::<$t>().read_unaligned();
            dst.cast::<$t>().write_unaligned(head);
            dst.add(n - size).cast::<$t>().write_unaligned(tail);
        }};
    }
    // SAFETY:
    // - bounds: each case covers [0, size) and [n - size, n) with size <= n;
    // - overlap: reads precede writes; alignment: unaligned accessors.
    unsafe {
        match n {
            8.. => pair!(u64),
            4.. => pair!(u32),
            2.. => pair!(u16),
            1 => dst.write(src.read()),
            _ => {}
        }
    }
}

/// Copy upwards; `n >= 16`. Right for `dst < src` and for disjoint ranges.
///
/// # Safety
/// As `memmove`, with `dst` not inside `(src, src + n)`.
#[inline(always)]
unsafe fn copy_up(dst: *mut u8, src: *const u8, n: usize) {
    // SAFETY:
    // - bounds: `at + 64 <= n`, `at + 16 <= n`, and the tail ends at `n >= 16`;
    // - overlap: the tail is loaded before any store could change it, and going
    //   up never overwrites what is still to be read when dst is below src.
    unsafe {
        let tail = load(src, n - 16);
        let mut at = 0;
        while at + 64 <= n {
            let (a, b) = (load(src, at), load(src, at + 16));
            let (c, d) = (load(src, at + 32), load(src, at + 48));
            store(dst, at, a);
            store(dst, at + 16, b);
            store(dst, at + 32, c);
            store(dst, at + 48, d);
            at += 64;
        }
        while at + 16 <= n {
            let a = load(src, at);
            store(dst, at, a);
            at += 16;
        }
        store(dst, n - 16, tail);
    }
}

/// Copy downwards; `n >= 16`. Right for `dst > src`.
///
/// # Safety
/// As `memmove`, with `dst` above `src`.
#[inline(always)]
unsafe fn copy_down(dst: *mut u8, src: *const u8, n: usize) {
    // SAFETY: mirror image of `copy_up`: the head is loaded first, and going
    // down never overwrites what is still to be read when dst is above src.
    unsafe {
        let head = load(src, 0);
        let mut left = n;
        while left >= 64 {
            let (a, b) = (load(src, left - 16), load(src, left - 32));
            let (c, d) = (load(src, left - 48), load(src, left - 64));
            store(dst, left - 16, a);
            store(dst, left - 32, b);
            store(dst, left - 48, c);
            store(dst, left - 64, d);
            left -= 64;
        }
        while left >= 16 {
            let a = load(src, left - 16);
            store(dst, left - 16, a);
            left -= 16;
        }
        store(dst, 0, head);
    }
}

/// C `memcpy`.
///
/// # Safety
/// `src` readable, `dst` writable for `n` bytes; disjoint.
#[cfg_attr(feature = "bare", unsafe(no_mangle))]
unsafe extern "C" fn memcpy(dst: *mut u8, src: *const u8, n: usize) -> *mut u8 {
    // SAFETY: disjoint ranges satisfy both helpers.
    unsafe {
        if n < 16 {
            move_short(dst, src, n);
        } else {
            copy_up(dst, src, n);
        }
    }
    dst
}

/// C `memmove`.
///
/// # Safety
/// `src` readable, `dst` writable for `n` bytes.
#[cfg_attr(feature = "bare", unsafe(no_mangle))]
unsafe extern "C" fn memmove(dst: *mut u8, src: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the direction is chosen by the order of the ranges, as each
    // helper asks; `dst - src` wrapping below `n` means dst lies inside src.
    unsafe {
        if n < 16 {
            move_short(dst, src, n);
        } else if (dst as usize).wrapping_sub(src as usize) >= n {
            copy_up(dst, src, n);
        } else {
            copy_down(dst, src, n);
        }
    }
    dst
}

/// C `memset`.
///
/// # Safety
/// `dst` writable for `n` bytes.
#[cfg_attr(feature = "bare", unsafe(no_mangle))]
unsafe extern "C" fn memset(dst: *mut u8, byte: i32, n: usize) -> *mut u8 {
    let byte = byte as u8;
    // SAFETY:
    // - bounds: as in `copy_up`; the short cases write [0, s) and [n - s, n), s <= n.
    unsafe {
        if n >= 16 {
            let v = _mm_set1_epi8(byte as i8);
            let mut at = 0;
            while at + 64 <= n {
                store(dst, at, v);
                store(dst, at + 16, v);
                store(dst, at + 32, v);
                store(dst, at + 48, v);
                at += 64;
            }
            while at + 16 <= n {
                store(dst, at, v);
                at += 16;
            }
            store(dst, n - 16, v);
        } else {
            let word = u64::from(byte) * 0x0101_0101_0101_0101;
            match n {
                8.. => {
                    dst.cast::<u64>().write_unaligned(word);
                    dst.add(n - 8).cast::<u64>().write_unaligned(word);
                }
                4.. => {
                    dst.cast::<u32>().write_unaligned(word as u32);
                    dst.add(n - 4).cast::<u32>().write_unaligned(word as u32);
                }
                2.. => {
                    dst.cast::<u16>().write_unaligned(word as u16);
                    dst.add(n - 2).cast::<u16>().write_unaligned(word as u16);
                }
                1 => dst.write(byte),
                _ => {}
            }
        }
    }
    dst
}

/// C `memcmp`.
///
/// # Safety
/// `a` and `b` readable for `n` bytes.
#[cfg_attr(feature = "bare", unsafe(no_mangle))]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    let mut at = 0;
    // SAFETY: every access is below `n` by its loop condition.
    unsafe {
        while at + 16 <= n {
            let equal = _mm_movemask_epi8(_mm_cmpeq_epi8(load(a, at), load(b, at)));
            if equal != 0xffff {
                at += (!equal).trailing_zeros() as usize;
                return i32::from(a.add(at).read()) - i32::from(b.add(at).read());
            }
            at += 16;
        }
        while at < n {
            let (x, y) = (a.add(at).read(), b.add(at).read());
            if x != y {
                return i32::from(x) - i32::from(y);
            }
            at += 1;
        }
    }
    0
}

/// BSD `bcmp`: zero when equal.
///
/// # Safety
/// As `memcmp`.
#[cfg_attr(feature = "bare", unsafe(no_mangle))]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: same contract.
    unsafe { memcmp(a, b, n) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths around every change of strategy.
    const LENGTHS: [usize; 17] = [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 63, 64, 65, 127, 130, 200,
    ];

    fn pattern(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i * 7 + 3) as u8).collect()
    }

    #[test]
    fn moves_agree_with_the_slice_method_for_every_overlap() {
        for n in LENGTHS {
            for from in [0usize, 1, 5, 16, 40, 70] {
                for to in [0usize, 1, 5, 16, 40, 70] {
                    let mut ours = pattern(300);
                    let mut theirs = ours.clone();
                    theirs.copy_within(from..from + n, to);
                    let base = ours.as_mut_ptr();
                    // SAFETY: both ranges end below 300.
                    unsafe { memmove(base.add(to), base.add(from), n) };
                    assert_eq!(ours, theirs, "n={n} from={from} to={to}");
                }
            }
        }
    }

    #[test]
    fn copy_set_and_compare_touch_exactly_their_range() {
        for n in LENGTHS {
            let src = pattern(256);
            let mut dst = vec![0xeeu8; 256];
            // SAFETY: 20 + n stays below 256.
            unsafe { memcpy(dst.as_mut_ptr().add(20), src.as_ptr().add(3), n) };
            assert_eq!(&dst[20..20 + n], &src[3..3 + n]);
            assert!(dst[..20].iter().chain(&dst[20 + n..]).all(|&b| b == 0xee));
            // SAFETY: as above.
            unsafe { memset(dst.as_mut_ptr().add(20), 0x15a, n) };
            assert!(dst[20..20 + n].iter().all(|&b| b == 0x5a));
            assert!(dst[..20].iter().chain(&dst[20 + n..]).all(|&b| b == 0xee));
        }
    }

    #[test]
    fn compare_orders_by_the_first_difference_as_unsigned_bytes() {
        for n in LENGTHS {
            let a = pattern(n);
            // SAFETY: both have n bytes.
            assert_eq!(unsafe { memcmp(a.as_ptr(), a.clone().as_ptr(), n) }, 0);
            for at in 0..n {
                let mut b = a.clone();
                b[at] = a[at].wrapping_add(1);
                let want = i32::from(a[at]) - i32::from(b[at]);
                // SAFETY: both have n bytes.
                let order = unsafe { memcmp(a.as_ptr(), b.as_ptr(), n) };
                assert_eq!(order, want, "n={n} at={at}");
            }
        }
    }
}
