"""SPL command adaptfeedback: operators' verdicts on alerts (commands/feedback.py)."""
import adaptboot  # noqa: F401  makes the vendored libraries importable
from adaptive_monitoring.commands.feedback import Feedback
from adaptive_monitoring.protocol.session import run

if __name__ == "__main__":
    raise SystemExit(run(Feedback))
