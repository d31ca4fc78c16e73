"""The live page: a class plays a visit, or somebody alone.

The life of a visit here. `start` lists who may come, by what the clinic knows; `rooms`
has the patient made, and lived, in threads; a `session.LiveSession` lives the visit
(`harness.play.stream`), takes what people want (`commands`), keeps what they predicted
and voted (`votes`), and folds the stream of messages into what the page shows
(`board`, `strips`). A `room.Room` has the windows that look on, each with a role
(`roles`), and lets the clock run (`pace`). `server` is the web server: pages, sockets,
limits. After the visit `debrief` opens the truth, part by part, and nothing before:
a message holds the instruments' readings and no more. `afterwards` has debrief and
reports made in a process `apart`.

The page is `static/`: plain HTML, CSS and JavaScript modules, which draw what they are
told.
"""
