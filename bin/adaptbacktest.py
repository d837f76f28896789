"""SPL command adaptbacktest: the models against the static thresholds in place (commands/backtest.py)."""
import adaptboot  # noqa: F401  makes the vendored libraries importable
from adaptive_monitoring.commands.backtest import Backtest
from adaptive_monitoring.protocol.session import run

if __name__ == "__main__":
    raise SystemExit(run(Backtest))
