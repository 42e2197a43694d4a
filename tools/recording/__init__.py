"""What tools/record_reference.py is made of: the trace file, the hooks that fill it, pictures and videos."""
