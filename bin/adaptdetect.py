"""SPL command adaptdetect: scores every row (commands/detect.py)."""
import adaptboot  # noqa: F401  makes the vendored libraries importable
from adaptive_monitoring.commands.detect import Detect
from adaptive_monitoring.protocol.session import run

if __name__ == "__main__":
    raise SystemExit(run(Detect))
