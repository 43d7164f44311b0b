"""An OpenStack control plane on one machine, for tests."""
