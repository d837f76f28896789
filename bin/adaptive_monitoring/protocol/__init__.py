"""splunkd's chunked protocol, version 2: chunks.py framing, body.py CSV, session.py the getinfo/execute loop."""
