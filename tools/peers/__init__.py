"""What `tools/bench_peers` is made of; README.md beside this file says how."""
