"""``python -m tests.releases VERSION``: write the dump of a release that is being made."""

import sys
import tempfile
from pathlib import Path

from models import schema
from tests import application
from tests.releases import write

CUSTOMERS = "60"


def main(version: str) -> None:
    """Make a demo shop on SQLite and write its dump."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'shop.db'}"
        runner = application.make(url).test_cli_runner()
        for arguments in (["up"], ["demo", "--customers", CUSTOMERS]):
            done = runner.invoke(args=arguments)
            if done.exit_code:
                sys.exit(done.output)
        sys.stdout.write(f"{write(schema.open_engine(url), version)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
