"""Write the JSON Schema of the stream: `make schema`, or run this with a file name."""

import sys
from pathlib import Path

from harness.play.stream.messages import schema_text

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
