"""nova-compute with our driver: Nova loads drivers from its own package only."""
import os

from nova.cmd import compute  # first: it patches the standard library
import nova.virt


def main():
    nova.virt.__path__.append(os.path.join(os.path.dirname(__file__), 'virt'))
    return compute.main()
