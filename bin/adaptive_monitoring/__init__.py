"""Adaptive Monitoring: learns what is normal for each host and says, inside Splunk, when it is not."""
