"""Runs what stands in the test_*.py beside it, and closes with the line that tests/clients/run reads."""

import sys
import unittest
from pathlib import Path


def main(wanted):
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{part}*" for part in wanted] or None
    tests = loader.discover(str(Path(__file__).parent))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    # A test that is skipped shows nothing, and neither do none at all.
    failed = len(result.failures) + len(result.errors) + len(result.skipped) + len(result.unexpectedSuccesses)
    passed = result.testsRun - failed
    print(f"{max(passed, 0)} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
