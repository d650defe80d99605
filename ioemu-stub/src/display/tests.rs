//! Displays: what is drawn for whom, and when.

use super::pace::{Pace, SHORTEST, Situation};
use super::*;

const MS: u64 = 1_000_000;

fn looking(unseen: bool, blinks: bool) -> Situation {
    Situation {
        attention: Attention::Every(Duration::from_millis(30)),
        unseen,
        blinks,
    }
}

#[test]
fn what_tells_of_its_changes_is_never_looked_for() {
    let mut pace = Pace::default();
    pace.looked(5, true);
    assert_eq!(pace.next(looking(false, false)), None);
    let nobody = Situation {
        attention: Attention::Nobody,
        ..looking(true, true)
    };
    assert_eq!(pace.next(nobody), None);
}

#[test]
fn a_frame_buffer_is_looked_at_less_and_less_until_it_changes() {
    let mut pace = Pace::default();
    let mut now = 0;
    pace.looked(now, true);
    let mut gaps = Vec::new();
    for _ in 0..8 {
        let next = pace.next(looking(true, false)).unwrap();
        gaps.push((next - now) / MS);
        now = next;
        pace.looked(now, false);
    }
    assert_eq!(gaps, [33, 66, 132, 264, 528, 1000, 1000, 1000]);
    // A viewer that is slower than that is not hurried.
    let slow = Situation {
        attention: Attention::Every(Duration::from_secs(3)),
        ..looking(true, false)
    };
    assert_eq!(pace.next(slow).unwrap() - now, 3000 * MS);
    pace.stir();
    assert_eq!(pace.next(looking(true, false)).unwrap() - now, 33 * MS);
    pace.looked(now, true);
    assert_eq!(pace.next(looking(true, false)).unwrap() - now, 33 * MS);
}

#[test]
fn blinking_stops_a_while_after_the_last_change() {
    let mut pace = Pace::default();
    pace.looked(0, true);
    let mut now = 0;
    let mut looks = 0;
    let mut phases = Vec::new();
    while let Some(next) = pace.next(looking(false, true)) {
        now = next;
        phases.push(pace.blink(now));
        pace.looked(now, false);
        looks += 1;
        assert!(looks < 100, "for ever");
    }
    assert!((10_000 * MS..11_000 * MS).contains(&now));
    assert!(phases.iter().any(|blink| !blink.cursor));
    assert!(phases.iter().any(|blink| !blink.characters));
    assert_eq!(phases.last(), Some(&Blink::REST));
}

#[test]
fn no_two_looks_are_nearer_than_a_frame() {
    let mut pace = Pace::default();
    assert_eq!(pace.not_before(), 0, "the first one is at once");
    pace.looked(7, true);
    assert_eq!(pace.not_before(), 7 + SHORTEST.as_nanos() as u64);
}

#[test]
fn damage_is_gathered_without_bound_but_not_without_end() {
    let mut damage = Damage::default();
    let dot = |x, y| Rect {
        x,
        y,
        width: 1,
        height: 1,
    };
    damage.add(dot(3, 3));
    damage.add(Rect {
        x: 0,
        y: 0,
        width: 5,
        height: 5,
    });
    damage.add(dot(4, 4));
    assert_eq!(damage.take().len(), 1, "one holds the others");
    for i in 0..100 {
        damage.add(dot(2 * i, 3 * i));
    }
    let rects = damage.take();
    assert!(rects.len() <= 32);
    for i in 0..100 {
        let point = dot(2 * i, 3 * i);
        assert!(rects.iter().any(|rect| {
            rect.x <= point.x
                && rect.y <= point.y
                && rect.x + rect.width > point.x
                && rect.y + rect.height > point.y
        }));
    }
    assert!(damage.is_empty());
}

#[test]
fn parts_outside_the_picture_are_cut_off() {
    let rect = Rect {
        x: 10,
        y: 10,
        width: 100,
        height: u32::MAX,
    };
    let cut = rect.within(50, 20).unwrap();
    assert_eq!((cut.x, cut.y, cut.width, cut.height), (10, 10, 40, 10));
    assert_eq!(rect.within(10, 20), None);
    assert_eq!(rect.within(50, 5), None);
}

/// A picture of one colour, in which one line may change.
struct Plain {
    geometry: Geometry,
    changed: Vec<Rect>,
}

impl Source for Plain {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn collect(&mut self, _: Blink) -> Vec<Rect> {
        core::mem::take(&mut self.changed)
    }

    fn draw(&self, part: Rect, sink: &mut dyn FnMut(u32, u32, &[u32])) {
        for y in part.y..part.y + part.height {
            sink(part.x, y, &alloc::vec![0x12_3456; part.width as usize]);
        }
    }

    fn changes_unseen(&self) -> bool {
        false
    }

    fn blinks(&self) -> bool {
        false
    }

    fn poll_change(&mut self, _: &Waker) -> bool {
        !self.changed.is_empty()
    }
}

/// What a viewer is told, and how it behaves.
#[derive(Default)]
struct Seen {
    away: bool,
    busy: bool,
    shown: Vec<Vec<Rect>>,
}

struct Watcher(Rc<RefCell<Seen>>);

impl Viewer for Watcher {
    fn attention(&self) -> Attention {
        if self.0.borrow().away {
            Attention::Nobody
        } else {
            Attention::Every(Duration::from_millis(30))
        }
    }

    fn is_ready(&self) -> bool {
        !self.0.borrow().busy
    }

    fn show(&mut self, _: &dyn Source, damage: &[Rect]) {
        self.0.borrow_mut().shown.push(damage.to_vec());
    }
}

#[test]
fn each_viewer_sees_what_it_has_not_seen_yet() {
    let source = Rc::new(RefCell::new(Plain {
        geometry: Geometry {
            width: 64,
            height: 32,
            direct: None,
        },
        changed: Vec::new(),
    }));
    let line = |y| Rect {
        x: 0,
        y,
        width: 64,
        height: 1,
    };
    let all = Rect {
        height: 32,
        ..line(0)
    };
    let mut display = Display::new(source.clone());
    let seen = [0, 1].map(|_| Rc::new(RefCell::new(Seen::default())));
    for seen in &seen {
        display.add(Box::new(Watcher(seen.clone())));
    }
    seen[1].borrow_mut().busy = true;
    assert!(!display.look(Blink::REST));
    assert_eq!(seen[0].borrow_mut().shown, [[all]]);
    assert!(seen[1].borrow().shown.is_empty());
    // Only what changed; the busy one still owes itself everything.
    source.borrow_mut().changed.push(line(3));
    assert!(display.look(Blink::REST));
    assert_eq!(seen[0].borrow_mut().shown.pop(), Some([line(3)].to_vec()));
    assert!(display.is_behind());
    seen[1].borrow_mut().busy = false;
    assert!(!display.look(Blink::REST));
    assert_eq!(seen[1].borrow_mut().shown, [[all]]);
    assert!(!display.is_behind());
    // Another size is another picture.
    source.borrow_mut().geometry.height = 16;
    display.look(Blink::REST);
    let half = Rect { height: 16, ..all };
    assert_eq!(seen[0].borrow_mut().shown.pop(), Some([half].to_vec()));
    // Nobody looks.
    for seen in &seen {
        seen.borrow_mut().away = true;
    }
    assert_eq!(display.attention(), Attention::Nobody);
}

#[test]
fn a_screenshot_is_a_portable_pixmap() {
    let source = Plain {
        geometry: Geometry {
            width: 2,
            height: 1,
            direct: None,
        },
        changed: Vec::new(),
    };
    let shot = Screenshot::of(&source);
    assert_eq!(shot.ppm(), b"P6\n2 1\n255\n\x12\x34\x56\x12\x34\x56");
    assert_eq!((shot.pixel(1, 0), shot.pixel(2, 0)), (0x12_3456, 0));
}
