//! Pauses: a run that holds, what works meanwhile, and when it goes on.

use super::*;

#[test]
fn a_paused_run_holds_and_goes_on_to_the_identical_result() {
    let mut desk = Desk::new(Arc::default());
    let run = desk.runner().start(&long()).unwrap();
    desk.until(|desk| !desk.records(run).is_empty());
    desk.runner().pause(run);
    desk.until(|desk| desk.states(run).contains(&RunState::Paused));
    let (held, row) = (desk.records(run), desk.reader.run(run).unwrap());
    assert_eq!(row.state, RunState::Paused);
    assert!(held.len() < WHOLE.0.len());
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(desk.records(run), held);
    let resumed = Instant::now();
    desk.runner().resume(run).unwrap();
    desk.idle();
    assert_eq!(
        desk.states(run),
        [RunState::Queued, RunState::Running, RunState::Paused, RunState::Running, RunState::Done]
    );
    desk.assert_whole(run);
    // Rest is not work.
    let worked = desk.reader.run(run).unwrap().seconds - row.seconds;
    assert!(worked < resumed.elapsed().as_secs_f64() + 0.3, "{worked}");
}

#[test]
fn a_paused_run_lets_the_next_one_work_and_waits_for_its_place() {
    let (library, gate) = gated();
    let mut desk = Desk::new(library);
    let RunSpec::Certify(mut spec) = certify(1) else { unreachable!() };
    spec.model = "gated".to_owned();
    let first = desk.runner().start(&long()).unwrap();
    let next = desk.runner().start(&RunSpec::Certify(spec)).unwrap();
    let last = desk.runner().start(&certify(2)).unwrap();
    desk.until(|desk| !desk.records(first).is_empty());
    assert_eq!(desk.state(next), RunState::Queued);
    desk.runner().pause(first);
    // The next run works while the first one holds, and nothing else does.
    desk.until(|desk| gate.reached.load(Ordering::SeqCst) > 0 && desk.states(first).contains(&RunState::Paused));
    let held = desk.records(first);
    assert_eq!(
        (desk.state(first), desk.state(next), desk.state(last)),
        (RunState::Paused, RunState::Running, RunState::Queued)
    );
    // Asked to go on, it waits for the one that works; it can be paused again meanwhile, and changes its mind.
    for expected in [RunState::Queued, RunState::Paused, RunState::Queued] {
        match expected {
            RunState::Paused => desk.runner().pause(first),
            _ => desk.runner().resume(first).unwrap(),
        }
        assert_eq!(desk.state(first), expected);
    }
    assert_eq!(desk.records(first), held);
    gate.open();
    desk.idle();
    desk.assert_whole(first);
    assert_eq!([first, next, last].map(|run| desk.state(run)), [RunState::Done; 3]);
    // Before those that had not begun: a run that was paused has its place back first.
    let began = |run: RunId, nth: usize| {
        let running =
            |event: &Event| matches!(event, Event::State { run: of, state: RunState::Running, .. } if *of == run);
        desk.events.iter().enumerate().filter(|(_, event)| running(event)).nth(nth).unwrap().0
    };
    let ended = |run: RunId| {
        let done = |event: &Event| matches!(event, Event::State { run: of, state: RunState::Done, .. } if *of == run);
        desk.events.iter().position(done).unwrap()
    };
    assert!(ended(next) < began(first, 1) && ended(first) < began(last, 0), "{:?}", desk.events);
}

#[test]
fn a_paused_run_that_was_to_go_on_does_so_after_the_program_was_closed() {
    let (library, gate) = gated();
    let mut desk = Desk::new(library);
    let RunSpec::Certify(mut spec) = certify(1) else { unreachable!() };
    spec.model = "gated".to_owned();
    let [first, paused] = [long(), long()].map(|spec| desk.runner().start(&spec).unwrap());
    let next = desk.runner().start(&RunSpec::Certify(spec)).unwrap();
    for run in [first, paused] {
        desk.until(|desk| !desk.records(run).is_empty());
        desk.runner().pause(run);
        desk.until(|desk| desk.states(run).contains(&RunState::Paused));
    }
    desk.until(|_| gate.reached.load(Ordering::SeqCst) > 0);
    desk.runner().resume(first).unwrap();
    let runner = desk.runner.take().unwrap();
    // Were the gate opened first, the first run might have its place back before the end.
    runner.close();
    gate.open();
    runner.shut_down();
    assert_eq!((desk.state(first), desk.state(paused)), (RunState::Queued, RunState::Interrupted));
    desk.runner = Some(Runner::new(&desk.path, Arc::default(), Arc::new(|| {})).unwrap());
    desk.idle();
    assert_eq!((desk.state(first), desk.state(paused)), (RunState::Done, RunState::Interrupted));
    desk.assert_whole(first);
    // What the gated model was asked is not known to this library.
    assert!(matches!(desk.state(next), RunState::Interrupted | RunState::Done | RunState::Failed));
    desk.runner().resume(paused).unwrap();
    desk.idle();
    desk.assert_whole(paused);
}
