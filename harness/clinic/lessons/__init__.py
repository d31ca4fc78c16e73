"""Lessons: a visit that is played step by step, with words, predictions and checks.

What the page needs, in the order of a lesson's life::

    lesson = load_lesson("one_beat")           # or a path; one ScenarioError with all
    live = lesson.begin()                      # the visit, brought to `lesson.start`
    state = LessonState.begun(lesson)
    ...
    state = state.advance(lesson, event)       # for every event, in order
    step = state.step_of(lesson)               # what to show; None after the last one

An event is a message of the stream (`harness.play.stream.messages`), or what the class
did: `Predicted`, `WentOn`, `Answered`. A message counts for the check of the present
step once its prediction is given; `state.met` tells that the check is done, and
`WentOn` leads to the next step. `step.inject` is what the page lets happen at that
step, when the teacher says so. `lesson.revealed` opens the truth from the beginning.

`LessonState` is plain values: `state.table()` and `LessonState.from_table` write and
read it, so that with the visit's log of actions a lesson goes on wherever a page was
reloaded; messages that were told before are passed over by their number.

`lesson` has the model, `checks` the predicates that a file may name, `reader` reads
files, `state` is the progress, `gift` and `plan` print questions and a page.
"""
