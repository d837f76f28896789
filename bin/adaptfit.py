"""SPL command adaptfit: learns models and stores them as a lookup (commands/fit.py)."""
import adaptboot  # noqa: F401  makes the vendored libraries importable
from adaptive_monitoring.commands.fit import Fit
from adaptive_monitoring.protocol.session import run

if __name__ == "__main__":
    raise SystemExit(run(Fit))
