"""Bytes to records, bad ones set aside. `read_files` has the way in; `formats` knows names alone and is quick to import."""
