"""launch.py MODULE:FUNCTION NAME ARG... runs what a package's console script runs."""
import importlib
import sys

module, function = sys.argv[1].split(':')
sys.argv = sys.argv[2:]
sys.exit(getattr(importlib.import_module(module), function)())
