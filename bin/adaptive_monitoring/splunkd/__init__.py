"""The only importer of splunklib: client.py REST."""
