"""The demo: the main job on real labelled metrics, through the real command scripts, without Splunk."""
